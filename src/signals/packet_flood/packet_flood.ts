// More packets than anybody asked for: from addresses that cannot be, from many at once, or answers without a question.
//
// One table by target. What counts is how many different peers a second brings, of one of three kinds: packets whose
// source is no host's (RFC 1122 3.2.1.3), first packets that nobody answers, and answers to what was never asked, which
// reflectors send to whom somebody pretended to be.
import { isKnock, ofFlow } from '../flow.ts';
import { Recent, recentCodec } from '../recent.ts';
import { DAY, dayOf, defineSignal, SECOND } from '../signal.ts';

const PEERS = 64;

/** Multicast, reserved and loopback: no packet comes from there. */
const isImpossible = (ip: string): boolean => /^(?:22[4-9]|23\d|24\d|25[0-5]|127)\./.test(ip) || ip.startsWith('ff');

type Kind = 'impossible' | 'unanswered' | 'unasked';
const SAYS: Readonly<Record<Kind, string>> = {
  impossible: 'Packets came from addresses that no host has',
  unanswered: 'Flows were begun by many hosts at once and not answered',
  unasked: 'Answers came that nobody had asked for',
};
const ATTACK: Readonly<Record<Kind, readonly string[]>> = {
  impossible: ['T1498', 'T1498.001'],
  unanswered: ['T1498', 'T1498.001'],
  unasked: ['T1498', 'T1498.002'],
};

export default defineSignal({
  id: 'packet_flood',
  version: 1,
  brief: 'A host is sent more packets than anybody asked for, by many or by none.',
  attack: ['T1498', 'T1498.001', 'T1498.002'],
  needs: ['conn'],
  budget: { bytes: 25_000_000, holds: '4,096 targets with up to 64 peers' },
  settings: {
    /** Different peers within the window. At most 64. */
    peers_min: 50,
    /** The same, of addresses that no host has: any is one too many. */
    impossible_min: 5,
    window_seconds: 2,
    targets_max: 4096,
  },
  run({ settings, keyed }) {
    const window = settings.window_seconds * SECOND;
    const targets = keyed('targets', { max: settings.targets_max, idle: DAY }, recentCodec);
    return {
      on: {
        conn(obs, event, emit) {
          // Most flows carry something, and are no part of it.
          if (event.orig_bytes || event.resp_bytes || event.proto !== 6) return;
          // `^h`: the first packet was an answer to a SYN that was not there, and the ends were turned around.
          const isUnasked = event.history === '^h' || event.history === 'h';
          const isOpening = event.history === 'S' || event.history === 'SS';
          const kind: Kind | undefined = isUnasked
            ? 'unasked'
            : isImpossible(event.orig_h)
              ? 'impossible'
              : isOpening && isKnock(event)
                ? 'unanswered'
                : undefined;
          if (kind === undefined) return;
          const peer = isUnasked ? event.resp_h : event.orig_h;
          // Senders without an address aim at anybody; the others at somebody.
          const target = kind === 'impossible' ? 'all' : isUnasked ? event.orig_h : event.resp_h;
          const key = `${kind}|${target}`;
          const e = targets.get(key, obs.seen) ?? targets.add(key, new Recent(), obs.seen);
          const peers = e.value;
          targets.touch(e, obs.seen);
          // By when the packets came: a flow is told of when it ends, all of a minute together.
          const n = peers.add(peer, event.ts, window, PEERS);
          peers.trail(event.uid, obs.ref);
          if (n < (kind === 'impossible' ? settings.impossible_min : settings.peers_min)) return;
          if (!peers.firstOn(dayOf(obs.seen))) return;
          const own = isUnasked ? obs.hosts.orig_host : obs.hosts.resp_host;
          emit({
            ...ofFlow(obs),
            score: kind === 'unanswered' ? 0.6 : 0.7,
            key,
            ...{ src: undefined, srcIp: null, dst: own, dstIp: isUnasked ? event.orig_h : event.resp_h },
            dstPort: isUnasked ? event.orig_p : event.resp_p,
            first: peers.since(event.ts),
            count: n,
            uids: peers.uids,
            refs: peers.refs,
            attack: ATTACK[kind],
            features: { peers: n, window_s: settings.window_seconds },
            explanation:
              `${SAYS[kind]}: ${n} within ${settings.window_seconds} s, to ` +
              `${isUnasked ? event.orig_h : event.resp_h} and so on: ${peers.some(6)}.`,
          });
        },
      },
    };
  },
});
