// Reads our own segments block by block. What is read is checked as a stranger's: a file may have rotted on the disk.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

export const SECTION = 0x0a0d0d0a;
export const INTERFACE = 1;
export const PACKET = 6;
/** As native/packets/blocks.h: no block is longer. */
export const BLOCK_BYTES_MAX = 262_144 + 1024;
/** Of blocks before the first packet. */
const HEAD_BYTES_MAX = 1 << 20;

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The number in a flow's uid; undefined when the text is no uid. 0 is no flow: packets that belong to none have it. */
export function flowNumber(uid: string): bigint | undefined {
  if (!/^C[0-9A-Za-z]{11}$/.test(uid)) return undefined;
  let n = 0n;
  for (const c of uid.slice(1)) n = n * 62n + BigInt(DIGITS.indexOf(c));
  return n > 0n && n < 1n << 64n ? n : undefined;
}

/** What is read at places. */
export interface Readable {
  readonly size: number;
  /** Less than asked for behind the end. */
  at(offset: number, bytes: number): Buffer;
}

/** A file that is read whole, because it is asked often. */
export const inMemory = (bytes: Buffer): Readable => ({
  size: bytes.length,
  at: (offset, n) => bytes.subarray(offset, offset + n),
});

/** A file that is read at places; what lies behind its end is empty. */
export class Places implements Readable {
  readonly size: number;
  /** So far. */
  bytesRead = 0;
  private readonly fd: number;

  constructor(path: string) {
    this.fd = openSync(path, 'r');
    this.size = fstatSync(this.fd).size;
  }

  at(offset: number, bytes: number): Buffer {
    const out = Buffer.alloc(Math.max(0, Math.min(bytes, this.size - offset)));
    let done = 0;
    while (done < out.length) {
      const n = readSync(this.fd, out, done, out.length - done, offset + done);
      if (n === 0) break;
      done += n;
    }
    this.bytesRead += done;
    return out.subarray(0, done);
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** The block at `offset`, whole; undefined when there is none. */
export function blockAt(file: Places, offset: number): Buffer | undefined {
  const head = file.at(offset, 8);
  if (head.length < 8) return undefined;
  const size = head.readUInt32LE(4);
  if (size < 12 || size % 4 !== 0 || size > BLOCK_BYTES_MAX) return undefined;
  const block = file.at(offset, size);
  return block.length === size && block.readUInt32LE(size - 4) === size ? block : undefined;
}

export const typeOf = (block: Buffer): number => block.readUInt32LE(0);

/** Of an enhanced packet block: interface, packet time [ns], and the flow's number; undefined: it is none of ours. */
export function packetOf(block: Buffer): { interface: number; ts: bigint; flow: bigint } | undefined {
  if (typeOf(block) !== PACKET || block.length < 48) return undefined;
  const ts = (BigInt(block.readUInt32LE(12)) << 32n) | BigInt(block.readUInt32LE(16));
  const options = 28 + ((block.readUInt32LE(20) + 3) & ~3);
  if (options + 20 !== block.length || block.readUInt32LE(options) !== 0x0008_0005) return undefined;
  return { interface: block.readUInt32LE(8), ts, flow: block.readBigUInt64LE(options + 4) };
}

/** Section header and interfaces before the first packet, as stored, and where. */
export function headOf(file: Places): { block: Buffer; at: number }[] {
  const out: { block: Buffer; at: number }[] = [];
  for (let at = 0; at < HEAD_BYTES_MAX; ) {
    const block = blockAt(file, at);
    if (block === undefined || typeOf(block) === PACKET) break;
    out.push({ block, at });
    at += block.length;
  }
  return out;
}
