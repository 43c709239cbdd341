// syslog.log: Zeek 8's columns. Zeek knows syslog on UDP's port 514 alone.
import { defineLog, ends, protoName, protoNumber } from '../columns.ts';

const UDP = 17;
const PORT = 514;

export const SYSLOG = defineLog(
  'syslog',
  'syslog',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('proto', 'enum', (e) => protoName(e.proto), 'unset', protoNumber),
    col('facility', 'string'),
    col('severity', 'string'),
    col('message', 'string'),
  ],
  [],
  (e) => e.proto !== UDP || e.resp_p !== PORT,
);
