// Text out, in big pieces and no faster than it is taken: `write` collects, `settle` waits until the pieces are gone.
// A reader that has gone away (`| head`) is no fault: the output is then `closed`, and the producer stops.
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { type Fault, systemFault } from './fault.ts';

/** A piece: large enough for few system calls, small enough to stay in a cache. */
export const PIECE_CHARS = 1 << 16;

export interface TextOutput {
  /** Nobody reads any more; what is written now is dropped. */
  readonly closed: boolean;
  /** Why it could not be written, once it could not; closed is then true too. */
  readonly fault: Fault | undefined;
  write(text: string): void;
  /** Resolves when what was written has been handed to the system, but for less than a piece. */
  settle(): Promise<void>;
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

  async settle(): Promise<void> {
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

  async settle(): Promise<void> {
    if (this.text.length >= PIECE_CHARS) await this.flush();
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
