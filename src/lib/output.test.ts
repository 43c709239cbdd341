import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { ContinuedFile, FileOutput, PIECE_CHARS, replaceFile, StreamOutput } from './output.ts';

/** Takes one write at a time, when told to. */
class SlowStream extends Writable {
  readonly got: string[] = [];
  private go: (() => void) | undefined;
  constructor() {
    super({ highWaterMark: 1, decodeStrings: false });
  }
  override _write(chunk: string, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.got.push(chunk);
    this.go = done;
  }
  take(): void {
    const go = this.go;
    this.go = undefined;
    go?.();
  }
  fail(code: string): void {
    this.destroy(Object.assign(new Error(code), { code, syscall: 'write' }));
  }
}

const isSettled = async (p: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol();
  const next = new Promise((done) => setImmediate(done, pending));
  return (await Promise.race([p.then(() => true), next])) !== pending;
};

describe('output', () => {
  it('a stream gets pieces, and waits to be taken', async () => {
    const stream = new SlowStream();
    const out = new StreamOutput(stream, 'out');
    out.write('a'.repeat(PIECE_CHARS - 1));
    assert.deepEqual(stream.got, []);
    await out.settle();
    out.write('b');
    assert.equal(stream.got.length, 1);
    const settled = out.settle();
    assert.equal(await isSettled(settled), false);
    stream.take();
    await settled;
    out.write('rest');
    const closed = out.close();
    assert.equal(await isSettled(closed), false);
    stream.take();
    assert.equal(await isSettled(closed), false);
    stream.take();
    await closed;
    assert.equal(stream.got.join(''), `${'a'.repeat(PIECE_CHARS - 1)}brest`);
    assert.equal(out.fault, undefined);
  });

  it('a reader that goes away closes it, without a fault', async () => {
    const stream = new SlowStream();
    const out = new StreamOutput(stream, 'out');
    out.write('a'.repeat(PIECE_CHARS));
    stream.fail('EPIPE');
    await out.settle();
    assert.equal(out.closed, true);
    out.write('dropped');
    await out.close();
    assert.equal(out.fault, undefined);
    assert.equal(stream.got.length, 1);
  });

  it('a full disk behind a stream is a fault', async () => {
    const stream = new SlowStream();
    const out = new StreamOutput(stream, 'standard output');
    out.write('a'.repeat(PIECE_CHARS));
    stream.fail('ENOSPC');
    await out.settle();
    assert.equal(out.closed, true);
    assert.equal(out.fault?.message, 'standard output: no space left on the device');
  });

  describe('to files', () => {
    let dir = '';
    before(async () => {
      dir = await mkdtemp(join(tmpdir(), 'catenary-output-'));
    });
    after(() => rm(dir, { recursive: true, force: true }));

    it('appends piece by piece, and replaces what was there', async () => {
      for (const text of ['x'.repeat(10), 'é'.repeat(PIECE_CHARS)]) {
        const out = new FileOutput(join(dir, 'a.log'));
        for (let i = 0; i < 3; i++) {
          out.write(text);
          await out.settle();
        }
        await out.close();
        assert.equal(await readFile(out.path, 'utf8'), text.repeat(3));
      }
    });

    it('nothing written, no file', async () => {
      const out = new FileOutput(join(dir, 'none.log'));
      await out.settle();
      await out.close();
      await assert.rejects(stat(out.path));
    });

    it('a place that is none is a fault, and what follows is dropped', async () => {
      const out = new FileOutput(join(dir, 'missing', 'a.log'));
      out.write('a'.repeat(PIECE_CHARS));
      await out.settle();
      assert.equal(out.closed, true);
      out.write('more');
      await out.close();
      assert.equal(out.fault?.code, 'output_unwritable');
      assert.match(out.fault?.message ?? '', /a\.log: no such file$/);
    });

    it('a full disk is a fault', async () => {
      const out = new FileOutput('/dev/full');
      out.write('a');
      await out.close();
      assert.equal(out.fault?.message, '/dev/full: no space left on the device');
    });
  });

  describe('files that outlive a run', () => {
    let folder = '';
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'catenary-continued-'));
    });
    afterEach(() => rm(folder, { recursive: true }));
    const opened = async (path: string, keep: number): Promise<ContinuedFile> => {
      const file = await ContinuedFile.open(path, keep);
      assert.ok(file.ok, file.ok ? '' : file.fault.message);
      return file.value;
    };

    it('go on after what was kept; what came later is cut off', async () => {
      const path = join(folder, 'a');
      const first = await opened(path, 0);
      first.write('eins\n');
      assert.ok((await first.sync()).ok);
      assert.equal(first.bytes, 5);
      first.write('zwei, never committed\n');
      assert.ok((await first.close()).ok);
      const second = await opened(path, 5);
      second.write('\u00e4\n');
      assert.ok((await second.sync()).ok);
      assert.equal(second.bytes, 8, 'bytes, not characters');
      assert.ok((await second.close()).ok);
      assert.equal(await readFile(path, 'utf8'), 'eins\n\u00e4\n');
    });

    it('begin anew without anything kept; one that is shorter than it was is a fault', async () => {
      const path = join(folder, 'a');
      await (await opened(path, 0)).close();
      assert.equal((await stat(path)).size, 0, 'a file without a line is there');
      const shorter = await ContinuedFile.open(path, 1);
      assert.ok(!shorter.ok && /shorter than it was left/.test(shorter.fault.message));
      const gone = await ContinuedFile.open(join(folder, 'gone'), 1);
      assert.ok(!gone.ok && /gone: no such file/.test(gone.fault.message));
    });

    it('are replaced whole, and a folder that is not there is a fault', async () => {
      const path = join(folder, 'a');
      assert.ok((await replaceFile(path, 'old')).ok);
      assert.ok((await replaceFile(path, 'new')).ok);
      assert.equal(await readFile(path, 'utf8'), 'new');
      const gone = await replaceFile(join(folder, 'no', 'a'), 'x');
      assert.ok(!gone.ok && gone.fault.code === 'output_unwritable');
    });

    it('on a full device say so', async () => {
      const full = await ContinuedFile.open('/dev/full', 0);
      assert.ok(full.ok);
      full.value.write('x');
      const synced = await full.value.sync();
      assert.ok(!synced.ok && /no space left/.test(synced.fault.message));
      await full.value.close();
    });
  });
});
