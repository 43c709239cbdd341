// dhcp.
import { UDP } from '../names.ts';
import { defineKind, record } from '../record.ts';

const CLIENT_PORT = 68;
const SERVER_PORT = 67;
const REPLIES: ReadonlySet<string> = new Set(['OFFER', 'ACK', 'NAK']);

export const DHCP = defineKind('dhcp', (e) => {
  const last = e.msg_types.at(-1);
  const isReply = last !== undefined && REPLIES.has(last);
  // A transaction may be of several flows, so its ends are the two who speak.
  const ends = {
    ...{
      uid: e.uids[0] ?? null,
      orig_h: e.client_addr,
      orig_p: CLIENT_PORT,
      resp_h: e.server_addr,
      resp_p: SERVER_PORT,
    },
    ...{ proto: UDP, vlan: e.vlan },
  };
  const dhcp = {
    type: isReply ? 'reply' : 'request',
    id: e.trans_id,
    client_mac: e.mac,
    assigned_ip: e.assigned_addr,
    client_ip: e.client_addr,
    relay_ip: e.relay_addr,
    dhcp_type: last?.toLowerCase(),
    client_id: e.client_id,
    hostname: e.host_name,
    requested_ip: e.requested_addr,
    lease_time: e.lease_time,
    routers: e.routers,
    dns_servers: e.dns_servers,
    vendor_class_identifier: e.client_software,
  };
  // Its flows have one each, and none of them is that of these ends.
  const community_id = null;
  return [record('dhcp', { ...ends, ts: e.ts }, { community_id, dhcp }, { fromResponder: isReply })];
});
