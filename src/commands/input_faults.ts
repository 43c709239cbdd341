// What went wrong with the inputs, in one line each that says what to do: found before reading (a path that is none) or
// told by the decoder (a file that is no capture).
import { stat } from 'node:fs/promises';
import type { FileResult } from '../capture/index.ts';
import { type Fault, systemFault } from '../lib/fault.ts';

export const STDIN = '-';

const nameOf = (path: string): string => (path === STDIN ? 'standard input' : path);

export interface Inputs {
  /** In the order given, without those that cannot be opened. */
  readonly files: readonly string[];
  readonly faults: readonly Fault[];
  /** Of all of them; 0 when one has no size, like a pipe. */
  readonly bytes: number;
}

export async function inspectInputs(paths: readonly string[]): Promise<Inputs> {
  const files: string[] = [];
  const faults: Fault[] = [];
  let bytes = 0;
  let isSized = true;
  for (const path of paths) {
    if (path === STDIN) {
      files.push(path);
      isSized = false;
      continue;
    }
    try {
      const s = await stat(path);
      if (s.isDirectory()) {
        faults.push({ code: 'input_unreadable', message: `${path}: is a directory`, hint: 'name the captures in it' });
        continue;
      }
      files.push(path);
      bytes += s.size;
      if (!s.isFile()) isSized = false;
    } catch (error) {
      faults.push(systemFault('input_unreadable', path, error));
    }
  }
  return { files, faults, bytes: isSized ? bytes : 0 };
}

// The decoder's words, and libpcap's, to what to do. What has its own remedy in parentheses is left as it is.
const ADVICE: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [/\)$/, ''],
  [/^no such file/i, 'check the path'],
  [/^permission denied/i, 'check who may read it'],
  [/is empty$/, 'nothing was captured into it'],
  [/truncated|ends inside|cut off|tried to read|shorter than/i, 'the file was cut off; what stands before was read'],
  [/unknown file format|not a capture|bad magic/i, 'pcap and pcapng are read; for others see editcap(1)'],
];

const BROKEN = 'the file is damaged; what stands before was read';

function withAdvice(file: FileResult & { readonly error: string }): Fault {
  const error = file.error.replace(/^[A-Z](?=[a-z])/, (c) => c.toLowerCase());
  const hint = ADVICE.find(([pattern]) => pattern.test(error))?.[1] ?? BROKEN;
  return { code: 'input_undecodable', message: `${nameOf(file.path)}: ${error}`, hint };
}

/** One fault for each file that was not read to its end; one for all when it is the filter that is wrong. */
export function resultFaults(files: readonly FileResult[]): Fault[] {
  const failed = files.filter((f): f is FileResult & { readonly error: string } => f.error !== undefined);
  const filters = new Set(failed.map((f) => f.error).filter((error) => error.startsWith("filter '")));
  const [filter] = filters;
  if (filter !== undefined && filters.size === 1 && failed.length === files.length)
    return [{ code: 'filter_invalid', message: filter, hint: 'see pcap-filter(7)' }];
  return failed.map((f) =>
    filters.has(f.error)
      ? { code: 'input_undecodable', message: `${nameOf(f.path)}: ${f.error}`, hint: 'see pcap-filter(7)' }
      : withAdvice(f),
  );
}
