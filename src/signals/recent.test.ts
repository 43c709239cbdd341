import assert from 'node:assert/strict';
import { pushRing, Recent } from './recent.ts';

describe('recent things', () => {
  it('are distinct, and forgotten when they are past', () => {
    const r = new Recent();
    assert.equal(r.add('a', 0, 10, 9), 1);
    assert.equal(r.add('b', 5, 10, 9), 2);
    assert.equal(r.add('a', 8, 10, 9), 2, 'again');
    assert.equal(r.since(99), 5, 'b is the one not touched for longest');
    assert.equal(r.add('c', 15, 10, 9), 3, 'exactly the window ago still counts');
    assert.equal(r.add('d', 16, 10, 9), 3, 'b is past');
    r.expire(100, 10);
    assert.equal(r.size, 0);
    assert.equal(r.since(99), 99);
  });
  for (const n of [4, 5, 6])
    it(`${n} values with room for 5`, () => {
      const r = new Recent();
      for (let i = 0; i < n; i++) r.add(`v${i}`, i, 100, 5);
      assert.equal(r.size, Math.min(n, 5));
      assert.equal(r.values.has('v0'), n <= 5);
    });
  it('are told once a day', () => {
    const r = new Recent();
    assert.deepEqual([r.firstOn(3), r.firstOn(3), r.firstOn(4)], [true, false, true]);
  });
  it('come back from storage as they were', () => {
    const r = new Recent();
    r.add('__proto__', 1, 10, 5);
    r.add('b', 2, 10, 5);
    r.trail('C1', 's/1');
    r.firstOn(7);
    const back = Recent.unpack(JSON.parse(JSON.stringify(r.pack())) as unknown[]);
    assert.deepEqual(back.pack(), r.pack());
    assert.equal(back.firstOn(7), false);
    assert.equal(back.some(1), '__proto__, ...');
  });
  it('keep a trail of eight', () => {
    const r = new Recent();
    for (let i = 0; i < 9; i++) r.trail(`C${i}`, `s/${i}`);
    assert.equal(r.uids.length, 8);
    assert.equal(r.refs[0], 's/1');
    assert.deepEqual(new Recent().uids, [], 'the empty list is nobody’s');
  });
  it('a ring holds the last', () => {
    let ring: number[] = [];
    for (let i = 0; i < 5; i++) ring = pushRing(ring, i, 3);
    assert.deepEqual(ring, [2, 3, 4]);
  });
});
