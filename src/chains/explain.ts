// Why a chain did or did not fire: records run through it again, with every attempt at a step written down.
//
// An attempt is a record that a step consumes and binds, for the key of a partial that waits for it, or for a first
// step any. What is told of one is what decided: the interval, a join, or the terms of `where` with the values they
// compared.
import type { Finding } from '../schema/finding.ts';
import type { Observation } from '../schema/observation.ts';
import { remember } from '../schema/remember.ts';
import { type BoundVariable, bindingsOf, explainTerms, fieldOf, joins, keyOf, OwnRecord } from './bindings.ts';
import { DAY_0, MEMORY_DAYS, PlainMemory, PlainSection } from './cases.ts';
import { DAY } from './duration.ts';
import { Chains } from './engine.ts';
import { accepts } from './groups.ts';
import { recall, type Touch } from './history.ts';
import type { NearMiss } from './near_miss.ts';
import type { Partial } from './partial.ts';
import type { Rule, Step } from './rule.ts';
import { addTo, newTally, type Tally } from './tally.ts';
import { UNKNOWN } from './values.ts';

/** Attempts kept for each key and step: the nearest ones, the earlier of two as near. */
const ATTEMPTS_MAX = 3;
const KEYS_MAX = 10_000;

export interface Attempt {
  readonly step: string;
  readonly at: number;
  readonly kind: string;
  /** What was not as the step asks; empty: it matched. */
  readonly failed: readonly string[];
  readonly held: readonly string[];
}

export interface KeyStory {
  readonly key: string;
  readonly matched: readonly { readonly step: string; readonly at: number; readonly why: readonly string[] }[];
  readonly attempts: readonly Attempt[];
  readonly findings: readonly Finding[];
  readonly nearMisses: readonly NearMiss[];
}

interface Notes {
  readonly matched: KeyStory['matched'][number][];
  readonly attempts: Map<string, Attempt[]>;
  readonly findings: Finding[];
  readonly nearMisses: NearMiss[];
}

export const dayOfCase = (us: number): string => `day ${Number(((us - DAY_0) / DAY).toFixed(4))}`;
const span = (us: number): string => `${Number((us / DAY).toFixed(4))} days`;

function consumes(step: Step, obs: Observation): boolean {
  const { name, chain } = obs.event as unknown as { readonly name?: string; readonly chain?: string };
  const topics = [obs.kind, `${obs.kind}:${name}`, `chain:${chain}`];
  return topics.includes(step.topic) && step.requires.every(([field, value]) => fieldOf(obs, field) === value);
}

/** The variables that have a value in this record, and what is said of those that have none. */
function bindings(step: Step, obs: Observation): { bound: Record<string, BoundVariable>; unset: string[] } {
  const bound: Record<string, BoundVariable> = {};
  const unset: string[] = [];
  for (const { variable, field, class: cls, collect } of step.bind) {
    if (collect !== undefined) continue;
    const value = fieldOf(obs, field);
    if (typeof value === 'string' && value !== '') bound[variable] = { class: cls, value };
    else unset.push(`${variable} cannot be bound: ${step.own}.${field} is unset`);
  }
  return { bound, unset };
}

/** What the engine asks of a record before `where`, in its order. */
function hindrances(rule: Rule, step: Step, obs: Observation, p: Readonly<Partial>): string[] {
  const failed: string[] = [];
  const gap = obs.seen - p.base;
  const before = p.steps.at(-1)?.step ?? '';
  if (gap < step.after) failed.push(`${span(gap)} after ${before}: the step asks for ${span(step.after)} at least`);
  if (gap > step.within) failed.push(`${span(gap)} after ${before}: the step allows ${span(step.within)}`);
  if (obs.seen - p.first > rule.window)
    failed.push(`${span(obs.seen - p.first)} after the first step: the window is ${span(rule.window)}`);
  for (const { variable, field, class: cls } of step.bind) {
    const known = p.bound[variable];
    const value = fieldOf(obs, field);
    if (known !== undefined && !joins(p.bound, { [variable]: { class: cls, value: String(value) } }))
      failed.push(`${variable} is ${(known.values ?? [known.value]).join(' or ')}, here it is ${String(value)}`);
  }
  return failed;
}

function terms(
  rule: Rule,
  step: Step,
  obs: Observation,
  own: Readonly<Record<string, BoundVariable>>,
  p: Readonly<Partial> | undefined,
  memory: PlainMemory,
): { failed: string[]; held: string[] } {
  const values = bindingsOf(step, obs, { ...p?.bound, ...own }, p?.steps ?? [], memory);
  const failed: string[] = [];
  const held: string[] = [];
  for (const [i, said] of explainTerms(step, values).entries()) {
    const verdict = step.where?.terms[i]?.evaluate(values);
    if (verdict === true || (verdict === UNKNOWN && rule.onYoung !== 'wait')) held.push(said);
    else failed.push(said);
  }
  return { failed, held };
}

/** Nearest first: fewest things wrong. */
function keep(attempts: Map<string, Attempt[]>, attempt: Attempt): void {
  const list = attempts.get(attempt.step) ?? [];
  attempts.set(attempt.step, list);
  list.push(attempt);
  list.sort((a, b) => a.failed.length - b.failed.length || a.at - b.at);
  list.length = Math.min(list.length, ATTEMPTS_MAX);
}

/** What an aggregate is with this record, when that is not enough yet. */
function tooFew(step: Step, obs: Observation, tally: Tally, memory: PlainMemory): string | undefined {
  const { agg } = step;
  if (agg === undefined) return undefined;
  const is = addTo(step, agg, tally, obs, agg.value?.(new OwnRecord(memory).of(obs)) ?? null);
  if (is !== undefined && is >= agg.gte) return undefined;
  return `${agg.of} of ${agg.text} is ${is ?? 'not counted'} in ${agg.per / 1e6} s: the step asks for ${agg.gte}`;
}

export interface ExplainOptions {
  /** Only keys that name it. */
  readonly host?: string | undefined;
  /** How long before day 0 memory begins. */
  readonly memoryDays?: number | undefined;
  /** Chains that the rule takes as steps. */
  readonly others?: readonly Rule[];
  /** What memory was touched with, in order of time, and since when it knows [us]: instead of what is replayed. */
  readonly past?: { readonly touches: readonly Touch[]; readonly since: number };
}

/** Replays `observations` through `rule` and tells each key's story. */
export function explain(rule: Rule, observations: readonly Observation[], options: ExplainOptions = {}): KeyStory[] {
  const { host, memoryDays = MEMORY_DAYS, others = [], past } = options;
  const memory = new PlainMemory(past?.since ?? DAY_0 - memoryDays * DAY);
  const keys = new Map<string, Notes>();
  const notes = (key: string): Notes => {
    const known = keys.get(key);
    if (known !== undefined) return known;
    const fresh: Notes = { matched: [], attempts: new Map(), findings: [], nearMisses: [] };
    if (keys.size < KEYS_MAX) keys.set(key, fresh);
    return fresh;
  };
  const found = (all: readonly Finding[]): void => {
    for (const f of all) if (f.rule.id === rule.id) notes(f.key).findings.push(f);
  };
  /** Of aggregates that begin the chain, by key and step. */
  const begun = new Map<string, Tally>();
  const steps = rule.groups.flatMap((g, group) => g.steps.map((step, member) => ({ step, group, member })));

  const look = (obs: Observation): void => {
    for (const { step, group, member } of steps) {
      if (!consumes(step, obs)) continue;
      const { bound, unset } = bindings(step, obs);
      if (rule.by.some((name) => bound[name] === undefined)) continue;
      const key = keyOf(rule, bound);
      const open = [...chains.open].filter(
        (p) => p.rule === rule.id && p.key === key && accepts(rule, p, group, member),
      );
      const waiting = group === 0 ? [undefined, ...open] : open;
      for (const p of waiting) {
        const verdict = terms(rule, step, obs, bound, p, memory);
        const failed = [...unset, ...(p === undefined ? [] : hindrances(rule, step, obs, p)), ...verdict.failed];
        if (failed.length === 0) {
          const slot = `${key} ${step.id}`;
          const tally = p === undefined ? begun.get(slot) : p.tallies[step.id];
          const counted = structuredClone(tally ?? newTally());
          const few = tooFew(step, obs, counted, memory);
          if (few !== undefined) failed.push(few);
          if (p === undefined) begun.set(slot, few === undefined ? newTally() : counted);
        }
        const { matched, attempts } = notes(key);
        const at = obs.seen;
        if (failed.length === 0) matched.push({ step: step.id, at, why: verdict.held });
        else keep(attempts, { step: step.id, at, kind: obs.kind, failed, held: verdict.held });
      }
    }
  };
  const chains = new Chains([rule, ...others], memory, new PlainSection(), { onAtom: look });
  let t = 0;
  for (const obs of observations) {
    found(chains.advance(obs.seen));
    if (past === undefined) remember(memory, obs);
    else t = recall(memory, past.touches, t, obs.seen);
    look(obs);
    found(chains.feed(obs));
  }
  found(chains.advance(Number.POSITIVE_INFINITY));
  for (const miss of chains.nearMisses.filter((m) => m.rule === rule.id)) notes(miss.key).nearMisses.push(miss);

  const stories = [...keys].map(([key, n]) => ({ key, ...n, attempts: [...n.attempts.values()].flat() }));
  return (
    stories
      .filter((s) => host === undefined || s.key.split('|').some((part) => part.slice(part.indexOf('=') + 1) === host))
      // Finished first, then those that came furthest.
      .sort(
        (a, b) =>
          b.findings.length - a.findings.length || b.matched.length - a.matched.length || (a.key < b.key ? -1 : 1),
      )
  );
}

const REASONS: Readonly<Record<NearMiss['reason'], string>> = {
  expired: 'it ran out of time',
  absent: 'what was to stay away came',
  until: 'the chain was called off',
  full: 'there was no room for another start',
  evicted: 'it was evicted for a newer start',
  suppressed: 'its key rested after another alert',
};

/** For a terminal: one indented block a key. @param dayText  how times are told */
export function storyLines(story: KeyStory, dayText: (us: number) => string = dayOfCase): string[] {
  const out = [story.key];
  for (const f of story.findings) out.push(`  ALERT ${f.status} at ${dayText(f.at)}`);
  for (const m of story.matched) {
    out.push(`  matched ${m.step} at ${dayText(m.at)}`);
    for (const why of m.why) out.push(`      yes  ${why}`);
  }
  for (const a of story.attempts) {
    out.push(`  not ${a.step}: the ${a.kind} at ${dayText(a.at)}`);
    for (const f of a.failed) out.push(`      NO   ${f}`);
    for (const h of a.held) out.push(`      yes  ${h}`);
  }
  for (const m of story.nearMisses) {
    const had = m.matched.length === 0 ? 'nothing' : m.matched.join(', ');
    out.push(`  near miss: ${had} since ${dayText(m.first)}, short of ${m.missing}: ${REASONS[m.reason]}`);
  }
  return out;
}
