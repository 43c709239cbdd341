// What a log is made of: each log is one table in logs/, data that says which column comes from which field.
import type { EventOf, KindName } from '../../schema/gen/events.gen.ts';
import { FIELDS, type FieldMeta } from '../../schema/gen/structures.gen.ts';
import type { BaseType } from '../../schema/model.ts';

export type ScalarType =
  | 'time'
  | 'interval'
  | 'string'
  | 'enum'
  | 'addr'
  | 'port'
  | 'count'
  | 'int'
  | 'double'
  | 'bool';
export type ZeekType = ScalarType | `set[${ScalarType}]` | `vector[${ScalarType}]`;

type Scalar = string | number | boolean;
/**
 * Times in microseconds, intervals in seconds (what is finer, or beyond those, as the text of a number), texts as in
 * the record; null is unset.
 */
export type Value = Scalar | readonly Scalar[] | null;

/** What a list without items is. Zeek's logs have both: a set that is always there, and one that is only sometimes. */
export type WhenEmpty = 'unset' | '(empty)';

/** A record that is being made of a row: fields by their names. */
export type Draft = Record<string, unknown>;
/** What a column's value says of the record, when logs are read. The value is of the column's type. */
export type Back = (value: never, draft: Draft) => void;

export interface Column {
  readonly name: string;
  readonly type: ZeekType;
  readonly whenEmpty: WhenEmpty;
  readonly value: (event: never) => Value;
  /** The field it shows as it is; undefined: it is made from several, or of none. */
  readonly field?: string;
  /** The way back where it shows no field as it is; without both, the column is not read. */
  readonly back?: Back;
}

export interface Log {
  /** The log's name in Zeek, and its file's. */
  readonly path: string;
  readonly kind: KindName;
  readonly columns: readonly Column[];
  /** Events that Zeek, by its own rules, has no row for. */
  readonly beyondZeek: (event: never) => boolean;
  /** What a whole row says besides its columns, when logs are read. */
  readonly complete: (draft: Draft) => void;
}

type Source<E> = (keyof E & string) | ((event: E) => Value);

interface Define<E> {
  /** A column named as the field it shows. */
  (name: keyof E & string, type: ZeekType): Column;
  /** A column of another name, or made from several fields. */
  (name: string, type: ZeekType, from: Source<E>, whenEmpty?: WhenEmpty, back?: Back): Column;
}

type Ends = Record<'orig_h' | 'orig_p' | 'resp_h' | 'resp_p', unknown>;

/** Zeek's conn_id: who began the flow, and the other, where a kind has them. */
export const ends = <E extends Ends>(col: Define<E>): Column[] => [
  col('id.orig_h', 'addr', 'orig_h'),
  col('id.orig_p', 'port', 'orig_p'),
  col('id.resp_h', 'addr', 'resp_h'),
  col('id.resp_p', 'port', 'resp_p'),
];

/** An interval with every digit, as Zeek's JSON has it, for those that a millionth of a second cuts short. */
export const allDigits = (s: number): string => {
  const text = String(s);
  return text.includes('e') ? s.toFixed(20) : text;
};

/** Times of ours that Zeek's logs have no column for, and a flag that only says a value is short. */
const NEVER_SHOWN = ['seen', 'cut'];

const TYPES: Readonly<Record<BaseType, ScalarType>> = {
  time: 'time',
  duration: 'interval',
  ip: 'addr',
  uid: 'string',
  mac: 'string',
  bool: 'bool',
  u8: 'count',
  u16: 'count',
  u32: 'count',
  u64: 'count',
  i32: 'int',
  i64: 'int',
  f64: 'double',
  text: 'string',
};

function fieldColumn({ name, type, list }: FieldMeta): Column {
  const scalar = TYPES[type];
  const value = (event: never): Value => (event as Readonly<Record<string, Value>>)[name] as Value;
  return { name, type: list ? `vector[${scalar}]` : scalar, whenEmpty: 'unset', value, field: name };
}

/**
 * A log: the columns that are named, Zeek's and in Zeek's order, then every field of the kind that none of them shows.
 * A field that is added to the schema is a column at once, and never moves another.
 * @param said    fields that the named columns say in other words
 * @param beyond  what Zeek has no row for: written only when all rows are asked for
 * @param complete  when a row is read: fields that no column says
 */
export function defineLog<K extends KindName>(
  path: string,
  kind: K,
  named: (col: Define<EventOf[K]>) => readonly Column[],
  said: readonly (keyof EventOf[K] & string)[] = [],
  beyond: (event: EventOf[K]) => boolean = () => false,
  complete: (draft: Draft) => void = () => undefined,
): Log {
  type E = EventOf[K];
  const shown = new Set<string>([...NEVER_SHOWN, ...said]);
  const col = (
    name: string,
    type: ZeekType,
    from: Source<E> = name as never,
    whenEmpty: WhenEmpty = 'unset',
    back?: Back,
  ): Column => {
    shown.add(name);
    if (typeof from === 'function') return { name, type, whenEmpty, value: from, ...(back && { back }) };
    shown.add(from);
    return { name, type, whenEmpty, value: (event: E) => event[from] as Value, field: from };
  };
  const columns = named(col as Define<E>);
  const rest = FIELDS[kind].filter((f) => !shown.has(f.name));
  return { path, kind, columns: [...columns, ...rest.map(fieldColumn)], beyondZeek: beyond, complete };
}

const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmp' };

/** Zeek's transport_proto: it has names for four, the fourth being everything else. */
export const protoName = (proto: number): string => PROTOCOLS[proto] ?? 'unknown_transport';

const NUMBERS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17 };
const ICMP6 = 58;

/** The way back. ICMP is that of the addresses; what Zeek has no name for stays as it is. */
export const protoNumber: Back = (name: string, draft) => {
  const number = Object.hasOwn(NUMBERS, name) ? NUMBERS[name] : undefined;
  if (number !== undefined) draft.proto = name === 'icmp' && String(draft.orig_h).includes(':') ? ICMP6 : number;
};

/** Protocols are lower case here; Zeek writes the source of a file or a weird in capitals. */
export const sourceName = (source: string): string => (source === 'tls' ? 'SSL' : source.toUpperCase());

export const sourceBack: Back = (name: string, draft) => {
  draft.source = name === 'SSL' ? 'tls' : name.toLowerCase();
};

/** A column that is the field of its name, but for words that say there is none. */
export const unless =
  (field: string, ...nothing: readonly unknown[]): Back =>
  (value, draft) => {
    if (!nothing.includes(value)) draft[field] = value;
  };
