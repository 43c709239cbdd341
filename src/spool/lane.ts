// One lane of a log: a folder of segments, the last of which is being written. Records of one lane have rising sequence
// numbers, with holes where numbers went to other lanes.
//
// What is written is published only when the whole group it belongs to is durable, in all lanes: readers see nothing
// that a crash could take back.
import { createHash, type Hash, randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Disk, DiskFile } from './disk.ts';
import {
  type Crc32c,
  decodeHeader,
  encodeFooter,
  encodeHeader,
  FOOTER_BYTES,
  footerOf,
  HEADER_BYTES,
  type Header,
  readPieces,
  recordHead,
  type Tally,
} from './format.ts';

const NAME = /^[0-9a-f]{16}-[0-9a-f]{16}-[0-9a-f]{4}\.seg$/;
/** Of one lane; names of a folder are sorted when it is opened. */
export const SEGMENTS_MAX = 65_536;

/** Something that is not as it was left: said to a person, and counted where frames are gone. */
export interface Notice {
  readonly reason: 'torn' | 'corrupt' | 'missing' | 'storage';
  readonly lane: string;
  /** File, and byte where there is one. */
  readonly where: string;
  readonly message: string;
  readonly epoch: number;
  /** Frames that are gone, first..last, as far as it is known; first > last: none that was durable. */
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
}

export interface Segment {
  readonly file: string;
  readonly header: Header;
  /** Of its last record that readers may see. */
  lastSeq: number;
  /** Behind that record, in bytes of the file. */
  end: number;
  tally: Tally;
  sha256: Buffer | undefined;
}

export interface Entry {
  readonly seq: number;
  readonly payload: readonly Uint8Array[];
  readonly tally: Tally;
}

export interface LaneOptions {
  readonly name: string;
  readonly dir: string;
  readonly owner: string;
  readonly crc32c: Crc32c;
  readonly disk: Disk;
  /** Wall time [us]. */
  readonly now: () => number;
  readonly segmentBytes: number;
  /** What is in a record: for segments that a crash left without a footer. */
  readonly tallyOf: (payload: Buffer) => Tally;
  readonly notice: (n: Notice) => void;
}

export const emptyTally = (): Tally => ({ frames: 0, events: 0, from: 0, until: 0 });
export function addTally(into: Tally, t: Tally): void {
  into.from = into.frames === 0 ? t.from : Math.min(into.from, t.from);
  into.until = Math.max(into.until, t.until);
  into.frames += t.frames;
  into.events += t.events;
}

const NO_HASH = Buffer.alloc(32);

/** The segment being written. Its figures are ahead of what is published. */
interface Open {
  readonly segment: Segment;
  readonly file: DiskFile;
  hash: Hash;
  size: number;
  lastSeq: number;
  tally: Tally;
}

export class Lane {
  readonly options: LaneOptions;
  /** Oldest first; the one being written is the last. */
  readonly segments: Segment[] = [];
  private current: Open | undefined;
  private attempts = 0;

  constructor(options: LaneOptions) {
    this.options = options;
  }

  get name(): string {
    return this.options.name;
  }
  get bytes(): number {
    return this.segments.reduce((n, s) => n + s.end, 0);
  }

  /** Finds what is there, cuts a torn tail, says what is damaged. Rejects with a system error. */
  async open(): Promise<void> {
    const { disk, dir } = this.options;
    await disk.makeDir(dir);
    const names = (await disk.list(dir)).filter((n) => NAME.test(n)).sort();
    if (names.length > SEGMENTS_MAX) throw new RangeError(`${dir}: ${names.length} segments`);
    for (const [i, name] of names.entries()) await this.find(path.join(dir, name), i === names.length - 1);
    this.segments.forEach((s, i) => {
      const before = this.segments[i - 1];
      if (before?.sha256 === undefined || before.sha256.equals(s.header.previous)) return;
      if (s.header.previous.equals(NO_HASH)) return;
      const first = before.header.epoch === s.header.epoch ? before.lastSeq + 1 : 1;
      this.notice('missing', s, 0, 'the segment it follows is not the one before it', first, s.header.firstSeq - 1);
    });
  }

  private notice(
    reason: Notice['reason'],
    s: Segment,
    at: number,
    message: string,
    first = 1,
    last = 0,
    bytes = 0,
  ): void {
    const where = `${s.file}:${at}`;
    this.options.notice({ reason, lane: this.name, where, message, epoch: s.header.epoch, first, last, bytes });
  }

  private async find(file: string, isLast: boolean): Promise<void> {
    const { disk, crc32c, dir } = this.options;
    const f = await disk.open(file, 'write');
    try {
      const size = await f.size();
      const head = Buffer.alloc(Math.min(HEADER_BYTES, size));
      await f.read(head, 0);
      const header = decodeHeader(crc32c, head);
      if (typeof header === 'string') {
        await this.setAside(file, header, size, isLast);
        return;
      }
      const tail = Buffer.alloc(FOOTER_BYTES);
      if (size >= HEADER_BYTES + FOOTER_BYTES) await f.read(tail, size - FOOTER_BYTES);
      const footer = footerOf(crc32c, tail);
      const segment: Segment = {
        ...{ file, header, lastSeq: footer?.lastSeq ?? header.firstSeq - 1, end: size - FOOTER_BYTES },
        ...{ tally: footer?.tally ?? emptyTally(), sha256: footer?.sha256 },
      };
      if (footer === undefined) await this.recover(f, segment, size);
      if (segment.tally.frames > 0) this.segments.push(segment);
      else {
        await disk.unlink(file);
        await disk.syncDir(dir);
      }
    } finally {
      await f.close();
    }
  }

  /** Nothing can be read without its header; the file stays for whoever wants to look. */
  private async setAside(file: string, why: string, size: number, isLast: boolean): Promise<void> {
    const { disk, dir, notice, name } = this.options;
    const [epoch = 0, seq = 0] = path
      .basename(file)
      .split('-')
      .map((n) => Number.parseInt(n, 16));
    // Cut while it was being made: nothing in it was ever durable.
    const isNew = isLast && size <= HEADER_BYTES;
    if (isNew) await disk.unlink(file);
    else await disk.rename(file, `${file}.bad`);
    await disk.syncDir(dir);
    const lost = isNew ? { first: 1, last: 0 } : { first: seq, last: seq };
    notice({
      reason: isNew ? 'torn' : 'corrupt',
      lane: name,
      where: `${file}:0`,
      message: why,
      epoch,
      ...lost,
      bytes: size,
    });
  }

  /** A segment that nobody closed: its records by reading them all, its tail cut, its footer written. */
  private async recover(f: DiskFile, s: Segment, size: number): Promise<void> {
    s.end = HEADER_BYTES;
    let broken: { readonly from: number; readonly afterSeq: number } | undefined;
    for await (const piece of readPieces(this.options.crc32c, f, s.header, HEADER_BYTES, size)) {
      if (piece.type === 'damage') broken = piece.damage;
      if (piece.type !== 'record') continue;
      const { seq, offset, end, payload } = piece.record;
      if (broken !== undefined) {
        this.notice(
          'corrupt',
          s,
          broken.from,
          'a record is damaged',
          broken.afterSeq + 1,
          seq - 1,
          offset - broken.from,
        );
        broken = undefined;
      }
      s.lastSeq = seq;
      s.end = end;
      addTally(s.tally, this.options.tallyOf(payload));
    }
    if (s.end < size) {
      this.notice('torn', s, s.end, `cut off ${size - s.end} bytes that no record ends`, 1, 0, size - s.end);
      await f.truncate(s.end);
    }
    if (s.tally.frames === 0) return;
    s.sha256 = await hashOf(f, s.end);
    await f.write([encodeFooter(this.options.crc32c, { lastSeq: s.lastSeq, tally: s.tally, sha256: s.sha256 })], s.end);
    await f.sync();
  }

  /** Writes and syncs entries of `epoch`. Nothing is published. Rejects with a system error: then call abandon(). */
  async write(epoch: number, entries: readonly Entry[]): Promise<void> {
    const { crc32c, segmentBytes } = this.options;
    if (this.current !== undefined && this.current.size >= segmentBytes) await this.seal();
    const first = entries[0];
    if (first === undefined) return;
    this.current ??= await this.begin(epoch, first.seq);
    const c = this.current;
    const buffers: Uint8Array[] = [];
    for (const e of entries) {
      buffers.push(recordHead(crc32c, c.segment.header.salt, e.seq, e.payload), ...e.payload);
    }
    const joined = Buffer.concat(buffers);
    await c.file.write([joined], c.size);
    await c.file.sync();
    c.hash.update(joined);
    c.size += joined.length;
    for (const e of entries) addTally(c.tally, e.tally);
    c.lastSeq = (entries.at(-1) as Entry).seq;
  }

  /** Readers may see what write() wrote. */
  publish(): void {
    const c = this.current;
    if (c === undefined || c.segment.end === c.size) return;
    if (c.segment.end === HEADER_BYTES) this.segments.push(c.segment);
    c.segment.end = c.size;
    c.segment.lastSeq = c.lastSeq;
    c.segment.tally = { ...c.tally };
  }

  private async begin(epoch: number, firstSeq: number): Promise<Open> {
    const { disk, dir, owner, crc32c, now } = this.options;
    const hex = (n: number, width: number) => n.toString(16).padStart(width, '0');
    const file = path.join(dir, `${hex(epoch, 16)}-${hex(firstSeq, 16)}-${hex(this.attempts, 4)}.seg`);
    const previous = this.segments.at(-1)?.sha256 ?? NO_HASH;
    const header: Header = { owner, epoch, firstSeq, created: now(), salt: randomBytes(8), previous };
    const bytes = encodeHeader(crc32c, header);
    const f = await disk.create(file);
    try {
      await f.write([bytes], 0);
      await disk.syncDir(dir);
    } catch (error) {
      await f.close().catch(() => undefined);
      await disk.unlink(file).catch(() => undefined);
      throw error;
    }
    const segment = { file, header, lastSeq: firstSeq - 1, end: HEADER_BYTES, tally: emptyTally(), sha256: undefined };
    const hash = createHash('sha256').update(bytes);
    return { segment, file: f, hash, size: HEADER_BYTES, lastSeq: firstSeq - 1, tally: emptyTally() };
  }

  /** Closes the segment being written. Without its footer it would be found whole all the same. */
  async seal(): Promise<void> {
    const c = this.current;
    if (c === undefined) return;
    this.current = undefined;
    try {
      const sha256 = c.hash.digest();
      await c.file.write([encodeFooter(this.options.crc32c, { lastSeq: c.lastSeq, tally: c.tally, sha256 })], c.size);
      await c.file.sync();
      c.segment.sha256 = sha256;
    } catch (error) {
      this.notice('storage', c.segment, c.size, `its footer is not written: ${String(error)}`);
      await c.file.truncate(c.size).catch(() => undefined);
    }
    await c.file.close().catch(() => undefined);
  }

  /**
   * Gives up the segment being written, after a failure: the kernel may have dropped what it could not write, and a
   * second sync of the same file would say that all is well. What was published stays; the rest is cut off.
   */
  async abandon(): Promise<void> {
    const c = this.current;
    this.current = undefined;
    this.attempts = (this.attempts + 1) % 0x10000;
    if (c === undefined) return;
    await c.file.truncate(c.segment.end).catch(() => undefined);
    await c.file.close().catch(() => undefined);
    if (c.segment.end === HEADER_BYTES) await this.options.disk.unlink(c.segment.file).catch(() => undefined);
  }

  /** The segments that hold nothing after what `isDone` says is done, but for the one being written. */
  done(isDone: (epoch: number, lastSeq: number) => boolean): Segment[] {
    return this.segments.filter((s) => s !== this.current?.segment && isDone(s.header.epoch, s.lastSeq));
  }

  /** Takes away its files. */
  async remove(gone: readonly Segment[]): Promise<void> {
    const { disk, dir } = this.options;
    if (gone.length === 0) return;
    for (const s of gone) {
      this.segments.splice(this.segments.indexOf(s), 1);
      await disk.unlink(s.file).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
    }
    await disk.syncDir(dir);
  }

  /** Takes away its oldest segment, whoever still wants it. The one being written is closed for it when it is alone. */
  async shed(): Promise<Segment | undefined> {
    if (this.segments[0] === this.current?.segment) await this.seal();
    const oldest = this.segments[0];
    if (oldest !== undefined) await this.remove([oldest]);
    return oldest;
  }
}

async function hashOf(f: DiskFile, end: number): Promise<Buffer> {
  const hash = createHash('sha256');
  const into = Buffer.allocUnsafe(1 << 18);
  for (let at = 0; at < end; ) {
    const n = await f.read(into.subarray(0, Math.min(into.length, end - at)), at);
    if (n === 0) break;
    hash.update(into.subarray(0, n));
    at += n;
  }
  return hash.digest();
}

export interface LaneRecord {
  readonly epoch: number;
  readonly seq: number;
  readonly payload: Buffer;
}

/** Reads a lane's published records from a position on, across segments that come and go. */
export class LaneReader {
  private readonly lane: Lane;
  private epoch: number;
  private seq: number;
  private segment: Segment | undefined;
  private file: DiskFile | undefined;
  private pieces: ReturnType<typeof readPieces> | undefined;
  /** Of the segment: read up to here, and the last record there. */
  private at = 0;
  private lastRead = 0;
  private ahead: LaneRecord | undefined;

  /** @param seq  the last record of `epoch` that is not wanted any more */
  constructor(lane: Lane, epoch: number, seq: number) {
    this.lane = lane;
    this.epoch = epoch;
    this.seq = seq;
  }

  /** The next record, without taking it; undefined while there is none. */
  async peek(): Promise<LaneRecord | undefined> {
    this.ahead ??= await this.next();
    return this.ahead;
  }
  take(): void {
    this.ahead = undefined;
  }

  private async next(): Promise<LaneRecord | undefined> {
    for (;;) {
      const piece = await this.pieces?.next();
      if (piece === undefined || piece.done) {
        this.pieces = undefined;
        if (!(await this.goOn())) return undefined;
        continue;
      }
      const s = this.segment as Segment;
      if (piece.value.type === 'damage') {
        const { from, to, afterSeq } = piece.value.damage;
        const bytes = to - from;
        const { name } = this.lane;
        const lost = { epoch: s.header.epoch, first: afterSeq + 1, last: afterSeq + 1, bytes };
        const message = `${bytes} bytes are damaged`;
        this.lane.options.notice({ reason: 'corrupt', lane: name, where: `${s.file}:${from}`, message, ...lost });
      }
      if (piece.value.type !== 'record') continue;
      const { seq, payload } = piece.value.record;
      this.lastRead = seq;
      const { epoch } = s.header;
      if (epoch < this.epoch || (epoch === this.epoch && seq <= this.seq)) continue;
      this.epoch = epoch;
      this.seq = seq;
      return { epoch, seq, payload };
    }
  }

  /** More of this segment, or the one after it. False: nothing is there yet. */
  private async goOn(): Promise<boolean> {
    const { crc32c, disk } = this.lane.options;
    for (;;) {
      const s = this.segment;
      if (s !== undefined && this.file !== undefined && s.end > this.at) {
        this.pieces = readPieces(crc32c, this.file, s.header, this.at, s.end, this.lastRead);
        this.at = s.end;
        return true;
      }
      const next = this.lane.segments.find((n) => s === undefined || isLater(n, s));
      if (next === undefined) return false;
      await this.file?.close();
      this.file = undefined;
      this.segment = next;
      this.at = HEADER_BYTES;
      this.lastRead = next.header.firstSeq - 1;
      // Nothing in it is wanted.
      if (next.header.epoch < this.epoch || (next.header.epoch === this.epoch && next.lastSeq <= this.seq)) {
        if (next !== this.lane.segments.at(-1)) continue;
      }
      // It may be taken away at any moment; then the next one comes.
      this.file = await disk.open(next.file, 'read').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
    }
  }

  async close(): Promise<void> {
    await this.pieces?.return(undefined);
    await this.file?.close();
    this.file = undefined;
  }
}

const isLater = (a: Segment, b: Segment): boolean =>
  a.header.epoch > b.header.epoch ||
  (a.header.epoch === b.header.epoch &&
    (a.header.firstSeq > b.header.firstSeq || (a.header.firstSeq === b.header.firstSeq && a.file > b.file)));
