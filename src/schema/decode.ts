// Batches of records to events. The bytes have been validated natively: what a stranger sent is never decoded here.
//
// A decoder is compiled once for each kind, or for the fields of it that somebody asked for: straight-line code that
// makes one object of one shape. msgpackr reads the same bytes (a test holds the two equal) at about half the speed,
// because it finds out each value's type from its bytes and makes a view for every address.
import type { EventOf, KindName } from './gen/events.gen.ts';
import { FIELDS, type FieldMeta, KIND_NAMES } from './gen/structures.gen.ts';
import { RECORD_ID } from './model.ts';
import { Reader } from './reader.ts';

/** The bytes are not whole records of their kind: they were not validated, or by another schema. */
export class DecodeError extends Error {}

type DecodeOne = (r: Reader) => Record<string, unknown>;

const METHOD: Readonly<Record<FieldMeta['type'], string>> = {
  time: 'time',
  duration: 'f64',
  ip: 'ip',
  uid: 'uid',
  mac: 'text',
  bool: 'bool',
  u8: 'integer',
  u16: 'integer',
  u32: 'integer',
  u64: 'integer',
  i32: 'integer',
  i64: 'integer',
  f64: 'f64',
  text: 'text',
};

/** Bytes of the types that always take the same; the rest says its length at its front. */
const FIXED: Partial<Record<FieldMeta['type'], number>> = {
  time: 9,
  duration: 9,
  ip: 18,
  uid: 13,
  mac: 18,
  bool: 1,
  f64: 9,
};

function skip(f: FieldMeta): string {
  const fixed = f.list || f.optional ? undefined : FIXED[f.type];
  return fixed === undefined ? 'r.skip();' : `r.at += ${fixed};`;
}

// Only names and types of the generated schema become code; nothing of any event does.
function compile(fields: readonly FieldMeta[], wanted: ReadonlySet<string> | undefined): DecodeOne {
  const lines: string[] = [];
  const names: string[] = [];
  fields.forEach((f, i) => {
    if (wanted && !wanted.has(f.name)) {
      lines.push(skip(f));
      return;
    }
    const read = `r.${METHOD[f.type]}()`;
    names.push(`${f.name}: v${i}`);
    if (f.list)
      lines.push(`const v${i} = new Array(r.listLength()); for (let i = 0; i < v${i}.length; i++) v${i}[i] = ${read};`);
    else lines.push(`const v${i} = ${f.optional ? `r.isNil() ? null : ${read}` : read};`);
  });
  return new Function('r', `'use strict';\n${lines.join('\n')}\nreturn { ${names.join(', ')} };`) as DecodeOne;
}

export class Decoder<K extends KindName, F extends keyof EventOf[K] = keyof EventOf[K]> {
  readonly kind: K;
  private readonly one: DecodeOne;
  private readonly reader: Reader;

  /** @param fields  the fields to decode; the rest is stepped over. All when left out. */
  constructor(kind: K, fields?: readonly F[], reader: Reader = new Reader()) {
    const unknown = fields?.find((name) => !FIELDS[kind].some((f) => f.name === name));
    if (unknown !== undefined) throw new RangeError(`${kind} has no field ${String(unknown)}`);
    this.kind = kind;
    this.one = compile(FIELDS[kind], fields && new Set(fields as readonly string[]));
    this.reader = reader;
  }

  /** The events of one batch, in order. Throws DecodeError when the bytes do not end with a record. */
  decode(bytes: Uint8Array): Pick<EventOf[K], F>[] {
    const r = this.reader;
    const events: Record<string, unknown>[] = [];
    r.open(bytes);
    try {
      while (r.at < bytes.length) {
        if (bytes[r.at++] !== RECORD_ID) throw new DecodeError(`no ${this.kind} record at byte ${r.at - 1}`);
        events.push(this.one(r));
      }
    } catch (error) {
      // A number read past the end.
      if (error instanceof RangeError) throw new DecodeError(`a ${this.kind} record is cut off`, { cause: error });
      throw error;
    }
    if (r.at !== bytes.length) throw new DecodeError(`a ${this.kind} record is cut off`);
    return events as Pick<EventOf[K], F>[];
  }
}

const shared = new Reader();
const decoders = new Map<KindName, Decoder<KindName>>();

/** All fields of all events of one batch; `kind` by name or by its number on the wire. */
export function decodeBatch<K extends KindName>(kind: K, bytes: Uint8Array): EventOf[K][];
export function decodeBatch(kind: KindName | number, bytes: Uint8Array): EventOf[KindName][];
export function decodeBatch(kind: KindName | number, bytes: Uint8Array): EventOf[KindName][] {
  const name = typeof kind === 'number' ? KIND_NAMES[kind] : kind;
  if (name === undefined) throw new DecodeError(`no kind ${kind}`);
  let decoder = decoders.get(name);
  if (decoder === undefined) {
    decoder = new Decoder<KindName>(name, undefined, shared);
    decoders.set(name, decoder);
  }
  return decoder.decode(bytes) as EventOf[KindName][];
}
