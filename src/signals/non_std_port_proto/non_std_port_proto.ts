// A protocol that a parser confirmed, on a port where nobody expects it.
//
// On purpose only what a parser confirmed counts, never what a port suggests; and HTTP in clear on 443 more than
// elsewhere, because that port is open everywhere for something else.

import { onceADay } from '../daily.ts';
import { ofFlow, outward } from '../flow.ts';
import { USUAL_PORTS } from '../ports.ts';
import { dayOf, defineSignal } from '../signal.ts';

/** What each is worth on a strange port: a remote shell is no web server. */
const WEIGHT: Readonly<Record<string, number>> = { ssh: 0.45, ftp: 0.4, dns: 0.3, tls: 0.25, http: 0.25 };
/** Younger than this memory cannot say that a destination is rare [days]. */
const MEMORY_DAYS = 7;

export default defineSignal({
  id: 'non_std_port_proto',
  version: 1,
  brief: 'A local host speaks a protocol to the outside on a port where nobody expects it.',
  attack: ['T1571'],
  needs: ['conn'],
  budget: { bytes: 10_000_000, holds: '50,000 pairs of host and server, with the day they were last told' },
  settings: {
    score_min: 0.3,
    hosts_max: 2,
    common_hosts: 8,
    days: 30,
    pairs_max: 50_000,
  },
  run({ settings, memory, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    return {
      on: {
        conn(obs, event, emit) {
          const service = event.service[0];
          if (service === undefined || event.service.length > 1) return;
          const usual = Object.hasOwn(USUAL_PORTS, service) ? USUAL_PORTS[service] : undefined;
          if (usual === undefined || usual.has(event.resp_p)) return;
          // Calls speak DTLS on ports of the moment.
          if (service === 'tls' && event.proto !== 6) return;
          const src = outward(obs);
          if (src === undefined) return;
          const isClearOnTls = service === 'http' && event.resp_p === 443;
          const hosts = memory.prevalence('addr', event.resp_h, settings.days, obs.seen);
          const day = dayOf(obs.seen);
          const memoryDays = day - dayOf(memory.look('addr', event.resp_h).since);
          const isRare = memoryDays >= MEMORY_DAYS && hosts <= settings.hosts_max;
          const score =
            (WEIGHT[service] ?? 0.25) +
            (isClearOnTls ? 0.2 : 0) +
            (isRare ? 0.2 : 0) -
            (hosts >= settings.common_hosts ? 0.3 : 0);
          if (score < settings.score_min) return;
          const key = `${src.id}|${event.resp_h}|${event.resp_p}`;
          if (!isNewToday(key, obs.seen)) return;
          emit({
            ...ofFlow(obs),
            score,
            key,
            features: {
              port: event.resp_p,
              clear_on_443: isClearOnTls ? 1 : 0,
              prevalence: hosts,
              memory_days: memoryDays,
            },
            explanation:
              `${service} to ${event.resp_h} on port ${event.resp_p}, where nobody expects it` +
              `${isRare ? `; ${hosts <= 1 ? 'no other host' : `${hosts} hosts`} contacted it in ${settings.days} days` : ''}.`,
          });
        },
      },
    };
  },
});
