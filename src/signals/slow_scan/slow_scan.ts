// One host knocks at many local targets, so slowly that no window of minutes shows it.
//
// Targets are pairs of host and port, counted for days in a sketch of 128 bytes (distinct.ts): what a host asks for in
// vain day after day are a handful of dead services, and the same ones again are no new targets.
import { Distinct } from '../distinct.ts';
import { duration, isGroup, isKnock, ofFlow } from '../flow.ts';
import type { Codec } from '../keyed.ts';
import { pushRing } from '../recent.ts';
import { DAY, dayOf, defineSignal, HOUR } from '../signal.ts';

const TRAIL = 8;

interface Slow {
  targets: Distinct;
  since: number;
  told: number;
  uids: string[];
  refs: string[];
}

const codec: Codec<Slow> = {
  pack: (s) => [s.targets.pack(), s.since, s.told, s.uids, s.refs],
  unpack: (stored) => {
    const [bits, since, told, uids, refs] = stored as [Uint8Array, number, number, string[], string[]];
    return { targets: Distinct.unpack(bits), since, told, uids, refs };
  },
};

export default defineSignal({
  id: 'slow_scan',
  version: 1,
  brief: 'One host knocks at many local targets over hours or days.',
  attack: ['T1046', 'T1018'],
  needs: ['conn'],
  budget: { bytes: 35_000_000, holds: '16,384 hosts, with a sketch of 128 bytes and eight flows each' },
  settings: {
    /** Distinct pairs of local host and port that did not answer. */
    targets_min: 60,
    /** Counting begins anew after so long. */
    days: 7,
    /** Faster is port_scan's and host_sweep's. */
    span_min_hours: 6,
    sources_max: 16_384,
  },
  run({ settings, keyed }) {
    const period = settings.days * DAY;
    const sources = keyed('sources', { max: settings.sources_max, idle: period }, codec);
    return {
      on: {
        conn(obs, event, emit) {
          const { orig_host: src, resp_host: dst } = obs.hosts;
          if (src === undefined || !src.local || dst === undefined || !dst.local) return;
          if ((event.proto !== 6 && event.proto !== 17) || !isKnock(event) || isGroup(event.resp_h)) return;
          const e =
            sources.get(src.id, obs.seen) ??
            sources.add(src.id, { targets: new Distinct(), since: obs.seen, told: -1, uids: [], refs: [] }, obs.seen);
          const s = e.value;
          if (obs.seen - s.since > period) {
            s.targets = new Distinct();
            s.since = obs.seen;
          }
          sources.touch(e, obs.seen);
          if (!s.targets.add(`${event.resp_h}|${event.resp_p}`)) return;
          s.uids = pushRing(s.uids, event.uid, TRAIL);
          s.refs = pushRing(s.refs, obs.ref, TRAIL);
          const n = s.targets.count;
          const span = obs.seen - s.since;
          const day = dayOf(obs.seen);
          if (n < settings.targets_min || span < settings.span_min_hours * HOUR || s.told === day) return;
          s.told = day;
          emit({
            ...ofFlow(obs),
            score: 0.6,
            key: src.id,
            first: s.since,
            count: n,
            dst: undefined,
            dstIp: null,
            dstPort: null,
            uids: s.uids,
            refs: s.refs,
            features: { targets: n, span_hours: span / HOUR },
            explanation:
              `Knocked at about ${n} different local hosts and ports within ${duration(span)} without an answer, ` +
              `last ${event.resp_h}:${event.resp_p}.`,
          });
        },
      },
    };
  },
});
