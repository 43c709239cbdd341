// Rows of the store as the events they were, and where each stands: the way back from columns to records.
import { TupleParam } from '@clickhouse/client';
import { type Result, success } from '../lib/fault.ts';
import type { EventOf, KindName } from '../schema/gen/events.gen.ts';
import { FIELDS, type FieldMeta } from '../schema/gen/structures.gen.ts';
import { TABLES } from '../schema/gen/tables.gen.ts';
import { ipBytes, ipText } from '../schema/ip.ts';
import type { Asker, Parameters } from './asker.ts';
import { columnName, KINDS, quoted } from './tables.ts';

/** The place of a record in a sensor's log; `sensor/epoch/seq/index` as text. */
export interface Ref {
  readonly sensor: string;
  readonly epoch: number;
  readonly seq: number;
  readonly index: number;
}

/** A reference, and packet time where it is known [us]: with it one hour of the table is read, without it all. */
export interface Place extends Ref {
  readonly seen?: number;
}

export interface StoredEvent<K extends KindName = KindName> {
  readonly kind: K;
  readonly ref: string;
  readonly event: EventOf[K];
  /** What the collector added: community_id, orig_host, resp_host, registered_domain, where the kind has them. */
  readonly added: Readonly<Record<string, string>>;
}

export const REFS_MAX = 1024;
/** Of one statement: they are in its address, and a server reads a limited one. */
const REFS_A_QUERY = 128;

export const refText = (r: Ref): string => `${r.sensor}/${r.epoch}/${r.seq}/${r.index}`;

export function parseRef(text: string): Ref | undefined {
  const m = /^([\w.:-]{1,64})\/(\d{1,16})\/(\d{1,16})\/(\d{1,10})$/.exec(text);
  if (m === null) return undefined;
  const [epoch, seq, index] = [Number(m[2]), Number(m[3]), Number(m[4])] as const;
  if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(seq) || index > 0xffffffff) return undefined;
  return { sensor: m[1] as string, epoch, seq, index };
}

/** A packet time as a DateTime64 of the table. */
export const timeOf = (parameter: string): string => `fromUnixTimestamp64Micro({${parameter}: Int64}, 'UTC')`;
export const PLACE = 'sensor, frame_epoch, frame_seq, frame_index, toUnixTimestamp64Micro(seen)';

/** The first five columns of PLACE. */
export const placeOf = (row: readonly unknown[]): Required<Place> => ({
  ...{
    sensor: String(row[0]),
    epoch: Number(row[1]),
    seq: Number(row[2]),
    index: Number(row[3]),
    seen: Number(row[4]),
  },
});

/** An address as events have it: the server writes mapped ones with their prefix. */
export const addressText = (text: string): string => {
  const bytes = ipBytes(text);
  return bytes === undefined ? text : ipText(bytes);
};

const expression = (f: FieldMeta): string => {
  const name = quoted(f.name);
  if (f.type !== 'time') return name;
  return f.list ? `arrayMap(t -> toUnixTimestamp64Micro(t), ${name})` : `toUnixTimestamp64Micro(${name})`;
};

function fieldValue(f: FieldMeta, v: unknown): unknown {
  if (f.type !== 'ip' || v === null) return v;
  return Array.isArray(v) ? v.map((text) => addressText(String(text))) : addressText(String(v));
}

/** Columns of the collector that are not the place. */
const addedColumns = (kind: KindName): string[] =>
  TABLES[kind].columns
    .map(columnName)
    .filter((name) => ['community_id', 'orig_host', 'resp_host', 'registered_domain'].includes(name));

/** All columns of a kind's events, for eventOf(). */
export const columnsOf = (kind: KindName): string =>
  [PLACE, ...addedColumns(kind).map(quoted), ...FIELDS[kind].map(expression)].join(', ');

export function eventOf<K extends KindName>(kind: K, row: readonly unknown[]): StoredEvent<K> {
  const names = addedColumns(kind);
  const event: Record<string, unknown> = {};
  FIELDS[kind].forEach((f, i) => {
    event[f.name] = fieldValue(f, row[5 + names.length + i]);
  });
  return {
    ...{ kind, ref: refText(placeOf(row)), event: event as unknown as EventOf[K] },
    added: Object.fromEntries(names.map((name, i) => [name, String(row[5 + i])])),
  };
}

/** Places whose times are further apart are asked for one after another: between them nothing need be read. */
const APART_US = 86_400e6;
/** Beyond this many questions the rest is asked at once. */
const QUESTIONS_MAX = 16;

/** At most REFS_A_QUERY each; those with a time first, near ones together. */
function groups(places: readonly Place[]): Place[][] {
  const out: Place[][] = [];
  const sorted = [...places].sort(
    (a, b) => (a.seen ?? Number.POSITIVE_INFINITY) - (b.seen ?? Number.POSITIVE_INFINITY),
  );
  let previous: Place | undefined;
  for (const p of sorted) {
    const isFull = (out.at(-1)?.length ?? REFS_A_QUERY) >= REFS_A_QUERY;
    const isOther = (p.seen === undefined) !== (previous?.seen === undefined);
    const isFar = (p.seen ?? 0) - (previous?.seen ?? 0) > APART_US && out.length < QUESTIONS_MAX;
    if (isFull || isOther || isFar) out.push([]);
    out.at(-1)?.push(p);
    previous = p;
  }
  return out;
}

/** Conditions that are true for these places alone, with their parameters. */
function* asked(places: readonly Place[]): Generator<{ readonly where: string; readonly parameters: Parameters }> {
  for (const group of groups(places)) {
    const where = `frame_seq IN {seqs: Array(UInt64)} AND (sensor, frame_epoch, frame_seq, frame_index) IN
      {places: Array(Tuple(String, UInt64, UInt64, UInt32))}`;
    const parameters: Parameters = {
      places: group.map((p) => new TupleParam([p.sensor, p.epoch, p.seq, p.index])),
      seqs: [...new Set(group.map((p) => p.seq))],
    };
    const [first, last] = [group[0]?.seen, group.at(-1)?.seen];
    if (first === undefined || last === undefined) yield { where, parameters };
    else
      yield {
        where: `seen >= ${timeOf('first')} AND seen <= ${timeOf('last')} AND ${where}`,
        parameters: { ...parameters, first, last },
      };
  }
}

/** The events of one kind at these places; those that are not there are left out. */
export async function eventsOfKind<K extends KindName>(
  asker: Asker,
  kind: K,
  places: readonly Place[],
): Promise<Result<StoredEvent<K>[]>> {
  const events: StoredEvent<K>[] = [];
  for (const { where, parameters } of asked(places)) {
    const found = await asker.rows(
      `SELECT ${columnsOf(kind)} FROM ${quoted(asker.database)}.${quoted(kind)} WHERE ${where} LIMIT ${REFS_A_QUERY}`,
      parameters,
    );
    if (!found.ok) return found;
    events.push(...found.value.map((row) => eventOf(kind, row)));
  }
  return success(events);
}

/**
 * The events at these places, by reference, whatever their kinds; a reference does not name its kind.
 * @param places  at most REFS_MAX; the rest is left out
 */
export async function eventsAt(asker: Asker, places: readonly Place[]): Promise<Result<Map<string, StoredEvent>>> {
  const kinds = new Map<KindName, Place[]>();
  for (const { where, parameters } of asked(places.slice(0, REFS_MAX))) {
    const each = KINDS.map(
      (kind) => `SELECT '${kind}' AS kind, ${PLACE} FROM ${quoted(asker.database)}.${quoted(kind)} WHERE ${where}`,
    );
    const found = await asker.rows(`SELECT * FROM (${each.join(' UNION ALL ')}) LIMIT ${REFS_A_QUERY}`, parameters);
    if (!found.ok) return found;
    for (const [kind, ...place] of found.value) {
      const name = kind as KindName;
      kinds.set(name, [...(kinds.get(name) ?? []), placeOf(place)]);
    }
  }
  const events = new Map<string, StoredEvent>();
  for (const [kind, list] of kinds) {
    const found = await eventsOfKind(asker, kind, list);
    if (!found.ok) return found;
    for (const e of found.value) events.set(e.ref, e);
  }
  return success(events);
}
