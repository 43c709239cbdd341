// A host contacts a pool in which coins are mined.
import { onContacts } from '../contact.ts';
import { onceADay } from '../daily.ts';
import { isBelow } from '../flow.ts';
import { defineSignal } from '../signal.ts';

/** Registered names of pools. Sites about coins are not among them. */
const POOLS: ReadonlySet<string> = new Set([
  ...[
    'minexmr.com',
    'supportxmr.com',
    'nanopool.org',
    'hashvault.pro',
    'moneroocean.stream',
    'xmrpool.eu',
    '2miners.com',
  ],
  ...[
    'f2pool.com',
    'ethermine.org',
    'nicehash.com',
    'minergate.com',
    'dwarfpool.com',
    'miningpoolhub.com',
    'herominers.com',
  ],
  ...['c3pool.com', 'slushpool.com', 'braiins.com', 'viabtc.com', 'antpool.com', 'prohashing.com', 'monerohash.com'],
  ...['unmineable.com', 'woolypooly.com', 'flypool.org', 'coinhive.com', 'coin-hive.com', 'crypto-loot.com'],
]);
/** Labels of the servers that miners speak to, as against the pool's pages. */
const SERVER =
  /^(?:xmr(?:-[a-z0-9-]+)?|btc|(?:eth|etc|rvn|mine|stratum)\w*|pool|gulf|[a-z]{2,4}\d?\.(?:stratum|pool)|ws\d*)\b/;

export default defineSignal({
  id: 'crypto_mining',
  version: 1,
  brief: 'A host contacts a pool in which coins are mined.',
  attack: ['T1496'],
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
        if (!isBelow(name, POOLS)) return;
        const isServer = SERVER.test(name);
        const key = `${src.id}|${isServer ? 'server' : 'site'}`;
        if (!isNewToday(key, obs.seen)) return;
        const hosts = memory.prevalence('domain', name, settings.days, obs.seen);
        emit({
          ...contact.draft(),
          score: isServer ? 0.7 : 0.4,
          key,
          features: { server: isServer ? 1 : 0, prevalence: hosts },
          explanation:
            `Contact (${obs.kind}) with ${name}, ${isServer ? 'a server of' : 'a site of'} a pool in which coins are mined; ` +
            `${hosts <= 1 ? 'no other host' : `${hosts} hosts`} contacted it in ${settings.days} days.`,
        });
      }),
    };
  },
});
