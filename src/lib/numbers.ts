// Numbers as text, where JavaScript's own way would lose digits or be hard to read.

const SIX = 1_000_000;

/** Microseconds as seconds with six decimals. By digits: as a quotient of doubles the last one would be off. */
export function secondsText(us: number): string {
  if (us < 0) return `-${secondsText(-us)}`;
  const digits = String(us);
  if (us < SIX) return `0.${digits.padStart(6, '0')}`;
  // Past 2^53 only a broken clock goes, and past 10^21 String() would write an exponent.
  if (us >= 1e21) return `${us / SIX}`;
  const point = digits.length - 6;
  return `${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** From here on a double has no microseconds left to round. */
const ROUNDED_MAX = 2 ** 33;

/** Seconds to the microsecond, without the noise of binary fractions: 0.1 + 0.2 is 0.3. */
export const roundSeconds = (seconds: number): number =>
  Math.abs(seconds) < ROUNDED_MAX ? Math.round(seconds * SIX) / SIX : seconds;

/** A double as JSON: one that is not finite has none, and is null. */
export const doubleJson = (n: number): string => (Number.isFinite(n) ? String(n) : 'null');

/** 12345678 -> "12.3 M". For people; three digits. */
export function countText(n: number): string {
  if (n < 1000) return String(Math.round(n));
  let value = n;
  for (const unit of ['k', 'M', 'G', 'T']) {
    value /= 1000;
    if (value < 999.5 || unit === 'T') return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${unit}`;
  }
  return String(n);
}

/** Seconds as "4 s", "3:05", "1:02:03". */
export function clockText(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  const two = (n: number): string => String(n).padStart(2, '0');
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor((s % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}
