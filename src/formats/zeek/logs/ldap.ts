// ldap.log: Zeek 8's columns. The number of the result comes among ours.
import { defineLog, unless } from '../columns.ts';

const isBind = (opcode: string | null): boolean => opcode?.startsWith('bind') ?? false;

export const LDAP = defineLog(
  'ldap',
  'ldap',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    col('id.orig_h', 'addr', 'orig_h'),
    col('id.orig_p', 'port', 'orig_p'),
    col('id.resp_h', 'addr', 'resp_h'),
    col('id.resp_p', 'port', 'resp_p'),
    col('message_id', 'int'),
    col('version', 'int'),
    col('opcode', 'string'),
    col('result', 'string'),
    col('diagnostic_message', 'string'),
    // Zeek has it of binds and extended operations, and the argument of binds.
    col(
      'object',
      'string',
      (e) => (isBind(e.opcode) || e.opcode === 'extended' ? e.object : null),
      'unset',
      unless('object'),
    ),
    col('argument', 'string', (e) => (isBind(e.opcode) ? e.argument : null), 'unset', unless('argument')),
  ],
  ['proto'],
);
