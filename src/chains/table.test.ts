import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import type { Matched } from '../schema/finding.ts';
import { DAY } from './duration.ts';
import { Chains } from './engine.ts';
import { Heap } from './heap.ts';
import { readChain } from './language.ts';
import { type Partial, plain, unpackPartial } from './partial.ts';
import type { Rule } from './rule.ts';
import { PartialTable } from './table.ts';
import { MapSection, NaiveMemory, see, T0 } from './world.test.ts';

const TEXT = `chain: t
window: 60d
by: [h]
start: each(3)
steps:
  - { id: a, event: tls, bind: { h: tls.orig_host } }
  - { id: b, event: dns, bind: { h: dns.orig_host } }
`;
const { rule } = readChain('t.yaml', TEXT) as { rule: Rule };

const partial = (id: number, key: string, deadline: number, score = 0): Partial => ({
  ...{
    id,
    rule: rule.id,
    ruleHash: rule.hash,
    shape: rule.shape,
    key,
    next: 1,
    met: 0,
    barred: [],
    bound: {},
    steps: [],
  },
  ...{ first: 0, base: 0, last: 0, deadline, score, tallies: {}, flags: [] },
});
const open = (section: MapSection): PartialTable => {
  const table = new PartialTable(section, [{ ...rule, onFull: 'evict-lowest-score' }]);
  for (const [key, bytes] of section.entries()) table.loadEntry(key, bytes, () => undefined);
  return table;
};

describe('chains: heap', () => {
  it('gives the least first, of equals the lowest id, and nothing at or past the limit', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 200 }), fc.nat(21), (keys, limit) => {
        const heap = new Heap();
        keys.forEach((key, id) => {
          heap.add(key, id, id * 2);
        });
        const got: [number, number, number][] = [];
        for (let e = heap.take(limit); e !== undefined; e = heap.take(limit)) got.push([e.key, e.id, e.row]);
        const wanted = keys.map((key, id) => [key, id, id * 2]).filter(([key]) => (key as number) < limit);
        assert.deepEqual(
          got,
          wanted.sort(([a, i], [b, j]) => (a as number) - (b as number) || (i as number) - (j as number)),
        );
        assert.equal(heap.size, keys.length - wanted.length);
      }),
    );
  });
});

describe('chains: table of partials', () => {
  const action = fc.record({
    do: fc.constantFrom('insert', 'insert', 'touch', 'remove', 'due', 'save', 'restart'),
    key: fc.constantFrom('x', 'y', 'z'),
    n: fc.nat(50),
  });
  it('equals a naive twin whatever is done to it', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const section = new MapSection();
        let table = open(section);
        let naive = new Map<number, Partial>();
        let saved = new Map<number, Partial>();
        for (const { do: what, key, n } of actions) {
          const at = (): Partial[] => [...naive.values()].filter((p) => p.key === key).sort((a, b) => a.id - b.id);
          const [p] = table.at(rule.hash, key);
          if (what === 'insert') {
            const fresh = partial(table.newId(), key, n, n % 7);
            table.insert(fresh);
            naive.set(fresh.id, structuredClone(fresh));
          } else if (what === 'touch' && p !== undefined) {
            p.deadline = n;
            p.score = n % 5;
            p.flags.push(String(n));
            table.touch(p);
            naive.set(p.id, structuredClone(plain(p)));
          } else if (what === 'remove' && p !== undefined) {
            assert.equal(table.remove(p), true);
            assert.equal(table.remove(p), false);
            naive.delete(p.id);
          } else if (what === 'due') {
            const due = [...naive.values()].filter((x) => x.deadline < n);
            const next = due.sort((a, b) => a.deadline - b.deadline || a.id - b.id)[0];
            const got = table.due(n);
            assert.equal(got?.id, next?.id);
            if (got !== undefined) {
              table.remove(got);
              naive.delete(got.id);
            }
          } else if (what === 'save') {
            table.save();
            saved = structuredClone(naive);
          } else if (what === 'restart') {
            table = open(section);
            naive = structuredClone(saved);
          }
          assert.deepEqual(table.at(rule.hash, key).map(plain), at());
          assert.equal(table.size, naive.size);
          assert.equal(table.count(rule.hash), naive.size);
          assert.equal(table.oldest(rule.hash)?.id, [...naive.keys()].sort((a, b) => a - b)[0]);
          const byScore = [...naive.values()].sort((a, b) => a.score - b.score || a.id - b.id);
          assert.equal(table.lowest(rule.hash)?.id, byScore[0]?.id);
          assert.deepEqual([...table.all()].map((x) => x.id).sort(), [...naive.keys()].sort());
        }
      }),
    );
  });

  it('many come, move and go: what left early leaves nothing behind', () => {
    const table = open(new MapSection());
    for (let i = 0; i < 30_000; i++) {
      const p = partial(table.newId(), `k${i}`, 1e9 - i);
      table.insert(p);
      if (i % 100 !== 0) table.remove(p);
    }
    assert.equal(table.size, 300);
    let last = 0;
    for (let p = table.due(2e9); p !== undefined; p = table.due(2e9)) {
      assert.ok(p.deadline > last);
      last = p.deadline;
      table.remove(p);
    }
    assert.equal(table.size, 0);
  });

  it('goes on with what version 1 of the state has kept', () => {
    const section = new MapSection();
    const step = { step: 'a', kind: 'tls', ref: 'r', hash: 'aa', ts: T0, seen: T0, uid: null, values: {}, cut: false };
    const { shape: _, score: __, tallies: ___, ...old } = partial(7, 'h=x', T0 + 60 * DAY);
    const kept = { ...old, first: T0, base: T0, last: T0, steps: [{ ...step, hosts: {}, hostNames: {}, why: [] }] };
    section.put('p/0000000007', new Packr({ useRecords: false }).pack(kept));
    const chains = new Chains([rule], new NaiveMemory(), section);
    assert.equal(chains.partials, 1);
    chains.save();
    const again = new Chains([rule], new NaiveMemory(), section);
    assert.equal(again.feed(see('dns', 31, { orig_host: 'x' })).length, 1);
  });

  it('goes on with partials that an earlier program wrote: texts whole, and not what they wait for', () => {
    const section = new MapSection();
    const chains = new Chains([rule], new NaiveMemory(), section);
    chains.feed(see('tls', 0, { orig_host: 'x' }));
    chains.save();
    const [key, bytes] = [...section.entries()].find(([k]) => k.startsWith('c/')) as [string, Uint8Array];
    const { steps, ...m } = plain(unpackPartial(bytes.subarray(33)));
    const members = [
      m.id,
      m.rule,
      m.ruleHash,
      m.shape,
      m.key,
      m.next,
      m.met,
      m.barred,
      m.bound,
      m.first,
      m.base,
      m.last,
    ];
    const [s] = steps as [Matched];
    const head = [s.step, s.kind, s.ref, Buffer.from(s.hash, 'hex'), s.ts, s.seen, s.uid, false];
    const step = [...head, s.why, s.hosts, s.hostNames, [], s.values];
    const packed = new Packr({ useRecords: false }).pack([
      [...members, m.deadline, m.score, m.tallies, m.flags],
      [step],
    ]);
    section.put(key, Buffer.concat([bytes.subarray(0, 32), packed]));
    const again = new Chains([rule], new NaiveMemory(), section);
    assert.equal(again.partials, 1);
    const [found] = again.feed(see('dns', 31, { orig_host: 'x' }));
    assert.deepEqual([found?.steps.map((x) => x.step), found?.bound.h?.value], [['a', 'b'], 'x']);
  });

  it('what waits for another step is not read', () => {
    const three = TEXT.replace(
      'bind: { h: dns.orig_host } }',
      'bind: { h: dns.orig_host } }\n  - { id: c, event: http, bind: { h: http.orig_host } }',
    );
    const { rule: long } = readChain('l.yaml', three) as { rule: Rule };
    const section = new MapSection();
    const chains = new Chains([long], new NaiveMemory(), section);
    chains.feed(see('tls', 0, { orig_host: 'x' }));
    chains.feed(see('dns', 1, { orig_host: 'x' }));
    chains.save();
    const again = new Chains([long], new NaiveMemory(), section);
    let reads = 0;
    const get = section.get.bind(section);
    section.get = (key) => {
      reads++;
      return get(key);
    };
    for (let i = 2; i < 9; i++) again.feed(see('dns', i, { orig_host: 'x' }));
    assert.equal(reads, 0);
    assert.equal(again.feed(see('http', 9, { orig_host: 'x' })).length, 1);
    assert.equal(reads, 1);
  });
});
