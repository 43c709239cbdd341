// The index of a segment (native/packets/index.h has its layout): where the packets of a flow lie, and which flows have
// an address or a port. By binary search, a few reads whatever its size. What is read is checked as a stranger's.
import type { Readable } from './blocks.ts';
import type { Span } from './extract.ts';
import type { Plan } from './terms.ts';

const HEADER = 32;
const FLOW = 32;
const PLACE = 8;
const TERM = 12;
/** In the number of a flow's places. */
const CUT = 2 ** 31;

export interface Place {
  readonly offset: number;
  readonly bytes: number;
}

/** Rows of flows; undefined: all of them. */
type Rows = ReadonlySet<number> | undefined;

export class Index {
  readonly flows: number;
  readonly places: number;
  readonly terms: number;
  private readonly file: Readable;

  private constructor(file: Readable, flows: number, places: number, terms: number) {
    this.file = file;
    this.flows = flows;
    this.places = places;
    this.terms = terms;
  }

  /** Undefined: it is none, or contradicts itself. */
  static open(file: Readable): Index | undefined {
    const head = file.at(0, HEADER);
    if (head.length < HEADER || head.toString('latin1', 0, 8) !== 'CTNYIDX2') return undefined;
    const [flows, places, terms] = [head.readUInt32LE(8), head.readUInt32LE(12), head.readUInt32LE(24)];
    const size = HEADER + flows * FLOW + places * PLACE + terms * TERM;
    return size === file.size ? new Index(file, flows, places, terms) : undefined;
  }

  /** Of a flow by its number; undefined when the index contradicts itself. */
  placesOf(flow: bigint): Place[] | undefined {
    const row = this.lowest(this.flows, (i) => this.flowRow(i).readBigUInt64LE(0) >= flow);
    if (row >= this.flows) return [];
    const found = this.flowRow(row);
    return found.readBigUInt64LE(0) === flow ? this.placesIn(found) : [];
  }

  /** Whether a cutoff left packets of the flow out of the segment. */
  wasCut(flow: bigint): boolean {
    const isCut = (row: Buffer, of: bigint): boolean =>
      row.length === FLOW && row.readBigUInt64LE(0) === of && row.readUInt32LE(12) >= CUT;
    // Of flow 0: there were more than are noted.
    if (this.flows > 0 && isCut(this.flowRow(0), 0n)) return true;
    const row = this.lowest(this.flows, (i) => this.flowRow(i).readBigUInt64LE(0) >= flow);
    return row < this.flows && isCut(this.flowRow(row), flow);
  }

  /** Of packets that may pass: of the plan's flows, and of what belongs to no flow. Ascending, each once. */
  offsets(plan: Plan, span: Span): Uint32Array {
    const rows = this.rowsOf(plan);
    const offsets: number[] = [];
    const take = (row: Buffer): void => {
      if (row.readBigUInt64LE(16) > span.to || row.readBigUInt64LE(24) < span.from) return;
      for (const { offset } of this.placesIn(row) ?? []) offsets.push(offset);
    };
    if (rows === undefined) {
      const all = this.file.at(HEADER, this.flows * FLOW);
      for (let i = 0; i < this.flows; i++) take(all.subarray(i * FLOW, (i + 1) * FLOW));
    } else {
      const first = this.flows > 0 ? this.flowRow(0) : undefined;
      // ARP, fragments: libpcap may find the address in them.
      if (first?.readBigUInt64LE(0) === 0n) take(first);
      for (const row of rows) if (row < this.flows) take(this.flowRow(row));
    }
    const sorted = Uint32Array.from(offsets).sort();
    return sorted.filter((offset, i) => i === 0 || offset !== sorted[i - 1]);
  }

  private rowsOf(plan: Plan): Rows {
    if (plan.is === 'any') return undefined;
    if (plan.is === 'term') return this.rowsBetween(plan.low, plan.high);
    const [left, right] = [this.rowsOf(plan.left), this.rowsOf(plan.right)];
    if (left === undefined || right === undefined) return plan.is === 'or' ? undefined : (left ?? right);
    if (plan.is === 'or') return new Set([...left, ...right]);
    return new Set([...left].filter((row) => right.has(row)));
  }

  private rowsBetween(low: bigint, high: bigint): ReadonlySet<number> {
    const termAt = (i: number): bigint => this.termRows(i, 1).readBigUInt64LE(0);
    const from = this.lowest(this.terms, (i) => termAt(i) >= low);
    const to = this.lowest(this.terms, (i) => termAt(i) > high);
    const rows = this.termRows(from, to - from);
    return new Set(Array.from({ length: to - from }, (_, i) => rows.readUInt32LE(i * TERM + 8)));
  }

  private flowRow(i: number): Buffer {
    return this.file.at(HEADER + i * FLOW, FLOW);
  }

  private termRows(i: number, count: number): Buffer {
    return this.file.at(HEADER + this.flows * FLOW + this.places * PLACE + i * TERM, count * TERM);
  }

  private placesIn(flow: Buffer): Place[] | undefined {
    const [first, count] = [flow.readUInt32LE(8), flow.readUInt32LE(12) % CUT];
    if (first + count > this.places) return undefined;
    const rows = this.file.at(HEADER + this.flows * FLOW + first * PLACE, count * PLACE);
    return Array.from({ length: count }, (_, i) => ({
      ...{ offset: rows.readUInt32LE(i * PLACE), bytes: rows.readUInt32LE(i * PLACE + 4) },
    }));
  }

  /** The lowest number for which it holds, of an order in which it holds from somewhere on; `count` when for none. */
  private lowest(count: number, holds: (i: number) => boolean): number {
    let low = 0;
    for (let high = count; low < high; ) {
      const middle = (low + high) >>> 1;
      if (holds(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
