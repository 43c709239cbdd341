// http.log: Zeek 8's columns. The lists of header names come as its policy script has them, among ours.
import { type Draft, defineLog, ends } from '../columns.ts';

/** The way back: a port behind the name is a field of its own. */
function hostOf(text: string, draft: Draft): void {
  const m = /^(\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(text);
  const port = Number(m?.[2]);
  draft.host = m !== null && port <= 65_535 ? m[1] : text;
  if (m !== null && port <= 65_535) draft.host_port = port;
}

export const HTTP = defineLog(
  'http',
  'http',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('trans_depth', 'count'),
    col('method', 'string'),
    // Zeek leaves the port where the header has it; the event has it in a field of its own.
    col(
      'host',
      'string',
      (e) => (e.host === null || e.host_port === null ? e.host : `${e.host}:${e.host_port}`),
      'unset',
      hostOf,
    ),
    col('uri', 'string'),
    col('referrer', 'string'),
    col('version', 'string'),
    col('user_agent', 'string'),
    col('origin', 'string'),
    col('request_body_len', 'count'),
    col('response_body_len', 'count'),
    col('status_code', 'count'),
    col('status_msg', 'string'),
    col('info_code', 'count'),
    col('info_msg', 'string'),
    col('tags', 'set[enum]', 'tags', '(empty)'),
    col('username', 'string'),
    col('password', 'string'),
    col('proxied', 'set[string]'),
    col('orig_fuids', 'vector[string]'),
    col('orig_filenames', 'vector[string]'),
    col('orig_mime_types', 'vector[string]'),
    col('resp_fuids', 'vector[string]'),
    col('resp_filenames', 'vector[string]'),
    col('resp_mime_types', 'vector[string]'),
  ],
  ['proto'],
  // Zeek does not parse a connection whose beginning it has not seen.
  (e) => e.mid_stream,
);
