// A piece of packets on their way to the collector, which asked for them (control.ts, `pull`): 16 bytes of head, then
// the pcapng itself. Little-endian:
//
//    0  u8   message type, 3          4  u32  number of the pull
//    1  u8   version, 1               8  u64  where in it this piece begins [bytes]
//    2  u16  0
//
// Pieces follow each other without a hole, so a receiver needs to remember one number.
import { MESSAGE, type WireFault } from './frame.ts';

const PIECE_VERSION = 1;
const PIECE_HEAD_BYTES = 16;
/** Small enough that a batch of events never waits long behind one. */
export const PIECE_BYTES_MAX = 64 << 10;

export interface Piece {
  readonly id: number;
  readonly offset: number;
  readonly bytes: Buffer;
}

export function encodePiece({ id, offset, bytes }: Piece): Buffer {
  if (bytes.length < 1 || bytes.length > PIECE_BYTES_MAX) throw new RangeError(`a piece of ${bytes.length} bytes`);
  const out = Buffer.alloc(PIECE_HEAD_BYTES + bytes.length);
  out[0] = MESSAGE.piece;
  out[1] = PIECE_VERSION;
  out.writeUInt32LE(id, 4);
  out.writeBigUInt64LE(BigInt(offset), 8);
  out.set(bytes, PIECE_HEAD_BYTES);
  return out;
}

/** @param message  any bytes; the piece refers to them */
export function decodePiece(message: Buffer): Piece | WireFault {
  const fault = (code: WireFault['code'], text: string): WireFault => ({ code, message: text });
  if (message.length > PIECE_HEAD_BYTES + PIECE_BYTES_MAX) return fault('too_large', `${message.length} bytes`);
  if (message.length <= PIECE_HEAD_BYTES) return fault('malformed', `cut off: ${message.length} bytes`);
  if (message[0] !== MESSAGE.piece) return fault('malformed', `message type ${message[0]}`);
  if (message[1] !== PIECE_VERSION) return fault('unsupported', `piece version ${message[1]}`);
  if (message.readUInt16LE(2) !== 0) return fault('malformed', 'reserved bytes are not 0');
  const offset = Number(message.readBigUInt64LE(8));
  if (!Number.isSafeInteger(offset)) return fault('malformed', 'a number above 2^53');
  return { id: message.readUInt32LE(4), offset, bytes: message.subarray(PIECE_HEAD_BYTES) };
}
