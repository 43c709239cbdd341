// What an expression can be worth: JavaScript's values, null for a field that is not set, and two answers of memory.
//
// UNKNOWN is what memory says about a time before it began, and spreads by Kleene's rules: false && unknown is false,
// true && unknown is unknown.

export const UNKNOWN = Symbol('unknown');
export type Value = string | number | boolean | null | typeof UNKNOWN | Bound | readonly (string | number)[];

/** A number that memory knows from one side only: prevalence can only be higher, a first sighting only earlier. */
export class Bound {
  readonly known: number;
  readonly side: 'or more' | 'or less';
  /** For 'or less': from this limit on, what lies beyond memory cannot change the answer. */
  readonly since: number;
  constructor(known: number, side: 'or more' | 'or less', since = 0) {
    this.known = known;
    this.side = side;
    this.since = since;
  }
  /** Kleene's answer to `this < limit`. */
  below(limit: number): Value {
    if (this.side === 'or more') return this.known >= limit ? false : UNKNOWN;
    if (this.known < limit) return true;
    return this.since > limit ? UNKNOWN : false;
  }
  /** Kleene's answer to `this > limit`. */
  above(limit: number): Value {
    if (this.side === 'or more') return this.known > limit ? true : UNKNOWN;
    if (this.known <= limit) return false;
    return this.since > limit ? UNKNOWN : true;
  }
}

export function compareBound(op: string, l: Bound, r: number): Value {
  if (op === '<') return l.below(r);
  if (op === '>=') return not(l.below(r));
  if (op === '>') return l.above(r);
  if (op === '<=') return not(l.above(r));
  return UNKNOWN;
}
export const MIRRORED: Readonly<Record<string, string>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

export const not = (v: Value): Value => (v === UNKNOWN ? UNKNOWN : v !== true);

/** Text that a person reads in a story: short, on one line. */
export function shown(v: Value): string {
  if (v === UNKNOWN) return 'unknown';
  if (v === null) return 'unset';
  if (v instanceof Bound) return v.side === 'or more' ? `${v.known} or more` : String(v.known);
  if (typeof v === 'string') return JSON.stringify(v.length > 96 ? `${v.slice(0, 93)}...` : v);
  return Array.isArray(v) ? `[${v.slice(0, 8).map(String).join(', ')}]` : String(v);
}
