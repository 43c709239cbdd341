// snmp.log: Zeek 8's columns. What names were asked for, traps, errors and the users of version 3 come among ours.
import { defineLog } from '../columns.ts';

/** Where Zeek looks for SNMP; elsewhere it has no row. */
const ZEEK_PORTS = new Set([161, 162]);

export const SNMP = defineLog(
  'snmp',
  'snmp',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    col('id.orig_h', 'addr', 'orig_h'),
    col('id.orig_p', 'port', 'orig_p'),
    col('id.resp_h', 'addr', 'resp_h'),
    col('id.resp_p', 'port', 'resp_p'),
    col('duration', 'interval'),
    col('version', 'string'),
    col('community', 'string'),
    col('get_requests', 'count'),
    col('get_bulk_requests', 'count'),
    col('get_responses', 'count'),
    col('set_requests', 'count'),
    col('display_string', 'string'),
    col('up_since', 'time'),
  ],
  ['proto'],
  (e) => !ZEEK_PORTS.has(e.resp_p) && !ZEEK_PORTS.has(e.orig_p),
);
