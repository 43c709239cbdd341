// The ClickHouse side: one table per kind. Columns are the record's fields in order, behind the collector's own.
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
  const all: Column[] = [{ name: 'sensor', type: 'LowCardinality(String)', brief: 'Sensor that saw it' }];
  if (k.envelope === 'flow')
    all.push(
      { name: 'community_id', type: 'String', brief: 'Community ID v1 of the tuple, seed 0' },
      {
        name: 'orig_host',
        type: 'LowCardinality(String)',
        brief: 'Host the originator was, as known at the watermark',
      },
      { name: 'resp_host', type: 'LowCardinality(String)', brief: 'Host the responder was, as known at the watermark' },
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
  return `  INDEX ix_${f.name} \`${f.name}\` TYPE bloom_filter(0.01) GRANULARITY 2`;
}

function table(k: Kind): string {
  const columns = [
    ...collectorColumns(k).map((c) => `  \`${c.name}\` ${c.type} COMMENT ${literal(c.brief)}`),
    ...k.fields.map((f) => {
      const codec = f.type === 'time' && !f.list && !f.optional ? ' CODEC(Delta, ZSTD(1))' : '';
      const notes = [f.unit ? ` [${f.unit}]` : '', f.source ? ` (${f.source})` : ''].join('');
      return `  \`${f.name}\` ${clickhouseType(f, 'table')} COMMENT ${literal(f.brief + notes)}${codec}`;
    }),
    // Retention counts from storing, not from packet time: an old capture read today is kept as long as today's.
    "  `stored` DateTime DEFAULT now() COMMENT 'When the row came to the store'",
    ...k.fields.map(skipIndex).filter((x) => x !== undefined),
  ];
  const order =
    k.envelope === 'flow'
      ? 'sensor, toStartOfHour(seen), orig_h, resp_h, seen'
      : [
          'sensor',
          'toStartOfHour(seen)',
          ...(k.fields[3]?.lc && !k.fields[3].list ? [k.fields[3].name] : []),
          'seen',
        ].join(', ');
  return `CREATE TABLE IF NOT EXISTS {database}.\`${k.name}\`
(
${columns.join(',\n')}
)
ENGINE = {engine}
PARTITION BY toYYYYMMDD(seen)
ORDER BY (${order})
TTL stored + INTERVAL ${k.keepDays} DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000
COMMENT ${literal(k.brief)};
`;
}

export function tablesSql(s: Schema): string {
  const note =
    '-- One statement a kind. {database} and {engine} are filled in by the migrator: MergeTree on one machine,\n' +
    '-- ReplicatedMergeTree on a cluster. Retention here is the default; the configuration may alter it.\n';
  return `${banner('*.schema.yaml', '--')}${note}\n${s.kinds.map(table).join('\n')}`;
}
