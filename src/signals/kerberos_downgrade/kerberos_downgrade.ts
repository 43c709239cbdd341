// A client that could do better asks for what can be broken.
//
// Windows and MIT clients list every encryption they can do, the best first. Who has only the hash of a password has a
// key of RC4 and no other; who sits between client and server leaves the weak ones in the list.
import { ofFlow } from '../flow.ts';
import type { Codec } from '../keyed.ts';
import { DAY, dayOf, defineSignal } from '../signal.ts';

/** What a client was seen to be able to: the best it offered, and the day it was last told. */
type Known = readonly [isStrong: number, told: number];
const codec: Codec<Known> = { pack: (k) => k, unpack: (stored) => stored as Known };

const isWeak = (cipher: string): boolean => cipher.startsWith('rc4') || cipher.startsWith('des');
/** The same cipher again in a list is no client's: somebody wrote over the others, and kept the length. */
const isOverwritten = (ciphers: readonly string[]): boolean => ciphers.length > 2 && new Set(ciphers).size === 1;

export default defineSignal({
  id: 'kerberos_downgrade',
  version: 1,
  brief: 'A Kerberos client asks for weak encryption only, though it can do better.',
  attack: ['T1558', 'T1557', 'T1550.002', 'T1562.010'],
  needs: ['kerberos'],
  budget: { bytes: 6_000_000, holds: '32,768 clients and hosts, with the best they offered' },
  settings: { clients_max: 32_768 },
  run({ settings, keyed }) {
    const clients = keyed('clients', { max: settings.clients_max, idle: 30 * DAY }, codec);
    return {
      on: {
        kerberos(obs, event, emit) {
          if (event.request_type !== 'AS' || event.client === null || event.request_ciphers.length === 0) return;
          const src = obs.hosts.orig_host;
          if (src === undefined || !src.local) return;
          const isOnlyWeak = event.request_ciphers.every(isWeak);
          const key = `${src.id}|${event.client.toLowerCase()}`;
          const e = clients.get(key, obs.seen);
          const [wasStrong, told] = e?.value ?? [0, -1];
          const day = dayOf(obs.seen);
          const isRewritten = isOverwritten(event.request_ciphers);
          // The account has keys of AES where the ticket says so: then its password's hash is all that was missing.
          const isAsked = isOnlyWeak && event.success === true && event.cipher?.startsWith('aes') === true;
          const isTold = isOnlyWeak && (wasStrong === 1 || isRewritten || isAsked) && told !== day;
          const next: Known = [isOnlyWeak ? wasStrong : 1, isTold ? day : told];
          if (e === undefined) clients.add(key, next, obs.seen);
          else {
            e.value = next;
            clients.touch(e, obs.seen);
          }
          if (!isTold) return;
          const why = isRewritten
            ? 'the same one over and over, as where a list is overwritten under way'
            : wasStrong === 1
              ? 'though it offered better before'
              : 'though the realm uses AES';
          emit({
            ...ofFlow(obs),
            score: isRewritten ? 0.8 : wasStrong === 1 ? 0.7 : 0.6,
            key,
            user: event.client,
            attack: isRewritten ? ['T1557', 'T1558', 'T1562.010'] : ['T1558', 'T1550.002', 'T1562.010'],
            features: {
              offered: event.request_ciphers.length,
              overwritten: isRewritten ? 1 : 0,
              stronger_before: wasStrong,
              proved: event.preauth.includes('enc-timestamp') ? 1 : 0,
            },
            explanation: `${event.client} asked for a first ticket with ${[...new Set(event.request_ciphers)].join(', ')} only, ${why}.`,
          });
        },
      },
    };
  },
});
