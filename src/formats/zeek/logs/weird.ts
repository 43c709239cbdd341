// weird.log: Zeek 8's columns, then our own name for it.
import { defineLog, sourceName } from '../columns.ts';
import { ZEEK_WEIRDS } from '../weird_names.ts';

export const WEIRD = defineLog(
  'weird',
  'weird',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    col('id.orig_h', 'addr', 'orig_h'),
    col('id.orig_p', 'port', 'orig_p'),
    col('id.resp_h', 'addr', 'resp_h'),
    col('id.resp_p', 'port', 'resp_p'),
    col('name', 'string', (e) => ZEEK_WEIRDS.get(e.name)?.[0] ?? e.name),
    col('addl', 'string'),
    col('notice', 'bool'),
    // Zeek names the node of its cluster that saw it.
    col('peer', 'string', () => 'catenary'),
    col('source', 'string', (e) => {
      const zeek = ZEEK_WEIRDS.get(e.name);
      return zeek === undefined ? sourceName(e.source) : zeek[1];
    }),
    col('own_name', 'string', 'name'),
  ],
  ['proto'],
);
