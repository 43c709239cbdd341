// Times as Suricata writes them, in UTC.

const SECOND = 1_000_000;

/** The last moment that an ISO date of four digits can name. */
const LAST = 253_402_300_799;

const seconds = (s: number): string => new Date(Math.min(Math.max(s, 0), LAST) * 1000).toISOString().slice(0, 19);

/** 2026-11-24T18:52:44.000001+0000, from microseconds since the epoch. */
export function stamp(us: number): string {
  const whole = Math.floor(us / SECOND);
  return `${seconds(whole)}.${String(us - whole * SECOND).padStart(6, '0')}+0000`;
}

/** Without a fraction and a zone, as the dates of certificates are. */
export const date = (s: number): string => seconds(s);

export const wholeSeconds = (us: number): number => Math.floor(us / SECOND);
