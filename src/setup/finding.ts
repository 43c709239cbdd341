// What an examination of the box says: one line each, with a reason and what to do.

export interface Finding {
  readonly state: 'ok' | 'warn' | 'FAIL';
  readonly subject: string;
  /** What is so. */
  readonly reason: string;
  /** What to do; empty when nothing is. */
  readonly fix: string;
}

export const ok = (subject: string, reason: string): Finding => ({ state: 'ok', subject, reason, fix: '' });
export const warn = (subject: string, reason: string, fix: string): Finding => ({
  state: 'warn',
  subject,
  reason,
  fix,
});
export const fail = (subject: string, reason: string, fix: string): Finding => ({
  state: 'FAIL',
  subject,
  reason,
  fix,
});
