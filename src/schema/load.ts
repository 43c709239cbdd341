// Reads every *.schema.yaml, refuses what is unclear, and returns one Schema in a fixed order.
//
// An author's mistake is an error with file and place, never a default: a cap that is not written is not guessed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import {
  BASE_TYPES,
  type BaseType,
  ENVELOPES,
  type Envelope,
  type Example,
  type Field,
  type Kind,
  type Protocol,
  RECORD_BYTES_MAX,
  recordBytesMax,
  type Schema,
  type Weird,
} from './model.ts';

/** What collectorColumns() adds, and what statements call their own results. */
const STORE_NAME = /^(?:sensor|stored|community_id|orig_host|resp_host|registered_domain|(?:frame|out)_.*)$/;

export class SchemaError extends Error {}

const FILE_KEYS = ['event', 'kind', 'envelope', 'brief', 'source', 'keep_days', 'protocol', 'fields', 'weirds'];
const FIELD_KEYS = [
  ...['id', 'name', 'type', 'unit', 'optional', 'cap', 'cap_items', 'brief', 'source', 'example'],
  ...['index', 'lc', 'redact', 'since', 'deprecated'],
];
const REDACT = ['address', 'person', 'content', 'secret'];
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*$/;
const UNIT_NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
// What the generated C++ could not name; the schema's spelling is used there unchanged.
const CPP_WORDS = new Set(
  (
    'alignas alignof and asm auto bool break case catch char class const continue default delete do double else enum ' +
    'explicit export extern false float for friend goto if inline int long mutable namespace new not operator or ' +
    'private protected public register return short signed sizeof static struct switch template this throw true try ' +
    'typedef typeid union unsigned using virtual void volatile while xor requires concept encode kKind'
  ).split(' '),
);
const RANGES: Partial<Record<BaseType, readonly [number, number]>> = {
  time: [0, Number.MAX_SAFE_INTEGER],
  u8: [0, 0xff],
  u16: [0, 0xffff],
  u32: [0, 0xffffffff],
  u64: [0, Number.MAX_SAFE_INTEGER],
  i32: [-0x80000000, 0x7fffffff],
  i64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

type Raw = Readonly<Record<string, unknown>>;

const isRaw = (v: unknown): v is Raw => typeof v === 'object' && v !== null && !Array.isArray(v);

function knownKeys(at: string, raw: Raw, known: readonly string[]): void {
  for (const key of Object.keys(raw)) if (!known.includes(key)) throw new SchemaError(`${at}: unknown key ${key}`);
}

function text(at: string, raw: Raw, key: string): string {
  const v = raw[key];
  if (typeof v !== 'string' || v === '') throw new SchemaError(`${at}: ${key} must be a text`);
  if (/[\r\n]|\*\//.test(v)) throw new SchemaError(`${at}: ${key} must be one line without a comment end`);
  return v;
}

function count(at: string, raw: Raw, key: string): number {
  const v = raw[key];
  if (typeof v !== 'number' || !Number.isInteger(v) || v < 1) throw new SchemaError(`${at}: ${key} must be 1 or more`);
  return v;
}

function flag(at: string, raw: Raw, key: string): boolean {
  const v = raw[key] ?? false;
  if (typeof v !== 'boolean') throw new SchemaError(`${at}: ${key} must be true or false`);
  return v;
}

function checkItem(at: string, type: BaseType, cap: number, v: unknown): void {
  const range = RANGES[type];
  const good = range
    ? typeof v === 'number' && Number.isInteger(v) && v >= range[0] && v <= range[1]
    : type === 'bool'
      ? typeof v === 'boolean'
      : type === 'f64' || type === 'duration'
        ? typeof v === 'number'
        : typeof v === 'string' && (type !== 'text' || Buffer.byteLength(v) <= cap);
  if (!good) throw new SchemaError(`${at}: example is not a ${type}`);
  if (type === 'uid' && !/^C[0-9A-Za-z]{11}$/.test(v as string)) throw new SchemaError(`${at}: example is not a uid`);
  if (type === 'mac' && !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(v as string))
    throw new SchemaError(`${at}: example is not a mac`);
}

function readField(file: string, raw: unknown): Field {
  if (!isRaw(raw)) throw new SchemaError(`${file}: a field must be a map`);
  const name = text(file, raw, 'name');
  const at = `${file}: ${name}`;
  knownKeys(at, raw, FIELD_KEYS);
  if (!FIELD_NAME.test(name) || CPP_WORDS.has(name)) throw new SchemaError(`${at}: not a usable name`);
  if (STORE_NAME.test(name)) throw new SchemaError(`${at}: the store has a column of this name beside the fields`);
  const type = text(at, raw, 'type');
  const list = type.startsWith('list of ');
  const base = (list ? type.slice('list of '.length) : type) as BaseType;
  if (!BASE_TYPES.includes(base)) throw new SchemaError(`${at}: unknown type ${type}`);
  const optional = flag(at, raw, 'optional');
  if (list && optional) throw new SchemaError(`${at}: a list is never optional; nothing is an empty list`);
  const cap = base === 'text' ? count(at, raw, 'cap') : 0;
  const capItems = list ? count(at, raw, 'cap_items') : 0;
  if (base !== 'text' && raw.cap !== undefined) throw new SchemaError(`${at}: only a text has a cap`);
  if (!list && raw.cap_items !== undefined) throw new SchemaError(`${at}: only a list has cap_items`);
  const lc = flag(at, raw, 'lc');
  if (lc && base !== 'text') throw new SchemaError(`${at}: only a text has lc`);
  const redact = raw.redact === undefined ? undefined : text(at, raw, 'redact');
  if (redact !== undefined && !REDACT.includes(redact)) throw new SchemaError(`${at}: redact must be one of ${REDACT}`);
  const example = raw.example as Example;
  if (list) {
    if (!Array.isArray(example) || example.length > capItems) throw new SchemaError(`${at}: example is not its list`);
    for (const item of example) checkItem(at, base, cap, item);
  } else checkItem(at, base, cap, example);
  return {
    id: count(at, raw, 'id'),
    name,
    type: base,
    list,
    optional,
    cap,
    capItems,
    unit: raw.unit === undefined ? undefined : text(at, raw, 'unit'),
    brief: text(at, raw, 'brief'),
    source: raw.source === undefined ? undefined : text(at, raw, 'source'),
    example,
    index: flag(at, raw, 'index'),
    lc,
    redact,
    since: raw.since === undefined ? 1 : count(at, raw, 'since'),
    deprecated: raw.deprecated === undefined ? undefined : count(at, raw, 'deprecated'),
  };
}

function readKind(file: string, raw: Raw): Kind {
  const name = text(file, raw, 'event');
  if (!UNIT_NAME.test(name)) throw new SchemaError(`${file}: not a usable event name`);
  const envelope = text(file, raw, 'envelope') as Envelope;
  if (!(envelope in ENVELOPES)) throw new SchemaError(`${file}: envelope must be flow or none`);
  const kind = count(file, raw, 'kind');
  if (kind > 255) throw new SchemaError(`${file}: kind must be at most 255`);
  if (!Array.isArray(raw.fields)) throw new SchemaError(`${file}: fields must be a list`);
  const own = raw.fields.map((f) => readField(file, f));
  const fields = [...ENVELOPES[envelope], ...own];
  unique(
    file,
    'field name',
    fields.map((f) => f.name),
  );
  unique(
    file,
    'field id',
    own.map((f) => String(f.id)),
  );
  const source = raw.source === undefined ? undefined : text(file, raw, 'source');
  const keepDays = count(file, raw, 'keep_days');
  const read: Kind = { name, kind, envelope, brief: text(file, raw, 'brief'), source, keepDays, file, own, fields };
  const bytes = recordBytesMax(read);
  if (bytes > RECORD_BYTES_MAX)
    throw new SchemaError(`${file}: its caps allow ${bytes} bytes a record, over ${RECORD_BYTES_MAX}`);
  return read;
}

function readProtocol(file: string, raw: unknown): Protocol {
  if (!isRaw(raw)) throw new SchemaError(`${file}: protocol must be a map`);
  knownKeys(`${file}: protocol`, raw, ['name', 'transport', 'ports']);
  const name = text(file, raw, 'name');
  // The registry includes protocols/<name>/<name>.h and uses <name>::kProtocol.
  if (!file.startsWith(`native/protocols/${name}/`))
    throw new SchemaError(`${file}: protocol ${name} in another folder`);
  const transport = text(file, raw, 'transport');
  if (transport !== 'tcp' && transport !== 'udp' && transport !== 'both' && transport !== 'nested')
    throw new SchemaError(`${file}: transport must be tcp, udp, both or nested`);
  const ports = raw.ports ?? [];
  if (!Array.isArray(ports) || !ports.every((p) => Number.isInteger(p) && p > 0 && p < 65536))
    throw new SchemaError(`${file}: ports must be a list of port numbers`);
  return { name, transport, ports };
}

function readWeird(file: string, raw: unknown): Weird {
  if (!isRaw(raw)) throw new SchemaError(`${file}: a weird must be a map`);
  knownKeys(`${file}: weirds`, raw, ['name', 'brief']);
  const name = text(file, raw, 'name');
  if (!UNIT_NAME.test(name) || name.length > 64) throw new SchemaError(`${file}: not a usable weird name: ${name}`);
  return { name, brief: text(`${file}: ${name}`, raw, 'brief'), file };
}

function unique(at: string, what: string, values: readonly string[]): void {
  const seen = new Set<string>();
  for (const v of values) {
    if (seen.has(v)) throw new SchemaError(`${at}: ${what} ${v} twice`);
    seen.add(v);
  }
}

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** Builds a schema out of parsed files; apart from reading, so that tests can feed it. */
export function buildSchema(files: readonly { readonly path: string; readonly content: unknown }[]): Schema {
  const kinds: Kind[] = [];
  const weirds: Weird[] = [];
  const protocols: Protocol[] = [];
  for (const { path, content } of files) {
    if (!isRaw(content)) throw new SchemaError(`${path}: must be a map`);
    knownKeys(path, content, FILE_KEYS);
    if (content.event !== undefined) kinds.push(readKind(path, content));
    else if (content.fields !== undefined || content.kind !== undefined)
      throw new SchemaError(`${path}: fields or kind without event`);
    if (content.protocol !== undefined) protocols.push(readProtocol(path, content.protocol));
    if (content.weirds !== undefined && content.weirds !== null) {
      if (!Array.isArray(content.weirds)) throw new SchemaError(`${path}: weirds must be a list`);
      for (const w of content.weirds) weirds.push(readWeird(path, w));
    }
  }
  unique(
    'schema',
    'event',
    kinds.map((k) => k.name),
  );
  unique(
    'schema',
    'kind number',
    kinds.map((k) => String(k.kind)),
  );
  for (const w of weirds) {
    const other = weirds.find((o) => o !== w && o.name === w.name);
    if (other) throw new SchemaError(`weird ${w.name} both in ${w.file} and ${other.file}`);
  }
  unique(
    'schema',
    'protocol',
    protocols.map((p) => p.name),
  );
  kinds.sort((a, b) => a.kind - b.kind);
  return { kinds, weirds: weirds.sort(byName), protocols: protocols.sort(byName) };
}

function findFiles(root: string, under: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(root, under), { withFileTypes: true })) {
    const path = `${under}/${entry.name}`;
    if (entry.isDirectory() && entry.name !== 'node_modules') found.push(...findFiles(root, path));
    else if (entry.name.endsWith('.schema.yaml')) found.push(path);
  }
  return found;
}

/** Reads all schema files under src/schema/core and native, whatever the order on disk. */
export function loadSchema(root: string): Schema {
  const paths = [...findFiles(root, 'src/schema/core'), ...findFiles(root, 'native')].sort();
  return buildSchema(
    paths.map((path) => {
      try {
        return { path, content: parse(readFileSync(join(root, path), 'utf8')) as unknown };
      } catch (cause) {
        throw new SchemaError(`${path}: ${(cause as Error).message}`, { cause });
      }
    }),
  );
}
