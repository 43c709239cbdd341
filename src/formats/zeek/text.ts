// One value as Zeek's two writers have it: as a cell of a tab-separated log, and as JSON.
//
// A record's text is already half of Zeek's escaping: a byte that was no UTF-8 is \xNN, a backslash is \\. A cell
// wants, besides, \xNN for what would end or move a line, a comma of a list's item as \x2c, and the texts that mean
// something else (-, (empty)) with their first character escaped. JSON wants the backslash single again. In both, a
// text with a byte that is no UTF-8 is no text, and has every byte above ASCII escaped, as Zeek 8 has it.
import { jsonText } from '../../lib/json_text.ts';
import { doubleJson, roundSeconds, secondsText } from '../../lib/numbers.ts';
import type { Column, ScalarType, Value } from './columns.ts';

export const UNSET = '-';
export const EMPTY = '(empty)';
export const SET_SEPARATOR = ',';

// C0 with the tab, DEL; C1 too, which a terminal obeys even in UTF-8.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const CONTROLS = new RegExp(CONTROL.source, 'g');

const hex = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`;
/** The bytes of its UTF-8, each escaped: undoing it gives the bytes that were there. */
const escapedBytes = (c: string): string => [...Buffer.from(c)].map(hex).join('');

// An escape of a byte above ASCII: its backslash is not the second of a doubled one.
const BYTE_ESCAPE = /(?:^|[^\\])(?:\\\\)*\\x[89a-f]/;
const NOT_ASCII = /[\u0080-\u{10ffff}]+/gu;

const asZeek = (text: string): string =>
  text.includes('\\x') && BYTE_ESCAPE.test(text) ? text.replace(NOT_ASCII, escapedBytes) : text;

export function cellText(text: string, inList: boolean): string {
  if (text === '') return EMPTY;
  if (text === UNSET || text === EMPTY) return hex(text.charCodeAt(0)) + text.slice(1);
  let out = asZeek(text);
  if (CONTROL.test(out)) out = out.replace(CONTROLS, escapedBytes);
  if (inList && out.includes(SET_SEPARATOR)) out = out.replaceAll(SET_SEPARATOR, hex(SET_SEPARATOR.charCodeAt(0)));
  return out;
}

type Scalar = string | number | boolean;
type Write = (value: Scalar, inList: boolean) => string;

// A number that is not finite is none: unset, as a duration is that nobody could measure.
const intervalText = (n: number): string => (Number.isFinite(n) ? n.toFixed(6) : UNSET);

/** Without an exponent and without trailing zeros. */
function doubleText(n: number): string {
  if (!Number.isFinite(n)) return UNSET;
  return Number.isInteger(n) ? String(n) : n.toFixed(9).replace(/\.?0+$/, '');
}

const CELL: Readonly<Record<ScalarType, Write>> = {
  time: (v) => (typeof v === 'string' ? v : secondsText(v as number)),
  interval: (v) => (typeof v === 'string' ? v : intervalText(v as number)),
  string: (v, inList) => cellText(v as string, inList),
  enum: (v, inList) => cellText(v as string, inList),
  addr: (v) => v as string,
  port: (v) => String(v),
  count: (v) => String(v),
  int: (v) => String(v),
  double: (v) => doubleText(v as number),
  bool: (v) => (v === true ? 'T' : 'F'),
};

const unescaped = (text: string): string => (text.includes('\\\\') ? text.replaceAll('\\\\', '\\') : text);

const JSON_VALUE: Readonly<Record<ScalarType, Write>> = {
  time: (v) => (typeof v === 'string' ? v : secondsText(v as number)),
  interval: (v) => (typeof v === 'string' ? v : doubleJson(roundSeconds(v as number))),
  string: (v) => jsonText(unescaped(asZeek(v as string))),
  enum: (v) => jsonText(unescaped(v as string)),
  addr: (v) => `"${v}"`,
  port: (v) => String(v),
  count: (v) => String(v),
  int: (v) => String(v),
  double: (v) => doubleJson(v as number),
  bool: (v) => String(v),
};

/** A column's value as text; undefined when it is unset. */
export type CellWriter = (value: Value) => string | undefined;

function writer(
  column: Column,
  table: Readonly<Record<ScalarType, Write>>,
  list: (items: string[]) => string,
): CellWriter {
  const m = /^(?:set|vector)\[(\w+)\]$/.exec(column.type);
  if (m === null) {
    const write = table[column.type as ScalarType];
    return (value) => (value === null ? undefined : write(value as Scalar, false));
  }
  const write = table[m[1] as ScalarType];
  const whenEmpty = column.whenEmpty === 'unset' ? undefined : list([]);
  return (value) => {
    if (value === null) return undefined;
    const items = value as readonly Scalar[];
    return items.length === 0 ? whenEmpty : list(items.map((item) => write(item, true)));
  };
}

export const cellWriter = (column: Column): CellWriter =>
  writer(column, CELL, (items) => (items.length === 0 ? EMPTY : items.join(SET_SEPARATOR)));

export const jsonWriter = (column: Column): CellWriter => writer(column, JSON_VALUE, (items) => `[${items.join(',')}]`);
