// How long to wait before something is tried again.
import { randomInt } from 'node:crypto';

export interface Backoff {
  /** Range of the first pause [ms]. */
  readonly first: number;
  /** Range that is never exceeded [ms]. */
  readonly max: number;
}

/**
 * Pause number `n` from 0 [ms]: somewhere in the upper half of a range that doubles, so that a fleet does not move in
 * step.
 */
export function pauseOf(n: number, { first, max }: Backoff, random: (n: number) => number = randomInt): number {
  const range = Math.min(max, first * 2 ** Math.min(n, 30));
  return range / 2 + random(Math.ceil(range / 2));
}
