// One host makes short flows of the same size to one other, again and again, within minutes.
//
// Rhythm needs a history (beacon has it); a program that asks for orders every few seconds shows itself by number and
// likeness alone. Browsers reuse a connection, and what they send varies.
import { duration, isGroup, ofFlow, size } from '../flow.ts';
import type { Codec } from '../keyed.ts';
import { pushRing } from '../recent.ts';
import { dayOf, defineSignal, MINUTE } from '../signal.ts';
import { likeness } from '../stats.ts';

const RING = 64;
const TRAIL = 8;

interface Pair {
  /** Starts of the last flows [us] and what they sent [bytes], oldest first. */
  starts: number[];
  sizes: number[];
  uids: string[];
  refs: string[];
  told: number;
}
const codec: Codec<Pair> = {
  pack: (p) => [p.starts, p.sizes, p.uids, p.refs, p.told],
  unpack: (stored) => {
    const [starts, sizes, uids, refs, told] = stored as [number[], number[], string[], string[], number];
    return { starts, sizes, uids, refs, told };
  },
};

export default defineSignal({
  id: 'strobe',
  version: 1,
  brief: 'One host makes many short flows of the same size to one other within minutes.',
  attack: ['T1071', 'T1071.001'],
  needs: ['conn'],
  names: true,
  budget: { bytes: 25_000_000, holds: '16,384 pairs of hosts and ports, with up to 64 starts and sizes' },
  settings: {
    /** Flows within the window. At most 64. */
    flows_min: 30,
    window_minutes: 5,
    /** How alike what they send is, 0 to 1. */
    alike_min: 0.9,
    /** What a flow sends at most: orders are short. [bytes] */
    sent_max: 20_000,
    /** Hosts that do so: a house's own service. */
    common_hosts: 3,
    days: 30,
    pairs_max: 16_384,
  },
  run({ settings, memory, names, keyed }) {
    const window = settings.window_minutes * MINUTE;
    const pairs = keyed('pairs', { max: settings.pairs_max, idle: window }, codec);
    return {
      on: {
        conn(obs, event, emit) {
          const sent = event.orig_bytes ?? 0;
          if (event.proto !== 6 || sent === 0 || sent > settings.sent_max || !event.resp_bytes) return;
          const { orig_host: src, resp_host: dst } = obs.hosts;
          if (src === undefined || dst === undefined || isGroup(event.resp_h)) return;
          // A visitor of ours. Where both ends are outside, these are networks that nobody named in the configuration.
          if (!src.local && dst.local) return;
          // Who asks for web pages; databases and mail have their own habits.
          if (!event.service.includes('tls') && !event.service.includes('http')) return;
          const key = `${src.id}|${dst.id}|${event.resp_p}`;
          const none: Pair = { starts: [], sizes: [], uids: [], refs: [], told: -1 };
          const e = pairs.get(key, obs.seen) ?? pairs.add(key, none, obs.seen);
          const p = e.value;
          pairs.touch(e, obs.seen);
          p.starts = pushRing(p.starts, event.ts, RING);
          p.sizes = pushRing(p.sizes, sent, RING);
          p.uids = pushRing(p.uids, event.uid, TRAIL);
          p.refs = pushRing(p.refs, obs.ref, TRAIL);
          const n = p.starts.length;
          const day = dayOf(obs.seen);
          if (n < settings.flows_min || p.told === day) return;
          const first = p.starts[n - settings.flows_min] as number;
          if (event.ts - first > window) return;
          const alike = likeness(p.sizes);
          if (alike.likeness < settings.alike_min) return;
          const name = names.of(src.id, event.resp_h, obs.seen);
          const hosts = dst.local ? 1 : memory.prevalence('addr', event.resp_h, settings.days, obs.seen);
          if (hosts >= settings.common_hosts) return;
          p.told = day;
          const span = event.ts - first;
          emit({
            ...ofFlow(obs),
            score: 0.5,
            key,
            first,
            last: event.ts,
            count: settings.flows_min,
            dstName: name ?? null,
            uids: p.uids,
            refs: p.refs,
            features: {
              flows: settings.flows_min,
              span_s: span / 1e6,
              sent: alike.median,
              likeness: alike.likeness,
              hosts,
            },
            explanation:
              `${settings.flows_min} flows to ${name ?? event.resp_h}:${event.resp_p} within ${duration(span)}, each sending ` +
              `about ${size(alike.median)} (likeness ${alike.likeness.toFixed(2)}).`,
          });
        },
      },
    };
  },
});
