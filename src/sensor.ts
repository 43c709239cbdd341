// The spine of `catenary sensor`: interfaces -> decoder -> spool -> detection -> spool -> collector, with packets and
// files kept beside it. It reads top to bottom as a sensor's life: what is opened, what runs, and how it ends.
//
// Everything that is heard goes into the spool first; detection and shipping read from there, each at its own pace. So
// a life that ends by kill -9 loses what was not yet in the spool, which the coverage ledger shows, and nothing else.
import { randomInt } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { alertLine } from './alerts/line.ts';
import { loadAddon } from './capture/addon.ts';
import { packetMatcher } from './capture/index.ts';
import type { Surroundings } from './commands/surroundings.ts';
import { type Config, loadConfig, sensorName } from './config/config.ts';
import {
  type Answered,
  type Asked,
  folders,
  Heads,
  keepHouse,
  Leases,
  openSigner,
  Pulls,
  pullAudit,
  type Signer,
  Stamper,
} from './evidence/index.ts';
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
import { encodeBatch } from './schema/encode.ts';
import { SCHEMA } from './schema/fingerprint.ts';
import { KIND_IDS, KIND_NAMES } from './schema/gen/structures.gen.ts';
import { Redactor } from './schema/redact.ts';
import { identityIn } from './ship/enroll.ts';
import { Shipper, type ShipState } from './ship/shipper.ts';
import { type Source, Sources } from './sources.ts';
import { isBefore, type Position, START } from './spool/log.ts';
import { Spool } from './spool/spool.ts';
import { openStages, type Stages } from './stages.ts';
import { StatusSocket, socketPath } from './status/socket.ts';
import { diskOf, type Status } from './status/status.ts';
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
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

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
  private shipper: Shipper | undefined;
  private socket: StatusSocket | undefined;
  private supervisor: Supervisor | undefined;
  private shipState: ShipState | undefined;
  /** Of files kept, as housekeeping found them. */
  private fileBytes = 0;
  private stamper: Stamper | undefined;
  private isReplay = false;
  private isStopping = false;

  private constructor(config: Config, dir: string, world: Surroundings, spool: Spool) {
    this.config = config;
    this.dir = dir;
    this.world = world;
    this.journal = new Journal(world.clock, world.stderr);
    this.started = world.clock.wall();
    this.spool = spool;
    this.name = sensorName(config);
    const opened = this.openDetection(config);
    if (!opened.ok) throw new OpenFault(opened.fault);
    ({ stages: this.stages, live: this.live, leases: this.leases } = opened.value);
  }

  static async open(config: Config, world: Surroundings, captures: readonly string[]): Promise<Result<Sensor>> {
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
    try {
      return success(new Sensor(config, dir, world, spool.value));
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
          this.journal.say(`alert ${finding.status}: ${finding.rule.title} (${finding.key})`);
        },
      },
      {
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
      onWitness: (print) => journal.say(`the collector countersigns; the keys' fingerprint is ${print}`),
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
        this.sources?.seal(meter.name, closed, () => this.shipper?.countersign());
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
      this.shipper?.countersign();
    }
  }

  // ---- how it is ----------------------------------------------------------------------------------------------------

  status(): Status {
    const { config, live, spool, leases } = this;
    const held = [...(this.sources?.segments.values() ?? [])].map((s) => s.held());
    const times = (of: 'oldest' | 'latest'): number[] => held.flatMap((h) => h[of] ?? []).sort((a, b) => a - b);
    const waiting = ({ epoch, seq }: Position): number =>
      epoch === spool.durable.epoch ? spool.durable.seq - seq : spool.durable.seq;
    return {
      sensor: this.name,
      state: this.isStopping ? 'stopping' : this.isReplay ? 'reading' : 'listening',
      ...{ started: this.started, now: this.world.clock.wall() },
      interfaces: this.sources?.all.map(({ meter }) => meter.status) ?? [],
      detection: {
        ...{ events: live.events, alerts: live.alerts, newest: live.newest ?? null, waiting: waiting(this.start) },
        ...{ chains: this.stages.chainCount, partials: this.stages.chains.partials },
      },
      packets: {
        ...{ bytes: sum(held.map((h) => h.bytes)), budget_bytes: config.evidence.packets_mb * MIB },
        segments: sum(held.map((h) => h.segments)),
        oldest: times('oldest')[0] ?? null,
        latest: times('latest').at(-1) ?? null,
      },
      files: { bytes: this.fileBytes, budget_bytes: config.evidence.files_mb * MIB },
      leases: {
        ...{ count: leases?.size ?? 0, bytes: leases?.bytes ?? 0, budget_bytes: config.evidence.leases_mb * MIB },
      },
      spool: {
        ...{ bytes: spool.bytes, budget_bytes: config.spool.budget_mb * MIB },
        ...{ waiting: waiting(spool.cursor('ship')), shed_events: spool.counters.shedEvents },
      },
      collector: {
        state: config.ship.url === null ? 'none' : (this.shipState?.state ?? 'connecting'),
        reason: this.shipState?.state === 'waiting' ? this.shipState.reason : '',
      },
      disk: diskOf(this.dir),
      memory_bytes: process.memoryUsage.rss(),
      said: this.journal.latest,
    };
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
    const loaded = loadConfig(file);
    if (!loaded.ok) {
      this.journal.tell(loaded.fault);
      this.journal.say('the configuration as it was goes on');
      return;
    }
    this.reloadWanted = loaded.value;
  }

  /** Detection as the new configuration has it, on the state that was committed. */
  private reload(wanted: Config): void {
    this.reloadWanted = undefined;
    const fixed = (c: Config) => ({
      ...{ sensor: c.sensor, state: c.state, spool: c.spool, evidence: c.evidence, redact: c.redact, status: c.status },
    });
    if (JSON.stringify(fixed(wanted)) !== JSON.stringify(fixed(this.config)))
      this.journal.say('sensor, state, spool, evidence, redact and status are taken over at the next start');
    const next = { ...wanted, ...fixed(this.config) };
    this.stages.close();
    let opened = this.openDetection(next);
    if (opened.ok) {
      this.config = next;
      this.journal.say('configuration taken over');
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
    this.journal.say('stopping: open flows are written, then what they say');
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

  /** To the collector, from where it has acknowledged; with the certificate that enrolment made. */
  ship(): Result<undefined> {
    const { url } = this.config.ship;
    if (url === null) return success(undefined);
    const addon = loadAddon();
    if (!addon.ok) return addon;
    const identity = identityIn(join(this.dir, 'ship'));
    if (!identity.ok) return identity;
    let told = '';
    const pulls = this.pulls();
    this.shipper = new Shipper({
      ...{ url, sensor: this.name, schema: SCHEMA, software: 'catenary' },
      ...(this.heads === undefined ? {} : { seals: this.heads }),
      ...(pulls === undefined ? {} : { pulls }),
      ...{ ...identity.value, spool: this.spool, native: addon.value, clock: this.world.clock, random: randomInt },
      onState: (s) => {
        this.shipState = s;
        const text = s.state === 'waiting' ? `collector: ${s.reason}` : `collector: ${s.state}`;
        // A collector that is away for a night is one line, not thousands.
        if (text !== told && s.state !== 'connecting') this.journal.say(text);
        told = s.state === 'connecting' ? told : text;
      },
    });
    this.shipper.start();
    return success(undefined);
  }

  /** Packets that people at the collector ask for, as far as the configuration lets them. */
  private pulls(): Pulls | undefined {
    const match = packetMatcher();
    if (this.signer === undefined || !match.ok) return undefined;
    return new Pulls({
      ...{ dir: this.dir, signer: this.signer, clock: this.world.clock, match: match.value },
      limits: () => {
        const { pull, pull_mb, pull_hour_mb } = this.config.ship;
        return { isAllowed: pull, bytesMax: pull_mb * MIB, hourBytesMax: pull_hour_mb * MIB };
      },
      onPull: (asked, answered) => void this.sayPulled(asked, answered),
    });
  }

  /** As the collector's own audit says it, and from the other end. */
  private async sayPulled(asked: Asked, answered: Answered): Promise<void> {
    const now = this.world.clock.wall();
    const said = { ...pullAudit(asked, answered, this.name), ts: now, seen: now };
    this.journal.say(`packets for ${asked.actor} at the collector: ${said.outcome}, ${said.detail}`);
    await this.append({ kind: 'audit', count: 1, firstSeen: now, lastSeen: now, bytes: encodeBatch('audit', [said]) });
  }

  /** What the collector has not taken within `ms` waits in the spool for the next start. */
  private async shipRest(ms: number): Promise<void> {
    if (this.shipper === undefined) return;
    const all = this.spool.durable;
    const end = this.world.clock.monotonic() + ms;
    while (isBefore(this.spool.cursor('ship'), all) && this.world.clock.monotonic() < end)
      await pause(this.world.clock, 20);
    await this.shipper.close();
  }

  async close(): Promise<void> {
    await this.shipRest(this.isStopping || !this.isReplay ? SHIP_REST_MS : SHIP_REPLAY_MS);
    await this.socket?.close();
    this.supervisor?.close();
    this.stages.close();
    await this.spool.close();
  }
}

class OpenFault extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.message);
    this.fault = fault;
  }
}

export async function sensor(request: SensorRequest, world: Surroundings): Promise<ExitCode> {
  const captures = request.captures ?? [];
  const opened = await Sensor.open(request.config, world, captures);
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
  const releaseHangup = world.onHangup(() => it.want(request.configFile));
  const heard = captures.length > 0 ? `reads ${captures.length} captures` : 'listens on';
  it.journal.say(
    `sensor ${it.name} ${heard} ${captures.length > 0 ? '' : request.config.sensor.interfaces.join(', ')}`.trimEnd(),
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
  it.journal.say('stopped');
  return code;
}
