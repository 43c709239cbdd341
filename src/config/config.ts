// The one configuration: a file and its drop-ins, read, checked, and every complaint with the line it is about.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { isMap, isNode, isPair, isScalar, LineCounter, type Node, type ParsedNode, parseDocument } from 'yaml';
import type { z } from 'zod';
import { type Fault, failure, type Result, success, systemFault } from '../lib/fault.ts';
import { type ConfigValues, configSchema } from './schema.ts';

/** A configuration longer than this is some other file. */
export const CONFIG_BYTES_MAX = 1 << 20;

type Path = readonly PropertyKey[];

/** Settings that name files or folders. */
const PATHS = [
  ['state', 'dir'],
  ['collector', 'dir'],
  ['chains', 'dirs'],
  ['intel', 'files'],
  ['content', 'keys'],
] as const;

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

/** One file of the configuration: what it says, and where it says it. */
interface Layer {
  readonly file: string;
  readonly values: unknown;
  /** It cannot be read as YAML. */
  readonly faults: readonly ConfigFault[];
  /** Of the value at `at`, or its key; of what is nearest above when there is none. From 1. */
  placeOf(at: Path, isKey: boolean): { line: number; column: number };
}

function readLayer(text: string, file: string): Layer {
  const lines = new LineCounter();
  const document = parseDocument<ParsedNode>(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const offsetOf = (path: Path, isKey: boolean): number => {
    let node: Node | null | undefined = document.contents;
    let offset = node?.range?.[0] ?? 0;
    for (const [i, step] of path.entries()) {
      let next: unknown;
      if (isMap(node)) {
        const pair = node.items.find((p) => isPair(p) && isScalar(p.key) && p.key.value === step);
        const key = pair?.key;
        if (isNode(key)) offset = key.range?.[0] ?? offset;
        if (isKey && i === path.length - 1) return offset;
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
  const placeOf = (path: Path, isKey: boolean) => at(offsetOf(path, isKey));
  const faults: ConfigFault[] = [...document.errors, ...document.warnings].map((e) => ({
    ...{ file, ...at(e.pos[0]), message: e.message.replace(/\s+/g, ' '), hint: '' },
  }));
  if (faults.length > 0) return { file, values: undefined, faults, placeOf };
  try {
    return { file, values: document.toJS({ maxAliasCount: 100 }) ?? {}, faults, placeOf };
  } catch (error) {
    // Aliases that refer to each other until the whole would be a billion entries.
    const fault = { file, line: 1, column: 1, message: (error as Error).message, hint: '' };
    return { file, values: undefined, faults: [fault], placeOf };
  }
}

/** What is wrong in one file, by line: each has to be right by itself. */
function layerFaults({ file, values, faults, placeOf }: Layer): readonly ConfigFault[] {
  if (faults.length > 0) return faults;
  const checked = configSchema.safeParse(values);
  if (checked.success) return [];
  return checked.error.issues
    .flatMap((issue) => complaints(issue, values))
    .map(({ at, isKey, message, hint }) => ({ file, ...placeOf(at, isKey), message, hint }))
    .sort((a, b) => a.line - b.line || a.column - b.column);
}

const isGroup = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);

/** Groups are joined setting by setting; a list or a value of the later file takes the earlier one's place. */
function merged(below: unknown, above: unknown): unknown {
  if (!isGroup(below) || !isGroup(above)) return above;
  const out = new Map(Object.entries(below));
  for (const [key, value] of Object.entries(above)) out.set(key, out.has(key) ? merged(out.get(key), value) : value);
  return Object.fromEntries(out);
}

/** Paths in a file are relative to its folder, whichever file it is. */
function resolved(values: unknown, folder: string): unknown {
  const absolute = (v: unknown): unknown =>
    typeof v === 'string' ? path.resolve(folder, v) : Array.isArray(v) ? v.map(absolute) : v;
  const at = (v: unknown, [key, ...rest]: readonly string[]): unknown => {
    if (key === undefined) return absolute(v);
    return isGroup(v) && key in v ? { ...v, [key]: at(v[key], rest) } : v;
  };
  return PATHS.reduce(at, values);
}

const has = (values: unknown, at: Path): boolean => {
  let v = values;
  for (const step of at) {
    if (typeof v !== 'object' || v === null || !(step in v)) return false;
    v = (v as Record<PropertyKey, unknown>)[step];
  }
  return true;
};

/** @param main  which of them is the file; what stands before it are policies */
function combine(layers: readonly Layer[], mainAt = 0): ParsedConfig {
  const faults = layers.flatMap(layerFaults);
  const main = layers[mainAt];
  if (faults.length > 0 || main === undefined) return { config: undefined, faults };
  const values = layers.map((l) => resolved(l.values, path.dirname(l.file))).reduce(merged);
  const where = (at: readonly (string | number)[]): string => {
    // Who said it last; where nobody did, the first file is where it could stand.
    const layer = layers.findLast((l) => has(l.values, at)) ?? main;
    const { line, column } = layer.placeOf(at, false);
    return `${layer.file}:${line}:${column}`;
  };
  return { config: { ...configSchema.parse(values), file: main.file, where }, faults: [] };
}

/** @param file as complaints name it; paths in the text are relative to its folder */
export const parseConfig = (text: string, file: string): ParsedConfig => combine([readLayer(text, file)]);

/** Drop-ins: FILE.d/*.yaml, by name. What one says takes the place of what the file, or one before it, said. */
export function dropIns(file: string): string[] {
  const folder = `${file}.d`;
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml') && !name.startsWith('.'))
    .sort()
    .map((name) => path.join(folder, name));
}

/** What is wrong with a policy: settings of these groups, for where a configuration says nothing. */
export function policyFaults(text: string, file: string, groups: readonly string[]): readonly ConfigFault[] {
  const layer = readLayer(text, file);
  const keys = isGroup(layer.values) ? Object.keys(layer.values) : [];
  const refused = keys
    .filter((key) => !groups.includes(key))
    .map((key) => ({
      ...{ file, ...layer.placeOf([key], true), message: `${key}: a pack may not set this here` },
      hint: groups.length === 0 ? 'content.policy names no group' : `content.policy names ${groups.join(', ')}`,
    }));
  return [...layerFaults(layer), ...refused];
}

/**
 * Every complaint about the file; a fault when it cannot be read at all.
 * @param policies  files whose settings hold where neither it nor its drop-ins say anything
 */
export function checkConfig(file: string, policies: readonly string[] = []): Result<ParsedConfig> {
  const layers: Layer[] = [];
  let at = file;
  try {
    for (at of [...policies, file, ...dropIns(file)]) {
      if (statSync(at).size > CONFIG_BYTES_MAX)
        return failure('config_invalid', `${at}: longer than ${CONFIG_BYTES_MAX} bytes`, 'name the configuration file');
      layers.push(readLayer(readFileSync(at, 'utf8'), at));
    }
    return success(combine(layers, policies.length));
  } catch (error) {
    return { ok: false, fault: systemFault('config_invalid', at, error) };
  }
}

/** Without a file: the defaults. A fault tells the first complaint and how many there are; `config check` tells all. */
export function loadConfig(file: string | undefined, policies: readonly string[] = []): Result<Config> {
  if (file === undefined) return success({ ...configSchema.parse({}), file, where: () => 'the defaults' });
  const checked = checkConfig(file, policies);
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

/** As certificates and references have it: what of the machine's name may stand there. */
export const sensorName = (config: Config, machine = hostname()): string =>
  config.sensor.name ??
  (machine
    .toLowerCase()
    .replace(/\..*$/, '')
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 32) ||
    'sensor');
