// A heap of deadlines: what is due is found without looking at what is not. An entry whose time was moved is skipped
// by its owner when it comes up.

export class Deadlines {
  private readonly heap: { at: number; id: number }[] = [];

  get size(): number {
    return this.heap.length;
  }

  add(at: number, id: number): void {
    const heap = this.heap;
    heap.push({ at, id });
    let i = heap.length - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(heap[i], heap[parent])) break;
      [heap[i], heap[parent]] = [heap[parent] as Entry, heap[i] as Entry];
      i = parent;
    }
  }

  /** The earliest entry due before `now`, taken out; undefined when there is none. Ties come in order of id. */
  take(now: number): number | undefined {
    const heap = this.heap;
    const top = heap[0];
    if (top === undefined || top.at >= now) return undefined;
    const last = heap.pop() as Entry;
    if (heap.length > 0) {
      heap[0] = last;
      let i = 0;
      for (;;) {
        const left = 2 * i + 1;
        let least = i;
        if (before(heap[left], heap[least])) least = left;
        if (before(heap[left + 1], heap[least])) least = left + 1;
        if (least === i) break;
        [heap[i], heap[least]] = [heap[least] as Entry, heap[i] as Entry];
        i = least;
      }
    }
    return top.id;
  }
}

type Entry = { at: number; id: number };
const before = (a: Entry | undefined, b: Entry | undefined): boolean =>
  a !== undefined && b !== undefined && (a.at < b.at || (a.at === b.at && a.id < b.id));
