// A finished chain as other chains see it: a record with its variables, that a step can consume.
import { createHash } from 'node:crypto';
import type { Finding, Matched } from '../schema/finding.ts';
import type { Observation } from '../schema/observation.ts';

/** Where it came from does not tell: the same on every machine. */
export function atomOf(f: Finding): Observation {
  const last = f.steps.at(-1) as Matched;
  const first = (f.steps[0] as Matched).seen;
  const event = {
    ...Object.fromEntries(Object.entries(f.bound).map(([name, b]) => [name, b.value])),
    ...{ ts: first, seen: f.at, chain: f.rule.id, title: f.rule.title, severity: f.rule.severity, flags: f.flags },
    ...{ first, last: last.seen },
  };
  const content = JSON.stringify([f.rule.hash, f.key, f.starts]);
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 16);
  return { kind: 'alert', event: event as never, seen: f.at, ref: last.ref, hash, hosts: {} };
}
