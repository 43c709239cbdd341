import assert from 'node:assert/strict';
import { type Migration, migrate } from './migrate.ts';

const MIGRATIONS: readonly Migration[] = [
  { form: 1, moves: [{ from: 'sensor.ring_mb', to: 'capture.buffer_mb', why: 'capture has a group of its own' }] },
  {
    form: 2,
    moves: [
      { from: 'capture.buffer_mb', to: 'capture.ring.mb', why: 'so has the ring' },
      { from: 'sensor.turbo', to: undefined, why: 'it is always on' },
    ],
  },
];
const moved = (text: string): string[] => {
  const m = migrate(text, 'c.yaml', MIGRATIONS, 3);
  return m.ok ? [m.value.text, ...m.value.said] : [m.fault.message];
};

describe('a configuration of an earlier form', () => {
  it('is brought over every form between: comments stay, and each move is said', () => {
    assert.deepEqual(moved('# mine\nsensor:\n  name: s1 # the first\n  ring_mb: 9\n  turbo: true\n'), [
      '# mine\nsensor:\n  name: s1 # the first\ncapture:\n  ring:\n    mb: 9\nformat: 3\n',
      'sensor.ring_mb is capture.buffer_mb now: capture has a group of its own',
      'capture.buffer_mb is capture.ring.mb now: so has the ring',
      'sensor.turbo is gone: it is always on',
    ]);
    const [text = ''] = moved('format: 2\ncapture: { buffer_mb: 4 }\n');
    assert.match(text, /ring:/);
    assert.match(text, /format: 3/);
  });

  it('of today is left as it is, to the byte; what is in the new place stays', () => {
    assert.deepEqual(moved('format:   3\nsensor: {turbo: 1}\n'), ['format:   3\nsensor: {turbo: 1}\n']);
    const [text, ...said] = moved('sensor: { ring_mb: 9 }\ncapture: { buffer_mb: 2, ring: { mb: 1 } }\n');
    assert.match(text ?? '', /mb: 1/);
    assert.equal(said.length, 2);
  });

  it('of a later program, of no form and of no sense is a fault', () => {
    assert.match(moved('format: 4\n')[0] ?? '', /is of form 4, this program knows 3/);
    for (const bad of ['format: x\n', 'format: 0\n', 'format: 1.5\n'])
      assert.match(moved(bad)[0] ?? '', /no whole number/);
    assert.match(moved('a: [\n')[0] ?? '', /c\.yaml: /);
    assert.deepEqual(moved(''), ['format: 3\n']);
  });
});
