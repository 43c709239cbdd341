// quic.log: Zeek 8's columns.
import { defineLog } from '../columns.ts';

export const QUIC = defineLog(
  'quic',
  'quic',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    col('id.orig_h', 'addr', 'orig_h'),
    col('id.orig_p', 'port', 'orig_p'),
    col('id.resp_h', 'addr', 'resp_h'),
    col('id.resp_p', 'port', 'resp_p'),
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
