import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PlainSection } from './case_world.test.ts';
import { byTable, dayCodec, firstToday, type Index, Keyed } from './keyed.ts';

const make = (max: number, idle: number, section: PlainSection, grain = 0): Keyed<number> =>
  new Keyed('t/x', { max, idle, grain }, dayCodec, section, byTable(section).get('t/x') ?? []);

/** The same in the plainest way: a list from oldest to newest. */
class Twin {
  list: { key: string; value: number; touched: number }[] = [];
  evicted = 0;
  readonly max: number;
  readonly idle: number;
  readonly grain: number;
  constructor(max: number, idle: number, grain: number) {
    this.max = max;
    this.idle = idle;
    this.grain = grain;
  }
  use(key: string, now: number): number {
    this.list = this.list.filter((e) => now - e.touched <= this.idle);
    const found = this.list.find((e) => e.key === key);
    if (found !== undefined) {
      found.value++;
      if (now - found.touched < this.grain) return found.value;
      found.touched = now;
      this.list = [...this.list.filter((e) => e !== found), found];
      return found.value;
    }
    if (this.list.length >= this.max) {
      this.list.shift();
      this.evicted++;
    }
    this.list.push({ key, value: 1, touched: now });
    return 1;
  }
}

describe('keyed state', () => {
  it('equals its naive twin whatever is touched, swept, saved and loaded', () => {
    const key = fc.nat({ max: 9 }).map((n) => `k${n}`);
    const step = fc.record({
      key,
      wait: fc.nat({ max: 12 }),
      act: fc.constantFrom('use', 'use', 'use', 'sweep', 'reload'),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.integer({ min: 1, max: 6 }),
        fc.nat({ max: 9 }),
        (steps, max, grain) => {
          const twin = new Twin(max, 20, grain);
          let section = new PlainSection();
          let own = make(max, 20, section, grain);
          let now = 1000;
          for (const s of steps) {
            now += s.wait;
            if (s.act === 'sweep') own.sweep(now);
            if (s.act === 'reload') {
              own.save();
              section = new PlainSection(section.rows);
              own = make(max, 20, section, grain);
            }
            const e = own.get(s.key, now);
            let value = 1;
            if (e === undefined) own.add(s.key, 1, now);
            else {
              value = ++e.value;
              own.touch(e, now);
            }
            assert.equal(value, twin.use(s.key, now));
            assert.equal(own.counts().evicted, twin.evicted);
            assert.ok(own.size <= max);
          }
          own.sweep(now);
          assert.deepEqual(
            [...own.entries()].map((e) => [e.key, e.value, e.touched]),
            twin.list.map((e) => [e.key, e.value, e.touched]),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('writes only what changed since the last save, and removes what went', () => {
    const section = new PlainSection();
    const own = make(2, 1000, section);
    own.add('a', 1, 1);
    own.add('b', 1, 2);
    own.save();
    const written: string[] = [];
    const put = section.put.bind(section);
    section.put = (key, value) => {
      written.push(key);
      put(key, value);
    };
    own.add('c', 1, 3);
    own.save();
    assert.deepEqual(written.sort(), ['t/x/!counts', 't/x/=c']);
    assert.equal(section.get('t/x/=a'), undefined);
    own.save();
    assert.equal(written.length, 2);
  });

  it('a key that came back before the save is not removed by it', () => {
    const section = new PlainSection();
    const own = make(4, 1000, section);
    const e = own.add('a', 1, 1);
    own.save();
    own.remove(e);
    own.add('a', 7, 2);
    own.save();
    assert.equal(make(4, 1000, new PlainSection(section.rows)).get('a', 3)?.value, 7);
  });

  it('keeps keys of any length and any letters apart', () => {
    const section = new PlainSection();
    const own = make(10, 1000, section);
    const keys = [
      'a/b',
      'a',
      '',
      '!counts',
      '=a',
      'x'.repeat(400),
      'x'.repeat(401),
      'x'.repeat(4000),
      `${'x'.repeat(4000)}y`,
    ];
    keys.forEach((k, i) => {
      own.add(k, i, 1);
    });
    own.save();
    for (const k of section.rows.keys()) assert.ok(Buffer.byteLength(k) < 1978);
    const again = make(10, 1000, new PlainSection(section.rows));
    keys.forEach((k, i) => {
      assert.equal(again.get(k, 2)?.value, i);
    });
  });

  it('finds what is in either of two tables by one index, and bounds each', () => {
    const section = new PlainSection();
    const index: Index<number> = new Map();
    const [a, b] = ['t/a', 't/b'].map((t) => new Keyed(t, { max: 2, idle: 1000 }, dayCodec, section, [], index)) as [
      Keyed<number>,
      Keyed<number>,
    ];
    const gone: string[] = [];
    a.gone = (e) => gone.push(e.key);
    const e = a.add('k', 1, 1);
    assert.equal(b.get('k', 2)?.owner, a);
    a.remove(e);
    b.add('k', 2, 3);
    for (let i = 0; i < 3; i++) a.add(`n${i}`, i, 4);
    assert.deepEqual([a.size, b.size, b.get('k', 5)?.value, gone], [2, 1, 2, ['k', 'n0']]);
    a.save();
    b.save();
    assert.deepEqual([...section.rows.keys()].sort(), ['t/a/!counts', 't/a/=n1', 't/a/=n2', 't/b/=k']);
  });

  it('says a thing once a day', () => {
    const own = make(10, 1e6, new PlainSection());
    assert.deepEqual(
      [1, 1, 2, 2, 3].map((day, i) => firstToday(own, 'k', day, i)),
      [true, false, true, false, true],
    );
  });
});
