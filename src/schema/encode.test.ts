import assert from 'node:assert/strict';
import { decodeBatch } from './decode.ts';
import { encodeBatches } from './encode.ts';

const act = (seen: number, detail = '') => ({
  ...{ action: 'a', outcome: 'done', reason: '', actor: '', address: '', target: '' },
  ...{ ts: seen, seen, detail },
});

describe('batches', () => {
  it('hold every event once, in order, and none is longer than it may be', () => {
    const events = Array.from({ length: 20_000 }, (_, i) => act(20_000 - i, 'x'.repeat(i % 400)));
    const batches = encodeBatches('audit', events, 65_536);
    assert.ok(batches.length > 50);
    assert.ok(batches.every((b) => b.bytes.length <= 65_536));
    assert.deepEqual(
      batches.flatMap((b) => decodeBatch('audit', b.bytes).map((e) => e.seen)),
      events.map((e) => e.seen),
    );
    for (const b of batches) {
      const seen = decodeBatch('audit', b.bytes).map((e) => e.seen);
      assert.deepEqual([b.count, b.firstSeen, b.lastSeen], [seen.length, Math.min(...seen), Math.max(...seen)]);
    }
  });

  it('a record that is longer than that is a batch of its own; no event is no batch', () => {
    const batches = encodeBatches('audit', [act(1), act(2, 'x'.repeat(400)), act(3)], 100);
    assert.deepEqual(
      batches.map((b) => b.count),
      [1, 1, 1],
    );
    assert.deepEqual(encodeBatches('audit', []), []);
  });
});
