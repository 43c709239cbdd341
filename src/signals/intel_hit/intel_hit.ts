// An indicator was seen with a host: a sighting, told once a host, indicator and UTC day.
//
// A sighting is written for every match; a host that talks to a listed address all day makes thousands. The signal is
// what chains take, and says which way it went: a listed scanner that knocks at a server is less than a host that
// calls one.
import { onceADay } from '../daily.ts';
import { publicName } from '../names.ts';
import { defineSignal, digest } from '../signal.ts';

/** Where a sighting was made, to the technique it speaks of. */
function technique(type: string, where: string): string[] {
  if (type === 'file_hash') return ['T1204.002', 'T1105'];
  if (type === 'url') return ['T1105'];
  if (where.startsWith('dns.')) return ['T1071.004', 'T1583.001'];
  return ['T1071.001'];
}

/** Hashes and names mean one thing; addresses are shared and handed on, fingerprints are a library's. */
const WEIGHT: Readonly<Record<string, number>> = {
  file_hash: 1,
  url: 1,
  domain: 0.95,
  cert_hash: 0.95,
  addr: 0.85,
  ja4: 0.7,
  ja3: 0.6,
  subnet: 0.6,
};

export default defineSignal({
  id: 'intel_hit',
  version: 1,
  brief: 'A host met an indicator of a feed.',
  attack: ['T1071.001'],
  needs: ['sighting'],
  budget: { bytes: 20_000_000, holds: '100,000 pairs of host and indicator, with the day they were last told' },
  settings: {
    confidence_min: 0,
    /** Of the score, when the listed address only knocked. */
    inbound_weight: 0.4,
    pairs_max: 100_000,
  },
  run({ settings, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    return {
      on: {
        sighting(obs, event, emit) {
          if (event.confidence < settings.confidence_min) return;
          const isInbound = event.where === 'conn.orig_h';
          // A knock told in the morning must not silence a call in the afternoon.
          const who = event.host ?? event.orig_h ?? '';
          const key = `${who}|${event.indicator_type}|${event.indicator}${isInbound ? '|in' : ''}`;
          if (!isNewToday(digest([key]), obs.seen)) return;
          const weight = WEIGHT[event.indicator_type] ?? 0.5;
          const score = (0.4 + 0.6 * event.confidence) * weight * (isInbound ? settings.inbound_weight : 1);
          const name = event.indicator_type === 'domain' ? publicName(event.observed) : undefined;
          const tags = event.tags.length === 0 ? '' : ` (${event.tags.join(', ')})`;
          emit({
            source: 'intel',
            score,
            phase: 'once',
            key: key.slice(0, 512),
            first: event.ts,
            last: event.ts,
            count: 1,
            srcHost: event.host,
            srcIp: isInbound ? event.resp_h : event.orig_h,
            dstIp: isInbound ? event.orig_h : event.resp_h,
            dstPort: isInbound ? null : event.resp_p,
            dstName: name ?? null,
            sha256: event.indicator_type === 'file_hash' && event.observed.length === 64 ? event.observed : null,
            uids: event.uid === null ? [] : [event.uid],
            refs: [event.ref],
            inputs: [event.id],
            attack: technique(event.indicator_type, event.where),
            retro: event.retro,
            features: {
              confidence: event.confidence,
              sources: event.sources.length,
              weight,
              inbound: isInbound ? 1 : 0,
            },
            explanation:
              `${event.where} held ${event.observed.slice(0, 300)}, listed as ${event.indicator_type} ` +
              `${event.indicator.slice(0, 300)}${tags} by ${event.sources.join(', ') || 'an unnamed source'} with confidence ` +
              `${event.confidence}.${isInbound ? ' The listed address began the contact.' : ''}`,
          });
        },
      },
    };
  },
});
