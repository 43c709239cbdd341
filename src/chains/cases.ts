// Cases of a chain: a few records in virtual time, and how many alerts must come of them. The format is described in
// appliance/chains/README.md.
//
// Everything runs as it does in earnest, in the same order: what silence decides, then memory, then the chain. Only
// memory is plain: it keeps every touch, so that a case shows what the definition says and not what a table had room
// for.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Fault, systemFault } from '../lib/fault.ts';
import type { Finding } from '../schema/finding.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import { FIELDS, type FieldMeta } from '../schema/gen/structures.gen.ts';
import {
  ENTITY_FIELDS,
  type HostRef,
  type Memory,
  type Observation,
  type Recollection,
  type Section,
  type Space,
} from '../schema/observation.ts';
import { remember } from '../schema/remember.ts';
import { DAY } from './duration.ts';
import { Chains } from './engine.ts';
import { type ChainFault, didYouMean } from './fault.ts';
import type { NearMiss } from './near_miss.ts';
import type { Rule } from './rule.ts';

/** Day 0 of every case: 2023-11-15T00:00:00Z [us]. */
export const DAY_0 = 1_700_006_400e6;
const DAYS_MAX = 4000;
const RECORDS_MAX = 100_000;
/** Memory begins so long before day 0, unless a case says otherwise. */
export const MEMORY_DAYS = 400;

export interface ChainCase {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** Alerts that must be issued. */
  readonly expect: number;
  /** Revisions of them that must follow. */
  readonly extended: number | undefined;
  /** Flags of the first alert. */
  readonly flags: readonly string[] | undefined;
  /** Bound variables of the first alert. */
  readonly bound: Readonly<Record<string, string>>;
  /** The step that the chain must have stopped short of. */
  readonly missing: string | undefined;
  /** How long before day 0 memory begins. */
  readonly memoryDays: number;
  readonly observations: readonly Observation[];
}

/** Long memory that keeps everything. */
export class PlainMemory implements Memory {
  readonly since: number;
  private readonly times = new Map<string, number[]>();
  private readonly days = new Map<string, Map<string, Set<number>>>();
  constructor(since: number) {
    this.since = since;
  }
  touch(space: Space, key: string, at: number, host?: string): void {
    const whole = JSON.stringify([space, key]);
    this.note(whole, at);
    if (host === undefined) return;
    this.note(JSON.stringify([space, key, host]), at);
    const hosts = this.days.get(whole) ?? new Map<string, Set<number>>();
    this.days.set(whole, hosts);
    hosts.set(host, (hosts.get(host) ?? new Set()).add(Math.floor(at / DAY)));
  }
  look(space: Space, key: string, host?: string): Recollection {
    const times = this.times.get(JSON.stringify(host === undefined ? [space, key] : [space, key, host])) ?? [];
    const days = new Set(times.map((t) => Math.floor(t / DAY))).size;
    return { first: times[0], last: times.at(-1), count: times.length, days, since: this.since };
  }
  prevalence(space: Space, key: string, days: number, at: number): number {
    const today = Math.floor(at / DAY);
    let n = 0;
    for (const seen of this.days.get(JSON.stringify([space, key]))?.values() ?? [])
      if ([...seen].some((d) => d <= today && d > today - days)) n++;
    return Math.min(n, 17);
  }
  private note(key: string, at: number): void {
    const times = this.times.get(key);
    if (times === undefined) this.times.set(key, [at]);
    else times.push(at);
  }
}

/** A section that nothing outlives. */
export class PlainSection implements Section {
  private readonly rows = new Map<string, Uint8Array>();
  get(key: string): Uint8Array | undefined {
    return this.rows.get(key);
  }
  put(key: string, value: Uint8Array): void {
    this.rows.set(key, value);
  }
  remove(key: string): void {
    this.rows.delete(key);
  }
  entries(): Iterable<readonly [string, Uint8Array]> {
    return [...this.rows].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

const TEXTS = ['text', 'ip', 'uid', 'mac'];

function zero(f: FieldMeta): unknown {
  if (f.list) return [];
  if (f.optional) return null;
  return f.type === 'bool' ? false : TEXTS.includes(f.type) ? '' : 0;
}

function fits(f: FieldMeta, value: unknown): boolean {
  if (f.list) return Array.isArray(value) && value.every((v) => fits({ ...f, list: false, optional: false }, v));
  if (value === null) return f.optional;
  return typeof value === (f.type === 'bool' ? 'boolean' : TEXTS.includes(f.type) ? 'string' : 'number');
}

/** An address for a host that has none in the case: always the same for the same host. */
function addressOf(id: string): string {
  if (id.startsWith('ip:')) return id.slice(3);
  const [a, b, c] = createHash('sha256').update(id).digest() as unknown as [number, number, number];
  return `10.${a}.${b}.${c}`;
}

/** `ip:...` is somebody outside; every other id is a host of ours. */
const hostRef = (id: string): HostRef => ({ id, local: !id.startsWith('ip:'), evidence: 'case' });

type Line = Readonly<Record<string, unknown>>;

class CaseFault extends Error {
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/**
 * The record that a line tells, at a packet time.
 * @throws CaseFault
 */
function observation(line: Line, seen: number, ordinal: number): Observation {
  const kind = line.kind as KindName;
  const fields = FIELDS[kind];
  if (fields === undefined)
    throw new CaseFault(`there is no kind ${String(kind)}`, didYouMean(String(kind), Object.keys(FIELDS)).hint);
  const known = new Map(fields.map((f) => [f.name, f]));
  const event: Record<string, unknown> = Object.fromEntries(fields.map((f) => [f.name, zero(f)]));
  const hosts: Record<string, HostRef> = {};
  for (const [name, value] of Object.entries({ ts: seen, seen, ...line })) {
    if (name === 'at' || name === 'kind' || name === 'note') continue;
    const entity = ENTITY_FIELDS[kind]?.[name];
    const from = entity === undefined ? undefined : known.get(entity.from);
    if (entity?.class === 'host' && from?.type === 'ip') {
      if (typeof value !== 'string') throw new CaseFault(`${kind}.${name} is the id of a host`);
      hosts[name] = hostRef(value);
      event[entity.from] = addressOf(value);
      continue;
    }
    const field = known.get(name);
    if (field === undefined && name !== 'ts' && name !== 'seen') {
      const names = [...known.keys(), ...Object.keys(ENTITY_FIELDS[kind] ?? {})];
      throw new CaseFault(`${kind} has no field ${name}`, didYouMean(name, names).hint);
    }
    if (field !== undefined && !fits(field, value))
      throw new CaseFault(`${kind}.${name} is a ${field.list ? 'list of ' : ''}${field.type}`);
    event[name] = value;
  }
  const hash = createHash('sha256')
    .update(JSON.stringify([kind, event]))
    .digest('hex')
    .slice(0, 16);
  return { kind, event: event as never, seen, ref: `case/1/${ordinal}/0`, hash, hosts };
}

/** `at`: days after day 0; a list of them; or { from, every, times }. */
function timesOf(at: unknown): number[] {
  const spread = at as { from?: unknown; every?: unknown; times?: unknown } | null;
  const list =
    typeof spread === 'object' && spread !== null && !Array.isArray(spread)
      ? Array.from(
          { length: Math.min(RECORDS_MAX, Number(spread.times)) || 0 },
          (_, i) => Number(spread.from) + i * Number(spread.every),
        )
      : [at].flat();
  const good = list.every((d) => typeof d === 'number' && Number.isFinite(d) && Math.abs(d) <= DAYS_MAX);
  if (!good || list.length === 0)
    throw new CaseFault('at is a number of days, a list of them or { from, every, times }', '"at": 31');
  return list.map((d) => Math.round(DAY_0 + (d as number) * DAY));
}

interface Head {
  readonly line: number;
  readonly values: Line;
  readonly observations: Observation[];
}

const HEAD_KEYS = ['case', 'expect', 'extended', 'flags', 'bound', 'missing', 'memory_days', 'note'];

const isCount = (v: unknown): v is number => Number.isInteger(v) && (v as number) >= 0;

function caseOf(file: string, head: Head): ChainCase {
  const { values } = head;
  for (const key of Object.keys(values))
    if (!HEAD_KEYS.includes(key)) throw new CaseFault(`a case has no ${key}`, didYouMean(key, HEAD_KEYS).hint);
  if (!isCount(values.expect)) throw new CaseFault('a case says how many alerts it expects', '"expect": 1');
  if (values.extended !== undefined && !isCount(values.extended)) throw new CaseFault('extended is a number');
  if (values.memory_days !== undefined && !isCount(values.memory_days)) throw new CaseFault('memory_days is a number');
  // Equal times keep the order of the file, as equal records keep that of the log.
  const observations = [...head.observations].sort((a, b) => a.seen - b.seen);
  return {
    ...{ name: String(values.case), file, line: head.line, expect: values.expect, observations },
    extended: values.extended as number | undefined,
    flags: values.flags as string[] | undefined,
    bound: (values.bound ?? {}) as Record<string, string>,
    missing: values.missing as string | undefined,
    memoryDays: (values.memory_days as number | undefined) ?? MEMORY_DAYS,
  };
}

/** Reads JSON lines: a head for each case with its records after it, or, for a replay, records alone. */
export function readCases(
  file: string,
  text: string,
): { cases: ChainCase[]; loose: readonly Observation[]; faults: ChainFault[] } {
  const faults: ChainFault[] = [];
  const heads: Head[] = [];
  const loose: Observation[] = [];
  let ordinal = 0;
  const at = (line: number, action: () => void): void => {
    try {
      action();
    } catch (error) {
      if (!(error instanceof CaseFault || error instanceof SyntaxError)) throw error;
      const message = error instanceof CaseFault ? error.message : `this is no JSON: ${(error as SyntaxError).message}`;
      const hint = error instanceof CaseFault ? error.hint : undefined;
      faults.push({ file, line, column: 1, message, ...(hint === undefined ? {} : { hint }) });
    }
  };
  for (const [i, raw] of text.split('\n').entries()) {
    if (raw.trim() === '') continue;
    at(i + 1, () => {
      const values = JSON.parse(raw) as Line;
      if (typeof values !== 'object' || values === null || Array.isArray(values))
        throw new CaseFault('a line is one JSON object');
      if ('case' in values) {
        heads.push({ line: i + 1, values, observations: [] });
        return;
      }
      const target = heads.at(-1)?.observations ?? loose;
      for (const seen of timesOf(values.at)) {
        if (ordinal >= RECORDS_MAX) throw new CaseFault(`more than ${RECORDS_MAX} records`);
        target.push(observation(values, seen, ordinal++));
      }
    });
  }
  const cases: ChainCase[] = [];
  for (const head of heads) at(head.line, () => cases.push(caseOf(file, head)));
  return { cases, loose: loose.sort((a, b) => a.seen - b.seen), faults };
}

export interface Outcome {
  readonly findings: readonly Finding[];
  readonly nearMisses: readonly NearMiss[];
}

/** Runs records through one chain, to the end of time. `others` are chains that it takes as steps. */
export function replay(
  rule: Rule,
  observations: readonly Observation[],
  memoryDays = MEMORY_DAYS,
  others: readonly Rule[] = [],
): Outcome {
  const memory = new PlainMemory(DAY_0 - memoryDays * DAY);
  const chains = new Chains([rule, ...others], memory, new PlainSection());
  const findings: Finding[] = [];
  for (const obs of observations) {
    findings.push(...chains.advance(obs.seen));
    remember(memory, obs);
    findings.push(...chains.feed(obs));
  }
  findings.push(...chains.advance(Number.POSITIVE_INFINITY));
  const own = (f: Finding): boolean => f.rule.id === rule.id;
  return { findings: findings.filter(own), nearMisses: chains.nearMisses.filter((m) => m.rule === rule.id) };
}

/** What came out differently from what the case says, one line each; empty: nothing. */
export function runCase(rule: Rule, c: ChainCase, others: readonly Rule[] = []): string[] {
  const { findings, nearMisses } = replay(rule, c.observations, c.memoryDays, others);
  const issued = findings.filter((f) => f.status === 'issued');
  const wrong: string[] = [];
  if (issued.length !== c.expect) {
    wrong.push(`${issued.length} alerts, expected ${c.expect}`);
    for (const miss of nearMisses)
      wrong.push(
        `near miss: ${miss.key} had ${miss.matched.join(', ') || 'nothing'}, ${miss.reason} before ${miss.missing}`,
      );
  }
  const extended = findings.length - issued.length;
  if (c.extended !== undefined && extended !== c.extended) wrong.push(`${extended} extensions, expected ${c.extended}`);
  const flags = issued[0]?.flags.join(', ') ?? '';
  if (c.flags !== undefined && flags !== c.flags.join(', '))
    wrong.push(`flags: ${flags || 'none'}, expected ${c.flags.join(', ') || 'none'}`);
  for (const [name, value] of Object.entries(c.bound)) {
    const is = issued[0]?.bound[name]?.value;
    if (is !== value) wrong.push(`${name} is ${is ?? 'not bound'}, expected ${value}`);
  }
  if (c.missing !== undefined && !nearMisses.some((m) => m.missing === c.missing))
    wrong.push(`nothing stopped short of ${c.missing}`);
  return wrong;
}

export const casesFolder = (file: string): string => join(dirname(file), 'cases');

/** The cases beside a chain's file. No folder is no cases. */
export function casesBeside(file: string): {
  readonly cases: readonly ChainCase[];
  readonly faults: readonly ChainFault[];
  /** What could not be read. */
  readonly unread: readonly Fault[];
} {
  const folder = casesFolder(file);
  const [cases, faults, unread]: [ChainCase[], ChainFault[], Fault[]] = [[], [], []];
  const reading = <T>(path: string, none: T, read: () => T): T => {
    try {
      return read();
    } catch (error) {
      if (path !== folder || (error as NodeJS.ErrnoException).code !== 'ENOENT')
        unread.push(systemFault('input_unreadable', path, error));
      return none;
    }
  };
  const names = reading(folder, [], () => readdirSync(folder).filter((n) => n.endsWith('.jsonl')));
  for (const name of names.sort()) {
    const path = join(folder, name);
    const text = reading(path, undefined, () => readFileSync(path, 'utf8'));
    if (text === undefined) continue;
    const found = readCases(path, text);
    cases.push(...found.cases);
    faults.push(...found.faults);
  }
  return { cases, faults, unread };
}
