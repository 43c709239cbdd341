// Files of lines that only grow: tombstones, receipts, the custody log. A line is there whole or not at all: one that a
// full disk or a crash cut is taken back before the next is written, and is nobody's until then.
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { syncFolder } from '../lib/durable.ts';

/** Longer is no line of ours. */
export const LINE_BYTES_MAX = 16 << 10;

/** Where the last whole line ends. */
function wholeBytes(fd: number): number {
  const size = fstatSync(fd).size;
  const tail = Buffer.alloc(Math.min(size, LINE_BYTES_MAX));
  let held = 0;
  while (held < tail.length) {
    const n = readSync(fd, tail, held, tail.length - held, size - tail.length + held);
    if (n === 0) break;
    held += n;
  }
  return size - tail.length + tail.lastIndexOf(0x0a) + 1;
}

/**
 * Durable when it returns; when it throws, the file is as it was.
 * @param line  without its end, at most LINE_BYTES_MAX - 1 bytes
 */
export function appendLine(path: string, line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  if (bytes.length > LINE_BYTES_MAX || line.includes('\n')) throw new RangeError(`no line: ${bytes.length} bytes`);
  const isNew = !existsSync(path);
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    const start = wholeBytes(fd);
    ftruncateSync(fd, start);
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, start + done);
      fsyncSync(fd);
    } catch (error) {
      ftruncateSync(fd, start);
      throw error;
    }
  } finally {
    closeSync(fd);
  }
  if (isNew) syncFolder(dirname(path));
}

/** All whole lines, without their ends; none when there is no file. */
export function readLines(path: string): string[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  lines.pop();
  return lines;
}
