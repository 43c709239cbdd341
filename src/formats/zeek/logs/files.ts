// files.log: Zeek 8's columns, then the hosts as older versions have them.
import { defineLog, sourceName } from '../columns.ts';

const NO_FILES: ReadonlySet<string> = new Set(['imap', 'pop3', 'tftp']);

export const FILES = defineLog(
  'files',
  'file',
  (col) => [
    col('ts', 'time'),
    col('fuid', 'string'),
    col('uid', 'string'),
    col('id.orig_h', 'addr', 'orig_h'),
    col('id.orig_p', 'port', 'orig_p'),
    col('id.resp_h', 'addr', 'resp_h'),
    col('id.resp_p', 'port', 'resp_p'),
    col('source', 'string', (e) => sourceName(e.source)),
    col('depth', 'count'),
    col('analyzers', 'set[string]', (e) => e.analyzers.map((name) => name.toUpperCase()), '(empty)'),
    col('mime_type', 'string'),
    col('filename', 'string'),
    col('duration', 'interval'),
    col('local_orig', 'bool'),
    col('is_orig', 'bool'),
    col('seen_bytes', 'count'),
    col('total_bytes', 'count'),
    col('missing_bytes', 'count'),
    col('overflow_bytes', 'count'),
    col('timedout', 'bool'),
    col('parent_fuid', 'string'),
    col('md5', 'string'),
    col('sha1', 'string'),
    col('sha256', 'string'),
    col('extracted', 'string'),
    col('extracted_cutoff', 'bool'),
    col('extracted_size', 'count'),
    col('tx_hosts', 'set[addr]', (e) => [e.tx_host]),
    col('rx_hosts', 'set[addr]', (e) => [e.rx_host]),
  ],
  ['tx_host', 'rx_host', 'proto', 'vlan'],
  // Zeek does not parse a connection whose beginning it has not seen, and takes no files out of these.
  (e) => e.mid_stream || NO_FILES.has(e.source),
);
