// A configuration of an earlier form, brought to today's: what people wrote stays as they wrote it, comments and all,
// but for settings that have moved.
import { readFileSync } from 'node:fs';
import { type Document, isMap, parseDocument } from 'yaml';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
import { FORMAT } from './schema.ts';

export interface Move {
  /** "sensor.buffer_mb" */
  readonly from: string;
  /** Where it is now; undefined: there is no such setting any more. */
  readonly to: string | undefined;
  /** For a person: why, and what to do where it is gone. */
  readonly why: string;
}

/** What moved when the form after `form` began. */
export interface Migration {
  readonly form: number;
  readonly moves: readonly Move[];
}

/** Today's form is the first that there is. */
export const MIGRATIONS: readonly Migration[] = [];

export interface Migrated {
  readonly from: number;
  readonly text: string;
  /** A line for each setting that moved or went. */
  readonly said: readonly string[];
}

const steps = (at: string): string[] => at.split('.');

function apply(document: Document, { from, to, why }: Move): string[] {
  if (!document.hasIn(steps(from))) return [];
  const value = document.getIn(steps(from), true);
  document.deleteIn(steps(from));
  const above = steps(from).slice(0, -1);
  const group = document.getIn(above);
  if (above.length > 0 && isMap(group) && group.items.length === 0) document.deleteIn(above);
  if (to === undefined) return [`${from} is gone: ${why}`];
  // What already stands in the new place was written knowing it.
  if (document.hasIn(steps(to))) return [`${from} is gone: ${to} is there already`];
  document.setIn(steps(to), value);
  return [`${from} is ${to} now: ${why}`];
}

/** @param file  names it in faults */
export function migrate(text: string, file: string, migrations = MIGRATIONS, now = FORMAT): Result<Migrated> {
  const document = parseDocument(text, { prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined)
    return failure('config_invalid', `${file}: ${error.message.replace(/\s+/g, ' ')}`, 'mend that first');
  const written = isMap(document.contents) ? document.get('format') : undefined;
  const from = written === undefined ? 1 : written;
  if (typeof from !== 'number' || !Number.isInteger(from) || from < 1)
    return failure('config_invalid', `${file}: format: is no whole number`, `this program writes ${now}`);
  if (from > now)
    return failure('config_invalid', `${file}: is of form ${from}, this program knows ${now}`, 'update the program');
  if (from === now) return success({ from, text, said: [] });
  const said = migrations
    .filter((m) => m.form >= from && m.form < now)
    .flatMap((m) => m.moves.flatMap((move) => apply(document, move)));
  document.set('format', now);
  return success({ from, text: document.toString({ lineWidth: 0 }), said });
}

/** The same of a file. */
export function migrateFile(file: string): Result<Migrated> {
  try {
    return migrate(readFileSync(file, 'utf8'), file);
  } catch (error) {
    return { ok: false, fault: systemFault('config_invalid', file, error) };
  }
}
