// A worker in a process of its own (native/worker): started, listened to as one listens to a stranger, and started
// again when it dies. What passed meanwhile is one gap; a flow that it died of twice is not looked into any more.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Clock, pause } from '../lib/clock.ts';
import { failure, type Result, success } from '../lib/fault.ts';
import { type CarveOptions, type Counted, loadAddon, type NativeChannel, type PacketOptions } from './addon.ts';
import { type Drain, type PacketSource, typed } from './drain.ts';

const PROGRAM = fileURLToPath(new URL('../../build/cmake/Release/catenary-capture', import.meta.url));

/** From a death to the next life [ms]; the last again and again, and the first again after a life of HEALTHY_MS. */
const RESTART_MS = [200, 500, 1000, 2000];
const HEALTHY_MS = 10_000;
/** It has ended its flows by then, or is ended [ms]. */
const END_MS = 30_000;
/** Flows whose packets are held, told again to each new life. */
const HELD_MAX = 65_536;
/** Nothing was heard for so long: it is looked at [ms]. */
const LOOK_MS = 1000;
/** It has said nothing and done nothing for so long: a parser that does not end, a disk that does not answer [ms]. */
const HUNG_MS = 10_000;
const SUSPECTS_MAX = 1024;
const QUARANTINED_MAX = 64;
/** Of what it says of itself, kept until a line is whole. */
const SAID_MAX = 4096;
/** Messages (native/worker/channel.h). */
const READY = 1;
const END = 4;

export interface ProcessOptions {
  readonly interface: string;
  readonly filter: string;
  readonly snaplen: number;
  readonly bufferMb: number;
  readonly promiscuous: boolean;
  readonly adapterClock: boolean;
  /** Which of how many on this interface; one group and one secret for all of them. */
  readonly worker: number;
  readonly workers: number;
  readonly group: number;
  /** Four bytes, hexadecimal. */
  readonly key: string;
  readonly cpu?: number | undefined;
  /** Asked at the beginning of each life: packets of a life are an epoch. */
  readonly packets: () => Promise<Result<PacketOptions | undefined>>;
  readonly carve?: CarveOptions | undefined;
  readonly clock: Clock;
  /** What went wrong, for people. */
  readonly say: (text: string) => void;
}

const NOTHING: Counted = { packets: 0, bytes: 0, flows: 0, weirds: 0, lastTs: 0 };
const added = (a: Counted, b: Counted): Counted => ({
  ...{ packets: a.packets + b.packets, bytes: a.bytes + b.bytes, flows: a.flows + b.flows },
  flowsEvicted: (a.flowsEvicted ?? 0) + (b.flowsEvicted ?? 0),
  ...{ weirds: a.weirds + b.weirds, lastTs: Math.max(a.lastTs, b.lastTs) },
  kernelDropped: (a.kernelDropped ?? 0) + (b.kernelDropped ?? 0),
  interfaceDropped: (a.interfaceDropped ?? 0) + (b.interfaceDropped ?? 0),
});

/** How a life ended. */
interface Death {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class CaptureProcess implements PacketSource {
  private readonly o: ProcessOptions;
  private readonly held = new Set<string>();
  /** Deaths by flow. */
  private readonly suspects = new Map<string, number>();
  private readonly quarantined: string[] = [];
  private child: ChildProcess | undefined;
  private isStopping = false;
  private readonly stopped = new AbortController();
  /** When the last thing heard was complete [us]; undefined before the first life was ready. */
  private heardUntil: number | undefined;
  private lastSaid = '';
  private channel: NativeChannel | undefined;
  /** Of lives that are over. */
  private before: Counted = NOTHING;

  constructor(options: ProcessOptions) {
    this.o = options;
  }

  hold(uid: string): boolean {
    if (this.held.size >= HELD_MAX && !this.held.has(uid)) return false;
    this.held.add(uid);
    return this.command(`hold ${uid}`);
  }

  release(uid: string): boolean {
    this.held.delete(uid);
    return this.command(`release ${uid}`);
  }

  stop(): void {
    this.isStopping = true;
    this.stopped.abort();
    this.child?.stdin?.end();
    const { child } = this;
    if (child !== undefined) this.o.clock.after(END_MS, () => child.kill('SIGKILL'));
  }

  private command(line: string): boolean {
    const { stdin } = this.child ?? {};
    if (stdin?.writable === true) stdin.write(`${line}\n`);
    return true;
  }

  counted(): Counted {
    return this.channel === undefined ? this.before : added(this.before, this.channel.counted());
  }

  async *drains(between?: () => void): AsyncGenerator<Result<Drain>> {
    const addon = loadAddon();
    if (!addon.ok) {
      yield addon;
      return;
    }
    let failed = 0;
    while (!this.isStopping) {
      const packets = await this.o.packets();
      if (!packets.ok) {
        yield packets;
        return;
      }
      const began = this.o.clock.monotonic();
      this.channel = new addon.value.Channel(packets.value?.epoch ?? 0);
      for await (const drain of this.life(this.channel, packets.value)) {
        between?.();
        yield drain;
      }
      this.before = this.counted();
      this.channel = undefined;
      if (this.isStopping) return;
      failed = this.o.clock.monotonic() - began >= HEALTHY_MS ? 0 : failed;
      await pause(this.o.clock, RESTART_MS[Math.min(failed++, RESTART_MS.length - 1)] as number, this.stopped.signal);
    }
  }

  /** From its start to its death, with all that it said. */
  private async *life(channel: NativeChannel, packets: PacketOptions | undefined): AsyncGenerator<Result<Drain>> {
    const child = spawn(PROGRAM, this.argumentsOf(packets), {
      // Nothing of ours but the channel: no environment, no other descriptor.
      env: {},
      stdio: ['pipe', 'ignore', 'pipe', channel.fd(), 'pipe'],
    });
    this.child = child;
    let wake = (): void => undefined;
    const death = new Promise<Death>((done) => {
      child.once('error', (error) => {
        this.say(error.message);
        done({ code: 1, signal: null });
      });
      child.once('exit', (code, signal) => done({ code, signal }));
    });
    let died: Death | undefined;
    void death.then((d) => {
      died = d;
      wake();
    });
    // Whether it can be read or has broken: what there is to hear is in the channel, and its end is its exit.
    for (const event of ['data', 'error']) child.stdio[4]?.on(event, () => wake());
    this.listenTo(child.stderr as Readable);
    const stdin = child.stdin as Writable;
    // A life that is over reads no commands.
    stdin.on('error', () => undefined);
    stdin.write([`key ${this.o.key}`, ...[...this.held].map((uid) => `hold ${uid}`), ''].join('\n'));
    if (this.isStopping) stdin.end();

    let isBroken = false;
    let hasEnded = false;
    let seen = { turns: 0, at: this.o.clock.monotonic() };
    try {
      for (;;) {
        const woken = new Promise<void>((done) => {
          wake = done;
        });
        // What was written before it died is there: looked at once more behind its death.
        const wasDead = died !== undefined;
        const taken = await channel.take();
        if (taken === null) {
          if (wasDead) break;
          const look = new AbortController();
          const isQuiet = await Promise.race([
            woken.then(() => false),
            pause(this.o.clock, LOOK_MS, look.signal).then(() => true),
          ]);
          look.abort();
          if (!isQuiet) continue;
          const { turns } = channel.counted();
          if (turns !== seen.turns) seen = { turns, at: this.o.clock.monotonic() };
          if (this.o.clock.monotonic() - seen.at >= HUNG_MS) {
            this.say('does not answer, and is ended');
            isBroken = true;
            child.kill('SIGKILL');
            break;
          }
          yield success({ batches: [], segments: [] });
          continue;
        }
        if (typeof taken === 'string') {
          this.say(`said ${taken}, and is ended`);
          isBroken = true;
          child.kill('SIGKILL');
          break;
        }
        if (taken.type === END) hasEnded = true;
        else if (taken.type === READY) {
          const now = this.o.clock.wall();
          if (this.heardUntil !== undefined)
            yield success({ batches: [], segments: [], lost: { from: this.heardUntil, until: now } });
          this.heardUntil = now;
          this.lastSaid = '';
        } else {
          const drain = typed(taken.drain);
          if (drain.ok)
            for (const { lastSeen } of drain.value.batches)
              this.heardUntil = Math.max(this.heardUntil ?? lastSeen, lastSeen);
          yield drain;
          if (!drain.ok) return;
        }
      }
      const { code, signal } = await death;
      if (hasEnded && (code === 0 || this.isStopping)) return;
      if (isBroken || signal !== null) this.suspect(channel);
      if (signal !== null && !isBroken) this.say(`ended by ${signal}, and is started again`);
    } finally {
      child.kill('SIGKILL');
      this.child = undefined;
    }
  }

  private argumentsOf(packets: PacketOptions | undefined): string[] {
    const { o } = this;
    const named: [name: string, value: string | number | undefined][] = [
      ['interface', o.interface],
      ['filter', o.filter === '' ? undefined : o.filter],
      ['snaplen', o.snaplen],
      ['buffer-mb', o.bufferMb],
      ['workers', o.workers],
      ['worker', o.worker],
      ['group', o.group],
      ['cpu', o.cpu],
      ['packets', packets?.dir],
      ['epoch', packets?.epoch],
      ['segment-bytes', packets?.segmentBytes],
      ['segment-seconds', packets?.segmentSeconds],
      ['cutoff-bytes', packets?.cutoffBytes],
      ['files', o.carve?.dir],
      ['file-bytes', o.carve?.maxBytes],
      ['source-bytes', o.carve?.sourceBytesMax],
    ];
    return [
      ...named.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)])),
      ...this.quarantined.flatMap((flow) => ['--quarantine', flow]),
      ...(o.promiscuous ? [] : ['--quiet-interface']),
      ...(o.adapterClock ? ['--adapter-clock'] : []),
    ];
  }

  /** It died: of what it was at, perhaps. */
  private suspect(channel: NativeChannel): void {
    const flow = channel.crumb();
    if (flow === null || this.quarantined.includes(flow.key)) return;
    const deaths = (this.suspects.get(flow.key) ?? 0) + 1;
    this.suspects.delete(flow.key);
    this.suspects.set(flow.key, deaths);
    const [oldest] = this.suspects.keys();
    if (this.suspects.size > SUSPECTS_MAX && oldest !== undefined) this.suspects.delete(oldest);
    if (deaths < 2) return;
    this.quarantined.push(flow.key);
    if (this.quarantined.length > QUARANTINED_MAX) this.quarantined.shift();
    this.say(`died twice of the flow ${flow.text}: its content is not looked into any more`);
  }

  private listenTo(stderr: Readable): void {
    let text = '';
    stderr.setEncoding('utf8').on('data', (more: string) => {
      text = (text + more).slice(-SAID_MAX);
      const lines = text.split('\n');
      text = lines.pop() as string;
      for (const line of lines) if (line !== '') this.say(line);
    });
  }

  /** An interface that is not there for a night is one line, not thousands. */
  private say(text: string): void {
    if (text === this.lastSaid) return;
    this.lastSaid = text;
    const { interface: name, worker, workers } = this.o;
    this.o.say(`capture of ${name}${workers > 1 ? ` (worker ${worker})` : ''}: ${text}`);
  }
}

/** A fault when the configuration asks for what cannot be. */
export function checkWorkers(interfaces: number, workers: number, isInline: boolean): Result<undefined> {
  if (isInline && workers > 1)
    return failure('config_invalid', 'sensor.workers: more than one in one process', 'set sensor.capture to process');
  return interfaces * workers > 64
    ? failure('config_invalid', `${interfaces} interfaces of ${workers} workers`, '64 workers at most')
    : success(undefined);
}
