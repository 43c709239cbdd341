// quic. The hashes of the hello inside come on a line of their own, from its handshake (tls.ts).
import { defineKind, record } from '../record.ts';

export const QUIC = defineKind('quic', (e) => [
  record('quic', e, { quic: { version: e.version, sni: e.server_name } }),
]);
