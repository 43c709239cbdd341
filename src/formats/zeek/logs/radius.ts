// radius.log: Zeek 8's columns. Who asked, and how the user proved itself, comes among ours.
import { defineLog } from '../columns.ts';

export const RADIUS = defineLog(
  'radius',
  'radius',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    col('id.orig_h', 'addr', 'orig_h'),
    col('id.orig_p', 'port', 'orig_p'),
    col('id.resp_h', 'addr', 'resp_h'),
    col('id.resp_p', 'port', 'resp_p'),
    col('username', 'string'),
    col('mac', 'string'),
    col('framed_addr', 'addr'),
    col('tunnel_client', 'string'),
    col('connect_info', 'string'),
    col('reply_msg', 'string'),
    col('result', 'string'),
    col('ttl', 'interval'),
  ],
  ['proto'],
  // Zeek has rows for access alone.
  (e) => e.code !== null && e.code !== 'access-request',
);
