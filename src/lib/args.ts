// What people type as an option's value, to what the program wants; the fault says what would have been right.
import { failure, type Result, success } from './fault.ts';

/** A whole number in `min`..`max`, digits only: "1e3", "0x10" and "" are mistakes. */
export function wholeNumber(option: string, text: string, min: number, max = Number.MAX_SAFE_INTEGER): Result<number> {
  const n = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (n >= min && n <= max) return success(n);
  const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`;
  return failure('usage', `${option} '${text}' is no whole number`, `give ${range}`);
}

const UNITS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86400 };

/** Seconds: "90", "1.5", "90s", "15m", "2h", "1d"; more than none. */
export function seconds(option: string, text: string): Result<number> {
  const m = /^([0-9]{1,9}(?:\.[0-9]{1,6})?)([smhd]?)$/.exec(text);
  const value = m ? Number(m[1]) * (UNITS[m[2] as string] as number) : 0;
  if (value > 0) return success(value);
  return failure('usage', `${option} '${text}' is no length of time`, 'give seconds, or 90s, 15m, 2h, 1d');
}

/** A point in time: "2026-03-01T12:00:00Z", a date alone, or seconds since the epoch. @returns [us] */
export function timeOf(option: string, text: string): Result<number> {
  if (/^\d{1,11}(?:\.\d{1,6})?$/.test(text)) return success(Math.round(Number(text) * 1e6));
  const isIso = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const ms = isIso ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return success(ms * 1000);
  return failure('usage', `${option} '${text}': is no time`, 'write 2026-03-01T12:00:00Z, or seconds since the epoch');
}

/** The one of `choices` that was meant. */
export function choice<T extends string>(option: string, text: string, choices: readonly T[]): Result<T> {
  const found = choices.find((c) => c === text);
  if (found !== undefined) return success(found);
  return failure('usage', `${option} '${text}' is unknown`, `one of ${choices.join(', ')}`);
}

/** Names separated by commas, each once, in the order given. */
export function nameList(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  return [...new Set(names.filter((name) => name !== ''))];
}
