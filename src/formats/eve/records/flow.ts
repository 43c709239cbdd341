// flow, from conn.
import type { ConnEvent } from '../../../schema/gen/events.gen.ts';
import { application, TCP, UDP } from '../names.ts';
import { defineKind, record, type Section } from '../record.ts';
import { stamp, wholeSeconds } from '../time.ts';

const CLOSED: ReadonlySet<string> = new Set(['SF', 'REJ', 'RSTO', 'RSTR', 'RSTOS0', 'RSTRH']);
const ESTABLISHED: ReadonlySet<string> = new Set(['S1', 'S2', 'S3']);

function state(e: ConnEvent): string {
  if (e.proto !== TCP) return e.orig_pkts > 0 && e.resp_pkts > 0 ? 'established' : 'new';
  if (CLOSED.has(e.conn_state)) return 'closed';
  return ESTABLISHED.has(e.conn_state) ? 'established' : 'new';
}

/** Suricata has no word for an end by FIN or RST: such a flow times out soon after. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ...([
    ['closed', 'timeout'],
    ['reset', 'timeout'],
    ['timeout', 'timeout'],
  ] as const),
  ...([
    ['evicted', 'forced'],
    ['shutdown', 'shutdown'],
  ] as const),
]);

/** Letters of a history whose packet surely had the flag; of PSH, URG, ECN and CWR it says nothing. */
const FLAGS: readonly (readonly [flag: string, letters: RegExp])[] = [
  ['syn', /[sh]/i],
  ['fin', /f/i],
  ['rst', /r/i],
  ['ack', /[ha]/i],
];

const TCP_STATES: ReadonlyMap<string, string> = new Map([
  ...([
    ['S0', 'syn_sent'],
    ['S1', 'established'],
    ['SF', 'closed'],
    ['REJ', 'closed'],
  ] as const),
  ...([
    ['RSTO', 'closed'],
    ['RSTR', 'closed'],
    ['RSTOS0', 'closed'],
    ['RSTRH', 'closed'],
  ] as const),
]);

const yes = (is: boolean): true | null => (is ? true : null);

const tcp = (e: ConnEvent): Section => ({
  ...Object.fromEntries(FLAGS.map(([flag, letters]) => [flag, yes(letters.test(e.history))])),
  state: TCP_STATES.get(e.conn_state),
  ts_gap: yes(e.orig_gap_bytes > 0),
  tc_gap: yes(e.resp_gap_bytes > 0),
});

/** Suricata says failed where there was something to look at and it was nothing it knows. */
function hasUnknown(e: ConnEvent): boolean {
  return (e.proto === TCP || e.proto === UDP) && (e.orig_bytes ?? 0) + (e.resp_bytes ?? 0) > 0;
}

export const FLOW = defineKind('conn', (e) => {
  const app = application(e.service);
  const body = {
    app_proto: app.app_proto ?? (hasUnknown(e) ? 'failed' : null),
    app_proto_orig: app.app_proto_orig,
    ether: { src_macs: [e.orig_l2_addr], dest_macs: [e.resp_l2_addr] },
    flow: {
      pkts_toserver: e.orig_pkts,
      pkts_toclient: e.resp_pkts,
      bytes_toserver: e.orig_ip_bytes,
      bytes_toclient: e.resp_ip_bytes,
      start: stamp(e.first),
      end: stamp(e.last),
      age: wholeSeconds(e.last) - wholeSeconds(e.first),
      state: state(e),
      reason: REASONS.get(e.end_reason),
    },
    tcp: e.proto === TCP ? tcp(e) : null,
  };
  return [record('flow', e, body, { time: e.seen, innerVlan: e.inner_vlan, parent: e.tunnel_parents.at(-1) ?? null })];
});
