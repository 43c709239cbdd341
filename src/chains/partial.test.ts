import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Matched } from '../schema/finding.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import { FIELDS } from '../schema/gen/structures.gen.ts';
import type { Observation } from '../schema/observation.ts';
import { matched } from './kept.ts';
import { type Partial, packPartial, plain, unpackPartial } from './partial.ts';
import { see } from './world.test.ts';

const partial = (steps: Matched[]): Partial => ({
  ...{
    id: 7,
    rule: 'r',
    ruleHash: '0011223344556677',
    shape: '8899aabbccddeeff',
    key: 'h=x',
    next: 1,
    met: 2,
    barred: [3],
  },
  ...{ bound: { h: { class: 'host', value: 'x' }, s: { class: 'domain', value: 'a', values: ['a', 'b'] } }, steps },
  ...{
    first: 1,
    base: 2,
    last: 3,
    deadline: 4.5,
    score: 0.25,
    tallies: { a: { rows: [[1, 2]], sets: {}, full: false, last: 9 } },
  },
  flags: ['blind'],
});

describe('chains: a partial as bytes', () => {
  const kinds = Object.keys(FIELDS) as KindName[];
  it('comes back as it was, for records of every kind, whole or cut', () => {
    const values = fc.dictionary(
      fc.string(),
      fc.oneof(fc.constantFrom<unknown>('', 0, false, true, 'x', 5, ['a']), fc.constant('y'.repeat(700))),
    );
    fc.assert(
      fc.property(fc.constantFrom(...kinds), values, fc.infiniteStream(fc.nat(6)), (kind, others, picks) => {
        const any: unknown[] = Object.values(others);
        const set: Record<string, unknown> = { cut: false };
        for (const f of FIELDS[kind].filter(({ name }) => name !== 'ts' && name !== 'seen')) {
          const i = picks.next().value as number;
          if (i < any.length) set[f.name] = any[i];
        }
        const m = matched({ id: 's', where: undefined }, see(kind, 3, set) as Observation, ['because']);
        const back = unpackPartial(packPartial(partial([m])));
        assert.deepEqual(plain(back), partial([m]));
        const again = unpackPartial(packPartial(unpackPartial(packPartial(partial([m])))));
        assert.deepEqual(plain(again), partial([m]), 'written again without a look at its steps');
      }),
    );
  });

  it('a finished chain, which is no record of the schema, keeps its variables by name', () => {
    const atom = {
      kind: 'alert',
      event: { ts: 1, seen: 2, chain: 'c', victim: 'h', first: 1 },
      seen: 2,
      ref: 'r',
      hash: 'aa',
      hosts: {},
    };
    const m = matched({ id: 's', where: undefined }, atom as never, []);
    assert.equal(unpackPartial(packPartial(partial([m]))).steps[0]?.values.victim, 'h');
  });
});
