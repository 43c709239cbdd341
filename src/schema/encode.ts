// An event of a named kind as its record.
import type { EventOf, KindName } from './gen/events.gen.ts';
import { FIELDS } from './gen/structures.gen.ts';
import { encodeFields } from './record.ts';

export { escapeText, RecordError, unescapeText } from './record.ts';

// `cut`, optional fields and lists.
type Omittable<T> = {
  [K in keyof T]: K extends 'cut' ? K : null extends T[K] ? K : T[K] extends readonly unknown[] ? K : never;
}[keyof T];
/** What an encoder is given: the event, where unset optional fields, empty lists and `cut` may be left out. */
export type EventInput<K extends KindName> = Omit<EventOf[K], Omittable<EventOf[K]>> & {
  readonly [F in Omittable<EventOf[K]>]?: EventOf[K][F] | undefined;
};

/**
 * The record of one event.
 * @param event  texts as records hold them; raw text goes through escapeText first
 * @throws       RecordError when a value is missing or not of its type: a bug of the caller
 */
export function encodeEvent<K extends KindName>(kind: K, event: EventInput<K>): Buffer {
  return encodeFields(FIELDS[kind], event as Readonly<Record<string, unknown>>);
}

/** Events of one kind as several batches, in their order: none longer than `bytesMax`, unless one record is. */
export function encodeBatches<K extends KindName>(
  kind: K,
  events: readonly (EventInput<K> & { readonly seen: number })[],
  bytesMax = 512 * 1024,
): { kind: K; count: number; firstSeen: number; lastSeen: number; bytes: Buffer }[] {
  const out: { kind: K; count: number; firstSeen: number; lastSeen: number; bytes: Buffer }[] = [];
  let records: Buffer[] = [];
  let size = 0;
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const close = (): void => {
    if (records.length === 0) return;
    out.push({ kind, count: records.length, firstSeen: first, lastSeen: last, bytes: Buffer.concat(records, size) });
    [records, size, first, last] = [[], 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  };
  for (const event of events) {
    const record = encodeEvent(kind, event);
    if (size + record.length > bytesMax) close();
    records.push(record);
    size += record.length;
    first = Math.min(first, event.seen);
    last = Math.max(last, event.seen);
  }
  close();
  return out;
}

/** A run of records, one after another, as a batch holds them. */
export function encodeBatch<K extends KindName>(kind: K, events: readonly EventInput<K>[]): Buffer {
  return Buffer.concat(events.map((e) => encodeEvent(kind, e)));
}
