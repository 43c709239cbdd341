// Runs the ClickHouse server of the npm package @chdb/lib-linux-x64-gnu as a child process, on loopback, and keeps it
// running. native/store/main.cc is the child; server_config.ts is what it is told.
//
//   DIR/data      the tables
//   DIR/log       the server's log, rotated by itself
//   DIR/config    written anew at each start
//   DIR/access.json   where and with which passwords, for other processes of the same user (mode 0600, as all of DIR)
//
// A child that dies is started again after a pause that doubles, with jitter, up to half a minute; it is counted and
// told. The port and the passwords stay for the launcher's life, so clients only see their requests fail meanwhile.
// The child ends when the launcher's process does, however that ends: its standard input is the tie.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../lib/clock.ts';
import { type Fault, failure, type Result, success, systemFault } from '../lib/fault.ts';
import { connect, DATABASE, reasonOf, type StoreAccess } from './access.ts';
import { type Backoff, pauseOf } from './backoff.ts';
import { MEMORY_MB_MAX, MEMORY_MB_MIN, type ServerSettings, serverXml, usersXml } from './server_config.ts';

export type LauncherEvent =
  | { readonly event: 'ready'; readonly pid: number; readonly startMs: number }
  | { readonly event: 'died'; readonly reason: string; readonly deaths: number; readonly pauseMs: number }
  | { readonly event: 'stopped'; readonly orderly: boolean };

export interface LauncherOptions {
  /** Made if it is not there; its parent must be. One launcher a folder. */
  readonly dir: string;
  readonly clock: Clock;
  /** What the server may use in all [MiB]. */
  readonly memoryMb?: number;
  /** Longest pause before the server is started again [ms]. */
  readonly pauseMsMax?: number;
  readonly onEvent?: (event: LauncherEvent) => void;
  /** Other than the built one, and other than the package's: for tests. */
  readonly program?: string;
  readonly library?: string;
}

export const MEMORY_MB_DEFAULT = 2048;
const PAUSE: Backoff = { first: 250, max: 30_000 };
/** A child that lived this long begins a new count of pauses [ms]. */
const SETTLED_MS = 60_000;
/** Deaths before the first readiness: a start that fails so often has a reason that waiting does not cure. */
const FIRST_DEATHS_MAX = 3;
/** Loading many parts takes seconds; replaying mutations after a crash can take longer. */
const READY_MS_MAX = 300_000;
const POLL_MS = 40;
const POLL_TIMEOUT_MS = 5_000;
const STOP_MS_MAX = 20_000;
const STDERR_KEPT = 4096;

// From src/store and from dist/store alike.
const PROGRAM = fileURLToPath(new URL('../../build/cmake/Release/catenary-store', import.meta.url));
const PACKAGE = '@chdb/lib-linux-x64-gnu';

/** The package's library, or undefined where the optional package was not installed: another platform. */
export function storeLibrary(): string | undefined {
  try {
    const file = join(dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`)), 'libchdb.so');
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

/** A free port of loopback. Another process may take it before the server does: then the start is tried again. */
function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function writePrivate(file: string, text: string): void {
  const partial = `${file}.partial`;
  writeFileSync(partial, text, { mode: 0o600 });
  renameSync(partial, file);
}

export class Launcher {
  readonly access: StoreAccess;
  private readonly options: LauncherOptions;
  private readonly settings: ServerSettings;
  private readonly program: string;
  private readonly library: string;
  private child: ChildProcess | undefined;
  private ended: Promise<void> = Promise.resolve();
  private stderr = '';
  private deathsInRow = 0;
  private isReady = false;
  private isStopping = false;
  private readonly sleepers = new Set<() => void>();
  private supervision: Promise<void> = Promise.resolve();
  /** Since the launcher started. */
  deaths = 0;

  private constructor(options: LauncherOptions, settings: ServerSettings, program: string, library: string) {
    this.options = options;
    this.settings = settings;
    this.program = program;
    this.library = library;
    this.access = {
      url: `http://127.0.0.1:${settings.httpPort}`,
      database: settings.database,
      writer: settings.writer,
      reader: settings.reader,
    };
  }

  /** Returns when the server answers, or says why it does not. */
  static async start(options: LauncherOptions): Promise<Result<Launcher>> {
    const memoryMb = options.memoryMb ?? MEMORY_MB_DEFAULT;
    if (!(memoryMb >= MEMORY_MB_MIN && memoryMb <= MEMORY_MB_MAX))
      return failure(
        'config_invalid',
        `the store's memory: ${memoryMb} MiB is not ${MEMORY_MB_MIN} to ${MEMORY_MB_MAX}`,
      );
    const library = options.library ?? storeLibrary();
    if (library === undefined)
      return failure(
        'store_missing',
        `${PACKAGE} is not installed`,
        'npm ci on x64 with glibc, or name a server by URL',
      );
    const program = options.program ?? PROGRAM;
    if (!existsSync(program)) return failure('store_missing', `${program}: no such file`, "run 'make build'");
    const dir = resolve(options.dir);
    const login = (username: string) => ({ username, password: randomBytes(32).toString('hex') });
    const logins = { writer: login('catenary'), reader: login('catenary_reader') };
    let fault: Fault | undefined;
    for (let attempt = 0; attempt < FIRST_DEATHS_MAX; attempt++) {
      const settings = { dir, database: DATABASE, httpPort: await freePort(), memoryMb, ...logins };
      const launcher = new Launcher(options, settings, program, library);
      const prepared = launcher.prepare();
      if (!prepared.ok) return prepared;
      const ready = await launcher.spawn();
      if (ready.ok) {
        launcher.supervision = launcher.supervise();
        return success(launcher);
      }
      await launcher.kill();
      fault = ready.fault;
      if (attempt + 1 < FIRST_DEATHS_MAX) await launcher.sleep(pauseOf(attempt, PAUSE));
    }
    return { ok: false, fault: fault as Fault };
  }

  /** Of the child that runs now. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Ends the server in order, within STOP_MS_MAX; after that, or when it does not listen, without order. */
  async stop(): Promise<void> {
    if (this.isStopping) return this.supervision;
    this.isStopping = true;
    for (const wake of [...this.sleepers]) wake();
    const orderly = this.child !== undefined && this.isReady && (await this.askToEnd());
    await this.kill();
    await this.supervision;
    this.options.onEvent?.({ event: 'stopped', orderly });
  }

  private prepare(): Result<undefined> {
    const { dir } = this.settings;
    try {
      if (!existsSync(dir)) mkdirSync(dir, { mode: 0o700 });
      for (const name of ['data', 'log', 'config']) mkdirSync(join(dir, name), { recursive: true, mode: 0o700 });
      writePrivate(join(dir, 'config', 'server.xml'), serverXml(this.settings));
      writePrivate(join(dir, 'config', 'users.xml'), usersXml(this.settings));
      writePrivate(join(dir, 'access.json'), `${JSON.stringify(this.access, null, 2)}\n`);
      return success(undefined);
    } catch (error) {
      return { ok: false, fault: systemFault('store_unusable', dir, error) };
    }
  }

  /** Starts a child and waits until it answers. A failure leaves it to kill(). */
  private async spawn(): Promise<Result<undefined>> {
    const { dir } = this.settings;
    const began = this.options.clock.monotonic();
    // The second statement never ends by itself: it is what the process lives for.
    const statements =
      'SYSTEM START LISTEN HTTP; SELECT sleepEachRow(1) FROM system.numbers SETTINGS max_block_size = 1, ' +
      'function_sleep_max_microseconds_per_block = 0, max_execution_time = 0 FORMAT Null';
    const child = spawn(
      this.program,
      [
        this.library,
        `--config-file=${join(dir, 'config', 'server.xml')}`,
        `--path=${join(dir, 'data')}`,
        '--log-level=error',
        `--query=${statements}`,
      ],
      // An environment of its own: the library reads variables that change what it does.
      { stdio: ['pipe', 'ignore', 'pipe'], cwd: dir, env: { TZ: 'UTC', PATH: '/usr/bin:/bin' } },
    );
    this.child = child;
    this.isReady = false;
    this.stderr = '';
    child.stdin?.on('error', () => undefined);
    child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr = (this.stderr + chunk.toString('latin1')).slice(-STDERR_KEPT);
    });
    this.ended = new Promise((done) => {
      child.once('error', (error) => {
        this.stderr += error.message;
        done();
      });
      child.once('close', () => done());
    });
    const ready = await this.untilReady(began);
    if (!ready.ok) return ready;
    this.isReady = true;
    const startMs = this.options.clock.monotonic() - began;
    this.options.onEvent?.({ event: 'ready', pid: child.pid as number, startMs });
    return ready;
  }

  private async untilReady(began: number): Promise<Result<undefined>> {
    let gone = false;
    void this.ended.then(() => {
      gone = true;
    });
    while (!gone && this.options.clock.monotonic() - began < READY_MS_MAX && !this.isStopping) {
      if (await this.answers()) return success(undefined);
      await Promise.race([this.sleep(POLL_MS), this.ended]);
    }
    if (gone) return failure('store_unusable', `the store's server does not start: ${this.lastWords()}`);
    return failure('store_unusable', `the store's server did not answer within ${READY_MS_MAX / 1000} s`);
  }

  /**
   * Asked as the writer, so that another process on the same port does not pass for ours. On a connection of its own:
   * one kept open would hold up an orderly end for seconds.
   */
  private answers(): Promise<boolean> {
    const { username, password } = this.access.writer;
    const headers = { 'X-ClickHouse-User': username, 'X-ClickHouse-Key': password };
    return new Promise((done) => {
      const request = get(`${this.access.url}/?query=SELECT%201`, { headers, agent: false }, (response) => {
        response.resume();
        response.once('close', () => {
          alarm.cancel();
          done(response.statusCode === 200);
        });
      });
      const alarm = this.options.clock.after(POLL_TIMEOUT_MS, () => request.destroy());
      request.once('error', () => {
        alarm.cancel();
        done(false);
      });
    });
  }

  private async supervise(): Promise<void> {
    let since = this.options.clock.monotonic();
    while (!this.isStopping) {
      await this.ended;
      if (this.isStopping) return;
      this.isReady = false;
      if (this.options.clock.monotonic() - since >= SETTLED_MS) this.deathsInRow = 0;
      this.deaths++;
      const pauseMs = pauseOf(this.deathsInRow++, { ...PAUSE, max: this.options.pauseMsMax ?? PAUSE.max });
      const reason = this.lastWords();
      this.options.onEvent?.({ event: 'died', reason, deaths: this.deaths, pauseMs });
      await this.sleep(pauseMs);
      if (this.isStopping) return;
      since = this.options.clock.monotonic();
      // What does not become ready is a death like any other.
      if (!(await this.spawn()).ok) this.child?.kill('SIGKILL');
    }
  }

  /** Its wait killed, the server's own session ends and the process shuts its tables down. */
  private async askToEnd(): Promise<boolean> {
    const client = connect(this.access, this.access.writer);
    try {
      await client.command({ query: `KILL QUERY WHERE user = '' ASYNC` });
    } catch (error) {
      this.stderr += reasonOf(error);
      return false;
    } finally {
      await client.close();
    }
    let gone = false;
    await Promise.race([
      this.ended.then(() => {
        gone = true;
      }),
      this.sleep(STOP_MS_MAX),
    ]);
    return gone;
  }

  private async kill(): Promise<void> {
    this.child?.kill('SIGKILL');
    await this.ended;
    this.child?.stdin?.destroy();
    this.child = undefined;
  }

  private lastWords(): string {
    const lines = this.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('Logging '));
    const how = this.child?.signalCode ?? `exit code ${this.child?.exitCode}`;
    return lines.length > 0 ? `${(lines.at(-1) as string).slice(0, 500)} (${how})` : how;
  }

  /** Ends early when stop() is called. */
  private sleep(ms: number): Promise<void> {
    return new Promise((done) => {
      const wake = () => {
        alarm.cancel();
        this.sleepers.delete(wake);
        done();
      };
      const alarm = this.options.clock.after(ms, wake);
      this.sleepers.add(wake);
    });
  }
}
