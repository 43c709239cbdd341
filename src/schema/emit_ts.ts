// The TypeScript side: the types of decoded events, and what encoder and decoder need to know about each field.
import { banner } from './emit_cpp.ts';
import { type BaseType, ENVELOPES, type Field, type Kind, pascal, type Schema } from './model.ts';

const TS_TYPE: Readonly<Record<BaseType, string>> = {
  time: 'number',
  duration: 'number',
  ip: 'string',
  uid: 'string',
  mac: 'string',
  bool: 'boolean',
  u8: 'number',
  u16: 'number',
  u32: 'number',
  u64: 'number',
  i32: 'number',
  i64: 'number',
  f64: 'number',
  text: 'string',
};

function property(f: Field): string {
  const type = f.list ? `readonly ${TS_TYPE[f.type]}[]` : `${TS_TYPE[f.type]}${f.optional ? ' | null' : ''}`;
  const unit = f.type === 'time' ? ' [us since the epoch]' : f.unit ? ` [${f.unit}]` : '';
  return `  /** ${f.brief}${unit} */\n  readonly ${f.name}: ${type};\n`;
}

export function eventsTs(s: Schema): string {
  const kinds = [...s.kinds];
  const one = (k: Kind): string => `/** ${k.brief} */
export interface ${pascal(k.name)}Event extends ${k.envelope === 'flow' ? 'FlowEnvelope' : 'Envelope'} {
${k.own.map(property).join('')}}
`;
  return `${banner('*.schema.yaml')}// A record's fields keep the schema's spelling. Texts are as the record has
// them: a byte that was no UTF-8 is \\xNN, a backslash is \\\\.

/** What every event has. */
export interface Envelope {
${ENVELOPES.none.map(property).join('')}}

/** What every event of a flow has. */
export interface FlowEnvelope extends Envelope {
${ENVELOPES.flow.slice(ENVELOPES.none.length).map(property).join('')}}

${kinds.map(one).join('\n')}
/** The type of each kind, by its name. */
export interface EventOf {
${kinds.map((k) => `  readonly ${k.name}: ${pascal(k.name)}Event;\n`).join('')}}

export type KindName = keyof EventOf;
export type CatenaryEvent = EventOf[KindName];
`;
}

export function structuresTs(s: Schema): string {
  const meta = (f: Field): string => {
    const flags = [f.list ? 'L' : '', f.optional ? 'O' : '', f.index ? 'I' : ''].join('');
    const args = [`'${f.name}'`, `'${f.type}'`, `'${flags}'`, f.cap, f.capItems];
    if (f.redact) args.push(`'${f.redact}'`);
    return `    field(${args.join(', ')}),\n`;
  };
  const one = (k: Kind): string => `  ${k.name}: [
${k.fields.map(meta).join('')}  ],
`;
  return `${banner('*.schema.yaml')}import type { BaseType } from '${'..'}/model.ts';
import type { KindName } from './events.gen.ts';

export interface FieldMeta {
  readonly name: string;
  readonly type: BaseType;
  readonly list: boolean;
  readonly optional: boolean;
  /** A lookup key in the store. */
  readonly index: boolean;
  /** Most bytes of a text, 0 for other types. */
  readonly cap: number;
  /** Most items of a list, 0 for single values. */
  readonly capItems: number;
  /** What must be hidden on export, if anything. */
  readonly redact: string | undefined;
}

const field = (
  name: string,
  type: BaseType,
  flags: string,
  cap: number,
  capItems: number,
  redact?: string,
): FieldMeta => ({
  name,
  type,
  list: flags.includes('L'),
  optional: flags.includes('O'),
  index: flags.includes('I'),
  cap,
  capItems,
  redact,
});

/** The number of each kind on the wire. */
export const KIND_IDS = {
${s.kinds.map((k) => `  ${k.name}: ${k.kind},\n`).join('')}} as const satisfies Readonly<Record<KindName, number>>;

/** Name by number; a hole is no kind. */
export const KIND_NAMES: readonly (KindName | undefined)[] = [
${Array.from({ length: Math.max(0, ...s.kinds.map((k) => k.kind)) + 1 }, (_, i) => {
  const k = s.kinds.find((x) => x.kind === i);
  return `  ${k ? `'${k.name}'` : 'undefined'},\n`;
}).join('')}];

/** Whether a kind begins with the flow envelope. */
export const HAS_FLOW: Readonly<Record<KindName, boolean>> = {
${s.kinds.map((k) => `  ${k.name}: ${k.envelope === 'flow'},\n`).join('')}};

/** Fields of each kind in record order. */
export const FIELDS: Readonly<Record<KindName, readonly FieldMeta[]>> = {
${s.kinds.map(one).join('')}};

/** msgpackr's \`structures\` for an Unpackr of one kind: the names of record id 0x40. */
export const structuresOf = (kind: KindName): string[][] => [FIELDS[kind].map((f) => f.name)];

/** Every weird and what it means. */
export const WEIRDS: Readonly<Record<string, string>> = {
${s.weirds.map((w) => `  ${w.name}: ${JSON.stringify(w.brief)},\n`).join('')}};
`;
}
