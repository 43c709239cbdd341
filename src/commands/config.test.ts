import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runMain } from './testing.ts';

describe('catenary config', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'catenary-config-'));
  });
  after(() => rmSync(folder, { recursive: true }));
  const put = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const lines = (text: string): string[] => text.split('\n').filter(Boolean);

  it('check: the file that ships has no fault', async () => {
    const shipped = new URL('../../appliance/config/catenary.yaml', import.meta.url).pathname;
    const { code, stdout } = await runMain('config', 'check', shipped);
    assert.equal(stdout, `${shipped}: nothing is wrong\n`);
    assert.equal(code, 0);
  });

  it('check: every fault of the file and of what it names, each with its place and what to do', async () => {
    put('list.txt', 'c2.example\nnot an indicator at all\n');
    put('odd.yaml', 'chain: odd\nwindow: 3d\nby: [who]\nsteps:\n  - { id: one, event: dns }\n');
    const file = put('a.yaml', 'chains: { dirs: [odd.yaml] }\nintel: { files: [list.txt] }\nsignals: { beakon: {} }\n');
    const { code, stdout } = await runMain('config', 'check', file);
    const told = lines(stdout);
    assert.equal(code, 1);
    assert.match(told[0] ?? '', /a\.yaml:3:\d+: signals\.beakon: no such signal/);
    assert.ok(
      told.some((l) => /odd\.yaml:\d+:\d+: .*who/.test(l)),
      stdout,
    );
    assert.ok(
      told.some((l) => /list\.txt:2: /.test(l)),
      stdout,
    );
    assert.match(told.at(-1) ?? '', /a\.yaml: \d+ faults$/);
  });

  it('check: a file with unknown settings is told all of them; one that is not there is wrong usage', async () => {
    const { code, stdout } = await runMain('config', 'check', put('b.yaml', 'memry: {}\nstate: { dri: x }\n'));
    assert.equal(code, 1);
    assert.match(stdout, /b\.yaml:1:1: memry: no such setting[^\n]*\n[^\n]*b\.yaml:2:\d+: state\.dri: no such setting/);
    const gone = await runMain('config', 'check', join(folder, 'gone.yaml'));
    assert.equal(gone.code, 2);
    assert.match(gone.stderr, /gone\.yaml: no such file/);
  });

  it('schema: what is published', async () => {
    const { stdout } = await runMain('config', 'schema');
    const published = new URL('../../appliance/config/catenary.schema.json', import.meta.url);
    assert.deepEqual(JSON.parse(stdout), JSON.parse(readFileSync(published, 'utf8')));
  });

  it('a subcommand that is none, or missing, is wrong usage', async () => {
    for (const args of [['config'], ['config', 'chek']]) {
      const { code, stderr } = await runMain(...args);
      assert.equal(code, 2);
      assert.match(stderr, /one of check, show, diff, migrate, schema/);
    }
  });

  it('show: every setting as it holds, which can be read again; diff: those that are not the defaults', async () => {
    const file = join(folder, 'shown.yaml');
    writeFileSync(
      file,
      'state: { dir: /x }\nsensor:\n  snaplen: 262144\ncollector: { store_url: "http://me:hunter2@h:1" }\n',
    );
    const shown = await runMain('config', 'show', file);
    assert.equal(shown.code, 0);
    assert.match(shown.stdout, /^state:\n {2}dir: "\/x" # .*shown\.yaml:1:15$/m);
    assert.match(shown.stdout, /^ {2}snaplen: 262144$/m);
    assert.doesNotMatch(shown.stdout, /hunter2/);
    const again = join(folder, 'again.yaml');
    writeFileSync(again, shown.stdout);
    assert.equal((await runMain('config', 'check', again)).code, 0);
    const differs = await runMain('config', 'diff', file);
    assert.equal(
      differs.stdout,
      `state.dir: "/x" # ${file}:1:15\ncollector.store_url: "http://me:...@h:1" # ${file}:4:25\n`,
    );
    assert.equal(differs.code, 1);
    writeFileSync(again, '');
    assert.deepEqual(await runMain('config', 'diff', again), { code: 0, stdout: '', stderr: '' });
  });
});
