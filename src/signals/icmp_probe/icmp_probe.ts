// ICMP questions that nobody asks but who wants to know what system answers.
//
// An echo request has code 0 (RFC 792); systems differ in what they do with another. Timestamp, information and address
// mask requests have had no use since (RFC 6918), but systems differ in whether they answer.
import { ofFlow } from '../flow.ts';
import { Recent, recentCodec } from '../recent.ts';
import { DAY, dayOf, defineSignal, MINUTE } from '../signal.ts';

const QUESTIONS: Readonly<Record<number, string>> = {
  13: 'timestamp',
  15: 'information',
  17: 'address mask',
};
const ECHO = 8;
const KINDS = 8;

export default defineSignal({
  id: 'icmp_probe',
  version: 1,
  brief: 'A host asks another in ICMP what only fingerprinting asks.',
  attack: ['T1046', 'T1595'],
  needs: ['icmp'],
  budget: { bytes: 40_000_000, holds: '16,384 pairs of hosts, with the questions of the last minutes' },
  settings: { window_minutes: 5, pairs_max: 16_384 },
  run({ settings, keyed }) {
    const pairs = keyed('pairs', { max: settings.pairs_max, idle: DAY }, recentCodec);
    return {
      on: {
        icmp(obs, event, emit) {
          if (event.v6 || !event.is_orig) return;
          const isOddEcho = event.icmp_type === ECHO && event.icmp_code !== 0;
          const asked = isOddEcho ? `echo with code ${event.icmp_code}` : QUESTIONS[event.icmp_type];
          const { orig_host: src, resp_host: dst } = obs.hosts;
          if (asked === undefined || src === undefined || dst === undefined) return;
          const key = `${src.id}|${dst.id}`;
          const e = pairs.get(key, obs.seen) ?? pairs.add(key, new Recent(), obs.seen);
          const r = e.value;
          pairs.touch(e, obs.seen);
          const n = r.add(asked, obs.seen, settings.window_minutes * MINUTE, KINDS);
          r.trail(event.uid, obs.ref);
          // One timestamp request may be an old monitoring tool's.
          if ((n < 2 && !isOddEcho) || !r.firstOn(dayOf(obs.seen))) return;
          emit({
            ...ofFlow(obs),
            score: n < 2 ? 0.5 : 0.6,
            key,
            count: n,
            dstPort: null,
            uids: r.uids,
            refs: r.refs,
            features: { questions: n, odd_echo: isOddEcho ? 1 : 0 },
            explanation: `Asked ${event.resp_h} in ICMP what tells systems apart: ${r.some(KINDS)}.`,
          });
        },
      },
    };
  },
});
