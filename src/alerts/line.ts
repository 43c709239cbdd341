// One line of alerts.ndjson: the alert with everything that made it, for a person with jq and for a program.
//
// The order of names is the order of reading; a record's own values keep the schema's order, its times are seconds
// since the epoch as everywhere in our JSON.
import { roundSeconds } from '../lib/numbers.ts';
import type { Finding, Matched } from '../schema/finding.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import { FIELDS } from '../schema/gen/structures.gen.ts';
import { alertId, domainsOf, filesOf, hostName, mainHost, severityOf, usersOf } from './alert.ts';
import { story } from './story.ts';
import { isoTime } from './times.ts';

const seconds = (us: number): number => roundSeconds(us / 1e6);
const NOT_PLAIN = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

const TIMES = new Map(
  Object.entries(FIELDS).map(([kind, fields]) => [
    kind,
    new Set(['ts', 'seen', ...fields.filter((f) => f.type === 'time').map((f) => f.name)]),
  ]),
);

function recordOf(m: Matched): Record<string, unknown> {
  const times = TIMES.get(m.kind as KindName) ?? new Set<string>();
  return Object.fromEntries(
    Object.entries(m.values).map(([name, value]) => [
      name,
      times.has(name) && typeof value === 'number' ? seconds(value) : value,
    ]),
  );
}

const stepOf = (m: Matched): object => ({
  step: m.step,
  kind: m.kind,
  ts: isoTime(m.ts),
  seen: isoTime(m.seen),
  hash: m.hash,
  record: recordOf(m),
  record_cut: m.cut ? true : undefined,
  hosts: Object.fromEntries(sortedKeys(m.hosts)),
  why: m.why,
});

const sortedKeys = <T>(values: Readonly<Record<string, T>>): [string, T][] =>
  Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));

export function alertLine(finding: Finding): string {
  const { rule, steps } = finding;
  const user = usersOf(finding)[0];
  const first = steps[0]?.seen ?? finding.at;
  const last = steps.at(-1)?.seen ?? finding.at;
  const line = {
    id: alertId(finding),
    revision: finding.revision,
    status: finding.status,
    chain: rule.id,
    severity: severityOf(finding),
    title: rule.title,
    host: mainHost(finding),
    host_name: hostName(finding),
    user,
    bound: Object.fromEntries(sortedKeys(finding.bound).map(([name, b]) => [name, b.value])),
    sha256: filesOf(finding),
    domains: domainsOf(finding),
    first: isoTime(first),
    last: isoTime(last),
    detected_at: isoTime(finding.retro?.knownAt ?? finding.issued),
    could_have_detected_at: finding.retro && isoTime(finding.issued),
    updated_at: isoTime(finding.at),
    first_ts: seconds(first),
    last_ts: seconds(last),
    detected_ts: seconds(finding.retro?.knownAt ?? finding.issued),
    flags: finding.flags,
    attack: rule.attack,
    starts: finding.starts,
    steps: steps.map(stepOf),
    other_starts: finding.others.length === 0 ? undefined : finding.others.map((other) => other.map(stepOf)),
    explanation: story(finding),
    rule_hash: rule.hash,
  };
  // JSON leaves raw what a terminal would obey or be reordered by.
  return JSON.stringify(line).replace(NOT_PLAIN, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
