// arp.
import { defineKind, record } from '../record.ts';

const NOBODY = { uid: null, orig_h: null, orig_p: null, resp_h: null, resp_p: null, proto: null };

export const ARP = defineKind('arp', (e) => [
  record(
    'arp',
    { ...NOBODY, vlan: e.vlan, ts: e.ts },
    {
      arp: {
        hw_type: 'ethernet',
        proto_type: 'ipv4',
        opcode: e.opcode === 1 ? 'request' : e.opcode === 2 ? 'reply' : String(e.opcode),
        src_mac: e.sender_mac,
        src_ip: e.sender_ip,
        dest_mac: e.target_mac,
        dest_ip: e.target_ip,
      },
    },
  ),
]);
