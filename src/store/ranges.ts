// Which frame numbers of one sensor's epoch are in the store: ranges, ascending, never touching.
//
// A log without loss is one range that grows. After an outage the sensor sends live frames first and the backlog beside
// them, so there are a few. A sensor that leaves holes on purpose must not make a million: beyond RANGES_MAX the oldest
// hole is given up, and told.

export interface Range {
  readonly first: number;
  readonly last: number;
}

export const RANGES_MAX = 1024;

export class Ranges {
  private list: Range[];

  /** @param ranges  any order, may overlap and touch: as rows come from the store */
  constructor(ranges: readonly Range[] = []) {
    this.list = [];
    for (const r of [...ranges].sort((a, b) => a.first - b.first)) {
      const end = this.list.at(-1);
      if (end === undefined || r.first > end.last + 1) this.list.push(r);
      else if (r.last > end.last) this.list[this.list.length - 1] = { first: end.first, last: r.last };
    }
  }

  /** Place of the last range that begins at or before `seq`; -1 when there is none. Cost: O(log n). */
  private at(seq: number): number {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.list[middle] as Range).first <= seq) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  has(seq: number): boolean {
    const r = this.list[this.at(seq)];
    return r !== undefined && seq <= r.last;
  }

  /** Adds one number; answers the range that holds it now. */
  add(seq: number): Range {
    const i = this.at(seq);
    const before = this.list[i];
    if (before !== undefined && seq <= before.last) return before;
    const after = this.list[i + 1];
    const joinsBefore = before !== undefined && before.last + 1 === seq;
    const joinsAfter = after !== undefined && seq + 1 === after.first;
    const grown = { first: joinsBefore ? before.first : seq, last: joinsAfter ? after.last : seq };
    this.list.splice(joinsBefore ? i : i + 1, Number(joinsBefore) + Number(joinsAfter), grown);
    return grown;
  }

  /** Closes the oldest hole when there are too many ranges; answers the numbers that are given up. */
  giveUp(): Range | undefined {
    const [a, b] = this.list;
    if (this.list.length <= RANGES_MAX || a === undefined || b === undefined) return undefined;
    this.list.splice(0, 2, { first: a.first, last: b.last });
    return { first: a.last + 1, last: b.first - 1 };
  }

  /** Up to here nothing is missing; 0 when the first frame is. */
  get mark(): number {
    const first = this.list[0];
    return first?.first === 1 ? first.last : 0;
  }

  get all(): readonly Range[] {
    return this.list;
  }
}
