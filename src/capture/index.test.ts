import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encodeBatch } from '../schema/encode.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import { KIND_IDS } from '../schema/gen/structures.gen.ts';
import type { NativeDrain, NativeReader, Summary } from './addon.ts';
import { type Drain, forEachInOrder, Reader } from './index.ts';

const weird = { ts: 0, source: 'tcp', notice: false, firstSeen: 0, lastSeen: 0, count: 1 };
const arp = {
  ...{ ts: 0, opcode: 1, hw_src_mac: '00:00:00:00:00:01', hw_dst_mac: 'ff:ff:ff:ff:ff:ff', gratuitous: false },
  ...{ sender_mac: '00:00:00:00:00:01', sender_ip: '192.0.2.1', target_mac: '00:00:00:00:00:00' },
  target_ip: '192.0.2.2',
};

/** Batches of events that only differ in when they were complete. */
function drainOf(arps: readonly number[], weirds: readonly number[]): Drain {
  const batches = [
    {
      kind: 'arp' as KindName,
      bytes: encodeBatch(
        'arp',
        arps.map((seen) => ({ ...arp, seen })),
      ),
    },
    {
      kind: 'weird' as KindName,
      bytes: encodeBatch(
        'weird',
        weirds.map((seen, i) => ({ ...weird, seen, name: `w${i}` })),
      ),
    },
  ];
  return { batches: batches.map((b) => ({ ...b, count: 0, firstSeen: 0, lastSeen: 0 })), segments: [] };
}

function orderOf(drain: Pick<Drain, 'batches'>): [kind: KindName, seen: number][] {
  const out: [KindName, number][] = [];
  forEachInOrder(drain, (kind, event) => out.push([kind, event.seen]));
  return out;
}

/** A decoder that hands over what it was given, and remembers what was asked of it. */
class FakeNative implements NativeReader {
  readonly asked: string[] = [];
  private readonly drains: NativeDrain[];
  constructor(drains: NativeDrain[]) {
    this.drains = drains;
  }
  async next(): Promise<NativeDrain | null> {
    this.asked.push('next');
    return this.drains.shift() ?? null;
  }
  summary(): Summary {
    throw new Error('not asked for');
  }
  stop(): void {
    this.asked.push('stop');
    this.drains.length = 0;
  }
  hold(uid: string): boolean {
    this.asked.push(`hold ${uid}`);
    return true;
  }
  release(uid: string): boolean {
    this.asked.push(`release ${uid}`);
    return true;
  }
}

const nativeDrain = (kind: number): NativeDrain => ({
  buffer: new ArrayBuffer(8),
  batches: [{ kind, count: 0, firstSeen: 0, lastSeen: 0, offset: 4, length: 4 }],
});

describe('capture', () => {
  it('one drain is in the order of seen; of equals the lower kind first', () => {
    assert.deepEqual(orderOf(drainOf([1, 5, 5, 9], [0, 5, 6])), [
      ['weird', 0],
      ['arp', 1],
      ['arp', 5],
      ['arp', 5],
      ['weird', 5],
      ['weird', 6],
      ['arp', 9],
    ]);
  });

  it('no batches, no events; one batch as it is', () => {
    assert.deepEqual(orderOf({ batches: [] }), []);
    assert.deepEqual(orderOf(drainOf([], [])), []);
    assert.deepEqual(orderOf(drainOf([3, 4], [])), [
      ['arp', 3],
      ['arp', 4],
    ]);
  });

  it('is a stable sort, whatever the times', () => {
    const times = fc.array(fc.nat(20), { maxLength: 30 }).map((a) => a.sort((x, y) => x - y));
    fc.assert(
      fc.property(times, times, (a, w) => {
        const want = [...a.map((t) => ['arp', t] as const), ...w.map((t) => ['weird', t] as const)];
        assert.deepEqual(
          orderOf(drainOf(a, w)),
          want.sort((x, y) => x[1] - y[1]),
        );
      }),
    );
  });

  it('asks for the next drain before it hands out the last', async () => {
    const native = new FakeNative([nativeDrain(KIND_IDS.conn), nativeDrain(KIND_IDS.dns)]);
    const seen: unknown[] = [];
    let stood = 0;
    for await (const drain of new Reader(native).drains(() => stood++)) {
      assert.ok(drain.ok);
      seen.push([native.asked.length, drain.value.batches[0]?.kind, drain.value.batches[0]?.bytes.byteOffset]);
    }
    assert.deepEqual(seen, [
      [2, 'conn', 4],
      [3, 'dns', 4],
    ]);
    assert.equal(stood, 2);
  });

  it('left early, the decoder is stopped', async () => {
    const native = new FakeNative([nativeDrain(1), nativeDrain(1), nativeDrain(1)]);
    for await (const _ of new Reader(native).drains()) break;
    assert.deepEqual(native.asked, ['next', 'next', 'stop']);
  });

  it('a kind that is unknown here is a fault, and the end', async () => {
    const native = new FakeNative([nativeDrain(60000), nativeDrain(1)]);
    const codes: string[] = [];
    for await (const drain of new Reader(native).drains()) codes.push(drain.ok ? 'ok' : drain.fault.code);
    assert.deepEqual(codes, ['addon_mismatch']);
  });
});
