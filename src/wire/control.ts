// Control messages: a byte 2, then one small msgpack map. What a stranger sends is walked by our own few lines before
// msgpackr sees it: bytes of the message bound everything, so a length that lies is refused where it stands.
import { Packr, Unpackr } from 'msgpackr';
import { z } from 'zod';
import { SENSOR_NAME } from '../config/schema.ts';
import { MESSAGE, type WireFault } from './frame.ts';

export const PROTOCOL = 1;
export const CONTROL_BYTES_MAX = 4096;
export const CONTROL_DEPTH_MAX = 3;
export const CONTROL_ITEMS_MAX = 32;
export const CONTROL_TEXT_MAX = 512;

/** As folders have it: an interface's name. */
export const CHAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,31}$/;
/** Manifests in one message. */
export const SEALS_MAX = 32;

const whole = z.int().min(0);
const text = z.string().max(CONTROL_TEXT_MAX);
const position = z.strictObject({ epoch: whole, seq: whole });
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const signature = z.string().regex(/^[A-Za-z0-9+/]{86}==$/);
const chain = z.string().regex(CHAIN_NAME);

/** Why a collector does not go on. The sensor keeps its spool whatever the answer. */
export const REFUSALS = [
  ...['protocol', 'schema', 'identity', 'epoch_rollback', 'replaced', 'gap', 'frame', 'records', 'order', 'credit'],
  ...['disk_full', 'storage', 'overload', 'deadline', 'closing', 'revoked', 'enroll'],
] as const;
export type Refusal = (typeof REFUSALS)[number];

/** Why a sensor hands out no packets, or not all. */
export const PULL_FAULTS = [
  /** Its configuration does not let the collector have any. */
  'denied',
  /** As many pulls as it serves at once are under way; or there were too many of late, or too many bytes. */
  'busy',
  'rate',
  /** The filter means nothing, or the uid is none. */
  'filter',
  /** There is more, and this is as much as was asked for, or as the sensor lets go. */
  'cap',
  'stopped',
  /** Its disk, or its custody log, which comes first. */
  'unreadable',
] as const;
export type PullFault = (typeof PULL_FAULTS)[number];

const MESSAGES = {
  /** Sensor: who, which life, how its records are written, and up to where all was acked before. */
  hello: z.strictObject({
    t: z.literal('hello'),
    protocol: z.int().min(1),
    sensor: z.string().regex(SENSOR_NAME),
    epoch: z.int().min(1),
    schema: z.int().min(1),
    acked: position,
    /** Frames after this one come in a stream of their own, beside the backlog. */
    live: position.nullable(),
    software: text,
    /** The collector may ask for packets that are kept there. */
    pull: z.boolean(),
  }),
  /** Collector: what it has of the epoch of `acked` without a hole, and how much may be under way. */
  welcome: z.strictObject({
    t: z.literal('welcome'),
    mark: position,
    live: z.boolean(),
    frames: z.int().min(1),
    bytes: z.int().min(1),
  }),
  /** Collector: durable here, all of the backlog's stream to `mark` and of the live one to `live`. */
  ack: z.strictObject({ t: z.literal('ack'), mark: position, live: position.nullable() }),
  /** Collector: how much may be under way from now on. */
  credit: z.strictObject({ t: z.literal('credit'), frames: z.int().min(1), bytes: z.int().min(1) }),
  /**
   * Sensor: these follow the first `from` manifests of this chain of seals; which hashes them as leaves of RFC 6962.
   * Signed with the evidence key, over `headText`. None: how far does the collector know it?
   */
  seals: z.strictObject({
    ...{ t: z.literal('seals'), chain, from: whole, hashes: z.array(hash).max(SEALS_MAX), key: text, sig: signature },
  }),
  /** Collector: it knows so many of this chain, and countersigns them; or why not. Its key, PEM. */
  receipt: z.strictObject({
    ...{ t: z.literal('receipt'), chain, leaves: whole, text, sig: z.union([signature, z.literal('')]), key: text },
    fault: z.enum(['', 'fork', 'key', 'chains', 'storage']),
  }),
  /**
   * Collector: packets that are kept there, as pieces (piece.ts): those of the flow `uid` or of all flows when it is
   * '', which pass `filter`, of these packet times [us], both included. `actor` wants them, for `reason`. So much in
   * all, and so much before a `more` [bytes].
   */
  pull: z.strictObject({
    ...{ t: z.literal('pull'), id: whole, uid: z.string().max(12), filter: text, from: whole, to: whole },
    ...{ actor: z.string().max(128), reason: text, bytes: whole, window: whole },
  }),
  /** Collector: there is room for all of this pull up to here [bytes]. */
  more: z.strictObject({ t: z.literal('more'), id: whole, to: whole }),
  /** Collector: nobody wants the rest of it. */
  drop: z.strictObject({ t: z.literal('drop'), id: whole }),
  /** Sensor: that was all of it, or why not; and what was not kept of that time. */
  pulled: z.strictObject({
    ...{ t: z.literal('pulled'), id: whole, fault: z.enum(['', ...PULL_FAULTS]), detail: text },
    /** What was sent: its packets, its bytes and their SHA-256, which the sensor's custody log has too. */
    ...{ packets: whole, bytes: whole, sha256: z.union([hash, z.literal('')]) },
    /** Segments of the time: looked at, and deleted since. */
    ...{ segments: whole, deleted: whole },
    /** Packets of them that a cutoff left out, and that could not be kept: of all flows. */
    ...{ cutoff: whole, notKept: whole },
    /** Times of which nothing was kept, restarts among them. */
    ...{ gaps: whole },
  }),
  /** Collector: no, why, and how long the sensor should wait at least. The connection ends. */
  refuse: z.strictObject({
    t: z.literal('refuse'),
    code: z.enum(REFUSALS),
    reason: text,
    wait_s: z.int().min(0).max(3600),
  }),
} as const;

export type Position = z.output<typeof position>;
export type Hello = z.output<(typeof MESSAGES)['hello']>;
export type Welcome = z.output<(typeof MESSAGES)['welcome']>;
export type Ack = z.output<(typeof MESSAGES)['ack']>;
export type Credit = z.output<(typeof MESSAGES)['credit']>;
export type Seals = z.output<(typeof MESSAGES)['seals']>;
export type Receipt = z.output<(typeof MESSAGES)['receipt']>;
export type Pull = z.output<(typeof MESSAGES)['pull']>;
export type More = z.output<(typeof MESSAGES)['more']>;
export type Drop = z.output<(typeof MESSAGES)['drop']>;
export type Pulled = z.output<(typeof MESSAGES)['pulled']>;
export type Refuse = z.output<(typeof MESSAGES)['refuse']>;
export type Control = Hello | Welcome | Ack | Credit | Seals | Receipt | Pull | More | Drop | Pulled | Refuse;

/** What an evidence key signs when it shows the head of a chain. */
export const headText = (h: { sensor: string; chain: string; leaves: number; last: string }): string =>
  `catenary-head v1\nsensor=${h.sensor}\nchain=${h.chain}\nleaves=${h.leaves}\nlast=${h.last}\n`;

const packr = new Packr({ useRecords: false, variableMapSize: true });
// Records off: a byte 0x40 is the number 64, and nothing of a message becomes code.
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' });

export function encodeControl(message: Control): Buffer {
  const body = packr.pack(message);
  if (body.length + 1 > CONTROL_BYTES_MAX) throw new RangeError(`a control message of ${body.length} bytes`);
  return Buffer.concat([Buffer.of(MESSAGE.control), body]);
}

/** Where a msgpack value ends that keeps to our limits; a text says why it does not. */
function walk(b: Buffer, start: number, depth: number): number | string {
  let at = start;
  const need = (n: number): boolean => at + n <= b.length;
  if (!need(1)) return 'cut off';
  const head = b[at++] as number;
  const many = (items: number, perItem: number): number | string => {
    if (items > CONTROL_ITEMS_MAX) return `${items} items`;
    if (depth >= CONTROL_DEPTH_MAX) return 'nested too deep';
    for (let i = 0; i < items * perItem; i++) {
      if (perItem === 2 && i % 2 === 0 && !isText(b[at])) return 'a key that is no text';
      const end = walk(b, at, depth + 1);
      if (typeof end === 'string') return end;
      at = end;
    }
    return at;
  };
  const textOf = (n: number): number | string => {
    if (n > CONTROL_TEXT_MAX) return `a text of ${n} bytes`;
    return need(n) ? at + n : 'cut off';
  };
  if (head < 0x80 || head >= 0xe0 || head === 0xc0 || head === 0xc2 || head === 0xc3) return at;
  if (head < 0x90) return many(head & 0x0f, 2);
  if (head < 0xa0) return many(head & 0x0f, 1);
  if (head < 0xc0) return textOf(head & 0x1f);
  const fixed = FIXED.get(head);
  if (fixed !== undefined) return need(fixed) ? at + fixed : 'cut off';
  const bytes = LENGTH.get(head);
  if (bytes === undefined) return `a value of type 0x${head.toString(16)}`;
  if (!need(bytes)) return 'cut off';
  const n = b.readUIntBE(at, bytes);
  at += bytes;
  if (head >= 0xd9 && head <= 0xdb) return textOf(n);
  return many(n, head >= 0xde ? 2 : 1);
}
const isText = (head: number | undefined): boolean =>
  head !== undefined && ((head >= 0xa0 && head < 0xc0) || head === 0xd9 || head === 0xda || head === 0xdb);
/** Numbers; binary and extensions have no place here. */
const FIXED: ReadonlyMap<number, number> = new Map([
  ...([
    [0xca, 4],
    [0xcb, 8],
    [0xcc, 1],
    [0xcd, 2],
    [0xce, 4],
    [0xcf, 8],
  ] as const),
  ...([
    [0xd0, 1],
    [0xd1, 2],
    [0xd2, 4],
    [0xd3, 8],
  ] as const),
]);
const LENGTH: ReadonlyMap<number, number> = new Map([
  [0xd9, 1],
  [0xda, 2],
  [0xdb, 4],
  [0xdc, 2],
  [0xdd, 4],
  [0xde, 2],
  [0xdf, 4],
]);

const malformed = (message: string): WireFault => ({ code: 'malformed', message });

/** A control message from a stranger, of one of the types that are expected now. */
export function decodeControl<T extends Control['t']>(
  message: Buffer,
  expected: readonly T[],
): Extract<Control, { t: T }> | WireFault {
  if (message.length > CONTROL_BYTES_MAX) return { code: 'too_large', message: `${message.length} bytes` };
  if (message[0] !== MESSAGE.control) return malformed('not a control message');
  const end = walk(message, 1, 0);
  if (typeof end === 'string') return malformed(end);
  if (end !== message.length) return malformed('bytes after its end');
  const value: unknown = unpackr.unpack(message.subarray(1));
  const type = (value as { t?: unknown } | null)?.t;
  const name = expected.find((t) => t === type);
  if (name === undefined) return malformed(`not one of ${expected.join(', ')}`);
  const parsed = MESSAGES[name].safeParse(value);
  if (parsed.success) return parsed.data as Extract<Control, { t: T }>;
  const issue = parsed.error.issues[0];
  return malformed(`${name}: ${issue?.path.join('.')}: ${issue?.message}`.slice(0, CONTROL_TEXT_MAX));
}
