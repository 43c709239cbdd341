// What must not be known of people is hidden by class, as the schema says of each field (`redact`): kept as it is, put
// out of recognition by a keyed hash, which is the same for the same value, or left out.
//
//   secret    passwords, community strings
//   content   what people read and write: URLs, subjects, names of files
//   person    names of users and of their machines
//   address   IP and MAC addresses
import { createHmac } from 'node:crypto';
import { decodeBatch } from './decode.ts';
import { type EventInput, encodeBatch } from './encode.ts';
import type { EventOf, KindName } from './gen/events.gen.ts';
import { FIELDS, type FieldMeta } from './gen/structures.gen.ts';
import { ipText } from './ip.ts';

export const CLASSES = ['secret', 'content', 'person', 'address'] as const;
export type RedactClass = (typeof CLASSES)[number];
export const MODES = ['keep', 'hash', 'drop'] as const;
export type Mode = (typeof MODES)[number];
export type Policy = Readonly<Record<RedactClass, Mode>>;

const HASHED = 'redacted:';
/** Of the hash, in hex: nobody meets by chance at 2^32 values. */
const DIGITS = 16;
/** What looks like an address in a sentence, IPv4, MAC, IPv6: more is taken than is one, never less. */
const ADDRESSES = new RegExp(
  [
    String.raw`\b\d{1,3}(?:\.\d{1,3}){3}\b`,
    String.raw`\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b`,
    // Behind `ip:` too: so hosts are called that have no other name. Whole, or with a gap; 11:00:00 is a time.
    String.raw`(?:(?<![\w:])|(?<=\bip:))(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?![\w:])`,
    String.raw`(?:(?<![\w:])|(?<=\bip:))(?:[0-9a-f]{1,4}:){0,7}:(?::?[0-9a-f]{1,4}){0,7}(?:\.\d{1,3}){0,3}(?![\w:])`,
  ].join('|'),
  'gi',
);

type Values = Record<string, unknown>;

export class Redactor {
  private readonly policy: Policy;
  private readonly key: Uint8Array;
  private readonly fields = new Map<KindName, readonly FieldMeta[]>();

  /** @param key  who has it can try values against hashes */
  constructor(policy: Policy, key: Uint8Array) {
    this.policy = policy;
    this.key = key;
  }

  modeOf(of: RedactClass): Mode {
    return this.policy[of];
  }

  /** The records as they may be written down; the same bytes where none of them has anything to hide. */
  batch<K extends KindName>(kind: K, bytes: Uint8Array): Uint8Array {
    const hidden = this.hiddenOf(kind);
    if (hidden.length === 0) return bytes;
    const events = decodeBatch(kind, bytes);
    if (!events.some((e) => hidden.some((f) => !isEmpty((e as unknown as Values)[f.name])))) return bytes;
    return encodeBatch(kind, events.map((e) => this.event(kind, e)) as unknown as EventInput<K>[]);
  }

  event<K extends KindName>(kind: K, event: EventOf[K]): EventOf[K] {
    const hidden = this.hiddenOf(kind);
    if (hidden.length === 0) return event;
    const out = { ...(event as unknown as Values) };
    for (const f of hidden) out[f.name] = this.value(f, out[f.name]);
    return out as unknown as EventOf[K];
  }

  /** A sentence without addresses, where those are hidden, and without these texts. */
  sentence(text: string, texts: readonly string[] = []): string {
    const mode = this.policy.address;
    let out = text;
    if (mode !== 'keep') out = out.replace(ADDRESSES, (a) => (mode === 'drop' ? '<address>' : this.hashed(a)));
    // The longest first: one may be a part of another.
    for (const t of [...texts].sort((a, b) => b.length - a.length)) out = out.replaceAll(t, this.hashed(t));
    return out;
  }

  /** Texts of the event that are hidden: what sentences about it must not say either. */
  textsOf<K extends KindName>(kind: K, event: EventOf[K]): string[] {
    return this.hiddenOf(kind)
      .flatMap((f) => (event as unknown as Values)[f.name])
      .filter((v): v is string => typeof v === 'string' && v !== '' && !v.startsWith(HASHED));
  }

  hashed(text: string): string {
    return text.startsWith(HASHED) ? text : `${HASHED}${this.mac(text).toString('hex').slice(0, DIGITS)}`;
  }

  private hiddenOf(kind: KindName): readonly FieldMeta[] {
    let hidden = this.fields.get(kind);
    if (hidden === undefined) {
      hidden = FIELDS[kind].filter((f) => f.redact !== undefined && this.policy[f.redact as RedactClass] !== 'keep');
      this.fields.set(kind, hidden);
    }
    return hidden;
  }

  private value(f: FieldMeta, v: unknown): unknown {
    if (isEmpty(v)) return v;
    const drops = this.policy[f.redact as RedactClass] === 'drop';
    if (f.list) return drops ? [] : (v as unknown[]).map((item) => this.item(f, item));
    if (!drops) return this.item(f, v);
    return f.optional ? null : NOTHING[f.type];
  }

  private item(f: FieldMeta, v: unknown): unknown {
    if (f.type === 'text') return this.hashed(String(v)).slice(0, f.cap);
    const mac = this.mac(String(v));
    // Addresses stay addresses: of the local sort, so that they meet nobody's.
    if (f.type === 'mac') return `02:${mac.toString('hex', 0, 5).replace(/(..)(?=.)/g, '$1:')}`;
    return f.type === 'ip' ? ipText(Buffer.concat([Buffer.of(0xfd), mac.subarray(0, 15)])) : v;
  }

  private mac(text: string): Buffer {
    return createHmac('sha256', this.key).update(text).digest();
  }
}

/** Where a field must have a value. */
const NOTHING: Partial<Readonly<Record<FieldMeta['type'], string>>> = { text: '', ip: '::', mac: '00:00:00:00:00:00' };

const isEmpty = (v: unknown): boolean =>
  v === null || v === undefined || v === '' || (Array.isArray(v) && v.length === 0);
