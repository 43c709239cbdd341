// A password goes over the wire for everybody to read. The password itself is never kept.
import type { FlowEnvelope, KindName } from '../../schema/gen/events.gen.ts';
import type { Observation } from '../../schema/observation.ts';
import { onceADay } from '../daily.ts';
import { ofFlow } from '../flow.ts';
import { defineSignal, type Emit } from '../signal.ts';

/** What a guest gives for a name (RFC 1635). */
const GUESTS = new Set(['anonymous', 'ftp', 'guest']);
/** Mechanisms that show the password to whoever listens (RFC 4616, and LOGIN by habit). */
const PLAIN = new Set(['PLAIN', 'LOGIN', 'PASS']);

export default defineSignal({
  id: 'cleartext_login',
  version: 1,
  brief: 'A password goes over the wire in the clear.',
  attack: ['T1040', 'T1552'],
  needs: ['ftp', 'http', 'ldap', 'pop3', 'smtp'],
  budget: { bytes: 6_000_000, holds: '16,384 pairs of host and server with the day they were last told' },
  settings: { pairs_max: 16_384 },
  run({ settings, keyed }) {
    const isNewToday = onceADay(keyed, settings.pairs_max);
    const say = (obs: Observation<KindName>, how: string, user: string | null, emit: Emit): void => {
      const { orig_host: src, resp_host: dst } = obs.hosts;
      if (src === undefined || dst === undefined) return;
      const event = obs.event as unknown as FlowEnvelope;
      const key = `${src.id}|${dst.id}|${obs.kind}`;
      if (!isNewToday(key, obs.seen)) return;
      emit({
        ...ofFlow(obs),
        // Across the border it passes hands that nobody knows.
        score: dst.local ? 0.3 : 0.4,
        key,
        user,
        features: { outside: dst.local ? 0 : 1 },
        explanation: `Logged in to ${event.resp_h}:${event.resp_p} by ${how} with a password that anybody on the way can read.`,
      });
    };
    return {
      on: {
        ftp(obs, event, emit) {
          if (event.command !== 'PASS' || event.reply_code !== 230) return;
          if (event.user !== null && !GUESTS.has(event.user.toLowerCase())) say(obs, 'FTP', event.user, emit);
        },
        http(obs, event, emit) {
          const status = event.status_code ?? 0;
          if (event.username !== null && event.username !== '' && status >= 200 && status < 400)
            say(obs, 'basic authentication of HTTP', event.username, emit);
        },
        ldap(obs, event, emit) {
          if (event.opcode !== 'bind simple' || event.result_code !== 0) return;
          if (event.object !== null && event.object !== '') say(obs, 'a simple bind of LDAP', event.object, emit);
        },
        pop3(obs, event, emit) {
          if (event.auth_success === true && !event.tls && PLAIN.has(event.auth_method ?? ''))
            say(obs, 'POP3', event.user, emit);
        },
        smtp(obs, event, emit) {
          if (event.auth_success === true && !event.tls && PLAIN.has(event.auth_mechanism ?? ''))
            say(obs, 'SMTP', event.username, emit);
        },
      },
    };
  },
});
