// ntlm.log: Zeek 8's columns. Versions, the kind of response and the challenge come among ours.
import { defineLog, ends, unless } from '../columns.ts';

export const NTLM = defineLog(
  'ntlm',
  'ntlm',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('username', 'string'),
    col('hostname', 'string'),
    col('domainname', 'string'),
    col('server_nb_computer_name', 'string'),
    col('server_dns_computer_name', 'string'),
    col('server_tree_name', 'string'),
    // Zeek knows it from the token alone, we from the status of the protocol around it as well.
    col('success', 'bool', (e) => (e.success_in_token ? e.success : null), 'unset', unless('success')),
  ],
  ['proto', 'success_in_token', 'superseded', 'ordinal'],
  // Zeek has one row a connection: the first exchange that a token ended, or what is known at the end.
  (e) => e.superseded || e.ordinal > 1,
  (draft) => {
    draft.success_in_token = typeof draft.success === 'boolean';
    draft.ordinal = 1;
  },
);
