import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { FileOutput, PIECE_CHARS, StreamOutput } from './output.ts';

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
});
