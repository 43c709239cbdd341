// snmp.log: Zeek 8's columns. What names were asked for, traps, errors and the users of version 3 come among ours.
import { defineLog, ends } from '../columns.ts';

/** Where Zeek looks for SNMP; elsewhere it has no row. */
const ZEEK_PORTS = new Set([161, 162]);

export const SNMP = defineLog(
  'snmp',
  'snmp',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
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
