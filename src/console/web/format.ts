// Times, lengths and amounts as a person reads them. Times are UTC everywhere: two people on two continents read the
// same. Everything here is given in microseconds.
const SECOND = 1e6;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Beyond that no calendar goes [us]. */
const CALENDAR_MAX = 8.64e18;

const iso = (us: number): string | undefined =>
  Number.isFinite(us) && Math.abs(us) <= CALENDAR_MAX ? new Date(Math.floor(us / 1000)).toISOString() : undefined;

/** "2023-11-27 11:00:00". */
export const timeText = (us: number): string => iso(us)?.slice(0, 19).replace('T', ' ') ?? `${us} us`;
/** "2023-11-27 11:00:00.064000 UTC": all that is known. */
export function exactTime(us: number): string {
  const text = iso(us);
  if (text === undefined) return `${us} us`;
  const micros = String(((us % SECOND) + SECOND) % SECOND).padStart(6, '0');
  return `${text.slice(0, 19).replace('T', ' ')}.${micros} UTC`;
}
/** "2023-11-27". */
export const dayText = (us: number): string => timeText(us).slice(0, 10);

const UNITS: readonly (readonly [number, string, string])[] = [
  [365.25 * DAY, 'year', 'y'],
  [DAY, 'day', 'd'],
  [HOUR, 'hour', 'h'],
  [MINUTE, 'minute', 'min'],
  [SECOND, 'second', 's'],
];

/** "30.9 days": the largest unit that holds one, to a tenth; days up to two years. */
export function spanText(us: number): string {
  const length = Math.abs(us);
  for (const [unit, one] of UNITS) {
    if (length < unit || (one === 'year' && length < 2 * unit)) continue;
    const n = Number((length / unit).toFixed(1));
    return `${n} ${one}${n === 1 ? '' : 's'}`;
  }
  return length >= 1000 ? `${Math.round(length / 1000)} ms` : 'at once';
}

/** "30.9 d", for columns. */
export function shortSpan(us: number): string {
  for (const [unit, one, short] of UNITS)
    if (us >= unit && !(one === 'year' && us < 2 * unit)) return `${Number((us / unit).toFixed(1))} ${short}`;
  return us >= 1000 ? `${Math.round(us / 1000)} ms` : '0 s';
}

/** "3 days ago", "in 2 minutes" where a clock is wrong. */
export function agoText(us: number, now: number): string {
  const gone = now - us;
  if (Math.abs(gone) < SECOND) return 'now';
  return gone > 0 ? `${spanText(gone)} ago` : `in ${spanText(-gone)}`;
}

/** "1,234,567". */
export const countText = (n: number): string =>
  Number.isInteger(n) ? String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',') : String(n);

/** "9.0 kB": thousands, as disks and networks count; exact below one. */
export function bytesText(n: number): string {
  if (n < 1000) return `${n} B`;
  let value = n;
  for (const unit of ['kB', 'MB', 'GB', 'TB', 'PB']) {
    value /= 1000;
    if (value < 999.5 || unit === 'PB') return `${value.toFixed(value < 99.95 ? 1 : 0)} ${unit}`;
  }
  return `${n} B`;
}

/** A share as percent with as many digits as tell it from all or nothing: 0.99998 is not 100 %. */
export function shareText(share: number): string {
  if (share === 1 || share === 0) return `${share * 100} %`;
  const rest = Math.min(share, 1 - share) * 100;
  const digits = Math.min(6, Math.max(1, 1 - Math.floor(Math.log10(rest))));
  return `${(share * 100).toFixed(digits)} %`;
}

/** A word of a POSIX shell: what a sensor sent cannot leave its quotes. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", `'\\''`)}'`;

const TICKS: readonly number[] = [
  ...[SECOND, 5 * SECOND, 15 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR],
  ...[DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 56 * DAY, 182 * DAY, 364 * DAY, 1820 * DAY, 3640 * DAY, 10_920 * DAY],
];

/** Round times in from..to, at most `most`, and how to write them. */
export function ticksOf(from: number, to: number, most: number): { readonly at: number; readonly text: string }[] {
  const step = TICKS.find((t) => (to - from) / t <= most);
  if (step === undefined || !(to > from)) return [];
  const ticks: { at: number; text: string }[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to && ticks.length < most; at += step) {
    const text = timeText(at);
    ticks.push({ at, text: step >= DAY ? text.slice(0, 10) : step >= MINUTE ? text.slice(5, 16) : text.slice(11) });
  }
  return ticks;
}
