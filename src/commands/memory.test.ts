import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT } from '../lib/fault.ts';
import { entityOf } from './memory.ts';
import { runMain } from './testing.ts';

const CAPTURES = ['day-00', 'day-03', 'day-31'].map((day) =>
  fileURLToPath(new URL(`../../test/golden/founding/${day}.pcap`, import.meta.url)),
);

describe('catenary memory show', function () {
  this.timeout(60_000);
  let dir = '';
  let state = '';

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-memory-'));
    state = join(dir, 'state');
    mkdirSync(join(dir, 'out'));
    const config = join(dir, 'c.yaml');
    writeFileSync(config, `state: { dir: ${state} }\n`);
    const { code, stderr } = await runMain('analyze', ...CAPTURES, '--config', config, '--out', join(dir, 'out'));
    assert.equal(code, EXIT.ok, stderr);
  });
  after(() => {
    rmSync(dir, { recursive: true });
  });
  const ask = async (...args: string[]): Promise<Record<string, unknown>> => {
    const { code, stdout, stderr } = await runMain('memory', 'show', ...args, '--dir', state, '--json');
    assert.equal(code, EXIT.ok, stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  it('tells a name that was seen, on its days, and by one host of those', async () => {
    const hosts = await ask('host:mac:00:00:00:00:00:00');
    assert.deepEqual(hosts.held, []);
    const { stdout } = await runMain('read', ...CAPTURES, '--kinds', 'dns');
    const names = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { query?: string; orig_h: string });
    const [first] = names.filter((n) => n.query?.includes('.'));
    const known = await ask(first?.query ?? '');
    assert.ok((known.count as number) >= 1 && (known.hosts as number) >= 1, JSON.stringify(known));
    assert.match(known.first as string, /^\d{4}-\d{2}-\d{2}T/);
    const told = await runMain('memory', 'show', first?.query ?? '', '--dir', state);
    assert.match(
      told.stdout,
      /^domain:.*\n {2}first seen +\d{4}.*\n {2}last seen .*\n {2}times +\d+, on \d+ days\n {2}hosts /,
    );
  });

  it('tells that nothing is known, and since when it would be', async () => {
    const known = await ask('never.example');
    assert.deepEqual([known.first, known.count, known.hosts], [null, 0, 0]);
    assert.match(known.since as string, /^\d{4}-/);
  });

  it('asks for what it needs', async () => {
    for (const [args, message] of [
      [['what is it', '--dir', state], /cannot tell what it is/],
      [['a.example', '--dir', dir], /holds no memory/],
      [['a.example', '--dir', state, '--days', '0'], /1 to 400/],
    ] as const) {
      const { code, stderr } = await runMain('memory', 'show', ...args);
      assert.equal(code, EXIT.usage);
      assert.match(stderr, message);
    }
  });
});

describe('an entity', () => {
  it('is what it looks like, or what is said in front', () => {
    assert.deepEqual(entityOf('Files.Example.'), { space: 'domain', key: 'files.example' });
    assert.deepEqual(entityOf('2001:db8::1'), { space: 'addr', key: '2001:db8::1' });
    assert.deepEqual(entityOf('A'.repeat(64)), { space: 'file', key: 'a'.repeat(64) });
    assert.deepEqual(entityOf('user_agent:curl/7:x'), { space: 'user_agent', key: 'curl/7:x' });
    assert.deepEqual(entityOf('host:ip:10.0.0.7'), { space: 'host', key: 'ip:10.0.0.7' });
    assert.deepEqual(entityOf('mac:02:00:00:00:00:07'), { space: 'host', key: 'mac:02:00:00:00:00:07' });
    assert.equal(entityOf('nothing'), undefined);
    assert.equal(entityOf('domain:'), undefined);
  });
});
