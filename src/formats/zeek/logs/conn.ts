// conn.log. Zeek 8's columns and community_id's, then ours.
import { communityId } from '../../community_id.ts';
import { defineLog, protoName } from '../columns.ts';

const UDP = 17;

/** Zeek's analyzers where their names are not the protocol's: TLS is ssl, and over UDP dtls. */
function serviceNames(services: readonly string[], proto: number): string | null {
  if (services.length === 0) return null;
  return services.map((name) => (name !== 'tls' ? name : proto === UDP ? 'dtls' : 'ssl')).join(',');
}

export const CONN = defineLog('conn', 'conn', (col) => [
  col('ts', 'time'),
  col('uid', 'string'),
  col('id.orig_h', 'addr', 'orig_h'),
  col('id.orig_p', 'port', 'orig_p'),
  col('id.resp_h', 'addr', 'resp_h'),
  col('id.resp_p', 'port', 'resp_p'),
  col('proto', 'enum', (e) => protoName(e.proto)),
  col('service', 'string', (e) => serviceNames(e.service, e.proto)),
  col('duration', 'interval'),
  col('orig_bytes', 'count'),
  col('resp_bytes', 'count'),
  col('conn_state', 'string'),
  col('local_orig', 'bool'),
  col('local_resp', 'bool'),
  col('missed_bytes', 'count'),
  // Zeek has no history where it saw nothing notable, not an empty one.
  col('history', 'string', (e) => (e.history === '' ? null : e.history)),
  col('orig_pkts', 'count'),
  col('orig_ip_bytes', 'count'),
  col('resp_pkts', 'count'),
  col('resp_ip_bytes', 'count'),
  col('tunnel_parents', 'set[string]'),
  col('ip_proto', 'count'),
  col('community_id', 'string', (e) => communityId(e) ?? null),
  col('vlan', 'count'),
  col('inner_vlan', 'count'),
  col('orig_l2_addr', 'string'),
  col('resp_l2_addr', 'string'),
  col('tunnel', 'string'),
  col('orig_gap_bytes', 'count'),
  col('resp_gap_bytes', 'count'),
  col('orig_retx_pkts', 'count'),
  col('resp_retx_pkts', 'count'),
  col('orig_ttl', 'count'),
  col('resp_ttl', 'count'),
  col('orig_mss', 'count'),
  col('resp_mss', 'count'),
  col('orig_syn_window', 'count'),
  col('orig_syn_options', 'string'),
  col('orig_syn_wscale', 'count'),
  col('resp_syn_window', 'count'),
  col('resp_syn_options', 'string'),
  col('resp_syn_wscale', 'count'),
  col('end_reason', 'enum'),
]);
