// A bounded table of what a signal remembers per key, durable through the state's Section.
//
// Invariants: at most `max` keys; the least recently touched goes first, and is counted; a key untouched for `idle`
// is gone, whether somebody swept it or not; after save, load and the same touches the table holds the same and
// evicts in the same order. Only keys that changed since the last save are written.
//
// Recency is a number kept with each key, not the order of a Map: a Map's order would not survive a restart.
import { createHash } from 'node:crypto';
import { Packr } from 'msgpackr';
import type { Section } from '../schema/observation.ts';

export interface KeyedLimits {
  /** Most keys at once. */
  readonly max: number;
  /** A key untouched for this long [us] is forgotten; it has nothing to say any more. */
  readonly idle: number;
  /**
   * A key touched less than this ago [us] keeps its place and its time: what is in use all the time would be moved
   * to the front of the list with every event, and each move reads three other keys' memory. 0 unless said.
   */
  readonly grain?: number;
}

/** Between a value and something msgpack can hold: numbers, texts, arrays of them. */
export interface Codec<T> {
  readonly pack: (value: T) => unknown;
  readonly unpack: (stored: unknown) => T;
}

export interface Entry<T> {
  readonly key: string;
  value: T;
  /** Packet time of the last touch [us]. */
  touched: number;
  /** Order among touches: ties of time are real. */
  order: number;
  dirty: boolean;
  newer: Entry<T> | undefined;
  older: Entry<T> | undefined;
  /** The table it is in, among those that share an index. */
  owner: Keyed<T>;
}

/** Keys of several tables that never hold the same key: one lookup finds it wherever it is. */
export type Index<T> = Map<string, Entry<T>>;

export interface KeyedCounts {
  readonly keys: number;
  /** Forgotten because the table was full: what they knew is lost. */
  readonly evicted: number;
  /** Forgotten because nothing happened for `idle`: nothing is lost. */
  readonly expired: number;
}

const packr = new Packr({ useRecords: false });

/** LMDB takes keys to 1978 bytes; three bytes a character at most, and the table's name in front. */
const PLAIN_KEY = 400;

/** Keys hold what attackers wrote: a long one is stored under its hash. */
const storedKey = (key: string): string =>
  key.length <= PLAIN_KEY ? `=${key}` : `#${createHash('sha256').update(key).digest('hex')}`;

export class Keyed<T> {
  readonly table: string;
  readonly limits: KeyedLimits;
  private readonly codec: Codec<T>;
  private readonly section: Section;
  /** Hears of every key that goes, whatever the reason. */
  gone: ((e: Entry<T>) => void) | undefined;
  private readonly map: Index<T>;
  private keys = 0;
  private newest: Entry<T> | undefined;
  private oldest: Entry<T> | undefined;
  private order = 0;
  private readonly dirty: Entry<T>[] = [];
  private readonly removed = new Set<string>();
  private evicted = 0;
  private expired = 0;
  private countsDirty = false;

  constructor(
    table: string,
    limits: KeyedLimits,
    codec: Codec<T>,
    section: Section,
    stored: Iterable<StoredEntry>,
    index: Index<T> = new Map(),
  ) {
    this.table = table;
    this.map = index;
    this.limits = limits;
    this.codec = codec;
    this.section = section;
    const found: Entry<T>[] = [];
    for (const [name, bytes] of stored) {
      const row = packr.unpack(bytes as Buffer) as unknown[];
      if (name === COUNTS) {
        this.evicted = row[0] as number;
        this.expired = row[1] as number;
        this.order = row[2] as number;
        continue;
      }
      const [key, touched, order, value] = row as [string, number, number, unknown];
      const at = { newer: undefined, older: undefined, dirty: false, owner: this };
      found.push({ key, value: codec.unpack(value), touched, order, ...at });
    }
    found.sort((a, b) => a.order - b.order);
    for (const e of found) {
      this.map.set(e.key, e);
      this.keys++;
      this.link(e);
      this.order = Math.max(this.order, e.order);
    }
  }

  get size(): number {
    return this.keys;
  }

  counts(): KeyedCounts {
    return { keys: this.keys, evicted: this.evicted, expired: this.expired };
  }

  /** The entry as it is at `now`, without touching it; it may be of another table that shares the index. */
  get(key: string, now: number): Entry<T> | undefined {
    const e = this.map.get(key);
    if (e === undefined) return undefined;
    if (now - e.touched <= e.owner.limits.idle) return e;
    e.owner.expire(e);
    return undefined;
  }

  /** The value was used and changed: it is the newest now, and will be saved. */
  touch(e: Entry<T>, now: number): void {
    if (now - e.touched < (this.limits.grain ?? 0)) {
      this.mark(e);
      return;
    }
    e.touched = now;
    e.order = ++this.order;
    this.mark(e);
    if (this.newest !== e) {
      this.unlink(e);
      this.link(e);
    }
  }

  /** The value changed without being used: saved, but no younger. */
  mark(e: Entry<T>): void {
    if (e.dirty) return;
    e.dirty = true;
    this.dirty.push(e);
  }

  /** A key that get() does not find. Makes room by forgetting the oldest; `lost` hears of it before it goes. */
  add(key: string, value: T, now: number, lost?: (e: Entry<T>) => void): Entry<T> {
    while (this.keys >= this.limits.max && this.oldest !== undefined) {
      const victim = this.oldest;
      if (now - victim.touched > this.limits.idle) {
        this.expire(victim);
        continue;
      }
      lost?.(victim);
      this.remove(victim);
      this.evicted++;
      this.countsDirty = true;
    }
    const at = { newer: undefined, older: undefined, dirty: false, owner: this };
    const e: Entry<T> = { key, value, touched: now, order: ++this.order, ...at };
    this.map.set(key, e);
    this.keys++;
    this.removed.delete(key);
    this.link(e);
    this.mark(e);
    return e;
  }

  remove(e: Entry<T>): void {
    if (e.owner !== this || this.map.get(e.key) !== e) return;
    this.map.delete(e.key);
    this.keys--;
    this.unlink(e);
    this.removed.add(e.key);
    this.gone?.(e);
  }

  /** Forgets what is idle at `now`. Only memory is saved by it: get() does not see idle keys anyway. */
  sweep(now: number): void {
    if (!Number.isFinite(now)) return;
    while (this.oldest !== undefined && now - this.oldest.touched > this.limits.idle) this.expire(this.oldest);
  }

  /** From the least to the most recently touched. */
  *entries(): Generator<Entry<T>> {
    for (let e = this.oldest; e !== undefined; ) {
      const next: Entry<T> | undefined = e.newer;
      yield e;
      e = next;
    }
  }

  save(): void {
    for (const key of this.removed) this.section.remove(this.stored(key));
    this.removed.clear();
    for (const e of this.dirty) {
      e.dirty = false;
      if (this.map.get(e.key) !== e) continue;
      this.section.put(this.stored(e.key), packr.pack([e.key, e.touched, e.order, this.codec.pack(e.value)]));
    }
    this.dirty.length = 0;
    if (this.countsDirty) {
      this.section.put(`${this.table}/${COUNTS}`, packr.pack([this.evicted, this.expired, this.order]));
      this.countsDirty = false;
    }
  }

  private stored(key: string): string {
    return `${this.table}/${storedKey(key)}`;
  }

  private expire(e: Entry<T>): void {
    this.remove(e);
    this.expired++;
    this.countsDirty = true;
  }

  private link(e: Entry<T>): void {
    e.older = this.newest;
    e.newer = undefined;
    if (this.newest !== undefined) this.newest.newer = e;
    this.newest = e;
    this.oldest ??= e;
  }

  private unlink(e: Entry<T>): void {
    if (e.older === undefined) this.oldest = e.newer;
    else e.older.newer = e.newer;
    if (e.newer === undefined) this.newest = e.older;
    else e.newer.older = e.older;
    e.older = undefined;
    e.newer = undefined;
  }
}

/** Name of the row that holds the counters; a key's name starts with = or #. */
const COUNTS = '!counts';

/** A row of one table: what follows `table/` in its key, and its bytes. */
export type StoredEntry = readonly [name: string, bytes: Uint8Array];

/** The section's rows by table; a table's name holds one slash: `beacon/kept/=key`. */
export function byTable(section: Section): Map<string, StoredEntry[]> {
  const tables = new Map<string, StoredEntry[]>();
  for (const [key, bytes] of section.entries()) {
    const first = key.indexOf('/');
    const second = key.indexOf('/', first + 1);
    if (first < 0 || second < 0) continue;
    const table = key.slice(0, second);
    let rows = tables.get(table);
    if (rows === undefined) {
      rows = [];
      tables.set(table, rows);
    }
    rows.push([key.slice(second + 1), bytes]);
  }
  return tables;
}

/** Counts of a number that says when: at most one `true` a key and UTC day. */
export const dayCodec: Codec<number> = { pack: (day) => day, unpack: (stored) => stored as number };

/** True the first time for a key on a UTC day, and remembers it. */
export function firstToday(days: Keyed<number>, key: string, day: number, now: number): boolean {
  const e = days.get(key, now);
  if (e === undefined) {
    days.add(key, day, now);
    return true;
  }
  if (e.value === day) return false;
  e.value = day;
  days.touch(e, now);
  return true;
}
