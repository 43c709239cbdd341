import assert from 'node:assert/strict';
import { Gate, Rates, visitor } from './limits.ts';
import { HandClock } from './testing.ts';

describe('console: limits', () => {
  it('a bucket gives its burst, then one every so often', () => {
    const clock = new HandClock();
    const rates = new Rates(clock, { burst: 3, everyMs: 100, keysMax: 10 });
    assert.deepEqual(
      [1, 2, 3, 4].map(() => rates.take('a')),
      [0, 0, 0, 100],
    );
    assert.equal(rates.take('b'), 0, 'another visitor has his own');
    clock.now = 50;
    assert.equal(rates.take('a'), 50);
    clock.now = 100;
    assert.equal(rates.take('a'), 0);
    clock.now = 1e9;
    assert.deepEqual(
      [1, 2, 3, 4].map(() => rates.take('a')),
      [0, 0, 0, 100],
      'never more than the burst',
    );
  });

  it('remembers so many keys and not one more; who asked longest ago goes', () => {
    const rates = new Rates(new HandClock(), { burst: 1, everyMs: 100, keysMax: 3 });
    for (const key of ['a', 'b']) rates.take(key);
    assert.equal(rates.size, 2);
    rates.take('c');
    assert.equal(rates.size, 3);
    rates.take('a');
    rates.take('d');
    assert.equal(rates.size, 3);
    assert.ok(rates.take('a') > 0, 'asked again, and kept');
    assert.equal(rates.take('b'), 0, 'forgotten');
    rates.take('__proto__');
    assert.equal(rates.size, 3);
  });

  it('so many run, so many wait in order, the next is told that there is no room', async () => {
    const gate = new Gate(2, 2);
    const ends: (() => void)[] = [];
    const begun: number[] = [];
    const task = (n: number) => (): Promise<number> => {
      begun.push(n);
      return new Promise((done) => ends.push(() => done(n)));
    };
    const runs = [0, 1, 2, 3].map((n) => gate.run(task(n)));
    assert.equal(await gate.run(task(4)), undefined);
    assert.deepEqual(begun, [0, 1]);
    ends[0]?.();
    assert.deepEqual(await runs[0], { value: 0 });
    assert.deepEqual(begun, [0, 1, 2]);
    ends[1]?.();
    await runs[1];
    assert.deepEqual(begun, [0, 1, 2, 3]);
    for (const end of ends) end();
    await Promise.all(runs);
    await assert.rejects(gate.run(() => Promise.reject(new Error('a failure gives its place back'))));
    const again = [5, 6].map((n) => gate.run(task(n)));
    assert.deepEqual(begun.slice(-2), [5, 6]);
    for (const end of ends) end();
    await Promise.all(again);
  });

  it('a visitor is an IPv4 address or the /64 of an IPv6 one', () => {
    const rows: readonly (readonly [string | undefined, string])[] = [
      ['192.0.2.1', '192.0.2.1'],
      ['::ffff:192.0.2.1', '192.0.2.1'],
      ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
      ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
      ['2001:db8::1', '2001:db8:0:0::/64'],
      ['::1', '0:0:0:0::/64'],
      [undefined, ''],
    ];
    for (const [address, who] of rows) assert.equal(visitor(address), who);
  });
});
