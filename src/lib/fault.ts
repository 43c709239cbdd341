// What can go wrong while the program runs is a value with a code, handled once or returned. An exception is a mistake
// of ours, and shows its stack.
import { safeText } from './terminal.ts';

/** What a shell sees. README and every --help name the same numbers. */
export const EXIT = {
  ok: 0,
  /** Something could not be read, decoded or written; the rest was. */
  input: 1,
  usage: 2,
  /** Evidence is consistent with itself; who signed it was not asked. */
  unproven: 3,
  /** 128 + SIGINT, as shells have it. */
  interrupted: 130,
  /** 128 + SIGTERM. */
  terminated: 143,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Every code there is, with what the process exits with because of it. */
export const FAULTS = {
  addon_missing: EXIT.input,
  addon_mismatch: EXIT.input,
  input_unreadable: EXIT.input,
  input_undecodable: EXIT.input,
  output_unwritable: EXIT.input,
  state_unusable: EXIT.input,
  sensor_away: EXIT.input,
  store_missing: EXIT.input,
  store_unusable: EXIT.input,
  /** A chain, a list of indicators: left out, the others are used. */
  content_invalid: EXIT.input,
  config_invalid: EXIT.usage,
  filter_invalid: EXIT.usage,
  usage: EXIT.usage,
} as const satisfies Readonly<Record<string, ExitCode>>;
export type FaultCode = keyof typeof FAULTS;

/** The code of a run in which several things went wrong. */
export const worse = (a: ExitCode, b: ExitCode): ExitCode => (a > b ? a : b);

export interface Fault {
  readonly code: FaultCode;
  /** What is wrong, starting with what it concerns: "a.pcap: no such file". One line, no full stop. */
  readonly message: string;
  /** What to do about it; empty when the message says so already. */
  readonly hint: string;
}

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault };

export const success = <T>(value: T): Result<T> => ({ ok: true, value });
export const failure = (code: FaultCode, message: string, hint = ''): Result<never> => ({
  ok: false,
  fault: { code, message, hint },
});

/** The one line a person sees. What is quoted from files and traffic cannot move their cursor. */
export function faultLine(fault: Fault): string {
  const hint = fault.hint === '' ? '' : ` (${fault.hint})`;
  return safeText(`catenary: ${fault.message}${hint}`);
}

const REASONS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  ENOENT: ['no such file', 'check the path'],
  EACCES: ['permission denied', 'check who may read or write it'],
  EPERM: ['not permitted', 'check who may read or write it'],
  EISDIR: ['is a directory', 'name a file'],
  ENOTDIR: ['part of the path is not a directory', 'check the path'],
  EEXIST: ['exists, and is not a directory', 'name another'],
  ENOSPC: ['no space left on the device', 'make room, or write elsewhere'],
  EDQUOT: ['disk quota exceeded', 'make room, or write elsewhere'],
  EROFS: ['the file system is read-only', 'write elsewhere'],
  EMFILE: ['too many open files', 'raise ulimit -n'],
  EIO: ['the device failed', 'see dmesg'],
};

/** What the system said no to, in words. Anything but a system error is thrown on: it is ours. */
export function systemFault(code: FaultCode, what: string, error: unknown): Fault {
  const errno = (error as NodeJS.ErrnoException).code;
  if (!(error instanceof Error) || errno === undefined || (error as NodeJS.ErrnoException).syscall === undefined)
    throw error;
  const [reason, hint] = REASONS[errno] ?? [errno, ''];
  return { code, message: `${what}: ${reason}`, hint };
}
