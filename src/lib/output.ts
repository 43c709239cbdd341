// Text out, in big pieces and no faster than it is taken: `write` collects, `settle` waits until the pieces are gone.
// A reader that has gone away (`| head`) is no fault: the output is then `closed`, and the producer stops.
import { once } from 'node:events';
import { type FileHandle, open, rename } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { type Fault, failure, type Result, success, systemFault } from './fault.ts';

/** A piece: large enough for few system calls, small enough to stay in a cache. */
export const PIECE_CHARS = 1 << 16;

export interface TextOutput {
  /** Nobody reads any more; what is written now is dropped. */
  readonly closed: boolean;
  /** Why it could not be written, once it could not; closed is then true too. */
  readonly fault: Fault | undefined;
  write(text: string): void;
  /**
   * Resolves when what was written has been handed to the system, but for less than a piece.
   * @param all  and that too: somebody waits for it
   */
  settle(all?: boolean): Promise<void>;
  /** The rest, and for a file its end. */
  close(): Promise<void>;
}

/** Standard output, or any stream. It is not ended: others may still write to it. */
export class StreamOutput implements TextOutput {
  closed = false;
  fault: Fault | undefined;
  private readonly stream: Writable;
  private readonly name: string;
  private text = '';
  private wait: Promise<unknown> | undefined;

  constructor(stream: Writable, name: string) {
    this.stream = stream;
    this.name = name;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.closed = true;
      this.text = '';
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED')
        this.fault ??= systemFault('output_unwritable', this.name, error);
    });
  }

  write(text: string): void {
    if (this.closed) return;
    this.text += text;
    if (this.text.length >= PIECE_CHARS) this.flush();
  }

  private flush(): void {
    if (this.text === '' || this.closed) return;
    const text = this.text;
    this.text = '';
    if (!this.stream.write(text)) this.wait ??= once(this.stream, 'drain').catch(() => undefined);
  }

  async settle(all = false): Promise<void> {
    if (all) this.flush();
    await this.wait;
    this.wait = undefined;
  }

  async close(): Promise<void> {
    this.flush();
    // The callback comes when this and everything before it is out, or the stream has failed.
    if (!this.closed) await new Promise<void>((done) => this.stream.write('', () => done()));
    await this.settle();
  }
}

/** A file, made anew when the first text comes: what has nothing to say leaves no file. */
export class FileOutput implements TextOutput {
  closed = false;
  fault: Fault | undefined;
  readonly path: string;
  private handle: FileHandle | undefined;
  private text = '';

  constructor(path: string) {
    this.path = path;
  }

  write(text: string): void {
    if (!this.closed) this.text += text;
  }

  private async flush(): Promise<void> {
    const text = this.text;
    this.text = '';
    if (text === '' || this.closed) return;
    try {
      this.handle ??= await open(this.path, 'w');
      await this.handle.writeFile(text);
    } catch (error) {
      this.closed = true;
      this.fault = systemFault('output_unwritable', this.path, error);
    }
  }

  async settle(all = false): Promise<void> {
    if (all || this.text.length >= PIECE_CHARS) await this.flush();
  }

  async close(): Promise<void> {
    await this.flush();
    this.closed = true;
    try {
      await this.handle?.close();
    } catch (error) {
      this.fault ??= systemFault('output_unwritable', this.path, error);
    }
    this.handle = undefined;
  }
}

/** A file that a later run goes on with: what stands after a known length is cut off, then text is appended. */
export class ContinuedFile {
  /** Bytes written, those kept from earlier included. */
  bytes: number;
  private readonly handle: FileHandle;
  private readonly path: string;
  private text = '';

  private constructor(handle: FileHandle, path: string, bytes: number) {
    this.handle = handle;
    this.path = path;
    this.bytes = bytes;
  }

  /** @param keep  bytes from an earlier run; a file that is shorter, or gone, is not the one that run wrote */
  static async open(path: string, keep: number): Promise<Result<ContinuedFile>> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, keep > 0 ? 'r+' : 'w');
      const { size } = await handle.stat();
      if (size < keep) {
        await handle.close();
        return failure('output_unwritable', `${path}: is shorter than it was left`, 'begin anew, with an empty state');
      }
      if (keep > 0) await handle.truncate(keep);
      return success(new ContinuedFile(handle, path, keep));
    } catch (error) {
      await handle?.close();
      return { ok: false, fault: systemFault('output_unwritable', path, error) };
    }
  }

  write(text: string): void {
    this.text += text;
  }

  /** Hands over what waits once it is a piece. */
  async settle(): Promise<Result<undefined>> {
    return this.text.length >= PIECE_CHARS ? this.flush() : success(undefined);
  }

  /** Everything written is on disk when it returns success. */
  async sync(): Promise<Result<undefined>> {
    const flushed = await this.flush();
    if (!flushed.ok) return flushed;
    return this.attempt(() => this.handle.datasync());
  }

  async close(): Promise<Result<undefined>> {
    const flushed = await this.flush();
    const closed = await this.attempt(() => this.handle.close());
    return flushed.ok ? closed : flushed;
  }

  private async flush(): Promise<Result<undefined>> {
    const bytes = Buffer.from(this.text);
    this.text = '';
    return this.attempt(async () => {
      for (let at = 0; at < bytes.length; )
        at += (await this.handle.write(bytes, at, bytes.length - at, this.bytes + at)).bytesWritten;
      this.bytes += bytes.length;
    });
  }

  private async attempt(action: () => Promise<void>): Promise<Result<undefined>> {
    try {
      await action();
      return success(undefined);
    } catch (error) {
      return { ok: false, fault: systemFault('output_unwritable', this.path, error) };
    }
  }
}

/** The whole file at once: a reader sees the old text or the new one. */
export async function replaceFile(path: string, text: string): Promise<Result<undefined>> {
  const fresh = `${path}.new`;
  try {
    const handle = await open(fresh, 'w');
    try {
      await handle.writeFile(text);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(fresh, path);
    return success(undefined);
  } catch (error) {
    return { ok: false, fault: systemFault('output_unwritable', path, error) };
  }
}
