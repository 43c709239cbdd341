// A file of lines that only grows, each naming the hash of the one before: what was taken out, put in between or
// changed is found. Several processes may write to it, one at a time, and each sees what the others have written.
//
//   a line: JSON, {"n":1,...,"prev":"<SHA-256 of the line before>"}
//
// A line is there whole or not at all: one that a crash or a full disk cut is nobody's, and goes before the next.
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { syncFolder } from './durable.ts';
import { failure, type Result, success, systemFault } from './fault.ts';
import { locked } from './file_lock.ts';

/** Longer is no line of ours. */
export const LINE_BYTES_MAX = 32 << 10;
export const NOTHING_BEFORE = '0'.repeat(64);
const CHUNK = 1 << 20;

export interface ChainedLine {
  /** From 1. */
  readonly n: number;
  readonly prev: string;
}

const hashOf = (line: string): string => createHash('sha256').update(line).digest('hex');

export class ChainedLog<T extends ChainedLine> {
  /** What is wrong with the lines that were read: told, and gone on with. */
  readonly faults: string[] = [];
  private readonly path: string;
  private readonly linesMax: number;
  /** Of whole lines that were read. */
  private offset = 0;
  private lines = 0;
  private latest = NOTHING_BEFORE;

  /** @param linesMax  beyond them nothing is written */
  constructor(path: string, linesMax: number) {
    this.path = path;
    this.linesMax = linesMax;
  }

  get count(): number {
    return this.lines;
  }
  /** Hash of the newest line. */
  get head(): string {
    return this.latest;
  }

  /** Lines since the last call, whoever wrote them. */
  read(): Result<T[]> {
    const found: T[] = [];
    let fd: number;
    try {
      fd = openSync(this.path, constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return success(found);
      return { ok: false, fault: systemFault('state_unusable', this.path, error) };
    }
    try {
      let rest = Buffer.alloc(0);
      const chunk = Buffer.alloc(CHUNK);
      for (let at = this.offset; ; ) {
        const n = readSync(fd, chunk, 0, CHUNK, at);
        if (n === 0) return success(found);
        at += n;
        rest = Buffer.concat([rest, chunk.subarray(0, n)]);
        for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
          const line = this.take(rest.toString('utf8', 0, end));
          if (line !== undefined) found.push(line);
          this.offset += end + 1;
          rest = rest.subarray(end + 1);
        }
      }
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', this.path, error) };
    } finally {
      closeSync(fd);
    }
  }

  private take(text: string): T | undefined {
    this.lines++;
    const { latest, lines } = this;
    this.latest = hashOf(text);
    try {
      const line = JSON.parse(text) as T;
      if (line.n !== lines || line.prev !== latest) this.faults.push(`line ${lines} does not follow the one before it`);
      return line;
    } catch {
      this.faults.push(`line ${lines} is none`);
      return undefined;
    }
  }

  /**
   * Durable when it returns. What others have written since is read first, and given to `make`, which may refuse.
   * @returns  all lines since the last read, the new one last
   */
  append(make: (before: readonly T[]) => Result<Omit<T, 'n' | 'prev'>>): Result<T[]> {
    try {
      return locked(this.path, () => {
        const before = this.read();
        if (!before.ok) return before;
        const content = make(before.value);
        if (!content.ok) return content;
        if (this.lines >= this.linesMax)
          return failure(
            'state_unusable',
            `${this.path}: has ${this.linesMax} lines`,
            'move it away while nothing runs',
          );
        const text = JSON.stringify({ n: this.lines + 1, ...content.value, prev: this.latest });
        const bytes = Buffer.from(`${text}\n`);
        if (bytes.length > LINE_BYTES_MAX) return failure('usage', `a line of ${bytes.length} bytes`, 'say less');
        this.write(bytes);
        const written = this.read();
        return written.ok ? success([...before.value, ...written.value]) : written;
      });
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', this.path, error) };
    }
  }

  private write(bytes: Buffer): void {
    const fd = openSync(this.path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    try {
      const isNew = fstatSync(fd).size === 0;
      ftruncateSync(fd, this.offset);
      try {
        for (let done = 0; done < bytes.length; )
          done += writeSync(fd, bytes, done, bytes.length - done, this.offset + done);
        fsyncSync(fd);
      } catch (error) {
        ftruncateSync(fd, this.offset);
        throw error;
      }
      if (isNew) syncFolder(dirname(this.path));
    } finally {
      closeSync(fd);
    }
  }
}
