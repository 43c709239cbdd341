import assert from 'node:assert/strict';
import type { CoverageEvent } from '../schema/gen/events.gen.ts';
import { CoverageLedger, DAYS_MAX } from './coverage.ts';
import { openState } from './state.ts';

const MINUTE = 60e6;
const DAY = 1440 * MINUTE;
const T0 = 19_676 * DAY;

const row = (minute: number, measured: number, protocol_class = 'all'): CoverageEvent =>
  ({ minute, measured, protocol_class }) as CoverageEvent;

describe('coverage ledger', () => {
  const section = () => {
    const state = openState(undefined);
    assert.ok(state.ok);
    return state.value.section('coverage');
  };

  it('a minute that nobody wrote down is blind', () => {
    const ledger = new CoverageLedger(section());
    assert.equal(ledger.of(T0, T0 + MINUTE), 0);
    ledger.observe(row(T0, 1));
    ledger.observe(row(T0 + 2 * MINUTE, 1));
    assert.equal(ledger.of(T0, T0 + MINUTE), 1);
    assert.equal(ledger.of(T0, T0 + 3 * MINUTE), 2 / 3);
    assert.equal(ledger.of(T0 + MINUTE / 2, T0 + 1.5 * MINUTE), 0.5, 'by how much of the minute lies between');
    assert.equal(ledger.of(T0 + MINUTE, T0 + MINUTE), 1, 'no time needs no watching');
    assert.equal(ledger.of(T0 - 30 * DAY, T0 + 30 * DAY) < 1e-4, true);
  });

  it('of several interfaces the worst counts, and a loss is never rounded away', () => {
    const ledger = new CoverageLedger(section());
    ledger.observe(row(T0, 1));
    ledger.observe(row(T0, 0.5));
    ledger.observe(row(T0, 1));
    assert.equal(ledger.of(T0, T0 + MINUTE), 0.5);
    ledger.observe(row(T0 + MINUTE, 1 - 1e-9));
    assert.ok(ledger.of(T0 + MINUTE, T0 + 2 * MINUTE) < 1);
    ledger.observe(row(T0 + 2 * MINUTE, 1, 'dns'));
    assert.equal(ledger.of(T0 + 2 * MINUTE, T0 + 3 * MINUTE), 0, 'other classes are not all');
  });

  it('is there again after a save, across days', () => {
    const kept = section();
    const ledger = new CoverageLedger(kept);
    for (let m = -2; m < 2; m++) ledger.observe(row(T0 + DAY + m * MINUTE, 1));
    ledger.save();
    const again = new CoverageLedger(kept);
    assert.equal(again.of(T0 + DAY - 2 * MINUTE, T0 + DAY + 2 * MINUTE), 1);
  });

  it('keeps so many days: one below, at, and one above', () => {
    for (const [days, oldest] of [
      [DAYS_MAX - 1, 1],
      [DAYS_MAX, 1],
      [DAYS_MAX + 1, 0],
    ] as const) {
      const kept = section();
      const ledger = new CoverageLedger(kept);
      for (let d = 0; d < days; d++) ledger.observe(row(T0 + d * DAY, 1));
      assert.equal(ledger.of(T0, T0 + MINUTE), oldest, `${days} days`);
      ledger.save();
      assert.equal([...kept.entries()].length, Math.min(days, DAYS_MAX));
    }
  });
});
