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
 * Bowley's quartile skewness, -1..1; 0 is symmetric. Where the median is a quartile itself there is no shape to speak
 * of, and the answer is 0.
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
  /** Median gap. */
  readonly period: number;
  /** Median absolute deviation over the median: 0 metronome, about 0.7 chance. */
  readonly jitter: number;
  readonly skew: number;
  /** Share of gaps within `tolerance` of the period. */
  readonly onBeat: number;
  /** The same, with gaps of two to four whole periods counted in: a beat or three are missing there, not the rhythm. */
  readonly kept: number;
  /** Beats that are missing inside the gaps. */
  readonly missed: number;
  /** Gaps that were judged: all but the pauses. */
  readonly n: number;
}

/** A gap of more periods than this is a pause, not a few missed beats. */
const FOLD_MAX = 4;
/** At most this share of the gaps are nights; with more, nothing is known. */
const PAUSES_MAX = 0.25;
const NONE: Regularity = { period: 0, jitter: 1, skew: 0, onBeat: 0, kept: 0, missed: 0, n: 0 };

const work = new Float64Array(64);
const scratch = new Float64Array(64);
/** Most gaps that `regularity` looks at. */
export const GAPS_MAX = 64;

/**
 * Regularity of gaps between beats: median absolute deviation and quartile skewness, the measures RITA made known.
 * Both shrug off a quarter of odd gaps, so missed beats need no mending; they only count as kept.
 * @param gaps   any unit, none negative; of more than GAPS_MAX the first are taken
 * @param pause  a gap this long, and of many periods, is a host that slept: it is not judged
 * State: none. Cost: O(n^2) moves of a small sort, n <= GAPS_MAX.
 */
export function regularity(gaps: readonly number[], tolerance: number, pause = Number.POSITIVE_INFINITY): Regularity {
  const all = Math.min(gaps.length, GAPS_MAX);
  for (let i = 0; i < all; i++) work[i] = gaps[i] as number;
  sortSmall(work, all);
  let n = all;
  let period = median(work, all);
  const least = Math.ceil(all * (1 - PAUSES_MAX));
  while (n > least && (work[n - 1] as number) >= pause && (work[n - 1] as number) > (FOLD_MAX + 0.5) * period) n--;
  if (n < all) period = median(work, n);
  if (period <= 0) return NONE;
  let on = 0;
  let folded = 0;
  let missed = 0;
  for (let i = 0; i < n; i++) {
    const ratio = (work[i] as number) / period;
    const k = Math.round(ratio);
    if (Math.abs(ratio - 1) <= tolerance) {
      on++;
    } else if (k >= 2 && k <= FOLD_MAX && Math.abs(ratio - k) <= tolerance / 2) {
      folded++;
      missed += k - 1;
    }
  }
  const jitter = medianAbsoluteDeviation(work, n, period, scratch) / period;
  return { period, jitter, skew: bowleySkew(work, n), onBeat: on / n, kept: (on + folded) / n, missed, n };
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

/** Shannon entropy of the letters [bits]. */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const c of text) counts.set(c, (counts.get(c) ?? 0) + 1);
  let bits = 0;
  for (const n of counts.values()) bits -= (n / text.length) * Math.log2(n / text.length);
  return bits;
}
