// The file format of a segment, little-endian. Segments outlive releases: a version is read for as long as a sensor may
// hold it.
//
//   header, 176 bytes                          record                            footer, 80 bytes
//     0  "CATNSEG1"                              0  u32  bytes of payload           0  u32  0xffffffff
//     8  u32 version, 1                          4  u32  CRC-32C                    4  u32  CRC-32C of bytes 8..80
//    12  u8  bytes of owner, owner (64)          8  u64  seq                        8  u64  last seq
//    80  u64 epoch                              16  payload                        16  u64  records
//    88  u64 first seq                                                             24  u64  events in them
//    96  u64 created, wall time [us]           The CRC is of salt, length, seq     32  u64  first, last seen [us]
//   104  salt (8)                              and payload. The salt is random     48  SHA-256 of all before
//   112  SHA-256 of the segment before         and never leaves this machine:
//   144  0 (28)                                whoever writes traffic into a
//   172  u32 CRC-32C of bytes 0..172           payload cannot make bytes in it
//                                              that pass for a record.
//
// A record whose CRC is wrong is skipped, counted and located. Its length may be what is wrong: then the next record is
// looked for byte by byte, among bytes that name a sequence number that is due, and a named number of times at most.
import type { DiskFile } from './disk.ts';

export const SEGMENT_VERSION = 1;
export const HEADER_BYTES = 176;
export const RECORD_HEAD_BYTES = 16;
export const FOOTER_BYTES = 80;
/** A frame's records and what stands before them. */
export const PAYLOAD_BYTES_MAX = (1 << 20) + 4096;
export const OWNER_BYTES_MAX = 64;
/** How far ahead of the last good record a sequence number may be for bytes to be tried as a record. */
export const SEQ_AHEAD_MAX = 1 << 20;
/** CRCs that are computed in vain before the rest of a segment is given up: each may be of a mebibyte. */
export const RESYNC_TRIES_MAX = 64;
const MAGIC = Buffer.from('CATNSEG1');
const FOOTER_MARK = 0xffffffff;

export type Crc32c = (bytes: Uint8Array, before?: number) => number;

export interface Header {
  readonly owner: string;
  readonly epoch: number;
  readonly firstSeq: number;
  /** Wall time [us]. */
  readonly created: number;
  readonly salt: Buffer;
  /** Zeros where there is none. */
  readonly previous: Buffer;
}

/** Of records: how many, what is in them. */
export interface Tally {
  frames: number;
  events: number;
  /** Earliest and latest `seen` [us]; 0 and 0 where there is none. */
  from: number;
  until: number;
}

export interface Footer {
  readonly lastSeq: number;
  readonly tally: Tally;
  readonly sha256: Buffer;
}

const u64 = (b: Buffer, at: number): number => b.readUInt32LE(at + 4) * 2 ** 32 + b.readUInt32LE(at);
export const putU64 = (b: Buffer, at: number, n: number): void => {
  b.writeUInt32LE(n >>> 0, at);
  b.writeUInt32LE(Math.floor(n / 2 ** 32), at + 4);
};

export function encodeHeader(crc32c: Crc32c, h: Header): Buffer {
  const b = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(b);
  b.writeUInt32LE(SEGMENT_VERSION, 8);
  const owner = Buffer.from(h.owner);
  if (owner.length > OWNER_BYTES_MAX) throw new RangeError(`an owner of ${owner.length} bytes`);
  b[12] = owner.length;
  owner.copy(b, 13);
  putU64(b, 80, h.epoch);
  putU64(b, 88, h.firstSeq);
  putU64(b, 96, h.created);
  h.salt.copy(b, 104);
  h.previous.copy(b, 112);
  b.writeUInt32LE(crc32c(b.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4);
  return b;
}

/** A text says why it is none. */
export function decodeHeader(crc32c: Crc32c, b: Buffer): Header | string {
  if (b.length < HEADER_BYTES) return `its header is cut off at byte ${b.length}`;
  if (!b.subarray(0, 8).equals(MAGIC)) return 'not a segment';
  if (crc32c(b.subarray(0, HEADER_BYTES - 4)) !== b.readUInt32LE(HEADER_BYTES - 4)) return 'its header is damaged';
  const version = b.readUInt32LE(8);
  if (version !== SEGMENT_VERSION) return `version ${version}, of another release`;
  const owner = b.subarray(13, 13 + Math.min(b[12] as number, OWNER_BYTES_MAX)).toString();
  return {
    ...{ owner, epoch: u64(b, 80), firstSeq: u64(b, 88), created: u64(b, 96) },
    ...{ salt: Buffer.from(b.subarray(104, 112)), previous: Buffer.from(b.subarray(112, 144)) },
  };
}

/** What stands before a payload. */
export function recordHead(crc32c: Crc32c, salt: Buffer, seq: number, payload: readonly Uint8Array[]): Buffer {
  const b = Buffer.alloc(RECORD_HEAD_BYTES);
  const size = payload.reduce((n, p) => n + p.length, 0);
  if (size > PAYLOAD_BYTES_MAX) throw new RangeError(`a payload of ${size} bytes`);
  b.writeUInt32LE(size, 0);
  putU64(b, 8, seq);
  b.writeUInt32LE(
    payload.reduce((crc, p) => crc32c(p, crc), headCrc(crc32c, salt, b, 0)),
    4,
  );
  return b;
}
const headCrc = (crc32c: Crc32c, salt: Buffer, b: Buffer, at: number): number =>
  crc32c(b.subarray(at + 8, at + 16), crc32c(b.subarray(at, at + 4), crc32c(salt)));

export function encodeFooter(crc32c: Crc32c, f: Footer): Buffer {
  const b = Buffer.alloc(FOOTER_BYTES);
  b.writeUInt32LE(FOOTER_MARK, 0);
  putU64(b, 8, f.lastSeq);
  putU64(b, 16, f.tally.frames);
  putU64(b, 24, f.tally.events);
  putU64(b, 32, f.tally.from);
  putU64(b, 40, f.tally.until);
  f.sha256.copy(b, 48);
  b.writeUInt32LE(crc32c(b.subarray(8)), 4);
  return b;
}

export interface SegmentRecord {
  readonly seq: number;
  /** Of the file; from the record's head to behind its payload. */
  readonly offset: number;
  readonly end: number;
  readonly payload: Buffer;
}

/** Bytes of a segment that are no record, from..to. */
export interface Damage {
  readonly from: number;
  readonly to: number;
  /** Of the good record before, or the header's first less one. */
  readonly afterSeq: number;
}

export type Piece =
  | { readonly type: 'record'; readonly record: SegmentRecord }
  | { readonly type: 'damage'; readonly damage: Damage }
  | { readonly type: 'footer'; readonly footer: Footer; readonly offset: number };

const CHUNK_BYTES = 1 << 18;

/** A moving view of a file that is read once from front to back. */
class Window {
  private readonly file: DiskFile;
  private readonly end: number;
  private buffer = Buffer.alloc(0);
  private start = 0;

  constructor(file: DiskFile, end: number) {
    this.file = file;
    this.end = end;
  }

  /** `n` bytes at `offset`, or as many as there are. Valid until the next call. */
  async at(offset: number, n: number): Promise<Buffer> {
    const want = Math.min(n, this.end - offset);
    if (offset < this.start || offset + want > this.start + this.buffer.length) {
      const into = Buffer.allocUnsafe(Math.min(Math.max(want, CHUNK_BYTES), this.end - offset));
      let got = 0;
      while (got < into.length) {
        const read = await this.file.read(into.subarray(got), offset + got);
        if (read === 0) break;
        got += read;
      }
      this.buffer = into.subarray(0, got);
      this.start = offset;
    }
    return this.buffer.subarray(offset - this.start, offset - this.start + want);
  }
}

/** The first place in `b`, which begins at `offset`, where a record or footer may begin; or just before its end. */
function nextCandidate(b: Buffer, offset: number, last: number): number {
  const stop = b.length - RECORD_HEAD_BYTES;
  for (let i = 0; i <= stop; i++) {
    const size = b.readUInt32LE(i);
    if (size === FOOTER_MARK) return offset + i;
    if (size > PAYLOAD_BYTES_MAX) continue;
    const seq = u64(b, i + 8);
    if (seq > last && seq <= last + SEQ_AHEAD_MAX) return offset + i;
  }
  // What is left is shorter than a head: the next look begins with it, or it is the end.
  return b.length < CHUNK_BYTES ? offset + b.length : offset + stop + 1;
}

/**
 * Everything behind a segment's header up to `end`, in order: records with rising numbers, damage between them, and
 * the footer. What a payload refers to stays valid. A file that is not what it was is damage, never an exception.
 * Cost: one pass, and at most RESYNC_TRIES_MAX payloads more.
 */
export async function* readPieces(
  crc32c: Crc32c,
  file: DiskFile,
  header: Header,
  from: number,
  end: number,
  lastSeq = header.firstSeq - 1,
): AsyncGenerator<Piece> {
  const window = new Window(file, end);
  let at = from;
  let last = lastSeq;
  let tries = 0;
  let damagedFrom: number | undefined;
  const check = async (offset: number): Promise<SegmentRecord | undefined> => {
    const head = await window.at(offset, RECORD_HEAD_BYTES);
    if (head.length < RECORD_HEAD_BYTES) return undefined;
    const size = head.readUInt32LE(0);
    const seq = u64(head, 8);
    if (size > PAYLOAD_BYTES_MAX || offset + RECORD_HEAD_BYTES + size > end) return undefined;
    if (seq <= last || seq > last + SEQ_AHEAD_MAX) return undefined;
    const b = await window.at(offset, RECORD_HEAD_BYTES + size);
    if (b.length < RECORD_HEAD_BYTES + size) return undefined;
    const payload = b.subarray(RECORD_HEAD_BYTES);
    if (crc32c(payload, headCrc(crc32c, header.salt, b, 0)) !== b.readUInt32LE(4)) {
      tries++;
      return undefined;
    }
    return { seq, offset, end: offset + b.length, payload };
  };
  while (at < end) {
    const record = await check(at);
    const footer = record === undefined ? footerOf(crc32c, await window.at(at, FOOTER_BYTES)) : undefined;
    if (record === undefined && footer === undefined) {
      damagedFrom ??= at;
      at = tries >= RESYNC_TRIES_MAX ? end : nextCandidate(await window.at(at + 1, CHUNK_BYTES), at + 1, last);
      continue;
    }
    if (damagedFrom !== undefined) {
      yield { type: 'damage', damage: { from: damagedFrom, to: at, afterSeq: last } };
      damagedFrom = undefined;
    }
    if (record !== undefined) {
      at = record.end;
      last = record.seq;
      yield { type: 'record', record };
    } else if (footer !== undefined) {
      yield { type: 'footer', footer, offset: at };
      at += FOOTER_BYTES;
    }
  }
  if (damagedFrom !== undefined) yield { type: 'damage', damage: { from: damagedFrom, to: end, afterSeq: last } };
}

export function footerOf(crc32c: Crc32c, b: Buffer): Footer | undefined {
  if (b.length < FOOTER_BYTES || b.readUInt32LE(0) !== FOOTER_MARK) return undefined;
  if (crc32c(b.subarray(8)) !== b.readUInt32LE(4)) return undefined;
  const tally = { frames: u64(b, 16), events: u64(b, 24), from: u64(b, 32), until: u64(b, 40) };
  return { lastSeq: u64(b, 8), tally, sha256: Buffer.from(b.subarray(48, 80)) };
}
