// How many distinct texts there were, in 128 bytes: linear counting (Whang, Vander-Zanden, Taylor 1990).
//
// Each text sets one of 1,024 bits, and the number of texts is told by how many bits are still clear: within 3 % or so
// up to a thousand, and hopelessly full from 7,000 on, where the answer stays what it is. Whoever picks texts that
// collide makes only his own number smaller.
export const BITS = 1024;

/** FNV-1a with a final avalanche: the low bits depend on all letters. */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export class Distinct {
  readonly words: Uint32Array;
  private ones: number;

  constructor(words = new Uint32Array(BITS / 32)) {
    this.words = words;
    this.ones = 0;
    for (let w of words) for (; w !== 0; w = (w & (w - 1)) >>> 0) this.ones++;
  }

  /** True when the text was not there before, as far as can be told. */
  add(text: string): boolean {
    const bit = hash32(text) % BITS;
    const word = bit >>> 5;
    const mask = 1 << (bit & 31);
    const before = this.words[word] as number;
    if ((before & mask) !== 0) return false;
    this.words[word] = before | mask;
    this.ones++;
    return true;
  }

  /** The estimate. */
  get count(): number {
    const clear = Math.max(1, BITS - this.ones);
    return Math.round(-BITS * Math.log(clear / BITS));
  }

  pack(): Uint8Array {
    return new Uint8Array(this.words.buffer.slice(0));
  }

  static unpack(bytes: Uint8Array): Distinct {
    return new Distinct(new Uint32Array(Uint8Array.from(bytes).buffer));
  }
}
