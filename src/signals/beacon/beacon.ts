// One host contacts one destination at even intervals. The README tells the story and what the numbers mean.
//
// Two tables. `young` holds the first contacts of every pair: small, and what a crawl through a hundred thousand
// names may flush. A pair that came back three times moves to `kept`, which has the rings; only there regularity is
// computed. Both are bounded by the number of pairs, each pair by its rings.
//
// A beat is a contact more than `merge_s` after the last beat: browsers and retries open several flows at once, and
// they are one beat. Contacts are TLS handshakes and HTTP requests where there are any, else whole flows: each flow
// counts by one kind of record only.
import type { ConnEvent, HttpEvent, TlsEvent } from '../../schema/gen/events.gen.ts';
import type { HostRef, Observation } from '../../schema/observation.ts';
import { duration, isGroup } from '../flow.ts';
import type { Codec, Entry, Index } from '../keyed.ts';
import { publicName } from '../names.ts';
import { pushRing } from '../recent.ts';
import { DAY, type Draft, dayOf, defineSignal, digest, type Emit, HOUR, MINUTE, SECOND } from '../signal.ts';
import { likeness, type Regularity, regularity } from '../stats.ts';

/** Gaps and sizes kept of a pair: enough for quartiles, and 256 numbers would be a kilobyte more. */
export const RING = 32;
const RECENT = 8;
/** With this many beats a pair leaves `young`. */
const GROWN = 4;
const MS = 1000;
const GRAIN = 5 * MINUTE;

interface Contacts {
  first: number;
  firstUid: string;
  firstRef: string;
  /** Start of the last beat [us]. */
  last: number;
  beats: number;
  contacts: number;
  /** Between beats [ms], oldest first. */
  gaps: number[];
  /** Of requests, bytes; zero or more of the same contacts. */
  sizes: number[];
  uids: string[];
  refs: string[];
  episode: string;
  crossingUid: string;
  crossingRef: string;
  /** UTC day of the last thing said about the episode. */
  day: number;
  /** While an episode is open, what the last thing said looked like: the closing repeats it. */
  host: string;
  dstHost: string;
  srcIp: string;
  dstIp: string;
  /** The last handshake's flow, until its conn record came. */
  flow: string;
}

/** A pair's first contact. The ends of the flow are filled in when there is something to say. */
function begin(event: ConnEvent | TlsEvent | HttpEvent, ref: string, size: number): Contacts {
  return {
    first: event.ts,
    firstUid: event.uid,
    firstRef: ref,
    last: event.ts,
    beats: 1,
    contacts: 1,
    gaps: NO_NUMBERS,
    sizes: size < 0 ? NO_NUMBERS : [size],
    uids: NO_TEXTS,
    refs: NO_TEXTS,
    episode: '',
    crossingUid: '',
    crossingRef: '',
    day: 0,
    host: '',
    dstHost: '',
    srcIp: '',
    dstIp: '',
    flow: '',
  };
}

const codec: Codec<Contacts> = {
  pack: (c) => [
    ...[c.first, c.firstUid, c.firstRef, c.last, c.beats, c.contacts, c.gaps, c.sizes],
    ...[c.uids, c.refs, c.episode, c.day, c.host, c.dstHost, c.srcIp, c.dstIp, c.crossingUid, c.crossingRef, c.flow],
  ],
  unpack: (stored) => {
    const r = stored as unknown[];
    return {
      first: r[0] as number,
      firstUid: r[1] as string,
      firstRef: r[2] as string,
      last: r[3] as number,
      beats: r[4] as number,
      contacts: r[5] as number,
      gaps: r[6] as number[],
      sizes: r[7] as number[],
      uids: r[8] as string[],
      refs: r[9] as string[],
      episode: r[10] as string,
      day: r[11] as number,
      host: r[12] as string,
      dstHost: r[13] as string,
      srcIp: r[14] as string,
      dstIp: r[15] as string,
      crossingUid: r[16] as string,
      crossingRef: r[17] as string,
      flow: r[18] as string,
    };
  },
};

/** Shared by all pairs that have none: most pairs never have a second contact. */
const NO_NUMBERS: number[] = [];
const NO_TEXTS: string[] = [];

/**
 * How much jitter may pass with `n` gaps. Few gaps look even by chance; the line was fitted on random histories
 * (beacon.test.ts holds it to them).
 */
export function jitterLimit(n: number, atMost: number): number {
  const low = 0.05;
  return Math.min(atMost, low + (Math.max(0, n - 9) * (atMost - low)) / (RING - 9));
}

/** 0..1: evenness first, then shape, beats kept, and requests of one size where sizes are known. */
export function beaconScore(r: Regularity, size: number | undefined): number {
  const even = 0.45 * (1 - r.jitter) + 0.15 * (1 - Math.abs(r.skew)) + 0.2 * r.kept;
  return size === undefined ? even / 0.8 : even + 0.2 * size;
}

export default defineSignal({
  id: 'beacon',
  version: 1,
  brief: 'One host contacts one destination at even intervals.',
  attack: ['T1071', 'T1071.001', 'T1573'],
  needs: ['conn', 'tls', 'http'],
  names: true,
  budget: {
    bytes: 150_000_000,
    holds: '65,536 pairs with rings of 32 gaps and sizes, 131,072 pairs seen up to three times',
  },
  settings: {
    contacts_min: 10,
    span_min_minutes: 5,
    jitter_max: 0.2,
    on_beat_min: 0.7,
    kept_min: 0.85,
    pause_hours: 4,
    score_min: 0.7,
    tolerance: 0.3,
    merge_s: 1,
    silence_hours: 24,
    pairs_max: 65_536,
    young_max: 131_072,
    prevalence_days: 30,
  },
  run({ settings, memory, names, keyed }) {
    const idle = 8 * DAY;
    const index: Index<Contacts> = new Map();
    const young = keyed('young', { max: settings.young_max, idle, grain: GRAIN }, codec, index);
    const kept = keyed('kept', { max: settings.pairs_max, idle, grain: GRAIN }, codec, index);
    const merge = settings.merge_s * SECOND;
    const spanMin = settings.span_min_minutes * 60 * SECOND;
    const gapsMin = Math.max(3, settings.contacts_min - 1);
    const open = new Set<Entry<Contacts>>();
    /** Pairs that wait for the conn record of their last handshake: it says how much was sent. Made of `kept`. */
    const byFlow = new Map<string, Entry<Contacts>>();
    for (const e of kept.entries()) {
      if (e.value.episode !== '') open.add(e);
      if (e.value.flow !== '') byFlow.set(e.value.flow, e);
    }
    kept.gone = (e) => {
      byFlow.delete(e.value.flow);
      open.delete(e);
    };

    const pause = (settings.pause_hours * HOUR) / MS;
    const measure = (c: Contacts): Regularity => regularity(c.gaps, settings.tolerance, pause);

    /**
     * An episode is over after a day without contact, or six periods where they are longer; never past the idle
     * limit.
     */
    const deadline = (c: Contacts): number => {
      const silence = Math.max(HOUR, settings.silence_hours * HOUR, measure(c).period * MS * 6);
      return c.last + Math.min(silence, idle - DAY);
    };

    const describe = (
      phase: Draft['phase'],
      key: string,
      c: Contacts,
      r: Regularity,
      why: string,
      inputs: string[],
      seen: number,
    ): Draft => {
      const at = key.lastIndexOf('|');
      const target = key.slice(c.host.length + 1, at);
      const port = key.slice(at + 1);
      const name = publicName(target);
      const size = c.sizes.length >= gapsMin / 2 ? likeness(c.sizes) : undefined;
      const prevalence =
        name === undefined
          ? memory.prevalence('addr', c.dstIp, settings.prevalence_days, seen)
          : memory.prevalence('domain', name, settings.prevalence_days, seen);
      const known = name === undefined ? memory.look('addr', c.dstIp, c.host) : memory.look('domain', name, c.host);
      const period = r.period * MS;
      const features: Record<string, number> = {
        contacts: c.contacts,
        beats: c.beats,
        period_s: r.period / 1000,
        jitter: r.jitter,
        skew: r.skew,
        on_beat: r.onBeat,
        kept: r.kept,
        missed: r.missed,
        span_s: (c.last - c.first) / SECOND,
        prevalence,
        known_days: known.first === undefined ? 0 : (seen - known.first) / DAY,
        ...(size === undefined ? {} : { size_median: size.median, size_likeness: size.likeness }),
      };
      const sizes = size === undefined ? '' : `, requests of about ${Math.round(size.median)} bytes`;
      const spread =
        prevalence > 16 ? 'more than 16 hosts' : prevalence === 1 ? 'this host alone' : `${prevalence} hosts`;
      return {
        score: beaconScore(r, size?.likeness),
        phase,
        episode: c.episode,
        key,
        first: c.first,
        last: c.last,
        count: c.contacts,
        srcHost: c.host,
        srcIp: c.srcIp,
        dst: { id: c.dstHost, local: false, evidence: 'address' },
        dstIp: c.dstIp,
        dstPort: Number(port),
        dstName: name ?? null,
        uids: [c.firstUid, c.crossingUid, ...c.uids],
        refs: [c.firstRef, c.crossingRef, ...c.refs],
        inputs,
        features,
        explanation:
          `${c.contacts} contacts with ${target}:${port} in ${duration(c.last - c.first)}, one every ${duration(period)} ` +
          `with a jitter of ${Math.round(r.jitter * 100)} %${sizes}; in ${settings.prevalence_days} days ` +
          `${spread} contacted it.${why}`,
      };
    };

    const close = (e: Entry<Contacts>, why: string, seen: number, emit: Emit): void => {
      const c = e.value;
      const r = measure(c);
      const inputs = [c.episode, String(c.last), String(c.contacts)];
      emit({ ...describe('closed', e.key, c, r, why, inputs, seen), ts: c.last, seen });
      open.delete(e);
    };

    const judge = (e: Entry<Contacts>, obs: Observation, emit: Emit): void => {
      const c = e.value;
      const n = c.gaps.length;
      const isOpen = c.episode !== '';
      if (isOpen && dayOf(obs.seen) === c.day && n < RING) return;
      const r = measure(c);
      const limit = jitterLimit(r.n, settings.jitter_max);
      if (isOpen) {
        if (n >= RING && r.jitter > 2.5 * settings.jitter_max) {
          close(e, ' It lost its rhythm.', obs.seen, emit);
          c.episode = '';
          c.gaps = [];
          c.sizes = [];
        } else if (dayOf(obs.seen) !== c.day && r.jitter <= 1.5 * limit && r.onBeat >= 0.8 * settings.on_beat_min) {
          c.day = dayOf(obs.seen);
          emit(describe('continues', e.key, c, r, '', [c.episode, obs.hash], obs.seen));
        }
        return;
      }
      if (r.n < gapsMin || r.jitter > limit) return;
      if (r.onBeat < settings.on_beat_min || r.kept < settings.kept_min) return;
      let span = 0;
      for (let i = 0; i < n; i++) span += c.gaps[i] as number;
      if (span * MS < spanMin) return;
      const size = c.sizes.length >= gapsMin / 2 ? likeness(c.sizes).likeness : undefined;
      if (beaconScore(r, size) < settings.score_min) return;
      c.episode = digest(['beacon', e.key, c.first, obs.hash]);
      c.crossingUid = c.uids.at(-1) ?? '';
      c.crossingRef = c.refs.at(-1) ?? '';
      c.day = dayOf(obs.seen);
      open.add(e);
      emit(describe('opened', e.key, c, r, '', [c.episode, obs.hash], obs.seen));
    };

    const contact = (
      obs: Observation<'conn'> | Observation<'tls'> | Observation<'http'>,
      event: ConnEvent | TlsEvent | HttpEvent,
      src: HostRef,
      dst: HostRef,
      target: string,
      port: number,
      size: number,
      emit: Emit,
    ): void => {
      const key = `${src.id}|${target}|${port}`;
      const now = obs.seen;
      let e = kept.get(key, now);
      if (e === undefined) {
        young.add(key, begin(event, obs.ref, size), now);
        return;
      }
      const c = e.value;
      c.contacts++;
      const gap = event.ts - c.last;
      e.owner.touch(e, now);
      // Also what began before the last beat: a flow that outlived later ones is no beat of theirs.
      if (gap < merge) return;
      c.last = event.ts;
      c.beats++;
      c.gaps = pushRing(c.gaps, Math.round(gap / MS), RING);
      if (size >= 0) c.sizes = pushRing(c.sizes, size, RING);
      if (e.owner === young) {
        if (c.beats < GROWN) return;
        young.remove(e);
        e = kept.add(key, c, now, (lost) => {
          if (lost.value.episode !== '') close(lost, ' It was forgotten: too many pairs at once.', now, emit);
        });
      }
      c.uids = pushRing(c.uids, event.uid, RECENT);
      c.refs = pushRing(c.refs, obs.ref, RECENT);
      if (obs.kind === 'tls') {
        byFlow.delete(c.flow);
        c.flow = event.uid;
        byFlow.set(c.flow, e);
      }
      if (c.gaps.length < gapsMin) return;
      c.host = src.id;
      c.dstHost = dst.id;
      c.srcIp = event.orig_h;
      c.dstIp = event.resp_h;
      judge(e, obs, emit);
    };

    return {
      on: {
        conn(obs, event, emit) {
          const src = obs.hosts.orig_host;
          const dst = obs.hosts.resp_host;
          if (src === undefined || dst === undefined || !src.local || dst.local) return;
          // ICMP has no ports; of a flow seen from its middle nobody knows who began it.
          if (event.proto === 1 || event.proto === 58 || event.conn_state === 'OTH' || isGroup(event.resp_h)) return;
          if (event.service.includes('tls') || event.service.includes('ssl')) {
            // The handshake was the contact; only now it is known how much was sent.
            const e = byFlow.get(event.uid);
            if (e === undefined) return;
            byFlow.delete(event.uid);
            e.value.flow = '';
            if (event.orig_bytes !== null) e.value.sizes = pushRing(e.value.sizes, event.orig_bytes, RING);
            kept.mark(e);
            return;
          }
          if (event.service.includes('http')) return;
          const target = names.of(src.id, event.resp_h, obs.seen) ?? event.resp_h;
          contact(obs, event, src, dst, target, event.resp_p, event.orig_bytes ?? -1, emit);
        },
        tls(obs, event, emit) {
          const src = obs.hosts.orig_host;
          const dst = obs.hosts.resp_host;
          if (src === undefined || dst === undefined || !src.local || dst.local) return;
          const name = publicName(event.server_name);
          const target = name ?? names.of(src.id, event.resp_h, obs.seen) ?? event.resp_h;
          contact(obs, event, src, dst, target, event.resp_p, -1, emit);
        },
        http(obs, event, emit) {
          const src = obs.hosts.orig_host;
          const dst = obs.hosts.resp_host;
          if (src === undefined || dst === undefined || !src.local) return;
          const name = publicName(event.host);
          // Through a proxy of the house the name is outside even though the address is not.
          const isProxied =
            dst.local && name !== undefined && (event.method === 'CONNECT' || /^https?:/.test(event.uri ?? ''));
          if (dst.local && !isProxied) return;
          if (isGroup(event.resp_h)) return;
          const target = name ?? names.of(src.id, event.resp_h, obs.seen) ?? event.resp_h;
          const port = isProxied ? (event.host_port ?? (event.method === 'CONNECT' ? 443 : 80)) : event.resp_p;
          contact(obs, event, src, dst, target, port, event.request_body_len + (event.uri?.length ?? 0), emit);
        },
      },
      advance(now, end, emit) {
        let next = Number.POSITIVE_INFINITY;
        const over: [number, Entry<Contacts>][] = [];
        for (const e of open) {
          const at = deadline(e.value);
          if (now > at) over.push([at, e]);
          else next = Math.min(next, at);
        }
        over.sort((a, b) => a[0] - b[0] || (a[1].key < b[1].key ? -1 : 1));
        for (const [at, e] of over) {
          const isSilence = at <= end;
          close(e, isSilence ? ' Then it fell silent.' : ' Then the input ended.', Math.min(at, end), emit);
          kept.remove(e);
        }
        return next;
      },
    };
  },
});
