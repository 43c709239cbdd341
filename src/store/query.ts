// What console and command line ask the store. Everything is the reader's: parameters bound, results and time limited.
//
// Retracted alerts stay in the list with their status: what was shown once is not unsaid by silence.
import { type Result, success } from '../lib/fault.ts';
import type { AlertEvent, KindName } from '../schema/gen/events.gen.ts';
import type { StoreAccess } from './access.ts';
import { Asker, type Parameters } from './asker.ts';
import { type Entity, type EntitySummary, entity } from './entity.ts';
import { columnsOf, eventOf, eventsAt, type Place, parseRef, type StoredEvent, timeOf } from './rows.ts';
import { type SearchAnswer, type SearchQuestion, search } from './search.ts';
import { quoted } from './tables.ts';
import { alertsWithState, heldBack, marksOf, type Recent, recentParameters, sensorsOf, twinOf } from './triage.ts';

export interface AlertsQuestion {
  /** Packet times of the conclusion [us], from inclusive, to exclusive. All of time when left out. */
  readonly from?: number;
  readonly to?: number;
  readonly chain?: string;
  readonly severity?: readonly string[];
  readonly status?: readonly string[];
  /** A host's id, as in the alert's `hosts`. */
  readonly host?: string;
  /** A domain name, a file's hash, as in the alert's `names` and `hashes`. */
  readonly name?: string;
  readonly hash?: string;
  readonly sensor?: string;
  /** What has become of it; all when left out. */
  readonly state?: readonly string[];
  /** Acts that the store may not have yet. */
  readonly recent?: readonly Recent[];
  readonly order?: 'score' | 'newest';
  readonly limit?: number;
  readonly offset?: number;
}

/** An alert, and what has become of it. */
export interface StoredAlert extends StoredEvent<'alert'> {
  readonly state: string;
}

export interface AlertStep {
  readonly step: string;
  readonly ref: string;
  /** Packet time of the match [us]. */
  readonly at: number;
  /** Empty when the record belongs to no flow. */
  readonly uid: string;
  readonly story: string;
  /** The record itself; undefined when it has left the store: then the alert's own words are what is left. */
  readonly event: StoredEvent | undefined;
}

export interface AlertDetail {
  /** The latest revision. */
  readonly alert: StoredEvent<'alert'>;
  /** All revisions, oldest first; at most REVISIONS_MAX, the latest. */
  readonly revisions: readonly StoredEvent<'alert'>[];
  readonly steps: readonly AlertStep[];
}

export interface SensorState {
  readonly sensor: string;
  /** Latest packet time of a capture_stats record [us]; undefined when it never sent one. */
  readonly lastSeen: number | undefined;
  /** When its last record of that kind came to the store [s since the epoch]. */
  readonly lastStored: number | undefined;
  /** Sums over the time asked for. */
  readonly packets: number;
  readonly kernelDropped: number;
  readonly interfaceDropped: number;
  readonly appDropped: number;
  readonly eventsDropped: number;
  readonly gapBytes: number;
  /** Frames in the store, those that were refused, and holes between them, of all its epochs. */
  readonly frames: number;
  readonly refusedFrames: number;
  readonly missingFrames: number;
}

export const ALERTS_MAX = 1000;
export const OFFSET_MAX = 100_000;
export const REVISIONS_MAX = 256;
export const SENSORS_MAX = 10_000;
/** The end of time for DateTime64, when no end was asked for [us]. */
const FOREVER = 2 ** 53 - 1;

export class Queries {
  private readonly asker: Asker;

  /** @param seconds  longest time one statement may take */
  constructor(access: Pick<StoreAccess, 'url' | 'database' | 'reader'>, seconds?: number) {
    this.asker = new Asker(access, seconds);
  }

  close(): Promise<void> {
    return this.asker.close();
  }

  /** The latest revision of each alert. @throws RangeError for a limit or an offset that is none */
  async alerts(q: AlertsQuestion = {}): Promise<Result<StoredAlert[]>> {
    const { limit = 100, offset = 0 } = q;
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= ALERTS_MAX)) throw new RangeError('alerts: limit');
    if (!(Number.isInteger(offset) && offset >= 0 && offset <= OFFSET_MAX)) throw new RangeError('alerts: offset');
    const { where, parameters } = asked(q);
    const order = q.order === 'newest' ? 'seen DESC, id' : 'score DESC, seen DESC, id';
    const found = await this.asker.rows(
      `SELECT ${columnsOf('alert')}, state FROM ${alertsWithState(this.asker)} WHERE ${where}
       ORDER BY ${order} LIMIT {limit: UInt32} OFFSET {offset: UInt32}`,
      { ...parameters, limit, offset },
    );
    if (!found.ok) return found;
    return success(found.value.map((row) => ({ ...eventOf('alert', row), state: String(row.at(-1)) })));
  }

  /** How many alerts there are of each state, whatever state is asked for. */
  async alertCounts(q: AlertsQuestion = {}): Promise<Result<Record<string, number>>> {
    const { state: _, ...others } = q;
    const { where, parameters } = asked(others);
    const found = await this.asker.rows(
      `SELECT state, count() FROM ${alertsWithState(this.asker)} WHERE ${where} GROUP BY state`,
      parameters,
    );
    return found.ok ? success(Object.fromEntries(found.value.map(([s, n]) => [String(s), Number(n)]))) : found;
  }

  heldBack(): Promise<Result<Map<number, { count: number; last: number }>>> {
    return heldBack(this.asker);
  }
  marksOf(ids: readonly string[]): Promise<Result<StoredEvent<'triage'>[]>> {
    return marksOf(this.asker, ids);
  }
  sensorsOf(ids: readonly string[]): Promise<Result<Map<string, string[]>>> {
    return sensorsOf(this.asker, ids);
  }
  twinOf(alert: AlertEvent, recent: readonly Recent[] = []): Promise<Result<string | undefined>> {
    return twinOf(this.asker, alert, recent);
  }

  /** One alert with the records its steps matched; undefined when no alert has this id. */
  async alert(id: string): Promise<Result<AlertDetail | undefined>> {
    const found = await this.asker.rows(
      `SELECT ${columnsOf('alert')} FROM ${this.table('alert')} WHERE id = {id: String}
       ORDER BY revision DESC, seen DESC LIMIT ${REVISIONS_MAX}`,
      { id },
    );
    if (!found.ok) return found;
    const revisions = found.value.map((row) => eventOf('alert', row)).reverse();
    const alert = revisions.at(-1);
    if (alert === undefined) return success(undefined);
    const events = await eventsAt(this.asker, stepPlaces(alert.event));
    if (!events.ok) return events;
    return success({ alert, revisions, steps: stepsOf(alert.event, events.value) });
  }

  /** Events by reference, of any kind; those that are not there are left out. */
  events(refs: readonly { readonly ref: string; readonly seen?: number }[]): Promise<Result<Map<string, StoredEvent>>> {
    const places = refs.flatMap(({ ref, seen }): Place[] => {
      const place = parseRef(ref);
      return place === undefined ? [] : [{ ...place, ...(seen === undefined ? {} : { seen }) }];
    });
    return eventsAt(this.asker, places);
  }

  search(question: SearchQuestion): Promise<Result<SearchAnswer>> {
    return search(this.asker, question);
  }

  /** First and last seen, how often, and with whom; undefined when the store does not know it. */
  entity(which: Entity): Promise<Result<EntitySummary | undefined>> {
    return entity(this.asker, which);
  }

  /** Every sensor that the store knows, by name; losses of the time asked for [us]. */
  async sensors(from = 0, to = FOREVER): Promise<Result<SensorState[]>> {
    const stats = await this.asker.rows(
      `SELECT toString(sensor) AS name, toUnixTimestamp64Micro(max(seen)), toUnixTimestamp(max(stored)),
         sumIf(packets, asked), sumIf(ifNull(kernel_dropped, 0), asked), sumIf(ifNull(if_dropped, 0), asked),
         sumIf(app_dropped, asked), sumIf(events_dropped, asked), sumIf(gap_bytes, asked)
       FROM (SELECT *, seen >= ${timeOf('from')} AND seen < ${timeOf('to')} AS asked FROM ${this.table('capture_stats')})
       GROUP BY name ORDER BY name LIMIT ${SENSORS_MAX}`,
      { from, to },
    );
    if (!stats.ok) return stats;
    // Ranges that were joined later leave their parts behind: of each epoch, what lies in no range before it.
    const frames = await this.asker.rows(
      `SELECT sensor, sum(held), sum(last - held)
       FROM (
         SELECT sensor, epoch, max(end) AS last, sum(greatest(0, end - greatest(begin - 1, before))) AS held
         FROM (
           SELECT sensor, epoch, begin, end, max(end) OVER (
             PARTITION BY sensor, epoch ORDER BY begin ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
           FROM (
             SELECT sensor, epoch, toInt64(first) AS begin, toInt64(max(last)) AS end
             FROM ${this.table('loaded_frames')} GROUP BY sensor, epoch, first
           )
         ) GROUP BY sensor, epoch
       ) GROUP BY sensor ORDER BY sensor LIMIT ${SENSORS_MAX}`,
    );
    if (!frames.ok) return frames;
    const refused = await this.asker.rows(
      `SELECT sensor, sum(last - first + 1) FROM ${this.table('refused_frames')}
       GROUP BY sensor ORDER BY sensor LIMIT ${SENSORS_MAX}`,
    );
    if (!refused.ok) return refused;
    return success(sensorStates(stats.value, frames.value, refused.value));
  }

  private table(name: KindName | 'loaded_frames' | 'refused_frames'): string {
    return `${quoted(this.asker.database)}.${quoted(name)}`;
  }
}

/** Conditions and their parameters. */
function asked(q: AlertsQuestion): { readonly where: string; readonly parameters: Parameters } {
  const parameters: Record<string, string | number | readonly string[]> = { from: q.from ?? 0, to: q.to ?? FOREVER };
  const where = [`seen >= ${timeOf('from')}`, `seen < ${timeOf('to')}`];
  const add = (name: string, value: string | readonly string[] | undefined, condition: string): void => {
    if (value === undefined) return;
    parameters[name] = value;
    where.push(condition);
  };
  add('chain', q.chain, 'chain = {chain: String}');
  add('severity', q.severity, 'severity IN {severity: Array(String)}');
  add('status', q.status, 'status IN {status: Array(String)}');
  add('host', q.host, 'has(hosts, {host: String})');
  add('name', q.name, 'has(names, {name: String})');
  add('hash', q.hash, 'has(hashes, {hash: String})');
  add('sensor', q.sensor, 'sensor = {sensor: String}');
  add('state', q.state, 'state IN {state: Array(String)}');
  return { where: where.join(' AND '), parameters: { ...parameters, ...recentParameters(q.recent ?? []) } };
}

function stepPlaces(alert: AlertEvent): Place[] {
  return alert.step_refs.flatMap((ref, i): Place[] => {
    const place = parseRef(ref);
    const seen = alert.step_times[i];
    return place === undefined ? [] : [{ ...place, ...(seen === undefined ? {} : { seen }) }];
  });
}

function stepsOf(alert: AlertEvent, events: ReadonlyMap<string, StoredEvent>): AlertStep[] {
  return alert.step_ids.map((step, i) => {
    const ref = alert.step_refs[i] ?? '';
    return {
      ...{ step, ref, at: alert.step_times[i] ?? 0, uid: alert.step_uids[i] ?? '' },
      ...{ story: alert.step_stories[i] ?? '', event: events.get(ref) },
    };
  });
}

type Rows = readonly (readonly unknown[])[];

function sensorStates(stats: Rows, frames: Rows, refused: Rows): SensorState[] {
  const byName = (rows: Rows): Map<string, readonly unknown[]> => new Map(rows.map((row) => [String(row[0]), row]));
  const [s, f, r] = [byName(stats), byName(frames), byName(refused)] as const;
  const names = [...new Set([...s.keys(), ...f.keys(), ...r.keys()])].sort();
  return names.map((sensor) => {
    const of = (rows: ReadonlyMap<string, readonly unknown[]>, i: number): number | undefined => {
      const value = rows.get(sensor)?.[i];
      return value === undefined ? undefined : Number(value);
    };
    return {
      ...{ sensor, lastSeen: of(s, 1), lastStored: of(s, 2), packets: of(s, 3) ?? 0 },
      ...{ kernelDropped: of(s, 4) ?? 0, interfaceDropped: of(s, 5) ?? 0, appDropped: of(s, 6) ?? 0 },
      ...{ eventsDropped: of(s, 7) ?? 0, gapBytes: of(s, 8) ?? 0 },
      ...{ frames: of(f, 1) ?? 0, refusedFrames: of(r, 1) ?? 0, missingFrames: of(f, 2) ?? 0 },
    };
  });
}
