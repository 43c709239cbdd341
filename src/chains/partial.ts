// A chain begun and not finished, for one key: plain data, so that it can be written down and read again.
import { Packr, Unpackr } from 'msgpackr';
import type { Matched } from '../schema/finding.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import { FIELDS } from '../schema/gen/structures.gen.ts';
import { PLACES } from '../schema/order.ts';
import type { Bound } from './bindings.ts';
import type { Rule } from './rule.ts';
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

/** A text, or the bytes of one that is hexadecimal: a hash is half as long. */
type Dense = string | Uint8Array;

/** A matched record without names: most of what it says is what its fields are called. */
type PackedStep = readonly [
  /** Step, kind, ref, hash, ts (null: when it was seen), seen, uid, whether it was cut. */
  ...head: [string, string, string, Dense, number | null, number, string | null, boolean],
  ...texts: [readonly string[], Matched['hosts'], Matched['hostNames']],
  /** Number and value of each field that has one. */
  fields: readonly unknown[],
  /** Those by name, of what is no record of the schema. */
  named: Readonly<Record<string, unknown>>,
];

const HASH = /^(?:[0-9a-f]{2})+$/;
const dense = (text: string): Dense => (HASH.test(text) ? Buffer.from(text, 'hex') : text);
const textOf = (d: Dense): string => (typeof d === 'string' ? d : Buffer.from(d).toString('hex'));
/** A field's value: no field of the schema is bytes, so bytes are a text. */
const denseValue = (v: unknown): unknown => (typeof v === 'string' && v.length >= DENSE_FROM ? dense(v) : v);
const sparse = (v: unknown): unknown => (v instanceof Uint8Array ? textOf(v) : v);
/** Shorter ones gain nothing. */
const DENSE_FROM = 16;

/** Fields of a kind by number: they are appended and never reordered, so a number means the same in every version. */
interface Numbered {
  readonly names: readonly string[];
  readonly index: ReadonlyMap<string, number>;
  /**
   * What a field is that is not written, by number: nothing, of one that is always there; or a member of the record's
   * head. Undefined: it is not there.
   */
  readonly otherwise: readonly (string | number | boolean | Head | undefined)[];
}
interface Head {
  readonly head: 'ts' | 'seen' | 'uid';
}
const TEXTS = new Set(['text', 'ip', 'uid', 'mac']);
const HEADS = new Map((['ts', 'seen', 'uid'] as const).map((head) => [head as string, { head }]));

function numbered(kind: KindName): Numbered {
  const names = FIELDS[kind].map((f) => f.name);
  const otherwise = FIELDS[kind].map(({ name, type, list, optional }) => {
    const head = HEADS.get(name);
    if (head !== undefined) return head;
    if (list || optional || PLACES.has(name)) return undefined;
    return type === 'bool' ? false : TEXTS.has(type) ? '' : 0;
  });
  return { names, index: new Map(names.map((name, i) => [name, i])), otherwise };
}
const KINDS = new Map(Object.keys(FIELDS).map((kind) => [kind, numbered(kind as KindName)]));
const NO_KIND: Numbered = { names: [], index: new Map(), otherwise: [] };
const isHead = (v: unknown): v is Head => typeof v === 'object';

function packStep(m: Matched): PackedStep {
  const { index, otherwise } = KINDS.get(m.kind) ?? NO_KIND;
  const numbers: [number, unknown][] = [];
  const named: Record<string, unknown> = {};
  for (const name of Object.keys(m.values)) {
    const value = m.values[name];
    const i = index.get(name);
    if (i === undefined) {
      named[name] = value;
      continue;
    }
    const without = otherwise[i];
    // Of a record that was cut it is not known what is nothing and what is missing.
    if (m.cut || value !== (isHead(without) ? m[without.head] : without)) numbers.push([i, denseValue(value)]);
  }
  const fields = numbers.sort(([a], [b]) => a - b).flat();
  return [
    ...([m.step, m.kind, m.ref, dense(m.hash), m.ts === m.seen ? null : m.ts, m.seen, m.uid, m.cut] as const),
    ...([m.why, m.hosts, m.hostNames, fields, named] as const),
  ];
}

function unpackStep(p: PackedStep): Matched {
  const [step, kind, ref, hash, at, seen, uid, cut, why, hosts, hostNames, fields, named] = p;
  const { names, otherwise } = KINDS.get(kind) ?? NO_KIND;
  const ts = at ?? seen;
  const head = { ts, seen, uid };
  const values: Record<string, unknown> = { ...named };
  // In the order of the schema, as the record had them.
  let next = 0;
  for (let i = 0; i < names.length; i++) {
    let value: unknown;
    if (fields[next] === i) {
      value = sparse(fields[next + 1]);
      next += 2;
    } else if (!cut) {
      const without = otherwise[i];
      value = isHead(without) ? (head[without.head] ?? undefined) : without;
    }
    if (value !== undefined) values[names[i] as string] = value;
  }
  return { step, kind, ref, hash: textOf(hash), ts, seen, uid, values, cut, hosts, hostNames, why };
}

/** In this order, for ever: what is added comes last. */
const MEMBERS = [
  ...(['id', 'rule', 'ruleHash', 'shape', 'key', 'next', 'met', 'barred', 'bound', 'first', 'base', 'last'] as const),
  ...(['deadline', 'score', 'tallies', 'flags'] as const),
];
type Members = Omit<Partial, 'steps'>;

/** A variable as class and value, and the values of one that is a set. Of before: as it is. */
type PackedBound = Readonly<Record<string, readonly [string, Dense, (readonly string[])?] | Bound[string]>>;

function packBound(bound: Bound): PackedBound {
  const out: Record<string, PackedBound[string]> = {};
  for (const name of Object.keys(bound)) {
    const { class: cls, value, values } = bound[name] as Bound[string];
    const kept = denseValue(value) as Dense;
    out[name] = values === undefined ? [cls, kept] : [cls, kept, values];
  }
  return out;
}

function unpackBound(packed: PackedBound): Bound {
  const bound: Bound = {};
  for (const name of Object.keys(packed)) {
    const b = packed[name] as PackedBound[string];
    if (!isPair(b)) bound[name] = b;
    else {
      const [cls, value, values] = b;
      const known = { class: cls as Bound[string]['class'], value: textOf(value) };
      bound[name] = values === undefined ? known : { ...known, values };
    }
  }
  return bound;
}
const isPair = (b: PackedBound[string]): b is readonly [string, Dense, (readonly string[])?] => Array.isArray(b);

/** An array of two: members, and steps. */
const PAIR = 0x92;

/** One that was read: its steps stay bytes until somebody looks at them, and most records only pass by. */
class KeptPartial implements Partial {
  readonly id: number;
  readonly rule: string;
  readonly ruleHash: string;
  readonly shape: string;
  readonly key: string;
  next: number;
  met: number;
  barred: number[];
  bound: Bound;
  readonly first: number;
  base: number;
  last: number;
  deadline: number;
  score: number;
  tallies: Record<string, Tally>;
  readonly flags: string[];
  private packed: Uint8Array | undefined;
  private opened: Matched[] | undefined;

  constructor(m: Members, packed: Uint8Array) {
    this.id = m.id;
    this.rule = m.rule;
    this.ruleHash = m.ruleHash;
    this.shape = m.shape;
    this.key = m.key;
    this.next = m.next;
    this.met = m.met;
    this.barred = m.barred;
    this.bound = m.bound;
    this.first = m.first;
    this.base = m.base;
    this.last = m.last;
    this.deadline = m.deadline;
    this.score = m.score;
    this.tallies = m.tallies;
    this.flags = m.flags;
    this.packed = packed;
  }

  get steps(): Matched[] {
    if (this.opened === undefined) {
      this.opened = (unpackr.unpack(this.packed as Uint8Array) as PackedStep[]).map(unpackStep);
      this.packed = undefined;
    }
    return this.opened;
  }

  /** Steps that nobody has looked at, and so nobody has changed. */
  get unopened(): Uint8Array | undefined {
    return this.packed;
  }
}

/** One that begins, before its first match. Of one literal, without spreads: there are many of them. */
export function newPartial(
  id: number,
  { id: rule, hash: ruleHash, shape }: Pick<Rule, 'id' | 'hash' | 'shape'>,
  key: string,
  bound: Bound,
  seen: number,
): Partial {
  return {
    id,
    rule,
    ruleHash,
    shape,
    key,
    next: 0,
    met: 0,
    barred: [],
    steps: [],
    bound,
    first: seen,
    base: seen,
    last: seen,
    deadline: 0,
    score: 0,
    tallies: {},
    flags: [],
  };
}

/** What it is by itself, to be made another of. */
export function plain(p: Readonly<Partial>): Partial {
  const kept = Object.fromEntries(MEMBERS.map((name) => [name, p[name]])) as unknown as Members;
  return { ...kept, steps: p.steps };
}

export function packPartial(p: Readonly<Partial>): Uint8Array {
  const members = packr.pack(
    MEMBERS.map((name) => {
      if (name === 'bound') return packBound(p.bound);
      return name === 'ruleHash' || name === 'shape' ? dense(p[name]) : p[name];
    }),
  );
  const unopened = p instanceof KeptPartial ? p.unopened : undefined;
  const steps = unopened ?? packr.pack(p.steps.map(packStep));
  const bytes = new Uint8Array(1 + members.length + steps.length);
  bytes[0] = PAIR;
  bytes.set(members, 1);
  bytes.set(steps, 1 + members.length);
  return bytes;
}

/** @param bytes  stay as they are for as long as it lives */
export function unpackPartial(bytes: Uint8Array): Partial {
  let kept: Record<string, unknown> = {};
  let end = 0;
  unpackr.unpackMultiple(bytes.subarray(1), (value: unknown, _from?: number, to = 0) => {
    const members = value as unknown[];
    kept = Object.fromEntries(MEMBERS.map((name, i) => [name, members[i]]));
    end = 1 + to;
    return false;
  });
  kept.ruleHash = textOf(kept.ruleHash as Dense);
  kept.shape = textOf(kept.shape as Dense);
  kept.bound = unpackBound(kept.bound as PackedBound);
  return new KeptPartial(kept as unknown as Members, bytes.subarray(end));
}
