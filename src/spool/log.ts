// A durable, numbered log: what is appended gets the next number of this life (epoch), and a promise to be on disk.
//
//   - An epoch is written and synced before the first record of a life, so that no number is ever used twice.
//   - Appends that wait share one sync (and `groupMs` of waiting, where that is asked for).
//   - Readers see whole groups that are durable, in the order of (epoch, seq) over all lanes.
//   - Cursors say how far each reader is done. A segment goes when all are past it: the cursors are written and synced,
//     then files are unlinked, then the folder is synced. So a crash can only leave too much.
//   - A write or sync that fails gives the file up; the group is written again to a new one, once. Then it has failed,
//     and its callers are told.
import path from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { type Fault, failure, type Result, success, systemFault } from '../lib/fault.ts';
import { type Disk, readSmall, replaceDurably } from './disk.ts';
import type { Crc32c, Tally } from './format.ts';
import { type Entry, Lane, LaneReader, type Notice, type Segment } from './lane.ts';

/** Bytes that wait to be written; more is refused, so that a slow disk does not fill memory. */
export const WAITING_BYTES_MAX = 64 << 20;
/** Entries of one group. */
export const GROUP_MAX = 4096;
const SMALL_MAX = 4096;

/** A record's place. `seq` is contiguous from 1 in an epoch; epochs count lives of the log's owner. */
export interface Position {
  readonly epoch: number;
  readonly seq: number;
}
export const START: Position = { epoch: 0, seq: 0 };
export const isBefore = (a: Position, b: Position): boolean =>
  a.epoch < b.epoch || (a.epoch === b.epoch && a.seq < b.seq);

export interface LogRecord extends Position {
  /** seq of the record before it in its epoch, whatever lane; 0 at the start. A larger step than 1 is a loss. */
  readonly after: number;
  readonly lane: number;
  readonly payload: Buffer;
}

export interface ReadOptions {
  /** The last one wanted; without it the reader waits for more. */
  readonly to?: Position;
  readonly signal?: AbortSignal;
}

export interface LogOptions {
  readonly dir: string;
  /** Whose it is: a sensor's name. */
  readonly owner: string;
  readonly lanes: readonly string[];
  readonly cursors: readonly string[];
  readonly crc32c: Crc32c;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly segmentBytes: number;
  /** How long a first append waits for company [ms]; 0: not at all. */
  readonly groupMs: number;
  readonly tallyOf: (payload: Buffer) => Tally;
  /** The disk is full: make room. False: none can be made, and the group fails. */
  readonly makeRoom: () => Promise<boolean>;
}

interface Waiting {
  readonly lane: number;
  readonly entry: Entry;
  readonly bytes: number;
  readonly settle: (r: Result<Position>) => void;
}

export interface LogCounters {
  appended: number;
  failed: number;
  syncs: number;
  /** Files given up because writing or syncing failed. */
  abandoned: number;
}

export class Log {
  readonly options: LogOptions;
  readonly lanes: readonly Lane[];
  readonly epoch: number;
  readonly notices: Notice[] = [];
  readonly counters: LogCounters = { appended: 0, failed: 0, syncs: 0, abandoned: 0 };
  private readonly cursors: Map<string, Position>;
  private seq = 0;
  private published: Position;
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  private running: Promise<void> | undefined;
  private readonly sleepers = new Set<() => void>();
  private releasing: Promise<void> = Promise.resolve();
  private isClosed = false;

  private constructor(options: LogOptions, lanes: readonly Lane[], epoch: number, cursors: Map<string, Position>) {
    this.options = options;
    this.lanes = lanes;
    this.epoch = epoch;
    this.cursors = cursors;
    this.published = { epoch, seq: 0 };
  }

  static async open(options: LogOptions): Promise<Result<Log>> {
    const { dir, disk, owner, crc32c, clock, segmentBytes, tallyOf } = options;
    const notices: Notice[] = [];
    try {
      await disk.makeDir(dir);
      const lanes = options.lanes.map(
        (name) =>
          new Lane({
            ...{ name, dir: path.join(dir, name), owner, crc32c, disk, segmentBytes, tallyOf },
            ...{ now: () => clock.wall(), notice: (n: Notice) => notices.push(n) },
          }),
      );
      for (const lane of lanes) await lane.open();
      const kept = await readPosition(options, 'epoch', notices);
      const inFiles = Math.max(0, ...lanes.flatMap((l) => l.segments.map((s) => s.header.epoch)));
      const cursors = new Map<string, Position>();
      for (const name of options.cursors)
        cursors.set(name, (await readPosition(options, `cursor.${name}`, notices)) ?? START);
      // Cursors too: should both the epoch's file and all segments be gone, numbers that a reader has had stay used.
      const known = [kept?.epoch ?? 0, inFiles, ...[...cursors.values()].map((c) => c.epoch)];
      const epoch = Math.max(...known) + 1;
      await writePosition(options, 'epoch', { epoch, seq: 0 });
      const log = new Log(options, lanes, epoch, cursors);
      log.notices.push(...notices);
      for (const lane of lanes) (lane.options as { notice: (n: Notice) => void }).notice = (n) => log.notices.push(n);
      return success(log);
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', dir, error) };
    }
  }

  /** All that is at or before it and was appended in this life is durable, or has failed. */
  get durable(): Position {
    return this.published;
  }
  get bytes(): number {
    return this.lanes.reduce((n, l) => n + l.bytes, 0);
  }
  cursor(name: string): Position {
    return this.cursors.get(name) ?? START;
  }
  /** The earliest record that is there, less one. */
  get first(): Position {
    let first: Position | undefined;
    for (const s of this.lanes.flatMap((l) => l.segments.slice(0, 1))) {
      const p = { epoch: s.header.epoch, seq: s.header.firstSeq - 1 };
      if (first === undefined || isBefore(p, first)) first = p;
    }
    return first ?? this.published;
  }

  /**
   * Numbers `payload` and writes it. The promise settles when it is durable, or could not be made so.
   * @param payload  must stay as it is until then
   */
  append(lane: number, payload: readonly Uint8Array[], tally: Tally): Promise<Result<Position>> {
    const bytes = payload.reduce((n, p) => n + p.length, 0);
    if (this.isClosed) return Promise.resolve(failure('state_unusable', `${this.options.dir}: it is closed`));
    if (this.waitingBytes + bytes > WAITING_BYTES_MAX)
      return Promise.resolve(
        failure(
          'state_unusable',
          `${this.options.dir}: ${this.waitingBytes} bytes wait for the disk`,
          'is it too slow?',
        ),
      );
    this.waitingBytes += bytes;
    return new Promise((settle) => {
      this.waiting.push({ lane, entry: { seq: ++this.seq, payload, tally }, bytes, settle });
      this.running ??= this.run();
    });
  }

  private async run(): Promise<void> {
    const { groupMs, clock } = this.options;
    if (groupMs > 0) await new Promise<void>((done) => clock.after(groupMs, done));
    // After the caller's own turn: what it appends together is one group.
    else await Promise.resolve();
    while (this.waiting.length > 0) await this.writeGroup(this.waiting.splice(0, GROUP_MAX));
    this.running = undefined;
  }

  private async writeGroup(group: readonly Waiting[]): Promise<void> {
    const faults = await Promise.all(
      this.lanes.map(async (lane, i) => {
        const mine = group.filter((w) => w.lane === i).map((w) => w.entry);
        return mine.length === 0 ? undefined : this.writeLane(lane, mine);
      }),
    );
    for (const lane of this.lanes) lane.publish();
    this.published = { epoch: this.epoch, seq: (group.at(-1) as Waiting).entry.seq };
    for (const w of group) {
      this.waitingBytes -= w.bytes;
      const fault = faults[w.lane];
      if (fault === undefined) this.counters.appended++;
      else this.counters.failed++;
      w.settle(fault === undefined ? success({ epoch: this.epoch, seq: w.entry.seq }) : { ok: false, fault });
    }
    this.wake();
  }

  /** Why a lane's part of a group is not on disk. */
  private async writeLane(lane: Lane, entries: readonly Entry[]): Promise<Fault | undefined> {
    for (let attempt = 0; ; attempt++) {
      try {
        this.counters.syncs++;
        await lane.write(this.epoch, entries);
        return undefined;
      } catch (error) {
        await lane.abandon();
        this.counters.abandoned++;
        const fault = systemFault('state_unusable', lane.options.dir, error);
        const isFull = ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
        const at = { epoch: this.epoch, first: 1, last: 0, bytes: 0 };
        this.notices.push({
          reason: 'storage',
          lane: lane.name,
          where: lane.options.dir,
          message: fault.message,
          ...at,
        });
        // Room may have to be made several times; anything else is tried twice.
        if (isFull ? !(await this.options.makeRoom()) : attempt > 0) return fault;
      }
    }
  }

  private wake(): void {
    const sleepers = [...this.sleepers];
    this.sleepers.clear();
    for (const wake of sleepers) wake();
  }

  /** Everything that is appended by now is durable, or has failed. */
  async settled(): Promise<void> {
    while (this.running !== undefined) await this.running;
  }

  /** A reader is done with everything up to `to`. Never goes back. Segments that all are done with go. */
  advance(name: string, to: Position): Promise<void> {
    if (!this.cursors.has(name)) throw new RangeError(`no cursor ${name}`);
    if (isBefore(this.cursor(name), to)) this.cursors.set(name, { epoch: to.epoch, seq: to.seq });
    this.releasing = this.releasing.then(() => this.release(false)).catch((error) => this.fail(error));
    return this.releasing;
  }

  private fail(error: unknown): void {
    const fault = systemFault('state_unusable', this.options.dir, error);
    const at = { epoch: this.epoch, first: 1, last: 0, bytes: 0 };
    this.notices.push({ reason: 'storage', lane: '', where: this.options.dir, message: fault.message, ...at });
  }

  private async release(always: boolean): Promise<void> {
    const all = [...this.cursors.values()];
    const isDone = (epoch: number, lastSeq: number): boolean => all.every((c) => !isBefore(c, { epoch, seq: lastSeq }));
    const gone: [Lane, Segment[]][] = this.lanes.map((l) => [l, l.done(isDone)]);
    if (!always && gone.every(([, segments]) => segments.length === 0)) return;
    for (const [name, at] of this.cursors) await writePosition(this.options, `cursor.${name}`, at);
    for (const [lane, segments] of gone) await lane.remove(segments);
  }

  /** Cursors as they are, on disk. */
  saveCursors(): Promise<void> {
    this.releasing = this.releasing.then(() => this.release(true)).catch((error) => this.fail(error));
    return this.releasing;
  }

  /** Gives up the oldest segment of a lane. What was in it; undefined: the lane is empty. */
  async shed(lane: number): Promise<(Position & { first: number; bytes: number; tally: Tally }) | undefined> {
    const s = await (this.lanes[lane] as Lane).shed();
    if (s === undefined) return undefined;
    return { epoch: s.header.epoch, first: s.header.firstSeq, seq: s.lastSeq, bytes: s.end, tally: s.tally };
  }

  /**
   * Records after `from`, in order, as they become durable; ends after `to`, at close(), or at `signal`. What is
   * shed or damaged meanwhile is left out, and `after` tells.
   */
  async *read(from: Position, { to, signal }: ReadOptions = {}): AsyncGenerator<LogRecord> {
    const readers = this.lanes.map((l) => new LaneReader(l, from.epoch, from.seq));
    let last = from;
    const wake = (): void => this.wake();
    signal?.addEventListener('abort', wake);
    try {
      for (;;) {
        // What is published while lanes are looked at may be of one lane and miss another: it waits for the next look.
        const limit = this.published;
        let best: LogRecord | undefined;
        for (const [lane, reader] of readers.entries()) {
          const r = await reader.peek();
          if (r === undefined || isBefore(limit, r) || (to !== undefined && isBefore(to, r))) continue;
          if (best === undefined || isBefore(r, best)) best = { ...r, lane, after: 0 };
        }
        if (signal?.aborted) return;
        if (best !== undefined) {
          readers[best.lane]?.take();
          const { epoch, seq } = best;
          yield { ...best, after: epoch === last.epoch ? last.seq : 0 };
          last = { epoch, seq };
          continue;
        }
        if (limit !== this.published) continue;
        if (this.isClosed || (to !== undefined && !isBefore(limit, to))) return;
        await new Promise<void>((done) => this.sleepers.add(done));
      }
    } finally {
      signal?.removeEventListener('abort', wake);
      for (const r of readers) await r.close();
    }
  }

  /** What waits is written, segments are closed, cursors are on disk; readers end after the last record. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    await this.settled();
    await this.saveCursors();
    for (const lane of this.lanes) await lane.seal();
    this.wake();
  }
}

/** A position in a file of its own: text that a person can read, and a CRC. */
async function writePosition(o: LogOptions, name: string, p: Position): Promise<void> {
  const text = Buffer.from(`${p.epoch} ${p.seq}`);
  const line = Buffer.concat([text, Buffer.from(` ${o.crc32c(text).toString(16).padStart(8, '0')}\n`)]);
  await replaceDurably(o.disk, path.join(o.dir, name), line);
}

async function readPosition(o: LogOptions, name: string, notices: Notice[]): Promise<Position | undefined> {
  const file = path.join(o.dir, name);
  const bytes = await readSmall(o.disk, file, SMALL_MAX);
  const m = /^(\d{1,16}) (\d{1,16}) ([0-9a-f]{8})\n$/.exec(bytes?.toString('latin1') ?? '');
  const p = m && { epoch: Number(m[1]), seq: Number(m[2]) };
  if (p && m && o.crc32c(Buffer.from(`${p.epoch} ${p.seq}`)) === Number.parseInt(m[3] as string, 16)) return p;
  if (bytes !== undefined) {
    const at = { epoch: 0, first: 1, last: 0, bytes: bytes.length };
    notices.push({ reason: 'corrupt', lane: '', where: file, message: 'damaged: begins again at the start', ...at });
  }
  return undefined;
}
