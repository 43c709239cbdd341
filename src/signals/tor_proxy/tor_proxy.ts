// A host contacts Tor: a gateway to its hidden services, its own sites, or a relay by the names it makes up.
import { onContacts } from '../contact.ts';
import { onceADay } from '../daily.ts';
import { isBelow } from '../flow.ts';
import { defineSignal } from '../signal.ts';

/** Gateways that show hidden services to anybody, and whose names hold the service's. */
const GATEWAYS: ReadonlySet<string> = new Set([
  ...[
    'onion.to',
    'onion.link',
    'onion.cab',
    'onion.ws',
    'onion.ly',
    'onion.pet',
    'onion.city',
    'onion.direct',
    'onion.nu',
  ],
  ...[
    'onion.lu',
    'onion.rip',
    'onion.top',
    'onion.sh',
    'tor2web.org',
    'tor2web.io',
    'tor2web.fi',
    'tor2web.su',
    'darknet.to',
  ],
]);
const SITES: ReadonlySet<string> = new Set(['torproject.org', 'bridges.torproject.org', 'snowflake.torproject.net']);
/** What a relay's handshake names: www, eight to twenty letters of base32, com or net. */
const RELAY = /^www\.[a-z2-7]{8,20}\.(?:com|net)$/;
const RELAY_CN = /^CN=www\.[a-z2-7]{8,20}\.(?:com|net)$/;

export default defineSignal({
  id: 'tor_proxy',
  version: 1,
  brief: 'A host contacts the Tor network, or a gateway to it.',
  attack: ['T1090.003'],
  needs: ['dns', 'tls', 'http'],
  budget: { bytes: 4_000_000, holds: '16,384 pairs of host and what it was told of, with the day they were last told' },
  settings: {
    days: 30,
    pairs_max: 16_384,
  },
  run({ settings, memory, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    return {
      on: onContacts((contact, emit) => {
        const { src, name, obs } = contact;
        const isGateway = isBelow(name, GATEWAYS);
        const isSite = !isGateway && isBelow(name, SITES);
        // A made-up name alone could be a site's; a certificate of two made-up names is a relay's.
        const isRelay =
          obs.kind === 'tls' &&
          RELAY.test(name) &&
          RELAY_CN.test(obs.event.subject ?? '') &&
          RELAY_CN.test(obs.event.issuer ?? '') &&
          obs.event.subject !== obs.event.issuer;
        if (!isGateway && !isSite && !isRelay) return;
        const what = isGateway ? 'gateway' : isRelay ? 'relay' : 'site';
        const key = `${src.id}|${what}`;
        if (!isNewToday(key, obs.seen)) return;
        const hosts = memory.prevalence('domain', name, settings.days, obs.seen);
        emit({
          ...contact.draft(),
          score: isGateway ? 0.7 : isRelay ? 0.7 : 0.3,
          key,
          features: { gateway: isGateway ? 1 : 0, relay: isRelay ? 1 : 0, prevalence: hosts },
          explanation:
            `Contact (${obs.kind}) with ${name}, ` +
            `${isGateway ? 'a gateway to hidden services' : isRelay ? 'a relay of Tor by the names in its handshake' : 'a site of Tor'}; ` +
            `${hosts <= 1 ? 'no other host' : `${hosts} hosts`} contacted it in ${settings.days} days.`,
        });
      }),
    };
  },
});
