// What a partial keeps of a record that matched: enough to tell the story when the record itself is long gone.
import type { Matched } from '../schema/finding.ts';
import type { Observation } from '../schema/observation.ts';
import { PLACES } from '../schema/order.ts';
import type { Step } from './rule.ts';

/** Bytes of a matched record's values that a partial keeps, as JSON, names not counted. */
export const KEPT_BYTES = 1024;

/** What has a value, as much as fits: of a record that is too long the longest fields go, the facts stay. */
function keptOf(event: object): { values: Record<string, unknown>; cut: boolean } {
  const all = Object.entries(event).filter(
    ([name, value]) => value !== null && !(Array.isArray(value) && value.length === 0) && !PLACES.has(name),
  );
  const sized = all.map(([name, value]) => ({ name, bytes: Buffer.byteLength(JSON.stringify(value)) }));
  let size = sized.reduce((n, { bytes }) => n + bytes, 0);
  const dropped = new Set<string>();
  for (const { name, bytes } of sized.sort((a, b) => b.bytes - a.bytes)) {
    if (size <= KEPT_BYTES) break;
    dropped.add(name);
    size -= bytes;
  }
  return { values: Object.fromEntries(all.filter(([name]) => !dropped.has(name))), cut: dropped.size > 0 };
}

/** @param why  the terms of `where` with the values that made them true */
export function matched(step: Pick<Step, 'id' | 'where'>, obs: Observation, why: readonly string[]): Matched {
  const { values, cut } = keptOf(obs.event);
  const event = obs.event as unknown as { ts: number; uid?: string };
  return {
    ...{
      step: step.id,
      kind: obs.kind,
      ref: obs.ref,
      hash: obs.hash,
      ts: event.ts,
      seen: obs.seen,
      uid: event.uid ?? null,
    },
    ...{ values, cut, why },
    hosts: Object.fromEntries(Object.entries(obs.hosts).map(([name, host]) => [name, host.id])),
    hostNames: Object.fromEntries(Object.values(obs.hosts).flatMap(({ id, name }) => (name ? [[id, name]] : []))),
  };
}
