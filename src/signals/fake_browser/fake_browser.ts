// A program says it is a browser, and sends what no browser sends.
//
// Every browser names the languages its user reads (Accept-Language, RFC 9110 12.5.4), on every request that a page
// makes. Programs copy the User-Agent line, and forget the rest.

import { onceADay } from '../daily.ts';
import { ofFlow, outward } from '../flow.ts';
import { publicName } from '../names.ts';
import { isAddressHost } from '../request.ts';
import { defineSignal } from '../signal.ts';

const FAMILY = /(?:Chrome|Firefox|Safari|Edge?|OPR)\/\d|MSIE \d|Trident\/\d/;
/** Programs that say in the same line what they are. */
const HONEST = /bot\b|crawl|spider|curl|wget|python|java\/|okhttp|dalvik|electron|microsoft|ms-office|applecoremedia/i;
/** Fewer headers than any browser sends. */
const BARE = 3;

export default defineSignal({
  id: 'fake_browser',
  version: 1,
  brief: 'A program that says it is a browser does not send what browsers send.',
  attack: ['T1071.001', 'T1036'],
  needs: ['http'],
  budget: { bytes: 10_000_000, holds: '50,000 pairs of host and destination, with the day they were last told' },
  settings: {
    score_min: 0.3,
    pairs_max: 50_000,
    /** Where browsers themselves ask without a page: updates, certificate lists, tests of the line. */
    ignore: [
      'gvt1.com',
      'googleapis.com',
      'mozilla.net',
      'mozilla.org',
      'microsoft.com',
      'apple.com',
    ] as readonly string[],
  },
  run({ settings, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    return {
      on: {
        http(obs, event, emit) {
          const agent = event.user_agent;
          if (agent === null || agent.length < 8 || event.mid_stream || event.method === 'CONNECT') return;
          const src = obs.hosts.orig_host;
          if (src === undefined || !src.local) return;
          const headers = event.client_header_names;
          if (headers.includes('ACCEPT-LANGUAGE')) return;
          // A quote before it is a mistake of whoever pasted the line.
          const isQuoted = agent.startsWith('"Mozilla/');
          if (!isQuoted && !agent.startsWith('Mozilla/')) return;
          if (!FAMILY.test(agent) || HONEST.test(agent)) return;
          const name = publicName(event.host);
          if (name !== undefined && settings.ignore.some((i) => name === i || name.endsWith(`.${i}`))) return;
          const isPost = event.method === 'POST' || event.method === 'PUT';
          const isBare = headers.length <= BARE;
          const isByAddress = isAddressHost(event.host);
          const isOutward = outward(obs) !== undefined;
          const score =
            0.35 +
            (isPost ? 0.2 : 0) +
            (isBare ? 0.15 : 0) +
            (isByAddress ? 0.1 : 0) +
            (isQuoted ? 0.2 : 0) +
            (isOutward ? 0.05 : 0);
          if (score < settings.score_min) return;
          const target = name ?? event.resp_h;
          // A GET in the morning must not silence the POST of the afternoon.
          const key = `${src.id}|${target}|${isPost ? 'post' : 'get'}`;
          if (!isNewToday(key, obs.seen)) return;
          emit({
            ...ofFlow(obs),
            score,
            key,
            dstName: name ?? null,
            features: {
              headers: headers.length,
              post: isPost ? 1 : 0,
              by_address: isByAddress ? 1 : 0,
              quoted: isQuoted ? 1 : 0,
              sent: event.request_body_len,
            },
            explanation:
              `${event.method ?? 'A request'} to ${target} says it is ${agent.slice(0, 120)} and names no language, with ` +
              `${headers.length} headers (${headers.slice(0, 8).join(', ')}).`,
          });
        },
      },
    };
  },
});
