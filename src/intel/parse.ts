// Lists of indicators, as people keep them: one value a line, or columns.
//
//   # a comment
//   evil.example                                         the type is what the value looks like
//   type,value,source,confidence,valid_until,tags        a first line of names says which column is which,
//   domain,c2.example,feed-a,0.9,2026-01-01,loader;c2    and may leave out or add valid_from and description
//   ip,198.51.100.7                                      without one the order is the above
//
// A list that is JSON is read by the first of feeds/ that knows its form.
//
// Separated by commas, tabs or semicolons; a field may be quoted. A line that is wrong is an error with its place,
// and the other lines still count. Confidence is 0 to 1, or 0 to 100 when it is more than 1.
import { FORMATS } from './feeds.ts';
import { formOf, type Indicator, type IndicatorType, inferType, refang, TYPE_NAMES } from './indicator.ts';

export interface ListFault {
  readonly file: string;
  /** From 1; 0: the whole file. */
  readonly line: number;
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** One line for people: "bad.csv:12: no address (...)". */
export const listFaultText = (f: ListFault): string =>
  `${f.file}${f.line > 0 ? `:${f.line}` : ''}: ${f.message}${f.hint === '' ? '' : ` (${f.hint})`}`;

export interface ParsedList {
  readonly indicators: readonly Indicator[];
  readonly faults: readonly ListFault[];
  /** Lines that should have been indicators. */
  readonly lines: number;
}

export const LINE_MAX = 8192;
export const INDICATORS_MAX = 2_000_000;
/** More faults than this are counted, not listed. */
export const FAULTS_MAX = 100;
const TAGS_MAX = 16;
const TAG_MAX = 64;

const COLUMNS = ['type', 'value', 'source', 'confidence', 'valid_until', 'tags'];
const COLUMN_NAMES: Readonly<Record<string, string>> = {
  ...{ type: 'type', indicator_type: 'type', '#fields': '', value: 'value', indicator: 'value', ioc: 'value' },
  ...{
    source: 'source',
    'meta.source': 'source',
    feed: 'source',
    confidence: 'confidence',
    valid_until: 'valid_until',
  },
  ...{ expires: 'valid_until', valid_from: 'valid_from', tags: 'tags', description: 'description' },
  'meta.desc': 'description',
};

/** Fields of a line; a quoted one may hold the separator, and "" is a quote. */
export function fieldsOf(line: string, separator: string): string[] {
  if (!line.includes('"')) return line.split(separator).map((f) => f.trim());
  const out: string[] = [];
  let at = 0;
  while (at <= line.length) {
    while (line[at] === ' ') at++;
    let field = '';
    if (line[at] === '"') {
      at++;
      while (at < line.length && (line[at] !== '"' || line[at + 1] === '"')) {
        if (line[at] === '"') at++;
        field += line[at++];
      }
      at++;
      while (at < line.length && line[at] !== separator) at++;
    } else {
      const end = line.indexOf(separator, at);
      field = line.slice(at, end < 0 ? line.length : end).trim();
      at = end < 0 ? line.length : end;
    }
    out.push(field);
    at++;
  }
  return out;
}

/** A packet time [us] of a date, a time, or seconds since the epoch; UTC unless it says otherwise. */
export function timeOf(text: string): number | undefined {
  if (/^\d{9,11}(?:\.\d+)?$/.test(text)) return Math.round(Number(text) * 1e6);
  if (!/^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/.test(text))
    return undefined;
  const zoned = /(?:Z|[+-]\d{2}:?\d{2})$/.test(text.slice(10))
    ? text
    : `${text}${text.length > 10 ? 'Z' : 'T00:00:00Z'}`;
  const ms = Date.parse(zoned.replace(' ', 'T'));
  return Number.isFinite(ms) ? ms * 1000 : undefined;
}

type Row = Readonly<Record<string, string>>;
type Read = { readonly indicator: Indicator } | { readonly message: string; readonly hint: string };

function readRow(row: Row, standardSource: string): Read {
  const value = refang(row.value ?? '');
  if (value === '')
    return { message: 'no value', hint: 'the columns are type,value,source,confidence,valid_until,tags' };
  const named = (row.type ?? '').toLowerCase();
  let type: IndicatorType | undefined = named === '' ? inferType(value) : TYPE_NAMES[named];
  if (type === undefined) {
    if (named !== '')
      return {
        message: `no such type: ${named}`,
        hint: 'ip, cidr, domain, url, email, sha256, sha1, md5, cert, ja3, ja4, hassh, user_agent, file_name',
      };
    return { message: `cannot tell what '${value.slice(0, 80)}' is`, hint: 'say its type: TYPE,VALUE' };
  }
  if (type === 'addr' && value.includes('/')) type = 'subnet';
  const form = formOf(type, value);
  if ('fault' in form)
    return { message: `${value.slice(0, 80)} is ${form.fault}`, hint: 'correct the line or remove it' };
  let confidence = 0.5;
  if (row.confidence) {
    confidence = Number(row.confidence);
    if (confidence > 1) confidence /= 100;
    if (!(confidence >= 0 && confidence <= 1))
      return { message: 'confidence is no number', hint: '0 to 1, or 0 to 100' };
  }
  const times: (number | undefined)[] = [];
  for (const name of ['valid_from', 'valid_until']) {
    const time = row[name] ? timeOf(row[name]) : undefined;
    if (row[name] && time === undefined)
      return { message: `${name} is no time`, hint: 'as 2026-01-31 or 2026-01-31T12:00:00Z' };
    times.push(time);
  }
  const tags = (row.tags ?? '').split(/[;|]/).map((t) => t.trim().slice(0, TAG_MAX));
  return {
    indicator: {
      type,
      text: row.value as string,
      match: form.match,
      source: (row.source || standardSource).slice(0, 128),
      confidence,
      validFrom: times[0],
      validUntil: times[1],
      tags: [...new Set(tags.filter((t) => t !== ''))].slice(0, TAGS_MAX),
      description: row.description ? row.description.slice(0, 512) : undefined,
    },
  };
}

/** Which columns a line of names stands for, if it is one. */
function headerOf(fields: readonly string[]): string[] | undefined {
  const names = fields.map((f) => COLUMN_NAMES[f.toLowerCase()]);
  return names.includes('value') && names.filter((n) => n !== undefined).length * 2 > names.length
    ? names.map((n) => n ?? '')
    : undefined;
}

/**
 * @param file    how errors call it
 * @param source  what stands for the source where a line names none
 */
export function parseList(text: string, file: string, source: string, max = INDICATORS_MAX): ParsedList {
  // A list never begins with a bracket of JSON: no value does.
  return /^\ufeff?\s*[{[]\s*["{[}\]]/.test(text.slice(0, 256))
    ? parseFeed(text, file, source, max)
    : parseLines(text, file, source, max);
}

/** Faults of a list, of which the first are kept and the others counted. */
class Faults {
  readonly list: ListFault[] = [];
  private count = 0;
  private readonly file: string;
  constructor(file: string) {
    this.file = file;
  }
  add(line: () => number, message: string, hint: string): void {
    if (this.count++ < FAULTS_MAX) this.list.push({ file: this.file, line: line(), message, hint });
  }
  end(): readonly ListFault[] {
    const more = this.count - FAULTS_MAX;
    const hint = 'is it a list of indicators?';
    return more > 0 ? [...this.list, { file: this.file, line: 0, message: `${more} more are wrong`, hint }] : this.list;
  }
}

/** Line of the first place of `anchor` in the text; 0 when it is nowhere. Linear, for the faults that are kept. */
function lineOf(text: string, anchor: string): number {
  const at = anchor === '' ? -1 : text.indexOf(JSON.stringify(anchor));
  if (at < 0) return 0;
  let line = 1;
  for (let i = text.indexOf('\n'); i >= 0 && i < at; i = text.indexOf('\n', i + 1)) line++;
  return line;
}

/** A document of JSON, by the first format that knows it. */
function parseFeed(text: string, file: string, source: string, max: number): ParsedList {
  const faults = new Faults(file);
  const none = (message: string, hint: string): ParsedList => {
    faults.add(() => 0, message, hint);
    return { indicators: [], faults: faults.end(), lines: 1 };
  };
  let document: unknown;
  try {
    document = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch (error) {
    return none(`no JSON: ${(error as Error).message.slice(0, 120)}`, 'is it whole?');
  }
  const format = FORMATS.find((f) => f.reads(document));
  if (format === undefined)
    return none('JSON of no format that is known', `there are ${FORMATS.map((f) => f.id).join(', ')}`);
  const indicators: Indicator[] = [];
  let lines = 0;
  for (const found of format.rows(document)) {
    if (indicators.length >= max) {
      faults.add(() => 0, `more than ${max} indicators; the rest is not used`, 'split the list by what matters');
      break;
    }
    const line = (): number => lineOf(text, found.anchor);
    if ('refused' in found) {
      // What nobody could use is told, and makes no list a bad one.
      faults.add(line, found.refused, 'it is left out');
      continue;
    }
    lines++;
    const read = readRow(found.row, source);
    if ('indicator' in read) indicators.push(read.indicator);
    else faults.add(line, read.message, read.hint);
  }
  return { indicators, faults: faults.end(), lines };
}

function parseLines(text: string, file: string, source: string, max: number): ParsedList {
  const indicators: Indicator[] = [];
  const faults: ListFault[] = [];
  let count = 0;
  let lines = 0;
  const fault = (line: number, message: string, hint: string): void => {
    if (count++ < FAULTS_MAX) faults.push({ file, line, message, hint });
  };
  let header: string[] | undefined;
  let number = 0;
  let isFull = false;
  for (const raw of (text.charCodeAt(0) === 0xfeff ? text.slice(1) : text).split('\n')) {
    number++;
    const line = raw.trim();
    if (line === '' || (line.startsWith('#') && !line.startsWith('#fields'))) continue;
    if (line.length > LINE_MAX) {
      lines++;
      fault(number, `a line of more than ${LINE_MAX} characters`, 'is it a text file?');
      continue;
    }
    const separator = line.includes('\t') ? '\t' : line.includes(',') || !/^[^;]*;[^;]*;/.test(line) ? ',' : ';';
    const fields = fieldsOf(line.startsWith('#fields') ? line.slice(8) : line, separator);
    if (lines === 0 && header === undefined) {
      header = headerOf(fields);
      if (header !== undefined) continue;
    }
    if (indicators.length >= max) {
      isFull = true;
      break;
    }
    lines++;
    const names = header ?? (fields.length === 1 ? ['value'] : COLUMNS);
    // A plain value may be followed by a remark.
    if (fields.length === 1) fields[0] = (fields[0] ?? '').replace(/\s+#.*$/, '');
    const row = Object.fromEntries(names.map((n, i) => [n, fields[i] ?? '']));
    const read = readRow(row, source);
    if ('indicator' in read) indicators.push(read.indicator);
    else fault(number, read.message, read.hint);
  }
  if (isFull) fault(number, `more than ${max} indicators; the rest is not used`, 'split the list by what matters');
  if (count > FAULTS_MAX)
    faults.push({
      file,
      line: 0,
      message: `${count - FAULTS_MAX} more lines are wrong`,
      hint: 'is it a list of indicators?',
    });
  return { indicators, faults, lines };
}
