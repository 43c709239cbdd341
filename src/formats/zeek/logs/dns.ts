// dns.log: Zeek 8's columns. original_query, auth and addl come as its policy scripts have them, among ours.
import { defineLog, ends, protoName, protoNumber } from '../columns.ts';

/** Where Zeek looks for DNS, LLMNR, mDNS and NetBIOS names; it has no way to know them elsewhere. */
const ZEEK_PORTS = new Set([53, 137, 5353, 5355]);

export const DNS = defineLog(
  'dns',
  'dns',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('proto', 'enum', (e) => protoName(e.proto), 'unset', protoNumber),
    col('trans_id', 'count'),
    col('rtt', 'interval'),
    col('query', 'string'),
    col('qclass', 'count'),
    col('qclass_name', 'string'),
    col('qtype', 'count'),
    col('qtype_name', 'string'),
    col('rcode', 'count'),
    col('rcode_name', 'string'),
    col('AA', 'bool'),
    col('TC', 'bool'),
    col('RD', 'bool'),
    col('RA', 'bool'),
    col('Z', 'count'),
    col('answers', 'vector[string]'),
    col('TTLs', 'vector[interval]'),
    col('rejected', 'bool'),
    col('opcode', 'count'),
    col('opcode_name', 'string'),
  ],
  [],
  (e) => !ZEEK_PORTS.has(e.resp_p) && !ZEEK_PORTS.has(e.orig_p),
);
