// ssl.log, from tls events: Zeek 8's columns. subject, issuer, ja3, ja3s and ja4 come as older versions and packages
// name them, among ours.
import { defineLog, ends, unless } from '../columns.ts';

export const SSL = defineLog(
  'ssl',
  'tls',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('version', 'string'),
    col('cipher', 'string'),
    col('curve', 'string'),
    col('server_name', 'string'),
    col('resumed', 'bool'),
    col('last_alert', 'string'),
    col('next_protocol', 'string'),
    col('established', 'bool'),
    // Zeek has one always, an empty one where no handshake message could be read.
    col('ssl_history', 'string', (e) => e.ssl_history ?? '', 'unset', unless('ssl_history', '')),
    col('cert_chain_fps', 'vector[string]'),
    // Zeek sets it, empty or not, once the server has shown a certificate.
    col(
      'client_cert_chain_fps',
      'vector[string]',
      (e) => (e.cert_chain_fps.length + e.client_cert_chain_fps.length === 0 ? null : e.client_cert_chain_fps),
      '(empty)',
      unless('client_cert_chain_fps'),
    ),
    col('sni_matches_cert', 'bool'),
  ],
  ['proto'],
  // Zeek does not parse a connection whose beginning it has not seen.
  (e) => e.mid_stream,
);
