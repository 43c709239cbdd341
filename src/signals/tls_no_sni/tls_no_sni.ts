// A local host speaks TLS to a remote one without saying to whom.
//
// Servers share addresses, so browsers and everything built like them name the server (RFC 6066 3). A client with one
// server, whose address it was given, has no need to.

import { onceADay } from '../daily.ts';
import { ofFlow, outward } from '../flow.ts';
import { OPPORTUNISTIC_PORTS, TLS_PORTS } from '../ports.ts';
import { dayOf, defineSignal } from '../signal.ts';

/** Younger than this memory cannot say that a destination is rare [days]. */
const MEMORY_DAYS = 7;

export default defineSignal({
  id: 'tls_no_sni',
  version: 1,
  brief: 'A local host speaks TLS to a remote one without naming it.',
  attack: ['T1573'],
  needs: ['tls'],
  names: true,
  budget: { bytes: 10_000_000, holds: '50,000 pairs of host and server, with the day they were last told' },
  settings: {
    score_min: 0.3,
    hosts_max: 2,
    common_hosts: 8,
    days: 30,
    pairs_max: 50_000,
  },
  run({ settings, memory, names, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    return {
      on: {
        tls(obs, event, emit) {
          if (event.server_name !== null && event.server_name !== '') return;
          if (event.is_dtls || event.mid_stream || OPPORTUNISTIC_PORTS.has(event.resp_p)) return;
          const src = outward(obs);
          if (src === undefined) return;
          const isOdd = !TLS_PORTS.has(event.resp_p);
          const isSelfSigned = event.subject !== null && event.subject === event.issuer;
          // It looked the name up, and does not say it: old software.
          const known = names.of(src.id, event.resp_h, obs.seen);
          const hosts = memory.prevalence('addr', event.resp_h, settings.days, obs.seen);
          const day = dayOf(obs.seen);
          const memoryDays = day - dayOf(memory.look('addr', event.resp_h).since);
          const isRare = memoryDays >= MEMORY_DAYS && hosts <= settings.hosts_max;
          const score =
            0.2 +
            (isOdd ? 0.15 : 0) +
            (isSelfSigned ? 0.2 : 0) +
            (isRare ? 0.2 : 0) -
            (known === undefined ? 0 : 0.15) -
            (hosts >= settings.common_hosts ? 0.2 : 0);
          if (score < settings.score_min) return;
          const key = `${src.id}|${event.resp_h}|${event.resp_p}`;
          if (!isNewToday(key, obs.seen)) return;
          emit({
            ...ofFlow(obs),
            score,
            key,
            dstName: known ?? null,
            attack: isOdd ? ['T1573', 'T1571'] : ['T1573'],
            features: {
              port: event.resp_p,
              self_signed: isSelfSigned ? 1 : 0,
              looked_up: known === undefined ? 0 : 1,
              prevalence: hosts,
              memory_days: memoryDays,
            },
            explanation:
              `TLS to ${event.resp_h}:${event.resp_p} that names no server` +
              `${known === undefined ? ', whose name was not looked up' : `, although ${known} was looked up`}` +
              `${isSelfSigned ? ', with a certificate that is signed by itself' : ''}` +
              `${isRare ? `; ${hosts <= 1 ? 'no other host' : `${hosts} hosts`} contacted it in ${settings.days} days` : ''}.`,
          });
        },
      },
    };
  },
});
