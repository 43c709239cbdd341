// What comes up first, found without looking at the rest: ids by a number, as deadlines by time. An entry whose number
// has changed since is skipped by its owner when it comes up.
//
// In arrays of numbers: a million entries are 16 MB, and nothing for the garbage collector to walk.

interface Entry {
  readonly key: number;
  readonly id: number;
  /** What was given with it. */
  readonly row: number;
}

export class Heap {
  private keys = new Float64Array(64);
  private ids = new Float64Array(64);
  private rows = new Int32Array(64);
  private count = 0;

  get size(): number {
    return this.count;
  }

  clear(): void {
    this.count = 0;
  }

  add(key: number, id: number, row = 0): void {
    if (this.count === this.keys.length) this.grow();
    let i = this.count++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.before(key, id, parent)) break;
      this.move(parent, i);
      i = parent;
    }
    this.keys[i] = key;
    this.ids[i] = id;
    this.rows[i] = row;
  }

  /** The entry with the least key, when that is below `limit`, taken out. Ties come in order of id. */
  take(limit: number): Entry | undefined {
    if (this.count === 0 || (this.keys[0] as number) >= limit) return undefined;
    const top = { key: this.keys[0] as number, id: this.ids[0] as number, row: this.rows[0] as number };
    const last = --this.count;
    const key = this.keys[last] as number;
    const id = this.ids[last] as number;
    const row = this.rows[last] as number;
    let i = 0;
    for (;;) {
      let least = 2 * i + 1;
      if (least >= last) break;
      if (least + 1 < last && this.before(this.keys[least + 1] as number, this.ids[least + 1] as number, least))
        least++;
      if (this.before(key, id, least)) break;
      this.move(least, i);
      i = least;
    }
    this.keys[i] = key;
    this.ids[i] = id;
    this.rows[i] = row;
    return top;
  }

  private before(key: number, id: number, i: number): boolean {
    const other = this.keys[i] as number;
    return key < other || (key === other && id < (this.ids[i] as number));
  }
  private move(from: number, to: number): void {
    this.keys[to] = this.keys[from] as number;
    this.ids[to] = this.ids[from] as number;
    this.rows[to] = this.rows[from] as number;
  }
  private grow(): void {
    const keys = new Float64Array(this.count * 2);
    const ids = new Float64Array(this.count * 2);
    keys.set(this.keys);
    ids.set(this.ids);
    const rows = new Int32Array(this.count * 2);
    rows.set(this.rows);
    this.keys = keys;
    this.ids = ids;
    this.rows = rows;
  }
}
