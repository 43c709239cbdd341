import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programFor } from '../../src/commands/program.ts';
import { worldFor } from '../../src/commands/testing.ts';
import { skip } from '../../test/skip.ts';
import { closure, readLock, rootsOf } from './closure.ts';
import { manPages } from './man.ts';
import { sbom } from './sbom.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SIGN = fileURLToPath(new URL('sign.ts', import.meta.url));
const UNITS = join(ROOT, 'appliance/systemd');

describe('packaging', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'catenary-packaging-'));
  });
  after(() => rmSync(folder, { recursive: true }));
  const isThere = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

  it('the closure: what runs, found as Node finds it; a dependency that is missing is an error', () => {
    const lock = {
      '': { version: '1', dependencies: { a: '1', 'cmake-js': '1' }, optionalDependencies: { store: '1' } },
      'node_modules/a': { version: '1', dependencies: { b: '1' }, optionalDependencies: { other: '1' } },
      'node_modules/a/node_modules/b': { version: '2', dependencies: { c: '1' } },
      'node_modules/b': { version: '1' },
      'node_modules/c': { version: '1' },
      'node_modules/other': { version: '1' },
      'node_modules/cmake-js': { version: '1' },
    };
    for (const path of ['node_modules/a', 'node_modules/a/node_modules/b', 'node_modules/c']) {
      mkdirSync(join(folder, path), { recursive: true });
      writeFileSync(join(folder, path, 'package.json'), '{}');
    }
    assert.deepEqual(rootsOf(lock), { sensor: ['a'], store: ['store'] });
    assert.deepEqual(closure(lock, folder, ['a']), [
      'node_modules/a',
      'node_modules/a/node_modules/b',
      'node_modules/c',
    ]);
    rmSync(join(folder, 'node_modules/c'), { recursive: true });
    assert.throws(() => closure(lock, folder, ['a']), /^Error: c, which node_modules\/a\/node_modules\/b needs/);
  });

  it('the sensor carries neither the store nor what only builds; the list of parts says what the lock file pins', () => {
    const lock = readLock(ROOT);
    const paths = closure(lock, ROOT, rootsOf(lock).sensor);
    assert.ok(paths.includes('node_modules/lmdb'));
    assert.ok(!paths.some((p) => /chdb|cmake-js|node-addon-api$|mocha|typescript/.test(p) && !p.includes('lmdb/')));
    const text = sbom({ name: 'x', version: '1' }, [{ lock, paths }]);
    assert.equal(text, sbom({ name: 'x', version: '1' }, [{ lock, paths }]));
    const list = JSON.parse(text) as { components: { purl: string; hashes: { alg: string; content: string }[] }[] };
    assert.equal(list.components.length, paths.length);
    const ws = list.components.find((c) => c.purl.startsWith('pkg:npm/ws@'));
    const pinned = Buffer.from(lock['node_modules/ws']?.integrity?.slice('sha512-'.length) ?? '', 'base64');
    assert.deepEqual(ws?.hashes, [{ alg: 'SHA-512', content: pinned.toString('hex') }]);
  });

  it('every command has a manual page, which man can read', async function () {
    const pages = manPages(await programFor(worldFor().world, () => undefined), '9.9');
    const names = pages.map(([name]) => name);
    for (const name of ['catenary.1', 'catenary-doctor.1', 'catenary-chain-lint.1']) assert.ok(names.includes(name));
    const doctor = pages.find(([name]) => name === 'catenary-doctor.1')?.[1] ?? '';
    assert.match(doctor, /^\.SH "EXIT CODES"$/m);
    if (!isThere('groff')) skip(this, 'needs groff');
    for (const [name, text] of pages) {
      const shown = spawnSync('groff', ['-man', '-Tutf8', '-ww'], { input: text, encoding: 'utf8' });
      assert.equal(shown.stderr, '', name);
    }
  });

  it('sums are signed in a form that openssl checks; a changed file, a changed sum, another key are told', () => {
    const at = join(folder, 'sums');
    mkdirSync(at);
    writeFileSync(join(at, 'a.deb'), 'a package');
    const sum = createHash('sha256').update('a package').digest('hex');
    writeFileSync(join(at, 'SHA256SUMS'), `${sum}  a.deb\n`);
    const run = (...args: string[]) =>
      spawnSync(process.execPath, ['--import', 'tsx', SIGN, ...args], { cwd: ROOT, encoding: 'utf8' });
    const key = join(folder, 'key');
    assert.equal(run('key', key).status, 0);
    assert.equal(statSync(key).mode & 0o777, 0o600);
    assert.notEqual(run('key', key).status, 0, 'a key is never written over');
    assert.deepEqual(run('sign', at, key).stderr, '');
    assert.equal(run('verify', at, `${key}.pub`).status, 0);
    const hand = ['pkeyutl', '-verify', '-pubin', '-inkey', `${key}.pub`, '-rawin', '-in', join(at, 'SHA256SUMS')];
    const said = execFileSync('openssl', [...hand, '-sigfile', join(at, 'SHA256SUMS.sig')], { encoding: 'utf8' });
    assert.match(said, /Verified Successfully/);
    run('key', `${key}2`);
    assert.match(run('verify', at, `${key}2.pub`).stderr, /was not signed with this key/);
    writeFileSync(join(at, 'a.deb'), 'another');
    assert.match(run('verify', at, `${key}.pub`).stderr, /^sign: a\.deb: is not what SHA256SUMS says/);
    writeFileSync(join(at, 'SHA256SUMS'), `${createHash('sha256').update('another').digest('hex')}  a.deb\n`);
    assert.match(run('verify', at, `${key}.pub`).stderr, /was not signed with this key, or was changed/);
  }).timeout(60_000);

  for (const unit of readdirSync(UNITS).filter((name) => name.endsWith('.service')))
    it(`${unit} is in a sandbox: exposure 2.0 or less, and systemd knows every word`, function () {
      if (!isThere('systemd-analyze')) skip(this, 'needs systemd-analyze');
      const judged = spawnSync('systemd-analyze', ['security', '--offline=true', join(UNITS, unit)], {
        encoding: 'utf8',
      });
      const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(judged.stdout)?.[1]);
      assert.ok(exposure <= 2.0, judged.stdout.slice(-300));
      // A word that systemd does not know is told on standard error, and passed over.
      assert.equal(judged.stderr, '');
      const text = readFileSync(join(UNITS, unit), 'utf8');
      if (!unit.includes('@')) assert.match(text, /^WatchdogSec=\d+$/m);
    });
});
