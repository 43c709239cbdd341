// Zeek's logs: conn.log, dns.log and so on in one folder, with Zeek's names, columns, types and escaping, so that what
// reads Zeek's logs reads these. Columns of ours come after Zeek's.
//
// There is no wall clock in them: #open is the packet time at which the log's first record was complete, #close its
// last one's, both UTC. The same capture gives the same bytes.
import { join } from 'node:path';
import { FileOutput, type TextOutput } from '../../lib/output.ts';
import type { CatenaryEvent, KindName } from '../../schema/gen/events.gen.ts';
import type { Log, Value } from './columns.ts';
import { LOGS } from './logs.ts';
import { type CellWriter, cellWriter, EMPTY, jsonWriter, SET_SEPARATOR, UNSET } from './text.ts';

/** The kinds that have a log. */
export const ZEEK_KINDS: readonly KindName[] = LOGS.map((log) => log.kind);

/** A kind by the name of its log, where that is another one: ssl, files. */
export const kindOfLog = (path: string): KindName | undefined => LOGS.find((log) => log.path === path)?.kind;

const TABLES = new Map<KindName, Log>(LOGS.map((log) => [log.kind, log]));

interface Cell {
  readonly key: string;
  readonly value: (event: CatenaryEvent) => Value;
  readonly write: CellWriter;
}

function cells(log: Log, writerOf: (column: Log['columns'][number]) => CellWriter): readonly Cell[] {
  return log.columns.map((column) => ({
    key: `"${column.name}":`,
    value: column.value as Cell['value'],
    write: writerOf(column),
  }));
}

function stamp(us: number): string {
  return new Date(Math.floor(us / 1000)).toISOString().slice(0, 19).replaceAll(/[T:]/g, '-');
}

export function tsvHeader(log: Log, open: number): string {
  const line = (key: string, values: readonly string[]): string => `#${key}\t${values.join('\t')}\n`;
  return (
    '#separator \\x09\n' +
    line('set_separator', [SET_SEPARATOR]) +
    line('empty_field', [EMPTY]) +
    line('unset_field', [UNSET]) +
    line('path', [log.path]) +
    line('open', [stamp(open)]) +
    line(
      'fields',
      log.columns.map((c) => c.name),
    ) +
    line(
      'types',
      log.columns.map((c) => c.type),
    )
  );
}

export const tsvFooter = (close: number): string => `#close\t${stamp(close)}\n`;

export type RowWriter = (event: CatenaryEvent) => string;

export function tsvRow(log: Log): RowWriter {
  const row = cells(log, cellWriter);
  return (event) => `${row.map((c) => c.write(c.value(event)) ?? UNSET).join('\t')}\n`;
}

export function jsonRow(log: Log): RowWriter {
  const row = cells(log, jsonWriter);
  return (event) => {
    let line = '';
    for (const c of row) {
      const text = c.write(c.value(event));
      if (text !== undefined) line += `${line === '' ? '{' : ','}${c.key}${text}`;
    }
    return `${line}}\n`;
  };
}

interface OpenLog {
  readonly output: TextOutput;
  readonly row: RowWriter;
  lastSeen: number;
}

/** One file a log, made when its first event comes. */
export class ZeekWriter {
  private readonly open = new Map<KindName, OpenLog>();
  private readonly json: boolean;
  private readonly all: boolean;
  private readonly outputFor: (path: string) => TextOutput;

  /** @param all  also the rows that Zeek would not write, as Log.beyondZeek says */
  constructor(
    folder: string,
    json: boolean,
    all: boolean,
    outputFor = (path: string): TextOutput => new FileOutput(path),
  ) {
    this.json = json;
    this.all = all;
    this.outputFor = (path) => outputFor(join(folder, `${path}.log`));
  }

  write(kind: KindName, event: CatenaryEvent): void {
    const table = TABLES.get(kind);
    if (table === undefined || (!this.all && table.beyondZeek(event as never))) return;
    let log = this.open.get(kind);
    if (log === undefined) {
      log = { output: this.outputFor(table.path), row: this.json ? jsonRow(table) : tsvRow(table), lastSeen: 0 };
      if (!this.json) log.output.write(tsvHeader(table, event.seen));
      this.open.set(kind, log);
    }
    log.lastSeen = event.seen;
    log.output.write(log.row(event));
  }

  get outputs(): TextOutput[] {
    return [...this.open.values()].map((log) => log.output);
  }

  async close(): Promise<void> {
    for (const { output, lastSeen } of this.open.values()) {
      if (!this.json) output.write(tsvFooter(lastSeen));
      await output.close();
    }
  }
}
