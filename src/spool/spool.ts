// The spool: every batch of a sensor, numbered and durable before anything reads it. Detection reads from here, and so
// does what ships; a segment goes when both are done with it.
//
// Kinds are in three lanes, because room is made by class: when the budget or the disk is full, the oldest segment of
// flow records goes, then of protocol metadata. Findings, coverage, counters, gaps and audit never do: when they alone
// fill the budget, appending fails and says so. Each range that goes is one `gap` record in the spool itself.
import type { Clock } from '../lib/clock.ts';
import { failure, type Result } from '../lib/fault.ts';
import { type EventInput, encodeBatch } from '../schema/encode.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import { KIND_IDS, KIND_NAMES } from '../schema/gen/structures.gen.ts';
import { COUNT_MAX, FRAME_BYTES_MAX, type Frame, getMeta, META_BYTES, putMeta } from '../wire/frame.ts';
import { type Disk, nodeDisk } from './disk.ts';
import type { Crc32c, Tally } from './format.ts';
import { addTally, emptyTally, type Notice } from './lane.ts';
import { Log, type LogCounters, type Position, type ReadOptions } from './log.ts';

export const LANES = ['flow', 'metadata', 'kept'] as const;
type LaneName = (typeof LANES)[number];
const KEPT = 2;
export const SPOOL_CURSORS = ['detection', 'ship'] as const;
export type SpoolCursor = (typeof SPOOL_CURSORS)[number];
export const SEGMENT_BYTES = 16 << 20;
export const BUDGET_BYTES_MIN = 4 << 20;

/** Gap records that wait for room. */
export const GAPS_WAITING_MAX = 1024;
type Gap = EventInput<'gap'>;

const LANE_OF: Partial<Record<KindName, LaneName>> = {
  conn: 'flow',
  conn_update: 'flow',
  signal: 'kept',
  sighting: 'kept',
  identity: 'kept',
  alert: 'kept',
  capture_stats: 'kept',
  coverage: 'kept',
  gap: 'kept',
  audit: 'kept',
};
const laneOf = (kind: number): number => LANES.indexOf(LANE_OF[KIND_NAMES[kind] as KindName] ?? 'metadata');

/** What is appended: records of one kind, as the decoder or an encoder made them. */
export interface SpoolBatch {
  readonly kind: number;
  readonly count: number;
  /** Of its records [us]. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly bytes: Uint8Array;
}

export interface SpoolFrame extends Frame {
  /** seq of the frame before it in its epoch; 0 at the start. A larger step than 1: those between are gone. */
  readonly after: number;
}

export interface SpoolOptions {
  readonly dir: string;
  readonly sensor: string;
  /** Number of the schema that batches are written by. */
  readonly schema: number;
  readonly budgetBytes: number;
  readonly crc32c: Crc32c;
  readonly clock: Clock;
  readonly disk?: Disk;
  readonly segmentBytes?: number;
  readonly groupMs?: number;
}

export interface SpoolCounters extends LogCounters {
  /** Given up to make room. */
  shedFrames: number;
  shedEvents: number;
  shedBytes: number;
}

export class Spool {
  private readonly options: SpoolOptions;
  private readonly log: Log;
  private readonly shed = { shedFrames: 0, shedEvents: 0, shedBytes: 0 };
  private told = 0;
  /** Gap records that are not in the spool yet. */
  private gaps: Gap[] = [];
  /** Never numbered: there was no room, and nothing to give up for them. */
  private refused = emptyTally();
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(options: SpoolOptions, log: Log) {
    this.options = options;
    this.log = log;
  }

  static async open(options: SpoolOptions): Promise<Result<Spool>> {
    if (options.budgetBytes < BUDGET_BYTES_MIN)
      return failure('config_invalid', `a spool of ${options.budgetBytes} bytes`, `give ${BUDGET_BYTES_MIN} or more`);
    let self: Spool | undefined;
    const log = await Log.open({
      ...{ dir: options.dir, owner: options.sensor, lanes: LANES, cursors: SPOOL_CURSORS, crc32c: options.crc32c },
      ...{ clock: options.clock, disk: options.disk ?? nodeDisk, groupMs: options.groupMs ?? 0, tallyOf },
      // A budget of few segments could only be shed in large pieces.
      segmentBytes: Math.min(options.segmentBytes ?? SEGMENT_BYTES, Math.floor(options.budgetBytes / 16)),
      makeRoom: async () => (await self?.makeRoom('disk_full')) ?? false,
    });
    if (!log.ok) return log;
    self = new Spool(options, log.value);
    self.tellNotices();
    await self.writeGaps();
    return { ok: true, value: self };
  }

  get epoch(): number {
    return this.log.epoch;
  }
  get durable(): Position {
    return this.log.durable;
  }
  get bytes(): number {
    return this.log.bytes;
  }
  /** What was not as it was left, and what failed since. */
  get notices(): readonly Notice[] {
    return this.log.notices;
  }
  get counters(): SpoolCounters {
    return { ...this.log.counters, ...this.shed };
  }
  cursor(name: SpoolCursor): Position {
    return this.log.cursor(name);
  }
  advance(name: SpoolCursor, to: Position): Promise<void> {
    return this.log.advance(name, to);
  }

  /**
   * Numbers a batch and makes it durable. Appends of one turn share a sync.
   * @returns  its position, or why it is not on disk: it has no number then, and may be appended again
   */
  async append(batch: SpoolBatch): Promise<Result<Position>> {
    if (batch.bytes.length > FRAME_BYTES_MAX || batch.count < 1 || batch.count > COUNT_MAX)
      throw new RangeError(`a batch of ${batch.count} records in ${batch.bytes.length} bytes`);
    if (this.log.bytes + batch.bytes.length > this.options.budgetBytes) {
      // One at a time: each looks at what the one before has left.
      const room = this.turn.then(() => this.keepBudget(batch.bytes.length));
      this.turn = room.catch(() => undefined);
      if (!(await room) && laneOf(batch.kind) !== KEPT) {
        this.refuse(batch);
        return failure('state_unusable', `${this.options.dir}: the budget is full of what is never given up`);
      }
    }
    const written = await this.write(batch);
    if (!written.ok && laneOf(batch.kind) !== KEPT) this.refuse(batch);
    if (this.gaps.length > 0 || (written.ok && this.refused.frames > 0) || this.told < this.log.notices.length) {
      this.tellNotices();
      await this.writeGaps();
    }
    return written;
  }

  private write(batch: SpoolBatch): Promise<Result<Position>> {
    const head = Buffer.alloc(META_BYTES);
    const crc = this.options.crc32c(batch.bytes);
    putMeta(head, 0, { ...batch, epoch: 0, seq: 0, schema: this.options.schema, crc });
    const tally = { frames: 1, events: batch.count, from: batch.firstSeen, until: batch.lastSeen };
    return this.log.append(laneOf(batch.kind), [head, batch.bytes], tally);
  }

  private refuse(batch: SpoolBatch): void {
    this.shed.shedFrames++;
    this.shed.shedEvents += batch.count;
    this.shed.shedBytes += batch.bytes.length;
    addTally(this.refused, { frames: 1, events: batch.count, from: batch.firstSeen, until: batch.lastSeen });
  }

  private async keepBudget(more: number): Promise<boolean> {
    while (this.log.bytes + more > this.options.budgetBytes) if (!(await this.makeRoom('budget'))) return false;
    return true;
  }

  /** Gives up the oldest segment of the least class that has one. */
  private async makeRoom(reason: 'budget' | 'disk_full'): Promise<boolean> {
    for (let lane = 0; lane < KEPT; lane++) {
      const gone = await this.log.shed(lane);
      if (gone === undefined) continue;
      const { epoch, first, seq, bytes, tally } = gone;
      this.shed.shedFrames += tally.frames;
      this.shed.shedEvents += tally.events;
      this.shed.shedBytes += bytes;
      const { frames, events, from, until } = tally;
      this.gap({
        ...{ reason, lane: LANES[lane] as string, epoch, first, last: seq, frames, events, bytes },
        from,
        until,
      });
      return true;
    }
    return false;
  }

  private gap(g: Omit<Gap, 'ts' | 'seen' | 'lost_from' | 'lost_until'> & { from?: number; until?: number }): void {
    const { from, until, ...rest } = g;
    const now = this.options.clock.wall();
    this.gaps.push({ ...rest, ts: now, seen: now, lost_from: from, lost_until: until });
  }

  /** Frames that a notice says are gone. */
  private tellNotices(): void {
    for (; this.told < this.log.notices.length; this.told++) {
      const n = this.log.notices[this.told] as Notice;
      if (n.reason === 'storage') continue;
      // A torn tail held nothing that was promised to anybody; it is said all the same.
      const reason = n.reason === 'torn' ? 'unsynced' : n.reason;
      const lost = n.last < n.first ? { first: 0, last: 0 } : { first: n.first, last: n.last };
      this.gap({ reason, lane: n.lane === '' ? 'log' : n.lane, epoch: n.epoch, ...lost, bytes: n.bytes });
    }
  }

  private async writeGaps(): Promise<void> {
    const { frames, events, from, until } = this.refused;
    if (frames > 0) {
      this.refused = emptyTally();
      const none = { epoch: this.epoch, first: 0, last: 0, bytes: 0 };
      this.gap({ reason: 'unwritten', lane: 'log', ...none, frames, events, from, until });
    }
    const gaps = this.gaps.splice(0);
    if (gaps.length === 0) return;
    const seen = gaps.map((g) => g.seen);
    const [firstSeen, lastSeen] = [Math.min(...seen), Math.max(...seen)];
    const bytes = encodeBatch('gap', gaps);
    const written = await this.write({ kind: KIND_IDS.gap, count: gaps.length, firstSeen, lastSeen, bytes });
    // No room for them: they wait in memory, as many as a person would read.
    if (!written.ok) this.gaps = [...gaps, ...this.gaps].slice(0, GAPS_WAITING_MAX);
  }

  /** Durable frames after `from`, in order; ends after `to`, at close() or at the signal. */
  async *read(from: Position, options: ReadOptions = {}): AsyncGenerator<SpoolFrame> {
    for await (const { epoch, seq, after, payload } of this.log.read(from, options)) {
      yield { ...getMeta(payload, 0), epoch, seq, after, bytes: payload.subarray(META_BYTES) };
    }
  }

  async close(): Promise<void> {
    await this.log.settled();
    this.tellNotices();
    await this.writeGaps();
    await this.log.close();
  }
}

function tallyOf(payload: Buffer): Tally {
  const { count, firstSeen, lastSeen } = getMeta(payload, 0);
  return { frames: 1, events: count, from: firstSeen, until: lastSeen };
}
