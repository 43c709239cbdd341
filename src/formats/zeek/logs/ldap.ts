// ldap.log: Zeek 8's columns. The number of the result comes among ours.
import { defineLog, ends, unless } from '../columns.ts';

const isBind = (opcode: string | null): boolean => opcode?.startsWith('bind') ?? false;

export const LDAP = defineLog(
  'ldap',
  'ldap',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
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
