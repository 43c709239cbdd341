// Groups of steps: in any order, one of several, optional; absences before them. Held to an oracle that walks each
// start by itself over all that follows.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Finding } from '../schema/finding.ts';
import type { Observation } from '../schema/observation.ts';
import { DAY } from './duration.ts';
import { Chains } from './engine.ts';
import { readChain } from './language.ts';
import { group, type Seen, type Spec, single, textOf, walk } from './oracle.test.ts';
import type { Rule } from './rule.ts';
import { MapSection, NaiveMemory, see, T0 } from './world.test.ts';

/** `make long TARGET=chains` asks for more, seed after seed. */
const RUNS = Number(process.env.RUNS ?? 400);
const SEED = process.env.SEED === undefined ? undefined : Number(process.env.SEED);

function ruleOf(text: string): Rule {
  const { rule, faults } = readChain('x.yaml', text);
  assert.deepEqual(faults, [], text);
  return rule as Rule;
}

const ask = ({ at, letter }: Seen): Observation => see('dns', at, { orig_host: 'h', query: letter });

function run(text: string, input: readonly Seen[], cut = -1): Finding[] {
  const rule = ruleOf(text);
  const section = new MapSection();
  let chains = new Chains([rule], new NaiveMemory(), section);
  const out: Finding[] = [];
  for (const [i, seen] of input.entries()) {
    if (i === cut) {
      chains.save();
      chains = new Chains([rule], new NaiveMemory(), section);
    }
    const obs = ask(seen);
    out.push(...chains.advance(obs.seen), ...chains.feed(obs));
  }
  return [...out, ...chains.advance(T0 + 400 * DAY)];
}
const days = (us: number): number => Math.round(((us - T0) / DAY) * 1e3) / 1e3;
const told = (f: Finding): string => `${f.steps.map((m) => `${m.step}@${days(m.seen)}`).join(' ')} x${f.starts.length}`;
const says = (specs: readonly Spec[], letters: string): string[] =>
  run(
    textOf(specs),
    [...letters].map((letter, at) => ({ at, letter })).filter((s) => s.letter !== '.'),
  ).map(told);

describe('chains: groups', () => {
  it('a record advances a chain once: one that fits two steps is taken by the earliest unmet', () => {
    assert.deepEqual(says([single('a'), single('a')], 'a'), []);
    assert.deepEqual(says([single('a'), single('a')], 'aa'), ['s0@0 s1@1 x1']);
    assert.deepEqual(says([single('x'), group('any_order', 'aa'), single('y')], 'xay'), []);
    assert.deepEqual(says([single('x'), group('any_order', 'aa'), single('y')], 'xaay'), ['s0@0 s1@1 s2@2 s3@3 x1']);
  });

  it('any_order: all of them, in whatever order; the group is over with its last', () => {
    const chain = [single('x'), group('any_order', 'ab'), single('y')];
    assert.deepEqual(says(chain, 'xaby'), ['s0@0 s1@1 s2@2 s3@3 x1']);
    assert.deepEqual(says(chain, 'xbay'), ['s0@0 s2@1 s1@2 s3@3 x1']);
    assert.deepEqual(says(chain, 'xay'), []);
    const late = [single('x'), group('any_order', 'ab'), single('y', { after: 3 })];
    assert.deepEqual(says(late, 'xa..b..y'), ['s0@0 s1@1 s2@4 s3@7 x1'], 'three days after b, not after a');
    assert.deepEqual(says(late, 'xa..b.y'), []);
  });

  it('any_order at the beginning: whichever comes first begins it, and what goes on with it begins no other', () => {
    const chain = [group('any_order', 'ab'), single('y')];
    assert.deepEqual(says(chain, 'bay'), ['s1@0 s0@1 s2@2 x1']);
    assert.deepEqual(says(chain, 'aby'), ['s0@0 s1@1 s2@2 x1']);
  });

  it('one_of: the first that comes', () => {
    const chain = [single('x'), group('one_of', 'ab'), single('y')];
    assert.deepEqual(says(chain, 'xby'), ['s0@0 s2@1 s3@2 x1']);
    assert.deepEqual(says(chain, 'xaby'), ['s0@0 s1@1 s3@3 x1']);
    assert.deepEqual(says(chain, 'xy'), []);
  });

  it('optional: told when it came, never waited for', () => {
    const chain = [single('x'), single('o', { optional: true }), single('y')];
    assert.deepEqual(says(chain, 'xoy'), ['s0@0 s1@1 s2@2 x1']);
    assert.deepEqual(says(chain, 'xy'), ['s0@0 s2@1 x1']);
    assert.deepEqual(says([single('x'), group('one_of', 'ab', { optional: true }), single('y')], 'xy'), [
      's0@0 s3@1 x1',
    ]);
  });

  it('an absence behind an optional step: what came before that step does not count', () => {
    const chain = [single('x'), single('o', { optional: true }), single('y', { absent: 'n' })];
    assert.deepEqual(says(chain, 'xny'), [], 'without the optional step the absence begins at x');
    assert.deepEqual(says(chain, 'xnoy'), ['s0@0 s1@2 s3@3 x1'], 'with it, at o');
    assert.deepEqual(says(chain, 'xony'), []);
  });

  it('suppress: after an alert its key rests, counted; a minute later it does not', () => {
    const text = textOf([single('a'), single('b')], 'suppress: 5d\n');
    const at = (list: readonly [number, string][]): number =>
      run(
        text,
        list.map(([t, letter]) => ({ at: t, letter })),
      ).length;
    assert.equal(
      at([
        [0, 'a'],
        [1, 'b'],
        [2, 'a'],
        [6, 'b'],
      ]),
      1,
    );
    assert.equal(
      at([
        [0, 'a'],
        [1, 'b'],
        [2, 'a'],
        [6.001, 'b'],
      ]),
      2,
    );
    const chains = new Chains([ruleOf(text)], new NaiveMemory(), new MapSection());
    for (const [t, letter] of [
      [0, 'a'],
      [1, 'b'],
      [2, 'a'],
      [3, 'b'],
    ] as const)
      chains.feed(ask({ at: t, letter }));
    assert.equal(chains.counts.get('groups suppressed'), 1);
    assert.equal(chains.nearMisses[0]?.reason, 'suppressed');
  });

  const letters = fc.constantFrom('a', 'b', 'c', 'd');
  const spec: fc.Arbitrary<Spec> = fc.record({
    need: fc.constantFrom('single', 'any_order', 'one_of') as fc.Arbitrary<Spec['need']>,
    letters: fc.array(letters, { minLength: 2, maxLength: 3 }),
    optional: fc.boolean(),
    after: fc.constantFrom(0, 0, 1, 3),
    within: fc.option(fc.constantFrom(4, 9), { nil: undefined }),
    absent: fc.option(letters, { nil: undefined, freq: 3 }),
  });
  /** Of one_of each once: a second step that asks the same would never be taken. */
  const lettersOf = ({ need, letters: all }: Spec): readonly string[] => {
    if (need === 'single') return all.slice(0, 1);
    const unique = [...new Set(all)];
    if (need === 'any_order') return all;
    return unique.length > 1 ? unique : ['a', 'b'];
  };
  /** What the language lets an author write. */
  const chainOf = fc.array(spec, { minLength: 1, maxLength: 4 }).map((specs) =>
    specs.map((s, i): Spec => {
      const isEnd = i === 0 || i === specs.length - 1;
      return {
        ...s,
        letters: lettersOf(s),
        optional: s.optional && !isEnd && s.need !== 'any_order',
        after: i === 0 ? 0 : s.after,
        within: i === 0 && s.need === 'single' ? undefined : s.within,
        absent: i === 0 ? undefined : s.absent,
      };
    }),
  );
  const history = fc
    .array(fc.record({ gap: fc.constantFrom(0.25, 0.5, 1, 2, 5), letter: letters }), { maxLength: 25 })
    .map((steps) => {
      let at = 0;
      return steps.map(({ gap, letter }): Seen => {
        at += gap;
        return { at, letter };
      });
    });

  it('an oracle that walks each start by itself agrees, stopped anywhere and loaded again', () => {
    fc.assert(
      fc.property(chainOf, history, fc.nat(25), (specs, input, cut) => {
        // What goes on with an any_order group begins no other: starts would not be independent.
        fc.pre(specs[0]?.need !== 'any_order');
        const wanted = new Map<number, number>();
        for (const [i, seen] of input.entries()) {
          if (!specs[0]?.letters.includes(seen.letter)) continue;
          const end = walk(specs, input, i);
          if (end !== undefined) wanted.set(end, (wanted.get(end) ?? 0) + 1);
        }
        const got = run(textOf(specs), input, cut).map((f) => [days(f.at), f.starts.length] as const);
        assert.deepEqual(
          got,
          [...wanted].sort(([a], [b]) => a - b),
          `${textOf(specs)}\n${input.map((s) => `${s.letter}@${s.at}`).join(' ')}`,
        );
      }),
      { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: SEED }) },
    );
  });
});
