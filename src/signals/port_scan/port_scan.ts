// One host knocks at many ports of another.
//
// Knocks alone count: flows that nobody answered, that were refused, or that hung up before a word was said. A busy
// client of one server opens hundreds of flows, but they are answered.
import { duration, isKnock, ofFlow } from '../flow.ts';
import { Recent, recentCodec } from '../recent.ts';
import { DAY, dayOf, defineSignal, MINUTE } from '../signal.ts';

/** What a machine is taken over by: remote shells and desktops, file sharing, directories, databases. */
const SENSITIVE = new Set(['22', '23', '135', '139', '389', '445', '1433', '3306', '3389', '5432', '5900', '5985']);
/** Marks such a port in the table. */
const STEALTH = '!';
/** Where traceroute counts upwards (traceroute(8): 33434 and on, one port a probe). */
const TRACEROUTE: readonly [number, number] = [33_434, 33_600];
/**
 * What no program sends: a first packet that ends, or is nothing at all, to see whether the port answers it (RFC 9293
 * 3.10.7.1 has a closed one reset it). In `history` nothing of the originator stands before it.
 */
const STEALTHY = /^(?:F|Q|N)r?$/;
/** Ports kept of a pair. */
const PORTS = 64;

export default defineSignal({
  id: 'port_scan',
  version: 2,
  brief: 'One host knocks at many ports of another.',
  attack: ['T1046', 'T1595.001'],
  needs: ['conn'],
  budget: { bytes: 95_000_000, holds: '16,384 pairs of hosts, with up to 64 ports each' },
  settings: {
    /** Distinct ports knocked at within the window. At most 64. */
    ports_min: 15,
    /** So many are enough where they are those that matter. */
    sensitive_min: 5,
    /** So many knocks that no program makes are enough, among `sensitive_min` of all kinds. */
    stealthy_min: 2,
    window_minutes: 5,
    pairs_max: 16_384,
  },
  run({ settings, keyed }) {
    const window = settings.window_minutes * MINUTE;
    const pairs = keyed('pairs', { max: settings.pairs_max, idle: DAY }, recentCodec);
    return {
      on: {
        conn(obs, event, emit) {
          const { orig_host: src, resp_host: dst } = obs.hosts;
          if (src === undefined || dst === undefined || (event.proto !== 6 && event.proto !== 17)) return;
          if (!isKnock(event)) return;
          if (event.proto === 17 && event.resp_p >= TRACEROUTE[0] && event.resp_p <= TRACEROUTE[1]) return;
          // By address, not by host: within minutes it is the same, and whose it is may become known only under way.
          const key = `${event.orig_h}|${event.resp_h}`;
          const e = pairs.get(key, obs.seen) ?? pairs.add(key, new Recent(), obs.seen);
          const ports = e.value;
          pairs.touch(e, obs.seen);
          const isStealthy = event.proto === 6 && STEALTHY.test(event.history);
          const n = ports.add(`${event.resp_p}${isStealthy ? STEALTH : ''}`, obs.seen, window, PORTS);
          ports.trail(event.uid, obs.ref);
          if (n < settings.sensitive_min) return;
          let sensitive = 0;
          let stealthy = 0;
          for (const port of ports.values.keys())
            if (port.endsWith(STEALTH)) stealthy++;
            else if (SENSITIVE.has(port)) sensitive++;
          const isFew = n < settings.ports_min && sensitive < settings.sensitive_min;
          if (isFew && stealthy < settings.stealthy_min) return;
          if (!ports.firstOn(dayOf(obs.seen))) return;
          const span = obs.seen - ports.since(obs.seen);
          // What comes from outside knocks all day long; a host of ours that does it was told to.
          const score = (src.local ? 0.7 : 0.5) + (sensitive >= settings.sensitive_min ? 0.1 : 0);
          emit({
            ...ofFlow(obs),
            score,
            key,
            first: obs.seen - span,
            count: n,
            dstPort: null,
            uids: ports.uids,
            refs: ports.refs,
            attack: src.local ? ['T1046'] : ['T1046', 'T1595.001'],
            features: { ports: n, sensitive, stealthy, span_s: span / 1e6, from_inside: src.local ? 1 : 0 },
            explanation:
              `Knocked at ${n} ports of ${event.resp_h} within ${duration(span)} without an answer, ${sensitive} of them ` +
              `ports that machines are taken over by${stealthy > 0 ? ` and ${stealthy} with packets that no program sends` : ''}: ` +
              `${ports.some(10)}.`,
          });
        },
      },
    };
  },
});
