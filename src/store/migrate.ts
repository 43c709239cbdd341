// Brings a store to what this version wants, and refuses one that a later version has made.
//
// Two things change over the years. Kinds gain fields: the tables are compared with the schema each time, and what is
// missing is appended. Everything else is a numbered step, run once, in order. Both can be run again after a crash in
// the middle: every statement is one that does nothing the second time.
import type { ClickHouseClient } from '@clickhouse/client';
import { type Fault, failure, type Result, success } from '../lib/fault.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import { TABLES, type Table } from '../schema/gen/tables.gen.ts';
import { connect, reasonOf, type StoreAccess } from './access.ts';
import {
  columnName,
  createAddressDay,
  createAddressDayView,
  createAlertLatest,
  createLoadedFrames,
  createRefusedFrames,
  createTable,
  indexesOf,
  KINDS,
  quoted,
  ttlOf,
} from './tables.ts';

export const KEEP_DAYS_MIN = 1;
export const KEEP_DAYS_MAX = 3660;

export interface MigrateOptions {
  /** Other than the schema's retention, by kind [days]. */
  readonly keepDays?: Partial<Readonly<Record<KindName, number>>>;
}

export interface Migration {
  /** Of the store, before and now; 0: there was none. */
  readonly from: number;
  readonly to: number;
  /** What was done, a line each; empty when the store was as it should be. */
  readonly done: readonly string[];
}

interface Step {
  readonly version: number;
  readonly statements: (database: string) => readonly string[];
}

/** In order, never changed once released. The tables of kinds are not among them. */
const STEPS: readonly Step[] = [
  {
    version: 1,
    statements: (db) => [
      createLoadedFrames(db),
      createRefusedFrames(db),
      createAddressDay(db),
      createAddressDayView(db),
    ],
  },
];
export const STORE_VERSION = STEPS.length;

interface Found {
  /** By table: column to type. */
  readonly columns: Map<string, Map<string, string>>;
  /** By table. */
  readonly indexes: Map<string, Set<string>>;
  /** By table: TTL in days. */
  readonly keepDays: Map<string, number>;
}

const statement = (client: ClickHouseClient, query: string) => client.command({ query });

async function rows<T>(client: ClickHouseClient, query: string, params: Record<string, unknown>): Promise<T[]> {
  const answer = await client.query({ query, query_params: params, format: 'JSONEachRow' });
  return answer.json<T>();
}

async function look(client: ClickHouseClient, database: string): Promise<Found> {
  const columns = new Map<string, Map<string, string>>();
  for (const c of await rows<{ table: string; name: string; type: string }>(
    client,
    'SELECT table, name, type FROM system.columns WHERE database = {db: String} ORDER BY table, position',
    { db: database },
  )) {
    if (!columns.has(c.table)) columns.set(c.table, new Map());
    columns.get(c.table)?.set(c.name, c.type);
  }
  const indexes = new Map<string, Set<string>>();
  for (const i of await rows<{ table: string; name: string }>(
    client,
    'SELECT table, name FROM system.data_skipping_indices WHERE database = {db: String}',
    { db: database },
  )) {
    if (!indexes.has(i.table)) indexes.set(i.table, new Set());
    indexes.get(i.table)?.add(i.name);
  }
  const keepDays = new Map<string, number>();
  for (const t of await rows<{ name: string; days: string }>(
    client,
    `SELECT name, extract(engine_full, 'TTL stored \\\\+ toIntervalDay\\\\((\\\\d+)\\\\)') AS days
     FROM system.tables WHERE database = {db: String} AND days != ''`,
    { db: database },
  ))
    keepDays.set(t.name, Number(t.days));
  return { columns, indexes, keepDays };
}

async function versionOf(client: ClickHouseClient, database: string): Promise<number> {
  await statement(
    client,
    `CREATE TABLE IF NOT EXISTS ${quoted(database)}.store_version
     (version UInt32 COMMENT 'Step that was done', at DateTime DEFAULT now() COMMENT 'When')
     ENGINE = MergeTree ORDER BY version SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
  );
  const [row] = await rows<{ version: number }>(
    client,
    `SELECT max(version) AS version FROM ${quoted(database)}.store_version`,
    {},
  );
  return row?.version ?? 0;
}

/** The type in `` `name` Type COMMENT ...`` or `` `name` Type DEFAULT ...``. */
const typeOf = (definition: string): string =>
  definition.slice(columnName(definition).length + 3).replace(/ (?:COMMENT|DEFAULT) [\s\S]*$/, '');

/** What a table lacks, or what it has that this version cannot know. */
function differences(database: string, table: Table, found: Found): Result<string[]> {
  const have = found.columns.get(table.kind);
  if (have === undefined) return success([]);
  const target = `ALTER TABLE ${quoted(database)}.${quoted(table.kind)}`;
  const alters: string[] = [];
  const known = new Set<string>();
  let previous = '';
  for (const definition of table.columns) {
    const name = columnName(definition);
    const type = have.get(name);
    known.add(name);
    if (type === undefined)
      alters.push(`${target} ADD COLUMN IF NOT EXISTS ${definition}${previous && ` AFTER ${quoted(previous)}`}`);
    else if (type !== typeOf(definition))
      return failure(
        'store_unusable',
        `store table ${table.kind}: column ${name} is ${type}, not ${typeOf(definition)}`,
        'it was not made by Catenary: name another database',
      );
    previous = name;
  }
  for (const name of have.keys())
    if (!known.has(name)) return newer(`table ${table.kind} has a column ${name}, which this version does not know`);
  for (const definition of indexesOf(table)) {
    const name = /^INDEX (\w+) /.exec(definition)?.[1] ?? '';
    if (!found.indexes.get(table.kind)?.has(name))
      alters.push(`${target} ADD ${definition.replace(/^INDEX/, 'INDEX IF NOT EXISTS')}`);
  }
  return success(alters);
}

const newer = (what: string): Result<never> =>
  failure(
    'store_unusable',
    `store: ${what}`,
    'a later Catenary made it: upgrade this collector, or name another database',
  );

function checkKeepDays(keepDays: MigrateOptions['keepDays']): Fault | undefined {
  for (const [kind, days] of Object.entries(keepDays ?? {})) {
    const ok = Number.isInteger(days) && days >= KEEP_DAYS_MIN && days <= KEEP_DAYS_MAX;
    if (ok && KINDS.includes(kind as KindName)) continue;
    const message = `store retention: ${kind}: ${days} is not ${KEEP_DAYS_MIN} to ${KEEP_DAYS_MAX} days of a known kind`;
    return { code: 'config_invalid', message, hint: '' };
  }
  return undefined;
}

/** As the writer. Safe to run at each start, and again after any failure. */
export async function migrate(access: StoreAccess, options: MigrateOptions = {}): Promise<Result<Migration>> {
  const wrong = checkKeepDays(options.keepDays);
  if (wrong !== undefined) return { ok: false, fault: wrong };
  const client = connect(access, access.writer);
  try {
    return await migrateWith(client, access.database, options);
  } catch (error) {
    return failure('store_unusable', `store at ${access.url}: ${reasonOf(error)}`);
  } finally {
    await client.close();
  }
}

async function migrateWith(client: ClickHouseClient, database: string, o: MigrateOptions): Promise<Result<Migration>> {
  await statement(client, `CREATE DATABASE IF NOT EXISTS ${quoted(database)}`);
  const from = await versionOf(client, database);
  if (from > STORE_VERSION) return newer(`its version is ${from}, and this version knows ${STORE_VERSION}`);
  const found = await look(client, database);
  const todo: string[] = [];
  // All of it is judged before any of it is done.
  for (const kind of KINDS) {
    const table = TABLES[kind];
    const keepDays = o.keepDays?.[kind] ?? table.keepDays;
    const lacks = differences(database, table, found);
    if (!lacks.ok) return lacks;
    if (!found.columns.has(kind)) todo.push(createTable(database, table, keepDays));
    todo.push(...lacks.value);
    const kept = found.keepDays.get(kind);
    if (kept !== undefined && kept !== keepDays)
      todo.push(`ALTER TABLE ${quoted(database)}.${quoted(kind)} MODIFY TTL ${ttlOf(keepDays)}`);
  }
  for (const query of todo) await statement(client, query);
  for (const step of STEPS) {
    if (step.version <= from) continue;
    for (const query of step.statements(database)) await statement(client, query);
    todo.push(`step ${step.version}`);
    await client.insert({
      table: `${quoted(database)}.store_version`,
      values: [{ version: step.version }],
      format: 'JSONEachRow',
    });
  }
  // Its columns are the alert table's, so it follows that.
  if (todo.length > 0) await statement(client, createAlertLatest(database));
  return success({ from, to: STORE_VERSION, done: todo.map((line) => line.split('\n')[0] ?? '') });
}
