// The statements that make the store's tables, from the generated description of each kind.
//
//   one table a kind       TABLES, generated from the schema
//   loaded_frames          which frames of each sensor's log are in the store: ranges of seq, coalesced by the loader
//   refused_frames         what came and could not be stored, and why
//   address_day            who talked to whom on which day, both ways round: answers about an address without a scan
//   alert_latest           the newest revision of each alert
//
// A cluster differs in the engine clause alone, and that is in one function.
import type { KindName } from '../schema/gen/events.gen.ts';
import { TABLES, type Table } from '../schema/gen/tables.gen.ts';

export const KINDS = Object.keys(TABLES) as readonly KindName[];

/** Inserts that a table remembers by token. Retries come at once or after a restart, never so many inserts later. */
export const DEDUPLICATION_WINDOW = 10_000;

/** An identifier as ClickHouse quotes it. */
export const quoted = (name: string): string => `\`${name.replace(/[\\`]/g, '\\$&')}\``;

type Engine = 'MergeTree' | 'ReplacingMergeTree' | 'AggregatingMergeTree';

/** The one place that a cluster changes: there it is Replicated..., with a path. */
const engineOf = (engine: Engine, parameters = ''): string => `${engine}(${parameters})`;

// An insert is acknowledged when it would survive a power cut.
const DURABLE = 'fsync_after_insert = 1, fsync_part_directory = 1';
const DEDUPLICATED = `non_replicated_deduplication_window = ${DEDUPLICATION_WINDOW}`;

export const ttlOf = (days: number): string => `stored + INTERVAL ${days} DAY`;

export function createTable(database: string, table: Table, keepDays: number): string {
  return `CREATE TABLE IF NOT EXISTS ${quoted(database)}.${quoted(table.kind)}
(
  ${[...table.columns, ...indexesOf(table)].join(',\n  ')}
)
ENGINE = ${engineOf('MergeTree')}
PARTITION BY ${table.partition}
ORDER BY (${table.order})
TTL ${ttlOf(keepDays)}
SETTINGS ttl_only_drop_parts = 1, ${DEDUPLICATED}, ${DURABLE}
COMMENT '${table.brief.replace(/[\\']/g, '\\$&')}'`;
}

/** The schema's, and the frame's number: parts hold runs of it, so a record is found by its reference. */
export const indexesOf = (table: Table): readonly string[] => [
  'INDEX ix_frame (`frame_epoch`, `frame_seq`) TYPE minmax GRANULARITY 1',
  ...table.indexes,
];

/** `` `name` Type COMMENT ... `` to name and definition. */
export function columnName(definition: string): string {
  return /^`([^`]+)` /.exec(definition)?.[1] ?? '';
}

/** Days that address_day keeps: longer than flows, because it answers "since when". */
export const ADDRESS_KEEP_DAYS = 400;

export function createLoadedFrames(database: string): string {
  // A range grows by a row with the same `first` and a later `last`; merging keeps the latest.
  return `CREATE TABLE IF NOT EXISTS ${quoted(database)}.loaded_frames
(
  sensor String COMMENT 'Sensor whose log it is',
  epoch UInt64 COMMENT 'Life of the sensor process',
  first UInt64 COMMENT 'First frame of the range',
  last UInt64 COMMENT 'Last frame of the range'
)
ENGINE = ${engineOf('ReplacingMergeTree', 'last')}
ORDER BY (sensor, epoch, first)
SETTINGS ${DURABLE}
COMMENT 'Frames that are in the store: all of them from first to last.'`;
}

export function createRefusedFrames(database: string): string {
  return `CREATE TABLE IF NOT EXISTS ${quoted(database)}.refused_frames
(
  sensor String COMMENT 'Sensor whose log it is',
  epoch UInt64 COMMENT 'Life of the sensor process',
  first UInt64 COMMENT 'First frame of the range',
  last UInt64 COMMENT 'Last frame of the range',
  kind UInt32 COMMENT 'Number of the kind it said to be of; 0 for frames that never came',
  reason String COMMENT 'Why no record of it is in the store',
  stored DateTime DEFAULT now() COMMENT 'When this was noticed'
)
ENGINE = ${engineOf('MergeTree')}
ORDER BY (sensor, epoch, first)
TTL ${ttlOf(ADDRESS_KEEP_DAYS)}
SETTINGS ${DEDUPLICATED}, ${DURABLE}
COMMENT 'What a sensor sent, or should have sent, that is not in the store.'`;
}

export function createAddressDay(database: string): string {
  const sum = 'SimpleAggregateFunction(sum, UInt64)';
  return `CREATE TABLE IF NOT EXISTS ${quoted(database)}.address_day
(
  addr IPv6 COMMENT 'One side of the flow',
  day Date COMMENT 'Day of seen',
  peer IPv6 COMMENT 'The other side',
  is_orig Bool COMMENT 'addr was the originator',
  sensor LowCardinality(String) COMMENT 'Sensor that saw it',
  first SimpleAggregateFunction(min, DateTime64(6, 'UTC')) COMMENT 'Begin of the first flow',
  last SimpleAggregateFunction(max, DateTime64(6, 'UTC')) COMMENT 'End of the last flow',
  flows ${sum} COMMENT 'Finished flows',
  sent_bytes ${sum} COMMENT 'Payload from addr to peer',
  received_bytes ${sum} COMMENT 'Payload from peer to addr',
  stored SimpleAggregateFunction(max, DateTime) COMMENT 'When the last of them came to the store'
)
ENGINE = ${engineOf('AggregatingMergeTree')}
PARTITION BY toRelativeMonthNum(day) % 64
ORDER BY (addr, day, peer, is_orig, sensor)
TTL ${ttlOf(ADDRESS_KEEP_DAYS)}
SETTINGS ttl_only_drop_parts = 1, ${DEDUPLICATED}, ${DURABLE}
COMMENT 'Finished flows by address, day and peer, each flow from both sides.'`;
}

export function createAddressDayView(database: string): string {
  return `CREATE MATERIALIZED VIEW IF NOT EXISTS ${quoted(database)}.address_day_view
TO ${quoted(database)}.address_day AS
SELECT side.1 AS addr, toDate(seen) AS day, side.2 AS peer, side.3 AS is_orig, sensor,
  min(ts) AS first, max(seen) AS last, count() AS flows, sum(side.4) AS sent_bytes, sum(side.5) AS received_bytes,
  max(stored) AS stored
FROM ${quoted(database)}.conn
ARRAY JOIN [
  (orig_h, resp_h, true, ifNull(orig_bytes, 0), ifNull(resp_bytes, 0)),
  (resp_h, orig_h, false, ifNull(resp_bytes, 0), ifNull(orig_bytes, 0))
] AS side
GROUP BY addr, day, peer, is_orig, sensor`;
}

export function createAlertLatest(database: string): string {
  return `CREATE OR REPLACE VIEW ${quoted(database)}.alert_latest AS
SELECT * FROM ${quoted(database)}.alert ORDER BY id, revision DESC LIMIT 1 BY id`;
}
