// quic.log: Zeek 8's columns.
import { defineLog, ends } from '../columns.ts';

export const QUIC = defineLog(
  'quic',
  'quic',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('version', 'string'),
    col('client_initial_dcid', 'string'),
    col('client_scid', 'string'),
    col('server_scid', 'string'),
    col('server_name', 'string'),
    col('client_protocol', 'string'),
    col('history', 'string'),
  ],
  ['proto'],
);
