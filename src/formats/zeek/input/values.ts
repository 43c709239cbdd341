// One value of Zeek's logs as a record has it: of a cell of a tab-separated log, or of a JSON line. The way back from
// text.ts. What is none of its type is NOT_ONE, never a guess.
import { createHash } from 'node:crypto';
import type { FieldMeta } from '../../../schema/gen/structures.gen.ts';
import { ipBytes, ipText } from '../../../schema/ip.ts';
import type { BaseType } from '../../../schema/model.ts';
import { escapeText } from '../../../schema/record.ts';
import type { ScalarType, ZeekType } from '../columns.ts';

export const NOT_ONE: unique symbol = Symbol('not of its type');
type Read = string | number | boolean | typeof NOT_ONE;

/** A string is a cell's text, or JSON's. */
export type Raw = string | number | boolean;

const UID = /^C[0-9A-Za-z]{11}$/;
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * Ours stay. Zeek's are longer than a record's: each becomes one of ours, always the same one, so that records of a
 * flow still find each other.
 */
export function uidOf(text: string): string {
  if (UID.test(text)) return text;
  let rest = createHash('sha256').update(text).digest().readBigUInt64BE();
  let digits = '';
  for (let i = 0; i < 11; i++) {
    digits = BASE62[Number(rest % 62n)] + digits;
    rest /= 62n;
  }
  return `C${digits}`;
}

const ESCAPES = /(?:\\x[0-9a-fA-F]{2})+/g;

/** Bytes as text where they are UTF-8, as a record's \xNN where not, and a backslash doubled. */
function bytesText(bytes: Buffer): string {
  const text = bytes.toString();
  if (!text.includes('\ufffd')) return escapeText(text);
  let out = '';
  for (let at = 0; at < bytes.length; ) {
    const head = bytes[at] as number;
    const n = head < 0x80 ? 1 : head < 0xe0 ? 2 : head < 0xf0 ? 3 : 4;
    const c = bytes.subarray(at, at + n).toString();
    const isWhole = Buffer.from(c).equals(bytes.subarray(at, at + n));
    out += isWhole ? escapeText(c) : `\\x${head.toString(16).padStart(2, '0')}`;
    at += isWhole ? n : 1;
  }
  return out;
}

const unhex = (escapes: string): string => bytesText(Buffer.from(escapes.replaceAll('\\x', ''), 'hex'));

/** A cell's text as a record's: what was escaped for the log's sake is itself again. */
export const cellToText = (cell: string): string =>
  cell.includes('\\')
    ? cell
        .split('\\\\')
        .map((part) => part.replace(ESCAPES, unhex))
        .join('\\\\')
    : cell;

// In JSON a backslash is single, and only bytes above ASCII are escaped: the rest is what somebody sent.
const JSON_ESCAPES = /(?:\\x[89a-fA-F][0-9a-fA-F])+|\\/g;
export const jsonToText = (text: string): string =>
  text.includes('\\') ? text.replace(JSON_ESCAPES, (m) => (m === '\\' ? '\\\\' : unhex(m))) : text;

const TIME = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?$/;
const ISO = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/;

const micros = (fraction = ''): number => Number(fraction.padEnd(6, '0').slice(0, 6));

/** Seconds since the epoch, or ISO 8601, which Zeek's JSON can have. By digits: a double would be off by one. [us] */
function time(raw: Raw): Read {
  if (typeof raw === 'number') return Math.abs(raw) < 1e12 ? Math.round(raw * 1e6) : NOT_ONE;
  if (typeof raw !== 'string') return NOT_ONE;
  const seconds = TIME.exec(raw);
  if (seconds !== null) {
    const us = Number(seconds[2]) * 1e6 + micros(seconds[3]);
    return seconds[1] === '-' ? -us : us;
  }
  const iso = ISO.exec(raw);
  const ms = iso === null ? Number.NaN : Date.parse(`${iso[1]}Z`);
  return Number.isNaN(ms) ? NOT_ONE : ms * 1000 + micros(iso?.[2]);
}

const DOUBLE = /^-?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?$/;
function double(raw: Raw): Read {
  const n = typeof raw === 'string' && DOUBLE.test(raw) ? Number(raw) : raw;
  return typeof n === 'number' && Number.isFinite(n) ? n : NOT_ONE;
}

const WHOLE = /^-?\d{1,20}$/;
const integer =
  (min: number, max: number) =>
  (raw: Raw): Read => {
    const n = typeof raw === 'string' && WHOLE.test(raw) ? Number(raw) : raw;
    return typeof n === 'number' && Number.isInteger(n) && n >= min && n <= max ? n : NOT_ONE;
  };

function bool(raw: Raw): Read {
  if (typeof raw === 'boolean') return raw;
  return raw === 'T' ? true : raw === 'F' ? false : NOT_ONE;
}

function ip(raw: Raw): Read {
  const bytes = typeof raw === 'string' && raw.length < 64 ? ipBytes(raw) : undefined;
  return bytes === undefined ? NOT_ONE : ipText(bytes);
}

const MAC = /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/;
function mac(raw: Raw): Read {
  const text = typeof raw === 'string' ? raw.toLowerCase() : '';
  return MAC.test(text) ? text : NOT_ONE;
}

type Text = (text: string) => string;
type OneOf = (raw: Raw, text: Text) => Read;
const string: OneOf = (raw, text) => (typeof raw === 'string' ? text(raw) : NOT_ONE);

/** Past it a double has no units left; what is more is as much as a record holds. */
const U64 = integer(0, 2 ** 64);
const I64 = integer(-(2 ** 63), 2 ** 63);

/** Of those that a record holds. */
function heldTime(raw: Raw): Read {
  const at = time(raw);
  return typeof at === 'number' && at >= 0 && at <= Number.MAX_SAFE_INTEGER ? at : NOT_ONE;
}

const BY_FIELD: Readonly<Record<BaseType, OneOf>> = {
  ...{ time: heldTime, ip, mac, bool, text: string },
  duration: double,
  f64: double,
  uid: (raw) => (typeof raw === 'string' && raw !== '' ? uidOf(raw) : NOT_ONE),
  ...{ u8: integer(0, 0xff), u16: integer(0, 0xffff), u32: integer(0, 0xffffffff), u64: U64 },
  ...{ i32: integer(-0x80000000, 0x7fffffff), i64: I64 },
};

const BY_COLUMN: Readonly<Record<ScalarType, OneOf>> = {
  ...{ time, string, bool, double },
  enum: string,
  addr: ip,
  interval: double,
  ...{ port: integer(0, 0xffff), count: U64, int: I64 },
};

const ELEMENT = /^(?:set|vector)\[(\w+)\]$/;

export interface Reading {
  readonly list: boolean;
  readonly one: OneOf;
}

/** How a column's values are read: as the field it shows, or, where it shows none as it is, as its own type says. */
export function readingOf(type: ZeekType, field: FieldMeta | undefined): Reading {
  if (field !== undefined) return { list: field.list, one: BY_FIELD[field.type] };
  const m = ELEMENT.exec(type);
  return { list: m !== null, one: BY_COLUMN[(m?.[1] ?? type) as ScalarType] };
}
