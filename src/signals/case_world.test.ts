// Runs the lines of a cases.jsonl through the real dispatcher. Named .test.ts so that it never ships.
//
// A line: { case, settings?, memory_days?, remember?, events, end?, signals }
//   remember   [space, key, days ago, hosts]: touched before the first event
//   events     { kind, at, event, hosts? }: `at` is seconds after midnight of day 0, a list of them, or
//              { from, every, times, wobble?, skip? }: evenly, each moved by up to `wobble` seconds, without some.
//              In the n-th of several (from 0) a text's `{i}` is n, and { plus } for a number is that and n
//   end        true: the input is over afterwards, so what is open is closed
//   signals    what must come out, in order and nothing else; named fields must be equal. score_min, score_max,
//              explanation_has and feature look closer.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { emptyEvent } from '../schema/any_event.test.ts';
import type { EventOf, KindName, SignalEvent } from '../schema/gen/events.gen.ts';
import { FIELDS } from '../schema/gen/structures.gen.ts';
import type { EntityField, Recollection, Space } from '../schema/observation.ts';
import { ENTITY_FIELDS, type HostRef, type Memory, type Observation, type Section } from '../schema/observation.ts';
import { Signals, type SignalsConfig } from './dispatch.ts';
import { ALL } from './gen/all.gen.ts';
import { DAY, dayOf, SECOND, type SignalDefinition } from './signal.ts';

/** 2023-11-15T00:00:00Z [us]. */
export const START = 1_700_006_400 * SECOND;

/** The Memory of chains.md in the plainest way: every touch is kept by day. */
export class PlainMemory implements Memory {
  private readonly keys = new Map<string, { first: number; last: number; count: number; days: Set<number> }>();
  private readonly hosts = new Map<string, Map<string, number>>();
  readonly since: number;
  constructor(since: number) {
    this.since = since;
  }
  touch(space: Space, key: string, at: number, host?: string): void {
    this.one(`${space}|${key}`, at);
    if (host === undefined) return;
    this.one(`${space}|${key}|${host}`, at);
    const by = this.hosts.get(`${space}|${key}`) ?? new Map<string, number>();
    this.hosts.set(`${space}|${key}`, by);
    by.set(host, Math.max(by.get(host) ?? 0, dayOf(at)));
  }
  look(space: Space, key: string, host?: string): Recollection {
    const found = this.keys.get(host === undefined ? `${space}|${key}` : `${space}|${key}|${host}`);
    if (found === undefined) return { first: undefined, last: undefined, count: 0, days: 0, since: this.since };
    return { ...found, days: found.days.size, since: this.since };
  }
  prevalence(space: Space, key: string, days: number, at: number): number {
    let n = 0;
    for (const day of this.hosts.get(`${space}|${key}`)?.values() ?? []) if (day > dayOf(at) - days) n++;
    return Math.min(n, 17);
  }
  private one(key: string, at: number): void {
    const found = this.keys.get(key);
    if (found === undefined) this.keys.set(key, { first: at, last: at, count: 1, days: new Set([dayOf(at)]) });
    else {
      found.first = Math.min(found.first, at);
      found.last = Math.max(found.last, at);
      found.count++;
      found.days.add(dayOf(at));
    }
  }
}

/** A section that is a Map, and a copy of it for a second life. */
export class PlainSection implements Section {
  readonly rows: Map<string, Uint8Array>;
  constructor(rows: Iterable<readonly [string, Uint8Array]> = []) {
    this.rows = new Map(rows);
  }
  get(key: string): Uint8Array | undefined {
    return this.rows.get(key);
  }
  put(key: string, value: Uint8Array): void {
    // A copy: the encoder may use its buffer again.
    this.rows.set(key, Uint8Array.from(value));
  }
  remove(key: string): void {
    this.rows.delete(key);
  }
  entries(): Iterable<readonly [string, Uint8Array]> {
    return [...this.rows].sort((a, b) => (a[0] < b[0] ? -1 : 1));
  }
}

export interface CaseEvent {
  readonly kind: KindName;
  readonly at: number | readonly number[] | Evenly;
  readonly event: Readonly<Record<string, unknown>>;
  readonly hosts?: Readonly<Record<string, string>>;
}
interface Evenly {
  readonly from: number;
  readonly every: number;
  readonly times: number;
  readonly wobble?: number;
  readonly skip?: readonly number[];
}
export interface Case {
  readonly case: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly memory_days?: number;
  readonly remember?: readonly (readonly [Space, string, number, readonly string[]])[];
  readonly events: readonly CaseEvent[];
  readonly end?: boolean;
  readonly signals: readonly Readonly<Record<string, unknown>>[];
}

/** @param folder  a name beside this file, or any folder's URL */
export function readCases(folder: string | URL): Case[] {
  const file = typeof folder === 'string' ? new URL(`./${folder}/cases.jsonl`, import.meta.url) : folder;
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((l) => l.trim() !== '').map((l) => JSON.parse(l) as Case);
}

const isLocal = (ip: string): boolean => /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|fd)/.test(ip);

const isEvenly = (at: readonly number[] | Evenly): at is Evenly => !Array.isArray(at);

function times(at: CaseEvent['at']): number[] {
  if (typeof at === 'number') return [at];
  if (!isEvenly(at)) return [...at];
  const out: number[] = [];
  let state = 12345;
  for (let i = 0; i < at.times; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const move = (((state >>> 8) % 2001) / 1000 - 1) * (at.wobble ?? 0);
    if (!at.skip?.includes(i)) out.push(at.from + i * at.every + move);
  }
  return out;
}

export function hashOf(kind: KindName, event: Readonly<Record<string, unknown>>): string {
  const values = FIELDS[kind].map((f) => event[f.name] ?? null);
  return createHash('sha256')
    .update(JSON.stringify([kind, values]))
    .digest('hex')
    .slice(0, 16);
}

const fieldsOf: Readonly<Partial<Record<KindName, Readonly<Record<string, EntityField>>>>> = ENTITY_FIELDS;

/** An event as detection sees it: missing fields empty, hosts by address unless named. */
export function observe<K extends KindName>(
  kind: K,
  seen: number,
  own: Readonly<Record<string, unknown>>,
  index: number,
  named: Readonly<Record<string, string>> = {},
): Observation<K> {
  const uid = `C${String(index).padStart(11, '0')}`;
  const event = { ...emptyEvent(kind), ts: seen, seen, uid, ...own } as unknown as EventOf[K];
  const values = event as unknown as Record<string, unknown>;
  const hosts: Record<string, HostRef> = {};
  for (const [name, field] of Object.entries<EntityField>(fieldsOf[kind] ?? {})) {
    const from = values[field.from];
    if (field.class !== 'host' || typeof from !== 'string') continue;
    if (kind === 'sighting' || kind === 'signal') hosts[name] = { id: from, local: true, evidence: 'address' };
    else hosts[name] = { id: named[name] ?? `ip:${from}`, local: isLocal(from), evidence: 'address' };
  }
  let hash: string | undefined;
  return {
    kind,
    event,
    seen,
    ref: `s1/1/1/${index}`,
    // Made when asked for, as the spine does: most records are never kept.
    get hash() {
      hash ??= hashOf(kind, values);
      return hash;
    },
    hosts,
  };
}

/** The n-th event of a line: its texts and numbers count along. */
function nth(event: CaseEvent['event'], n: number): Record<string, unknown> {
  const text = (v: unknown): unknown => (typeof v === 'string' ? v.replace('{i}', String(n)) : v);
  return Object.fromEntries(
    Object.entries(event).map(([name, v]) => {
      if (Array.isArray(v)) return [name, v.map(text)];
      if (typeof v === 'object' && v !== null) return [name, (v as { plus: number }).plus + n];
      return [name, text(v)];
    }),
  );
}

export function observations(c: Case): Observation[] {
  const flat = c.events.flatMap((e) =>
    times(e.at).map((at, n) => ({ e: { ...e, event: nth(e.event, n) }, seen: START + Math.round(at * SECOND) })),
  );
  flat.sort((a, b) => a.seen - b.seen);
  return flat.map(({ e, seen }, i) => {
    // In cases a time of a record is said as seconds before it was complete.
    const lasted = typeof e.event.lasted === 'number' ? e.event.lasted : 0;
    const { lasted: _, ...event } = e.event;
    return observe(e.kind, seen, { ts: seen - Math.round(lasted * SECOND), ...event }, i, e.hosts);
  });
}

/** What the spine does before signals see an event. */
export function remember(memory: Memory, obs: Observation): void {
  const e = obs.event as unknown as Record<string, string | null>;
  const orig = obs.hosts.orig_host?.id;
  const name = obs.kind === 'dns' ? e.query : obs.kind === 'tls' ? e.server_name : obs.kind === 'http' ? e.host : null;
  if (name) memory.touch('domain', name, obs.seen, orig);
  if (obs.kind === 'file' && e.sha256) memory.touch('file', e.sha256, obs.seen, obs.hosts.rx_host?.id);
  if (obs.kind === 'conn' && e.resp_h) memory.touch('addr', e.resp_h, obs.seen, orig);
}

export function memoryOf(c: Case): PlainMemory {
  const memory = new PlainMemory(START - (c.memory_days ?? 400) * DAY);
  for (const [space, key, days, hosts] of c.remember ?? [])
    for (const host of hosts) memory.touch(space, key, START - days * DAY, host);
  return memory;
}

export function runCase(c: Case, id: string, all: readonly SignalDefinition[] = ALL): SignalEvent[] {
  const memory = memoryOf(c);
  const signals = new Signals(memory, new PlainSection(), configOf(c, id), all);
  const out: SignalEvent[] = [];
  for (const obs of observations(c)) {
    remember(memory, obs);
    out.push(...signals.dispatch(obs));
  }
  if (c.end) out.push(...signals.tick(Number.POSITIVE_INFINITY));
  return out.filter((s) => s.name === id);
}

export const configOf = (c: Case, id: string): SignalsConfig => (c.settings === undefined ? {} : { [id]: c.settings });

export function checkSignals(got: readonly SignalEvent[], c: Case): void {
  const text = got.map((s) => `${s.phase} ${s.score} ${s.explanation}`).join('\n');
  assert.equal(got.length, c.signals.length, `${c.case}: ${got.length} signals\n${text}`);
  c.signals.forEach((want, i) => {
    const s = got[i] as SignalEvent;
    for (const [field, value] of Object.entries(want)) {
      if (field === 'score_min') assert.ok(s.score >= (value as number), `${c.case}: score ${s.score}\n${text}`);
      else if (field === 'score_max') assert.ok(s.score <= (value as number), `${c.case}: score ${s.score}\n${text}`);
      else if (field === 'explanation_has') assert.ok(s.explanation.includes(value as string), `${c.case}: ${text}`);
      else if (field === 'feature')
        for (const [name, v] of Object.entries(value as Record<string, number>))
          assert.equal(s.values[s.features.indexOf(name)], v, `${c.case}: ${name}`);
      else assert.deepEqual((s as unknown as Record<string, unknown>)[field], value, `${c.case}: ${field}\n${text}`);
    }
    assert.equal(s.features.length, s.values.length);
    assert.ok(s.explanation.length > 20 && s.score >= 0 && s.score <= 1);
  });
}

/** How to fill a table of a signal: the setting that bounds it, and events that put the i-th key into it. */
export interface Flood {
  readonly table: string;
  readonly cap: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly remember?: Case['remember'];
  readonly make: (i: number) => readonly Omit<CaseEvent, 'at'>[];
}

const ROOM = 5;

function checkRoom(id: string, flood: Flood, keys: number): void {
  const events = Array.from({ length: keys }, (_, i) => flood.make(i).map((e) => ({ ...e, at: 100 + i }))).flat();
  const settings = { ...flood.settings, [flood.cap]: ROOM };
  const c: Case = { case: flood.table, settings, events, signals: [], remember: flood.remember ?? [] };
  const memory = memoryOf(c);
  const signals = new Signals(memory, new PlainSection(), configOf(c, id));
  for (const obs of observations(c)) {
    remember(memory, obs);
    signals.dispatch(obs);
  }
  const counts = signals.counts().find((t) => t.table === `${id}/${flood.table}`);
  assert.equal(counts?.keys, Math.min(keys, ROOM), `keys of ${flood.table}`);
  assert.equal(counts?.evicted, Math.max(0, keys - ROOM), `evicted of ${flood.table}`);
}

/**
 * The tests every signal has: each case, twice the same, and cut at any point with a save and a load in between; each
 * table at one less than its room, at its room and one more.
 */
export function describeCases(id: string, floods: readonly Flood[] = []): void {
  describe(`signal ${id}`, () => {
    testCases(id, readCases(id), ALL);
    for (const flood of floods)
      for (const keys of [ROOM - 1, ROOM, ROOM + 1])
        it(`${keys} keys of ${flood.table} with room for ${ROOM}`, () => {
          checkRoom(id, flood, keys);
        });
  });
}

/** Those of them that need nothing but cases, for signals of any kind. */
export function testCases(id: string, cases: readonly Case[], all: readonly SignalDefinition[]): void {
  for (const c of cases) {
    it(c.case, () => {
      const got = runCase(c, id, all);
      checkSignals(got, c);
      assert.deepEqual(runCase(c, id, all), got, 'the same input again');
    });
  }
  it('says as much by staying quiet: as many quiet cases as firing ones, nearly', () => {
    const quiet = cases.filter((c) => c.signals.length === 0).length;
    assert.ok(quiet >= 3 && quiet * 2 >= cases.length - quiet, `${quiet} quiet of ${cases.length}`);
  });
  it('saved and loaded anywhere, it says the same', function () {
    this.timeout(60_000);
    for (const c of cases) checkRestarts(c, id, all);
  });
}

function checkRestarts(c: Case, id: string, definitions: readonly SignalDefinition[]): void {
  const all = observations(c);
  const whole = runCase(c, id, definitions);
  const cuts = fc.uniqueArray(fc.nat({ max: all.length }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(cuts, (at) => {
      const memory = memoryOf(c);
      let section = new PlainSection();
      let signals = new Signals(memory, section, configOf(c, id), definitions);
      const out: SignalEvent[] = [];
      all.forEach((obs, i) => {
        if (at.includes(i)) {
          signals.save();
          section = new PlainSection(section.rows);
          signals = new Signals(memory, section, configOf(c, id), definitions);
        }
        remember(memory, obs);
        out.push(...signals.dispatch(obs));
      });
      if (at.includes(all.length)) {
        signals.save();
        signals = new Signals(memory, new PlainSection(section.rows), configOf(c, id), definitions);
      }
      if (c.end) out.push(...signals.tick(Number.POSITIVE_INFINITY));
      assert.deepEqual(
        out.filter((s) => s.name === id),
        whole,
      );
    }),
    { numRuns: 25 },
  );
}
