// Many logins that fail: one account guessed at, or many accounts with one guess each. And the one that then succeeds.
//
// Failures are outcomes that the protocol states (FTP 530, HTTP 401) or that sizes tell (SSH). An SSH flow whose
// outcome cannot be told counts as a try; of those it takes more.
import type { FlowEnvelope } from '../../schema/gen/events.gen.ts';
import type { Observation } from '../../schema/observation.ts';
import { duration, ofFlow } from '../flow.ts';
import { Recent, recentCodec } from '../recent.ts';
import { DAY, dayOf, defineSignal, type Emit, MINUTE } from '../signal.ts';

type Service = 'ssh' | 'ftp' | 'http' | 'kerberos' | 'ntlm' | 'ldap' | 'smtp' | 'pop3';

/** Tries and users kept of a pair. */
const TRIES = 64;
/** A user's name as a key; a longer one is told apart by its beginning. */
const USER_MAX = 64;
/** RFC 4120 7.5.9: no such client, locked or expired, wrong password; 25 only asks for a proof. */
const KDC_UNKNOWN = 6;
const KDC_REFUSED = new Set([KDC_UNKNOWN, 18, 23, 24]);
/** RFC 4511 appendix A: invalidCredentials. */
const LDAP_REFUSED = 49;
/** The name of a client without its realm. */
const nameOf = (client: string): string => client.split('/', 1)[0] ?? '';
/** MS-ADTS by habit: the account of a computer ends so; a broken one fails all day. */
const isMachine = (user: string | null): boolean => user?.endsWith('$') === true;
/** Failures taken of one SSH flow: servers hang up after six or so. */
const IN_FLOW = 10;

export default defineSignal({
  id: 'auth_bruteforce',
  version: 2,
  brief: 'Many logins to one server fail, or one host fails with many users.',
  attack: ['T1110.001', 'T1110.003'],
  needs: ['ssh', 'ftp', 'http', 'kerberos', 'ntlm', 'ldap', 'smtp', 'pop3'],
  budget: { bytes: 68_000_000, holds: '2 x 4,096 pairs or hosts, with up to 64 tries or users each' },
  settings: {
    /** Failures of one host with one server within the window. At most 64. */
    failures_min: 10,
    /** SSH flows of unknown outcome within the window. At most 64. */
    tries_min: 20,
    /** Users that one host failed with, at any servers of one service. At most 64. */
    users_min: 8,
    window_minutes: 10,
    pairs_max: 4096,
  },
  run({ settings, keyed }) {
    const window = settings.window_minutes * MINUTE;
    const limits = { max: settings.pairs_max, idle: DAY };
    const pairs = keyed('pairs', limits, recentCodec);
    const sources = keyed('sources', limits, recentCodec);

    const failed = (obs: Observation, service: Service, tries: number, isKnown: boolean, emit: Emit): void => {
      const { orig_host: src, resp_host: dst } = obs.hosts;
      if (src === undefined || dst === undefined) return;
      const event = obs.event as unknown as FlowEnvelope;
      const key = `${isKnown ? 'failed' : 'tried'}|${service}|${src.id}|${dst.id}`;
      const e = pairs.get(key, obs.seen) ?? pairs.add(key, new Recent(), obs.seen);
      const r = e.value;
      pairs.touch(e, obs.seen);
      let n = 0;
      for (let i = 0; i < tries; i++) n = r.add(`${obs.ref} ${i}`, obs.seen, window, TRIES);
      r.trail(event.uid, obs.ref);
      if (n < (isKnown ? settings.failures_min : settings.tries_min) || !r.firstOn(dayOf(obs.seen))) return;
      const span = obs.seen - r.since(obs.seen);
      emit({
        ...ofFlow(obs),
        score: (src.local ? 0.7 : 0.6) - (isKnown ? 0 : 0.1),
        key,
        first: obs.seen - span,
        count: n,
        uids: r.uids,
        refs: r.refs,
        attack: ['T1110.001'],
        features: { failures: isKnown ? n : 0, tries: n, span_s: span / 1e6, succeeded: 0 },
        explanation:
          `${n} ${isKnown ? 'logins failed' : 'connections were made to log in'} over ${service} at ` +
          `${event.resp_h}:${event.resp_p} within ${duration(span)}${isKnown ? '' : '; their outcome is not known'}.`,
      });
    };

    const sprayed = (obs: Observation, service: Service, user: string | null, emit: Emit): void => {
      const { orig_host: src } = obs.hosts;
      if (src === undefined || user === null || user === '') return;
      const event = obs.event as unknown as FlowEnvelope;
      const key = `spray|${service}|${src.id}`;
      const e = sources.get(key, obs.seen) ?? sources.add(key, new Recent(), obs.seen);
      const r = e.value;
      sources.touch(e, obs.seen);
      const n = r.add(user.slice(0, USER_MAX).toLowerCase(), obs.seen, window, TRIES);
      r.trail(event.uid, obs.ref);
      if (n < settings.users_min || !r.firstOn(dayOf(obs.seen))) return;
      const span = obs.seen - r.since(obs.seen);
      emit({
        ...ofFlow(obs),
        score: src.local ? 0.7 : 0.6,
        key,
        first: obs.seen - span,
        count: n,
        uids: r.uids,
        refs: r.refs,
        attack: ['T1110.003'],
        features: { users: n, span_s: span / 1e6, succeeded: 0 },
        explanation: `Logins over ${service} failed for ${n} users within ${duration(span)}: ${r.some(6)}.`,
      });
    };

    const succeeded = (obs: Observation, service: Service, user: string | null, emit: Emit): void => {
      const { orig_host: src, resp_host: dst } = obs.hosts;
      if (src === undefined || dst === undefined) return;
      const key = `failed|${service}|${src.id}|${dst.id}`;
      const e = pairs.get(key, obs.seen);
      if (e === undefined) return;
      e.value.expire(obs.seen, window);
      const n = e.value.size;
      if (n < settings.failures_min) return;
      const { uids, refs } = e.value;
      pairs.remove(e);
      const event = obs.event as unknown as FlowEnvelope;
      emit({
        ...ofFlow(obs),
        score: 0.9,
        key: `succeeded|${service}|${src.id}|${dst.id}`,
        count: n,
        user: user === null ? null : user.slice(0, USER_MAX),
        uids: [event.uid, ...uids],
        refs: [obs.ref, ...refs],
        attack: ['T1110.001', 'T1078'],
        features: { failures: n, succeeded: 1 },
        explanation: `After ${n} failures over ${service} at ${event.resp_h}:${event.resp_p} a login succeeded.`,
      });
    };

    const outcome = (obs: Observation, service: Service, user: string | null, ok: boolean | null, emit: Emit): void => {
      if (ok === null || isMachine(user)) return;
      if (ok) {
        succeeded(obs, service, user, emit);
      } else {
        failed(obs, service, 1, true, emit);
        sprayed(obs, service, user, emit);
      }
    };

    return {
      on: {
        kerberos(obs, event, emit) {
          if (event.request_type !== 'AS' || event.client === null) return;
          const user = nameOf(event.client);
          if (event.success === true) outcome(obs, 'kerberos', user, true, emit);
          else if (event.error_code !== null && KDC_REFUSED.has(event.error_code))
            outcome(obs, 'kerberos', user, false, emit);
        },
        ntlm(obs, event, emit) {
          if (event.response !== 'anonymous') outcome(obs, 'ntlm', event.username, event.success, emit);
        },
        ldap(obs, event, emit) {
          if (event.opcode !== 'bind simple' || event.object === null || event.object === '') return;
          if (event.result_code === 0) outcome(obs, 'ldap', event.object, true, emit);
          else if (event.result_code === LDAP_REFUSED) outcome(obs, 'ldap', event.object, false, emit);
        },
        smtp(obs, event, emit) {
          outcome(obs, 'smtp', event.username, event.auth_success, emit);
        },
        pop3(obs, event, emit) {
          if (event.auth_failures > 0) {
            failed(obs, 'pop3', Math.min(IN_FLOW, event.auth_failures), true, emit);
            sprayed(obs, 'pop3', event.user, emit);
          }
          if (event.auth_success === true) succeeded(obs, 'pop3', event.user, emit);
        },
        ssh(obs, event, emit) {
          if (event.auth_success === null) {
            // Nothing was agreed on: a scanner that only read the banner.
            if (event.kex_alg !== null) failed(obs, 'ssh', 1, false, emit);
            return;
          }
          const failures = Math.min(IN_FLOW, event.auth_attempts - (event.auth_success ? 1 : 0));
          // Clients offer keys before they ask for a password: what ends well within one flow is nobody's guessing.
          if (event.auth_success) succeeded(obs, 'ssh', null, emit);
          else if (failures > 0) failed(obs, 'ssh', failures, true, emit);
        },
        ftp(obs, event, emit) {
          if (event.command !== 'PASS') return;
          if (event.reply_code === 530) {
            failed(obs, 'ftp', 1, true, emit);
            sprayed(obs, 'ftp', event.user, emit);
          } else if (event.reply_code === 230) {
            succeeded(obs, 'ftp', event.user, emit);
          }
        },
        http(obs, event, emit) {
          // Without a name it is a browser that is only asked for one (RFC 9110 11.6.1).
          if (event.username === null || event.status_code === null) return;
          if (event.status_code === 401) {
            failed(obs, 'http', 1, true, emit);
            sprayed(obs, 'http', event.username, emit);
          } else if (event.status_code < 400) {
            succeeded(obs, 'http', event.username, emit);
          }
        },
      },
    };
  },
});
