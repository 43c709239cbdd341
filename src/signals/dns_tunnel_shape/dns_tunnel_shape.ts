// Names below one domain look like bytes, or ask for record types that carry bytes.
//
// Counted are distinct odd names of one host and registered domain within minutes: long ones with the letters of an
// encoding, and any name below the zone that asks for a type in which a tunnel answers.
import { hash32 } from '../distinct.ts';
import { duration, isBelow, ofFlow } from '../flow.ts';
import { Recent, recentCodec } from '../recent.ts';
import { DAY, dayOf, defineSignal, MINUTE } from '../signal.ts';
import { entropy } from '../stats.ts';
import { cutName } from '../zone.ts';

/** NULL and the private types carry anything and have no other use (RFC 1035 3.3.10, RFC 6895 3.1). */
const BARE = new Set([10, 65_399]);
/** TXT and KEY carry much, and are asked for by mail and by DNSSEC too. */
const ROOMY = new Set([16, 25]);
/** Names that services ask TXT of (RFC 8552: they begin with an underscore). */
const SERVICE = /(?:^|\.)_/;
const NAMES = 64;

export default defineSignal({
  id: 'dns_tunnel_shape',
  version: 1,
  brief: 'Names that one host asks for below one domain look like encoded bytes.',
  attack: ['T1071.004', 'T1572', 'T1048.003'],
  needs: ['dns'],
  budget: { bytes: 100_000_000, holds: '16,384 pairs of host and registered domain, with up to 64 names each' },
  settings: {
    /** Distinct odd names within the window. At most 64. */
    names_min: 12,
    /** A name is long from here on, without its zone [characters]. */
    length_min: 40,
    /** Bits a character: words have less than 3.5, base32 and base64 more. */
    entropy_min: 3.5,
    window_minutes: 10,
    hosts_max: 16,
    days: 30,
    zones_max: 16_384,
    /** Zones that answer questions put into names: reputation of addresses and files. */
    ignore: ['cymru.com', 'mcafee.com', 'sophosxl.net', 'e5.sk', 'trendmicro.com', 'spamhaus.org'] as readonly string[],
  },
  run({ settings, memory, keyed }) {
    const window = settings.window_minutes * MINUTE;
    const zones = keyed('zones', { max: settings.zones_max, idle: DAY }, recentCodec);
    const ignored = new Set(settings.ignore);
    return {
      on: {
        dns(obs, event, emit) {
          const src = obs.hosts.orig_host;
          if (src === undefined || !src.local || event.query === null) return;
          const type = event.qtype ?? 0;
          const isBare = BARE.has(type);
          const isRoomy = ROOMY.has(type);
          // The cheap questions first: most names are short and ask for an address.
          if (!isBare && !isRoomy && event.query.length < settings.length_min) return;
          const cut = cutName(event.query);
          if (cut === undefined || cut.below === '' || isBelow(cut.zone, ignored)) return;
          const isLong = cut.below.length >= settings.length_min && entropy(cut.below) >= settings.entropy_min;
          if (!isBare && !isLong && (!isRoomy || SERVICE.test(cut.below))) return;
          const key = `${src.id}|${cut.zone}`;
          const e = zones.get(key, obs.seen) ?? zones.add(key, new Recent(), obs.seen);
          const r = e.value;
          zones.touch(e, obs.seen);
          // A letter for what made it odd; the hash stands for a name of up to a kilobyte.
          const mark = isBare ? 'b' : isLong ? 'l' : 'r';
          const n = r.add(mark + hash32(cut.below).toString(36), obs.seen, window, NAMES);
          r.trail(event.uid, obs.ref);
          if (n < settings.names_min || !r.firstOn(dayOf(obs.seen))) return;
          const hosts = memory.prevalence('domain', cut.zone, settings.days, obs.seen);
          if (hosts > settings.hosts_max) return;
          let long = 0;
          let bare = 0;
          for (const name of r.values.keys()) {
            if (name.startsWith('l')) long++;
            else if (name.startsWith('b')) bare++;
          }
          const span = obs.seen - r.since(obs.seen);
          emit({
            ...ofFlow(obs),
            score: 0.6 + (bare > 0 ? 0.2 : 0) + (long >= n / 2 ? 0.1 : 0),
            key,
            first: obs.seen - span,
            count: n,
            dst: undefined,
            dstIp: null,
            dstPort: null,
            dstName: cut.zone,
            uids: r.uids,
            refs: r.refs,
            features: {
              names: n,
              long,
              bare,
              length: cut.below.length,
              entropy: entropy(cut.below),
              prevalence: hosts,
            },
            explanation:
              `Asked for ${n} odd names below ${cut.zone} within ${duration(span)}: ${long} long ones that look encoded, ` +
              `${bare} of a type that only carries bytes, ${n - long - bare} of TXT or KEY.`,
          });
        },
      },
    };
  },
});
