// snmp.
import { defineKind, record } from '../record.ts';

const VERSIONS: ReadonlyMap<string, number> = new Map([
  ['1', 1],
  ['2c', 2],
  ['3', 3],
]);

export const SNMP = defineKind('snmp', (e) => [
  record('snmp', e, {
    snmp: {
      version: VERSIONS.get(e.version),
      // In version 3 ours repeats the user there.
      community: e.version === '3' ? null : e.community,
      usm: e.user,
      trap_oid: e.trap_oid,
    },
  }),
]);
