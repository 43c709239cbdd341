// A finished chain that pages nobody (emit: signal), as the record of what it says. Other chains may take it as a step.
import { createHash } from 'node:crypto';
import type { Finding } from '../schema/finding.ts';
import type { SignalEvent } from '../schema/gen/events.gen.ts';
import { confidenceOf, domainsOf, Fitting, filesOf, mainHost, sorted, usersOf } from './alert.ts';
import { story } from './story.ts';

/** Made from its finding alone, like an alert: the same everywhere. */
export function toSignal(finding: Finding): SignalEvent {
  const { rule, steps, key, starts, revision } = finding;
  const f = new Fitting('signal');
  const content = JSON.stringify([rule.hash, key, starts, revision]);
  const optional = (field: string, value: string | undefined): string | null =>
    value === undefined ? null : f.text(field, value);
  const entities = Object.values(finding.bound).map((b) => `${b.class}:${b.value}`);
  return {
    ts: steps[0]?.seen ?? finding.at,
    seen: finding.at,
    id: createHash('sha256').update(content).digest('hex').slice(0, 16),
    name: f.text('name', rule.id),
    version: rule.version,
    source: 'chain',
    score: confidenceOf(finding),
    phase: revision === 1 ? 'once' : 'continues',
    episode: null,
    key: f.text('key', key),
    first: steps[0]?.seen ?? finding.at,
    last: steps.at(-1)?.seen ?? finding.at,
    count: steps.length,
    entities: f.texts('entities', sorted(entities)),
    src_ip: null,
    src_host: optional('src_host', mainHost(finding)),
    dst_ip: null,
    dst_host: null,
    dst_port: null,
    dst_name: optional('dst_name', domainsOf(finding)[0]),
    user: optional('user', usersOf(finding)[0]),
    sha256: optional('sha256', filesOf(finding)[0]),
    uids: f.list('uids', [...new Set(steps.flatMap((m) => (m.uid === null ? [] : [m.uid])))]),
    refs: f.texts(
      'refs',
      steps.map((m) => m.ref),
    ),
    features: [],
    values: [],
    explanation: f.text('explanation', story(finding)),
    model: null,
    attack: f.texts('attack', rule.attack),
    retro: false,
    known_at: finding.at,
    cut: f.cut,
  };
}
