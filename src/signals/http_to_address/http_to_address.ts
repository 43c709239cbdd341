// A local host speaks HTTP to a remote address by its number: nobody looked up a name.

import { onceADay } from '../daily.ts';
import { ofFlow, outward } from '../flow.ts';
import { isAddressHost } from '../request.ts';
import { dayOf, defineSignal } from '../signal.ts';

/** Younger than this memory cannot say that a destination is rare [days]. */
const MEMORY_DAYS = 7;
const SCRIPT = /\.(?:php|asp|aspx|jsp|cgi|pl)(?:$|[?/])/i;

export default defineSignal({
  id: 'http_to_address',
  version: 1,
  brief: 'A local host speaks HTTP to a remote address by its number.',
  attack: ['T1071.001'],
  needs: ['http'],
  budget: { bytes: 10_000_000, holds: '50,000 pairs of host and address, with the day they were last told' },
  settings: {
    score_min: 0.3,
    hosts_max: 2,
    days: 30,
    pairs_max: 50_000,
  },
  run({ settings, memory, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    return {
      on: {
        http(obs, event, emit) {
          if (!isAddressHost(event.host)) return;
          const src = outward(obs);
          if (src === undefined) return;
          const isPost = event.method === 'POST' || event.method === 'PUT';
          const isScript = SCRIPT.test((event.uri ?? '').slice(0, 512));
          const isNameless = event.user_agent === null || event.user_agent === '';
          const hosts = memory.prevalence('addr', event.resp_h, settings.days, obs.seen);
          const day = dayOf(obs.seen);
          const known = memory.look('addr', event.resp_h);
          const isRare = hosts <= settings.hosts_max && day - dayOf(known.since) >= MEMORY_DAYS;
          // What comes back after a form is an answer for a person; a referrer means that a page led here.
          const isLed = event.referrer !== null && event.referrer !== '';
          const score =
            0.25 +
            (isPost ? 0.15 : 0) +
            (isScript ? 0.1 : 0) +
            (isNameless ? 0.1 : 0) +
            (isRare ? 0.2 : 0) -
            (isLed ? 0.15 : 0);
          if (score < settings.score_min) return;
          const key = `${src.id}|${event.resp_h}|${isPost ? 'post' : 'get'}`;
          if (!isNewToday(key, obs.seen)) return;
          emit({
            ...ofFlow(obs),
            score,
            key,
            features: {
              post: isPost ? 1 : 0,
              script: isScript ? 1 : 0,
              nameless: isNameless ? 1 : 0,
              led: isLed ? 1 : 0,
              prevalence: hosts,
              port: event.resp_p,
            },
            explanation:
              `${event.method ?? 'A request'} to ${event.resp_h}:${event.resp_p} by its number` +
              `${isScript ? ', for a program on the server' : ''}${isNameless ? ', without saying what asks' : ''}` +
              `${isRare ? `; ${hosts <= 1 ? 'no other host' : `${hosts} hosts`} contacted it in ${settings.days} days` : ''}.`,
          });
        },
      },
    };
  },
});
