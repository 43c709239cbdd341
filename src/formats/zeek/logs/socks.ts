// socks.log: Zeek 8's columns; a password is never kept.
import { defineLog, ends } from '../columns.ts';

export const SOCKS = defineLog(
  'socks',
  'socks',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('version', 'count'),
    col('user', 'string'),
    col('password', 'string', () => null),
    col('status', 'string'),
    col('request.host', 'addr', 'request_host'),
    col('request.name', 'string', 'request_name'),
    col('request_p', 'port'),
    col('bound.host', 'addr', 'bound_host'),
    col('bound.name', 'string', 'bound_name'),
    col('bound_p', 'port'),
  ],
  ['proto'],
  // Zeek 8 confirms version 5 alone, and a client that dialled.
  (e) => e.reverse || e.version === 4,
);
