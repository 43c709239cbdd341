// A program asks the outside what its own address is.
import { onContacts } from '../contact.ts';
import { onceADay } from '../daily.ts';
import { isBelow } from '../flow.ts';
import { defineSignal } from '../signal.ts';

/** Services that answer with the asker's address; the first few also say where on earth he is. */
const SERVICES: ReadonlySet<string> = new Set([
  ...['ip-api.com', 'ipinfo.io', 'ipwho.is', 'freegeoip.app', 'geoplugin.net', 'ipapi.co', 'ipgeolocation.io'],
  ...['ipify.org', 'icanhazip.com', 'ifconfig.me', 'ifconfig.co', 'checkip.dyndns.org', 'checkip.amazonaws.com'],
  ...['ident.me', 'ipecho.net', 'myexternalip.com', 'wtfismyip.com', 'whatismyipaddress.com', 'myip.dnsomatic.com'],
  ...['api.ip.sb', 'ip.anysrc.net', 'bot.whatismyipaddress.com', 'curlmyip.com'],
]);

export default defineSignal({
  id: 'ip_lookup',
  version: 1,
  brief: 'A program asks the outside what its own address is.',
  attack: ['T1016'],
  needs: ['dns', 'tls', 'http'],
  budget: { bytes: 4_000_000, holds: '16,384 pairs of host and what it was told of, with the day they were last told' },
  settings: {
    /** So many hosts ask: some software of the house does. */
    common_hosts: 5,
    days: 30,
    pairs_max: 16_384,
  },
  run({ settings, memory, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    return {
      on: onContacts((contact, emit) => {
        const { src, name, obs } = contact;
        if (!isBelow(name, SERVICES)) return;
        const hosts = memory.prevalence('domain', name, settings.days, obs.seen);
        if (hosts >= settings.common_hosts) return;
        // A person looks at it in a browser, which names languages; what only TLS or a lookup shows could be either.
        const isProgram = obs.kind === 'http';
        if (isProgram && obs.event.client_header_names.includes('ACCEPT-LANGUAGE')) return;
        const key = `${src.id}|${isProgram ? 'program' : 'either'}`;
        if (!isNewToday(key, obs.seen)) return;
        emit({
          ...contact.draft(),
          score: isProgram ? 0.5 : 0.35,
          key,
          features: { program: isProgram ? 1 : 0, prevalence: hosts },
          explanation:
            `${isProgram ? 'A program' : 'Somebody'} asked ${name} for the address this host has outside; ` +
            `${hosts <= 1 ? 'no other host' : `${hosts} hosts`} did so in ${settings.days} days.`,
        });
      }),
    };
  },
});
