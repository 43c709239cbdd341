// A host contacts a name that hardly anybody here knows, and that nobody knew until lately.
//
// All it asks is memory: how many hosts touched the name, since when. Once a host and name was found to be known on a
// UTC day it is not looked at again that day: within a day hosts only become more, and days only older.
import { getDomain } from 'tldts';
import type { Observation } from '../../schema/observation.ts';
import { onceADay } from '../daily.ts';
import { publicName } from '../names.ts';
import { DAY, dayOf, defineSignal, type Emit } from '../signal.ts';
import { entropy } from '../stats.ts';

/** Names looked at today; only saves work, so it may be forgotten at any time. */
const SEEN_TODAY_MAX = 100_000;

export default defineSignal({
  id: 'rare_domain',
  version: 1,
  brief: 'A host contacts a name that is new and that few hosts know.',
  attack: ['T1071.001', 'T1583.001'],
  needs: ['dns', 'tls', 'http'],
  budget: { bytes: 10_000_000, holds: '50,000 pairs of host and name, with the day they were last told' },
  settings: {
    /** Most hosts that may have contacted it within `days`. */
    hosts_max: 2,
    days: 30,
    /** First seen at most this long ago. */
    age_days: 7,
    /** A memory younger than this knows no name, so none is rare. */
    memory_min_days: 1,
    pairs_max: 50_000,
    /** Names below these are never rare. */
    ignore: [] as readonly string[],
  },
  run({ settings, memory, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    let today = -1;
    const seenToday = new Set<string>();
    const isIgnored = (name: string): boolean => settings.ignore.some((i) => name === i || name.endsWith(`.${i}`));

    const look = (obs: Observation<'dns' | 'tls' | 'http'>, text: string | null, emit: Emit): void => {
      const src = obs.hosts.orig_host;
      if (src === undefined || !src.local) return;
      const name = publicName(text);
      if (name === undefined) return;
      const day = dayOf(obs.seen);
      if (day !== today || seenToday.size >= SEEN_TODAY_MAX) {
        today = day;
        seenToday.clear();
      }
      const key = `${src.id}|${name}`;
      if (seenToday.has(key)) return;
      seenToday.add(key);

      const hosts = memory.prevalence('domain', name, settings.days, obs.seen);
      if (hosts > settings.hosts_max) return;
      const known = memory.look('domain', name);
      const first = known.first ?? obs.seen;
      const age = obs.seen - first;
      if (age > settings.age_days * DAY) return;
      const memoryDays = day - dayOf(known.since);
      if (memoryDays < settings.memory_min_days) return;
      // A new label below a name that everybody knows is nothing new.
      const registered = getDomain(name) ?? name;
      let registeredHosts = hosts;
      if (registered !== name) {
        const parent = memory.look('domain', registered);
        registeredHosts = memory.prevalence('domain', registered, settings.days, obs.seen);
        if (registeredHosts > settings.hosts_max) return;
        if (parent.first !== undefined && obs.seen - parent.first > settings.age_days * DAY) return;
      }
      if (isIgnored(name) || !isNewToday(key, obs.seen)) return;

      const isYoung = memoryDays < settings.days;
      const label = registered.slice(0, Math.max(1, registered.indexOf('.')));
      const score = 0.6 + (hosts <= 1 ? 0.2 : 0) + (age < DAY ? 0.2 : 0) - (isYoung ? 0.3 : 0);
      const event = obs.event;
      const dst = obs.kind === 'dns' ? undefined : obs.hosts.resp_host;
      const spread = hosts <= 1 ? 'no other host' : `only ${hosts} hosts`;
      const since = age < 1 ? 'it was never seen before' : `first seen ${(age / DAY).toFixed(1)} days ago`;
      emit({
        score,
        phase: 'once',
        key,
        first: event.ts,
        last: event.ts,
        count: 1,
        src,
        srcIp: event.orig_h,
        dst,
        dstIp: dst === undefined ? null : event.resp_h,
        dstPort: dst === undefined ? null : event.resp_p,
        dstName: name,
        uids: [event.uid],
        refs: [obs.ref],
        inputs: [obs.hash],
        features: {
          prevalence: hosts,
          registered_prevalence: registeredHosts,
          age_days: age / DAY,
          memory_days: memoryDays,
          label_entropy: entropy(label),
          name_length: name.length,
        },
        explanation:
          `Contact (${obs.kind}) with ${name}: ${spread} contacted it in ${settings.days} days, and ${since}.` +
          (isYoung ? ` Memory is only ${memoryDays} days old.` : ''),
      });
    };

    return {
      on: {
        dns(obs, event, emit) {
          // A name that has no address was not contacted.
          if (event.rcode === 0 && event.answers.length > 0) look(obs, event.query, emit);
        },
        tls(obs, event, emit) {
          look(obs, event.server_name, emit);
        },
        http(obs, event, emit) {
          look(obs, event.host, emit);
        },
      },
    };
  },
});
