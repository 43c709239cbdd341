// A log's lines to records: its header, if it has one, says which cell is which column; a JSON line says so itself.
// Columns are those of logs/, the tables that logs are written by, read the other way round.
import type { CatenaryEvent, KindName } from '../../../schema/gen/events.gen.ts';
import { FIELDS, type FieldMeta } from '../../../schema/gen/structures.gen.ts';
import type { Column, Draft, Log } from '../columns.ts';
import { EMPTY, SET_SEPARATOR, UNSET } from '../text.ts';
import { cellToText, jsonToText, NOT_ONE, type Raw, type Reading, readingOf } from './values.ts';

export interface Row {
  readonly kind: KindName;
  readonly event: CatenaryEvent;
}
/** Why a line is none, in words. */
export interface Unusable {
  readonly why: string;
}

/** What a record cannot be without, and no log leaves out: who, with whom, when. */
const ESSENTIAL: ReadonlySet<string> = new Set(['ts', 'uid', 'orig_h', 'resp_h', 'proto']);

const TCP = 6;
const UDP = 17;
/** By kind, where the log does not say: all others are taken for TCP. */
const TRANSPORT: Partial<Record<KindName, number>> = { ntp: UDP, snmp: UDP, quic: UDP, radius: UDP };

const ZERO: Partial<Record<FieldMeta['type'], unknown>> = { text: '', bool: false };

interface Way {
  readonly column: Column;
  readonly reading: Reading;
}

/** Beyond it, a quoted value says nothing more. */
const QUOTED = 60;
const quoted = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return JSON.stringify(text.length > QUOTED ? `${text.slice(0, QUOTED)}...` : text);
};

/** Nothing lasts longer: a row that says so does not hold up the clock [s]. */
const LASTED_MAX = 400 * 86_400;

/** When the last of what a row tells had happened: what rows say of it differs by log. [us] */
function completed(draft: Draft, written: number | undefined): number {
  const lasted = Math.min(LASTED_MAX, Math.max(0, Number(draft.duration ?? 0), Number(draft.rtt ?? 0)));
  const seen = (draft.ts as number) + Math.round(lasted * 1e6);
  return Math.max(seen, written ?? 0);
}

/** The lines of one file, in their order. */
export class RowReader {
  private readonly log: Log;
  private readonly ways = new Map<string, Way>();
  private readonly fields: readonly FieldMeta[];
  private readonly blank: Readonly<Draft>;
  private readonly saysProto: boolean;
  private separator = '\t';
  private setSeparator = SET_SEPARATOR;
  private empty = EMPTY;
  private unset = UNSET;
  /** Undefined: no header was understood, and cells are not guessed. */
  private names: readonly string[] | undefined;
  /** The header is that of another log. */
  private isOther = false;

  constructor(log: Log) {
    this.log = log;
    this.fields = FIELDS[log.kind];
    this.saysProto =
      log.columns.some((c) => c.name === 'proto') || this.fields.some((f) => f.name === 'proto' && f.optional);
    // Out of JSON it has a shape that its copies keep: fields set one by one would make each of them a hash table.
    this.blank = JSON.parse(JSON.stringify(Object.fromEntries(this.fields.map(({ name }) => [name, null]))));
    for (const column of log.columns) {
      const field = this.fields.find((f) => f.name === column.field);
      if (field !== undefined || column.back !== undefined)
        this.ways.set(column.name, { column, reading: readingOf(column.type, field) });
    }
    // What only older versions, and scripts that come with Zeek, write.
    if (log.path === 'files') this.alias('conn_uids', 'uid');
  }

  private alias(name: string, of: string): void {
    const uid = this.ways.get(of);
    if (uid !== undefined) this.ways.set(name, { ...uid, reading: { ...uid.reading, list: true } });
  }

  /** Undefined: the line belongs to the header, or there is nothing on it. */
  take(line: string): Row | Unusable | undefined {
    if (line === '') return undefined;
    if (line.startsWith('#')) return this.header(line);
    if (line.startsWith('{')) return this.object(line);
    return this.cells(line);
  }

  private header(line: string): Unusable | undefined {
    if (line.startsWith('#separator ')) {
      this.separator = cellToText(line.slice('#separator '.length)) || '\t';
      return undefined;
    }
    const [key, ...values] = line.split(this.separator);
    const [first = ''] = values;
    if (key === '#set_separator' && first !== '') this.setSeparator = cellToText(first);
    else if (key === '#empty_field') this.empty = first;
    else if (key === '#unset_field') this.unset = first;
    else if (key === '#path') {
      this.isOther = first !== this.log.path;
      if (this.isOther) return { why: `#path is ${quoted(first)}, and the file's name says ${this.log.path}` };
    } else if (key === '#fields') {
      this.names = undefined;
      if (this.isOther) return undefined;
      if (new Set(values).size !== values.length) return { why: '#fields names a column twice' };
      this.names = values;
    } else if (key === '#types' && this.names !== undefined && values.length !== this.names.length) {
      const why = `#types has ${values.length} columns, #fields ${this.names.length}`;
      this.names = undefined;
      return { why };
    }
    return undefined;
  }

  private cells(line: string): Row | Unusable {
    const { names } = this;
    if (names === undefined) return { why: 'no #fields before it' };
    const cells = line.split(this.separator);
    if (cells.length !== names.length) return { why: `${cells.length} columns instead of ${names.length}` };
    const draft: Draft = { ...this.blank };
    let written: number | undefined;
    for (const [i, name] of names.entries()) {
      const cell = cells[i] as string;
      if (cell === this.unset) continue;
      if (name === '_write_ts') written = this.writeTime(cell);
      const way = this.ways.get(name);
      if (way === undefined) continue;
      const raw: Raw | Raw[] = !way.reading.list
        ? cell === this.empty
          ? ''
          : cell
        : cell === this.empty
          ? []
          : cell
              .split(this.setSeparator)
              .filter((item) => item !== this.unset)
              .map((item) => (item === this.empty ? '' : item));
      const wrong = this.put(draft, name, way, raw, cellToText);
      if (wrong !== undefined) return wrong;
    }
    return this.whole(draft, written);
  }

  private object(line: string): Row | Unusable {
    let object: Readonly<Record<string, unknown>>;
    try {
      object = JSON.parse(line);
    } catch {
      return { why: 'is no JSON' };
    }
    if (object._path !== undefined && object._path !== this.log.path)
      return { why: `_path is ${quoted(object._path)}, and the file's name says ${this.log.path}` };
    const draft: Draft = { ...this.blank };
    for (const name of Object.keys(object)) {
      const way = this.ways.get(name);
      const value = object[name];
      if (way === undefined || value === null) continue;
      if (way.reading.list !== Array.isArray(value)) return this.refused(name, value);
      const wrong = this.put(draft, name, way, value as Raw | Raw[], jsonToText);
      if (wrong !== undefined) return wrong;
    }
    return this.whole(draft, object._write_ts === undefined ? undefined : this.writeTime(object._write_ts as Raw));
  }

  private writeTime(raw: Raw): number | undefined {
    const at = readingOf('time', undefined).one(raw, cellToText);
    return typeof at === 'number' ? at : undefined;
  }

  private refused(name: string, value: unknown): Unusable {
    const type = this.ways.get(name)?.column.type;
    return { why: `${name}: ${quoted(value)} is no ${type}` };
  }

  private put(
    draft: Draft,
    name: string,
    { column, reading }: Way,
    raw: Raw | readonly Raw[],
    text: (text: string) => string,
  ): Unusable | undefined {
    let value: unknown;
    if (reading.list) {
      const items = (raw as readonly Raw[]).map((item) => reading.one(item, text));
      const bad = items.indexOf(NOT_ONE);
      if (bad >= 0) return this.refused(name, (raw as readonly Raw[])[bad]);
      value = items;
    } else {
      value = reading.one(raw as Raw, text);
      if (value === NOT_ONE) return this.refused(name, raw);
    }
    if (column.field === undefined) column.back?.(value as never, draft);
    // A uid among several: the first.
    else draft[column.field] = name === 'conn_uids' ? (draft.uid ?? (value as unknown[])[0] ?? null) : value;
    return undefined;
  }

  /** What the row does not say is unset, or, where a record cannot be without it, nothing: zero, empty, false. */
  private whole(draft: Draft, written: number | undefined): Row | Unusable {
    this.log.complete(draft);
    if (!this.saysProto) draft.proto ??= TRANSPORT[this.log.kind] ?? TCP;
    for (const { name, type, list, optional } of this.fields) {
      if (draft[name] !== null && draft[name] !== undefined) continue;
      if (!optional && ESSENTIAL.has(name)) return { why: `it has no ${this.columnOf(name)}` };
      draft[name] = list ? [] : optional ? null : (ZERO[type] ?? 0);
    }
    draft.seen = completed(draft, written);
    draft.cut = false;
    return { kind: this.log.kind, event: draft as never };
  }

  private columnOf(field: string): string {
    return this.log.columns.find((c) => c.field === field)?.name ?? field;
  }
}
