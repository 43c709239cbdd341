// A frame on the wire: one batch of records of one kind, numbered. 72 bytes of head, then the records, compressed or
// not. Little-endian, as the spool's files:
//
//    0  u8   message type, 1          40  u64  after: the sequence number of the frame before it in its stream
//    1  u8   version, 1               48  u64  first seen [us]
//    2  u8   flags: 1 zstd, 2 live    56  u64  last seen [us]
//    3  u8   0                        64  u32  bytes of the records, decompressed
//    4  u16  kind, u16 0              68  u32  CRC-32C of the records, decompressed
//    8  u32  schema
//   12  u32  count of records
//   16  u64  0
//   24  u64  epoch
//   32  u64  seq
//
// `after` is what makes a loss visible: seq is contiguous where a sensor lost nothing, and where it gave frames up it
// says so by the distance. A receiver that holds everything to H takes a frame with after <= H < seq, knows one with
// seq <= H, and refuses one with after > H.
//
// The CRC was made when the records entered the spool and is checked again wherever they are written down.
import { KIND_NAMES } from '../schema/gen/structures.gen.ts';
import type { NativeWire } from './native.ts';

export const MESSAGE = { frame: 1, control: 2, piece: 3 } as const;
export const FRAME_VERSION = 1;
export const HEAD_BYTES = 72;
/** Before compression and after; and of a message. */
export const FRAME_BYTES_MAX = 1 << 20;
export const MESSAGE_BYTES_MAX = HEAD_BYTES + FRAME_BYTES_MAX;
/** Each record takes two bytes at least. */
export const COUNT_MAX = FRAME_BYTES_MAX / 2;
/** Below that the compressed form saves less than it costs. */
export const COMPRESS_BYTES_MIN = 256;
const ZSTD = 1;
const LIVE = 2;

/** A batch with its number, as spool, wire and log hold it. */
export interface Frame {
  readonly epoch: number;
  readonly seq: number;
  /** Number of its kind. */
  readonly kind: number;
  /** Number of the schema its records were written by. */
  readonly schema: number;
  readonly count: number;
  /** Of its records [us]. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** CRC-32C of `bytes`. */
  readonly crc: number;
  readonly bytes: Uint8Array;
}

export interface Sent {
  readonly frame: Frame;
  readonly after: number;
  /** Of the stream that begins at what is new, beside the backlog. */
  readonly live: boolean;
}

/** Why a frame is refused. The first word is a code that programs may know; the rest is for people. */
export interface WireFault {
  readonly code: 'malformed' | 'unsupported' | 'too_large' | 'compression' | 'checksum';
  readonly message: string;
}

const fault = (code: WireFault['code'], message: string): WireFault => ({ code, message });
export const isWireFault = (v: object): v is WireFault => 'code' in v && 'message' in v;

/** 64 bits that are a whole number a double holds; NaN where they are not. */
const u64 = (b: Buffer, at: number): number => {
  const n = b.readUInt32LE(at + 4) * 2 ** 32 + b.readUInt32LE(at);
  return Number.isSafeInteger(n) ? n : Number.NaN;
};
const putU64 = (b: Buffer, at: number, n: number): void => {
  b.writeUInt32LE(n >>> 0, at);
  b.writeUInt32LE(Math.floor(n / 2 ** 32), at + 4);
};

/** What a record of a file or a frame has in front, less its number: 40 bytes from 0. */
export const META_BYTES = 40;
export function putMeta(b: Buffer, at: number, f: Frame): void {
  b.writeUInt16LE(f.kind, at);
  b.writeUInt16LE(0, at + 2);
  b.writeUInt32LE(f.schema, at + 4);
  b.writeUInt32LE(f.count, at + 8);
  b.writeUInt32LE(f.crc, at + 12);
  putU64(b, at + 16, f.firstSeen);
  putU64(b, at + 24, f.lastSeen);
  putU64(b, at + 32, 0);
}
export type Meta = Omit<Frame, 'epoch' | 'seq' | 'bytes'>;
/** @throws RangeError where 40 bytes are not there, or a number is none: what passed a CRC and is wrong is a bug */
export function getMeta(b: Buffer, at: number): Meta {
  const meta = {
    kind: b.readUInt16LE(at),
    schema: b.readUInt32LE(at + 4),
    count: b.readUInt32LE(at + 8),
    crc: b.readUInt32LE(at + 12),
    firstSeen: u64(b, at + 16),
    lastSeen: u64(b, at + 24),
  };
  if (Number.isNaN(meta.firstSeen + meta.lastSeen)) throw new RangeError('a time that no number holds');
  return meta;
}

/** A message to send. Compressed where that is shorter and the other side will believe it. */
export async function encodeFrame(native: NativeWire, { frame: f, after, live }: Sent): Promise<Buffer> {
  if (f.bytes.length > FRAME_BYTES_MAX) throw new RangeError(`a frame of ${f.bytes.length} bytes`);
  let body: Uint8Array = f.bytes;
  let flags = live ? LIVE : 0;
  if (f.bytes.length >= COMPRESS_BYTES_MIN) {
    const packed = await native.compress(f.bytes);
    if (typeof packed !== 'string' && packed.byteLength < f.bytes.length && isCredible(packed, f.bytes)) {
      body = new Uint8Array(packed);
      flags |= ZSTD;
    }
  }
  const out = Buffer.alloc(HEAD_BYTES + body.length);
  out[0] = MESSAGE.frame;
  out[1] = FRAME_VERSION;
  out[2] = flags;
  out.writeUInt16LE(f.kind, 4);
  out.writeUInt32LE(f.schema, 8);
  out.writeUInt32LE(f.count, 12);
  putU64(out, 24, f.epoch);
  putU64(out, 32, f.seq);
  putU64(out, 40, after);
  putU64(out, 48, f.firstSeen);
  putU64(out, 56, f.lastSeen);
  out.writeUInt32LE(f.bytes.length, 64);
  out.writeUInt32LE(f.crc, 68);
  out.set(body, HEAD_BYTES);
  return out;
}

/** native/base/zstd.h refuses more. */
export const RATIO_MAX = 200;
const isCredible = (packed: ArrayBuffer, bytes: Uint8Array): boolean => bytes.length <= packed.byteLength * RATIO_MAX;

/**
 * A message from a stranger. Everything is checked but the records themselves, which are validated natively.
 * @param message  any bytes; the frame may refer to them
 */
export async function decodeFrame(native: NativeWire, message: Buffer): Promise<Sent | WireFault> {
  if (message.length > MESSAGE_BYTES_MAX) return fault('too_large', `${message.length} bytes`);
  if (message.length < HEAD_BYTES) return fault('malformed', `cut off: ${message.length} bytes`);
  const [type, version, flags = 0] = message;
  if (type !== MESSAGE.frame) return fault('malformed', `message type ${type}`);
  if (version !== FRAME_VERSION) return fault('unsupported', `frame version ${version}`);
  if ((flags & ~(ZSTD | LIVE)) !== 0) return fault('unsupported', `flags ${flags}`);
  if (message[3] !== 0 || message.readUInt16LE(6) !== 0 || u64(message, 16) !== 0)
    return fault('malformed', 'reserved bytes are not 0');
  const kind = message.readUInt16LE(4);
  if (KIND_NAMES[kind] === undefined) return fault('unsupported', `no kind has number ${kind}`);
  const [epoch, seq, after] = [u64(message, 24), u64(message, 32), u64(message, 40)];
  const [firstSeen, lastSeen] = [u64(message, 48), u64(message, 56)];
  if (Number.isNaN(epoch + seq + after + firstSeen + lastSeen)) return fault('malformed', 'a number above 2^53');
  if (epoch < 1 || seq < 1 || after >= seq) return fault('malformed', `frame ${epoch}/${seq} after ${after}`);
  const size = message.readUInt32LE(64);
  if (size > FRAME_BYTES_MAX) return fault('too_large', `${size} bytes of records`);
  const count = message.readUInt32LE(12);
  if (count < 1 || count > size / 2) return fault('malformed', `${count} records in ${size} bytes`);
  let bytes: Uint8Array = message.subarray(HEAD_BYTES);
  if (flags & ZSTD) {
    const content = await native.decompress(bytes, size);
    if (typeof content === 'string') return fault('compression', content);
    bytes = new Uint8Array(content);
  }
  if (bytes.length !== size) return fault('malformed', `${bytes.length} bytes of records, not the ${size} it says`);
  const crc = message.readUInt32LE(68);
  if (native.crc32c(bytes) !== crc) return fault('checksum', `records of frame ${epoch}/${seq} are damaged`);
  const schema = message.readUInt32LE(8);
  const frame = { epoch, seq, kind, schema, count, firstSeen, lastSeen, crc, bytes };
  return { frame, after, live: (flags & LIVE) !== 0 };
}
