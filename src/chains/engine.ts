// The chain engine: events and signals matched as steps, joined on entities, in packet time.
//
// Invariants, each with a test of its name:
//  1. Same observations, same findings, whatever the cuts between calls.
//  2. Stopped anywhere and loaded again: the same findings, none twice.
//  3. A record advances a partial at most once, and no partial branches.
//  4. A partial ends at its deadline, when the watermark passes it, not when somebody looks.
//  5. Partials per key and per rule are limited; what a limit refuses or evicts is counted by rule and reason.
//  6. Completions of one key by one record are one finding with all its starts.

import { createHash } from 'node:crypto';
import type { Finding, Keeper, Matched } from '../schema/finding.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import type { Memory, Observation, Section } from '../schema/observation.ts';
import { type Bound, bindAll, bindingsOf, explainTerms, fieldOf, keyOf } from './bindings.ts';
import { UNKNOWN } from './cel.ts';
import { Deadlines } from './deadlines.ts';
import { matched } from './kept.ts';
import { type OpenAlert, type Partial, pack, type Rest, unpack } from './partial.ts';
import type { Group, Rule, Step } from './rule.ts';
import { Topics } from './topics.ts';

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
  readonly reason: 'expired' | 'absent' | 'until' | 'full' | 'evicted' | 'suppressed';
}

interface Use {
  readonly rule: Rule;
  readonly step: Step;
  /** The group it belongs to, or that an absence stands before; -1 for until. */
  readonly group: number;
  readonly member: number;
  readonly role: 'step' | 'absent' | 'until';
}

interface Slots {
  readonly list: Partial[];
}

export class Chains {
  readonly nearMisses: NearMiss[] = [];
  /** How often each limit or end took a partial: `rule reason`. */
  readonly counts = new Map<string, number>();

  private readonly rules: ReadonlyMap<string, Rule>;
  private readonly uses = new Topics<Use>();
  private readonly byId = new Map<number, Partial>();
  private readonly byKey = new Map<string, Slots>();
  private readonly perRule = new Map<string, number>();
  private readonly alerts = new Map<string, OpenAlert>();
  /** Until when a key rests after its alert. */
  private readonly resting = new Map<string, number>();
  private readonly deadlines = new Deadlines();
  private readonly dirty = new Set<number>();
  private readonly dirtyAlerts = new Set<string>();
  private readonly dirtyRests = new Set<string>();
  /** Partials that the record being fed has made or advanced. */
  private readonly touched = new Set<number>();
  /** Rules and keys for which it has begun one. */
  private readonly begun = new Set<string>();
  /** What it has finished, by rule and key: one alert each. */
  private readonly finished = new Map<string, { readonly rule: Rule; readonly partials: Partial[] }>();
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
      for (const [group, { steps, absent }] of rule.groups.entries()) {
        for (const step of absent) this.uses.add({ rule, step, group, member: 0, role: 'absent' });
        for (const [member, step] of steps.entries()) this.uses.add({ rule, step, group, member, role: 'step' });
      }
      if (rule.trailing !== undefined)
        this.uses.add({ rule, step: rule.trailing, group: rule.groups.length, member: 0, role: 'absent' });
      for (const step of rule.until) this.uses.add({ rule, step, group: -1, member: 0, role: 'until' });
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

  /** One event or signal, in order of `seen`. */
  feed(obs: Observation): Finding[] {
    const findings: Finding[] = [];
    this.touched.clear();
    this.begun.clear();
    this.finished.clear();
    for (const { item } of this.uses.of(obs)) this.consume(item, obs, findings);
    for (const { rule, partials } of this.finished.values()) this.conclude(rule, partials, obs.seen, obs, findings);
    return findings;
  }

  /** Nothing older than `watermark` comes any more: ends what is due, concludes absences. */
  advance(watermark: number): Finding[] {
    const findings: Finding[] = [];
    for (let id = this.deadlines.take(watermark); id !== undefined; id = this.deadlines.take(watermark)) {
      const p = this.byId.get(id);
      if (p === undefined || p.deadline >= watermark) continue;
      const rule = this.rules.get(p.rule) as Rule;
      if (p.next === rule.groups.length) {
        this.remove(p);
        if (rule.trailing !== undefined) this.cover(p, [rule.trailing], p.deadline);
        this.conclude(rule, [p], p.deadline, undefined, findings);
      } else {
        this.end(p, 'expired', p.deadline);
      }
    }
    for (const [id, alert] of this.alerts) {
      if (alert.until >= watermark) continue;
      this.alerts.delete(id);
      this.dirtyAlerts.add(id);
    }
    for (const [slot, until] of this.resting) {
      if (until >= watermark) continue;
      this.resting.delete(slot);
      this.dirtyRests.add(slot);
    }
    return findings;
  }

  private consume(use: Use, obs: Observation, findings: Finding[]): void {
    const { rule, step } = use;
    // Nothing of this chain is open: only a first step can do something.
    if (use.group !== 0 && (this.perRule.get(rule.id) ?? 0) === 0 && obs.kind !== 'signal') return;
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

    let advanced = false;
    let done = false;
    for (const p of [...open]) {
      if (isOver(obs) || this.touched.has(p.id) || !accepts(rule, p, use.group, use.member)) continue;
      if (!this.advancePartial(p, use, obs, bound)) continue;
      advanced = true;
      if (p.next < rule.groups.length || rule.trailing !== undefined) continue;
      this.finish(p, rule);
      done = true;
    }
    if (done || this.extend(rule, key, obs, findings) || isOver(obs)) return;
    // Of an any_order group that begins a chain: what went on with one begins no other.
    if (use.group === 0 && !(advanced && rule.groups[0]?.need === 'all')) this.start(use, obs, bound, key);
  }

  private advancePartial(p: Partial, use: Use, obs: Observation, bound: Bound): boolean {
    const { rule, step } = use;
    const group = rule.groups[use.group] as Group;
    const gap = obs.seen - p.base;
    if (gap < group.after || gap > group.within || obs.seen - p.first > rule.window) return false;
    for (const [name, b] of Object.entries(bound)) {
      const known = p.bound[name];
      if (known !== undefined && known.value !== b.value) return false;
    }
    const verdict = this.judge(rule, step, obs, { ...p.bound, ...bound }, p.steps);
    if (verdict === undefined) return false;
    if (p.met === 0) this.cover(p, group.absent, obs.seen);
    if (verdict.young && !p.flags.includes('young_memory')) p.flags.push('young_memory');
    Object.assign(p.bound, bound);
    p.steps.push(matched(step, obs, verdict.why));
    this.meet(p, rule, use, obs.seen);
    this.take(p, step);
    return true;
  }

  /** `p` has met a step of a group; and the group, when that was the last of it. */
  private meet(p: Partial, rule: Rule, { group, member }: Use, seen: number): void {
    const { steps, need } = rule.groups[group] as Group;
    p.met = (p.next === group ? p.met : 0) | (1 << member);
    p.next = group;
    p.last = seen;
    p.barred = [];
    if (need === 'one' || p.met === (1 << steps.length) - 1) {
      p.next++;
      p.met = 0;
      p.base = seen;
    }
    this.touched.add(p.id);
    this.schedule(p, rule);
  }

  private start(use: Use, obs: Observation, bound: Bound, key: string): void {
    const { rule, step } = use;
    // A record that fits two steps of the first group begins with the earlier one.
    if (this.begun.has(slotKey(rule.id, key))) return;
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
      ...{ id: this.nextId++, rule: rule.id, ruleHash: rule.hash, key, next: 0, met: 0, barred: [], bound },
      steps: [matched(step, obs, verdict.why)],
      ...{ first: obs.seen, base: obs.seen, last: obs.seen, deadline: 0 },
      flags: verdict.young ? ['young_memory'] : [],
    };
    this.begun.add(slotKey(rule.id, key));
    this.insert(p);
    this.meet(p, rule, use, obs.seen);
    this.take(p, step);
    if (p.next === rule.groups.length && rule.trailing === undefined) this.finish(p, rule);
  }

  private finish(p: Partial, rule: Rule): void {
    this.remove(p);
    const slot = slotKey(rule.id, p.key);
    const others = this.finished.get(slot);
    if (others === undefined) this.finished.set(slot, { rule, partials: [p] });
    else others.partials.push(p);
  }

  /** The latest match of `p`, which was of `step`, into keeping. */
  private take(p: Partial, step: Step): void {
    if (step.keep !== undefined) this.keeper?.take(partialKey(p), p.steps.at(-1) as Matched, step.keep, p.deadline);
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
  private cover(p: Partial, absent: readonly Step[], to: number): void {
    for (const { kind, requireCoverage } of absent) {
      if (this.coverage(p.base, to, kind) < requireCoverage && !p.flags.includes('blind')) p.flags.push('blind');
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
    const { rule, step, group } = use;
    for (const p of open) {
      if (!leads(rule, p, group) || obs.seen <= p.base || obs.seen > p.deadline) continue;
      const clash = Object.entries(bound).some(([n, b]) => p.bound[n] !== undefined && p.bound[n].value !== b.value);
      if (clash || this.judge(rule, step, obs, { ...p.bound, ...bound }, p.steps) === undefined) continue;
      // An optional group between could still come, and the time after it is another.
      const isNext = group === p.next && rule.groups[group]?.optional !== true;
      if (isNext) {
        this.end(p, 'absent', obs.seen);
      } else if (!p.barred.includes(group)) {
        p.barred.push(group);
        this.dirty.add(p.id);
      }
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
    const keep = rule.groups.at(-1)?.steps.find((s) => s.id === alert.steps.at(-1)?.step)?.keep;
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

  /** An alert, unless its key rests after another one. */
  private conclude(
    rule: Rule,
    finished: readonly Partial[],
    at: number,
    obs: Observation | undefined,
    findings: Finding[],
  ): void {
    const slot = slotKey(rule.id, (finished[0] as Partial).key);
    if (at <= (this.resting.get(slot) ?? Number.NEGATIVE_INFINITY)) {
      for (const p of finished) this.missed(p, 'suppressed', at);
      return;
    }
    if (rule.suppress > 0) {
      this.resting.set(slot, at + rule.suppress);
      this.dirtyRests.add(slot);
    }
    findings.push(this.finding(rule, finished, at, obs));
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
    if (p.next === rule.groups.length) {
      p.deadline = p.base + (rule.trailing?.lasting ?? 0);
    } else {
      let within = 0;
      for (let g = p.next; g < rule.groups.length && leads(rule, p, g); g++)
        within = Math.max(within, (rule.groups[g] as Group).within);
      p.deadline = Math.min(p.first + rule.window, p.base + within);
    }
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
    this.missed(p, reason, at);
  }

  /** A partial that is gone, and made no alert. */
  private missed(p: Partial, reason: NearMiss['reason'], at: number): void {
    this.keeper?.release(partialKey(p));
    const group = this.rules.get(p.rule)?.groups[p.next];
    const unmet = group?.steps.filter((_, i) => (p.met & (1 << i)) === 0).map((s) => s.id) ?? [];
    this.miss({
      rule: p.rule,
      key: p.key,
      matched: p.steps.map((s) => s.step),
      missing: unmet.join(group?.need === 'one' ? ' or ' : ' and ') || 'absence',
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
      if (alert === undefined) this.section.remove(alertSection(id));
      else this.section.put(alertSection(id), pack(alert));
    }
    for (const slot of this.dirtyRests) {
      const until = this.resting.get(slot);
      if (until === undefined) this.section.remove(restSection(slot));
      else this.section.put(restSection(slot), pack({ slot, until }));
    }
    this.dirty.clear();
    this.dirtyAlerts.clear();
    this.dirtyRests.clear();
  }

  private load(): void {
    for (const [key, bytes] of this.section.entries()) {
      if (key.startsWith('a/')) {
        const alert = unpack<OpenAlert>(bytes);
        if (this.rules.has(alert.rule)) this.alerts.set(alertKey(alert.rule, alert.key, alert.episode), alert);
        continue;
      }
      if (key.startsWith('s/')) {
        const { slot, until } = unpack<Rest>(bytes);
        this.resting.set(slot, until);
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
/** Keys of a section are short; what is joined by is as long as a name can be. */
const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
const alertSection = (id: string): string => `a/${digest(id)}`;
const restSection = (slot: string): string => `s/${digest(slot)}`;
const slotKey = (rule: string, key: string): string => `${rule}\0${key}`;
const alertKey = (rule: string, key: string, episode: string): string => `${rule}\0${key}\0${episode}`;
const headOf = ({ id, hash, version, title, severity, attack, scope }: Rule): Finding['rule'] => ({
  ...{ id, hash, version, title, severity, attack, scope },
});

function episodeOf(obs: Observation): string | undefined {
  return obs.kind === 'signal' ? ((obs.event as { episode: string | null }).episode ?? undefined) : undefined;
}

/** The end of an episode is told days after its last record: it proves nothing about the time at which it is told. */
const isOver = (obs: Observation): boolean =>
  obs.kind === 'signal' && (obs.event as { phase: string }).phase === 'closed';

/** Whether `group` can be what comes next: nothing of an earlier one is half met, and those between are optional. */
function leads(rule: Rule, p: Readonly<Partial>, group: number): boolean {
  if (group < p.next || (p.met !== 0 && group !== p.next)) return false;
  for (let g = p.next; g < group; g++) if (rule.groups[g]?.optional !== true) return false;
  return true;
}

/** Whether `p` waits for this step of this group. */
export function accepts(rule: Rule, p: Readonly<Partial>, group: number, member: number): boolean {
  if (!leads(rule, p, group) || p.barred.includes(group)) return false;
  return group !== p.next || (p.met & (1 << member)) === 0;
}
