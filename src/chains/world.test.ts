// What the engine's tests stand on: observations in a few words, memory and a section that are maps.
import { createHash } from 'node:crypto';
import type { KindName } from '../schema/gen/events.gen.ts';
import { FIELDS } from '../schema/gen/structures.gen.ts';
import type { Memory, Observation, Recollection, Section, Space } from '../schema/observation.ts';
import { ENTITY_FIELDS } from '../schema/observation.ts';
import { DAY } from './duration.ts';

export const T0 = 1_700_006_400e6;

/** An observation of `kind` at `at` days after T0; host fields take ids. */
export function see(kind: KindName, at: number, values: Record<string, unknown> = {}): Observation {
  const seen = Math.round(T0 + at * DAY);
  const zero = (f: (typeof FIELDS)[KindName][number]): unknown =>
    f.list
      ? []
      : f.optional
        ? null
        : f.type === 'bool'
          ? false
          : ['text', 'ip', 'uid', 'mac'].includes(f.type)
            ? ''
            : 0;
  const event: Record<string, unknown> = Object.fromEntries(FIELDS[kind].map((f) => [f.name, zero(f)]));
  const hosts: Record<string, { id: string; local: boolean; evidence: string }> = {};
  for (const [name, value] of Object.entries({ ts: seen, seen, ...values })) {
    const entity = ENTITY_FIELDS[kind]?.[name];
    if (entity?.class === 'host' && kind !== 'signal' && kind !== 'identity')
      hosts[name] = { id: String(value), local: true, evidence: 'test' };
    else event[name] = value;
  }
  const hash = createHash('sha256')
    .update(JSON.stringify([kind, event, hosts]))
    .digest('hex')
    .slice(0, 16);
  return { kind, event: event as never, seen, ref: `test/1/${Math.round(at * 1e6)}/0`, hash, hosts };
}

/** Long memory, naively: every touch is kept. */
export class NaiveMemory implements Memory {
  readonly touches: { space: Space; key: string; at: number; host: string | undefined }[] = [];
  since = 0;
  touch(space: Space, key: string, at: number, host?: string): void {
    this.touches.push({ space, key, at, host });
  }
  look(space: Space, key: string, host?: string): Recollection {
    const own = this.touches.filter(
      (t) => t.space === space && t.key === key && (host === undefined || t.host === host),
    );
    const times = own.map((t) => t.at);
    const first = times.length > 0 ? Math.min(...times) : undefined;
    const last = times.length > 0 ? Math.max(...times) : undefined;
    return {
      first,
      last,
      count: own.length,
      days: new Set(times.map((t) => Math.floor(t / DAY))).size,
      since: this.since,
    };
  }
  prevalence(space: Space, key: string, days: number, at: number): number {
    const from = (Math.floor(at / DAY) - days + 1) * DAY;
    const hosts = new Set(
      this.touches.filter((t) => t.space === space && t.key === key && t.at >= from && t.at <= at).map((t) => t.host),
    );
    return Math.min(hosts.size, 17);
  }
}

export class MapSection implements Section {
  readonly map = new Map<string, Uint8Array>();
  get(key: string): Uint8Array | undefined {
    return this.map.get(key);
  }
  put(key: string, value: Uint8Array): void {
    this.map.set(key, value);
  }
  remove(key: string): void {
    this.map.delete(key);
  }
  entries(): Iterable<readonly [string, Uint8Array]> {
    return [...this.map].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
