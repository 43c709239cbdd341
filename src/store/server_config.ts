// The configuration of the ClickHouse server that the launcher starts: who may do what, and how small it stays.
//
// Users come from a file of their own. Without one every local process is an administrator who may read any file; with
// one, a user without grants still may call file(). So each user has grants, and they name only our database. `default`
// must exist, because the server's own session runs as it, and cannot have a password: it gets nothing to read.
import { createHash } from 'node:crypto';
import type { Login } from './access.ts';

export interface ServerSettings {
  /** Folder of the store; data/, log/ and config/ stand below. */
  readonly dir: string;
  readonly database: string;
  readonly httpPort: number;
  readonly memoryMb: number;
  readonly writer: Login;
  readonly reader: Login;
}

export const MEMORY_MB_MIN = 512;
export const MEMORY_MB_MAX = 1 << 20;
/** Of one query, of the server's memory. */
const QUERY_SHARE = 0.6;
/** Longest time a reader may ask for [s]. */
export const READER_SECONDS_MAX = 60;
/** Most rows a reader's query may look at. */
const READER_ROWS_MAX = 20e9;
const LOG_SIZE = '10M';
const LOG_FILES = 3;
/** The tables' engines, the only ones there are: no File, URL, S3 or Executable can be made. */
const ENGINES = ['MergeTree', 'ReplacingMergeTree', 'AggregatingMergeTree'];

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const xml = (text: string): string => text.replace(/[&<>"]/g, (c) => ESCAPES[c] as string);
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const tag = (name: string, value: string | number): string => `<${name}>${xml(String(value))}</${name}>`;
const tags = (values: Readonly<Record<string, string | number>>): string =>
  Object.entries(values)
    .map(([name, value]) => tag(name, value))
    .join('\n    ');

/** The main file. Log level and path are arguments: a level in here is overridden once a log is named. */
export function serverXml(s: ServerSettings): string {
  const bytes = s.memoryMb * 2 ** 20;
  return `<clickhouse>
    ${tags({
      http_port: s.httpPort,
      listen_host: '127.0.0.1',
      users_config: `${s.dir}/config/users.xml`,
      user_files_path: `${s.dir}/none`,
      user_scripts_path: `${s.dir}/none`,
      format_schema_path: `${s.dir}/none`,
      max_server_memory_usage: bytes,
      mark_cache_size: Math.round(bytes / 16),
      index_mark_cache_size: Math.round(bytes / 64),
      uncompressed_cache_size: 0,
      index_uncompressed_cache_size: 0,
      mmap_cache_size: 0,
      compiled_expression_cache_size: 2 ** 20,
      max_concurrent_queries: 64,
      // Clients keep connections open that nobody uses: an end does not wait for them.
      shutdown_wait_unfinished: 1,
      max_connections: 256,
      max_thread_pool_size: 256,
      max_thread_pool_free_size: 16,
      background_pool_size: 2,
      background_merges_mutations_concurrency_ratio: 2,
      background_move_pool_size: 1,
      background_fetches_pool_size: 1,
      background_common_pool_size: 2,
      background_schedule_pool_size: 8,
      background_buffer_flush_schedule_pool_size: 1,
      background_message_broker_schedule_pool_size: 1,
      background_distributed_schedule_pool_size: 1,
    })}
    <logger>
    ${tags({ log: `${s.dir}/log/server.log`, errorlog: `${s.dir}/log/error.log`, size: LOG_SIZE, count: LOG_FILES })}
    </logger>
    <merge_tree>
    ${tags({
      // With two merge threads the defaults, made for sixteen, would refuse every mutation and large merge.
      number_of_free_entries_in_pool_to_execute_mutation: 1,
      number_of_free_entries_in_pool_to_lower_max_size_of_merge: 2,
      number_of_free_entries_in_pool_to_execute_optimize_entire_partition: 1,
      max_bytes_to_merge_at_max_space_in_pool: 20 * 2 ** 30,
    })}
    </merge_tree>
</clickhouse>
`;
}

function user(name: string, password: string, profile: string, grants: readonly string[]): string {
  const secret = password === '' ? tag('password', '') : tag('password_sha256_hex', sha256(password));
  return `    <${name}>${secret}<networks><ip>127.0.0.1</ip></networks>
      <profile>${profile}</profile><quota>default</quota>
      <grants>${grants.map((g) => tag('query', g)).join('')}</grants>
    </${name}>
`;
}

export function usersXml(s: ServerSettings): string {
  const perQuery = Math.round(s.memoryMb * 2 ** 20 * QUERY_SHARE);
  const on = `ON ${s.database}.*`;
  const tables = 'SELECT, INSERT, ALTER, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, TRUNCATE, OPTIMIZE, SHOW';
  return `<clickhouse>
  <profiles>
    <default><max_memory_usage>${2 ** 26}</max_memory_usage><max_threads>1</max_threads></default>
    <writer><max_memory_usage>${perQuery}</max_memory_usage></writer>
    <reader>
      <readonly>2</readonly>
      <max_memory_usage>${perQuery}</max_memory_usage>
      <max_rows_to_read>${READER_ROWS_MAX}</max_rows_to_read>
      <max_execution_time>${READER_SECONDS_MAX}</max_execution_time>
      <constraints>
        <max_memory_usage><min>1</min><max>${perQuery}</max></max_memory_usage>
        <max_rows_to_read><min>1</min><max>${READER_ROWS_MAX}</max></max_rows_to_read>
        <max_execution_time><min>1</min><max>${READER_SECONDS_MAX}</max></max_execution_time>
        <allow_ddl><const/></allow_ddl>
      </constraints>
    </reader>
  </profiles>
  <quotas><default/></quotas>
  <users>
${user('default', '', 'default', ['GRANT SYSTEM LISTEN ON *.*', 'GRANT SELECT ON system.numbers'])}${user(
  s.writer.username,
  s.writer.password,
  'writer',
  [
    `GRANT CREATE DATABASE, ${tables} ${on}`,
    'GRANT SELECT ON system.*',
    // The launcher's orderly end: it kills the statement that the server's own session waits in.
    'GRANT KILL QUERY ON *.*',
    ...ENGINES.map((engine) => `GRANT TABLE ENGINE ON ${engine}`),
  ],
)}${user(s.reader.username, s.reader.password, 'reader', [`GRANT SELECT ${on}`])}  </users>
</clickhouse>
`;
}
