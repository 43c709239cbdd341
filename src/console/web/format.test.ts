import assert from 'node:assert/strict';
import {
  agoText,
  bytesText,
  countText,
  exactTime,
  shareText,
  shellWord,
  shortSpan,
  spanText,
  ticksOf,
  timeText,
} from './format.ts';
import { spread } from './spread.ts';

const DAY = 86_400e6;

describe('console: how things are written', () => {
  it('times are UTC, to the microsecond where all is wanted', () => {
    assert.equal(timeText(1701082800064000), '2023-11-27 11:00:00');
    assert.equal(exactTime(1701082800064001), '2023-11-27 11:00:00.064001 UTC');
    assert.equal(exactTime(-1), '1969-12-31 23:59:59.999999 UTC');
    assert.equal(timeText(9e18), '9000000000000000000 us');
    assert.equal(exactTime(Number.NaN), 'NaN us');
  });

  it('lengths of time have one unit and a tenth', () => {
    const rows: readonly (readonly [number, string, string])[] = [
      [0, 'at once', '0 s'],
      [24_000, '24 ms', '24 ms'],
      [1e6, '1 second', '1 s'],
      [90e6, '1.5 minutes', '1.5 min'],
      [30.92 * DAY, '30.9 days', '30.9 d'],
      [700 * DAY, '700 days', '700 d'],
      [1096 * DAY, '3 years', '3 y'],
    ];
    for (const [us, long, short] of rows) assert.deepEqual([spanText(us), shortSpan(us)], [long, short]);
    assert.equal(agoText(0, DAY), '1 day ago');
    assert.equal(agoText(2 * DAY, 0), 'in 2 days');
    assert.equal(agoText(5, 6), 'now');
  });

  it('amounts keep what tells them apart', () => {
    assert.deepEqual([0, 999, 1000, 1234567].map(countText), ['0', '999', '1,000', '1,234,567']);
    assert.deepEqual([0, 999, 1000, 999_500, 1e9].map(bytesText), ['0 B', '999 B', '1.0 kB', '1.0 MB', '1.0 GB']);
    assert.deepEqual([0, 0.5, 0.999, 0.9999988, 1].map(shareText), ['0 %', '50.0 %', '99.90 %', '99.99988 %', '100 %']);
  });

  it('a word of a shell cannot leave its quotes', () => {
    assert.equal(shellWord('178dd21918ee305d'), '178dd21918ee305d');
    assert.equal(shellWord("a'$(id)'b"), `'a'\\''$(id)'\\''b'`);
    assert.equal(shellWord(''), "''");
    assert.equal(shellWord('-rf'), "'-rf'");
    assert.equal(shellWord('a\nb'), "'a\nb'");
  });

  it('ticks are round and few, for a second as for a century', () => {
    for (const length of [1e6, 60e6, 3600e6, DAY, 33 * DAY, 400 * DAY, 36_500 * DAY]) {
      const ticks = ticksOf(1.7e15, 1.7e15 + length, 8);
      assert.ok(ticks.length >= 1 && ticks.length <= 8, `${length}: ${ticks.length}`);
    }
    assert.deepEqual(ticksOf(5, 5, 8), []);
  });

  it('numbers on the line keep apart, in order, inside', () => {
    assert.deepEqual(spread([0, 100, 200], 26, 300), [0, 100, 200]);
    assert.deepEqual(spread([0, 0, 10], 26, 300), [0, 26, 52]);
    assert.deepEqual(spread([290, 295, 300], 26, 300), [248, 274, 300]);
    assert.deepEqual(spread([], 26, 300), []);
  });
});
