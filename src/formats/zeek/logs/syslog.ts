// syslog.log: Zeek 8's columns. Zeek knows syslog on UDP's port 514 alone.
import { defineLog, protoName, protoNumber } from '../columns.ts';

const UDP = 17;
const PORT = 514;

export const SYSLOG = defineLog(
  'syslog',
  'syslog',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    col('id.orig_h', 'addr', 'orig_h'),
    col('id.orig_p', 'port', 'orig_p'),
    col('id.resp_h', 'addr', 'resp_h'),
    col('id.resp_p', 'port', 'resp_p'),
    col('proto', 'enum', (e) => protoName(e.proto), 'unset', protoNumber),
    col('facility', 'string'),
    col('severity', 'string'),
    col('message', 'string'),
  ],
  [],
  (e) => e.proto !== UDP || e.resp_p !== PORT,
);
