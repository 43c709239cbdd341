// files.log: Zeek 8's columns, then the hosts as older versions have them.
import { type Draft, defineLog, ends, sourceBack, sourceName } from '../columns.ts';

const TCP = 6;

/** Older versions name hosts alone; newer ones the flow alone. */
function complete(draft: Draft): void {
  const { is_orig: isOrig } = draft;
  draft.proto = TCP;
  draft.tx_host ??= isOrig === true ? draft.orig_h : draft.resp_h;
  draft.rx_host ??= isOrig === true ? draft.resp_h : draft.orig_h;
  draft.orig_h ??= isOrig === true ? draft.tx_host : draft.rx_host;
  draft.resp_h ??= isOrig === true ? draft.rx_host : draft.tx_host;
  draft.direction ??= isOrig === true ? 'upload' : 'download';
}

const first =
  (field: string) =>
  ([item]: readonly string[], draft: Draft): void => {
    if (item !== undefined) draft[field] = item;
  };

const NO_FILES: ReadonlySet<string> = new Set(['imap', 'tftp']);

export const FILES = defineLog(
  'files',
  'file',
  (col) => [
    col('ts', 'time'),
    col('fuid', 'string'),
    col('uid', 'string'),
    ...ends(col),
    col('source', 'string', (e) => sourceName(e.source), 'unset', sourceBack),
    col('depth', 'count'),
    col(
      'analyzers',
      'set[string]',
      (e) => e.analyzers.map((name) => name.toUpperCase()),
      '(empty)',
      (names: readonly string[], draft) => {
        draft.analyzers = names.map((name) => name.toLowerCase());
      },
    ),
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
    col('tx_hosts', 'set[addr]', (e) => [e.tx_host], 'unset', first('tx_host')),
    col('rx_hosts', 'set[addr]', (e) => [e.rx_host], 'unset', first('rx_host')),
  ],
  ['tx_host', 'rx_host', 'proto', 'vlan'],
  // Zeek does not parse a connection whose beginning it has not seen, and takes no files out of these.
  (e) => e.mid_stream || NO_FILES.has(e.source),
  complete,
);
