// A host sends its lookups through TLS to a resolver outside, where nobody here sees them.
import type { TlsEvent } from '../../schema/gen/events.gen.ts';
import type { Observation } from '../../schema/observation.ts';
import { onContacts } from '../contact.ts';
import { onceADay } from '../daily.ts';
import { isBelow, ofFlow, outward } from '../flow.ts';
import { defineSignal, type Emit } from '../signal.ts';

/** Names of public resolvers that take lookups over HTTPS or TLS. */
const RESOLVERS: ReadonlySet<string> = new Set([
  ...['dns.google', 'dns.google.com', 'cloudflare-dns.com', 'one.one.one.one', 'dns.quad9.net', 'dns9.quad9.net'],
  ...['dns.adguard.com', 'dns.adguard-dns.com', 'doh.opendns.com', 'dns.nextdns.io', 'doh.cleanbrowsing.org'],
  ...['doh.dns.sb', 'dns.alidns.com', 'doh.pub', 'doh.mullvad.net', 'dns.mullvad.net', 'doh.libredns.gr', 'dns0.eu'],
  ...['doh.xfinity.com', 'freedns.controld.com', 'dns.controld.com', 'doh.appliedprivacy.net', 'ordns.he.net'],
]);
/** Their addresses, which a program uses that needs no lookup before it looks up. */
const ADDRESSES: ReadonlySet<string> = new Set([
  ...['1.1.1.1', '1.0.0.1', '1.1.1.2', '1.0.0.2', '8.8.8.8', '8.8.4.4', '9.9.9.9', '149.112.112.112', '9.9.9.11'],
  ...['94.140.14.14', '94.140.15.15', '208.67.222.222', '208.67.220.220', '185.228.168.9', '76.76.2.0', '76.76.10.0'],
  ...['2606:4700:4700::1111', '2606:4700:4700::1001', '2001:4860:4860::8888', '2001:4860:4860::8844', '2620:fe::fe'],
]);
/** DNS over TLS (RFC 7858 3.1). */
const DOT = 853;

export default defineSignal({
  id: 'doh_use',
  version: 2,
  brief: 'A host sends its lookups through TLS to a resolver outside.',
  attack: ['T1071.004', 'T1572'],
  needs: ['dns', 'tls', 'http'],
  budget: { bytes: 4_000_000, holds: '16,384 pairs of host and what it was told of, with the day they were last told' },
  settings: {
    /** So many hosts do: it is how the house looks up. */
    common_hosts: 8,
    days: 30,
    /** Resolvers that the house has chosen. */
    sanctioned: [] as readonly string[],
    pairs_max: 16_384,
  },
  run({ settings, memory, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    const sanctioned = new Set(settings.sanctioned);
    const named = onContacts((contact, emit) => {
      const { src, name, obs } = contact;
      // To look a resolver's name up is not yet to use it.
      if (obs.kind === 'dns') return;
      const isDot = obs.event.resp_p === DOT;
      if (!isDot && !isBelow(name, RESOLVERS)) return;
      if (isBelow(name, sanctioned)) return;
      const hosts = memory.prevalence('domain', name, settings.days, obs.seen);
      if (hosts >= settings.common_hosts) return;
      const key = `${src.id}|${name}`;
      if (!isNewToday(key, obs.seen)) return;
      emit({
        ...contact.draft(),
        score: 0.35,
        key,
        features: { dot: isDot ? 1 : 0, prevalence: hosts },
        explanation:
          `Lookups go through TLS to ${name} (${isDot ? 'DNS over TLS' : 'DNS over HTTPS'}), where they are not seen; ` +
          `${hosts <= 1 ? 'no other host' : `${hosts} hosts`} used it in ${settings.days} days.`,
      });
    });
    // Browsers know their resolver by its name; what dials the bare address brought it along.
    const byAddress = (obs: Observation<'tls'>, event: TlsEvent, emit: Emit): void => {
      const src = outward(obs);
      if (src === undefined || event.server_name !== null || !ADDRESSES.has(event.resp_h)) return;
      if (sanctioned.has(event.resp_h)) return;
      const hosts = memory.prevalence('addr', event.resp_h, settings.days, obs.seen);
      const key = `${src.id}|${event.resp_h}`;
      if (hosts >= settings.common_hosts || !isNewToday(key, obs.seen)) return;
      emit({
        ...ofFlow(obs),
        score: 0.5,
        key,
        features: { dot: event.resp_p === DOT ? 1 : 0, prevalence: hosts },
        explanation:
          `Lookups go through TLS to ${event.resp_h}:${event.resp_p}, a public resolver dialled by its bare number, as no ` +
          'browser does.',
      });
    };
    return {
      on: {
        ...named,
        tls(obs, event, emit) {
          named.tls(obs, event, emit);
          byAddress(obs, event, emit);
        },
      },
    };
  },
});
