// A table in memory of what has an end, and its copy in the section: what has changed is written, what has ended goes.
import { createHash } from 'node:crypto';
import type { Section } from '../schema/observation.ts';
import { Heap } from './heap.ts';
import { type Beginning, type OpenAlert, pack, type Rest, unpack } from './partial.ts';

/** Keys of a section are short; what is joined by is as long as a name can be. */
const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

export class KeptTable<T extends OpenAlert | Rest | Beginning> {
  private readonly section: Section;
  private readonly prefix: string;
  private readonly slotOf: (value: T) => string;
  private readonly endOf: (value: T) => number;
  private readonly rows = new Map<string, T>();
  private readonly ids = new Map<number, string>();
  private readonly heap = new Heap();
  /** Slots that have an entry in the heap. */
  private readonly watched = new Set<string>();
  private found: T[] = [];
  private readonly dirty = new Set<string>();
  private nextId = 1;

  /** @param endOf  packet time after which it is of no use; it may grow [us] */
  constructor(section: Section, prefix: string, slotOf: (value: T) => string, endOf: (value: T) => number) {
    this.section = section;
    this.prefix = prefix;
    this.slotOf = slotOf;
    this.endOf = endOf;
  }

  get size(): number {
    return this.rows.size;
  }
  get(slot: string): T | undefined {
    return this.rows.get(slot);
  }

  /** New, or changed: it is the youngest now. */
  put(value: T): void {
    const slot = this.slotOf(value);
    this.rows.delete(slot);
    this.watch(slot, this.endOf(value));
    this.rows.set(slot, value);
    this.dirty.add(slot);
  }

  remove(slot: string): boolean {
    if (!this.rows.delete(slot)) return false;
    this.dirty.add(slot);
    return true;
  }

  /** The one that was not changed for the longest time. */
  get oldest(): string | undefined {
    for (const slot of this.rows.keys()) return slot;
    return undefined;
  }

  advance(watermark: number): void {
    for (let due = this.heap.take(watermark); due !== undefined; due = this.heap.take(watermark)) {
      const slot = this.ids.get(due.id) as string;
      this.ids.delete(due.id);
      this.watched.delete(slot);
      const value = this.rows.get(slot);
      if (value === undefined) continue;
      // What has grown since is looked at again, at its end.
      if (this.endOf(value) < watermark) this.remove(slot);
      else this.watch(slot, this.endOf(value));
    }
  }

  save(): void {
    for (const slot of this.dirty) {
      const value = this.rows.get(slot);
      const key = this.prefix + digest(slot);
      if (value === undefined) this.section.remove(key);
      else this.section.put(key, pack(value));
    }
    this.dirty.clear();
  }

  /** One entry that an earlier life left; false: it is another table's. */
  loadEntry(key: string, bytes: Uint8Array): boolean {
    if (!key.startsWith(this.prefix)) return false;
    this.found.push(unpack<T>(bytes));
    return true;
  }

  /** All were given: those that are `wanted` go on, in the order of their ends. */
  loaded(wanted: (value: T) => boolean = () => true): void {
    for (const value of this.found.sort((a, b) => this.endOf(a) - this.endOf(b))) {
      const slot = this.slotOf(value);
      if (wanted(value)) {
        this.rows.set(slot, value);
        this.watch(slot, this.endOf(value));
      } else {
        this.dirty.add(slot);
      }
    }
    this.found = [];
  }

  private watch(slot: string, end: number): void {
    if (this.watched.has(slot)) return;
    this.watched.add(slot);
    const id = this.nextId++;
    this.ids.set(id, slot);
    this.heap.add(end, id);
  }
}
