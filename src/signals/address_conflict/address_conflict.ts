// An address is claimed by one machine after another, again and again; or leases come from two servers at once.
//
// Two machines with one address is a mistake that somebody mends; a fight over the gateway's, in which each answers the
// other's claim, is what lets one of them read along (RFC 5227 2.4 knows it as a conflict).
import type { Codec } from '../keyed.ts';
import { DAY, dayOf, defineSignal, MINUTE } from '../signal.ts';

interface Fight {
  /** Who claimed it last, who before, and when it went over to another [us]. */
  mac: string;
  other: string;
  turns: number[];
  told: number;
}
const codec: Codec<Fight> = {
  pack: (f) => [f.mac, f.other, f.turns, f.told],
  unpack: (stored) => {
    const [mac, other, turns, told] = stored as [string, string, number[], number];
    return { mac, other, turns, told };
  },
};
/** Turns kept of an address. */
const TURNS = 32;
/** RFC 5798 7.3 and its like: addresses that move between machines by design have MACs of their own. */
const VIRTUAL = /^(?:00:00:5e:00:0[12]:|00:00:0c:07:ac:|00:00:0c:9f:f|00:07:b4:|02:bf:|00:05:73:a0:)/;

export default defineSignal({
  id: 'address_conflict',
  version: 1,
  brief: 'Two machines claim one address in turn.',
  attack: ['T1557.002', 'T1557'],
  needs: ['arp'],
  budget: { bytes: 9_000_000, holds: '16,384 addresses with who claimed them, and up to 32 turns' },
  settings: {
    /** How often it went from one to the other and back within the window. At most 32. */
    turns_min: 6,
    window_minutes: 10,
    addresses_max: 16_384,
  },
  run({ settings, keyed }) {
    const window = settings.window_minutes * MINUTE;
    const addresses = keyed('addresses', { max: settings.addresses_max, idle: DAY, grain: MINUTE }, codec);
    return {
      on: {
        arp(obs, event, emit) {
          const { sender_ip: ip, sender_mac: mac } = event;
          if (ip === '0.0.0.0' || mac === '00:00:00:00:00:00' || VIRTUAL.test(mac)) return;
          // Whoever announces; a request is also said by its sender, as one.
          const key = `${event.vlan ?? ''}|${ip}`;
          const e = addresses.get(key, obs.seen);
          if (e === undefined) {
            addresses.add(key, { mac, other: '', turns: [], told: -1 }, obs.seen);
            return;
          }
          const f = e.value;
          if (f.mac === mac) {
            addresses.touch(e, obs.seen);
            return;
          }
          // A third machine begins anew.
          f.turns = f.other === mac || f.other === '' ? f.turns.filter((at) => obs.seen - at <= window) : [];
          f.turns.push(obs.seen);
          if (f.turns.length > TURNS) f.turns.shift();
          [f.other, f.mac] = [f.mac, mac];
          addresses.touch(e, obs.seen);
          addresses.mark(e);
          const day = dayOf(obs.seen);
          if (f.turns.length < settings.turns_min || f.told === day) return;
          f.told = day;
          emit({
            phase: 'once',
            ...{ first: f.turns[0] as number, last: obs.seen, count: f.turns.length },
            score: 0.6,
            key,
            srcIp: ip,
            dstIp: null,
            dstPort: null,
            uids: [],
            refs: [obs.ref],
            inputs: [obs.hash],
            features: { turns: f.turns.length, replies: event.opcode === 2 ? 1 : 0 },
            explanation: `${ip} went from ${f.other} to ${mac} or back ${f.turns.length} times within ${settings.window_minutes} min.`,
          });
        },
      },
    };
  },
});
