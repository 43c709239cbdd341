// One event as one record, byte for byte what native/event/record.h writes; see there for the form.
//
// Made for what TypeScript itself says (signals, sightings, identities, alerts) and for tests: the path of traffic
// never encodes here.
import { ipBytes } from './ip.ts';
import { type Field, RECORD_ID } from './model.ts';

export type Value =
  | number
  | bigint
  | string
  | boolean
  | null
  | undefined
  | readonly (number | bigint | string | boolean)[];
export type FieldForm = Pick<Field, 'name' | 'type' | 'list' | 'optional' | 'cap' | 'capItems'>;

/** The event does not fit its schema: a bug of the caller, never of traffic. */
export class RecordError extends Error {}

const ESCAPE = /\\(?!\\|x[0-9a-f]{2})/;

/** Text as a record holds it: a backslash doubled. What came out of a record is so already. */
export const escapeText = (raw: string): string => raw.replaceAll('\\', '\\\\');

/** The bytes an escaped text stood for. */
export function unescapeText(text: string): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const part of text.split(/(\\x[0-9a-f]{2}|\\\\)/)) {
    if (part === '\\\\') parts.push(Uint8Array.of(0x5c));
    else if (/^\\x[0-9a-f]{2}$/.test(part)) parts.push(Uint8Array.of(Number.parseInt(part.slice(2), 16)));
    else parts.push(Buffer.from(part));
  }
  return Buffer.concat(parts);
}

// Text is taken as a record has it. A backslash that begins no escape can only be raw, and is doubled.
function repair(text: string): string {
  if (!text.includes('\\') || !ESCAPE.test(text.replaceAll('\\\\', ''))) return text;
  return text.replace(/\\\\|\\x[0-9a-f]{2}|\\/g, (m) => (m === '\\' ? '\\\\' : m));
}

// The longest front of at most `cap` bytes that ends neither inside a character nor inside an escape.
function cutText(bytes: Buffer, cap: number): Buffer {
  let end = 0;
  while (end < bytes.length) {
    const c = bytes[end] as number;
    let n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (c === 0x5c) n = bytes[end + 1] === 0x78 ? 4 : 2;
    if (end + n > cap) break;
    end += n;
  }
  return bytes.subarray(0, end);
}

/** Where records are written, one after another: one of their own each would be most of the work. */
const SCRATCH = Buffer.allocUnsafe(4096);

class Writer {
  private buffer = SCRATCH;
  private size = 0;
  cut = false;

  private room(n: number): number {
    if (this.size + n > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.size + n));
      this.buffer.copy(larger, 0, 0, this.size);
      this.buffer = larger;
    }
    const at = this.size;
    this.size += n;
    return at;
  }
  byte(v: number): number {
    const at = this.room(1);
    this.buffer[at] = v;
    return at;
  }
  patch(at: number, v: number): void {
    this.buffer[at] = v;
  }
  raw(b: Uint8Array): void {
    // First the room: making it may put another buffer in this one's place.
    const at = this.room(b.length);
    this.buffer.set(b, at);
  }
  integer(v: number): void {
    if (v >= 0x100000000 || v < -0x80000000) this.wide(v);
    else if (v >= 0) {
      if (v < 0x80 && v !== RECORD_ID) this.byte(v);
      else if (v <= 0xff) this.sized(0xcc, v, 1);
      else if (v <= 0xffff) this.sized(0xcd, v, 2);
      else this.sized(0xce, v, 4);
    } else if (v >= -32) this.byte(v & 0xff);
    else if (v >= -0x80) this.sized(0xd0, v & 0xff, 1);
    else if (v >= -0x8000) this.sized(0xd1, v & 0xffff, 2);
    else this.sized(0xd2, v >>> 0, 4);
  }
  private sized(head: number, v: number, bytes: number): void {
    this.byte(head);
    const at = this.room(bytes);
    this.buffer.writeUIntBE(v, at, bytes);
  }
  wide(v: number): void {
    this.byte(v < 0 ? 0xd3 : 0xcf);
    const at = this.room(8);
    this.buffer.writeBigUInt64BE(BigInt.asUintN(64, BigInt(v)), at);
  }
  double(v: number): void {
    this.byte(0xcb);
    const at = this.room(8);
    this.buffer.writeDoubleBE(v, at);
  }
  text(v: string, cap: number): void {
    let bytes = Buffer.from(repair(v));
    if (bytes.length > cap) {
      bytes = cutText(bytes, cap) as Buffer<ArrayBuffer>;
      this.cut = true;
    }
    const n = bytes.length;
    if (n < 32) this.byte(0xa0 | n);
    else if (n <= 0xff) this.sized(0xd9, n, 1);
    else this.sized(0xda, n, 2);
    this.raw(bytes);
  }
  listHead(n: number): void {
    if (n < 16) this.byte(0x90 | n);
    else this.sized(0xdc, n, 2);
  }
  done(): Buffer {
    return Buffer.from(this.buffer.subarray(0, this.size));
  }
}

const RANGE: Partial<Record<Field['type'], readonly [number, number]>> = {
  u8: [0, 0xff],
  u16: [0, 0xffff],
  u32: [0, 0xffffffff],
  i32: [-0x80000000, 0x7fffffff],
};

function writeItem(w: Writer, f: FieldForm, v: unknown): void {
  const refuse = (): RecordError => new RecordError(`${f.name}: ${String(v)} is not a ${f.type}`);
  switch (f.type) {
    case 'text':
      if (typeof v !== 'string') throw refuse();
      w.text(v, f.cap);
      return;
    case 'uid':
      if (typeof v !== 'string' || !/^C[0-9A-Za-z]{11}$/.test(v)) throw refuse();
      w.text(v, 12);
      return;
    case 'mac':
      if (typeof v !== 'string' || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(v)) throw refuse();
      w.text(v, 17);
      return;
    case 'ip': {
      const bytes = typeof v === 'string' ? ipBytes(v) : undefined;
      if (bytes === undefined) throw refuse();
      w.byte(0xc4);
      w.byte(16);
      w.raw(bytes);
      return;
    }
    case 'bool':
      if (typeof v !== 'boolean') throw refuse();
      w.byte(v ? 0xc3 : 0xc2);
      return;
    case 'f64':
    case 'duration':
      if (typeof v !== 'number') throw refuse();
      if (!Number.isFinite(v)) w.cut = true;
      w.double(Number.isFinite(v) ? v : 0);
      return;
    default:
      if (typeof v !== 'number' || !Number.isInteger(v)) throw refuse();
      writeInteger(w, f, v, refuse);
  }
}

function writeInteger(w: Writer, f: FieldForm, v: number, refuse: () => RecordError): void {
  const range = RANGE[f.type];
  if (range && (v < range[0] || v > range[1])) throw refuse();
  if (v < 0 && (f.type === 'u64' || f.type === 'time')) throw refuse();
  const held = Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, v));
  if (held !== v) w.cut = true;
  if (f.type === 'time') w.wide(held);
  else w.integer(held);
}

function writeList(w: Writer, f: FieldForm, items: readonly unknown[]): void {
  if (items.length > f.capItems) w.cut = true;
  const held = items.slice(0, f.capItems);
  w.listHead(held.length);
  for (const item of held) writeItem(w, f, item);
}

/**
 * The record of one event; `fields` in record order, the third being `cut`.
 * An optional field that is missing is nil, a list that is missing empty: a field appended to a kind breaks no caller.
 */
export function encodeFields(fields: readonly FieldForm[], event: Readonly<Record<string, unknown>>): Buffer {
  const w = new Writer();
  w.byte(RECORD_ID);
  let cutAt = 0;
  w.cut = event.cut === true;
  fields.forEach((f, i) => {
    const v = event[f.name];
    if (i === 2) cutAt = w.byte(0xc2);
    else if (f.list) {
      if (v !== undefined && !Array.isArray(v)) throw new RecordError(`${f.name}: not a list`);
      writeList(w, f, v ?? []);
    } else if (v === null || v === undefined) {
      if (!f.optional) throw new RecordError(`${f.name}: missing`);
      w.byte(0xc0);
    } else writeItem(w, f, v);
  });
  if (w.cut) w.patch(cutAt, 0xc3);
  return w.done();
}
