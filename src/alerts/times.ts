// Packet times and lengths of time as people read them.

const MS_MAX = 8.64e15;
const SECOND = 1e6;
const UNITS: readonly (readonly [us: number, one: string])[] = [
  [86_400 * SECOND, 'day'],
  [3_600 * SECOND, 'hour'],
  [60 * SECOND, 'minute'],
  [SECOND, 'second'],
];

/** ISO 8601 in UTC, to the microsecond. A time that no calendar has is said as it is. */
export function isoTime(us: number): string {
  const ms = Math.floor(us / 1000);
  if (!Number.isFinite(us) || Math.abs(ms) > MS_MAX) return `${us} us`;
  const micros = String(us - ms * 1000).padStart(3, '0');
  return new Date(ms).toISOString().replace('Z', `${micros}Z`);
}

/** "2023-11-15 00:01:40 UTC". */
export const dateText = (us: number): string => `${isoTime(us).slice(0, 19).replace('T', ' ')} UTC`;

/** "31 days", "7.5 hours": the largest unit that holds one, to a tenth. */
export function spanText(us: number): string {
  for (const [length, one] of UNITS) {
    if (us < length) continue;
    const n = Number((us / length).toFixed(1));
    return `${n} ${one}${n === 1 ? '' : 's'}`;
  }
  return 'at once';
}
