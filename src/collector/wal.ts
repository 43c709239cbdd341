// The collector's log: a frame that was validated is appended, synced with others of the same moment, and only then
// acknowledged. The loader takes it in blocks whose boundaries are written down before it gets them, so that a block
// that is tried again after a crash is the same list of frames.
//
// What is known of each sensor (marks.ts) is rebuilt from the log when it is opened, on top of a checkpoint that is
// written before any segment goes.
import path from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
import { type Disk, nodeDisk, readSmall, replaceDurably } from '../spool/disk.ts';
import { type Crc32c, putU64, type Tally } from '../spool/format.ts';
import type { Notice } from '../spool/lane.ts';
import { isBefore, Log, type LogCounters, type Position, START } from '../spool/log.ts';
import { type Frame, getMeta, META_BYTES, putMeta, type Sent } from '../wire/frame.ts';
import { Marks } from './marks.ts';

export const WAL_SEGMENT_BYTES = 64 << 20;
/** How long a frame waits for others to share a sync [ms]. */
export const GROUP_MS = 50;
const LOADER = 'loader';
const HEAD_BYTES = META_BYTES + 32;
const CHECKPOINT_BYTES_MAX = 64 << 20;
const BLOCK_BYTES_MAX = 256;

/** A frame as the store loads it. */
export interface WalFrame extends Frame {
  readonly sensor: string;
  /** As it was sent: the number before it, and whether it came beside the backlog. */
  readonly after: number;
  readonly live: boolean;
}

export interface Block {
  /** In the log: after..to. */
  readonly after: Position;
  readonly to: Position;
  readonly frames: readonly WalFrame[];
}

export interface WalOptions {
  readonly dir: string;
  readonly crc32c: Crc32c;
  readonly clock: Clock;
  readonly disk?: Disk;
  readonly segmentBytes?: number;
  readonly groupMs?: number;
}

export class Wal {
  readonly marks: Marks;
  private readonly options: WalOptions;
  private readonly disk: Disk;
  private readonly log: Log;
  private block: { readonly after: Position; readonly to: Position } | undefined;

  private constructor(options: WalOptions, disk: Disk, log: Log, marks: Marks) {
    this.options = options;
    this.disk = disk;
    this.log = log;
    this.marks = marks;
  }

  static async open(options: WalOptions): Promise<Result<Wal>> {
    const disk = options.disk ?? nodeDisk;
    const { dir, crc32c, clock } = options;
    const opened = await Log.open({
      ...{ dir, owner: 'collector', lanes: ['frames'], cursors: [LOADER], crc32c, clock, disk },
      segmentBytes: options.segmentBytes ?? WAL_SEGMENT_BYTES,
      groupMs: options.groupMs ?? GROUP_MS,
      tallyOf,
      // Nothing here may be given up: what waits for the store is the only copy.
      makeRoom: async () => false,
    });
    if (!opened.ok) return opened;
    const log = opened.value;
    try {
      const kept = await checked(options, disk, 'marks', CHECKPOINT_BYTES_MAX);
      const marks = kept === undefined ? new Marks() : Marks.from(JSON.parse(kept));
      for await (const { payload } of log.read(START, { to: log.durable })) {
        const { sent, sensor } = unpack(payload);
        marks.take(sensor, sent.frame.epoch, sent.after, sent.frame.seq, sent.live);
      }
      const wal = new Wal(options, disk, log, marks);
      const block = await checked(options, disk, 'block', BLOCK_BYTES_MAX);
      if (block !== undefined) {
        const [a = 0, b = 0, c = 0, d = 0] = block.split(' ').map(Number);
        wal.block = { after: { epoch: a, seq: b }, to: { epoch: c, seq: d } };
        if (!isBefore(log.cursor(LOADER), wal.block.to)) wal.block = undefined;
      }
      return success(wal);
    } catch (error) {
      await log.close();
      return { ok: false, fault: systemFault('state_unusable', dir, error) };
    }
  }

  get bytes(): number {
    return this.log.bytes;
  }
  get notices(): readonly Notice[] {
    return this.log.notices;
  }
  get counters(): LogCounters {
    return this.log.counters;
  }

  /** Durable when the promise says success, and then in `marks` too. */
  async append(sensor: string, sent: Sent): Promise<Result<Position>> {
    const { frame, after, live } = sent;
    const name = Buffer.from(sensor);
    const head = Buffer.alloc(HEAD_BYTES + name.length);
    putMeta(head, 0, frame);
    putU64(head, META_BYTES, frame.epoch);
    putU64(head, META_BYTES + 8, frame.seq);
    putU64(head, META_BYTES + 16, after);
    head[META_BYTES + 24] = live ? 1 : 0;
    head[META_BYTES + 25] = name.length;
    name.copy(head, HEAD_BYTES);
    const tally = { frames: 1, events: frame.count, from: frame.firstSeen, until: frame.lastSeen };
    const written = await this.log.append(0, [head, frame.bytes], tally);
    if (written.ok) this.marks.take(sensor, frame.epoch, after, frame.seq, live);
    return written;
  }

  /**
   * The next frames for the store: the same ones until done() is called, over any number of crashes.
   * @returns  undefined while there is none
   */
  async next(framesMax: number, bytesMax: number): Promise<Result<Block | undefined>> {
    const after = this.log.cursor(LOADER);
    try {
      const frames: WalFrame[] = [];
      const known = this.block;
      let to: Position | undefined;
      let bytes = 0;
      for await (const r of this.log.read(known?.after ?? after, { to: known?.to ?? this.log.durable })) {
        const { sent, sensor } = unpack(r.payload);
        bytes += sent.frame.bytes.length;
        if (known === undefined && frames.length > 0 && (frames.length >= framesMax || bytes > bytesMax)) break;
        frames.push({ ...sent.frame, sensor, after: sent.after, live: sent.live });
        to = { epoch: r.epoch, seq: r.seq };
      }
      if (known !== undefined) return success({ ...known, frames });
      if (to === undefined) return success(undefined);
      await write(this.options, this.disk, 'block', `${after.epoch} ${after.seq} ${to.epoch} ${to.seq}`);
      this.block = { after, to };
      return success({ after, to, frames });
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', this.options.dir, error) };
    }
  }

  /** The block's rows are durable in the store: its segments may go. */
  async done(block: Block): Promise<Result<undefined>> {
    if (this.block === undefined || isBefore(block.to, this.block.to) || isBefore(this.block.to, block.to))
      return failure('usage', 'that is not the block that was given');
    try {
      await write(this.options, this.disk, 'marks', JSON.stringify(this.marks));
      await this.log.advance(LOADER, block.to);
      await this.log.saveCursors();
      this.block = undefined;
      return success(undefined);
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', this.options.dir, error) };
    }
  }

  close(): Promise<void> {
    return this.log.close();
  }
}

function unpack(p: Buffer): { readonly sent: Sent; readonly sensor: string } {
  const u64 = (at: number): number => p.readUInt32LE(at + 4) * 2 ** 32 + p.readUInt32LE(at);
  const start = HEAD_BYTES + (p[META_BYTES + 25] as number);
  const [epoch, seq] = [u64(META_BYTES), u64(META_BYTES + 8)];
  const frame = { ...getMeta(p, 0), epoch, seq, bytes: p.subarray(start) };
  return {
    sent: { frame, after: u64(META_BYTES + 16), live: p[META_BYTES + 24] === 1 },
    sensor: p.toString('latin1', HEAD_BYTES, start),
  };
}

function tallyOf(payload: Buffer): Tally {
  const { count, firstSeen, lastSeen } = getMeta(payload, 0);
  return { frames: 1, events: count, from: firstSeen, until: lastSeen };
}

/** A small file: a CRC in hex, a newline, then text. One that is damaged is as good as none. */
async function checked(o: WalOptions, disk: Disk, name: string, max: number): Promise<string | undefined> {
  const bytes = await readSmall(disk, path.join(o.dir, name), max);
  if (bytes === undefined || bytes.length < 9) return undefined;
  const body = bytes.subarray(9);
  return o.crc32c(body) === Number.parseInt(bytes.toString('latin1', 0, 8), 16) ? body.toString() : undefined;
}
function write(o: WalOptions, disk: Disk, name: string, text: string): Promise<void> {
  const body = Buffer.from(text);
  const head = Buffer.from(`${o.crc32c(body).toString(16).padStart(8, '0')}\n`);
  return replaceDurably(disk, path.join(o.dir, name), Buffer.concat([head, body]));
}
