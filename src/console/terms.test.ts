import assert from 'node:assert/strict';
import { TERMS_MAX, termsOf } from './terms.ts';
import { entityOf, runsOf } from './view.ts';

const CAP = 1024;

describe('console: why a step matched', () => {
  it('terms, the values they were decided on, and what could not be known', () => {
    assert.deepEqual(
      termsOf(
        'file.direction == "download", where file.direction is "download"; seen(a, "90d") <= 2, where ' +
          'seen(a, "90d") is 1 or more, a is "x, where y is z; w": unknown; is_executable(a)',
        CAP,
      ),
      [
        {
          predicate: 'file.direction == "download"',
          values: [{ name: 'file.direction', value: '"download"' }],
          decided: 'true',
        },
        {
          predicate: 'seen(a, "90d") <= 2',
          values: [
            { name: 'seen(a, "90d")', value: '1 or more' },
            { name: 'a', value: '"x, where y is z; w"' },
          ],
          decided: 'unknown',
        },
        { predicate: 'is_executable(a)', values: [], decided: 'true' },
      ],
    );
    assert.deepEqual(termsOf('', CAP), []);
  });

  it('a text that fills its field is cut: its last term is not said to be true', () => {
    const decided = (length: number): string | undefined =>
      termsOf(`a; ${'b'.repeat(length - 3)}`, CAP).at(-1)?.decided;
    assert.deepEqual([CAP - 4, CAP - 3, CAP].map(decided), ['true', 'cut', 'cut']);
  });

  it('hostile texts: bounded, and nothing is lost', () => {
    assert.equal(termsOf(`${'a; '.repeat(TERMS_MAX - 2)}a`, CAP).length, TERMS_MAX - 1);
    assert.equal(termsOf(`${'a; '.repeat(TERMS_MAX - 1)}a`, CAP).length, TERMS_MAX);
    assert.equal(termsOf(`${'a; '.repeat(TERMS_MAX)}a`, CAP).length, TERMS_MAX);
    for (const text of ['"', '"\\', '((((', ']]; a', ', where ', '; ', ' is '])
      assert.ok(termsOf(text, CAP).length >= 1);
  });

  it('a new start goes back in time, or begins with the first step again', () => {
    const steps = (text: string): { step: string; at: number }[] =>
      text.split(' ').map((s) => ({ step: s[0] as string, at: Number(s.slice(1)) }));
    const told = (text: string): string[] => runsOf(steps(text)).map((run) => run.map((s) => s.step).join(''));
    assert.deepEqual(told('a1 b9 c12'), ['abc']);
    assert.deepEqual(told('a1 b9 a2 b9 a3'), ['ab', 'ab', 'a']);
    assert.deepEqual(told('a1 b9 c2'), ['ab', 'c']);
    assert.deepEqual(runsOf([]), []);
  });

  it('an entity has a role, a class, and a value that may hold anything', () => {
    assert.deepEqual(entityOf('victim=host:mac:02:00:00:00:00:01'), {
      ...{ role: 'victim', class: 'host', value: 'mac:02:00:00:00:00:01' },
    });
    assert.deepEqual(entityOf('c2=domain:a=b:c\n'), { role: 'c2', class: 'domain', value: 'a=b:c\n' });
    for (const text of ['', 'x', '=host:a', 'a=b', 'a=HOST:b']) assert.equal(entityOf(text), undefined);
  });
});
