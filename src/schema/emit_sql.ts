// The ClickHouse side: what the table of each kind is. Columns are the record's fields in order, behind the collector's
// own. src/store/tables.ts makes statements of it.
import { banner } from './emit_cpp.ts';
import type { BaseType, Field, Kind, Schema } from './model.ts';

const SQL_TYPE: Readonly<Record<BaseType, string>> = {
  time: "DateTime64(6, 'UTC')",
  duration: 'Float64',
  ip: 'IPv6',
  uid: 'FixedString(12)',
  mac: 'String',
  bool: 'Bool',
  u8: 'UInt8',
  u16: 'UInt16',
  u32: 'UInt32',
  u64: 'UInt64',
  i32: 'Int32',
  i64: 'Int64',
  f64: 'Float64',
  text: 'String',
};

/**
 * The type of a field's column. In a Native block ('wire') a dictionary column travels as what it holds: ClickHouse
 * builds the dictionary itself on insert.
 */
export function clickhouseType(f: Field, where: 'wire' | 'table'): string {
  let type = SQL_TYPE[f.type];
  if (f.optional) type = `Nullable(${type})`;
  if (where === 'table' && (f.lc || f.type === 'mac')) type = `LowCardinality(${type})`;
  return f.list ? `Array(${type})` : type;
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly brief: string;
}

/** What the collector adds to every row; in a Native block these stand before the record's own. */
export function collectorColumns(k: Kind): readonly Column[] {
  const all: Column[] = [
    { name: 'sensor', type: 'LowCardinality(String)', brief: 'Sensor that saw it' },
    { name: 'frame_epoch', type: 'UInt64', brief: "Life of the sensor's process" },
    { name: 'frame_seq', type: 'UInt64', brief: 'Number of the frame within the epoch' },
    { name: 'frame_index', type: 'UInt32', brief: 'Place of the record within the frame, from 0' },
  ];
  const host = 'as known when it was stored; ip: and the address when nobody said';
  if (k.envelope === 'flow')
    all.push(
      { name: 'community_id', type: 'String', brief: 'Community ID v1 of the tuple, seed 0' },
      { name: 'orig_host', type: 'String', brief: `Host the originator was, ${host}` },
      { name: 'resp_host', type: 'String', brief: `Host the responder was, ${host}` },
    );
  if (nameField(k))
    all.push({
      name: 'registered_domain',
      type: 'String',
      brief: `Registered domain of ${nameField(k)}, by the Public Suffix List`,
    });
  return all;
}

/** The field whose registered domain is a column, if the kind has one. */
export const nameField = (k: Kind): string | undefined =>
  ['query', 'server_name', 'host', 'dst_name'].find((name) =>
    k.fields.some((f) => f.name === name && f.type === 'text' && !f.list && f.redact === undefined),
  );

const literal = (s: string): string => `'${s.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;

// Every skip index costs insert speed, so only what responders type gets one, and only where values are many.
function skipIndex(f: Field): string | undefined {
  if (!f.index || f.lc || f.type === 'time') return undefined;
  return `INDEX ix_${f.name} \`${f.name}\` TYPE bloom_filter(0.01) GRANULARITY 2`;
}

// What a lookup begins with. Time as hours: within an hour rows of one host are side by side, so that a question about
// an address reads few granules of each hour, and one about a minute few of the hour.
function orderOf(k: Kind): string {
  // Revisions of one finding are read together, and there are few.
  if (k.name === 'alert') return 'id, revision';
  if (k.envelope === 'flow') return 'sensor, toStartOfHour(seen), orig_h, resp_h, seen';
  const first = k.fields[3];
  return ['sensor', 'toStartOfHour(seen)', ...(first?.lc && !first.list ? [first.name] : []), 'seen'].join(', ');
}

/** Kinds kept longer than this are few, and are partitioned by month: a partition a day would be all they are. */
const DAILY_DAYS_MAX = 120;
// Packet time is what a sensor says it is: one with a new day in every record must not make a million partitions.
// Days so far apart share one. ClickHouse knows the range of `seen` in every part, so a day is still found at once.
const DAYS_APART = 512;
const MONTHS_APART = 64;
const partitionOf = (k: Kind): string =>
  k.keepDays > DAILY_DAYS_MAX ? `toRelativeMonthNum(seen) % ${MONTHS_APART}` : `toRelativeDayNum(seen) % ${DAYS_APART}`;

function table(k: Kind): string {
  const columns = [
    ...collectorColumns(k).map((c) => `\`${c.name}\` ${c.type} COMMENT ${literal(c.brief)}`),
    ...k.fields.map((f) => {
      const codec = f.type === 'time' && !f.list && !f.optional ? ' CODEC(Delta, ZSTD(1))' : '';
      const notes = [f.unit ? ` [${f.unit}]` : '', f.source ? ` (${f.source})` : ''].join('');
      return `\`${f.name}\` ${clickhouseType(f, 'table')} COMMENT ${literal(f.brief + notes)}${codec}`;
    }),
    // Retention counts from storing, not from packet time: an old capture read today is kept as long as today's.
    "`stored` DateTime DEFAULT now() COMMENT 'When the row came to the store'",
  ];
  const list = (lines: readonly string[]): string => lines.map((l) => `\n      ${JSON.stringify(l)},`).join('');
  return `  ${k.name}: {
    kind: '${k.name}',
    brief: ${JSON.stringify(k.brief)},
    columns: [${list(columns)}
    ],
    indexes: [${list(k.fields.map(skipIndex).filter((x) => x !== undefined))}
    ],
    partition: '${partitionOf(k)}',
    order: '${orderOf(k)}',
    keepDays: ${k.keepDays},
  },
`;
}

export function tablesTs(s: Schema): string {
  return `${banner('*.schema.yaml')}import type { KindName } from './events.gen.ts';

/** The table of one kind, as ClickHouse text. */
export interface Table {
  readonly kind: KindName;
  readonly brief: string;
  /** Name, type, comment and codec of each: the collector's, the record's in order, and when it was stored. */
  readonly columns: readonly string[];
  readonly indexes: readonly string[];
  readonly partition: string;
  readonly order: string;
  /** Unless the configuration says otherwise. */
  readonly keepDays: number;
}

export const TABLES: Readonly<Record<KindName, Table>> = {
${s.kinds.map(table).join('')}};
`;
}
