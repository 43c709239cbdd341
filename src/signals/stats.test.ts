import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  bowleySkew,
  GAPS_MAX,
  likeness,
  median,
  medianAbsoluteDeviation,
  quantile,
  regularity,
  sortSmall,
} from './stats.ts';

const ring = (min: number) => fc.array(fc.integer({ min: 0, max: 1e9 }), { minLength: min, maxLength: GAPS_MAX });
const sorted = (v: readonly number[]): Float64Array => Float64Array.from(v).sort();

describe('robust statistics', () => {
  it('sort as the library does', () => {
    fc.assert(
      fc.property(ring(0), (v) => {
        const own = Float64Array.from(v);
        sortSmall(own, v.length);
        assert.deepEqual(own, sorted(v));
      }),
    );
  });

  it('have quantiles that agree with values worked by hand', () => {
    const v = sorted([1, 2, 3, 4, 10]);
    assert.deepEqual(
      [0, 0.25, 0.5, 0.75, 1].map((q) => quantile(v, 5, q)),
      [1, 2, 3, 4, 10],
    );
    assert.equal(median(sorted([1, 3]), 2), 2);
    assert.equal(median(sorted([]), 0), 0);
    assert.equal(medianAbsoluteDeviation(v, 5, 3, new Float64Array(5)), 1);
    assert.equal(bowleySkew(sorted([0, 1, 2, 4, 8]), 5), (1 + 4 - 4) / 3);
  });

  it('stay within their ranges and mind neither order nor unit', () => {
    fc.assert(
      fc.property(ring(1), fc.integer({ min: 2, max: 1000 }), (v, unit) => {
        const r = regularity(v, 0.3);
        for (const x of [r.onBeat, r.kept]) assert.ok(x >= 0 && x <= 1, JSON.stringify(r));
        assert.ok(r.kept >= r.onBeat && r.jitter >= 0 && r.skew >= -1 && r.skew <= 1 && r.n <= v.length);
        assert.deepEqual(regularity([...v].reverse(), 0.3), r);
        const scaled = regularity(
          v.map((x) => x * unit),
          0.3,
        );
        assert.ok(Math.abs(scaled.jitter - r.jitter) < 1e-9 && Math.abs(scaled.skew - r.skew) < 1e-9);
        const l = likeness(v);
        assert.ok(l.likeness >= 0 && l.likeness <= 1 && l.median >= 0);
      }),
    );
  });

  it('shrug off a quarter of odd gaps', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1e9 }), { maxLength: 7 }), (odd) => {
        const r = regularity([...Array<number>(25).fill(60_000), ...odd], 0.3);
        assert.equal(r.period, 60_000);
        assert.equal(r.jitter, 0);
      }),
    );
  });

  it('count missed beats as kept, and nights not at all', () => {
    const r = regularity([60, 60, 60, 120, 60, 60, 180, 60, 60, 60], 0.3);
    assert.deepEqual([r.missed, r.onBeat, r.kept, r.n], [3, 0.8, 1, 10]);
    const night = regularity([60, 60, 60, 60, 800, 60, 60, 60], 0.3, 400);
    assert.deepEqual([night.n, night.kept], [7, 1]);
    // With more than a quarter of nights the rest is no rhythm.
    assert.equal(regularity([60, 60, 800, 900, 60], 0.3, 400).n, 4);
  });

  it('have an answer to nothing', () => {
    assert.equal(regularity([], 0.3).jitter, 1);
    assert.equal(regularity([0, 0, 0], 0.3).kept, 0);
    assert.deepEqual(likeness([]), { median: 0, likeness: 1 });
  });

  for (const n of [GAPS_MAX - 1, GAPS_MAX, GAPS_MAX + 1]) {
    it(`look at ${Math.min(n, GAPS_MAX)} of ${n} gaps`, () => {
      assert.equal(regularity(Array<number>(n).fill(5), 0.3).n, Math.min(n, GAPS_MAX));
    });
  }
});
