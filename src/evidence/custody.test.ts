import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Act, CUSTODY, custodyFaults, custodyHead, record, TEXT_MAX } from './custody.ts';
import { HOLDS_MAX, isHeld, readHolds, releaseHold, setHold } from './holds.ts';
import { appendLine, LINE_BYTES_MAX, readLines } from './lines.ts';
import { NOTHING_BEFORE } from './manifest.ts';
import { openSigner, type Signer } from './signer.ts';

const ACT: Act = { act: 'export', actor: 'me', what: 'alert ab', reason: 'case 7', sha256: '' };

describe('evidence: custody', () => {
  let dir: string;
  let signer: Signer;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-custody-'));
    const made = openSigner(join(dir, 'keys'));
    assert.ok(made.ok);
    signer = made.value;
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const path = (): string => join(dir, CUSTODY);
  const faults = (...known: { lines: number; head: string }[]): string[] => custodyFaults(dir, signer.publicKey, known);

  it('each act is a line that follows the one before; a seal holds them', () => {
    assert.deepEqual(custodyHead(dir), { lines: 0, head: NOTHING_BEFORE });
    for (let n = 1; n <= 3; n++) assert.ok(record(dir, signer, ACT, n).ok);
    const sealed = custodyHead(dir);
    assert.ok(record(dir, signer, ACT, 4).ok);
    assert.deepEqual(faults(sealed, { lines: 0, head: NOTHING_BEFORE }), []);
    const lines = readFileSync(path(), 'utf8').split('\n');
    const without = (i: number): void => writeFileSync(path(), lines.filter((_, at) => at !== i).join('\n'));
    without(1);
    assert.deepEqual(faults(), [
      `${CUSTODY}:2: does not follow the line before it`,
      `${CUSTODY}:3: does not follow the line before it`,
    ]);
    // The last ones cut off follow each other; a seal knows better.
    writeFileSync(path(), `${lines.slice(0, 2).join('\n')}\n`);
    assert.deepEqual(faults(), []);
    assert.deepEqual(faults(sealed), [`${CUSTODY}: a seal knows 3 lines, and others are here`]);
    writeFileSync(path(), lines.join('\n').replace('case 7', 'case 8'));
    assert.match(faults()[0] ?? '', /:1: is not signed by this key/);
  });

  it('texts have a limit: one less, itself, one more', () => {
    for (const n of [TEXT_MAX - 1, TEXT_MAX, TEXT_MAX + 1]) {
      assert.ok(record(dir, signer, { ...ACT, reason: 'x'.repeat(n) }, 1).ok);
      const { reason } = JSON.parse((readLines(path()).at(-1) ?? '').replace(/ \S+$/, '')) as { reason: string };
      assert.equal(reason.length, Math.min(n, TEXT_MAX));
    }
  });

  it('processes that write at once wait for each other; a lock whose owner is gone is none', () => {
    writeFileSync(`${path()}.lock`, '4194304999');
    assert.ok(record(dir, signer, ACT, 1).ok);
    assert.ok(!existsSync(`${path()}.lock`));
    const module = new URL('./custody.ts', import.meta.url).pathname;
    const keys = new URL('./signer.ts', import.meta.url).pathname;
    const child = `
      const { record } = await import('${module}');
      const { openSigner } = await import('${keys}');
      for (let i = 0; i < 20; i++) record('${dir}', openSigner('${join(dir, 'keys')}').value, ${JSON.stringify(ACT)}, i);`;
    const script = `for i in 1 2 3; do "$0" --import tsx --input-type=module -e "$1" & done; wait`;
    const { stderr } = spawnSync('sh', ['-c', script, process.execPath, child], { encoding: 'utf8' });
    assert.equal(stderr.replace(/^.*(?:Warning|--trace-warnings).*\n/gm, ''), '');
    assert.equal(readLines(path()).length, 61);
    assert.deepEqual(faults(), []);
  });

  it("a line that a crash cut is nobody's, and goes before the next is written", () => {
    appendLine(path(), 'whole');
    writeFileSync(path(), 'whole\ncut o');
    assert.deepEqual(readLines(path()), ['whole']);
    appendLine(path(), 'next');
    assert.deepEqual(readFileSync(path(), 'utf8'), 'whole\nnext\n');
    for (const n of [LINE_BYTES_MAX - 2, LINE_BYTES_MAX - 1]) appendLine(path(), 'x'.repeat(n));
    assert.throws(() => appendLine(path(), 'x'.repeat(LINE_BYTES_MAX)), RangeError);
    assert.throws(() => appendLine(path(), 'a\nb'), RangeError);
    assert.equal(readLines(path()).length, 4);
  });

  it('a hold has a name of its own, and holds a time, both ends included', () => {
    const hold = { name: 'a', actor: 'me', reason: 'why', from: 10, to: 20 };
    assert.ok(setHold(dir, hold).ok);
    assert.ok(!setHold(dir, hold).ok);
    for (const name of ['', '../x', '.x', 'x'.repeat(65)]) assert.ok(!setHold(dir, { ...hold, name }).ok, name);
    assert.ok(setHold(dir, { ...hold, name: 'x'.repeat(64) }).ok);
    const held = readHolds(dir);
    assert.ok(held.ok);
    assert.deepEqual(held.value[0], hold);
    const edges = [
      [1, 9],
      [1, 10],
      [15, 16],
      [20, 30],
      [21, 30],
    ] as const;
    assert.deepEqual(
      edges.map(([from, to]) => isHeld(held.value, from, to)),
      [false, true, true, true, false],
    );
    assert.ok(releaseHold(dir, 'a').ok);
    assert.ok(!releaseHold(dir, 'a').ok);
    assert.ok(!releaseHold(dir, '../keys').ok);
    for (let i = 1; i < HOLDS_MAX; i++) writeFileSync(join(dir, 'holds', `h${i}`), JSON.stringify(hold));
    assert.ok(!setHold(dir, { ...hold, name: 'more' }).ok);
  });
});
