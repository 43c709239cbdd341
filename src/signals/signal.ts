// What a signal is: a definition, what it keeps, and what it says.
//
// A signal watches some kinds of events and says "this entity behaves like that", with a score and the values behind
// it. It never pages anyone: chains make alerts. A definition is data plus one function that makes the running thing;
// it gets packet time, its memory and its settings from the dispatcher, and nothing else. What it must remember
// itself it keeps in a Keyed (keyed.ts), so that nothing grows without a bound and a restart forgets nothing.
import { createHash } from 'node:crypto';
import type { EventOf, KindName, SignalEvent } from '../schema/gen/events.gen.ts';
import type { HostRef, Memory, Observation } from '../schema/observation.ts';
import type { Codec, Index, Keyed, KeyedLimits } from './keyed.ts';
import type { Names } from './names.ts';

export const SECOND = 1_000_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The UTC day of a packet time, as a number. */
export const dayOf = (us: number): number => Math.floor(us / DAY);

/** Thresholds and lists that a configuration may change; durations end in a unit: `idle_hours`. */
export type Settings = Readonly<Record<string, number | readonly string[]>>;

/** What a signal says; the dispatcher makes the record of it. */
export interface Draft {
  readonly score: number;
  readonly phase: 'once' | 'opened' | 'continues' | 'closed';
  /** Id of the continuing condition; none for `once`. */
  readonly episode?: string;
  readonly key: string;
  readonly first: number;
  readonly last: number;
  readonly count: number;
  readonly src?: HostRef | undefined;
  readonly srcIp?: string | null;
  /** Overrides src.id where a record holds the host as a text. */
  readonly srcHost?: string | null;
  readonly dst?: HostRef | undefined;
  readonly dstIp?: string | null;
  readonly dstPort?: number | null;
  readonly dstName?: string | null;
  readonly user?: string | null;
  readonly sha256?: string | null;
  readonly uids: readonly string[];
  readonly refs: readonly string[];
  /** What the id is made of besides name, version, phase and key: the same on every machine, so never a ref. */
  readonly inputs: readonly string[];
  readonly features: Readonly<Record<string, number>>;
  readonly explanation: string;
  /** Defaults to the definition's. */
  readonly attack?: readonly string[];
  /** Packet times of the record; default: of the event that is being dispatched. */
  readonly ts?: number;
  readonly seen?: number;
  readonly source?: 'analytic' | 'intel';
  readonly retro?: boolean;
}

export type Emit = (draft: Draft) => void;

export type Handlers<K extends KindName> = {
  readonly [P in K]: (obs: Observation<P>, event: EventOf[P], emit: Emit) => void;
};

/** What the dispatcher gives to a signal when it makes it run. */
export interface Context<S extends Settings> {
  readonly settings: S;
  readonly memory: Memory;
  /** Which name a host knew an address by; kept by the dispatcher for signals that say `names: true`. */
  readonly names: Names;
  /** A bounded, durable table of this signal. `table` is part of its key on disk: never reuse one for another shape. */
  keyed<T>(table: string, limits: KeyedLimits, codec: Codec<T>, index?: Index<T>): Keyed<T>;
}

export interface Running<K extends KindName> {
  readonly on: Handlers<K>;
  /**
   * Packet time has come to `now`: say what silence says. Called with Infinity when the input is over; `end` is then
   * the last packet time there was. Returns the next time at which something could be due; a deadline that an event
   * sets later must lie an hour ahead of that event at least, or it could be missed until the next turn.
   */
  readonly advance?: (now: number, end: number, emit: Emit) => number;
}

export interface SignalDefinition<K extends KindName = KindName, S extends Settings = Settings> {
  /** The folder's name: the behaviour, not the tool. */
  readonly id: string;
  /** Counted up when the same input gives another output. */
  readonly version: number;
  readonly brief: string;
  readonly attack: readonly string[];
  readonly needs: readonly K[];
  /** Wants `names` to be kept. */
  readonly names?: boolean;
  /** Most bytes of state, in all, and what they hold. */
  readonly budget: { readonly bytes: number; readonly holds: string };
  readonly settings: S;
  run(context: Context<S>): Running<K>;
}

/** Checks nothing at run time: it is where the compiler checks that handlers fit `needs` and settings fit their use. */
export function defineSignal<const K extends KindName, S extends Settings>(
  definition: SignalDefinition<K, S>,
): SignalDefinition<K, S> {
  return definition;
}

/** 16 hex digits of SHA-256 over the parts; no two lists of parts give the same text. */
export function digest(parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/** 0..1, three decimals: more would be noise in every record and its hash. */
export const score01 = (x: number): number => Math.round(Math.min(1, Math.max(0, x)) * 1000) / 1000;

/** Values in records are rounded alike on every machine: six significant digits. */
const significant = (x: number): number => (Number.isFinite(x) ? Number(x.toPrecision(6)) : 0);

const MAX_UIDS = 17;
const MAX_KEY = 512;

/** Caps of the schema, by characters that are at least a byte each; the encoder says `cut` where bytes are more. */
export function toSignal(
  definition: SignalDefinition,
  d: Draft,
  cause: { readonly ts: number; readonly seen: number },
): SignalEvent {
  const srcHost = d.srcHost ?? d.src?.id ?? null;
  const dstHost = d.dst?.id ?? null;
  const entities = new Set<string>();
  if (srcHost !== null) entities.add(`host:${srcHost}`);
  if (dstHost !== null) entities.add(`host:${dstHost}`);
  if (d.dstName) entities.add(`domain:${d.dstName}`);
  if (d.sha256) entities.add(`file:${d.sha256}`);
  if (d.user) entities.add(`user:${d.user}`);
  const seen = d.seen ?? cause.seen;
  const features = Object.keys(d.features);
  return {
    ts: d.ts ?? cause.ts,
    seen,
    cut: false,
    id: digest([definition.id, definition.version, d.phase, d.key, ...[...d.inputs].sort()]),
    name: definition.id,
    version: definition.version,
    source: d.source ?? 'analytic',
    score: score01(d.score),
    phase: d.phase,
    episode: d.episode ?? null,
    key: d.key.slice(0, MAX_KEY),
    first: d.first,
    last: d.last,
    count: d.count,
    entities: [...entities].sort(),
    src_ip: d.srcIp ?? null,
    src_host: srcHost,
    dst_ip: d.dstIp ?? null,
    dst_host: dstHost,
    dst_port: d.dstPort ?? null,
    dst_name: d.dstName ?? null,
    user: d.user ?? null,
    sha256: d.sha256 ?? null,
    uids: [...new Set(d.uids)].slice(0, MAX_UIDS),
    refs: [...new Set(d.refs)].slice(0, MAX_UIDS),
    features,
    values: features.map((f) => significant(d.features[f] as number)),
    explanation: d.explanation,
    model: null,
    attack: [...(d.attack ?? definition.attack)],
    retro: d.retro ?? false,
    known_at: seen,
  };
}
