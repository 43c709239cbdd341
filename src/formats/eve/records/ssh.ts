// ssh.
import { defineKind, record, type Section } from '../record.ts';

/** SSH-protoversion-softwareversion SP comments (RFC 4253, 4.2). */
const IDENTIFICATION = /^SSH-([^-]*)-([^ ]*)/;

function side(identification: string | null, hassh: string | null): Section {
  const [, proto_version, software_version] = IDENTIFICATION.exec(identification ?? '') ?? [];
  return { proto_version, software_version, hassh: { hash: hassh } };
}

export const SSH = defineKind('ssh', (e) => [
  record('ssh', e, { ssh: { client: side(e.client, e.hassh), server: side(e.server, e.hassh_server) } }),
]);
