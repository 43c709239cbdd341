// What a sensor hears with: a worker of each interface, in a process of its own or in this one, or captures as one
// history; with a meter each, and the segments of packets that each keeps.
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  CaptureProcess,
  type CarveOptions,
  checkWorkers,
  type Drain,
  openReader,
  type PacketOptions,
  type PacketSource,
  type Reader,
  segmentDigester,
} from './capture/index.ts';
import type { Config } from './config/config.ts';
import { folders, Segments, type Signer } from './evidence/index.ts';
import type { Clock } from './lib/clock.ts';
import { type Result, success } from './lib/fault.ts';
import type { Journal } from './lib/journal.ts';
import { Meter } from './status/status.ts';

export interface Source {
  readonly reader: PacketSource;
  readonly meter: Meter;
}

export interface SourcesOptions {
  readonly config: Config;
  /** Of evidence. */
  readonly dir: string;
  /** The sensor's. */
  readonly name: string;
  readonly journal: Journal;
  readonly signer: Signer;
  readonly clock: Clock;
}

const MIB = 2 ** 20;

export class Sources {
  readonly all: Source[] = [];
  /** By source. */
  readonly segments = new Map<string, Segments>();
  private readonly o: SourcesOptions;
  /** Those in this process. */
  private readonly inline: Reader[] = [];
  private sealing: Promise<unknown> = Promise.resolve();

  constructor(options: SourcesOptions) {
    this.o = options;
  }

  /** As one history. */
  openCaptures(files: readonly string[]): Promise<Result<undefined>> {
    return this.openInline('captures', { files });
  }

  async openInterfaces(): Promise<Result<undefined>> {
    const { sensor } = this.o.config;
    const { workers, interfaces } = sensor;
    const isInline = sensor.capture !== 'process';
    const possible = checkWorkers(interfaces.length, workers, isInline);
    if (!possible.ok) return possible;
    for (const name of interfaces) {
      if (!isInline) this.startWorkers(name);
      else {
        const opened = await this.openInline(name, { interface: name });
        if (!opened.ok) return opened;
      }
    }
    return success(undefined);
  }

  hold(uid: string): boolean {
    return this.all.map(({ reader }) => reader.hold(uid)).every(Boolean);
  }

  release(uid: string): boolean {
    return this.all.map(({ reader }) => reader.release(uid)).every(Boolean);
  }

  /** A stretch of packets has ended: its seal follows those before it. */
  seal(source: string, closed: Drain['segments'][number], onSealed: () => void): void {
    const { journal } = this.o;
    if (closed.error !== '') journal.say(`packets of ${source}: ${closed.error}`, 'packets');
    this.sealing = this.sealing.then(async () => {
      const sealed = await this.segments.get(source)?.seal(closed);
      if (sealed !== undefined && !sealed.ok) journal.tell(sealed.fault);
      onSealed();
    });
  }

  async sealed(): Promise<void> {
    await this.sealing;
  }

  /** What readers in this process could not read. */
  tellUnread(): void {
    for (const reader of this.inline)
      for (const { path, error } of reader.summary().files)
        if (error !== undefined)
          this.o.journal.tell({
            code: 'input_unreadable',
            message: `${path}: ${error}`,
            hint: "see 'catenary doctor'",
          });
  }

  private add(source: string, reader: PacketSource): void {
    this.all.push({ reader, meter: new Meter(source, this.o.clock) });
  }

  private get how() {
    const { filter, snaplen, buffer_mb: bufferMb, promiscuous, clock } = this.o.config.sensor;
    return { filter, snaplen, bufferMb, promiscuous, adapterClock: clock === 'adapter', carve: this.carve() };
  }

  private carve(): CarveOptions | undefined {
    const { files_mb, file_max_mb } = this.o.config.evidence;
    if (files_mb === 0) return undefined;
    const { files: dir } = folders(this.o.dir);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return { dir, maxBytes: file_max_mb * MIB, sourceBytesMax: files_mb * MIB };
  }

  private startWorkers(name: string): void {
    const { workers, cpus } = this.o.config.sensor;
    const shared = { workers, group: randomInt(1, 65_536), key: randomBytes(4).toString('hex') };
    for (let worker = 0; worker < workers; worker++) {
      // Each keeps packets of its own.
      const source = worker === 0 ? name : `${name}#${worker}`;
      const { clock, journal } = this.o;
      this.add(
        source,
        new CaptureProcess({
          ...{ ...this.how, ...shared, interface: name, worker, cpu: cpus[this.all.length % Math.max(1, cpus.length)] },
          ...{ clock, packets: () => this.openSegments(source, name), say: (text) => journal.say(text) },
        }),
      );
    }
  }

  private async openInline(
    name: string,
    from: { readonly files: readonly string[] } | { readonly interface: string },
  ): Promise<Result<undefined>> {
    const packets = await this.openSegments(name, name);
    if (!packets.ok) return packets;
    const reader = openReader({ ...from, ...this.how, packets: packets.value });
    if (!reader.ok) return reader;
    this.inline.push(reader.value);
    this.add(name, reader.value);
    return success(undefined);
  }

  /** Where packets of a source are kept, in a new epoch; undefined: nowhere. What an earlier one left is sealed. */
  private async openSegments(source: string, name: string): Promise<Result<PacketOptions | undefined>> {
    const { config, signer, clock } = this.o;
    const { sensor, evidence } = config;
    if (evidence.packets_mb === 0) return success(undefined);
    const digest = segmentDigester();
    if (!digest.ok) return digest;
    // What is being sealed is the last epoch's.
    await this.sealing;
    const dir = join(folders(this.o.dir).packets, source);
    const segments = await Segments.open({
      ...{ dir, evidence: this.o.dir, signer, digest: digest.value, clock },
      circumstances: {
        ...{ sensor: this.o.name, interface: name, filter: sensor.filter, snaplen: sensor.snaplen },
        ...{ software: 'catenary', config: createHash('sha256').update(JSON.stringify(config)).digest('hex') },
      },
    });
    if (!segments.ok) return segments;
    this.segments.set(source, segments.value);
    return success({
      ...{ dir, epoch: segments.value.epoch, segmentSeconds: evidence.segment_s },
      ...{ segmentBytes: evidence.segment_mb * MIB, cutoffBytes: evidence.cutoff_kb * 1024 },
    });
  }
}
