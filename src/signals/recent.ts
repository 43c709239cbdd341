// The distinct things that one key met lately: a window that slides, and never holds more than `max` of them.
//
// Every value has the time of its last touch and stands in that order, so that what is too old stands in front and goes
// in constant time on average. When there is no room the oldest value goes; a threshold above `max` would never be
// reached, so signals keep theirs below.
import type { Codec } from './keyed.ts';

/** Of flows and records, those kept as evidence. */
const TRAIL = 8;

/** Appends to a ring that may be a shared empty array: then a new one is made. */
export function pushRing<T>(ring: T[], value: T, max: number): T[] {
  if (ring.length === 0) return [value];
  if (ring.length >= max) ring.shift();
  ring.push(value);
  return ring;
}

const NO_TEXTS: string[] = [];

export class Recent {
  /** Value to its last touch [us], oldest first. */
  readonly values = new Map<string, number>();
  /** The last flows and records that brought a value. */
  uids: string[] = NO_TEXTS;
  refs: string[] = NO_TEXTS;
  /** UTC day on which something was last said of this key. */
  private told = -1;

  /** True the first time on a UTC day. */
  firstOn(day: number): boolean {
    const isFirst = this.told !== day;
    this.told = day;
    return isFirst;
  }

  /** How many distinct values were met within `window` [us] up to `at`, this one included. */
  add(value: string, at: number, window: number, max: number): number {
    this.values.delete(value);
    this.expire(at, window);
    if (this.values.size >= max) this.values.delete(this.values.keys().next().value as string);
    this.values.set(value, at);
    return this.values.size;
  }

  expire(at: number, window: number): void {
    for (const [value, touched] of this.values) {
      if (at - touched <= window) return;
      this.values.delete(value);
    }
  }

  trail(uid: string, ref: string): void {
    this.uids = pushRing(this.uids, uid, TRAIL);
    this.refs = pushRing(this.refs, ref, TRAIL);
  }

  get size(): number {
    return this.values.size;
  }

  /** Time of the value touched longest ago; `otherwise` when there is none. */
  since(otherwise: number): number {
    for (const at of this.values.values()) return at;
    return otherwise;
  }

  /** The first few values, oldest first: for explanations. */
  some(n: number): string {
    const all = [...this.values.keys()].slice(0, n);
    return all.join(', ') + (this.values.size > n ? ', ...' : '');
  }

  pack(): unknown[] {
    return [[...this.values.keys()], [...this.values.values()], this.uids, this.refs, this.told];
  }

  static unpack(stored: readonly unknown[]): Recent {
    const [values, times, uids, refs, told] = stored as [string[], number[], string[], string[], number];
    const r = new Recent();
    values.forEach((value, i) => {
      r.values.set(value, times[i] as number);
    });
    r.uids = uids;
    r.refs = refs;
    r.told = told;
    return r;
  }
}

export const recentCodec: Codec<Recent> = {
  pack: (r) => r.pack(),
  unpack: (stored) => Recent.unpack(stored as unknown[]),
};
