// A name of the outside world is answered with an address of the inside.
//
// A page of that name then speaks to machines here with the browser's help (DNS rebinding). Split DNS does it on
// purpose: by the house's own resolver, for the house's own names, all day.
import { onceADay } from '../daily.ts';
import { ofFlow } from '../flow.ts';
import { publicName } from '../names.ts';
import { defineSignal } from '../signal.ts';
import { cutName } from '../zone.ts';

/** RFC 1918, RFC 4193, loopback and link-local. */
const INSIDE = /^(?:10\.|127\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|f[cd][0-9a-f]{2}:|fe80:|::1$)/;
const ADDRESSES = new Set([1, 28]);
const ANSWERS_MAX = 16;

export default defineSignal({
  id: 'name_to_inside',
  version: 1,
  brief: 'A name of the outside world is answered with an address of the inside.',
  attack: ['T1557', 'T1071.004'],
  needs: ['dns'],
  budget: { bytes: 4_000_000, holds: '16,384 zones with the day they were last told' },
  settings: {
    /** So many hosts ask for it: it is the house's own zone. */
    common_hosts: 3,
    days: 30,
    /** Zones of the house, and of appliances that find themselves so. */
    ignore: ['plex.direct', 'sophosxl.net', 'surbl.org', 'spamhaus.org', 'dnsbl.sorbs.net'] as readonly string[],
    zones_max: 16_384,
  },
  run({ settings, memory, keyed }) {
    const isNewToday = onceADay(keyed, settings.zones_max);
    const ignored = new Set(settings.ignore);
    return {
      on: {
        dns(obs, event, emit) {
          if (event.answers.length === 0 || event.rcode !== 0) return;
          const src = obs.hosts.orig_host;
          if (src === undefined || !src.local) return;
          let inside: string | undefined;
          let outside = 0;
          for (let i = 0; i < event.answers.length && i < ANSWERS_MAX; i++) {
            if (!ADDRESSES.has(event.answer_types[i] as number)) continue;
            const answer = event.answers[i] as string;
            if (INSIDE.test(answer)) inside ??= answer;
            else outside++;
          }
          // Asked last: nearly no answer is of the inside, and reading a name is dear.
          const name = inside === undefined ? undefined : publicName(event.query);
          if (inside === undefined || name === undefined) return;
          const zone = cutName(event.query)?.zone ?? name;
          if (ignored.has(zone)) return;
          const hosts = memory.prevalence('domain', name, settings.days, obs.seen);
          if (hosts >= settings.common_hosts || !isNewToday(`${src.id}|${zone}`, obs.seen)) return;
          emit({
            ...ofFlow(obs),
            // Both kinds at once is what lets a page begin outside and go on inside.
            score: outside > 0 ? 0.6 : 0.35,
            key: `${src.id}|${zone}`,
            dstName: name,
            features: { outside, hosts },
            explanation: `${name} was answered with ${inside}, an address of the inside${outside > 0 ? `, beside ${outside} of the outside` : ''}.`,
          });
        },
      },
    };
  },
});
