// stats, from capture_stats: counters since the beginning, of all workers together.
import { defineKind, record } from '../record.ts';

const NOBODY = { uid: null, orig_h: null, orig_p: null, resp_h: null, resp_p: null, proto: null, vlan: null };

export const STATS = defineKind('capture_stats', (e, memory) => {
  const stats = {
    uptime: memory.uptime(e.ts, e.seen),
    capture: {
      kernel_packets: memory.total('kernel_packets', e.kernel_received ?? 0),
      kernel_drops: memory.total('kernel_drops', e.kernel_dropped ?? 0),
    },
    decoder: {
      pkts: memory.total('pkts', e.packets),
      bytes: memory.total('bytes', e.bytes),
      invalid: memory.total('invalid', e.malformed),
    },
    flow: { total: memory.total('flows', e.flows_created) },
  };
  return [record('stats', { ...NOBODY, ts: e.seen }, { stats })];
});
