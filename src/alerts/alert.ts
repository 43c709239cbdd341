// A finding as the alert record that is stored and shown, and its canonical form for comparing runs.
//
// An alert is made from its finding alone: the same finding gives the same record, on a sensor, at a collector, after a
// restart.
import { createHash } from 'node:crypto';
import type { Finding, Matched } from '../schema/finding.ts';
import type { AlertEvent, KindName } from '../schema/gen/events.gen.ts';
import { FIELDS, type FieldMeta } from '../schema/gen/structures.gen.ts';
import { ENTITY_FIELDS, type EntityClass } from '../schema/observation.ts';
import { confidence, SEVERITIES, type Severity, score } from '../schema/score.ts';
import { story } from './story.ts';

/** At most `bytes` bytes of UTF-8, never half a character. */
export function fitText(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  let out = '';
  let used = 0;
  for (const c of text) {
    used += Buffer.byteLength(c);
    if (used > bytes) break;
    out += c;
  }
  return out;
}

/** Stays inside what the schema lets the field hold; says whether something was lost. */
export class Fitting {
  cut = false;
  private readonly caps: ReadonlyMap<string, FieldMeta>;
  constructor(kind: KindName) {
    this.caps = new Map(FIELDS[kind].map((f) => [f.name, f]));
  }
  text(field: string, value: string): string {
    const fitted = fitText(value, this.caps.get(field)?.cap ?? 0);
    this.cut ||= fitted !== value;
    return fitted;
  }
  list<T>(field: string, values: readonly T[]): T[] {
    const kept = values.slice(0, this.caps.get(field)?.capItems ?? 0);
    this.cut ||= kept.length !== values.length;
    return kept;
  }
  texts(field: string, values: readonly string[]): string[] {
    return this.list(field, values).map((v) => this.text(field, v));
  }
}

export const sorted = (values: Iterable<string>): string[] => [...new Set(values)].filter((v) => v !== '').sort();

/** Of a variable that is a set, all of it. */
const boundOf = (finding: Finding, wanted: EntityClass): string[] =>
  Object.values(finding.bound).flatMap((b) => (b.class === wanted ? (b.values ?? [b.value]) : []));

/** Values of the class's fields in the matched records, as the schema names them. */
function fieldsOf(steps: readonly Matched[], wanted: EntityClass): string[] {
  return steps.flatMap((m) =>
    Object.entries(ENTITY_FIELDS[m.kind as KindName] ?? {}).flatMap(([name, entity]) => {
      const value = m.values[entity.from] ?? m.values[name];
      return entity.class === wanted && typeof value === 'string' ? [value] : [];
    }),
  );
}

function addressesOf(steps: readonly Matched[]): string[] {
  return steps.flatMap((m) =>
    (FIELDS[m.kind as KindName] ?? []).flatMap((f) => {
      if (f.type !== 'ip') return [];
      const value = m.values[f.name];
      return (Array.isArray(value) ? value : [value]).filter((v): v is string => typeof v === 'string');
    }),
  );
}

/** Of all starts: the oldest one's story first. */
const allSteps = (finding: Finding): Matched[] => [...finding.steps, ...finding.others.flat()];

/** The host that the chain is about: the first variable it joins by, or else the first host bound. */
export function mainHost(finding: Finding): string | undefined {
  const first = finding.bound[finding.key.slice(0, finding.key.indexOf('='))];
  return first?.class === 'host' ? first.value : boundOf(finding, 'host')[0];
}

/** What that host called itself, by the latest step that knows. */
export function hostName(finding: Finding): string | undefined {
  const id = mainHost(finding);
  const names = id === undefined ? [] : finding.steps.map((m) => m.hostNames[id]);
  return names.filter((name) => name !== undefined).at(-1);
}

export const domainsOf = (finding: Finding): string[] =>
  sorted([...boundOf(finding, 'domain'), ...fieldsOf(allSteps(finding), 'domain').map((n) => n.toLowerCase())]);
export const filesOf = (finding: Finding): string[] =>
  sorted([...boundOf(finding, 'file'), ...fieldsOf(allSteps(finding), 'file')]);
export const usersOf = (finding: Finding): string[] =>
  sorted([...boundOf(finding, 'user'), ...fieldsOf(allSteps(finding), 'user')]);

/** The same for all revisions of one finding, on every machine. */
export function alertId(finding: Pick<Finding, 'rule' | 'key' | 'starts'>): string {
  const content = JSON.stringify([finding.rule.hash, finding.key, finding.starts]);
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}

/** As the chain's author said; one step less where memory could not know. */
export function severityOf({ rule, flags }: Finding): Severity {
  if (!flags.includes('young_memory')) return rule.severity;
  return SEVERITIES[Math.max(0, SEVERITIES.indexOf(rule.severity) - 1)] as Severity;
}

/** The weakest signal among the steps, less for every reservation. */
export function confidenceOf(finding: Finding): number {
  const scores = finding.steps.flatMap((m) =>
    m.kind === 'signal' && typeof m.values.score === 'number' ? [Math.min(1, Math.max(0, m.values.score))] : [],
  );
  return confidence(Math.min(1, ...scores), finding.flags.length);
}

export function toAlert(finding: Finding): AlertEvent {
  const { rule } = finding;
  const steps = allSteps(finding);
  const f = new Fitting('alert');
  const severity = severityOf(finding);
  const confident = confidenceOf(finding);
  const entities = Object.entries(finding.bound).map(([name, b]) => `${name}=${b.class}:${b.value}`);
  const first = steps[0]?.seen ?? finding.at;
  const last = finding.steps.at(-1)?.seen ?? finding.at;
  const record: Omit<AlertEvent, 'cut'> = {
    ts: first,
    seen: finding.retro?.knownAt ?? finding.at,
    id: alertId(finding),
    revision: finding.revision,
    status: finding.status,
    status_reason: null,
    chain: f.text('chain', rule.id),
    chain_version: rule.version,
    rule_hash: f.text('rule_hash', rule.hash),
    title: f.text('title', rule.title),
    severity,
    confidence: confident,
    score: score(severity, confident),
    attack: f.texts('attack', rule.attack),
    scope: rule.scope,
    entities: f.texts('entities', sorted(entities)),
    hosts: f.texts('hosts', sorted(boundOf(finding, 'host'))),
    addrs: f.list('addrs', sorted(addressesOf(steps))),
    users: f.texts('users', usersOf(finding)),
    names: f.texts('names', domainsOf(finding)),
    hashes: f.texts('hashes', filesOf(finding)),
    first,
    last,
    detected_at: finding.retro?.knownAt ?? finding.issued,
    could_have_detected_at: finding.retro === undefined ? null : finding.issued,
    retro: finding.retro !== undefined,
    flags: f.texts('flags', finding.flags),
    starts: f.texts('starts', finding.starts),
    step_ids: f.texts(
      'step_ids',
      steps.map((m) => m.step),
    ),
    step_times: f.list(
      'step_times',
      steps.map((m) => m.seen),
    ),
    step_refs: f.texts(
      'step_refs',
      steps.map((m) => m.ref),
    ),
    step_uids: f.texts(
      'step_uids',
      steps.map((m) => m.uid ?? ''),
    ),
    step_stories: f.texts(
      'step_stories',
      steps.map((m) => m.why.join('; ')),
    ),
    evidence: [],
    story: f.text('story', story(finding)),
    key: f.text('key', finding.key),
  };
  return { ...record, cut: f.cut || steps.some((m) => m.cut) };
}

/** Depend on where and in which run a record was kept, not on what happened. */
const RUN_DEPENDENT = new Set(['step_refs', 'step_uids', 'evidence']);

/** The alert for comparing runs byte for byte: names sorted, without what depends on the run. */
export function canonical(alert: AlertEvent): string {
  const entries = Object.entries(alert).filter(([name]) => !RUN_DEPENDENT.has(name));
  return JSON.stringify(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))));
}
