import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { needStore } from '../../test/skip.ts';
import { systemClock } from '../lib/clock.ts';
import { connect, reasonOf, type StoreAccess } from './access.ts';
import { pauseOf } from './backoff.ts';
import { Launcher, type LauncherEvent } from './launcher.ts';

const pause = (ms: number): Promise<void> => new Promise((done) => systemClock.after(ms, done));
const lives = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

describe('store: the launched server', function () {
  this.timeout(60_000);
  let root: string;
  let launcher: Launcher;
  let access: StoreAccess;
  const events: LauncherEvent[] = [];

  before(async function () {
    needStore(this);
    root = mkdtempSync(path.join(tmpdir(), 'catenary-launcher-'));
    const started = await Launcher.start({
      ...{ dir: path.join(root, 'store'), clock: systemClock, memoryMb: 1024 },
      onEvent: (e) => events.push(e),
    });
    assert.ok(started.ok, started.ok ? '' : started.fault.message);
    launcher = started.value;
    access = launcher.access;
  });
  after(async () => {
    await launcher?.stop();
    if (root !== undefined) rmSync(root, { recursive: true, force: true });
  });

  /** What the server says no with, or undefined. */
  async function refusal(login: 'writer' | 'reader' | 'nobody', query: string): Promise<string | undefined> {
    const who = login === 'nobody' ? { username: 'default', password: '' } : access[login];
    const client = connect(access, who);
    try {
      await client.exec({ query }).then(({ stream }) => stream.resume());
      return undefined;
    } catch (error) {
      return reasonOf(error);
    } finally {
      await client.close();
    }
  }

  it('keeps folder, configuration and passwords from others', () => {
    for (const [name, mode] of [
      ['', 0o700],
      ['config', 0o700],
      ['config/users.xml', 0o600],
      ['access.json', 0o600],
    ] as const)
      assert.equal(statSync(path.join(root, 'store', name)).mode & 0o777, mode, name);
    assert.deepEqual(JSON.parse(readFileSync(path.join(root, 'store', 'access.json'), 'utf8')), access);
    const command = readFileSync(`/proc/${launcher.pid}/cmdline`, 'utf8');
    const environment = readFileSync(`/proc/${launcher.pid}/environ`, 'utf8');
    for (const login of [access.writer, access.reader])
      for (const where of [command, environment, readFileSync(path.join(root, 'store/config/users.xml'), 'utf8')])
        assert.ok(!where.includes(login.password));
  });

  it('lets nobody reach files, programs or the network', async () => {
    const sources = [
      `file('/etc/passwd', 'LineAsString', 'x String')`,
      `url('${access.url}/ping', 'LineAsString', 'x String')`,
      `remote('127.0.0.1:9000', system.one)`,
      `remoteSecure('127.0.0.1:9440', system.one)`,
      `s3('http://127.0.0.1/bucket/key', 'CSV', 'x String')`,
      `executable('id', 'TSV', 'x String')`,
      `mysql('127.0.0.1:3306', 'a', 'b', 'c', 'd')`,
      `postgresql('127.0.0.1:5432', 'a', 'b', 'c', 'd')`,
      `mongodb('127.0.0.1:27017', 'a', 'b', 'c', 'd', 'x String')`,
      `redis('127.0.0.1:6379', 'k', 'k String, v String')`,
      `sqlite('/etc/passwd', 'a')`,
      `odbc('DSN=a', 'a', 'b')`,
      `hdfs('hdfs://127.0.0.1:9000/a', 'CSV', 'x String')`,
    ];
    for (const login of ['writer', 'reader', 'nobody'] as const)
      for (const source of sources) {
        const said = await refusal(login, `SELECT * FROM ${source}`);
        assert.match(said ?? 'answered', /ACCESS_DENIED|UNSUPPORTED_METHOD|UNKNOWN_FUNCTION/, `${login}: ${source}`);
      }
  });

  it('lets the writer make tables of one engine family in one database', async () => {
    assert.equal(await refusal('writer', 'CREATE DATABASE IF NOT EXISTS catenary'), undefined);
    assert.equal(
      await refusal('writer', 'CREATE TABLE catenary.kept (a UInt8) ENGINE = MergeTree ORDER BY a'),
      undefined,
    );
    assert.equal(await refusal('writer', 'INSERT INTO catenary.kept VALUES (7)'), undefined);
    for (const [query, why] of [
      [`CREATE TABLE catenary.f (a String) ENGINE = File(CSV)`, 'ACCESS_DENIED'],
      [`CREATE TABLE catenary.f (a String) ENGINE = URL('http://127.0.0.1/', 'CSV')`, 'ACCESS_DENIED'],
      [`CREATE TABLE catenary.f (a String) ENGINE = Executable('id', 'TSV')`, 'ACCESS_DENIED'],
      ['CREATE DATABASE other', 'ACCESS_DENIED'],
      [`CREATE USER mallory IDENTIFIED BY 'x'`, 'ACCESS_DENIED'],
      ['CREATE FUNCTION f AS (x) -> x', 'ACCESS_DENIED'],
      [`SELECT * FROM catenary.kept INTO OUTFILE '/tmp/x'`, ''],
      ['SYSTEM SHUTDOWN', 'ACCESS_DENIED'],
    ] as const)
      assert.match((await refusal('writer', query)) ?? 'answered', new RegExp(why === '' ? '[A-Z_]+:' : why), query);
  });

  it('lets the reader read, within limits, and change nothing', async () => {
    assert.equal(await refusal('reader', 'SELECT * FROM catenary.kept SETTINGS max_execution_time = 60'), undefined);
    for (const [query, why] of [
      ['INSERT INTO catenary.kept VALUES (1)', 'ACCESS_DENIED|READONLY'],
      ['DROP TABLE catenary.kept', 'ACCESS_DENIED|READONLY'],
      ['SELECT * FROM system.users', 'ACCESS_DENIED'],
      ['SELECT 1 SETTINGS readonly = 0', 'READONLY'],
      ['SELECT 1 SETTINGS max_execution_time = 61', 'SETTING_CONSTRAINT_VIOLATION'],
      ['SELECT 1 SETTINGS max_execution_time = 0', 'SETTING_CONSTRAINT_VIOLATION'],
      ['SELECT 1 SETTINGS max_memory_usage = 0', 'SETTING_CONSTRAINT_VIOLATION'],
    ] as const)
      assert.match((await refusal('reader', query)) ?? 'answered', new RegExp(why), query);
  });

  it('knows nobody without a password', async () => {
    for (const query of ['SELECT * FROM catenary.kept', 'SELECT * FROM system.users', 'DROP TABLE catenary.kept'])
      assert.match((await refusal('nobody', query)) ?? 'answered', /ACCESS_DENIED/, query);
    const client = connect(access, { username: access.writer.username, password: 'guess' });
    await assert.rejects(client.query({ query: 'SELECT 1' }), /AUTHENTICATION_FAILED|password is incorrect/i);
    await client.close();
  });

  it('comes back when it is killed, with what was acknowledged', async () => {
    events.length = 0;
    const old = launcher.pid as number;
    process.kill(old, 'SIGKILL');
    while (!events.some((e) => e.event === 'ready')) await pause(20);
    assert.deepEqual(
      events.map((e) => e.event),
      ['died', 'ready'],
    );
    assert.equal(launcher.deaths, 1);
    assert.notEqual(launcher.pid, old);
    const client = connect(access, access.reader);
    assert.equal(
      await (await client.query({ query: 'SELECT a FROM catenary.kept', format: 'TabSeparated' })).text(),
      '7\n',
    );
    await client.close();
  });

  it('ends in order, and starts again over the same folder', async () => {
    events.length = 0;
    await launcher.stop();
    assert.deepEqual(events, [{ event: 'stopped', orderly: true }]);
    assert.equal(launcher.pid, undefined);
    const again = await Launcher.start({ dir: path.join(root, 'store'), clock: systemClock, memoryMb: 1024 });
    assert.ok(again.ok);
    launcher = again.value;
    assert.notEqual(launcher.access.writer.password, access.writer.password);
    access = launcher.access;
    assert.equal(await refusal('reader', 'SELECT throwIf(a != 7) FROM catenary.kept'), undefined);
  });

  it('does not outlive its parent, however that dies', async () => {
    const at = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
    const script = path.join(root, 'parent.mjs');
    writeFileSync(
      script,
      `import { systemClock } from ${at('../lib/clock.ts')};
       import { Launcher } from ${at('./launcher.ts')};
       const dir = ${JSON.stringify(path.join(root, 'orphan'))};
       const l = await Launcher.start({ dir, clock: systemClock, memoryMb: 512 });
       console.log(l.ok ? l.value.pid : l.fault.message);`,
    );
    const parent = spawn(process.execPath, ['--import', 'tsx', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    assert.ok(pid > 1 && lives(pid), line.toString());
    parent.kill('SIGKILL');
    while (lives(pid)) await pause(20);
  });
});

describe('store: a server that cannot start', () => {
  let root: string;
  before(() => {
    root = mkdtempSync(path.join(tmpdir(), 'catenary-launcher-'));
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  const start = async (options: Partial<Parameters<typeof Launcher.start>[0]>) => {
    const dir = path.join(root, 'store');
    const result = await Launcher.start({ dir, clock: systemClock, library: '/dev/null', ...options });
    assert.ok(!result.ok);
    return result.fault;
  };

  it('says which part is missing', async () => {
    assert.equal((await start({ program: path.join(root, 'absent') })).code, 'store_missing');
    assert.match((await start({ program: path.join(root, 'absent') })).hint, /make build/);
  });

  it('says what the child said', async () => {
    const program = path.join(root, 'fails');
    writeFileSync(program, '#!/bin/sh\necho "Logging to nowhere" >&2\necho "no room" >&2\nexit 5\n');
    chmodSync(program, 0o755);
    const fault = await start({ program });
    assert.equal(fault.code, 'store_unusable');
    assert.match(fault.message, /no room \(exit code 5\)$/);
  });

  it('says that a library is none', async () => {
    const fault = await start({});
    assert.equal(fault.code, 'store_unusable');
    assert.match(fault.message, /\/dev\/null: /);
  });

  for (const [memoryMb, code] of [
    [511, 'config_invalid'],
    [512, 'store_unusable'],
    [1 << 20, 'store_unusable'],
    [(1 << 20) + 1, 'config_invalid'],
    [Number.NaN, 'config_invalid'],
  ] as const)
    it(`memory of ${memoryMb} MiB: ${code === 'config_invalid' ? 'refused' : 'tried'}`, async () => {
      assert.equal((await start({ memoryMb })).code, code);
    });

  it('says that its folder cannot be made', async () => {
    const fault = await start({ dir: path.join(root, 'no', 'where') });
    assert.equal(fault.code, 'store_unusable');
    assert.match(fault.message, /no such file/);
  });
});

describe('store: pauses between attempts', () => {
  it('double with jitter, up to their limit', () => {
    for (const [n, range] of [
      [0, 250],
      [1, 500],
      [6, 16_000],
      [7, 30_000],
      [1e9, 30_000],
    ] as const) {
      const pause = (random: (n: number) => number): number => pauseOf(n, { first: 250, max: 30_000 }, random);
      assert.equal(
        pause(() => 0),
        range / 2,
      );
      assert.equal(
        pause((k) => k - 1),
        range - 1,
      );
    }
    assert.ok(pauseOf(9, { first: 250, max: 100 }) <= 100);
  });
});
