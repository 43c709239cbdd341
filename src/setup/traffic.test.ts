import assert from 'node:assert/strict';
import { type Frame, hasCopies, isOneWay, isSpan, Listener } from './traffic.ts';

const OWN = '02:00:00:00:00:99';
const MS = 1_000_000n;

interface Made {
  readonly to?: number;
  readonly from?: number;
  readonly vlans?: readonly number[];
  readonly ports?: readonly [number, number];
  readonly reverse?: boolean;
  readonly id?: number;
  readonly ttl?: number;
  readonly at?: bigint;
}

/** An Ethernet frame with an IPv4 packet of TCP; ends of addresses are one byte. */
function frame(o: Made = {}): Frame {
  const { to = 2, from = 1, vlans = [], ports = [40_000, 443], reverse = false, id = 1, ttl = 64, at = 0n } = o;
  const mac = (n: number): number[] => [2, 0, 0, 0, 0, n];
  const tags = vlans.flatMap((v) => [0x81, 0, v >> 8, v & 255]);
  const [a, b] = reverse ? [2, 1] : [1, 2];
  const [p, q] = reverse ? [ports[1], ports[0]] : ports;
  const ip = [0x45, 0, 0, 40, id >> 8, id & 255, 0, 0, ttl, 6, 0, ttl, 10, 0, 0, a, 10, 0, 0, b];
  const tcp = [p >> 8, p & 255, q >> 8, q & 255, ...Array(16).fill(0)];
  const bytes = Uint8Array.from([...mac(to), ...mac(from), ...tags, 8, 0, ...ip, ...tcp]);
  return { ts: at, bytes, wireBytes: bytes.length };
}

const hear = (...frames: Frame[]) => {
  const listener = new Listener(OWN);
  for (const f of frames) listener.take(f);
  return listener.heard;
};
const many = (n: number, make: (i: number) => Made): Frame[] => Array.from({ length: n }, (_, i) => frame(make(i)));

describe('setup: what an interface hears', () => {
  it('unicast between others is a span port; its own, broadcast and a handful are not', () => {
    assert.ok(isSpan(hear(...many(10, (id) => ({ id })))));
    assert.ok(!isSpan(hear(...many(9, (id) => ({ id })))));
    assert.ok(!isSpan(hear(...many(20, (id) => ({ id, to: 0x99 })))));
    assert.ok(!isSpan(hear(...many(20, (id) => ({ id, from: 0x99 })))));
    // Half is enough, less is an office's stray flood.
    const mixed = (own: number) => hear(...many(10, (id) => ({ id })), ...many(own, (id) => ({ id, to: 0x99 })));
    assert.ok(isSpan(mixed(10)));
    assert.ok(!isSpan(mixed(11)));
  });

  it('flows of which only one side comes', () => {
    const flow = (i: number, both: boolean): Frame[] => [
      frame({ ports: [1000 + i, 80], id: 1 }),
      frame({ ports: [1000 + i, 80], id: 2, reverse: both }),
    ];
    const flows = (one: number, both: number): Frame[] =>
      Array.from({ length: one + both }, (_, i) => flow(i, i >= one)).flat();
    const h = hear(...flows(3, 3));
    assert.deepEqual([h.flows, h.oneWay], [6, 3]);
    assert.ok(!isOneWay(h));
    assert.ok(isOneWay(hear(...flows(4, 3))));
    assert.ok(!isOneWay(hear(...flows(4, 0))), 'too few to tell');
  });

  it('a packet that comes again within 50 ms is a copy, also in another VLAN and with another TTL', () => {
    const pair = (i: number, gap: bigint): Frame[] => [
      frame({ id: i, vlans: [10], at: BigInt(i) * 1000n * MS }),
      frame({ id: i, vlans: [20], ttl: 63, at: BigInt(i) * 1000n * MS + gap }),
    ];
    const pairs = (gap: bigint): Frame[] => Array.from({ length: 10 }, (_, i) => pair(i, gap)).flat();
    const h = hear(...pairs(50n * MS));
    assert.equal(h.copies, 10);
    assert.ok(hasCopies(h));
    assert.deepEqual(
      [...h.vlans],
      [
        [10, 10],
        [20, 10],
      ],
    );
    assert.equal(hear(...pairs(51n * MS)).copies, 0);
    // Another id is another packet.
    assert.equal(hear(...many(10, (id) => ({ id }))).copies, 0);
  });

  it('a frame that is cut anywhere is counted and harms nothing', () => {
    const whole = frame({ vlans: [1, 2] });
    const listener = new Listener(OWN);
    for (let n = 0; n <= whole.bytes.length; n++) listener.take({ ...whole, bytes: whole.bytes.subarray(0, n) });
    assert.equal(listener.heard.frames, whole.bytes.length + 1);
  });
});
