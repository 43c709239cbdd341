import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { filesOfTar, tarOf } from './tar.ts';

const texts = (read: ReturnType<typeof filesOfTar>): unknown =>
  typeof read === 'string' ? read : read.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()]);

describe('tar', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-tar-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const system = (...args: string[]): Buffer => execFileSync('tar', args, { cwd: dir });

  it('what it writes it reads, and so does tar', () => {
    const entries = [
      { name: 'a/b.txt', bytes: Buffer.from('one') },
      { name: 'empty', bytes: Buffer.alloc(0) },
      { name: 'block', bytes: Buffer.alloc(512, 'x') },
    ];
    assert.deepEqual(
      texts(filesOfTar(tarOf(entries), 3)),
      entries.map((e) => [e.name, e.bytes.toString()]),
    );
    writeFileSync(join(dir, 'x.tar'), tarOf(entries));
    assert.equal(system('xOf', 'x.tar', 'a/b.txt').toString(), 'one');
  });

  it('what tar writes it reads: files, also in folders and with ./ before', () => {
    mkdirSync(join(dir, 'in/deep'), { recursive: true });
    writeFileSync(join(dir, 'in/deep/f'), 'text');
    assert.deepEqual(texts(filesOfTar(system('cf', '-', '--format=ustar', './in'), 10)), [['in/deep/f', 'text']]);
  });

  it('links, names that lead out, a name twice and too many files are refused, and said', () => {
    symlinkSync('/etc/passwd', join(dir, 'link'));
    assert.match(String(filesOfTar(system('cf', '-', '--format=ustar', 'link'), 10)), /no file: link/);
    writeFileSync(join(dir, 'f'), '');
    const out = system('cf', '-', '--format=ustar', '--transform=s#^f#../f#', '-P', 'f');
    assert.match(String(filesOfTar(out, 10)), /may not: \.\.\/f/);
    const absolute = system('cf', '-', '--format=ustar', '-P', join(dir, 'f'));
    assert.match(String(filesOfTar(absolute, 10)), /may not: \//);
    const f = { name: 'f', bytes: Buffer.alloc(0) };
    assert.match(String(filesOfTar(tarOf([f, f]), 10)), /twice: f/);
    const many = ['a', 'b', 'c'].map((name) => ({ ...f, name }));
    assert.equal(filesOfTar(tarOf(many), 3).length, 3);
    assert.match(String(filesOfTar(tarOf(many), 2)), /more than 2/);
  });

  it('whatever the bytes are, it answers, and gives no byte that is not there', () => {
    const whole = tarOf([{ name: 'a', bytes: Buffer.alloc(700, 1) }]);
    for (let n = 0; n < whole.length; n++) {
      const read = filesOfTar(whole.subarray(0, n), 9);
      assert.ok(typeof read === 'string' || n > 512 + 1024);
    }
    fc.assert(
      fc.property(fc.nat(511), fc.nat(255), (at, byte) => {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        const read = filesOfTar(bytes, 9);
        assert.ok(typeof read === 'string' || read.every((e) => e.bytes.length <= bytes.length));
      }),
    );
  });
});
