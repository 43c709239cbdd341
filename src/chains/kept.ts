// What a partial keeps of a record that matched: enough to tell the story when the record itself is long gone.
import type { Matched } from '../schema/finding.ts';
import type { HostRef, Observation } from '../schema/observation.ts';
import { PLACES } from '../schema/order.ts';
import type { Step } from './rule.ts';

/** Bytes of a matched record's values that a partial keeps, as JSON, names not counted. */
export const KEPT_BYTES = 1024;

/** Nothing that JSON would write otherwise. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** Bytes of a value as JSON. */
function bytesOf(value: unknown): number {
  if (typeof value === 'string' && PLAIN.test(value)) return value.length + 2;
  if (typeof value === 'boolean') return value ? 4 : 5;
  if (Number.isSafeInteger(value)) return String(value).length;
  return Buffer.byteLength(JSON.stringify(value));
}

/** What has a value, as much as fits: of a record that is too long the longest fields go, the facts stay. */
function keptOf(event: Readonly<Record<string, unknown>>): { values: Record<string, unknown>; cut: boolean } {
  const values: Record<string, unknown> = {};
  let size = 0;
  for (const name of Object.keys(event)) {
    const value = event[name];
    if (value === null || (Array.isArray(value) && value.length === 0) || PLACES.has(name)) continue;
    values[name] = value;
    size += bytesOf(value);
  }
  if (size <= KEPT_BYTES) return { values, cut: false };
  const sized = Object.entries(values).map(([name, value]) => ({ name, bytes: bytesOf(value) }));
  const dropped = new Set<string>();
  for (const { name, bytes } of sized.sort((a, b) => b.bytes - a.bytes)) {
    if (size <= KEPT_BYTES) break;
    dropped.add(name);
    size -= bytes;
  }
  return { values: Object.fromEntries(Object.entries(values).filter(([name]) => !dropped.has(name))), cut: true };
}

/** @param why  the terms of `where` with the values that made them true */
export function matched(step: Pick<Step, 'id' | 'where'>, obs: Observation, why: readonly string[]): Matched {
  const { values, cut } = keptOf(obs.event as unknown as Readonly<Record<string, unknown>>);
  const event = obs.event as unknown as { ts: number; uid?: string };
  const hosts: Record<string, string> = {};
  const hostNames: Record<string, string> = {};
  for (const field of Object.keys(obs.hosts)) {
    const { id, name } = obs.hosts[field] as HostRef;
    hosts[field] = id;
    if (name) hostNames[id] = name;
  }
  return {
    step: step.id,
    kind: obs.kind,
    ref: obs.ref,
    hash: obs.hash,
    ts: event.ts,
    seen: obs.seen,
    uid: event.uid ?? null,
    values,
    cut,
    why,
    hosts,
    hostNames,
  };
}
