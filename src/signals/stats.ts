// Robust statistics over small rings of numbers: medians do not care about the one odd value that a mean would follow.
//
// All functions take their input sorted ascending where they say so, and are total: an empty input gives 0, never NaN.

/** Sorts the first `n` values in place; for the few dozen values of a ring this beats the library's sort. */
export function sortSmall(v: Float64Array, n: number): void {
  for (let i = 1; i < n; i++) {
    const x = v[i] as number;
    let j = i - 1;
    while (j >= 0 && (v[j] as number) > x) {
      v[j + 1] = v[j] as number;
      j--;
    }
    v[j + 1] = x;
  }
}

/** The q-quantile (0..1) of the first `n` sorted values, linear between neighbours. */
export function quantile(sorted: Float64Array, n: number, q: number): number {
  if (n <= 0) return 0;
  const at = (n - 1) * q;
  const low = Math.floor(at);
  const a = sorted[low] as number;
  const b = sorted[Math.min(low + 1, n - 1)] as number;
  return a + (b - a) * (at - low);
}

export const median = (sorted: Float64Array, n: number): number => quantile(sorted, n, 0.5);

/** Median absolute deviation from `center`. `scratch` holds at least n values and is overwritten. */
export function medianAbsoluteDeviation(v: Float64Array, n: number, center: number, scratch: Float64Array): number {
  for (let i = 0; i < n; i++) scratch[i] = Math.abs((v[i] as number) - center);
  sortSmall(scratch, n);
  return median(scratch, n);
}

/**
 * Bowley's quartile skewness, -1..1; 0 is symmetric. Where the median is a quartile itself there is no shape to speak of, and
 * the answer is 0.
 */
export function bowleySkew(sorted: Float64Array, n: number): number {
  const q1 = quantile(sorted, n, 0.25);
  const q2 = quantile(sorted, n, 0.5);
  const q3 = quantile(sorted, n, 0.75);
  if (q3 <= q1 || q2 === q1 || q2 === q3) return 0;
  return (q1 + q3 - 2 * q2) / (q3 - q1);
}

/** How regular a ring of gaps is. */
export interface Regularity {
  /** Median gap, after folding. */
  readonly period: number;
  /** Median absolute deviation over the median: 0 metronome, about 0.7 chance. */
  readonly jitter: number;
  readonly skew: number;
  /** Share of gaps within `tolerance` of the period or of a few of them. */
  readonly onBeat: number;
  /** Beats that are missing inside the gaps. */
  readonly missed: number;
}

/** At most this share of the gaps may be explained by missed beats: with more, anything can be made to look regular. */
const FOLDED_SHARE_MAX = 0.25;
/** A gap of more periods than this is a pause, not a few missed beats. */
const FOLD_MAX = 4;

const work = new Float64Array(64);
const folded = new Float64Array(64);
const scratch = new Float64Array(64);
/** Most gaps that `regularity` looks at. */
export const GAPS_MAX = 64;

/**
 * Regularity of gaps between beats: median absolute deviation and quartile skewness of the gaps (the measures RITA made known),
 * after gaps of two to four whole periods were folded back into one.
 * @param gaps  any unit, none negative, at most GAPS_MAX
 * State: none. Cost: O(n^2) moves of a small sort, n <= GAPS_MAX.
 */
export function regularity(gaps: readonly number[], tolerance: number): Regularity {
  const n = Math.min(gaps.length, GAPS_MAX);
  if (n === 0) return { period: 0, jitter: 1, skew: 0, onBeat: 0, missed: 0 };
  for (let i = 0; i < n; i++) work[i] = gaps[i] as number;
  sortSmall(work, n);
  let period = median(work, n);
  if (period <= 0) return { period: 0, jitter: 1, skew: 0, onBeat: 0, missed: 0 };
  let budget = Math.floor(n * FOLDED_SHARE_MAX);
  let missed = 0;
  for (let i = 0; i < n; i++) {
    const g = work[i] as number;
    const k = Math.round(g / period);
    if (budget > 0 && k >= 2 && k <= FOLD_MAX && Math.abs(g / period - k) <= tolerance) {
      folded[i] = g / k;
      missed += k - 1;
      budget--;
    } else {
      folded[i] = g;
    }
  }
  if (missed > 0) {
    sortSmall(folded, n);
    period = median(folded, n);
  }
  let on = 0;
  for (let i = 0; i < n; i++) if (Math.abs((folded[i] as number) / period - 1) <= tolerance) on++;
  const jitter = medianAbsoluteDeviation(folded, n, period, scratch) / period;
  return { period, jitter, skew: bowleySkew(folded, n), onBeat: on / n, missed };
}

/** How alike sizes are: 1 all the same, 0 anything. */
export function likeness(sizes: readonly number[]): { readonly median: number; readonly likeness: number } {
  const n = Math.min(sizes.length, GAPS_MAX);
  for (let i = 0; i < n; i++) work[i] = sizes[i] as number;
  sortSmall(work, n);
  const m = median(work, n);
  const spread = medianAbsoluteDeviation(work, n, m, scratch);
  return { median: m, likeness: m > 0 ? Math.max(0, 1 - spread / m) : spread === 0 ? 1 : 0 };
}
