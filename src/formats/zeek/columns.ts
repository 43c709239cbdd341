// What a log is made of: each log is one table in logs/, data that says which column comes from which field.
import type { EventOf, KindName } from '../../schema/gen/events.gen.ts';

export type ScalarType = 'time' | 'interval' | 'string' | 'enum' | 'addr' | 'port' | 'count' | 'double' | 'bool';
export type ZeekType = ScalarType | `set[${ScalarType}]` | `vector[${ScalarType}]`;

type Scalar = string | number | boolean;
/** Times in microseconds, intervals in seconds, texts as the record has them; null is unset. */
export type Value = Scalar | readonly Scalar[] | null;

/** What a list without items is. Zeek's logs have both: a set that is always there, and one that is only sometimes. */
export type WhenEmpty = 'unset' | '(empty)';

export interface Column {
  readonly name: string;
  readonly type: ZeekType;
  readonly whenEmpty: WhenEmpty;
  readonly value: (event: never) => Value;
}

export interface Log {
  /** The log's name in Zeek, and its file's. */
  readonly path: string;
  readonly kind: KindName;
  readonly columns: readonly Column[];
}

type Source<E> = (keyof E & string) | ((event: E) => Value);

interface Define<E> {
  /** A column named as the field it shows. */
  (name: keyof E & string, type: ZeekType): Column;
  /** A column of another name, or made from several fields. */
  (name: string, type: ZeekType, from: Source<E>, whenEmpty?: WhenEmpty): Column;
}

export function defineLog<K extends KindName>(
  path: string,
  kind: K,
  columns: (col: Define<EventOf[K]>) => readonly Column[],
): Log {
  type E = EventOf[K];
  const col = (
    name: string,
    type: ZeekType,
    from: Source<E> = name as keyof E & string,
    whenEmpty: WhenEmpty = 'unset',
  ) => {
    const value = typeof from === 'function' ? from : (event: E) => event[from] as Value;
    return { name, type, whenEmpty, value };
  };
  return { path, kind, columns: columns(col as Define<E>) };
}

const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmp' };

/** Zeek's transport_proto: it has names for four, the fourth being everything else. */
export const protoName = (proto: number): string => PROTOCOLS[proto] ?? 'unknown_transport';

/** Protocols are lower case here; Zeek writes the source of a file or a weird in capitals. */
export const sourceName = (source: string): string => (source === 'tls' ? 'SSL' : source.toUpperCase());
