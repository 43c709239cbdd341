// What an aggregate has seen in its sliding period, in a fixed size: slots of a sixtieth of the period for counts,
// sums, averages and rates, and for distinct the values themselves, as hashes, since no more of them matter than the
// step asks for.
import { createHash } from 'node:crypto';
import type { Observation } from '../schema/observation.ts';
import { type Bound, fieldOf } from './bindings.ts';
import type { Agg, Step } from './rule.ts';
import type { Value } from './values.ts';

/** The period begins with a whole slot, so what is counted is never older than the period. */
export const SLOTS = 60;

/** Plain data: it is written down with a partial, or by itself. */
export interface Tally {
  /** Of slots: number, records, sum; of distinct: time, value. Oldest first. */
  rows: (readonly [number, number, number] | readonly [number, string | number])[];
  /** By variable, in the order in which they came. */
  readonly sets: Record<string, string[]>;
  /** Some set had no more room. */
  full: boolean;
  /** Packet time of the last record [us]. */
  last: number;
}

export const newTally = (): Tally => ({ rows: [], sets: {}, full: false, last: 0 });

const hashed = (v: string | number): string | number =>
  typeof v === 'string' ? createHash('sha256').update(v).digest('hex').slice(0, 16) : v;

function addDistinct(agg: Agg, t: Tally, at: number, value: string | number): number {
  const v = hashed(value);
  const rows = (t.rows as [number, string | number][]).filter((r) => r[1] !== v && r[0] > at - agg.per);
  let i = rows.length;
  while (i > 0 && (rows[i - 1] as [number, unknown])[0] > at) i--;
  rows.splice(i, 0, [at, v]);
  // Of more than are asked for, the latest decide.
  if (rows.length > Math.ceil(agg.gte)) rows.shift();
  t.rows = rows;
  return rows.length;
}

function addSlot(agg: Agg, t: Tally, at: number, value: number): number {
  const length = agg.per / SLOTS;
  const slot = Math.floor(at / length);
  const rows = (t.rows as [number, number, number][]).filter((r) => r[0] > slot - SLOTS);
  const same = rows.find((r) => r[0] === slot);
  if (same === undefined) {
    let i = rows.length;
    while (i > 0 && (rows[i - 1] as [number, number, number])[0] > slot) i--;
    rows.splice(i, 0, [slot, 1, value]);
  } else {
    same[1]++;
    same[2] += value;
  }
  t.rows = rows;
  let n = 0;
  let sum = 0;
  for (const [, records, values] of rows) {
    n += records;
    sum += values;
  }
  if (agg.of === 'count') return n;
  if (agg.of === 'sum') return sum;
  if (agg.of === 'avg') return n < agg.minN ? Number.NEGATIVE_INFINITY : sum / n;
  return (agg.text === 'records' ? n : sum) / (agg.per / 1e6);
}

function collect(step: Step, t: Tally, obs: Observation): void {
  for (const { variable, field, collect: most } of step.bind) {
    if (most === undefined) continue;
    const v = fieldOf(obs, field);
    if (typeof v !== 'string' || v === '') continue;
    const set = t.sets[variable] ?? [];
    t.sets[variable] = set;
    if (set.includes(v)) continue;
    if (set.length < most) set.push(v);
    else t.full = true;
  }
}

/**
 * Counts one record.
 * @param value  what the aggregate is of; unset or no number: the record is not counted
 * @returns the aggregate from now on; undefined: nothing was counted
 */
export function addTo(step: Step, agg: Agg, t: Tally, obs: Observation, value: Value): number | undefined {
  if (agg.value !== undefined && typeof value !== 'number' && !(agg.of === 'distinct' && typeof value === 'string'))
    return undefined;
  collect(step, t, obs);
  t.last = Math.max(t.last, obs.seen);
  return agg.of === 'distinct'
    ? addDistinct(agg, t, obs.seen, value as string | number)
    : addSlot(agg, t, obs.seen, typeof value === 'number' ? value : 0);
}

/** Variables that are sets, of what an aggregate has counted. */
export function setsOf(step: Step, { sets }: Tally): Bound {
  const out: Bound = {};
  for (const { variable, class: cls, collect } of step.bind) {
    if (collect === undefined) continue;
    const values = sets[variable] ?? [];
    out[variable] = { class: cls, value: values[0] ?? '', values };
  }
  return out;
}
