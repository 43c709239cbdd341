// The allow-list: what somebody has looked into and does not want to see again. An entry says of which chain, host or
// value, from which sensor, until when and why; an alert that fits is held back, and says by which entry.
//
// An entry that has ended, or was taken off, stays in the log of acts: what it has held back can be explained for ever.
import type { AlertEvent } from '../schema/gen/events.gen.ts';

/** Entries that hold alerts back at one time. */
export const ENTRIES_MAX = 1000;
export const CLASSES = ['host', 'user', 'domain', 'file', 'address'] as const;

/** What an entry asks of an alert. All that is said must be so; '' asks nothing. */
export interface Scope {
  readonly chain: string;
  /** `class:value`. */
  readonly entity: string;
  readonly value: string;
  readonly sensor: string;
}

export interface Entry extends Scope {
  /** Of the act that made it. */
  readonly n: number;
  /** Where it comes from; '' when from nowhere. */
  readonly alert: string;
  readonly actor: string;
  readonly reason: string;
  /** Wall times [us]. */
  readonly from: number;
  readonly until: number;
}

/** Values of an alert, as an entry names them. */
function namesOf(a: AlertEvent): Set<string> {
  const names = new Set<string>();
  for (const text of a.entities) names.add(text.slice(text.indexOf('=') + 1));
  for (const [cls, values] of [
    ['host', a.hosts],
    ['user', a.users],
    ['domain', a.names],
    ['file', a.hashes],
    ['address', a.addrs],
  ] as const)
    for (const value of values) names.add(`${cls}:${value}`);
  return names;
}

export function fits(scope: Scope, alert: AlertEvent, sensor: string): boolean {
  if (scope.chain !== '' && scope.chain !== alert.chain) return false;
  if (scope.sensor !== '' && scope.sensor !== sensor) return false;
  if (scope.entity === '' && scope.value === '') return true;
  const names = namesOf(alert);
  return [scope.entity, scope.value].every((name) => name === '' || names.has(name));
}

/** What is wrong with a scope; undefined: nothing. */
export function scopeFault({ chain, entity, value, sensor }: Scope): string | undefined {
  if (!/^(?:[a-z0-9][a-z0-9-]{0,95})?$/.test(chain)) return 'chain is no name of a chain';
  for (const [what, text, most] of [
    ['entity', entity, 300],
    ['value', value, 600],
  ] as const) {
    if (text === '') continue;
    const [cls = ''] = text.split(':', 1);
    if (!(CLASSES as readonly string[]).includes(cls) || text.length === cls.length + 1 || cls.length === text.length)
      return `${what} is CLASS:VALUE, CLASS one of ${CLASSES.join(', ')}`;
    if (Buffer.byteLength(text) > most) return `${what} is longer than ${most} bytes`;
  }
  if (!/^[\w.:-]{0,64}$/.test(sensor)) return 'sensor is no name of a sensor';
  // All of a host's alerts, or all there are, is nobody's to be silent about.
  if (chain === '' && value === '') return 'an entry names a chain, or a value';
  return undefined;
}
