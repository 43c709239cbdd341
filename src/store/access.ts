// Where the store is and who may do what there. The launcher makes this for the server it starts; for any other
// ClickHouse the configuration does.
//
// Two logins, because they trust different hands: the writer makes tables and inserts, the reader answers what people
// type. On the launched server the reader cannot write even if a query were forged.
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';

export interface Login {
  readonly username: string;
  readonly password: string;
}

export interface StoreAccess {
  /** http://127.0.0.1:PORT, or https://... of a server elsewhere. */
  readonly url: string;
  readonly database: string;
  readonly writer: Login;
  readonly reader: Login;
}

export const DATABASE = 'catenary';

const CONNECTIONS_MAX = 8;
/** Longer than any query may take: the server's own limit answers first, with a reason. */
const REQUEST_MS = 120_000;

/** A client whose failures are the caller's to report: its own log is off. */
export const connect = (access: Pick<StoreAccess, 'url'>, login: Login): ClickHouseClient =>
  createClient({
    url: access.url,
    username: login.username,
    password: login.password,
    application: 'catenary',
    max_open_connections: CONNECTIONS_MAX,
    request_timeout: REQUEST_MS,
    log: { level: ClickHouseLogLevel.OFF },
  });

/** One line of what the server or the network said; never a stack, never a statement's text. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, type } = error as { code?: string; type?: string };
  const text = (error.message.split('\n')[0] ?? '').slice(0, 500);
  const name = type ?? code;
  return name === undefined ? text : `${name}: ${text}`;
}
