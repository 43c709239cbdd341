// Two hosts exchange echo messages that carry something.
//
// A ping sends the same payload again and again, and the reply has to return it (RFC 792, Echo: "the data received in
// the echo message must be returned in the echo reply message"). Payloads of many sizes, or replies of another size
// than their requests, are a conversation.
import { ofFlow, size } from '../flow.ts';
import type { Codec } from '../keyed.ts';
import { Recent } from '../recent.ts';
import { DAY, dayOf, defineSignal, MINUTE } from '../signal.ts';

const SIZES = 32;
const REQUEST = new Set([8, 128]);
const REPLY = new Set([0, 129]);

interface Pair {
  readonly sizes: Recent;
  /** The last request: identifier, number, payload. */
  id: number;
  seq: number;
  bytes: number;
  /** Replies of another size, and payload, since `since`. */
  uneven: number;
  carried: number;
  since: number;
}

const codec: Codec<Pair> = {
  pack: (p) => [p.sizes.pack(), p.id, p.seq, p.bytes, p.uneven, p.carried, p.since],
  unpack: (stored) => {
    const [sizes, id, seq, bytes, uneven, carried, since] = stored as [unknown[], ...number[]] as never as [
      ...[unknown[], number, number, number, number, number, number],
    ];
    return { sizes: Recent.unpack(sizes), id, seq, bytes, uneven, carried, since };
  },
};

export default defineSignal({
  id: 'icmp_tunnel',
  version: 1,
  brief: 'Echo messages between two hosts carry a conversation.',
  attack: ['T1572', 'T1095'],
  needs: ['icmp'],
  budget: { bytes: 60_000_000, holds: '16,384 pairs of hosts, with up to 32 payload sizes each' },
  settings: {
    /** Distinct payload sizes within the window. At most 32. */
    sizes_min: 6,
    /** Replies whose payload has another size than their request's. */
    uneven_min: 3,
    /** A payload longer than this is a test of the path's MTU, not a message. */
    size_max: 1200,
    window_minutes: 10,
    pairs_max: 16_384,
  },
  run({ settings, keyed }) {
    const window = settings.window_minutes * MINUTE;
    const pairs = keyed('pairs', { max: settings.pairs_max, idle: DAY }, codec);
    return {
      on: {
        icmp(obs, event, emit) {
          const isRequest = REQUEST.has(event.icmp_type);
          if (!isRequest && !REPLY.has(event.icmp_type)) return;
          const { orig_host: src, resp_host: dst } = obs.hosts;
          if (src === undefined || dst === undefined) return;
          // Whoever asked first: a tunnel's ends take turns.
          const key = src.id < dst.id ? `${src.id}|${dst.id}` : `${dst.id}|${src.id}`;
          let e = pairs.get(key, obs.seen);
          if (e === undefined) {
            const fresh = { sizes: new Recent(), id: -1, seq: -1, bytes: -1, uneven: 0, carried: 0, since: obs.seen };
            e = pairs.add(key, fresh, obs.seen);
          }
          const p = e.value;
          if (obs.seen - p.since > window) {
            p.since = obs.seen;
            p.uneven = 0;
            p.carried = 0;
          }
          pairs.touch(e, obs.seen);
          p.carried += event.payload_bytes;
          if (isRequest) {
            p.id = event.id ?? -1;
            p.seq = event.seq ?? -1;
            p.bytes = event.payload_bytes;
          } else if (p.id === event.id && p.seq === event.seq && p.bytes !== event.payload_bytes) {
            p.uneven++;
          }
          const n =
            event.payload_bytes <= settings.size_max
              ? p.sizes.add(String(event.payload_bytes), obs.seen, window, SIZES)
              : p.sizes.size;
          p.sizes.trail(event.uid, obs.ref);
          if (n < settings.sizes_min && p.uneven < settings.uneven_min) return;
          if (!p.sizes.firstOn(dayOf(obs.seen))) return;
          emit({
            ...ofFlow(obs),
            score: 0.6 + (p.uneven >= settings.uneven_min ? 0.2 : 0),
            key,
            first: Math.min(p.since, p.sizes.since(obs.seen)),
            count: n,
            dstPort: null,
            uids: p.sizes.uids,
            refs: p.sizes.refs,
            features: { sizes: n, uneven: p.uneven, bytes: p.carried },
            explanation:
              `Echo messages between ${event.orig_h} and ${event.resp_h} carried ${size(p.carried)} in payloads of ${n} sizes ` +
              `(${p.sizes.some(8)}), and ${p.uneven} replies did not return what was asked.`,
          });
        },
      },
    };
  },
});
