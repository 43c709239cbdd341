// HalfSipHash-2-4 with 64 bits (Aumasson and Bernstein, SipHash, 2012; the 32-bit variant of its reference code), over
// the code units of a text. For tables whose keys come from traffic: without the key nobody can choose texts that meet.
// What is computed from it must never show in an output or an order.
import { randomBytes } from 'node:crypto';

export class SipHash {
  /** 8 bytes, to be kept with what was hashed. */
  readonly key: Uint8Array;
  /** Of the last text. */
  high = 0;
  low = 0;
  private readonly k0: number;
  private readonly k1: number;
  private v0 = 0;
  private v1 = 0;
  private v2 = 0;
  private v3 = 0;

  constructor(key: Uint8Array = randomBytes(8)) {
    this.key = key;
    const view = new DataView(key.buffer, key.byteOffset, 8);
    this.k0 = view.getInt32(0, true);
    this.k1 = view.getInt32(4, true);
  }

  /** Leaves the hash in `high` and `low`, as unsigned numbers of 32 bits. */
  of(text: string): void {
    const { k0, k1 } = this;
    this.v0 = k0;
    this.v1 = k1 ^ 0xee;
    this.v2 = 0x6c796765 ^ k0;
    this.v3 = 0x74656462 ^ k1;
    const { length } = text;
    const even = length & ~1;
    for (let i = 0; i < even; i += 2) this.word(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
    // A code unit is two bytes; the last word has the length in its highest byte.
    this.word((length << 25) | (even < length ? text.charCodeAt(even) : 0));
    this.v2 ^= 0xee;
    for (let i = 0; i < 4; i++) this.round();
    this.high = (this.v1 ^ this.v3) >>> 0;
    this.v1 ^= 0xdd;
    for (let i = 0; i < 4; i++) this.round();
    this.low = (this.v1 ^ this.v3) >>> 0;
  }

  private word(m: number): void {
    this.v3 ^= m;
    this.round();
    this.round();
    this.v0 ^= m;
  }

  private round(): void {
    let { v0, v1, v2, v3 } = this;
    v0 = (v0 + v1) | 0;
    v1 = (v1 << 5) | (v1 >>> 27);
    v1 ^= v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = (v3 << 8) | (v3 >>> 24);
    v3 ^= v2;
    v0 = (v0 + v3) | 0;
    v3 = (v3 << 7) | (v3 >>> 25);
    v3 ^= v0;
    v2 = (v2 + v1) | 0;
    v1 = (v1 << 13) | (v1 >>> 19);
    v1 ^= v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    this.v0 = v0;
    this.v1 = v1;
    this.v2 = v2;
    this.v3 = v3;
  }
}
