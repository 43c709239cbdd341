// Open partials: on disk, found by their rule and key through an index in memory.
//
// A million of them must not be a million objects. What memory holds of each is a row of numbers: a hash of rule and
// key, the deadline, who is next in its bucket. The partial itself lies in the section as bytes, is read when a record
// concerns it, and stays in memory only while it has changed, or was used lately.
import { SipHash } from '../lib/siphash.ts';
import type { Section } from '../schema/observation.ts';
import { Heap } from './heap.ts';
import { type Partial, packPartial, unpackPartial } from './partial.ts';
import type { Rule } from './rule.ts';

/** Read lately, and not changed: up to twice as many. */
const CACHE_MAX = 2048;
/** Changed ones go to the section before there are more: what waits there is bytes. */
const DIRTY_MAX = 16_384;
const ROWS_FIRST = 1024;
const NONE = -1;
/** What left before its time leaves an entry behind: beyond so many, and four for each that is there, they go. */
const STALE_MAX = 4096;
/** Before a partial's bytes: hash of rule and key, deadline, score, rule's hash, next. The index reads that alone. */
const HEADER = 33;
const NEXT_AT = 32;
/** There stands the beginning of the partial itself, where an earlier program wrote it: that had no `next`. */
const NO_NEXT = 0x92;
const startOf = (bytes: Uint8Array): number => (bytes[NEXT_AT] === NO_NEXT ? NEXT_AT : HEADER);
const HASH_KEY = 'hash';
const PREFIX = 'c/';
/** Without a header, as version 1 of the state had them. */
export const PREFIX_V1 = 'p/';

const keyOf = (id: number): string => `${PREFIX}${id.toString(36).padStart(10, '0')}`;
const slotOf = (ruleHash: string, key: string): string => `${ruleHash}\0${key}`;

/** The partials of one text of a rule, oldest first. */
interface OfRule {
  readonly hash: string;
  count: number;
  first: number;
  last: number;
  /** Lowest score first, where the rule evicts by it. */
  readonly scores: Heap | undefined;
}

export class PartialTable {
  private readonly section: Section;
  private readonly sip: SipHash;
  private ids = new Float64Array(ROWS_FIRST);
  private high = new Uint32Array(ROWS_FIRST);
  private low = new Uint32Array(ROWS_FIRST);
  private deadlines = new Float64Array(ROWS_FIRST);
  private scores = new Float64Array(ROWS_FIRST);
  private rules = new Uint16Array(ROWS_FIRST);
  /** The group that comes next; NO_NEXT: not known before it is read. */
  private nexts = new Uint8Array(ROWS_FIRST);
  /** In the same bucket. */
  private inBucket = new Int32Array(ROWS_FIRST);
  /** Of the same rule, by age. */
  private older = new Int32Array(ROWS_FIRST);
  private newer = new Int32Array(ROWS_FIRST);
  private buckets = new Int32Array(ROWS_FIRST).fill(NONE);
  private rows = 0;
  private readonly free: number[] = [];
  private live = 0;
  private readonly heap = new Heap();
  private readonly ofRule: OfRule[] = [];
  private readonly ruleIndex = new Map<string, number>();
  /** Two generations: who was not asked for while the young one filled goes with the old one. */
  private cache = new Map<number, Partial>();
  private cacheOld = new Map<number, Partial>();
  private readonly dirty = new Map<number, Partial>();
  private readonly gone = new Set<number>();
  private nextId = 1;

  constructor(section: Section, rules: Iterable<Rule>) {
    this.section = section;
    this.sip = new SipHash(section.get(HASH_KEY));
    for (const { hash, onFull } of rules) this.addRule(hash, onFull === 'evict-lowest-score');
  }

  get size(): number {
    return this.live;
  }
  newId(): number {
    return this.nextId++;
  }
  count(ruleHash: string): number {
    return this.ruleOf(ruleHash).count;
  }

  /**
   * Those of one rule and key, oldest first.
   * @param wanted  by the group that comes next: others are not read
   */
  at(ruleHash: string, key: string, wanted?: (next: number) => boolean): Partial[] {
    if (this.live === 0) return [];
    this.sip.of(slotOf(ruleHash, key));
    const { high, low } = this.sip;
    const found: Partial[] = [];
    for (let row = this.bucketOf(low); row !== NONE; row = this.inBucket[row] as number) {
      if (this.low[row] !== low || this.high[row] !== high) continue;
      const next = this.nexts[row] as number;
      if (wanted !== undefined && next !== NO_NEXT && !wanted(next)) continue;
      const p = this.read(row);
      if (p.ruleHash === ruleHash && p.key === key) found.push(p);
    }
    return found.length < 2 ? found : found.sort((a, b) => a.id - b.id);
  }

  *all(): Iterable<Partial> {
    for (const { first } of this.ofRule)
      for (let row = first; row !== NONE; row = this.newer[row] as number) yield this.read(row);
  }

  oldest(ruleHash: string): Partial | undefined {
    const { first } = this.ruleOf(ruleHash);
    return first === NONE ? undefined : this.read(first);
  }

  /** Of equal scores the oldest. */
  lowest(ruleHash: string): Partial | undefined {
    const { scores } = this.ruleOf(ruleHash);
    for (let top = scores?.take(Number.POSITIVE_INFINITY); top !== undefined; ) {
      if (this.ids[top.row] === top.id && this.scores[top.row] === top.key) {
        // It may stay after all: who asks decides.
        scores?.add(top.key, top.id, top.row);
        return this.read(top.row);
      }
      top = scores?.take(Number.POSITIVE_INFINITY);
    }
    return undefined;
  }

  insert(p: Partial): void {
    this.nextId = Math.max(this.nextId, p.id + 1);
    this.sip.of(slotOf(p.ruleHash, p.key));
    const row = this.newRow(p.id, this.sip.high, this.sip.low, this.indexOf(p.ruleHash));
    this.dirty.set(row, p);
    this.nexts[row] = p.next;
    this.place(row, p.deadline, p.score);
  }

  /** `p` has changed. */
  touch(p: Partial): void {
    const row = this.rowOf(p);
    this.forget(row);
    this.dirty.set(row, p);
    this.nexts[row] = p.next;
    this.place(row, p.deadline, p.score);
    if (this.dirty.size > DIRTY_MAX) this.flush();
  }

  /** False: it is not there. */
  remove(p: Partial): boolean {
    const row = this.rowOf(p);
    if (row === NONE) return false;
    this.unlink(row);
    this.dirty.delete(row);
    this.forget(row);
    this.ids[row] = 0;
    this.free.push(row);
    this.live--;
    this.gone.add(p.id);
    return true;
  }

  /** The next whose deadline is before `watermark`; of one deadline the oldest first. */
  due(watermark: number): Partial | undefined {
    for (let top = this.heap.take(watermark); top !== undefined; top = this.heap.take(watermark))
      if (this.ids[top.row] === top.id && this.deadlines[top.row] === top.key) return this.read(top.row);
    return undefined;
  }

  /** Everything that has changed, into the section. */
  save(): void {
    if (this.section.get(HASH_KEY) === undefined) this.section.put(HASH_KEY, this.sip.key);
    this.flush();
  }

  /**
   * One entry that an earlier life left; false: it is another table's. `stranger` is given those of rules that are not
   * here, and says as what they go on; undefined: not at all.
   */
  loadEntry(key: string, bytes: Uint8Array, stranger: (p: Partial) => Partial | undefined): boolean {
    if (!key.startsWith(PREFIX)) return false;
    const id = Number.parseInt(key.slice(PREFIX.length), 36);
    this.nextId = Math.max(this.nextId, id + 1);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const rule = this.ruleIndex.get(hex(view.getUint32(24), view.getUint32(28)));
    if (rule !== undefined) {
      const row = this.newRow(id, view.getUint32(0), view.getUint32(4), rule);
      this.nexts[row] = bytes[NEXT_AT] as number;
      this.place(row, view.getFloat64(8), view.getFloat64(16));
      return true;
    }
    const p = stranger(unpackPartial(bytes.subarray(startOf(bytes))));
    if (p === undefined) this.gone.add(id);
    else this.insert(p);
    return true;
  }

  /** Another text of a rule, whose partials go on. */
  addRule(hash: string, byScore: boolean): void {
    this.ruleIndex.set(hash, this.ofRule.length);
    this.ofRule.push({ hash, count: 0, first: NONE, last: NONE, scores: byScore ? new Heap() : undefined });
  }

  private flush(): void {
    for (const id of this.gone) this.section.remove(keyOf(id));
    this.gone.clear();
    for (const [row, p] of this.dirty) {
      const packed = packPartial(p);
      const bytes = new Uint8Array(HEADER + packed.length);
      const view = new DataView(bytes.buffer);
      view.setUint32(0, this.high[row] as number);
      view.setUint32(4, this.low[row] as number);
      view.setFloat64(8, p.deadline);
      view.setFloat64(16, p.score);
      view.setUint32(24, Number.parseInt(p.ruleHash.slice(0, 8), 16));
      view.setUint32(28, Number.parseInt(p.ruleHash.slice(8), 16));
      bytes[NEXT_AT] = p.next;
      bytes.set(packed, HEADER);
      this.section.put(keyOf(p.id), bytes);
      this.keep(row, p);
    }
    this.dirty.clear();
  }

  private read(row: number): Partial {
    const known = this.dirty.get(row) ?? this.cache.get(row) ?? this.cacheOld.get(row);
    if (known !== undefined) return known;
    const bytes = this.section.get(keyOf(this.ids[row] as number)) as Uint8Array;
    const p = unpackPartial(bytes.subarray(startOf(bytes)));
    this.nexts[row] = p.next;
    this.keep(row, p);
    return p;
  }

  private forget(row: number): void {
    this.cache.delete(row);
    this.cacheOld.delete(row);
  }

  private keep(row: number, p: Partial): void {
    this.cache.set(row, p);
    if (this.cache.size <= CACHE_MAX) return;
    this.cacheOld = this.cache;
    this.cache = new Map();
  }

  private rowOf(p: Partial): number {
    this.sip.of(slotOf(p.ruleHash, p.key));
    for (let row = this.bucketOf(this.sip.low); row !== NONE; row = this.inBucket[row] as number)
      if (this.ids[row] === p.id) return row;
    return NONE;
  }

  private bucketOf(low: number): number {
    return this.buckets[low & (this.buckets.length - 1)] as number;
  }
  private ruleOf(hash: string): OfRule {
    return this.ofRule[this.indexOf(hash)] as OfRule;
  }
  private indexOf(hash: string): number {
    return this.ruleIndex.get(hash) as number;
  }

  private place(row: number, deadline: number, score: number): void {
    const id = this.ids[row] as number;
    if (this.deadlines[row] !== deadline) {
      this.deadlines[row] = deadline;
      this.heap.add(deadline, id, row);
      if (this.heap.size > 4 * this.live + STALE_MAX)
        for (const of of this.ofRule) this.refill(this.heap, this.deadlines, of, of === this.ofRule[0]);
    }
    const of = this.ofRule[this.rules[row] as number] as OfRule;
    const before = this.scores[row];
    this.scores[row] = score;
    if (of.scores === undefined || before === score) return;
    of.scores.add(score, id, row);
    if (of.scores.size > 4 * of.count + STALE_MAX) this.refill(of.scores, this.scores, of, true);
  }

  private refill(heap: Heap, keys: Float64Array, { first }: OfRule, isFirst: boolean): void {
    if (isFirst) heap.clear();
    for (let row = first; row !== NONE; row = this.newer[row] as number)
      heap.add(keys[row] as number, this.ids[row] as number, row);
  }

  private newRow(id: number, high: number, low: number, rule: number): number {
    if (this.free.length === 0 && this.rows === this.ids.length) this.grow();
    const row = this.free.pop() ?? this.rows++;
    this.ids[row] = id;
    this.high[row] = high;
    this.low[row] = low;
    this.rules[row] = rule;
    this.deadlines[row] = Number.NaN;
    this.scores[row] = Number.NaN;
    this.link(row);
    const of = this.ofRule[rule] as OfRule;
    this.older[row] = of.last;
    this.newer[row] = NONE;
    if (of.last === NONE) of.first = row;
    else this.newer[of.last] = row;
    of.last = row;
    of.count++;
    this.live++;
    return row;
  }

  private link(row: number): void {
    const bucket = (this.low[row] as number) & (this.buckets.length - 1);
    this.inBucket[row] = this.buckets[bucket] as number;
    this.buckets[bucket] = row;
  }

  private unlink(row: number): void {
    const bucket = (this.low[row] as number) & (this.buckets.length - 1);
    const next = this.inBucket[row] as number;
    let at = this.buckets[bucket] as number;
    if (at === row) this.buckets[bucket] = next;
    while (at !== row) {
      const following = this.inBucket[at] as number;
      if (following === row) this.inBucket[at] = next;
      at = following;
    }
    const of = this.ofRule[this.rules[row] as number] as OfRule;
    const older = this.older[row] as number;
    const newer = this.newer[row] as number;
    if (older === NONE) of.first = newer;
    else this.newer[older] = newer;
    if (newer === NONE) of.last = older;
    else this.older[newer] = older;
    of.count--;
  }

  private grow(): void {
    const size = this.ids.length * 2;
    const larger = <T extends Float64Array | Uint32Array | Int32Array | Uint16Array | Uint8Array>(
      from: T,
      to: T,
    ): T => {
      to.set(from);
      return to;
    };
    this.ids = larger(this.ids, new Float64Array(size));
    this.high = larger(this.high, new Uint32Array(size));
    this.low = larger(this.low, new Uint32Array(size));
    this.deadlines = larger(this.deadlines, new Float64Array(size));
    this.scores = larger(this.scores, new Float64Array(size));
    this.rules = larger(this.rules, new Uint16Array(size));
    this.nexts = larger(this.nexts, new Uint8Array(size));
    this.inBucket = larger(this.inBucket, new Int32Array(size));
    this.older = larger(this.older, new Int32Array(size));
    this.newer = larger(this.newer, new Int32Array(size));
    this.buckets = new Int32Array(size).fill(NONE);
    for (let row = 0; row < this.rows; row++) if (this.ids[row] !== 0) this.link(row);
  }
}

const hex = (high: number, low: number): string =>
  high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
