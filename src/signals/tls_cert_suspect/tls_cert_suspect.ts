// A remote server shows a certificate that its owner made himself.
//
// Public services have had certificates for nothing for years, with their names in subjectAltName (RFC 6125 6.4.4).
// What is signed by itself, names nobody and is a day old serves somebody who controls both ends.

import { onceADay } from '../daily.ts';
import { ofFlow, outward } from '../flow.ts';
import { OPPORTUNISTIC_PORTS, TLS_PORTS } from '../ports.ts';
import { DAY, defineSignal } from '../signal.ts';

/** Names that tools and examples come with. */
const STOCK = [
  ...['internet widgits', 'localhost', 'example.com', 'default company', 'major cobalt strike', 'asyncrat', 'dcrat'],
  ...['venomrat', 'quasar', 'orcus', 'metasploit', 'msfconsole', 'sliver', 'mythic', 'havoc', 'gophish', 'bitrat'],
];
const YOUNG_DAYS = 3;
const LONG_DAYS = 20 * 365;

export default defineSignal({
  id: 'tls_cert_suspect',
  version: 1,
  brief: 'A remote server shows a certificate that is signed by itself.',
  attack: ['T1573.002', 'T1587.003'],
  needs: ['x509'],
  budget: { bytes: 10_000_000, holds: '50,000 pairs of host and certificate, with the day they were last told' },
  settings: {
    score_min: 0.4,
    /** So many hosts know the server: it is somebody's service, however badly kept. */
    common_hosts: 8,
    days: 30,
    pairs_max: 50_000,
  },
  run({ settings, memory, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    return {
      on: {
        x509(obs, event, emit) {
          // Calls in the browser sign for themselves and check by another way: DTLS, RFC 8827 6.5.
          if (!event.host_cert || event.client_cert || event.proto !== 6 || OPPORTUNISTIC_PORTS.has(event.resp_p))
            return;
          const src = outward(obs);
          if (src === undefined) return;
          const subject = event.certificate_subject.toLowerCase();
          const stock = STOCK.find((s) => subject.includes(s));
          if (!event.self_signed && stock === undefined) return;
          const isNameless = event.san_dns.length === 0;
          const isOdd = !TLS_PORTS.has(event.resp_p);
          const ageDays = (event.ts - event.certificate_not_valid_before) / DAY;
          const validDays = (event.certificate_not_valid_after - event.certificate_not_valid_before) / DAY;
          const isYoung = ageDays >= 0 && ageDays < YOUNG_DAYS;
          const hosts = memory.prevalence('addr', event.resp_h, settings.days, obs.seen);
          const score =
            (event.self_signed ? 0.4 : 0.2) +
            (isNameless ? 0.1 : 0) +
            (isOdd ? 0.1 : 0) +
            (isYoung ? 0.1 : 0) +
            (validDays > LONG_DAYS ? 0.1 : 0) +
            (stock === undefined ? 0 : 0.3) -
            (hosts >= settings.common_hosts ? 0.3 : 0);
          if (score < settings.score_min) return;
          const key = `${src.id}|${event.fingerprint}|${event.resp_h}`;
          if (!isNewToday(key, obs.seen)) return;
          emit({
            ...ofFlow(obs),
            score,
            key,
            attack: isOdd ? ['T1573.002', 'T1587.003', 'T1571'] : ['T1573.002', 'T1587.003'],
            features: {
              self_signed: event.self_signed ? 1 : 0,
              names: event.san_dns.length,
              age_days: ageDays,
              valid_days: validDays,
              stock: stock === undefined ? 0 : 1,
              port: event.resp_p,
              prevalence: hosts,
            },
            explanation:
              `${event.resp_h}:${event.resp_p} showed a certificate of ${event.certificate_subject.slice(0, 120)}` +
              `${event.self_signed ? ' that is signed by itself' : ''}, ${isNameless ? 'names no host' : `names ${event.san_dns.length}`}` +
              `, is ${Math.round(ageDays)} days old and valid for ${Math.round(validDays)}` +
              `${stock === undefined ? '' : `; "${stock}" is what tools and examples come with`}.`,
          });
        },
      },
    };
  },
});
