// The one configuration file: read, checked, and every complaint with the line it is about.
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { isMap, isNode, isPair, isScalar, LineCounter, type Node, type ParsedNode, parseDocument } from 'yaml';
import type { z } from 'zod';
import { type Fault, failure, type Result, success, systemFault } from '../lib/fault.ts';
import { type ConfigValues, configSchema } from './schema.ts';

/** A configuration longer than this is some other file. */
export const CONFIG_BYTES_MAX = 1 << 20;

type Path = readonly PropertyKey[];

export interface Config extends ConfigValues {
  /** The file it was read from; undefined for the defaults. */
  readonly file: string | undefined;
  /** "catenary.yaml:12:3", where the value at `path` stands, or what is nearest to it: for stages' own checks. */
  where(path: readonly (string | number)[]): string;
}

export interface ConfigFault {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint: string;
}

export interface ParsedConfig {
  /** Only when there is no fault. */
  readonly config: Config | undefined;
  /** By line. */
  readonly faults: readonly ConfigFault[];
}

/** "catenary.yaml:3:1: memory.budgetmb: no such setting". */
export const configFaultText = (f: ConfigFault): string => `${f.file}:${f.line}:${f.column}: ${f.message}`;

const KINDS: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'a group of settings',
  record: 'a group of settings',
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
};

function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a group of settings';
  const shown = JSON.stringify(value);
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}

const dotted = (at: Path): string =>
  at.map((p, i) => (typeof p === 'number' ? `[${p}]` : `${i === 0 ? '' : '.'}${String(p)}`)).join('');

/** The settings that the schema has at `at`. */
function knownKeys(at: Path): string[] {
  let schema: unknown = configSchema;
  const unwrap = (s: unknown): unknown => {
    let inner = s;
    while ((inner as { def?: { innerType?: unknown } }).def?.innerType !== undefined)
      inner = (inner as { def: { innerType: unknown } }).def.innerType;
    return inner;
  };
  for (const key of at) schema = (unwrap(schema) as { shape?: Record<PropertyKey, unknown> }).shape?.[key];
  return Object.keys((unwrap(schema) as { shape?: object } | undefined)?.shape ?? {});
}

/** What zod found, in our words: one complaint for each thing to be mended. */
function complaints(
  issue: z.core.$ZodIssue,
  root: unknown,
): { at: Path; isKey: boolean; message: string; hint: string }[] {
  const value = issue.path.reduce<unknown>((v, key) => (v as Record<PropertyKey, unknown> | undefined)?.[key], root);
  const name = issue.path.length === 0 ? 'the file' : dotted(issue.path);
  const one = (message: string, hint = '') => [{ at: issue.path, isKey: false, message: `${name}: ${message}`, hint }];
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(issue.path);
      return issue.keys.map((key) => {
        const at = [...issue.path, key];
        return { at, isKey: true, message: `${dotted(at)}: no such setting`, hint: `there are ${known.join(', ')}` };
      });
    }
    case 'invalid_type':
      return one(`must be ${KINDS[issue.expected] ?? issue.expected}, not ${describeValue(value)}`);
    case 'invalid_value':
      return one(`must be ${issue.values.map(String).join(' or ')}, not ${describeValue(value)}`);
    case 'invalid_union':
      return one(`must be true or false, a number or a list of texts, not ${describeValue(value)}`);
    case 'too_small':
      return one(`must be at least ${issue.minimum}${issue.origin === 'string' ? ' character long' : ''}`);
    case 'too_big': {
      const unit = issue.origin === 'string' ? ' characters long' : issue.origin === 'array' ? ' entries' : '';
      return one(`must be at most ${issue.maximum}${unit}`);
    }
    case 'invalid_key':
      return [
        {
          at: issue.path,
          isKey: true,
          message: `${name}: is no name of a signal`,
          hint: 'as its folder is called: rare_domain',
        },
      ];
    default: {
      const [message = issue.message, hint = ''] = issue.message.split(': ', 2);
      return one(`${describeValue(value)} ${message}`, hint);
    }
  }
}

/** @param file as complaints name it; paths in the text are relative to its folder */
export function parseConfig(text: string, file: string): ParsedConfig {
  const lines = new LineCounter();
  const document = parseDocument<ParsedNode>(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const placeOf = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  /** Of the value at `at`, or its key; of what is nearest above when there is none. */
  const offsetOf = (at: Path, isKey: boolean): number => {
    let node: Node | null | undefined = document.contents;
    let offset = node?.range?.[0] ?? 0;
    for (const [i, step] of at.entries()) {
      let next: unknown;
      if (isMap(node)) {
        const pair = node.items.find((p) => isPair(p) && isScalar(p.key) && p.key.value === step);
        const key = pair?.key;
        if (isNode(key)) offset = key.range?.[0] ?? offset;
        if (isKey && i === at.length - 1) return offset;
        next = pair?.value;
      } else {
        next = (node as { items?: unknown[] } | undefined)?.items?.[step as number];
      }
      if (!isNode(next)) return offset;
      node = next;
      // "key:" without a value has a place of no width: the key says more.
      if (next.range && next.range[1] > next.range[0]) offset = next.range[0];
    }
    return offset;
  };

  const faults: ConfigFault[] = [...document.errors, ...document.warnings].map((e) => ({
    ...{ file, ...placeOf(e.pos[0]), message: e.message.replace(/\s+/g, ' '), hint: '' },
  }));
  if (faults.length > 0) return { config: undefined, faults };
  let values: unknown;
  try {
    values = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    // Aliases that refer to each other until the whole would be a billion entries.
    return { config: undefined, faults: [{ file, line: 1, column: 1, message: (error as Error).message, hint: '' }] };
  }
  const checked = configSchema.safeParse(values);
  if (!checked.success) {
    const found = checked.error.issues.flatMap((issue) => complaints(issue, values));
    const placed = found.map(({ at, isKey, message, hint }) => ({
      file,
      ...placeOf(offsetOf(at, isKey)),
      message,
      hint,
    }));
    return { config: undefined, faults: placed.sort((a, b) => a.line - b.line || a.column - b.column) };
  }
  const folder = path.dirname(file);
  const absolute = (p: string): string => path.resolve(folder, p);
  const { state, chains, intel, collector, ...plain } = checked.data;
  const where = (at: readonly (string | number)[]): string => {
    const { line, column } = placeOf(offsetOf(at, false));
    return `${file}:${line}:${column}`;
  };
  return {
    config: {
      ...{ ...plain, file, where },
      collector: { ...collector, dir: collector.dir === null ? null : absolute(collector.dir) },
      state: { dir: state.dir === null ? null : absolute(state.dir) },
      chains: { ...chains, dirs: chains.dirs.map(absolute) },
      intel: { files: intel.files.map(absolute) },
    },
    faults: [],
  };
}

/** Every complaint about the file; a fault when it cannot be read at all. */
export function checkConfig(file: string): Result<ParsedConfig> {
  try {
    if (statSync(file).size > CONFIG_BYTES_MAX)
      return failure('config_invalid', `${file}: longer than ${CONFIG_BYTES_MAX} bytes`, 'name the configuration file');
    return success(parseConfig(readFileSync(file, 'utf8'), file));
  } catch (error) {
    return { ok: false, fault: systemFault('config_invalid', file, error) };
  }
}

/** Without a file: the defaults. A fault tells the first complaint and how many there are; `config check` tells all. */
export function loadConfig(file: string | undefined): Result<Config> {
  if (file === undefined) return success({ ...configSchema.parse({}), file, where: () => 'the defaults' });
  const checked = checkConfig(file);
  if (!checked.ok) return checked;
  const { config, faults } = checked.value;
  const [first] = faults;
  if (config !== undefined) return success(config);
  const more = faults.length > 1 ? `, and ${faults.length - 1} more` : '';
  const fault: Fault = {
    code: 'config_invalid',
    message: first === undefined ? file : `${configFaultText(first)}${more}`,
    hint: first?.hint ?? '',
  };
  return { ok: false, fault };
}
