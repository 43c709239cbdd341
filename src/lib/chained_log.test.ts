import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ChainedLine, ChainedLog, LINE_BYTES_MAX } from './chained_log.ts';
import { failure, success } from './fault.ts';

interface Line extends ChainedLine {
  readonly text: string;
}

describe('chained log', () => {
  let dir = '';
  let file = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-chained-'));
    file = join(dir, 'log');
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const open = (max = 100): ChainedLog<Line> => new ChainedLog(file, max);
  const say = (log: ChainedLog<Line>, text: string): string[] => {
    const done = log.append(() => success({ text }));
    assert.ok(done.ok, done.ok ? '' : done.fault.message);
    return done.value.map((l) => l.text);
  };
  const all = (log = open()): string[] => {
    const lines = log.read();
    assert.ok(lines.ok);
    assert.deepEqual(log.faults, []);
    return lines.value.map((l) => `${l.n} ${l.text}`);
  };

  it('lines are numbered and there again; what is hostile in a text stays in it', () => {
    assert.deepEqual(all(), []);
    const texts = ['one', 'two\n{"n":9}\r\u2028', '\u0000\u001b[2J', '"}', '', '\ud800'];
    const log = open();
    for (const text of texts) say(log, text);
    assert.deepEqual(
      all(),
      texts.map((t, i) => `${i + 1} ${t}`),
    );
  });

  it('two writers see each other, and neither overwrites', () => {
    const [a, b] = [open(), open()];
    say(a, 'a1');
    assert.deepEqual(say(b, 'b1'), ['a1', 'b1']);
    assert.deepEqual(say(a, 'a2'), ['b1', 'a2']);
    assert.deepEqual(all(), ['1 a1', '2 b1', '3 a2']);
    const no = a.append((before) => failure('usage', `${before.length}`));
    assert.ok(!no.ok && no.fault.message === '0');
    assert.deepEqual(all(), ['1 a1', '2 b1', '3 a2']);
  });

  it('a line that was cut is nobody, and goes before the next', () => {
    say(open(), 'whole');
    appendFileSync(file, '{"n":2,"text":"hal');
    assert.deepEqual(all(), ['1 whole']);
    assert.deepEqual(say(open(), 'next'), ['whole', 'next']);
    assert.deepEqual(all(), ['1 whole', '2 next']);
  });

  it('what was changed, taken out or put in is told, and the rest is read', () => {
    const log = open();
    for (const text of ['a', 'b', 'c']) say(log, text);
    const lines = readFileSync(file, 'utf8').split('\n');
    const tampered: readonly (readonly [string[], string])[] = [
      [[lines[0] ?? '', lines[2] ?? ''], 'line 2 does not follow the one before it'],
      [[(lines[0] ?? '').replace('"a"', '"x"'), lines[1] ?? '', lines[2] ?? ''], 'line 2 does not follow'],
      [[lines[0] ?? '', 'no JSON', lines[1] ?? ''], 'line 2 is none'],
    ];
    for (const [now, fault] of tampered) {
      writeFileSync(file, `${now.join('\n')}\n`);
      const read = open();
      assert.ok(read.read().ok);
      assert.match(read.faults[0] ?? '', new RegExp(fault));
    }
  });

  it('so many lines, and not one more; so long a line, and not one byte more', () => {
    const log = open(3);
    for (const text of ['1', '2', '3']) say(log, text);
    const more = log.append(() => success({ text: '4' }));
    assert.ok(!more.ok && /has 3 lines/.test(more.fault.message));
    const roomy = open();
    const used = Buffer.byteLength(JSON.stringify({ n: 4, text: '', prev: '0'.repeat(64) })) + 1;
    assert.ok(!roomy.append(() => success({ text: 'x'.repeat(LINE_BYTES_MAX - used + 1) })).ok);
    assert.ok(roomy.append(() => success({ text: 'x'.repeat(LINE_BYTES_MAX - used) })).ok);
  });

  it('killed while it writes, again and again: whole lines, in order, and all that were told', async function () {
    this.timeout(60_000);
    const self = fileURLToPath(new URL('./chained_log.ts', import.meta.url));
    const fault = fileURLToPath(new URL('./fault.ts', import.meta.url));
    const program = `
      const { ChainedLog } = await import(${JSON.stringify(self)});
      const { success } = await import(${JSON.stringify(fault)});
      const log = new ChainedLog(${JSON.stringify(file)}, 1e6);
      for (;;) { const done = log.append(() => success({ text: 'x' })); console.log(done.value.at(-1).n); }`;
    let told = 0;
    for (let kill = 0; kill < 6; kill++) {
      const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program]);
      await new Promise<void>((done) => {
        let lines = 0;
        child.stdout.on('data', (data: Buffer) => {
          for (const n of data.toString().split('\n').filter(Boolean)) told = Math.max(told, Number(n));
          if (++lines > 2 + kill * 3) child.kill('SIGKILL');
        });
        child.on('close', () => done());
      });
    }
    const log = open();
    const lines = log.read();
    assert.ok(lines.ok && log.faults.length === 0, log.faults[0]);
    assert.ok(told > 0 && lines.value.length >= told);
    assert.equal(lines.value.at(-1)?.n, lines.value.length);
    say(log, 'after');
  });
});
