// A signal that needs no code: its file says of which event it speaks, under which conditions, how sure it is, and how
// often it has to happen. appliance/signals/README.md is the language on one page.
//
// Conditions are those of chains. Their compiler belongs to another stage, so it is handed in (`Conditions`).
import { isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import type { EventOf, KindName } from '../schema/gen/events.gen.ts';
import { FIELDS } from '../schema/gen/structures.gen.ts';
import { ENTITY_FIELDS, type Memory, type Observation } from '../schema/observation.ts';
import { run } from './declared_run.ts';
import type { SignalDefinition } from './signal.ts';

export type Condition = (obs: Observation) => boolean;

/** What compiles conditions; the spine has it. */
export interface Conditions {
  /**
   * @param kind  the record's name in the text, and what it is
   * @throws ConditionFault
   */
  compile(text: string, kind: KindName): (memory: Memory) => Condition;
}

export class ConditionFault extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

export interface DeclaredFault {
  readonly file: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint: string;
}

const NAME = /^[a-z][a-z0-9_]{0,63}$/;
const technique = z.string().regex(/^T\d{4}(?:\.\d{3})?$/, 'is no technique of ATT&CK: write T1046 or T1021.002');
const techniques = z.array(technique).min(1).max(16);
const field = z.string().regex(NAME, 'is no name of a field');
const side = z.enum(['local', 'outside']);
const scoreOf = z.number().min(0).max(1);
/** Most distinct things that are counted of a key: what Recent holds. */
export const LEAST_MAX = 64;
const CASES_MAX = 32;

const language = z.strictObject({
  signal: z.string().regex(NAME, 'is no name of a signal: small letters, digits and _'),
  version: z.number().int().min(1),
  brief: z.string().min(1).max(200),
  attack: techniques,
  event: z.string(),
  /** Hosts of the event that must be inside or outside of the local networks: `orig_host: local`. */
  sides: z.record(field, side).default({}),
  where: z.string().optional(),
  when: z
    .array(
      z.strictObject({
        where: z.string(),
        what: z.string().min(1).max(200),
        score: scoreOf,
        attack: techniques.optional(),
      }),
    )
    .min(1)
    .max(CASES_MAX)
    .optional(),
  score: scoreOf.optional(),
  key: z.array(field).min(1).max(8).default(['orig_host', 'resp_host']),
  count: z
    .strictObject({
      distinct: field.optional(),
      least: z.number().int().min(2).max(LEAST_MAX),
      window_minutes: z.number().positive().max(1440),
    })
    .optional(),
  about: z.strictObject({ user: field.optional(), name: field.optional(), sha256: field.optional() }).prefault({}),
  features: z.array(field).max(16).default([]),
  /** A key that was told on so many days of the last month is a habit, and not told any more. */
  habit_days: z.number().int().min(1).max(30).optional(),
  explain: z.string().min(1).max(400),
  keys_max: z.number().int().min(16).max(262_144).default(16_384),
});

export type Declared = z.output<typeof language>;

export interface Case {
  readonly where: (memory: Memory) => Condition;
  readonly what: string;
  readonly score: number;
  readonly attack: readonly string[];
}

/** Bytes of a key with its row, generously: the keys are texts of hosts, ports and names. */
const ROW = 200;
/** The same with up to 64 values counted. */
const COUNTED = 6_000;

class Reading {
  readonly faults: DeclaredFault[] = [];
  private readonly file: string;
  private readonly lines = new LineCounter();
  private readonly doc: ReturnType<typeof parseDocument>;
  constructor(file: string, text: string) {
    this.file = file;
    this.doc = parseDocument(text, { lineCounter: this.lines });
    for (const e of this.doc.errors) this.at(e.pos[0], e.message.split('\n', 1)[0] ?? '', '');
  }

  get value(): unknown {
    return this.doc.toJS({ maxAliasCount: 0 });
  }

  private at(offset: number, message: string, hint: string): void {
    const { line, col } = this.lines.linePos(offset);
    this.faults.push({ file: this.file, line: Math.max(1, line), column: Math.max(1, col), message, hint });
  }

  unknown(path: readonly PropertyKey[], key: string): void {
    const map = path.length === 0 ? this.doc.contents : this.doc.getIn(path, true);
    const pair = isMap(map) ? map.items.find((i) => isScalar(i.key) && i.key.value === key) : undefined;
    this.at(isScalar(pair?.key) ? (pair.key.range?.[0] ?? 0) : 0, `a signal has no ${key}`, '');
  }

  /** At the value of `path`, or at the nearest that is there. */
  fault(path: readonly PropertyKey[], message: string, hint = ''): void {
    for (let n = path.length; n >= 0; n--) {
      const node = n === 0 ? this.doc.contents : this.doc.getIn(path.slice(0, n), true);
      if (!isNode(node) || !node.range) continue;
      this.at(node.range[0], message, hint);
      return;
    }
    this.at(0, message, hint);
  }
}

const isKind = (text: string): text is KindName => Object.hasOwn(FIELDS, text);

/** Names that a file may use for a value of the event, and those that only an explanation may. */
function checkFields(read: Reading, d: Declared, kind: KindName): void {
  const own = new Set(FIELDS[kind].map((f) => f.name));
  const hosts = Object.keys(ENTITY_FIELDS[kind] ?? {});
  const check = (name: string, path: readonly PropertyKey[], extra: readonly string[] = []): void => {
    if (!own.has(name) && !extra.includes(name)) read.fault(path, `${kind} has no field ${name}`);
  };
  for (const name of Object.keys(d.sides))
    if (!hosts.includes(name)) read.fault(['sides', name], `${kind} has no host ${name}`);
  d.key.forEach((name, i) => {
    check(name, ['key', i], hosts);
  });
  d.features.forEach((name, i) => {
    const f = FIELDS[kind].find((x) => x.name === name);
    if (f === undefined) check(name, ['features', i]);
    else if (f.list || ['text', 'ip', 'mac', 'uid'].includes(f.type))
      read.fault(['features', i], `${name} is no number`);
  });
  for (const [what, name] of Object.entries(d.about)) if (name !== undefined) check(name, ['about', what]);
  if (d.count?.distinct !== undefined) check(d.count.distinct, ['count', 'distinct'], hosts);
  for (const [, name] of d.explain.matchAll(/\{(\w+)\}/g))
    check(name as string, ['explain'], [...hosts, 'what', 'count', 'span']);
}

/** The definition in a file, or what is wrong with it, each with its place. */
export function readDeclared(
  file: string,
  text: string,
  conditions: Conditions,
): { readonly definition?: SignalDefinition; readonly faults: readonly DeclaredFault[] } {
  const read = new Reading(file, text);
  if (read.faults.length > 0) return { faults: read.faults };
  const parsed = language.safeParse(read.value);
  if (!parsed.success) {
    for (const issue of parsed.error.issues)
      if (issue.code === 'unrecognized_keys') for (const key of issue.keys) read.unknown(issue.path, key);
      else read.fault(issue.path, `${issue.path.join('.')}: ${issue.message}`);
    return { faults: read.faults };
  }
  const d = parsed.data;
  if (!isKind(d.event)) {
    read.fault(['event'], `there is no event ${d.event}`);
    return { faults: read.faults };
  }
  const kind = d.event;
  checkFields(read, d, kind);
  const compile = (condition: string, path: readonly PropertyKey[]): ((memory: Memory) => Condition) => {
    try {
      return conditions.compile(condition, kind);
    } catch (error) {
      if (!(error instanceof ConditionFault)) throw error;
      read.fault(path, error.message, error.hint);
      return () => () => false;
    }
  };
  const always = (): Condition => () => true;
  const where = d.where === undefined ? always : compile(d.where, ['where']);
  if ((d.when === undefined) === (d.score === undefined))
    read.fault(['when'], 'a signal has either a score or cases under `when`, each with its own');
  const cases: Case[] = (d.when ?? [{ where: undefined, what: '', score: d.score ?? 0, attack: undefined }]).map(
    (c, i) => ({
      where: c.where === undefined ? always : compile(c.where, ['when', i, 'where']),
      what: c.what,
      score: c.score,
      attack: c.attack ?? d.attack,
    }),
  );
  if (read.faults.length > 0) return { faults: read.faults };
  return { definition: define(d, kind, where, cases), faults: [] };
}

function define(
  d: Declared,
  kind: KindName,
  where: (memory: Memory) => Condition,
  cases: readonly Case[],
): SignalDefinition {
  const counts = d.count === undefined ? {} : { least: d.count.least, window_minutes: d.count.window_minutes };
  const habit = d.habit_days === undefined ? {} : { habit_days: d.habit_days };
  const counted = d.count === undefined ? '' : `, and of each up to ${LEAST_MAX} things that were counted`;
  return {
    id: d.signal,
    version: d.version,
    brief: d.brief,
    attack: [...new Set([...d.attack, ...cases.flatMap((c) => c.attack)])],
    needs: [kind],
    budget: {
      bytes: d.keys_max * (d.count === undefined ? ROW : ROW + COUNTED),
      holds: `${d.keys_max} keys of ${d.key.join(', ')} with the day they were last told${counted}`,
    },
    settings: { ...counts, ...habit, keys_max: d.keys_max },
    run: (context) => run(d, kind as keyof EventOf, where(context.memory), cases, context),
  };
}
