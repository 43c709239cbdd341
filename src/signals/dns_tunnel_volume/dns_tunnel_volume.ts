// One host asks for very many different names below one registered domain.
//
// A name that is asked for once is not cached, and so reaches whoever owns the zone: that is the way out. How many
// there were is kept in a sketch of 128 bytes (distinct.ts), begun anew every day.
import { Distinct } from '../distinct.ts';
import { duration, isBelow, ofFlow } from '../flow.ts';
import type { Codec } from '../keyed.ts';
import { pushRing } from '../recent.ts';
import { DAY, defineSignal } from '../signal.ts';
import { cutName } from '../zone.ts';

const TRAIL = 8;
/** Distinct names, times the settings' least, and what they are worth. */
const TIERS: readonly (readonly [times: number, score: number])[] = [
  [1, 0.5],
  [5, 0.7],
  [10, 0.9],
];
/** Mean length below the zone under which names are words, not bytes. */
const SHORT = 12;

interface Zone {
  names: Distinct;
  since: number;
  /** Lookups, and characters below the zone in all. */
  lookups: number;
  chars: number;
  /** Tiers told. */
  tier: number;
  uids: string[];
  refs: string[];
}

const codec: Codec<Zone> = {
  pack: (z) => [z.names.pack(), z.since, z.lookups, z.chars, z.tier, z.uids, z.refs],
  unpack: (stored) => {
    const [bits, since, lookups, chars, tier, uids, refs] = stored as [
      ...[Uint8Array, number, number, number, number, string[], string[]],
    ];
    return { names: Distinct.unpack(bits), since, lookups, chars, tier, uids, refs };
  },
};

const begin = (since: number): Zone => ({
  ...{ names: new Distinct(), since, lookups: 0, chars: 0, tier: 0, uids: [], refs: [] },
});

export default defineSignal({
  id: 'dns_tunnel_volume',
  version: 1,
  brief: 'One host asks for very many different names below one domain.',
  attack: ['T1071.004', 'T1572', 'T1048.003'],
  needs: ['dns'],
  budget: { bytes: 70_000_000, holds: '32,768 pairs of host and registered domain, with a sketch of 128 bytes each' },
  settings: {
    /** Distinct names below one registered domain within a day. */
    names_min: 100,
    /** A zone that this many hosts asked for within `days` is somebody's service. */
    hosts_max: 16,
    days: 30,
    zones_max: 32_768,
    /** Zones that answer questions put into names: reputation of addresses and files. */
    ignore: [
      ...['spamhaus.org', 'spamhaus.net', 'spamcop.net', 'sorbs.net', 'surbl.org', 'uribl.com', 'barracudacentral.org'],
      ...['cymru.com', 'mcafee.com', 'sophosxl.net', 'e5.sk', 'trendmicro.com', 'senderbase.org', 'dnswl.org'],
    ] as readonly string[],
  },
  run({ settings, memory, keyed }) {
    const zones = keyed('zones', { max: settings.zones_max, idle: DAY, grain: 60_000_000 }, codec);
    const ignored = new Set(settings.ignore);
    return {
      on: {
        dns(obs, event, emit) {
          const src = obs.hosts.orig_host;
          if (src === undefined || !src.local) return;
          const cut = cutName(event.query);
          if (cut === undefined || cut.below === '') return;
          const key = `${src.id}|${cut.zone}`;
          const e = zones.get(key, obs.seen) ?? zones.add(key, begin(obs.seen), obs.seen);
          if (obs.seen - e.value.since > DAY) e.value = begin(obs.seen);
          const z = e.value;
          zones.touch(e, obs.seen);
          z.lookups++;
          if (!z.names.add(cut.below)) return;
          z.chars += cut.below.length;
          z.uids = pushRing(z.uids, event.uid, TRAIL);
          z.refs = pushRing(z.refs, obs.ref, TRAIL);
          const tier = TIERS[z.tier];
          const n = z.names.count;
          if (tier === undefined || n < tier[0] * settings.names_min) return;
          z.tier++;
          if (isBelow(cut.zone, ignored)) return;
          const hosts = memory.prevalence('domain', cut.zone, settings.days, obs.seen);
          if (hosts > settings.hosts_max) return;
          const length = z.chars / n;
          const span = obs.seen - z.since;
          emit({
            ...ofFlow(obs),
            score: tier[1] - (length < SHORT ? 0.2 : 0),
            key: `${key}|${z.tier}`,
            first: z.since,
            count: z.lookups,
            dst: undefined,
            dstIp: null,
            dstPort: null,
            dstName: cut.zone,
            uids: z.uids,
            refs: z.refs,
            features: { names: n, lookups: z.lookups, mean_length: length, prevalence: hosts, span_s: span / 1e6 },
            explanation:
              `Asked for about ${n} different names below ${cut.zone} within ${duration(span)}, of ` +
              `${length.toFixed(1)} characters on average before it.`,
          });
        },
      },
    };
  },
});
