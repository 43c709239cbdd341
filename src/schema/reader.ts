// Reads the values of a record, one method a type. For validated bytes only: a value's form is known from the schema,
// so nothing is dispatched on, and what the schema does not foresee is not looked for. Reading past the end yields
// undefined values; the caller checks the place at the end of the batch.
//
// Texts and addresses repeat, so short ones come out of a direct-mapped cache: a hit costs a comparison instead of a
// new string (and its collection). The caches are of fixed size; traffic can make them miss, never grow.
import { ipText } from './ip.ts';

const TEXT_SLOTS = 4096;
const TEXT_CACHED_MAX = 40;
const IP_SLOTS = 8192;

// Node has these and its types leave them out; toString() costs half as much again.
interface Slices {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
}

export class Reader {
  at = 0;
  bytes: Uint8Array = new Uint8Array(0);
  private buffer = Buffer.alloc(0) as unknown as Slices;
  private view: DataView<ArrayBufferLike> = new DataView(new ArrayBuffer(0));
  private readonly texts: string[] = new Array<string>(TEXT_SLOTS).fill('');
  private readonly ips: string[] = new Array<string>(IP_SLOTS).fill('::');
  private readonly ipWords = new Int32Array(IP_SLOTS * 4);

  open(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) as unknown as Slices;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  /** Steps over a nil; false, at the same place, when there is a value. */
  isNil(): boolean {
    if (this.bytes[this.at] !== 0xc0) return false;
    this.at++;
    return true;
  }

  time(): number {
    const at = this.at;
    this.at = at + 9;
    return this.view.getUint32(at + 1) * 0x100000000 + this.view.getUint32(at + 5);
  }

  f64(): number {
    const at = this.at;
    this.at = at + 9;
    return this.view.getFloat64(at + 1);
  }

  bool(): boolean {
    return this.bytes[this.at++] === 0xc3;
  }

  integer(): number {
    const b = this.bytes;
    const head = b[this.at++] as number;
    if (head < 0x80) return head;
    if (head >= 0xe0) return head - 0x100;
    const at = this.at;
    switch (head) {
      case 0xcc:
        this.at = at + 1;
        return b[at] as number;
      case 0xcd:
        this.at = at + 2;
        return ((b[at] as number) << 8) | (b[at + 1] as number);
      case 0xce:
        this.at = at + 4;
        return this.view.getUint32(at);
      case 0xcf:
        this.at = at + 8;
        return this.view.getUint32(at) * 0x100000000 + this.view.getUint32(at + 4);
      case 0xd0:
        this.at = at + 1;
        return this.view.getInt8(at);
      case 0xd1:
        this.at = at + 2;
        return this.view.getInt16(at);
      case 0xd2:
        this.at = at + 4;
        return this.view.getInt32(at);
      default:
        this.at = at + 8;
        return this.view.getInt32(at) * 0x100000000 + this.view.getUint32(at + 4);
    }
  }

  text(): string {
    const b = this.bytes;
    let at = this.at;
    const head = b[at++] as number;
    let n = head & 0x1f;
    if (head === 0xd9) n = b[at++] as number;
    else if (head === 0xda) {
      n = ((b[at] as number) << 8) | (b[at + 1] as number);
      at += 2;
    }
    this.at = at + n;
    if (n > TEXT_CACHED_MAX) return this.buffer.utf8Slice(at, at + n);
    if (n === 0) return '';
    let hash = n;
    let high = 0;
    for (let i = at; i < at + n; i++) {
      const c = b[i] as number;
      high |= c;
      hash = Math.imul(hash ^ c, 0x01000193);
    }
    if (high >= 0x80) return this.buffer.utf8Slice(at, at + n);
    const slot = (hash ^ (hash >>> 15)) & (TEXT_SLOTS - 1);
    const held = this.texts[slot] as string;
    if (held.length === n) {
      let i = 0;
      while (i < n && held.charCodeAt(i) === b[at + i]) i++;
      if (i === n) return held;
    }
    const made = this.buffer.latin1Slice(at, at + n);
    this.texts[slot] = made;
    return made;
  }

  /** Twelve characters, rarely the same twice: no cache. */
  uid(): string {
    const b = this.bytes as unknown as number[];
    const at = this.at;
    this.at = at + 13;
    return String.fromCharCode(
      b[at + 1] as number,
      b[at + 2] as number,
      b[at + 3] as number,
      b[at + 4] as number,
      b[at + 5] as number,
      b[at + 6] as number,
      b[at + 7] as number,
      b[at + 8] as number,
      b[at + 9] as number,
      b[at + 10] as number,
      b[at + 11] as number,
      b[at + 12] as number,
    );
  }

  ip(): string {
    const at = this.at + 2;
    this.at = at + 16;
    const v = this.view;
    const w0 = v.getInt32(at);
    const w1 = v.getInt32(at + 4);
    const w2 = v.getInt32(at + 8);
    const w3 = v.getInt32(at + 12);
    let hash = Math.imul(w0 ^ Math.imul(w1, 0x85ebca6b), 0x9e3779b1) ^ Math.imul(w2, 0xc2b2ae35) ^ w3;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    const slot = (hash ^ (hash >>> 13)) & (IP_SLOTS - 1);
    const words = this.ipWords;
    const s = slot * 4;
    if (words[s] === w0 && words[s + 1] === w1 && words[s + 2] === w2 && words[s + 3] === w3)
      return this.ips[slot] as string;
    const made = ipText(this.bytes, at);
    words[s] = w0;
    words[s + 1] = w1;
    words[s + 2] = w2;
    words[s + 3] = w3;
    this.ips[slot] = made;
    return made;
  }

  listLength(): number {
    const head = this.bytes[this.at++] as number;
    if (head < 0xa0) return head & 0x0f;
    const at = this.at;
    this.at = at + 2;
    return this.view.getUint16(at);
  }

  /** Steps over one value of any type, lists and their items included. */
  skip(): void {
    let left = 1;
    while (left-- > 0) {
      const head = this.bytes[this.at++] as number;
      if (head < 0x80 || head >= 0xe0 || (head >= 0xc0 && head <= 0xc3)) continue;
      if (head < 0xa0) left += head & 0x0f;
      else if (head < 0xc0) this.at += head & 0x1f;
      else if (head === 0xdc) {
        left += this.view.getUint16(this.at);
        this.at += 2;
      } else this.at += this.sized(head);
    }
  }

  private sized(head: number): number {
    switch (head) {
      case 0xc4:
      case 0xd9:
        return 1 + (this.bytes[this.at] as number);
      case 0xda:
        return 2 + this.view.getUint16(this.at);
      case 0xcc:
      case 0xd0:
        return 1;
      case 0xcd:
      case 0xd1:
        return 2;
      case 0xce:
      case 0xd2:
        return 4;
      default:
        return 8;
    }
  }
}
