// The chain engine: events and signals matched as steps, joined on entities, in packet time.
//
// Invariants, each with a test of its name:
//  1. Same observations, same findings, whatever the cuts between calls.
//  2. Stopped anywhere and loaded again: the same findings, none twice.
//  3. A record advances a partial at most once, and no partial branches.
//  4. A partial ends at its deadline, when the watermark passes it, not when somebody looks.
//  5. Partials per key and per rule are limited; what a limit refuses or evicts is counted by rule and reason.
//  6. Completions of one key by one record are one finding with all its starts.
//  7. A finished chain is a record to the chains that consume it, at the time of its conclusion.

import type { Finding, Keeper, Matched } from '../schema/finding.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import type { Memory, Observation, Section } from '../schema/observation.ts';
import { atomOf } from './atom.ts';
import { type Bound, bindAll, bindingsOf, explainTerms, joins, keyOf, merge, OwnRecord } from './bindings.ts';
import { accepts, deadlineOf, leads, reaches } from './groups.ts';
import { matched } from './kept.ts';
import { KeptTable } from './kept_table.ts';
import { missingOf, NearMisses, type Open, openOf, type Reason, ranked } from './near_miss.ts';
import { type Beginning, newPartial, type OpenAlert, type Partial, plain, type Rest, unpack } from './partial.ts';
import type { Group, Rule, Step } from './rule.ts';
import { PartialTable, PREFIX_V1 } from './table.ts';
import { addTo, newTally, setsOf, type Tally } from './tally.ts';
import { Topics } from './topics.ts';
import { type UpgradeReport, Upgrades } from './upgrade.ts';
import { UNKNOWN } from './values.ts';

/** Keys for which one aggregate that begins chains counts: beyond them the one unheard of longest is forgotten. */
const BEGINNINGS_MAX = 10_000;
/** Of all chains together. */
const PARTIALS_MAX = 2_000_000;
/** Matched records that one partial keeps, those of the chains it is made of among them. */
const STEPS_KEPT_MAX = 64;

/** Measured fraction of the time between two packet times [us] in which the sensor could have seen such an event. */
export type Coverage = (from: number, to: number, kind: KindName) => number;

interface Use {
  readonly rule: Rule;
  readonly step: Step;
  /** The group it belongs to, or that an absence stands before; -1 for until. */
  readonly group: number;
  readonly member: number;
  readonly role: 'step' | 'absent' | 'until';
  /** Of a text that was changed: it begins nothing. */
  readonly draining: boolean;
  /** Of an aggregate that begins chains: what it has counted, by key. */
  readonly beginnings: KeptTable<Beginning> | undefined;
}

export interface EngineOptions {
  readonly coverage?: Coverage | undefined;
  readonly keeper?: Keeper | undefined;
  readonly partialsMax?: number;
  /** Told of each finished chain that others consume, before they do. */
  readonly onAtom?: (atom: Observation) => void;
}

export class Chains {
  private readonly misses = new NearMisses();
  private readonly rules: ReadonlyMap<string, Rule>;
  /** Of open partials: by the hash of the text that they run by. */
  private readonly texts = new Map<string, Rule>();
  private readonly record: OwnRecord;
  private readonly uses: Topics<Use>;
  private readonly table: PartialTable;
  private readonly alerts: KeptTable<OpenAlert>;
  /** Until when a key rests after its alert. */
  private readonly resting: KeptTable<Rest>;
  private readonly beginnings: KeptTable<Beginning>[] = [];
  private readonly upgrade: Upgrades;
  /** Partials that the record being fed has made or advanced. */
  private readonly touched = new Set<number>();
  /** Rules and keys for which it has begun one. */
  private readonly begun = new Set<string>();
  /** What it has finished, by rule and key: one alert each. */
  private readonly finished = new Map<string, { readonly rule: Rule; readonly partials: Partial[] }>();
  /** Finished chains that are being fed. */
  private readonly atoms = new Map<Observation, Finding>();
  private readonly memory: Memory;
  private readonly section: Section;
  private readonly coverage: Coverage;
  private readonly keeper: Keeper | undefined;
  private readonly partialsMax: number;
  private readonly onAtom: EngineOptions['onAtom'];

  constructor(rules: readonly Rule[], memory: Memory, section: Section, options: EngineOptions = {}) {
    this.rules = new Map(rules.map((r) => [r.id, r]));
    this.memory = memory;
    this.section = section;
    this.coverage = options.coverage ?? (() => 1);
    this.keeper = options.keeper;
    this.onAtom = options.onAtom;
    this.partialsMax = options.partialsMax ?? PARTIALS_MAX;
    this.record = new OwnRecord(memory);
    this.uses = new Topics(this.record);
    this.table = new PartialTable(section, rules);
    this.alerts = new KeptTable<OpenAlert>(section, 'a/', alertSlot, (a) => a.until);
    this.resting = new KeptTable<Rest>(
      section,
      's/',
      (r) => r.slot,
      (r) => r.until,
    );
    this.upgrade = new Upgrades(section, this.rules);
    for (const rule of this.rules.values()) this.use(rule, false);
    this.load();
  }

  /** Kinds that some step consumes. */
  get wants(): ReadonlySet<KindName> {
    return new Set([...this.rules.values()].flatMap((r) => [...r.steps, ...r.until].map((s) => s.kind)));
  }
  get partials(): number {
    return this.table.size;
  }
  get open(): Iterable<Readonly<Partial>> {
    return this.table.all();
  }
  get nearMisses() {
    return this.misses.last;
  }
  /** How often each limit or end took a partial: `rule reason`. */
  get counts(): ReadonlyMap<string, number> {
    return this.misses.counts;
  }
  /** What became of partials of chains whose text has changed. */
  get upgrades(): readonly UpgradeReport[] {
    return this.upgrade.reports;
  }
  /** What is still open, the nearest to an alert first. */
  near(): Open[] {
    return ranked([...this.open].map((p) => [this.ruleOf(p), openOf(this.ruleOf(p), p)] as const));
  }

  /** One event or signal, in order of `seen`. */
  feed(obs: Observation): Finding[] {
    const findings: Finding[] = [];
    this.take(obs, findings);
    return findings;
  }

  /** Nothing older than `watermark` comes any more: ends what is due, concludes absences. */
  advance(watermark: number): Finding[] {
    const findings: Finding[] = [];
    for (let p = this.table.due(watermark); p !== undefined; p = this.table.due(watermark)) {
      const rule = this.ruleOf(p);
      if (p.next !== rule.groups.length) {
        this.end(p, 'expired', p.deadline);
        continue;
      }
      this.table.remove(p);
      if (rule.trailing !== undefined) this.cover(p, [rule.trailing], p.deadline);
      this.conclude(rule, [p], p.deadline, undefined, findings);
    }
    for (const kept of [this.alerts, this.resting, ...this.beginnings]) kept.advance(watermark);
    return findings;
  }

  private take(obs: Observation, findings: Finding[]): void {
    this.touched.clear();
    this.begun.clear();
    this.finished.clear();
    for (const { item } of this.uses.of(obs)) this.consume(item, obs, findings);
    // The next record may be one of these: they are concluded when all of this one is known.
    for (const { rule, partials } of [...this.finished.values()])
      this.conclude(rule, partials, obs.seen, obs, findings);
  }

  private consume(use: Use, obs: Observation, findings: Finding[]): void {
    const { rule, step } = use;
    // Nothing of this chain is open: only a first step can do something, or a record that goes on with an alert.
    if (use.group !== 0 && this.table.count(rule.hash) === 0 && obs.kind !== 'signal') return;
    const bound = bindAll(step, obs);
    if (bound === undefined) return;
    const key = keyOf(rule, bound);
    // Those that wait for something else need not be read; where a chain begins, all of its key count.
    const wanted = use.group > 0 ? (next: number) => reaches(rule, next, use.group) : undefined;
    const open = this.table.at(rule.hash, key, wanted);
    if (use.role === 'until') this.kill(use, obs, bound, open);
    if (use.role === 'absent') this.violate(use, obs, bound, open);
    if (use.role !== 'step') return;

    let advanced = false;
    let done = false;
    for (const p of open) {
      if (isOver(obs) || this.touched.has(p.id) || !accepts(rule, p, use.group, use.member)) continue;
      if (!this.advancePartial(p, use, obs, bound)) continue;
      advanced = true;
      if (p.next < rule.groups.length || rule.trailing !== undefined) continue;
      this.finish(p, rule);
      done = true;
    }
    if (done || this.extend(rule, key, obs, findings) || isOver(obs)) return;
    // Of an any_order group that begins a chain: what went on with one begins no other.
    if (use.group === 0 && !use.draining && !(advanced && rule.groups[0]?.need === 'all'))
      this.start(
        use,
        obs,
        bound,
        key,
        open.filter((p) => !this.isFinished(rule, p)),
      );
  }

  private advancePartial(p: Partial, use: Use, obs: Observation, bound: Bound): boolean {
    const { rule, step } = use;
    const group = rule.groups[use.group] as Group;
    const gap = obs.seen - p.base;
    if (gap < group.after || gap > group.within || obs.seen - p.first > rule.window) return false;
    if (!joins(p.bound, bound)) return false;
    const verdict = this.judge(rule, step, obs, { ...p.bound, ...bound }, p.steps);
    if (verdict === undefined) return false;
    let sets: Bound = {};
    if (step.agg !== undefined) {
      const tally = p.tallies[step.id] ?? newTally();
      p.tallies[step.id] = tally;
      const reached = this.count(step, tally, obs, verdict.why);
      this.table.touch(p);
      if (!reached) return false;
      sets = setsOf(step, tally);
      if (tally.full) flag(p, 'collect_full');
    }
    if (p.met === 0) this.cover(p, group.absent, obs.seen);
    if (verdict.young) flag(p, 'young_memory');
    p.bound = merge(p.bound, { ...bound, ...sets });
    this.add(p, step, obs, verdict.why);
    this.meet(p, rule, use, obs.seen);
    this.table.touch(p);
    this.keep(p, step, obs);
    return true;
  }

  /** What has matched, for the story; of a finished chain all that it matched itself. */
  private add(p: Partial, step: Step, obs: Observation, why: readonly string[]): void {
    const inner = this.inner(obs);
    if (inner !== undefined && p.steps.length + inner.steps.length < STEPS_KEPT_MAX)
      for (const m of inner.steps) p.steps.push({ ...m, step: `${inner.rule.id}/${m.step}` });
    p.steps.push(matched(step, obs, why));
    const score = obs.kind === 'signal' ? (obs.event as { score: number }).score : 0;
    p.score = Math.max(p.score, score);
  }

  /** One more record of an aggregate; true: it is enough now, and `why` says so. */
  private count(step: Step, tally: Tally, obs: Observation, why: string[]): boolean {
    const { agg } = step;
    if (agg === undefined) return true;
    const is = addTo(step, agg, tally, obs, agg.value?.(this.record.of(obs)) ?? null);
    if (is === undefined || is < agg.gte) return false;
    why.push(`${agg.of} of ${agg.text} is ${Number(is.toFixed(3))} in ${agg.per / 1e6} s, at least ${agg.gte}`);
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
      p.tallies = {};
    }
    this.touched.add(p.id);
    p.deadline = deadlineOf(p, rule);
  }

  private start(use: Use, obs: Observation, bound: Bound, key: string, list: readonly Partial[]): void {
    const { rule, step } = use;
    // A record that fits two steps of the first group begins with the earlier one.
    const slot = slotKey(rule, key);
    if (this.begun.has(slot)) return;
    const verdict = this.judge(rule, step, obs, bound, []);
    if (verdict === undefined) return;
    const tally = this.begin(use, obs, slot, verdict.why);
    if (tally === undefined) return;
    if (rule.start === 'first' && list.length > 0) return;
    if (rule.start === 'last') {
      const [only] = list;
      if (only !== undefined && only.next > 1) return;
      if (only !== undefined) {
        this.table.remove(only);
        this.keeper?.release(partialKey(only));
      }
    }
    const isFull = rule.start === 'each' && list.length >= rule.each;
    if (isFull && !this.makeRoom(rule, key, obs, list)) return;
    if (this.table.count(rule.hash) >= rule.partialsMax && !this.makeRoom(rule, key, obs)) return;
    if (this.table.size >= this.partialsMax && !this.makeRoom(rule, key, obs)) return;
    const p = newPartial(this.table.newId(), rule, key, merge(bound, setsOf(step, tally)), obs.seen);
    if (verdict.young) flag(p, 'young_memory');
    if (tally.full) flag(p, 'collect_full');
    this.begun.add(slot);
    this.add(p, step, obs, verdict.why);
    this.meet(p, rule, use, obs.seen);
    this.table.insert(p);
    this.keep(p, step, obs);
    if (p.next === rule.groups.length && rule.trailing === undefined) this.finish(p, rule);
  }

  /** What an aggregate that begins chains has counted, when it is enough now; it begins anew then. */
  private begin({ step, beginnings }: Use, obs: Observation, slot: string, why: string[]): Tally | undefined {
    if (beginnings === undefined) return newTally();
    const beginning = beginnings.get(slot) ?? { slot, tally: newTally() };
    const reached = this.count(step, beginning.tally, obs, why);
    if (reached) {
      beginnings.remove(slot);
      return beginning.tally;
    }
    beginnings.put(beginning);
    if (beginnings.size > BEGINNINGS_MAX) {
      beginnings.remove(beginnings.oldest as string);
      this.misses.count(`${slot.slice(0, slot.indexOf('\0'))} ${step.id} forgotten`);
    }
    return undefined;
  }

  /** False: nothing may go, so the new one is refused. */
  private makeRoom(rule: Rule, key: string, obs: Observation, list?: readonly Partial[]): boolean {
    const { onFull, hash } = rule;
    const lowest = (a: Partial, b: Partial): Partial => (b.score < a.score ? b : a);
    let victim: Partial | undefined;
    if (onFull === 'evict-oldest') victim = list === undefined ? this.table.oldest(hash) : list[0];
    if (onFull === 'evict-lowest-score') victim = list === undefined ? this.table.lowest(hash) : list.reduce(lowest);
    if (victim !== undefined) {
      this.end(victim, 'evicted', obs.seen);
      return true;
    }
    const missing = rule.steps[0]?.id ?? '';
    this.misses.add({
      ...{ rule: rule.id, key, matched: [], missing, first: obs.seen, ended: obs.seen, reason: 'full' },
    });
    return false;
  }

  private finish(p: Partial, rule: Rule): void {
    this.table.remove(p);
    const slot = slotKey(rule, p.key);
    const others = this.finished.get(slot);
    if (others === undefined) this.finished.set(slot, { rule, partials: [p] });
    else others.partials.push(p);
  }
  private isFinished(rule: Rule, p: Partial): boolean {
    return this.finished.get(slotKey(rule, p.key))?.partials.includes(p) ?? false;
  }

  /** The latest match of `p`, which was of `step`, into keeping; of a finished chain what its steps keep. */
  private keep(p: Partial, step: Step, obs: Observation): void {
    if (this.keeper === undefined) return;
    if (step.keep !== undefined) this.keeper.take(partialKey(p), p.steps.at(-1) as Matched, step.keep, p.deadline);
    const inner = this.inner(obs);
    const rule = inner && this.rules.get(inner.rule.id);
    for (const m of inner?.steps ?? []) {
      const keep = rule?.steps.find((s) => s.id === m.step)?.keep;
      if (keep !== undefined) this.keeper.take(partialKey(p), m, keep, p.deadline);
    }
  }

  private judge(
    rule: Rule,
    step: Step,
    obs: Observation,
    bound: Bound,
    earlier: readonly Matched[],
  ): { why: string[]; young: boolean } | undefined {
    if (step.where === undefined) return { why: [], young: false };
    // What the record alone can tell was asked by the index.
    const bindings = bindingsOf(step, obs, bound, earlier, this.memory);
    const verdict = step.where.rest?.(bindings) ?? true;
    if (verdict === false || verdict === null) return undefined;
    if (verdict === UNKNOWN && rule.onYoung === 'wait') return undefined;
    return { why: explainTerms(step, bindings), young: verdict === UNKNOWN && rule.onYoung === 'flag' };
  }

  /** An absence that was only partly watched is kept, and said so. */
  private cover(p: Partial, absent: readonly Step[], to: number): void {
    for (const { kind, requireCoverage } of absent)
      if (this.coverage(p.base, to, kind) < requireCoverage) flag(p, 'blind');
  }

  private kill(use: Use, obs: Observation, bound: Bound, open: readonly Partial[]): void {
    for (const p of open) {
      if (p.first >= obs.seen || !joins(p.bound, bound)) continue;
      if (this.judge(use.rule, use.step, obs, { ...p.bound, ...bound }, p.steps) === undefined) continue;
      this.end(p, 'until', obs.seen);
    }
  }

  private violate(use: Use, obs: Observation, bound: Bound, open: readonly Partial[]): void {
    const { rule, step, group } = use;
    for (const p of open) {
      if (!leads(rule, p, group) || obs.seen <= p.base || obs.seen > p.deadline || !joins(p.bound, bound)) continue;
      if (this.judge(rule, step, obs, { ...p.bound, ...bound }, p.steps) === undefined) continue;
      // An optional group between could still come, and the time after it is another.
      const isNext = group === p.next && rule.groups[group]?.optional !== true;
      if (isNext) {
        this.end(p, 'absent', obs.seen);
      } else if (!p.barred.includes(group)) {
        p.barred.push(group);
        this.table.touch(p);
      }
    }
  }

  /** Later records of an episode that completed a chain extend its alert, and never repeat it. */
  private extend(rule: Rule, key: string, obs: Observation, findings: Finding[]): boolean {
    const episode = episodeOf(obs);
    const alert = episode && this.alerts.get(alertSlot({ rule: rule.id, key, episode }));
    if (!alert) return false;
    alert.revision++;
    this.alerts.put(alert);
    const more = matched({ id: 'continues', where: undefined }, obs, []);
    const keep = rule.groups.at(-1)?.steps.find((s) => s.id === alert.steps.at(-1)?.step)?.keep;
    if (keep !== undefined && rule.emit === 'alert')
      this.keeper?.take(alert.partials[0] as string, more, keep, obs.seen);
    findings.push({
      ...{ rule: headOf(rule), status: 'extended', revision: alert.revision, key, starts: alert.starts },
      steps: [...alert.steps, more],
      others: alert.others,
      partials: alert.partials,
      ...{ bound: alert.bound, flags: alert.flags, issued: alert.issued, at: obs.seen },
    });
    return true;
  }

  /** An alert, unless its key rests after another one; and a record to the chains that consume it. */
  private conclude(
    rule: Rule,
    finished: readonly Partial[],
    at: number,
    obs: Observation | undefined,
    findings: Finding[],
  ): void {
    const slot = `${rule.id}\0${(finished[0] as Partial).key}`;
    if (at <= (this.resting.get(slot)?.until ?? Number.NEGATIVE_INFINITY)) {
      for (const p of finished) this.missed(p, 'suppressed', at);
      return;
    }
    if (rule.suppress > 0) this.resting.put({ slot, until: at + rule.suppress });
    const finding = this.finding(rule, finished, at, obs);
    findings.push(finding);
    if (this.uses.has(`chain:${rule.id}`)) {
      const atom = atomOf(finding);
      this.atoms.set(atom, finding);
      this.onAtom?.(atom);
      this.take(atom, findings);
      this.atoms.delete(atom);
    }
    // Who is not told of it keeps nothing for it.
    if (rule.emit === 'signal') for (const p of finished) this.keeper?.release(partialKey(p));
  }

  private inner(obs: Observation): Finding | undefined {
    return obs.kind === 'alert' ? this.atoms.get(obs) : undefined;
  }

  private finding(rule: Rule, finished: readonly Partial[], at: number, obs: Observation | undefined): Finding {
    const ordered = [...finished].sort((a, b) => a.first - b.first || a.id - b.id);
    const oldest = ordered[0] as Partial;
    const starts = ordered.map((p) => (p.steps[0] as Matched).hash);
    const others = ordered.slice(1).map((p) => p.steps.filter((m) => m.hash !== obs?.hash));
    const partials = ordered.map(partialKey);
    const flags = [...new Set(ordered.flatMap((p) => p.flags))].sort();
    const { key, steps, bound } = oldest;
    const episode = obs === undefined ? undefined : episodeOf(obs);
    if (episode !== undefined)
      this.alerts.put({
        ...{ rule: rule.id, key, episode, partials, starts, steps, others, bound, flags },
        ...{ revision: 1, issued: at, until: at + rule.window },
      });
    return {
      ...{ rule: headOf(rule), status: 'issued', revision: 1, key, starts, steps, others, partials },
      ...{ bound, flags, issued: at, at },
    };
  }

  private end(p: Partial, reason: Reason, at: number): void {
    this.table.remove(p);
    this.missed(p, reason, at);
  }

  /** A partial that is gone, and made no alert. */
  private missed(p: Partial, reason: Reason, at: number): void {
    this.keeper?.release(partialKey(p));
    const missing = missingOf(this.texts.get(p.ruleHash), p);
    this.misses.add({
      ...{ rule: p.rule, key: p.key, matched: p.steps.map((s) => s.step), missing, first: p.first, ended: at, reason },
    });
  }

  private ruleOf(p: Partial): Rule {
    return this.texts.get(p.ruleHash) as Rule;
  }

  private use(rule: Rule, draining: boolean): void {
    this.texts.set(rule.hash, rule);
    const add = (step: Step, group: number, member: number, role: Use['role']): void => {
      const begins = group === 0 && role === 'step' && step.agg !== undefined && !draining;
      const beginnings = begins ? this.beginningsOf(rule, step) : undefined;
      this.uses.add({ rule, step, group, member, role, draining, beginnings });
    };
    for (const [group, { steps, absent }] of rule.groups.entries()) {
      for (const step of absent) add(step, group, 0, 'absent');
      for (const [member, step] of steps.entries()) add(step, group, member, 'step');
    }
    if (rule.trailing !== undefined) add(rule.trailing, rule.groups.length, 0, 'absent');
    for (const step of rule.until) add(step, -1, 0, 'until');
  }

  private beginningsOf(rule: Rule, step: Step): KeptTable<Beginning> {
    const per = step.agg?.per ?? 0;
    const prefix = `g/${rule.hash}/${step.id}/`;
    const table = new KeptTable<Beginning>(
      this.section,
      prefix,
      (b) => b.slot,
      (b) => b.tally.last + per,
    );
    this.beginnings.push(table);
    return table;
  }

  /** Writes what has changed into the section; the spine commits it. */
  save(): void {
    this.table.save();
    for (const kept of [this.alerts, this.resting, ...this.beginnings]) kept.save();
    this.upgrade.save();
  }

  private load(): void {
    const kept = [this.alerts, this.resting, ...this.beginnings];
    for (const [key, bytes] of this.section.entries()) {
      if (this.table.loadEntry(key, bytes, (p) => this.stranger(p))) continue;
      if (key.startsWith(PREFIX_V1)) this.loadV1(key, bytes);
      if (this.upgrade.loadEntry(key) || kept.some((k) => k.loadEntry(key, bytes))) continue;
      // What an aggregate of another text has counted.
      if (key.startsWith('g/')) this.section.remove(key);
    }
    this.upgrade.loaded(this.texts);
    this.alerts.loaded((a) => this.rules.has(a.rule));
    this.resting.loaded();
    for (const table of this.beginnings) table.loaded();
  }

  private loadV1(key: string, bytes: Uint8Array): void {
    this.section.remove(key);
    const kept = unpack<Partial>(bytes);
    const rule = this.texts.get(kept.ruleHash);
    const p: Partial = { ...kept, shape: rule?.shape ?? '', score: 0, tallies: {} };
    const next = rule === undefined ? this.stranger(p) : p;
    if (next !== undefined) this.table.insert(next);
  }

  /** A partial of a text that is no longer the chain's: as the chain says. */
  private stranger(p: Partial): Partial | undefined {
    const decided = this.upgrade.decide(p);
    this.misses.count(`${p.rule} ${decided.choice}: its text has changed`);
    if (decided.rule === undefined) {
      this.keeper?.release(partialKey(p));
      return undefined;
    }
    if (!this.texts.has(decided.rule.hash)) {
      this.table.addRule(decided.rule.hash, false);
      this.use(decided.rule, true);
    }
    const next = { ...plain(p), ruleHash: decided.rule.hash };
    next.deadline = deadlineOf(next, decided.rule);
    return next;
  }
}

const flag = (p: Partial, name: string): void => {
  if (!p.flags.includes(name)) p.flags.push(name);
};
const partialKey = ({ rule, id }: Pick<Partial, 'rule' | 'id'>): string => `${rule}/${id}`;
const slotKey = (rule: Rule, key: string): string => `${rule.hash}\0${key}`;
const alertSlot = (a: Pick<OpenAlert, 'rule' | 'key' | 'episode'>): string => `${a.rule}\0${a.key}\0${a.episode}`;
const headOf = ({ id, hash, version, title, severity, attack, scope, emit }: Rule): Finding['rule'] => ({
  ...{ id, hash, version, title, severity, attack, scope, emit },
});

function episodeOf(obs: Observation): string | undefined {
  return obs.kind === 'signal' ? ((obs.event as { episode: string | null }).episode ?? undefined) : undefined;
}

/** The end of an episode is told days after its last record: it proves nothing about the time at which it is told. */
const isOver = (obs: Observation): boolean =>
  obs.kind === 'signal' && (obs.event as { phase: string }).phase === 'closed';
