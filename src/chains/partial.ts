// A chain begun and not finished, for one key: plain data, so that it can be written down and read again.
import { Packr, Unpackr } from 'msgpackr';
import type { Matched } from '../schema/finding.ts';
import { FIELDS } from '../schema/gen/structures.gen.ts';
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
const NUMBERS = new Map(Object.entries(FIELDS).map(([kind, fields]) => [kind, fields.map((f) => f.name)]));
const ENVELOPE = ['ts', 'seen', 'cut'];
const namesOf = (kind: string): readonly string[] => [...ENVELOPE, ...(NUMBERS.get(kind) ?? [])];
const NAMES = new Map(Object.keys(FIELDS).map((kind) => [kind, namesOf(kind)]));
const INDEX = new Map([...NAMES].map(([kind, names]) => [kind, new Map(names.map((name, i) => [name, i]))]));

function packStep(m: Matched): PackedStep {
  const index = INDEX.get(m.kind);
  const fields: unknown[] = [];
  const named: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(m.values)) {
    const i = index?.get(name);
    if (i === undefined) named[name] = value;
    else fields.push(i, value);
  }
  const hash = HASH.test(m.hash) ? Buffer.from(m.hash, 'hex') : m.hash;
  return [
    ...([m.step, m.kind, m.ref, hash, m.ts, m.seen, m.uid, m.cut] as const),
    ...([m.why, m.hosts, m.hostNames, fields, named] as const),
  ];
}

function unpackStep(p: PackedStep): Matched {
  const [step, kind, ref, hash, ts, seen, uid, cut, why, hosts, hostNames, fields, named] = p;
  const names = NAMES.get(kind) ?? [];
  const values: Record<string, unknown> = { ...named };
  for (let i = 0; i < fields.length; i += 2) values[names[fields[i] as number] as string] = fields[i + 1];
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
