// SPINE 3: the collector. Frames of sensors into the log, from there into the store, and out again for people.
//
//   sensors ═ wss ═ listener ─ log (synced, then acknowledged) ─ loader ─ store ─ queries ─ console
//
// The log is what makes each promise: a frame is acknowledged when it is there, and goes when the store has it durably.
// The store may be away for as long as the log's disk lasts; nobody upstream notices.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAddon } from './capture/addon.ts';
import { AskingSocket, collectorSocket } from './collector/asking.ts';
import { openAuthority } from './collector/authority.ts';
import { Listener } from './collector/listener.ts';
import { PacketDesk } from './collector/packet_desk.ts';
import { nothing } from './collector/pulls.ts';
import { Rollout, rolloutDir, tidyRollout } from './collector/rollout.ts';
import type { Audit } from './collector/session.ts';
import { Tokens } from './collector/tokens.ts';
import { Wal } from './collector/wal.ts';
import { Witness } from './collector/witness.ts';
import type { Surroundings } from './commands/surroundings.ts';
import type { Config } from './config/config.ts';
import { Console } from './console/index.ts';
import { redactedQueries } from './console/redacted.ts';
import { Desk } from './desk.ts';
import { Fleet } from './fleet.ts';
import { keepAlive, pause } from './lib/clock.ts';
import { EXIT, type ExitCode, FAULTS, failure, type Result, success, systemFault } from './lib/fault.ts';
import { Journal } from './lib/journal.ts';
import { secretKey } from './lib/secret_key.ts';
import { type EventInput, encodeBatch } from './schema/encode.ts';
import { SCHEMA } from './schema/fingerprint.ts';
import type { KindName } from './schema/gen/events.gen.ts';
import { KIND_IDS, KIND_NAMES } from './schema/gen/structures.gen.ts';
import { Redactor } from './schema/redact.ts';
import { collectorChains } from './stages.ts';
import type { NativeMemoryClass } from './state/memory.ts';
import { Supervisor } from './status/supervisor.ts';
import { DATABASE, type StoreAccess } from './store/access.ts';
import { Launcher } from './store/launcher.ts';
import { FRAMES_BYTES_MAX, FRAMES_MAX, Loader } from './store/load.ts';
import { migrate } from './store/migrate.ts';
import { Queries } from './store/query.ts';
import { Triage } from './triage/triage.ts';
import { COLLECTOR, FLEET, OWN, TRIAGE, tokenText } from './wire/agreed.ts';

/** How long the loader waits for more [ms]: what an insert costs does not depend on how much is in it. */
const LOAD_MS = 500;
const RETRY_MS = 5000;
/** Blocks of this many are worth no waiting. */
const FULL = FRAMES_MAX / 2;

/** Where the parts of a collector's folder are. */
const parts = (dir: string) => ({
  ...{ keys: join(dir, 'keys'), log: join(dir, 'log'), store: join(dir, 'store'), witness: join(dir, 'witness') },
  content: rolloutDir(dir),
  fetched: join(dir, 'fetched'),
  triage: join(dir, 'triage'),
  fleet: join(dir, 'fleet'),
});

/** What was decided about alerts at a collector of this machine: also while that runs, and by other processes. */
export function openTriage({ collector }: Config, clock: Surroundings['clock']): Result<Triage> {
  if (collector.dir === null)
    return failure('config_invalid', 'collector.dir is null', 'name the folder of the collector');
  return Triage.open(parts(collector.dir).triage, clock);
}

/** "0.0.0.0:8443", "[::]:8443" */
export function placeOf(listen: string): { host: string; port: number } {
  const at = listen.lastIndexOf(':');
  return { host: listen.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(listen.slice(at + 1)) };
}

/** One login for both hands: what a server elsewhere lets it do is that server's business. */
function accessAt(url: string): StoreAccess {
  const parsed = new URL(url);
  const login = {
    username: decodeURIComponent(parsed.username) || 'default',
    password: decodeURIComponent(parsed.password),
  };
  parsed.username = '';
  parsed.password = '';
  return { url: parsed.toString().replace(/\/$/, ''), database: DATABASE, writer: login, reader: login };
}

/** Where the store of a collector is that runs on this machine, for other processes of its user. */
export function readAccess({ collector }: Config): Result<StoreAccess> {
  const { dir, store_url } = collector;
  if (store_url !== null) return success(accessAt(store_url));
  if (dir === null)
    return failure(
      'config_invalid',
      'collector.dir and collector.store_url are null',
      'name the folder of the collector',
    );
  const file = join(parts(dir).store, 'access.json');
  try {
    return success(JSON.parse(readFileSync(file, 'utf8')) as StoreAccess);
  } catch (error) {
    return { ok: false, fault: systemFault('store_unusable', file, error) };
  }
}

/** Those of a collector that has not run yet, so that a token can be made before it does. */
export async function makeKeys(config: Config): Promise<Result<undefined>> {
  const { dir } = config.collector;
  if (dir === null) return failure('config_invalid', 'collector.dir is null', 'name the folder of the collector');
  const authority = await openAuthority(parts(dir).keys);
  return authority.ok ? success(undefined) : authority;
}

/** A token for one sensor, for `catenary enroll`. */
export async function makeToken(config: Config, sensor: string, world: Surroundings): Promise<Result<string>> {
  const { dir } = config.collector;
  if (dir === null) return failure('config_invalid', 'collector.dir is null', 'name the folder of the collector');
  if (OWN.has(sensor)) return failure('usage', `'${sensor}' is the collector's own name`, 'take another');
  const authority = await openAuthority(parts(dir).keys);
  if (!authority.ok) return authority;
  const secret = await new Tokens(parts(dir).keys, world.clock).make(sensor);
  return secret.ok ? success(tokenText(authority.value.fingerprint, secret.value)) : secret;
}

export interface RunningCollector {
  readonly url: string;
  readonly console: string;
  stop(): Promise<void>;
}

class Server implements RunningCollector {
  url = '';
  console = '';
  private readonly config: Config;
  private readonly world: Surroundings;
  readonly journal: Journal;
  private readonly closers: (() => Promise<unknown>)[] = [];
  private readonly stopping = new AbortController();
  private wal: Wal | undefined;
  private epoch = 0;
  private seq = 0;
  private loading: Promise<void> = Promise.resolve();

  constructor(config: Config, world: Surroundings) {
    this.config = config;
    this.world = world;
    this.journal = new Journal(world.clock, world.stderr, world.systemJournal('catenary-collector'));
  }

  /** Opens from the inside out: nothing is taken before it can be kept. */
  async start(): Promise<Result<undefined>> {
    const { dir, listen, console: place } = this.config.collector;
    if (dir === null) return failure('config_invalid', 'collector.dir is null', 'name a folder for it');
    const addon = loadAddon();
    if (!addon.ok) return addon;
    const at = parts(dir);
    try {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', dir, error) };
    }
    const { clock } = this.world;
    const access = await this.openStore(at.store);
    if (!access.ok) return access;
    const wal = await Wal.open({ dir: at.log, crc32c: addon.value.crc32c, clock });
    if (!wal.ok) return wal;
    this.wal = wal.value;
    this.closers.push(() => wal.value.close());
    this.epoch = wal.value.marks.latest(COLLECTOR) + 1;
    for (const n of wal.value.notices) this.journal.say(`log: ${n.where}: ${n.reason}`, 'store');

    const schemas = new Set([SCHEMA]);
    const loader = new Loader({ access: access.value, native: addon.value, clock, schemas });
    let sensors: Listener | undefined;
    const fetching = new PacketDesk({
      ...{ dir: at.fetched, clock, audit: (a) => this.audit(a), newId: () => randomBytes(16).toString('hex') },
      pull: (name, wanted) => sensors?.pull(name, wanted) ?? nothing('stopped', 'the collector only starts'),
    });
    this.closers.push(async () => fetching.close());
    const queries = new Queries(access.value);
    this.closers.push(() => queries.close());
    const triage = openTriage(this.config, clock);
    if (!triage.ok) return triage;
    for (const fault of triage.value.faults) this.journal.say(`triage: ${fault}: somebody has changed the log of acts`);
    const desk = this.deskOf(triage.value, queries, wal.value);
    const fleet = this.openFleet(at.fleet, addon.value.Memory, wal.value);
    if (!fleet.ok) return fleet;
    this.loading = this.load(loader, desk, fleet.value);

    const { host, port } = placeOf(place);
    const key = secretKey(join(at.keys, 'redact.key'));
    if (!key.ok) return key;
    const shown = redactedQueries(queries, new Redactor(this.config.redact, key.value));
    const web = await Console.start({
      ...{ queries: shown, desk, clock, dir, host, port, packets: fetching },
      onFirstCode: (code) => this.journal.say(`first login at the console: code ${code}`, 'code'),
      onAct: ({ act, visitor }) =>
        this.audit({
          ...{ action: act, outcome: act === 'login_refused' ? 'refused' : 'done', reason: '', actor: '' },
          ...{ address: visitor, target: 'console', detail: '' },
        }),
    });
    if (!web.ok) return web;
    this.closers.push(() => web.value.stop());
    this.console = web.value.url;

    const authority = await openAuthority(at.keys);
    if (!authority.ok) return authority;
    const witness = await Witness.open(at.witness, clock);
    if (!witness.ok) return witness;
    await tidyRollout(at.content);
    const rollout = await Rollout.open(at.content, clock, (fault) => this.journal.tell(fault));
    if (!rollout.ok) return rollout;
    const asking = await AskingSocket.open(collectorSocket(dir), fetching);
    if (!asking.ok) return asking;
    this.closers.push(() => asking.value.close());
    const listening = await Listener.open({
      rollout: rollout.value,
      ...{
        wal: wal.value,
        witness: witness.value,
        native: addon.value,
        clock,
        schemas,
        audit: (a: Audit) => this.audit(a),
      },
      ...{ authority: authority.value, tokens: new Tokens(at.keys, clock), ...placeOf(listen) },
    });
    if (!listening.ok) return listening;
    sensors = listening.value;
    this.closers.push(() => listening.value.close());
    this.url = `wss://${placeOf(listen).host}:${listening.value.port}`;
    return success(undefined);
  }

  private async openStore(dir: string): Promise<Result<StoreAccess>> {
    const { store_url, keep_days } = this.config.collector;
    let access: StoreAccess;
    if (store_url === null) {
      const launched = await Launcher.start({
        ...{ dir, clock: this.world.clock },
        onEvent: (e) => {
          if (e.event === 'died') this.journal.say(`store: died (${e.reason}), starts again`, 'store');
        },
      });
      if (!launched.ok) return launched;
      this.closers.push(() => launched.value.stop());
      access = launched.value.access;
    } else access = accessAt(store_url);
    const keepDays = Object.fromEntries(
      KIND_NAMES.filter((k) => k !== undefined && k !== 'alert' && k !== 'triage').map((kind) => [kind, keep_days]),
    );
    const migrated = await migrate(access, { keepDays });
    if (!migrated.ok) return migrated;
    const { from, to, done } = migrated.value;
    if (from > 0 && done.length > 0)
      this.journal.say(`store: brought from version ${from} to ${to}, ${done.length} changes`, 'store');
    return success(access);
  }

  private deskOf(triage: Triage, queries: Queries, wal: Wal): Desk {
    return new Desk({
      ...{ triage, queries, now: () => this.world.clock.wall(), audit: (a) => this.audit(a) },
      tell: (fault) => this.journal.tell(fault),
      forwarded: () => wal.marks.mark(TRIAGE, 1),
      forward: (n, event) => this.append(TRIAGE, 1, n, 'triage', [event]),
      write: (events) => this.append(COLLECTOR, this.epoch, ++this.seq, 'triage', events),
    });
  }

  /** Chains of several sensors; undefined where none is to run, or was. */
  private openFleet(dir: string, Native: NativeMemoryClass, wal: Wal): Result<Fleet | undefined> {
    const { rules, faults } = collectorChains(this.config);
    for (const fault of faults) this.journal.tell(fault);
    if (rules.length === 0 && !Fleet.isBegun(dir)) return success(undefined);
    const opened = Fleet.open({
      ...{ dir, rules, Native, clock: this.world.clock, memoryBytes: this.config.memory.budget_mb * 2 ** 20 },
      latest: () => wal.marks.latest(FLEET),
      forwarded: (epoch) => wal.marks.mark(FLEET, epoch),
      forward: (epoch, n, { kind, event }) => this.append(FLEET, epoch, n, kind, [event as never]),
    });
    if (opened.ok && rules.length > 0) this.journal.say(`chains of several sensors: ${rules.length}`, 'started');
    return opened;
  }

  /** From the log to the store, until told to stop: then what is in the log waits there. */
  private async load(loader: Loader, desk: Desk, fleet: Fleet | undefined): Promise<void> {
    const wal = this.wal as Wal;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await desk.forward();
      const turned = await fleet?.turn();
      if (turned?.ok === false) this.journal.tell(turned.fault);
      const block = await wal.next(FRAMES_MAX, FRAMES_BYTES_MAX);
      if (!block.ok) {
        this.journal.tell(block.fault);
        await this.pause(RETRY_MS);
        continue;
      }
      if (block.value === undefined) {
        await this.pause(LOAD_MS);
        continue;
      }
      const loaded = await loader.load(block.value.frames);
      if (!loaded.ok) {
        this.journal.tell(loaded.fault);
        await this.pause(RETRY_MS);
        continue;
      }
      for (const r of loaded.value.refused)
        this.journal.say(`frame ${r.sensor}/${r.epoch}/${r.first}: refused, ${r.reason}`, 'refused');
      // The log lets go of a block only when it was taken here, too.
      const taken = await fleet?.came(block.value.frames);
      if (taken?.ok === false) {
        this.journal.tell(taken.fault);
        await this.pause(RETRY_MS);
        continue;
      }
      const news = fleet?.news();
      if (news !== undefined) this.journal.say(news);
      await desk.came(block.value.frames);
      const done = await wal.done(block.value);
      if (!done.ok) this.journal.tell(done.fault);
      if (block.value.frames.length < FULL) await this.pause(LOAD_MS);
    }
    await loader.close();
    fleet?.close();
  }

  /** Written down as sensors' records are: a frame of a stream of its own. */
  private audit(a: Audit): void {
    const now = this.world.clock.wall();
    const event = { ...a, ts: now, seen: now };
    void this.append(COLLECTOR, this.epoch, ++this.seq, 'audit', [event]).then((written) => {
      if (!written.ok) this.journal.tell(written.fault);
    });
  }

  private async append<K extends KindName>(
    stream: string,
    epoch: number,
    seq: number,
    kind: K,
    events: readonly EventInput<K>[],
  ): Promise<Result<unknown>> {
    const bytes = encodeBatch(kind, events);
    const now = this.world.clock.wall();
    const frame = {
      ...{ epoch, seq, kind: KIND_IDS[kind], schema: SCHEMA, count: events.length },
      ...{ firstSeen: now, lastSeen: now, crc: this.crc(bytes), bytes },
    };
    const wal = this.wal as Wal;
    return wal.append(stream, { frame, after: seq - 1, live: false });
  }

  private crc(bytes: Uint8Array): number {
    const addon = loadAddon();
    return addon.ok ? addon.value.crc32c(bytes) : 0;
  }

  private pause(ms: number): Promise<void> {
    return pause(this.world.clock, ms, this.stopping.signal);
  }

  /** From the outside in: nobody is heard any more, then the store gets what it can. */
  async stop(): Promise<void> {
    const [listener, ...rest] = this.closers.reverse();
    await listener?.();
    this.stopping.abort();
    await this.loading;
    for (const close of rest) await close();
  }
}

/** Starts one, for a spine that runs more than it. */
export async function startCollector(config: Config, world: Surroundings): Promise<Result<RunningCollector>> {
  const server = new Server(config, world);
  const started = await server.start();
  if (started.ok) return success(server);
  await server.stop();
  return started;
}

/** The event loop turns: that is what it vouches for. The store has a launcher of its own that watches it. */
function supervisorFor({ clock }: Surroundings): Supervisor | undefined {
  const addon = loadAddon();
  if (!addon.ok) return undefined;
  return new Supervisor({ clock, environment: process.env, send: addon.value.notify, isWell: () => true });
}

export async function collector(config: Config, world: Surroundings): Promise<ExitCode> {
  const letGo = keepAlive();
  try {
    const server = new Server(config, world);
    const started = await server.start();
    if (!started.ok) {
      server.journal.tell(started.fault);
      await server.stop();
      return FAULTS[started.fault.code];
    }
    server.journal.say(`sensors at ${server.url}`, 'started');
    server.journal.say(`console at ${server.console}`, 'started');
    const supervisor = supervisorFor(world);
    supervisor?.ready();
    const code = await new Promise<ExitCode>((done) => {
      world.onInterrupt((signal) => done(signal === EXIT.terminated ? EXIT.ok : signal));
    });
    supervisor?.stopping();
    server.journal.say('stopping', 'stopped');
    await server.stop();
    supervisor?.close();
    server.journal.say('stopped', 'stopped');
    return code;
  } finally {
    letGo();
  }
}
