// What was decided about alerts, as the store knows it: the state of each, how many there are of each state, what an
// entry of the allow-list has held back, and which sensors have seen the same.
//
// A sensor may send whatever it likes: only the collector's own streams count.
import { type Result, success } from '../lib/fault.ts';
import type { AlertEvent } from '../schema/gen/events.gen.ts';
import { COLLECTOR, TRIAGE } from '../wire/agreed.ts';
import type { Asker, Parameters } from './asker.ts';
import { columnsOf, eventOf, type StoredEvent } from './rows.ts';
import { quoted } from './tables.ts';

export const STATES = ['new', 'acknowledged', 'closed', 'suppressed', 'twin'] as const;
export type AlertState = (typeof STATES)[number];

/** Acts that the store may not have yet: of an alert the latest counts. */
export interface Recent {
  readonly alert: string;
  readonly act: string;
}

/** An alert's own acts, by number; records of the collector have none. */
const ACTS = ['ack', 'close', 'reopen'];
/** Two sensors' clocks, and what each of them had seen before, are apart by so much at most [us]. */
const TWINS_APART = 300e6;
const IDS_MAX = 1000;

const ours = `sensor IN ('${COLLECTOR}', '${TRIAGE}')`;

/** Parameters of stateOf(). */
export function recentParameters(recent: readonly Recent[]): Parameters {
  const latest = new Map<string, string>();
  const marked = { held: new Set<string>(), twin: new Set<string>() };
  for (const { alert, act } of recent) {
    if (ACTS.includes(act)) latest.set(alert, act);
    if (act === 'held' || act === 'twin') marked[act].add(alert);
  }
  return {
    ...{ recent_ids: [...latest.keys()], recent_acts: [...latest.values()] },
    ...{ recent_held: [...marked.held], recent_twins: [...marked.twin] },
  };
}

/** The latest revision of each alert, with `state`. What somebody has decided goes before what was held back. */
export function alertsWithState(asker: Asker): string {
  const db = quoted(asker.database);
  const person = `if(has({recent_ids: Array(String)}, id),
    {recent_acts: Array(String)}[indexOf({recent_ids: Array(String)}, id)], person)`;
  return `(
    SELECT *, multiIf(${person} = 'close', 'closed', ${person} = 'ack', 'acknowledged', ${person} = 'reopen', 'new',
      is_twin OR has({recent_twins: Array(String)}, id), 'twin',
      is_held OR has({recent_held: Array(String)}, id), 'suppressed', 'new') AS state
    FROM ${db}.alert_latest LEFT JOIN (
      SELECT alert AS triaged, argMaxIf(act, number, act IN ('ack', 'close', 'reopen')) AS person,
        countIf(act = 'held') > 0 AS is_held, countIf(act = 'twin') > 0 AS is_twin
      FROM ${db}.triage WHERE ${ours} AND alert != '' GROUP BY alert
    ) AS life ON id = triaged
  )`;
}

/** What an entry has held back: alerts, and when the last came [us]. */
export async function heldBack(asker: Asker): Promise<Result<Map<number, { count: number; last: number }>>> {
  const found = await asker.rows(
    `SELECT entry, uniqExact(alert), toUnixTimestamp64Micro(max(seen)) FROM ${quoted(asker.database)}.triage
     WHERE ${ours} AND act = 'held' GROUP BY entry LIMIT 20000`,
  );
  if (!found.ok) return found;
  return success(
    new Map(found.value.map(([n, count, last]) => [Number(n), { count: Number(count), last: Number(last) }])),
  );
}

/** What the collector wrote down about these alerts besides people's acts: held, and twins, theirs and of them. */
export async function marksOf(asker: Asker, ids: readonly string[]): Promise<Result<StoredEvent<'triage'>[]>> {
  const found = await asker.rows(
    `SELECT ${columnsOf('triage')} FROM ${quoted(asker.database)}.triage
     WHERE ${ours} AND act IN ('held', 'twin') AND (alert IN {ids: Array(String)} OR twin_of IN {ids: Array(String)})
     ORDER BY seen LIMIT 1 BY act, alert, twin_of, entry LIMIT ${IDS_MAX}`,
    { ids: ids.slice(0, IDS_MAX) },
  );
  return found.ok ? success(found.value.map((row) => eventOf('triage', row))) : found;
}

/** Sensors whose records say so, of each alert. */
export async function sensorsOf(asker: Asker, ids: readonly string[]): Promise<Result<Map<string, string[]>>> {
  const found = await asker.rows(
    `SELECT id, arraySort(groupUniqArray(toString(sensor))) FROM ${quoted(asker.database)}.alert
     WHERE id IN {ids: Array(String)} GROUP BY id LIMIT ${IDS_MAX}`,
    { ids: ids.slice(0, IDS_MAX) },
  );
  return found.ok ? success(new Map(found.value.map(([id, s]) => [String(id), s as string[]]))) : found;
}

/**
 * The alert that stands for this one and others of the same story: the same chain, of the same things, begun at the
 * same time, and seen by another sensor. It is the one that came first; undefined: that is this one.
 */
export async function twinOf(
  asker: Asker,
  alert: AlertEvent,
  recent: readonly Recent[] = [],
): Promise<Result<string | undefined>> {
  const twins = recent.flatMap(({ alert: id, act }) => (act === 'twin' ? [id] : []));
  const found = await asker.rows(
    `SELECT id FROM (
       SELECT id, min(stored) AS came, groupUniqArray(toString(sensor)) AS sensors FROM ${quoted(asker.database)}.alert
       WHERE chain = {chain: String} AND key = {key: String} AND entities = {entities: Array(String)}
         AND abs(toUnixTimestamp64Micro(first) - {first: Int64}) <= ${TWINS_APART}
       GROUP BY id
     ) WHERE id = {id: String} OR id NOT IN {twins: Array(String)}
       AND id NOT IN (SELECT alert FROM ${quoted(asker.database)}.triage WHERE ${ours} AND act = 'twin')
       AND NOT hasAny(sensors, (
       SELECT groupUniqArray(toString(sensor)) FROM ${quoted(asker.database)}.alert WHERE id = {id: String}))
     ORDER BY came, id LIMIT 1`,
    { id: alert.id, chain: alert.chain, key: alert.key, entities: alert.entities, first: alert.first, twins },
  );
  if (!found.ok) return found;
  const [id] = found.value[0] ?? [];
  return success(id === undefined || id === alert.id ? undefined : String(id));
}
