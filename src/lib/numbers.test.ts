import assert from 'node:assert/strict';
import fc from 'fast-check';
import { clockText, countText, doubleJson, roundSeconds, secondsText } from './numbers.ts';

describe('numbers', () => {
  it('seconds keep every microsecond', () => {
    assert.equal(secondsText(0), '0.000000');
    assert.equal(secondsText(1), '0.000001');
    assert.equal(secondsText(999_999), '0.999999');
    assert.equal(secondsText(1_523_241_953_739_049), '1523241953.739049');
    assert.equal(secondsText(Number.MAX_SAFE_INTEGER), '9007199254.740991');
    assert.equal(secondsText(1_000_000), '1.000000');
    assert.equal(secondsText(-1_500_000), '-1.500000');
    assert.equal(secondsText(1e21), '1000000000000000');
    fc.assert(
      fc.property(fc.maxSafeNat(), (us) => {
        const [whole, fraction] = secondsText(us).split('.') as [string, string];
        assert.equal(fraction.length, 6);
        assert.equal(BigInt(whole) * 1_000_000n + BigInt(fraction), BigInt(us));
      }),
    );
  });

  it('durations lose the noise of binary fractions', () => {
    assert.equal(roundSeconds(0.1 + 0.2), 0.3);
    assert.equal(roundSeconds(30.308350086212158), 30.30835);
    assert.equal(roundSeconds(0), 0);
    assert.equal(roundSeconds(2 ** 33 - 0.1), 8589934591.9);
    assert.equal(roundSeconds(1.7e308), 1.7e308);
    assert.equal(doubleJson(roundSeconds(Number.NaN)), 'null');
    assert.equal(doubleJson(Number.NEGATIVE_INFINITY), 'null');
  });

  it('counts have three digits and a unit', () => {
    const rows: readonly (readonly [number, string])[] = [
      [0, '0'],
      [999, '999'],
      [1000, '1.00 k'],
      [9_999, '10.0 k'],
      [12_345, '12.3 k'],
      [999_499, '999 k'],
      [999_500, '1.00 M'],
      [12_345_678, '12.3 M'],
      [1.5e12, '1.50 T'],
      [1.5e16, '15000 T'],
    ];
    for (const [n, text] of rows) assert.equal(countText(n), text);
  });

  it('times on the clock', () => {
    const rows: readonly (readonly [number, string])[] = [
      [0.4, '0 s'],
      [59.4, '59 s'],
      [59.5, '1:00'],
      [185, '3:05'],
      [3723, '1:02:03'],
    ];
    for (const [s, text] of rows) assert.equal(clockText(s), text);
  });
});
