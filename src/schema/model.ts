// What a schema file means once it is read: kinds of events, their fields, weirds and protocols.

export const BASE_TYPES = [
  'time',
  'duration',
  'ip',
  'uid',
  'mac',
  'bool',
  'u8',
  'u16',
  'u32',
  'u64',
  'i32',
  'i64',
  'f64',
  'text',
] as const;
export type BaseType = (typeof BASE_TYPES)[number];

/** A value a schema file may give as an example: what a decoded event would hold. */
export type Example = number | string | boolean | readonly (number | string | boolean)[];

export interface Field {
  readonly id: number;
  readonly name: string;
  readonly type: BaseType;
  readonly list: boolean;
  readonly optional: boolean;
  /** Longest text in bytes once encoded; 0 for other types. */
  readonly cap: number;
  /** Most items of a list; 0 for single values. */
  readonly capItems: number;
  readonly unit: string | undefined;
  readonly brief: string;
  readonly source: string | undefined;
  readonly example: Example;
  /** A lookup key in the store. */
  readonly index: boolean;
  /** Few distinct values: a dictionary column in the store. */
  readonly lc: boolean;
  /** What must be hidden on export, if anything. */
  readonly redact: string | undefined;
  readonly since: number;
  readonly deprecated: number | undefined;
}

export type Envelope = 'flow' | 'none';

export interface Kind {
  readonly name: string;
  readonly kind: number;
  readonly envelope: Envelope;
  readonly brief: string;
  readonly source: string | undefined;
  readonly keepDays: number;
  /** Path of the schema file, relative to the repository. */
  readonly file: string;
  /** Own fields, in record order, after the envelope's. */
  readonly own: readonly Field[];
  /** All fields in record order, envelope first. */
  readonly fields: readonly Field[];
}

export interface Weird {
  readonly name: string;
  readonly brief: string;
  readonly file: string;
}

export interface Protocol {
  readonly name: string;
  /** 'nested': only inside other protocols' messages. */
  readonly transport: 'tcp' | 'udp' | 'both' | 'nested';
  readonly ports: readonly number[];
}

export interface Schema {
  /** By kind number. */
  readonly kinds: readonly Kind[];
  /** By name. */
  readonly weirds: readonly Weird[];
  /** By name. */
  readonly protocols: readonly Protocol[];
}

/** A record is at most this long; a collector refuses a longer one. */
export const RECORD_BYTES_MAX = 65536;
/** The first byte of every record: msgpackr's first record id. */
export const RECORD_ID = 0x40;

const envelopeField = (
  id: number,
  name: string,
  type: BaseType,
  brief: string,
  example: Example,
  more: Partial<Field> = {},
): Field => ({
  id,
  name,
  type,
  list: false,
  optional: false,
  cap: 0,
  capItems: 0,
  unit: undefined,
  brief,
  source: undefined,
  example,
  index: false,
  lc: false,
  redact: undefined,
  since: 1,
  deprecated: undefined,
  ...more,
});

const COMMON: readonly Field[] = [
  envelopeField(1, 'ts', 'time', 'When the fact began', 1700000000000001, { unit: 'us', source: 'Zeek ts' }),
  envelopeField(2, 'seen', 'time', 'Packet time at which the record was complete', 1700000001250001, { unit: 'us' }),
  envelopeField(3, 'cut', 'bool', 'Some value was shortened to its cap', false),
];

/** The envelope can never grow: a field more would move every field behind it. */
export const ENVELOPES: Readonly<Record<Envelope, readonly Field[]>> = {
  none: COMMON,
  flow: [
    ...COMMON,
    envelopeField(4, 'uid', 'uid', 'Flow id', 'C0000000000Z', { source: 'Zeek uid', index: true }),
    envelopeField(5, 'orig_h', 'ip', "Originator's address", '192.0.2.1', {
      source: 'Zeek id.orig_h',
      index: true,
      redact: 'address',
    }),
    envelopeField(6, 'orig_p', 'u16', "Originator's port", 49152, { source: 'Zeek id.orig_p' }),
    envelopeField(7, 'resp_h', 'ip', "Responder's address", '2001:db8::2', {
      source: 'Zeek id.resp_h',
      index: true,
      redact: 'address',
    }),
    envelopeField(8, 'resp_p', 'u16', "Responder's port", 80, { source: 'Zeek id.resp_p' }),
    envelopeField(9, 'proto', 'u8', 'IP protocol number', 6, { source: 'Zeek proto' }),
    envelopeField(10, 'vlan', 'u16', 'Outer VLAN id', 100, { source: 'Zeek vlan', optional: true }),
  ],
};

const FIXED_BYTES: Readonly<Record<BaseType, number>> = {
  time: 9,
  duration: 9,
  ip: 18,
  uid: 13,
  mac: 18,
  bool: 1,
  u8: 2,
  u16: 3,
  u32: 5,
  u64: 9,
  i32: 5,
  i64: 9,
  f64: 9,
  text: 0,
};

/** Most bytes one value of a field can take in a record. */
export const itemBytesMax = (f: Field): number => (f.type === 'text' ? f.cap + 3 : FIXED_BYTES[f.type]);
export const fieldBytesMax = (f: Field): number => (f.list ? 3 + f.capItems * itemBytesMax(f) : itemBytesMax(f));
export const recordBytesMax = (k: Kind): number => 1 + k.fields.reduce((n, f) => n + fieldBytesMax(f), 0);

export const typeText = (f: Field): string => `${f.list ? 'list of ' : ''}${f.type}`;
export const pascal = (name: string): string =>
  name.replace(/(^|_)([a-z0-9])/g, (_all, _sep, c: string) => c.toUpperCase());
