// Lengths of time as chain authors write them: 30s, 15m, 6h, 7d, 8w.

const UNITS: Readonly<Record<string, number>> = { s: 1e6, m: 60e6, h: 3600e6, d: 86_400e6, w: 604_800e6 };

/** Microseconds, or undefined when the text is not a number and one of s, m, h, d, w. */
export function duration(text: string): number | undefined {
  const match = /^(\d{1,6})([smhdw])$/.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

export const DAY = 86_400e6;
