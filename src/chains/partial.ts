// A chain begun and not finished, for one key: plain data, so that it can be written down and read again.
import { Packr, Unpackr } from 'msgpackr';
import type { Matched } from '../schema/finding.ts';
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
