// The chain engine: events and signals matched as steps, joined on entities, in packet time.
//
// Invariants, each with a test of its name:
//  1. Same observations, same findings, whatever the cuts between calls.
//  2. Stopped anywhere and loaded again: the same findings, none twice.
//  3. A record advances a partial at most once, and no partial branches.
//  4. A partial ends at its deadline, when the watermark passes it, not when somebody looks.
//  5. Partials per key and per rule are limited; what a limit refuses or evicts is counted by rule and reason.
//  6. Completions of one key by one record are one finding with all its starts.

import type { Finding, Keeper, Matched } from '../schema/finding.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import type { EntityClass, Memory, Observation, Section } from '../schema/observation.ts';
import { type Bindings, Bound as Limit, shown, UNKNOWN, type Value } from './cel.ts';
import { Deadlines } from './deadlines.ts';
import { matched } from './kept.ts';
import { type OpenAlert, type Partial, pack, unpack } from './partial.ts';
import type { Rule, Step } from './rule.ts';

const NEAR_MISSES_MAX = 256;

/** Measured fraction of the time between two packet times [us] in which the sensor could have seen such an event. */
export type Coverage = (from: number, to: number, kind: KindName) => number;

export interface NearMiss {
  readonly rule: string;
  readonly key: string;
  readonly matched: readonly string[];
  readonly missing: string;
  readonly first: number;
  readonly ended: number;
  readonly reason: 'expired' | 'absent' | 'until' | 'full' | 'evicted';
}

interface Use {
  readonly rule: Rule;
  readonly step: Step;
  /** Index among positive steps; the step an absence follows; or -1 for until. */
  readonly index: number;
  readonly role: 'step' | 'absent' | 'until';
}

interface Slots {
  readonly list: Partial[];
}

type Bound = Record<string, { class: EntityClass; value: string }>;

export class Chains {
  readonly nearMisses: NearMiss[] = [];
  /** How often each limit or end took a partial: `rule reason`. */
  readonly counts = new Map<string, number>();

  private readonly rules: ReadonlyMap<string, Rule>;
  private readonly positive = new Map<string, readonly Step[]>();
  private readonly uses = new Map<string, Use[]>();
  private readonly byId = new Map<number, Partial>();
  private readonly byKey = new Map<string, Slots>();
  private readonly perRule = new Map<string, number>();
  private readonly alerts = new Map<string, OpenAlert>();
  private readonly deadlines = new Deadlines();
  private readonly dirty = new Set<number>();
  private readonly dirtyAlerts = new Set<string>();
  private readonly memory: Memory;
  private readonly section: Section;
  private readonly coverage: Coverage;
  private readonly keeper: Keeper | undefined;
  private nextId = 1;

  constructor(rules: readonly Rule[], memory: Memory, section: Section, coverage: Coverage = () => 1, keeper?: Keeper) {
    this.rules = new Map(rules.map((r) => [r.id, r]));
    this.memory = memory;
    this.section = section;
    this.coverage = coverage;
    this.keeper = keeper;
    for (const rule of this.rules.values()) {
      this.positive.set(
        rule.id,
        rule.steps.filter((s) => !s.absent),
      );
      let index = -1;
      for (const step of rule.steps) {
        if (!step.absent) index++;
        this.use({ rule, step, index, role: step.absent ? 'absent' : 'step' });
      }
      for (const step of rule.until) this.use({ rule, step, index: -1, role: 'until' });
    }
    this.load();
  }

  /** Kinds that some step consumes. */
  get wants(): ReadonlySet<KindName> {
    return new Set([...this.rules.values()].flatMap((r) => [...r.steps, ...r.until].map((s) => s.kind)));
  }
  get partials(): number {
    return this.byId.size;
  }
  get open(): Iterable<Readonly<Partial>> {
    return this.byId.values();
  }

  private use(u: Use): void {
    const topic = u.step.signal === undefined ? u.step.kind : `signal:${u.step.signal}`;
    const list = this.uses.get(topic);
    if (list === undefined) this.uses.set(topic, [u]);
    else list.push(u);
  }

  /** One event or signal, in order of `seen`. */
  feed(obs: Observation): Finding[] {
    const topic = obs.kind === 'signal' ? `signal:${(obs.event as { name: string }).name}` : obs.kind;
    const findings: Finding[] = [];
    for (const use of this.uses.get(topic) ?? []) this.consume(use, obs, findings);
    if (obs.kind === 'signal') for (const use of this.uses.get('signal') ?? []) this.consume(use, obs, findings);
    return findings;
  }

  /** Nothing older than `watermark` comes any more: ends what is due, concludes absences. */
  advance(watermark: number): Finding[] {
    const findings: Finding[] = [];
    for (let id = this.deadlines.take(watermark); id !== undefined; id = this.deadlines.take(watermark)) {
      const p = this.byId.get(id);
      if (p === undefined || p.deadline >= watermark) continue;
      const rule = this.rules.get(p.rule) as Rule;
      const steps = this.positive.get(p.rule) as readonly Step[];
      if (p.next === steps.length) {
        this.remove(p);
        this.cover(p, rule, p.last, p.deadline);
        findings.push(this.finding(rule, [p], p.deadline, undefined));
      } else {
        this.end(p, 'expired', p.deadline);
      }
    }
    for (const [id, alert] of this.alerts) {
      if (alert.until >= watermark) continue;
      this.alerts.delete(id);
      this.dirtyAlerts.add(id);
    }
    return findings;
  }

  private consume(use: Use, obs: Observation, findings: Finding[]): void {
    const { rule, step } = use;
    for (const [field, value] of step.where?.equals ?? []) {
      if (value !== fieldOf(obs, field)) return;
    }
    const bound = bindAll(step, obs);
    if (bound === undefined) return;
    const key = keyOf(rule, bound);
    const open = this.byKey.get(slotKey(rule.id, key))?.list ?? [];
    if (use.role === 'until') this.kill(use, obs, bound, [...open]);
    if (use.role === 'absent') this.violate(use, obs, bound, [...open]);
    if (use.role !== 'step') return;

    const finished: Partial[] = [];
    for (const p of [...open]) {
      if (p.next === use.index && use.index > 0 && !isOver(obs) && this.advancePartial(p, use, obs, bound)) {
        if (p.next === (this.positive.get(rule.id) as readonly Step[]).length && !this.waits(p, rule)) finished.push(p);
      }
    }
    if (finished.length > 0) {
      for (const p of finished) this.remove(p);
      findings.push(this.finding(rule, finished, obs.seen, obs));
      return;
    }
    if (this.extend(rule, key, obs, findings) || isOver(obs)) return;
    if (use.index === 0) this.start(use, obs, bound, key, findings);
  }

  private advancePartial(p: Partial, use: Use, obs: Observation, bound: Bound): boolean {
    const { rule, step } = use;
    const gap = obs.seen - p.last;
    if (gap < step.after || gap > step.within || obs.seen - p.first > rule.window) return false;
    for (const [name, b] of Object.entries(bound)) {
      const known = p.bound[name];
      if (known !== undefined && known.value !== b.value) return false;
    }
    const verdict = this.judge(rule, step, obs, { ...p.bound, ...bound }, p.steps);
    if (verdict === undefined) return false;
    this.cover(p, rule, p.last, obs.seen);
    if (verdict.young && !p.flags.includes('young_memory')) p.flags.push('young_memory');
    Object.assign(p.bound, bound);
    p.steps.push(matched(step, obs, verdict.why));
    p.last = obs.seen;
    p.next++;
    this.schedule(p, rule);
    this.take(p, step);
    return true;
  }

  private start(use: Use, obs: Observation, bound: Bound, key: string, findings: Finding[]): void {
    const { rule, step } = use;
    const verdict = this.judge(rule, step, obs, bound, []);
    if (verdict === undefined) return;
    const slot = slotKey(rule.id, key);
    const list = this.byKey.get(slot)?.list ?? [];
    if (rule.start === 'first' && list.length > 0) return;
    if (rule.start === 'last') {
      const [only] = list;
      if (only !== undefined && only.next > 1) return;
      if (only !== undefined) {
        this.remove(only);
        this.keeper?.release(partialKey(only));
      }
    }
    if (rule.start === 'each' && list.length >= rule.each) {
      if (rule.onFull === 'reject-new') {
        this.refuse(rule, key, obs);
        return;
      }
      this.end(list[0] as Partial, 'evicted', obs.seen);
    }
    if ((this.perRule.get(rule.id) ?? 0) >= rule.partialsMax) {
      if (rule.onFull === 'reject-new') {
        this.refuse(rule, key, obs);
        return;
      }
      const oldest = [...this.byId.values()].find((p) => p.rule === rule.id);
      if (oldest !== undefined) this.end(oldest, 'evicted', obs.seen);
    }
    const p: Partial = {
      ...{ id: this.nextId++, rule: rule.id, ruleHash: rule.hash, key, next: 1, bound },
      steps: [matched(step, obs, verdict.why)],
      ...{ first: obs.seen, last: obs.seen, deadline: 0, flags: verdict.young ? ['young_memory'] : [] },
    };
    if ((this.positive.get(rule.id) as readonly Step[]).length === 1 && !this.waits(p, rule)) {
      p.deadline = obs.seen;
      this.take(p, step);
      findings.push(this.finding(rule, [p], obs.seen, obs));
      return;
    }
    this.insert(p);
    this.schedule(p, rule);
    this.take(p, step);
  }

  /** The latest match of `p`, which was of `step`, into keeping. */
  private take(p: Partial, step: Step): void {
    if (step.keep !== undefined) this.keeper?.take(partialKey(p), p.steps.at(-1) as Matched, step.keep, p.deadline);
  }

  /** Whether the finished steps still wait for an absence to be over. */
  private waits(p: Partial, rule: Rule): boolean {
    return p.next === (this.positive.get(rule.id) as readonly Step[]).length && rule.steps.at(-1)?.absent === true;
  }

  private judge(
    rule: Rule,
    step: Step,
    obs: Observation,
    bound: Bound,
    earlier: readonly Matched[],
  ): { why: string[]; young: boolean } | undefined {
    if (step.where === undefined) return { why: [], young: false };
    const bindings = bindingsOf(step, obs, bound, earlier, this.memory);
    const verdict = step.where.evaluate(bindings);
    if (verdict === false || verdict === null) return undefined;
    if (verdict === UNKNOWN && rule.onYoung === 'wait') return undefined;
    return { why: explainTerms(step, bindings), young: verdict === UNKNOWN && rule.onYoung === 'flag' };
  }

  /** An absence that was only partly watched is kept, and said so. */
  private cover(p: Partial, rule: Rule, from: number, to: number): void {
    for (const step of absencesAfter(rule, p.steps.length)) {
      if (this.coverage(from, to, step.kind) < step.requireCoverage && !p.flags.includes('blind'))
        p.flags.push('blind');
    }
  }

  private kill(use: Use, obs: Observation, bound: Bound, open: readonly Partial[]): void {
    for (const p of open) {
      if (p.first >= obs.seen) continue;
      if (this.judge(use.rule, use.step, obs, { ...p.bound, ...bound }, p.steps) === undefined) continue;
      this.end(p, 'until', obs.seen);
    }
  }

  private violate(use: Use, obs: Observation, bound: Bound, open: readonly Partial[]): void {
    for (const p of open) {
      if (p.next !== use.index + 1 || obs.seen <= p.last || obs.seen > p.deadline) continue;
      const clash = Object.entries(bound).some(([n, b]) => p.bound[n] !== undefined && p.bound[n].value !== b.value);
      if (clash || this.judge(use.rule, use.step, obs, { ...p.bound, ...bound }, p.steps) === undefined) continue;
      this.end(p, 'absent', obs.seen);
    }
  }

  /** Later records of an episode that completed a chain extend its alert, and never repeat it. */
  private extend(rule: Rule, key: string, obs: Observation, findings: Finding[]): boolean {
    const episode = episodeOf(obs);
    if (episode === undefined) return false;
    const id = alertKey(rule.id, key, episode);
    const alert = this.alerts.get(id);
    if (alert === undefined) return false;
    alert.revision++;
    this.dirtyAlerts.add(id);
    const more = matched({ id: 'continues', where: undefined }, obs, []);
    const { keep } = (this.positive.get(rule.id) as readonly Step[]).at(-1) as Step;
    if (keep !== undefined) this.keeper?.take(alert.partials[0] as string, more, keep, obs.seen);
    findings.push({
      ...{ rule: headOf(rule), status: 'extended', revision: alert.revision, key, starts: alert.starts },
      steps: [...alert.steps, more],
      others: alert.others,
      partials: alert.partials,
      ...{ bound: alert.bound, flags: alert.flags, issued: alert.issued, at: obs.seen },
    });
    return true;
  }

  private finding(rule: Rule, finished: readonly Partial[], at: number, obs: Observation | undefined): Finding {
    const ordered = [...finished].sort((a, b) => a.first - b.first || a.id - b.id);
    const oldest = ordered[0] as Partial;
    const starts = ordered.map((p) => (p.steps[0] as Matched).hash);
    const others = ordered.slice(1).map((p) => p.steps.filter((m) => m.hash !== obs?.hash));
    const partials = ordered.map(partialKey);
    const flags = [...new Set(ordered.flatMap((p) => p.flags))].sort();
    const episode = obs === undefined ? undefined : episodeOf(obs);
    if (episode !== undefined) {
      const id = alertKey(rule.id, oldest.key, episode);
      const { key, steps, bound } = oldest;
      this.alerts.set(id, {
        rule: rule.id,
        key,
        episode,
        partials,
        starts,
        steps,
        others,
        bound,
        flags,
        revision: 1,
        issued: at,
        until: at + rule.window,
      });
      this.dirtyAlerts.add(id);
    }
    return {
      ...{ rule: headOf(rule), status: 'issued', revision: 1, key: oldest.key, starts, steps: oldest.steps },
      others,
      partials,
      ...{ bound: oldest.bound, flags, issued: at, at },
    };
  }

  private schedule(p: Partial, rule: Rule): void {
    const steps = this.positive.get(rule.id) as readonly Step[];
    const trailing = p.next === steps.length ? rule.steps.at(-1)?.lasting : undefined;
    const within = steps[p.next]?.within ?? Number.POSITIVE_INFINITY;
    p.deadline = trailing !== undefined ? p.last + trailing : Math.min(p.first + rule.window, p.last + within);
    this.deadlines.add(p.deadline, p.id);
    this.dirty.add(p.id);
  }

  private insert(p: Partial): void {
    this.byId.set(p.id, p);
    const slot = slotKey(p.rule, p.key);
    const slots = this.byKey.get(slot);
    if (slots === undefined) this.byKey.set(slot, { list: [p] });
    else slots.list.push(p);
    this.perRule.set(p.rule, (this.perRule.get(p.rule) ?? 0) + 1);
  }

  private remove(p: Partial): void {
    if (!this.byId.delete(p.id)) return;
    const slot = slotKey(p.rule, p.key);
    const list = this.byKey.get(slot)?.list;
    list?.splice(list.indexOf(p), 1);
    if (list?.length === 0) this.byKey.delete(slot);
    this.perRule.set(p.rule, (this.perRule.get(p.rule) ?? 1) - 1);
    this.dirty.add(p.id);
  }

  private end(p: Partial, reason: NearMiss['reason'], at: number): void {
    this.remove(p);
    this.keeper?.release(partialKey(p));
    const missing = (this.positive.get(p.rule) as readonly Step[])[p.next]?.id ?? 'absence';
    this.miss({
      rule: p.rule,
      key: p.key,
      matched: p.steps.map((s) => s.step),
      missing,
      first: p.first,
      ended: at,
      reason,
    });
  }

  private refuse(rule: Rule, key: string, obs: Observation): void {
    this.miss({
      rule: rule.id,
      key,
      matched: [],
      missing: rule.steps[0]?.id ?? '',
      first: obs.seen,
      ended: obs.seen,
      reason: 'full',
    });
  }

  private miss(miss: NearMiss): void {
    const name = `${miss.rule} ${miss.reason}`;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    this.nearMisses.push(miss);
    if (this.nearMisses.length > NEAR_MISSES_MAX) this.nearMisses.shift();
  }

  /** Writes what has changed into the section; the spine commits it. */
  save(): void {
    for (const id of this.dirty) {
      const p = this.byId.get(id);
      if (p === undefined) this.section.remove(sectionKey(id));
      else this.section.put(sectionKey(id), pack(p));
    }
    for (const id of this.dirtyAlerts) {
      const alert = this.alerts.get(id);
      if (alert === undefined) this.section.remove(`a/${id}`);
      else this.section.put(`a/${id}`, pack(alert));
    }
    this.dirty.clear();
    this.dirtyAlerts.clear();
  }

  private load(): void {
    for (const [key, bytes] of this.section.entries()) {
      if (key.startsWith('a/')) {
        const alert = unpack<OpenAlert>(bytes);
        if (this.rules.has(alert.rule)) this.alerts.set(key.slice(2), alert);
        continue;
      }
      const p = unpack<Partial>(bytes);
      this.nextId = Math.max(this.nextId, p.id + 1);
      // Another text of the rule: its open partials are dropped, counted.
      if (this.rules.get(p.rule)?.hash !== p.ruleHash) {
        const name = `${p.rule} dropped by another version`;
        this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
        this.dirty.add(p.id);
        this.keeper?.release(partialKey(p));
        continue;
      }
      this.insert(p);
      this.deadlines.add(p.deadline, p.id);
    }
  }
}

const partialKey = ({ rule, id }: Pick<Partial, 'rule' | 'id'>): string => `${rule}/${id}`;
const sectionKey = (id: number): string => `p/${id.toString(36).padStart(10, '0')}`;
const slotKey = (rule: string, key: string): string => `${rule}\0${key}`;
const alertKey = (rule: string, key: string, episode: string): string => `${rule}\0${key}\0${episode}`;
const headOf = ({ id, hash, version, title, severity, attack, scope }: Rule): Finding['rule'] => ({
  ...{ id, hash, version, title, severity, attack, scope },
});
export const keyOf = (rule: Rule, bound: Bound): string =>
  rule.by.map((name) => `${name}=${bound[name]?.value ?? ''}`).join('|');

function episodeOf(obs: Observation): string | undefined {
  return obs.kind === 'signal' ? ((obs.event as { episode: string | null }).episode ?? undefined) : undefined;
}

/** The end of an episode is told days after its last record: it proves nothing about the time at which it is told. */
const isOver = (obs: Observation): boolean =>
  obs.kind === 'signal' && (obs.event as { phase: string }).phase === 'closed';

/** Absent steps that follow the nth positive step. */
function absencesAfter(rule: Rule, n: number): Step[] {
  let seen = 0;
  const out: Step[] = [];
  for (const step of rule.steps) {
    if (!step.absent) seen++;
    else if (seen === n) out.push(step);
  }
  return out;
}

export function fieldOf(obs: Observation, field: string): Value {
  const host = obs.hosts[field];
  if (host !== undefined) return host.id;
  return ((obs.event as unknown as Record<string, Value | undefined>)[field] ?? null) as Value;
}

/** The step's variables; undefined when one has no value in this record. */
function bindAll(step: Step, obs: Observation): Bound | undefined {
  const bound: Bound = {};
  for (const { variable, field, class: cls } of step.bind) {
    const value = fieldOf(obs, field);
    if (typeof value !== 'string' || value === '') return undefined;
    bound[variable] = { class: cls, value };
  }
  return bound;
}

export function bindingsOf(
  step: Step,
  obs: Observation,
  bound: Bound,
  earlier: readonly Matched[],
  memory: Memory,
): Bindings {
  return {
    field: (name, field) => {
      if (name === step.kind) return fieldOf(obs, field);
      const past = earlier.find((m) => m.step === name);
      return (past?.hosts[field] ?? past?.values[field] ?? null) as Value;
    },
    variable: (name) => bound[name]?.value ?? '',
    memory,
    at: obs.seen,
  };
}

/** Each term with the values it compared; one that was not true says what it was. */
export function explainTerms(step: Step, bindings: Bindings): string[] {
  return (step.where?.terms ?? []).map((t) => {
    const verdict = t.evaluate(bindings);
    const values = t.parts.map((p) => `${p.text} is ${shownPart(p.evaluate(bindings), p.isTime)}`);
    const said = values.length === 0 ? t.text : `${t.text}, where ${values.join(', ')}`;
    return verdict === true ? said : `${said}: ${shown(verdict)}`;
  });
}

function shownPart(v: Value, isTime: boolean): string {
  const us = v instanceof Limit ? v.known : v;
  // Beyond that no calendar goes.
  if (!isTime || typeof us !== 'number' || Math.abs(us) > 8.64e18) return shown(v);
  return new Date(Math.floor(us / 1000)).toISOString();
}
