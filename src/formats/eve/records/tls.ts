// tls, from tls and the certificates that were seen. A handshake within QUIC is a line of the type quic.
import type { TlsEvent, X509Event } from '../../../schema/gen/events.gen.ts';
import type { Memory } from '../memory.ts';
import { UDP } from '../names.ts';
import { defineKind, record, type Section } from '../record.ts';
import { date, wholeSeconds } from '../time.ts';

// A record's backslash is doubled, so an escape of RFC 4514 begins with two, and an escaped backslash is four.
const PARTS = /(?:\\\\\\\\|\\\\[^\\]|[^,])+/g;
const ESCAPED = /\\\\([^\\0-9a-f])/g;

/** A name in the certificate's own order, as Suricata has it; RFC 4514 turns it round. */
export function nameText(name: string | null): string | null {
  if (name === null) return null;
  const parts = (name.match(PARTS) ?? []).map((part) => part.replace(ESCAPED, '$1'));
  return parts.reverse().join(', ');
}

const pairs = (hex: string): string => (hex.length % 2 === 0 ? hex : `0${hex}`).replace(/..(?=.)/g, '$&:');

const version = (v: string | null): string | null =>
  v?.replace(/^(TLSv1|DTLSv1)(\d)$/, '$1.$2').replace('v', ' ') ?? null;

function certificateOf(seen: X509Event | undefined): Section {
  if (seen === undefined) return {};
  const until = seen.certificate_not_valid_after_s ?? wholeSeconds(seen.certificate_not_valid_after);
  return {
    serial: pairs(seen.certificate_serial),
    fingerprint: seen.sha1 === null ? null : pairs(seen.sha1),
    notbefore: date(wholeSeconds(seen.certificate_not_valid_before)),
    notafter: date(until),
    subjectaltname: [...seen.san_dns, ...seen.san_ip],
  };
}

const hash = (value: string | null): Section | null => (value === null ? null : { hash: value });

function handshake(e: TlsEvent, memory: Memory): Section {
  return {
    subject: nameText(e.subject),
    issuerdn: nameText(e.issuer),
    ...certificateOf(memory.certificate(e.cert_chain_fps[0])),
    session_resumed: e.resumed ? true : null,
    sni: e.server_name,
    version: version(e.version),
    ja3: hash(e.ja3),
    ja3s: hash(e.ja3s),
    ja4: e.ja4,
    client_alpns: e.client_alpns,
    server_alpns: [e.next_protocol],
    client: {
      subject: nameText(e.client_subject),
      issuerdn: nameText(e.client_issuer),
      ...certificateOf(memory.certificate(e.client_cert_chain_fps[0])),
    },
  };
}

const isQuic = (e: TlsEvent): boolean => e.proto === UDP && !e.is_dtls;

export const TLS = defineKind('tls', (e, memory) => [
  isQuic(e)
    ? record('quic', e, { quic: { sni: e.server_name, ja3: hash(e.ja3), ja3s: hash(e.ja3s), ja4: e.ja4 } })
    : record('tls', e, { tls: handshake(e, memory) }),
]);

/** No line of its own: the handshake that shows it says more. */
export const X509 = defineKind('x509', (e, memory) => {
  memory.remember(e);
  return [];
});
