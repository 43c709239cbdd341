// One host knocks at the same port, or with an echo request, at many hosts.
//
// Monitoring does the same and is answered; so the hosts that answered are counted beside those that did not, from the
// first knock on, and a sweep is mostly silence.
import { duration, isGroup, isKnock, ofFlow } from '../flow.ts';
import type { Codec } from '../keyed.ts';
import { Recent } from '../recent.ts';
import { DAY, dayOf, defineSignal, MINUTE } from '../signal.ts';

const HOSTS = 64;
const ECHO = 8;
const ECHO_V6 = 128;

interface Sweep {
  readonly silent: Recent;
  readonly answered: Recent;
}

const codec: Codec<Sweep> = {
  pack: (s) => [s.silent.pack(), s.answered.pack()],
  unpack: (stored) => {
    const [silent, answered] = stored as unknown[][];
    return { silent: Recent.unpack(silent as unknown[]), answered: Recent.unpack(answered as unknown[]) };
  },
};

/** What is asked of every host: a port, or an echo. */
function question(proto: number, origPort: number, respPort: number): string | undefined {
  if (proto === 6) return `tcp ${respPort}`;
  if (proto === 17) return `udp ${respPort}`;
  // An ICMP flow has its type where others have a port.
  return (proto === 1 && origPort === ECHO) || (proto === 58 && origPort === ECHO_V6) ? 'echo' : undefined;
}

export default defineSignal({
  id: 'host_sweep',
  version: 2,
  brief: 'One host asks many hosts the same and gets no answer.',
  attack: ['T1046', 'T1018', 'T1595.001'],
  needs: ['conn'],
  budget: { bytes: 52_000_000, holds: '4,096 hosts and what they ask, with up to 64 silent and 64 answering hosts' },
  settings: {
    /** Distinct local hosts that did not answer within the window. At most 64. */
    hosts_min: 15,
    /** The same, of hosts outside: a broken uplink makes those of a whole office silent. At most 64. */
    outside_min: 50,
    /** Of all that were asked, those that did not answer. */
    silent_share: 0.6,
    window_minutes: 5,
    sources_max: 4096,
  },
  run({ settings, keyed }) {
    const window = settings.window_minutes * MINUTE;
    const sweeps = keyed('sweeps', { max: settings.sources_max, idle: DAY }, codec);
    return {
      on: {
        conn(obs, event, emit) {
          const { orig_host: src, resp_host: dst } = obs.hosts;
          if (src === undefined || dst === undefined || isGroup(event.resp_h)) return;
          const asked = question(event.proto, event.orig_p, event.resp_p);
          if (asked === undefined) return;
          // By address, not by host: within minutes it is the same, and whose it is may become known only under way.
          const key = `${event.orig_h}|${asked}|${dst.local ? 'in' : 'out'}`;
          let e = sweeps.get(key, obs.seen);
          const isSilent = isKnock(event);
          if (e === undefined) {
            // Most flows are answered, and most hosts never sweep: only a silence begins a row.
            if (!isSilent) return;
            e = sweeps.add(key, { silent: new Recent(), answered: new Recent() }, obs.seen);
          }
          const { silent, answered } = e.value;
          sweeps.touch(e, obs.seen);
          if (!isSilent) {
            silent.values.delete(event.resp_h);
            answered.add(event.resp_h, obs.seen, window, HOSTS);
            return;
          }
          answered.expire(obs.seen, window);
          const n = silent.add(event.resp_h, obs.seen, window, HOSTS);
          silent.trail(event.uid, obs.ref);
          if (n < (dst.local ? settings.hosts_min : settings.outside_min)) return;
          const share = n / (n + answered.size);
          if (share < settings.silent_share || !silent.firstOn(dayOf(obs.seen))) return;
          const span = obs.seen - silent.since(obs.seen);
          const what = asked === 'echo' ? 'an echo request' : asked.toUpperCase();
          emit({
            ...ofFlow(obs),
            score: src.local ? (dst.local ? 0.7 : 0.6) : 0.4,
            key,
            first: obs.seen - span,
            count: n,
            dst: undefined,
            dstIp: null,
            dstPort: asked === 'echo' ? null : event.resp_p,
            uids: silent.uids,
            refs: silent.refs,
            attack: dst.local ? ['T1046', 'T1018'] : ['T1046', 'T1595.001'],
            features: { silent: n, answered: answered.size, silent_share: share, span_s: span / 1e6 },
            explanation:
              `Tried ${what} at ${n} hosts within ${duration(span)} that did not answer, and ${answered.size} that did: ` +
              `${silent.some(6)}.`,
          });
        },
      },
    };
  },
});
