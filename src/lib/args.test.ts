import assert from 'node:assert/strict';
import { choice, nameList, seconds, wholeNumber } from './args.ts';
import type { Result } from './fault.ts';

const outcome = <T>(r: Result<T>): T | string =>
  r.ok ? r.value : `${r.fault.code}: ${r.fault.message} (${r.fault.hint})`;

describe('args', () => {
  it('whole numbers are digits, within their range', () => {
    assert.equal(outcome(wholeNumber('--count', '1', 1)), 1);
    assert.equal(outcome(wholeNumber('--count', '9007199254740991', 1)), Number.MAX_SAFE_INTEGER);
    assert.equal(outcome(wholeNumber('--n', '64', 64, 65)), 64);
    assert.equal(outcome(wholeNumber('--n', '65', 64, 65)), 65);
    for (const text of ['63', '66', '', ' 64', '6e1', '0x40', '64.0', '-64'])
      assert.equal(
        outcome(wholeNumber('--n', text, 64, 65)),
        `usage: --n '${text}' is no whole number (give 64 to 65)`,
      );
    assert.equal(
      outcome(wholeNumber('--n', '9007199254740993', 1)),
      "usage: --n '9007199254740993' is no whole number (give 1 or more)",
    );
  });

  it('times have a unit, or are seconds', () => {
    const rows: readonly (readonly [string, number])[] = [
      ['90', 90],
      ['1.5', 1.5],
      ['90s', 90],
      ['15m', 900],
      ['2h', 7200],
      ['1d', 86400],
      ['0.000001', 0.000001],
    ];
    for (const [text, value] of rows) assert.equal(outcome(seconds('--duration', text)), value);
    for (const text of ['0', '0s', '', 's', '-1', '1e3', '1 m', '1w', 'Infinity'])
      assert.match(String(outcome(seconds('--duration', text))), /^usage: --duration '.*' is no length of time/);
  });

  it('a choice is one of them, in their spelling', () => {
    assert.equal(outcome(choice('--as', 'zeek', ['json', 'zeek'])), 'zeek');
    assert.equal(
      outcome(choice('--as', 'Zeek', ['json', 'zeek'])),
      "usage: --as 'Zeek' is unknown (one of json, zeek)",
    );
    assert.equal(outcome(choice('--as', 'toString', ['json'])), "usage: --as 'toString' is unknown (one of json)");
  });

  it('a list has each name once', () => {
    assert.deepEqual(nameList('conn, dns,,conn '), ['conn', 'dns']);
    assert.deepEqual(nameList(' , '), []);
  });
});
