// A host asks for many registered domains that do not exist and that nobody could say aloud.
//
// A generator and its author agree on names of the day; only a few are registered, so most answers are NXDOMAIN. How
// sayable a name is, is read off its letters: vowels, runs of consonants, digits among letters.
import { duration, ofFlow } from '../flow.ts';
import { Recent, recentCodec } from '../recent.ts';
import { DAY, dayOf, defineSignal, MINUTE } from '../signal.ts';
import { cutName } from '../zone.ts';

const NXDOMAIN = 3;
const NAMES = 64;

const VOWELS = new Set('aeiouy');

/**
 * 0..1: how little a label looks like something people say. Punycode is somebody's language and gives 0.
 * @param label  lower case, without dots
 */
export function unsayable(label: string): number {
  if (label.length < 6 || label.startsWith('xn--')) return 0;
  let vowels = 0;
  let letters = 0;
  let run = 0;
  let longest = 0;
  let switches = 0;
  let before = '';
  for (const c of label) {
    const isDigit = c >= '0' && c <= '9';
    const isLetter = c >= 'a' && c <= 'z';
    const what = isDigit ? 'd' : isLetter ? 'l' : '';
    if (before !== '' && what !== '' && what !== before) switches++;
    before = what;
    if (isLetter) {
      letters++;
      if (VOWELS.has(c)) {
        vowels++;
        run = 0;
        continue;
      }
      run++;
      longest = Math.max(longest, run);
    } else {
      run = 0;
    }
  }
  const share = letters === 0 ? 0 : vowels / letters;
  let score = 0;
  if (longest >= 4) score += 0.35;
  if (longest >= 6) score += 0.25;
  if (share < 0.26 || share > 0.65) score += 0.35;
  if (switches >= 2) score += 0.35;
  if (switches >= 4) score += 0.25;
  if (label.length >= 12) score += 0.1;
  return Math.min(1, score);
}

export default defineSignal({
  id: 'dga',
  version: 1,
  brief: 'A host asks for many unpronounceable domains that do not exist.',
  attack: ['T1568.002'],
  needs: ['dns'],
  budget: { bytes: 48_000_000, holds: '2,048 hosts, with up to 64 domains each' },
  settings: {
    /** Distinct registered domains without an answer within the window. At most 64. */
    domains_min: 12,
    /** A domain counts as generated from here on (0 to 1). */
    unsayable_min: 0.5,
    /** Of those domains, how many must count. */
    share_min: 0.5,
    window_minutes: 10,
    hosts_max: 2048,
  },
  run({ settings, keyed }) {
    const window = settings.window_minutes * MINUTE;
    const hosts = keyed('hosts', { max: settings.hosts_max, idle: DAY }, recentCodec);
    return {
      on: {
        dns(obs, event, emit) {
          if (event.rcode !== NXDOMAIN) return;
          const src = obs.hosts.orig_host;
          if (src === undefined || !src.local) return;
          const cut = cutName(event.query);
          if (cut === undefined) return;
          const e = hosts.get(src.id, obs.seen) ?? hosts.add(src.id, new Recent(), obs.seen);
          const r = e.value;
          hosts.touch(e, obs.seen);
          const n = r.add(cut.zone, obs.seen, window, NAMES);
          r.trail(event.uid, obs.ref);
          if (n < settings.domains_min) return;
          let odd = 0;
          for (const zone of r.values.keys())
            if (unsayable(zone.slice(0, zone.indexOf('.'))) >= settings.unsayable_min) odd++;
          const share = odd / n;
          if (share < settings.share_min || !r.firstOn(dayOf(obs.seen))) return;
          const span = obs.seen - r.since(obs.seen);
          emit({
            ...ofFlow(obs),
            score: 0.6 + 0.3 * share,
            key: src.id,
            first: obs.seen - span,
            count: n,
            dst: undefined,
            dstIp: null,
            dstPort: null,
            uids: r.uids,
            refs: r.refs,
            features: { domains: n, unsayable: odd, share, span_s: span / 1e6 },
            explanation:
              `Asked for ${n} domains that do not exist within ${duration(span)}, ${odd} of which nobody could say aloud: ` +
              `${r.some(5)}.`,
          });
        },
      },
    };
  },
});
