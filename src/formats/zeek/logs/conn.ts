// conn.log: Zeek 8's columns and its community_id.
import type { ConnEvent } from '../../../schema/gen/events.gen.ts';
import { communityId } from '../../community_id.ts';
import { type Draft, defineLog, ends, protoName, protoNumber, unless } from '../columns.ts';

const UDP = 17;

/** Protocols that Zeek does not name. */
const OURS: ReadonlySet<string> = new Set(['mqtt5', 'tftp', 'imap', 'l2tp', 'capwap', 'tzsp']);

/** Protocols that Zeek does not look for in TCP connections whose beginning it did not see. */
const FROM_THE_START: ReadonlySet<string> = new Set(['http', 'websocket', 'ldap', 'krb_tcp', 'tls']);
const TCP = 6;
const BEGINS = /^\^?[SsHh]/;

/** Zeek's analyzers where their names are not the protocol's: TLS is ssl, and over UDP dtls unless QUIC carries it. */
function serviceNames({ service, proto, history }: ConnEvent): string | null {
  const isPartial = proto === TCP && !BEGINS.test(history);
  const services = service.filter((name) => !OURS.has(name) && !(isPartial && FROM_THE_START.has(name)));
  if (services.length === 0) return null;
  return services
    .map((name) => (name !== 'tls' ? name : proto === UDP && !services.includes('quic') ? 'dtls' : 'ssl'))
    .join(',');
}

/** The way back. */
function servicesOf(names: string, draft: Draft): void {
  const services = names.split(',').map((name) => (name === 'ssl' || name === 'dtls' ? 'tls' : name));
  draft.service = [...new Set(services)].sort();
}

function complete(draft: Draft): void {
  draft.proto ??= draft.ip_proto;
  draft.ip_proto ??= draft.proto;
  draft.first = draft.ts;
  const lasted = Math.round(((draft.duration as number | null) ?? 0) * 1e6);
  draft.last = Math.min(Number.MAX_SAFE_INTEGER, (draft.ts as number) + Math.max(0, lasted));
}

export const CONN = defineLog(
  'conn',
  'conn',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('proto', 'enum', (e) => protoName(e.proto), 'unset', protoNumber),
    col('service', 'string', serviceNames, 'unset', servicesOf),
    col('duration', 'interval'),
    col('orig_bytes', 'count'),
    col('resp_bytes', 'count'),
    col('conn_state', 'string'),
    col('local_orig', 'bool'),
    col('local_resp', 'bool'),
    col('missed_bytes', 'count'),
    // Zeek has no history where it saw nothing notable, not an empty one.
    col('history', 'string', (e) => (e.history === '' ? null : e.history), 'unset', unless('history')),
    col('orig_pkts', 'count'),
    col('orig_ip_bytes', 'count'),
    col('resp_pkts', 'count'),
    col('resp_ip_bytes', 'count'),
    col('tunnel_parents', 'set[string]'),
    col('ip_proto', 'count'),
    col('community_id', 'string', (e) => communityId(e) ?? null),
  ],
  ['first', 'last'],
  undefined,
  complete,
);
