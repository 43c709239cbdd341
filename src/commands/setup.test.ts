import assert from 'node:assert/strict';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { skip } from '../../test/skip.ts';
import { runMain } from './testing.ts';

const SERVICE = 64_123;

// appliance/packaging/fresh_root.sh runs the rest as an owner does: a span port, a sensor, enrolment, an alert.
describe('catenary setup', function () {
  this.timeout(20_000);
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'catenary-setup-test-'));
  });
  after(() => rmSync(folder, { recursive: true }));
  const file = (name: string): string => join(folder, name);

  it('asks nobody where nobody is, and says what to use', async () => {
    const { code, stderr } = await runMain('setup', '--config', file('none.yaml'));
    assert.equal(code, 2);
    assert.match(stderr, /nobody is here to answer \(use --auto\)/);
    assert.ok(!existsSync(file('none.yaml')));
  });

  it('an interface that is not there is wrong usage, before anything is written', async () => {
    const { code, stderr } = await runMain('setup', '--auto', '--interfaces', 'gone0', '--config', file('none.yaml'));
    assert.equal(code, 2);
    assert.match(stderr, /--interfaces: there is no gone0/);
    assert.ok(!existsSync(file('none.yaml')));
  });

  it('a collector: configuration and keys, which no one else reads; again, nothing changes', async () => {
    const run = () =>
      runMain('setup', '--collector', '--no-start', '--config', file('c.yaml'), '--state', file('collector'));
    const first = await run();
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /^to start: systemctl enable --now catenary-collector\.service$/m);
    assert.equal(statSync(file('collector')).mode & 0o777, 0o700);
    assert.equal(statSync(file('c.yaml')).mode & 0o777, 0o640);
    const before = readFileSync(file('c.yaml'), 'utf8');
    assert.match(before, /^collector:\n {2}dir: \S*\/collector$/m);
    const again = await run();
    assert.equal(again.code, 0);
    assert.doesNotMatch(again.stdout, /written/);
    assert.equal(readFileSync(file('c.yaml'), 'utf8'), before);
  });

  it('a folder that the configuration names, in whatever way, stays as it is written', async () => {
    writeFileSync(file('e.yaml'), 'collector: { dir: mine } # here\n');
    const again = await runMain('setup', '--collector', '--no-start', '--config', file('e.yaml'));
    assert.equal(again.code, 0, again.stderr);
    assert.equal(readFileSync(file('e.yaml'), 'utf8'), 'collector: { dir: mine } # here\n');
    assert.ok(existsSync(file('mine/keys')));
  });

  it("what root makes in a service's folder is the service's: keys, and a token later", async function () {
    if (process.geteuid?.() !== 0) skip(this, 'needs root, to be two users');
    const dir = file('owned');
    mkdirSync(dir, { mode: 0o700 });
    chownSync(dir, SERVICE, SERVICE);
    // So that the service's user reaches its folder.
    const { mode } = statSync(folder);
    assert.equal(mode & 0o777, 0o700);
    chownSync(folder, SERVICE, SERVICE);
    const made = await runMain('setup', '--collector', '--no-start', '--config', file('d.yaml'), '--state', dir);
    assert.equal(made.code, 0, made.stderr);
    const token = await runMain('collector', 'token', 's1', '--config', file('d.yaml'));
    assert.match(token.stdout, /^catenary1\./);
    const owners = (at: string): number[] =>
      readdirSync(at, { withFileTypes: true }).flatMap((e) => [
        statSync(join(at, e.name)).uid,
        ...(e.isDirectory() ? owners(join(at, e.name)) : []),
      ]);
    assert.deepEqual([...new Set(owners(dir))], [SERVICE]);
    assert.equal(process.geteuid?.(), 0);
  });
});
