// ldap_search.log: Zeek 8's columns. The attributes asked for are there as its policy script has them.
import { defineLog, ends, unless } from '../columns.ts';
import { pairwise } from '../ldap_filter.ts';

export const LDAP_SEARCH = defineLog(
  'ldap_search',
  'ldap_search',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('message_id', 'int'),
    col('scope', 'string'),
    col('deref_aliases', 'string'),
    col('base_object', 'string'),
    col('result_count', 'count'),
    col('result', 'string'),
    col('diagnostic_message', 'string'),
    col('filter', 'string', (e) => (e.filter === null ? null : pairwise(e.filter)), 'unset', unless('filter')),
    col('attributes', 'vector[string]'),
  ],
  ['proto'],
);
