import assert from 'node:assert/strict';
import type { Clock } from './clock.ts';
import { Progress, progressLine } from './progress.ts';

class HandClock implements Clock {
  now = 0;
  wall = (): number => this.now * 1000;
  monotonic = (): number => this.now;
  after = () => ({ cancel: () => undefined });
}

const screen = (isTTY: boolean) => {
  const written: string[] = [];
  return { isTTY, columns: 80, written, write: (text: string) => written.push(text) };
};
const state = { done: 50, total: 200, packets: 12_345, name: 'day.pcap' };

describe('progress', () => {
  it('is nothing where nobody watches', () => {
    const s = screen(false);
    const clock = new HandClock();
    const p = new Progress(s, clock);
    clock.now = 10_000;
    assert.equal(p.isDue(), false);
    p.draw(state);
    p.erase();
    assert.deepEqual(s.written, []);
  });

  it('waits for a run that is worth watching, then keeps its pace, and leaves no trace', () => {
    const s = screen(true);
    const clock = new HandClock();
    const p = new Progress(s, clock);
    clock.now = 499;
    assert.equal(p.isDue(), false);
    p.erase();
    assert.deepEqual(s.written, []);
    clock.now = 500;
    assert.equal(p.isDue(), true);
    p.draw(state);
    assert.equal(p.isDue(), false);
    clock.now = 599;
    assert.equal(p.isDue(), false);
    clock.now = 600;
    assert.equal(p.isDue(), true);
    p.erase();
    p.erase();
    assert.equal(s.written.length, 2);
    assert.equal(s.written[1], '\r\x1b[K');
  });

  it('says how far, how fast and what', () => {
    assert.equal(
      progressLine(state, 2000, 100),
      '[######..................]  25 %  6 s left  12.3 k packets  6.17 k/s  day.pcap',
    );
    assert.equal(progressLine({ ...state, total: 0, name: 'eth0' }, 2000, 80), '2 s  12.3 k packets  6.17 k/s  eth0');
  });

  it('never wraps, and is safe to show', () => {
    for (let columns = 0; columns < 120; columns++)
      assert.ok(progressLine({ ...state, name: 'x'.repeat(200) }, 2000, columns).length <= Math.max(0, columns - 1));
    assert.match(progressLine({ ...state, name: 'a\u001b[2Jb.pcap' }, 2000, 120), /a\\x1b\[2Jb\.pcap$/);
  });

  it('never says more than all', () => {
    assert.match(progressLine({ ...state, done: 300 }, 2000, 100), /^\[#{24}\] {2}100 % {2}12/);
  });
});
