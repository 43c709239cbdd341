// A chain begun and not finished, for one key: plain data, so that it can be written down and read again.
import { Packr, Unpackr } from 'msgpackr';
import type { Matched } from '../schema/finding.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import { FIELDS } from '../schema/gen/structures.gen.ts';
import { PLACES } from '../schema/order.ts';
import type { Bound } from './bindings.ts';
import type { Tally } from './tally.ts';

export interface Partial {
  /** Unique in the engine, and in order of creation. */
  readonly id: number;
  readonly rule: string;
  readonly ruleHash: string;
  /** Of the rule's steps and binds: another text of it with the same shape can go on with this. */
  readonly shape: string;
  readonly key: string;
  /** Index of the group that comes next, or is half met. */
  next: number;
  /** Steps of that group that have matched: a bit each. */
  met: number;
  /** Groups that can no longer be skipped to: what must not come before them has come. */
  barred: number[];
  bound: Bound;
  readonly steps: Matched[];
  /** Packet times of the first match, of the end of the last whole group, and of the last match [us]. */
  readonly first: number;
  base: number;
  last: number;
  /** The partial ends here, decided by window, within or a trailing absence [us]. */
  deadline: number;
  /** The highest score among its signals, 0 without one: what goes first when there is no room. */
  score: number;
  /** What the aggregates that may come next have counted since `base`, by step. */
  tallies: Record<string, Tally>;
  readonly flags: string[];
}

/** An alert that may still be extended by its episode. */
export interface OpenAlert {
  readonly rule: string;
  readonly key: string;
  readonly episode: string;
  readonly partials: readonly string[];
  readonly starts: readonly string[];
  readonly steps: readonly Matched[];
  readonly others: readonly (readonly Matched[])[];
  readonly bound: Bound;
  readonly flags: readonly string[];
  revision: number;
  readonly issued: number;
  readonly until: number;
}

/** A key that rests after its alert. */
export interface Rest {
  readonly slot: string;
  readonly until: number;
}

/** What an aggregate that begins a chain has counted for one key. */
export interface Beginning {
  readonly slot: string;
  readonly tally: Tally;
}

type Kept = Partial | OpenAlert | Rest | Beginning;
const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

export const pack = (value: Kept): Uint8Array => new Uint8Array(packr.pack(value));
export const unpack = <T extends Kept>(bytes: Uint8Array): T => unpackr.unpack(bytes) as T;

/** A matched record without names: most of what it says is what its fields are called. */
type PackedStep = readonly [
  ...head: [string, string, string, Uint8Array | string, number, number, string | null, boolean],
  ...texts: [readonly string[], Matched['hosts'], Matched['hostNames']],
  /** Number and value of each field that has one. */
  fields: readonly unknown[],
  /** Those by name, of what is no record of the schema. */
  named: Readonly<Record<string, unknown>>,
];

const HASH = /^(?:[0-9a-f]{2})+$/;
/** Fields of a kind by number: they are appended and never reordered, so a number means the same in every version. */
interface Numbered {
  readonly names: readonly string[];
  readonly index: ReadonlyMap<string, number>;
  /** What a field that is always there is when it is nothing: not written, and there again when read. */
  readonly nothing: ReadonlyMap<string, string | number | boolean>;
}
function numbered(kind: KindName): Numbered {
  const names = FIELDS[kind].map((f) => f.name);
  const nothing = new Map<string, string | number | boolean>();
  for (const { name, type, list, optional } of FIELDS[kind]) {
    if (list || optional || PLACES.has(name)) continue;
    nothing.set(name, type === 'bool' ? false : TEXTS.has(type) ? '' : 0);
  }
  return { names, index: new Map(names.map((name, i) => [name, i])), nothing };
}
const TEXTS = new Set(['text', 'ip', 'uid', 'mac']);
const KINDS = new Map(Object.keys(FIELDS).map((kind) => [kind, numbered(kind as KindName)]));

function packStep(m: Matched): PackedStep {
  const kind = KINDS.get(m.kind);
  const numbers: [number, unknown][] = [];
  const named: Record<string, unknown> = {};
  const head: Readonly<Record<string, unknown>> = { ts: m.ts, seen: m.seen, uid: m.uid };
  for (const [name, value] of Object.entries(m.values)) {
    const i = kind?.index.get(name);
    // Of a record that was cut it is not known what is nothing and what is missing.
    if (i !== undefined && !m.cut && (value === kind?.nothing.get(name) || value === head[name])) continue;
    if (i === undefined) named[name] = value;
    else numbers.push([i, value]);
  }
  const fields = numbers.sort(([a], [b]) => a - b).flat();
  const hash = HASH.test(m.hash) ? Buffer.from(m.hash, 'hex') : m.hash;
  return [
    ...([m.step, m.kind, m.ref, hash, m.ts, m.seen, m.uid, m.cut] as const),
    ...([m.why, m.hosts, m.hostNames, fields, named] as const),
  ];
}

function unpackStep(p: PackedStep): Matched {
  const [step, kind, ref, hash, ts, seen, uid, cut, why, hosts, hostNames, fields, named] = p;
  const { names = [], nothing } = KINDS.get(kind) ?? {};
  const values: Record<string, unknown> = { ...named };
  const head: Readonly<Record<string, unknown>> = cut ? {} : { ts, seen, uid: uid ?? undefined };
  // In the order of the schema, as the record had them.
  let at = 0;
  for (const [i, name] of names.entries()) {
    if (fields[at] === i) {
      values[name] = fields[at + 1];
      at += 2;
    } else {
      const value = head[name] ?? (cut ? undefined : nothing?.get(name));
      if (value !== undefined) values[name] = value;
    }
  }
  const text = typeof hash === 'string' ? hash : Buffer.from(hash).toString('hex');
  return { step, kind, ref, hash: text, ts, seen, uid, values, cut, hosts, hostNames, why };
}

/** In this order, for ever: what is added comes last. */
const MEMBERS = [
  ...(['id', 'rule', 'ruleHash', 'shape', 'key', 'next', 'met', 'barred', 'bound', 'first', 'base', 'last'] as const),
  ...(['deadline', 'score', 'tallies', 'flags'] as const),
];

export const packPartial = (p: Partial): Uint8Array =>
  new Uint8Array(packr.pack([MEMBERS.map((name) => p[name]), p.steps.map(packStep)]));
export function unpackPartial(bytes: Uint8Array): Partial {
  const [members, steps] = unpackr.unpack(bytes) as [unknown[], PackedStep[]];
  const kept = Object.fromEntries(MEMBERS.map((name, i) => [name, members[i]]));
  return { ...(kept as unknown as Omit<Partial, 'steps'>), steps: steps.map(unpackStep) };
}
