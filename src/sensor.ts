import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { alertLine } from './alerts/line.ts';
import { loadAddon } from './capture/addon.ts';
import type { Surroundings } from './commands/surroundings.ts';
import { type Config, sensorName } from './config/config.ts';
import { folders, Heads, keepHouse, Leases, openSigner, type Signer, Stamper } from './evidence/index.ts';
import { jsonLine } from './formats/json/json.ts';
import { keepAlive, pause } from './lib/clock.ts';
import {
  EXIT,
  type ExitCode,
  FAULTS,
  type Fault,
  failure,
  faultLine,
  type Result,
  success,
  systemFault,
} from './lib/fault.ts';
import { Journal } from './lib/journal.ts';
import { secretKey } from './lib/secret_key.ts';
import { type Conclusions, Live } from './live.ts';
import { Outbound } from './outbound.ts';
import { auditOf, faultsOfPacks, type Packs, packsOf, withPolicies } from './packs.ts';
import { encodeBatch } from './schema/encode.ts';
import { SCHEMA } from './schema/fingerprint.ts';
import { KIND_IDS, KIND_NAMES } from './schema/gen/structures.gen.ts';
import { Redactor } from './schema/redact.ts';
import { type Source, Sources } from './sources.ts';
import { type Position, START } from './spool/log.ts';
import { Spool } from './spool/spool.ts';
import { openStages, type Stages } from './stages.ts';
import { StatusSocket, socketPath } from './status/socket.ts';
import { diskOf, packetsHeld, type Status } from './status/status.ts';
import { Supervisor } from './status/supervisor.ts';

export interface SensorRequest {
  readonly config: Config;
  /** Read again at SIGHUP; none when the defaults run. */
  readonly configFile: string | undefined;
  /** Instead of interfaces: captures, in packet time, and then the end. */
  readonly captures?: readonly string[];
}

/** A commit costs a sync: not more often [ms]. What a crash would do again is so much. */
const COMMIT_MS = 2000;
/** Seals that a full disk refused are tried again so often: within 10 s of room all is as it was. */
const HOUSEKEEPING_MS = 5000;
/** At the end, for what is still on its way [ms]: a service is stopped in time, and a replay waits for what it read. */
const SHIP_REST_MS = 5000;
const SHIP_REPLAY_MS = 60_000;
const MIB = 2 ** 20;

/** Everything that a life of the sensor holds open. */
class Sensor {
  readonly name: string;
  private readonly dir: string;
  private readonly world: Surroundings;
  readonly journal: Journal;
  private readonly started: number;
  private readonly spool: Spool;
  private sources: Sources | undefined;
  private heads: Heads | undefined;
  private signer: Signer | undefined;
  /** Hides what the configuration wants hidden, before anything of it is written. */
  private redactor: Redactor | undefined;
  private config: Config;
  private stages: Stages;
  private leases: Leases | undefined;
  private live: Live;
  /** Conclusions that the spool did not take yet. */
  private unsaid: readonly Conclusions[] = [];
  private reloadWanted: Config | undefined;
  private outbound: Outbound | undefined;
  private socket: StatusSocket | undefined;
  private supervisor: Supervisor | undefined;
  /** Read again at SIGHUP, and when packs change. */
  readonly configFile: string | undefined;
  private readonly packs: Packs | undefined;
  /** Of files kept, as housekeeping found them. */
  private fileBytes = 0;
  private stamper: Stamper | undefined;
  private isReplay = false;
  private isStopping = false;

  private constructor(
    config: Config,
    dir: string,
    world: Surroundings,
    spool: Spool,
    more: Pick<Sensor, 'configFile'> & { packs: Packs | undefined },
  ) {
    this.config = config;
    this.packs = more.packs;
    this.configFile = more.configFile;
    this.dir = dir;
    this.world = world;
    this.journal = new Journal(world.clock, world.stderr, world.systemJournal('catenary-sensor'));
    this.started = world.clock.wall();
    this.spool = spool;
    this.name = sensorName(config);
    const opened = this.openDetection(config);
    if (!opened.ok) throw new OpenFault(opened.fault);
    ({ stages: this.stages, live: this.live, leases: this.leases } = opened.value);
  }

  static async open(
    { config, configFile, captures = [] }: SensorRequest,
    world: Surroundings,
  ): Promise<Result<Sensor>> {
    const dir = config.state.dir;
    if (dir === null) return failure('config_invalid', 'state.dir is null', 'a sensor needs a folder of its own');
    if (captures.length === 0 && config.sensor.interfaces.length === 0)
      return failure('config_invalid', 'sensor.interfaces names none', 'name those that a span port or a tap feeds');
    const addon = loadAddon();
    if (!addon.ok) return addon;
    try {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', dir, error) };
    }
    const spool = await Spool.open({
      ...{ dir: join(dir, 'spool'), sensor: sensorName(config), schema: SCHEMA, clock: world.clock },
      budgetBytes: config.spool.budget_mb * MIB,
      crc32c: addon.value.crc32c,
    });
    if (!spool.ok) return spool;
    const packs = await packsOf(config, dir, world.clock);
    if (!packs.ok) {
      await spool.value.close();
      return packs;
    }
    // A policy that no longer fits is told at the first look; the sensor runs without it.
    const whole = withPolicies(configFile, packs.value?.content.policies ?? []);
    const policied = whole.ok && configFile !== undefined ? { ...whole.value, ...fixedOf(config) } : config;
    try {
      return success(new Sensor(policied, dir, world, spool.value, { configFile, packs: packs.value }));
    } catch (error) {
      await spool.value.close();
      if (error instanceof OpenFault) return { ok: false, fault: error.fault };
      throw error;
    }
  }

  private openDetection(config: Config): Result<{ stages: Stages; live: Live; leases: Leases | undefined }> {
    const addon = loadAddon();
    if (!addon.ok) return addon;
    let live: Live | undefined;
    let leases: Leases | undefined;
    const stages = openStages(
      config,
      addon.value.Memory,
      {
        onConclusion: (kind, event) => live?.say(kind, event),
        onFinding: (finding) => {
          if (live?.find(finding) !== true) return;
          appendFileSync(join(this.dir, 'alerts.ndjson'), `${alertLine(finding)}\n`, { mode: 0o600 });
          this.journal.say(`alert ${finding.status}: ${finding.rule.title} (${finding.key})`, 'alert');
        },
      },
      {
        hasCollector: config.ship.url !== null,
        keeper: (state) => {
          leases = new Leases({
            dir: folders(this.dir).leases,
            section: state.section('leases'),
            budgetBytes: config.evidence.leases_mb * MIB,
            trees: addon.value.treeOfSegment,
            holder: {
              hold: (uid) => this.sources?.hold(uid) ?? true,
              release: (uid) => this.sources?.release(uid) ?? true,
            },
          });
          return leases.keeper();
        },
        ...(this.packs === undefined ? {} : { brought: this.packs.content }),
      },
    );
    if (!stages.ok) return stages;
    for (const fault of stages.value.faults) this.journal.tell(fault);
    live = new Live(this.name, stages.value, {
      confirm: (partials, alert) => {
        for (const partial of partials) leases?.confirm(partial, alert.id);
      },
    });
    return success({ stages: stages.value, live, leases });
  }

  // ---- what is heard ------------------------------------------------------------------------------------------------

  async openCapture(captures: readonly string[]): Promise<Result<undefined>> {
    const { keys } = folders(this.dir);
    const signer = openSigner(keys);
    if (!signer.ok) return signer;
    this.signer = signer.value;
    const key = secretKey(join(keys, 'redact.key'));
    if (!key.ok) return key;
    // Addresses stay: detection joins by them.
    this.redactor = new Redactor({ ...this.config.redact, address: 'keep' }, key.value);
    const { timestamp_url: url } = this.config.evidence;
    if (url !== null) this.stamper = new Stamper({ url, clock: this.world.clock });
    this.isReplay = captures.length > 0;
    const { config, dir, name, journal } = this;
    const sources = new Sources({ config, dir, name, journal, signer: signer.value, clock: this.world.clock });
    this.sources = sources;
    this.heads = new Heads({
      ...{ keys, signer: signer.value, chains: () => sources.segments.values() },
      onWitness: (print) => journal.say(`the collector countersigns; the keys' fingerprint is ${print}`, 'collector'),
      onFault: (fault) => journal.tell(fault),
    });
    const opened = await (this.isReplay ? sources.openCaptures(captures) : sources.openInterfaces());
    if (!opened.ok) return opened;
    this.leases?.holdAgain();
    return success(undefined);
  }

  /** One source, until it ends. */
  private async listen({ reader, meter }: Source): Promise<void> {
    const sample = (): void => {
      if (meter.isDue) meter.sample(reader.counted());
    };
    for await (const drain of reader.drains(sample)) {
      if (!drain.ok) {
        this.journal.tell(drain.fault);
        break;
      }
      await Promise.all(
        drain.value.batches.map(({ kind, bytes, ...b }) =>
          this.append({ ...b, kind, bytes: this.redactor?.batch(kind, bytes) ?? bytes }),
        ),
      );
      for (const batch of drain.value.batches) meter.watch(batch);
      for (const closed of drain.value.segments)
        this.sources?.seal(meter.name, closed, () => this.outbound?.countersign());
      if (drain.value.lost !== undefined) await this.sayLost('capture_restarted', drain.value.lost);
    }
    meter.end(reader.counted());
  }

  /** Nobody heard what passed from then until then [us]. */
  private async sayLost(reason: string, { from, until }: { from: number; until: number }): Promise<void> {
    const none = { first: 0, last: 0, frames: 0, events: 0, bytes: 0 };
    const gap = { ...{ ts: from, seen: until, reason, lane: 'log', epoch: this.spool.epoch }, ...none };
    const bytes = encodeBatch('gap', [{ ...gap, lost_from: from, lost_until: until }]);
    await this.append({ kind: 'gap', count: 1, firstSeen: until, lastSeen: until, bytes });
  }

  /** A batch, numbered and durable. False: it is not, and why was told. */
  private async append({ kind, count, firstSeen, lastSeen, bytes }: Conclusions): Promise<boolean> {
    const appended = await this.spool.append({ kind: KIND_IDS[kind], count, firstSeen, lastSeen, bytes });
    if (!appended.ok) this.journal.tell(appended.fault);
    return appended.ok;
  }

  /** The time since an earlier life's last record is a gap. */
  async takeOver(): Promise<void> {
    const newest = await this.recall();
    if (newest === undefined || this.isReplay) return;
    await this.sayLost('down', { from: newest, until: this.world.clock.wall() });
  }

  /**
   * What is in the spool behind the state: the conclusions in it stand.
   * @returns  `seen` of the last record that an earlier life wrote [us]; undefined: there was none
   */
  private async recall(): Promise<number | undefined> {
    let newest = this.live.heardUntil;
    for await (const { kind, bytes, lastSeen } of this.spool.read(this.start, { to: this.spool.durable })) {
      const name = KIND_NAMES[kind];
      if (name !== undefined) this.live.stands({ kind: name, bytes });
      newest = Math.max(newest ?? lastSeen, lastSeen);
    }
    return newest;
  }

  /** Behind what the state has taken. */
  private get start(): Position {
    const { from } = this.live;
    return from === undefined ? START : { epoch: from.epoch, seq: from.seq - 1 };
  }

  // ---- what is concluded --------------------------------------------------------------------------------------------

  async detect(signal: AbortSignal): Promise<void> {
    // Events that waited for their turn went with the detection that held them: they are read again.
    while (await this.detectUntilReload(signal)) await this.recall();
    if (this.isReplay) this.live.finish();
    await this.commit();
  }

  /** From where the state stands, until the signal; or, and then it returns true, to a new configuration. */
  private async detectUntilReload(signal: AbortSignal): Promise<boolean> {
    const over = new AbortController();
    const frames = this.spool.read(this.start, { signal: AbortSignal.any([signal, over.signal]) });
    let next = frames.next();
    let committed = this.world.clock.monotonic();
    let tick = pause(this.world.clock, COMMIT_MS);
    for (;;) {
      const turn = await Promise.race([next, tick]);
      if (turn === undefined) tick = pause(this.world.clock, COMMIT_MS);
      else {
        if (turn.done === true) return false;
        const { kind, epoch, seq, bytes } = turn.value;
        const name = KIND_NAMES[kind];
        if (name !== undefined) this.live.take({ epoch, seq, kind: name, bytes });
        next = frames.next();
      }
      if (this.world.clock.monotonic() - committed < COMMIT_MS) continue;
      const isCommitted = await this.commit();
      committed = this.world.clock.monotonic();
      if (!isCommitted || this.reloadWanted === undefined || signal.aborted) continue;
      this.reload(this.reloadWanted);
      over.abort();
      await frames.return(undefined);
      return true;
    }
  }

  /** What was concluded, durable in the spool; then the state that says so. False: not yet, and why was told. */
  private async commit(): Promise<boolean> {
    const all = [...this.unsaid, ...this.live.conclusions()];
    const taken = await Promise.all(all.map((batch) => this.append(batch)));
    this.unsaid = all.filter((_, i) => taken[i] !== true);
    if (this.unsaid.length > 0) return false;
    const done = this.live.commit();
    if (!done.ok) {
      this.journal.tell(done.fault);
      return false;
    }
    await this.spool.advance('detection', this.start);
    // Without a collector nobody else waits for frames.
    if (this.config.ship.url === null) await this.spool.advance('ship', this.start);
    return true;
  }

  // ---- what is kept -------------------------------------------------------------------------------------------------

  async keepHouse(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(this.world.clock, HOUSEKEEPING_MS, signal);
      const { config, dir, signer, leases } = this;
      if (signer === undefined) continue;
      const faults = await keepHouse({
        ...{ dir, signer, leases, settings: config.evidence, clock: this.world.clock, now: this.live.newest },
        stamper: this.stamper,
        segments: [...(this.sources?.segments.values() ?? [])],
        onFiles: (bytes) => {
          this.fileBytes = bytes;
        },
      });
      for (const fault of faults) this.journal.tell(fault);
      this.outbound?.countersign();
      await this.lookAtPacks();
    }
  }

  /** Content that came, or went back, is detection's from the next commit on. */
  private async lookAtPacks(): Promise<void> {
    if (this.packs === undefined) return;
    const { alerts } = this.live;
    const waiting = this.waitingFor(this.start);
    const isChanged = await this.packs.look({ waiting, alerts, faults: faultsOfPacks(this.stages.faults, this.dir) });
    const { acts, faults } = this.packs.news();
    for (const fault of faults) this.journal.tell(fault);
    for (const act of acts) {
      this.journal.say(`${act.action.replace('_', ' ')}: ${act.pack} (${act.why})`, 'content');
      await this.append(auditOf(act, this.world.clock.wall()));
    }
    if (isChanged) this.want(this.configFile);
  }

  // ---- how it is ----------------------------------------------------------------------------------------------------

  status(): Status {
    const { config, live, spool, leases } = this;
    const held = [...(this.sources?.segments.values() ?? [])].map((s) => s.held());
    const { newest = null, events, alerts } = live;
    return {
      sensor: this.name,
      state: this.isStopping ? 'stopping' : this.isReplay ? 'reading' : 'listening',
      ...{ started: this.started, now: this.world.clock.wall() },
      interfaces: this.sources?.all.map(({ meter }) => meter.status) ?? [],
      detection: {
        ...{ events, alerts, newest, waiting: this.waitingFor(this.start) },
        ...{ chains: this.stages.chainCount, partials: this.stages.chains.partials },
      },
      packets: packetsHeld(held, config.evidence.packets_mb * MIB),
      files: { bytes: this.fileBytes, budget_bytes: config.evidence.files_mb * MIB },
      leases: {
        ...{ count: leases?.size ?? 0, bytes: leases?.bytes ?? 0, budget_bytes: config.evidence.leases_mb * MIB },
      },
      spool: {
        ...{ bytes: spool.bytes, budget_bytes: config.spool.budget_mb * MIB },
        ...{ waiting: this.waitingFor(spool.cursor('ship')), shed_events: spool.counters.shedEvents },
      },
      collector: this.outbound?.status ?? { state: config.ship.url === null ? 'none' : 'connecting', reason: '' },
      content: this.packs?.list ?? [],
      disk: diskOf(this.dir),
      memory_bytes: process.memoryUsage.rss(),
      said: this.journal.latest,
    };
  }

  /** Batches behind `at`. */
  private waitingFor({ epoch, seq }: Position): number {
    const { durable } = this.spool;
    return epoch === durable.epoch ? durable.seq - seq : durable.seq;
  }

  /** For whoever asks on this box. It is no reason not to start. */
  async openSocket(): Promise<void> {
    const socket = await StatusSocket.open({
      ...{ path: socketPath(this.dir), metrics: this.config.status.metrics, tell: (f: Fault) => this.journal.tell(f) },
      status: () => this.status(),
      frames: (signal) => this.spool.read(this.spool.durable, { signal }),
      lineOf: jsonLine,
    });
    if (socket.ok) this.socket = socket.value;
    else this.journal.tell(socket.fault);
  }

  // ---- how it changes and ends --------------------------------------------------------------------------------------

  /** SIGHUP: the new configuration from the next commit on, or what is wrong with it and the old one. */
  want(file: string | undefined): void {
    this.packs?.forget();
    const loaded = withPolicies(file, this.packs?.content.policies ?? []);
    if (loaded.told !== undefined) this.journal.tell(loaded.told);
    if (!loaded.ok) {
      this.journal.tell(loaded.fault);
      this.journal.say('the configuration as it was goes on', 'configuration');
      return;
    }
    this.reloadWanted = loaded.value;
  }

  /** Detection as the new configuration has it, on the state that was committed. */
  private reload(wanted: Config): void {
    this.reloadWanted = undefined;
    if (JSON.stringify(fixedOf(wanted)) !== JSON.stringify(fixedOf(this.config)))
      this.journal.say(
        `${Object.keys(fixedOf(wanted)).join(', ')}: what changed there holds from the next start`,
        'configuration',
      );
    const next = { ...wanted, ...fixedOf(this.config) };
    this.stages.close();
    let opened = this.openDetection(next);
    if (opened.ok) {
      this.config = next;
      this.journal.say('configuration taken over', 'configuration');
    } else {
      this.journal.tell(opened.fault);
      opened = this.openDetection(this.config);
    }
    if (!opened.ok) throw new OpenFault(opened.fault);
    ({ stages: this.stages, live: this.live, leases: this.leases } = opened.value);
  }

  /** Whoever started it as a service: ready, well for as long as every interface is read, stopping. */
  supervise(): void {
    const addon = loadAddon();
    if (!addon.ok) return;
    this.supervisor = new Supervisor({
      ...{ clock: this.world.clock, environment: process.env, send: addon.value.notify },
      isWell: () => this.sources?.all.every(({ meter }) => meter.isAlive) ?? false,
    });
    this.supervisor.ready();
  }

  stop(): void {
    if (this.isStopping) return;
    this.isStopping = true;
    this.supervisor?.stopping();
    this.journal.say('stopping: open flows are written, then what they say', 'stopped');
    for (const { reader } of this.sources?.all ?? []) reader.stop();
  }

  /** Until all interfaces have ended, and what they said is through. */
  async run(): Promise<void> {
    const house = new AbortController();
    const detection = new AbortController();
    const heard = Promise.all((this.sources?.all ?? []).map((source) => this.listen(source)));
    const kept = this.keepHouse(house.signal);
    const concluded = this.detect(detection.signal);
    await heard;
    this.sources?.tellUnread();
    await this.sources?.sealed();
    await this.caughtUp();
    detection.abort();
    await concluded;
    house.abort();
    await kept;
  }

  /** Detection has seen everything that was heard. */
  private async caughtUp(): Promise<void> {
    const all = this.spool.durable;
    // Nothing was heard in this life.
    if (all.seq === 0) return;
    while (!this.live.hasSeen(all)) await pause(this.world.clock, 20);
  }

  /** To the collector, where there is one. */
  ship(): Result<undefined> {
    const { config, dir, name, spool, journal, heads, signer } = this;
    const opened = Outbound.open({
      ...{ config: () => this.config, dir, name, spool, journal, heads, signer, clock: this.world.clock },
      say: (batch) => this.append(batch),
    });
    if (opened.ok && config.ship.url !== null) this.outbound = opened.value;
    return opened.ok ? success(undefined) : opened;
  }

  async close(): Promise<void> {
    await this.outbound?.rest(this.isStopping || !this.isReplay ? SHIP_REST_MS : SHIP_REPLAY_MS);
    await this.socket?.close();
    this.supervisor?.close();
    this.stages.close();
    await this.spool.close();
  }
}

/** What a running sensor has built on. */
const fixedOf = ({ sensor, state, spool, evidence, redact, ship, status, content }: Config) => ({
  ...{ sensor, state, spool, evidence, redact, ship, status, content },
});

class OpenFault extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.message);
    this.fault = fault;
  }
}

export async function sensor(request: SensorRequest, world: Surroundings): Promise<ExitCode> {
  const captures = request.captures ?? [];
  const opened = await Sensor.open(request, world);
  if (!opened.ok) {
    world.stderr.write(`${faultLine(opened.fault)}\n`);
    return FAULTS[opened.fault.code];
  }
  const it = opened.value;
  const capture = await it.openCapture(captures);
  if (!capture.ok) {
    it.journal.tell(capture.fault);
    await it.close();
    return FAULTS[capture.fault.code];
  }
  let code: ExitCode = EXIT.ok;
  const release = world.onInterrupt((signal) => {
    // SIGTERM is how a service is stopped: that is no failure.
    code = signal === EXIT.terminated ? EXIT.ok : signal;
    it.stop();
  });
  const releaseHangup = world.onHangup(() => it.want(it.configFile));
  const heard = captures.length > 0 ? `reads ${captures.length} captures` : 'listens on';
  it.journal.say(
    `sensor ${it.name} ${heard} ${captures.length > 0 ? '' : request.config.sensor.interfaces.join(', ')}`.trimEnd(),
    'started',
  );
  await it.openSocket();
  await it.takeOver();
  const shipping = it.ship();
  if (!shipping.ok) it.journal.tell(shipping.fault);
  const letGo = keepAlive();
  it.supervise();
  await it.run();
  releaseHangup();
  release();
  await it.close();
  letGo();
  it.journal.say('stopped', 'stopped');
  return code;
}
