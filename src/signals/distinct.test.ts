import assert from 'node:assert/strict';
import { Distinct, hash32 } from './distinct.ts';

describe('distinct texts', () => {
  for (const [n, within] of [
    [0, 0],
    [10, 1],
    [100, 6],
    [1000, 50],
    [3000, 300],
  ] as const)
    it(`${n} of them, give or take ${within}`, () => {
      const d = new Distinct();
      for (let round = 0; round < 2; round++) for (let i = 0; i < n; i++) d.add(`name${i}.example`);
      assert.ok(Math.abs(d.count - n) <= within, `${d.count}`);
    });
  it('says whether a text is new', () => {
    const d = new Distinct();
    assert.deepEqual([d.add('a'), d.add('a'), d.add('b')], [true, false, true]);
  });
  it('stays finite when it is full', () => {
    const d = new Distinct();
    for (let i = 0; i < 50_000; i++) d.add(`x${i}`);
    assert.ok(d.count >= 5000 && d.count < 8000, `${d.count}`);
  });
  it('comes back from storage as it was', () => {
    const d = new Distinct();
    for (let i = 0; i < 77; i++) d.add(`x${i}`);
    const back = Distinct.unpack(d.pack());
    assert.equal(back.count, d.count);
    assert.equal(back.add('x5'), false);
    assert.equal(d.pack().length, 128);
  });
  it('hashes all letters', () => {
    assert.notEqual(hash32('ab') % 1024, hash32('ba') % 1024);
    assert.equal(hash32(''), hash32(''));
  });
});
