// ssh.log: Zeek 8's columns. hassh and hassh_server come among ours.
import { defineLog, ends, unless } from '../columns.ts';
import { isPrivate } from '../private_net.ts';

/** Where Zeek looks for SSH at one side's word; elsewhere it wants both. */
const SSH_PORT = 22;

/** Zeek 8.2 cuts the text of a fingerprint after this many characters; the record has it whole. */
const FINGERPRINT_SHOWN = 'SHA256:'.length + 32;

/** As Zeek counts without a configuration: private networks are local. Unset where both ends are, or neither is. */
function direction(orig: string, resp: string): string | null {
  const [from, to] = [isPrivate(orig), isPrivate(resp)];
  return from === to ? null : from ? 'OUTBOUND' : 'INBOUND';
}

export const SSH = defineLog(
  'ssh',
  'ssh',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('version', 'count'),
    col('auth_success', 'bool'),
    col('auth_attempts', 'count'),
    col('direction', 'enum', (e) => direction(e.orig_h, e.resp_h)),
    col('client', 'string'),
    col('server', 'string'),
    col('cipher_alg', 'string'),
    col('mac_alg', 'string'),
    col('compression_alg', 'string'),
    col('kex_alg', 'string'),
    col('host_key_alg', 'string'),
    col(
      'host_key_fingerprint',
      'string',
      (e) => e.host_key_fingerprint?.slice(0, FINGERPRINT_SHOWN) ?? null,
      'unset',
      unless('host_key_fingerprint'),
    ),
  ],
  ['proto'],
  (e) => e.resp_p !== SSH_PORT && (e.client === null || e.server === null),
);
