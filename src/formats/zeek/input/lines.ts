// A file's lines, compressed or not, in pieces: never more than a piece and one line in memory, whatever the file
// holds.
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';

/** A longer line is no row of anybody's: it is skipped, and told. Characters. */
export const LINE_MAX = 1 << 20;

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Undefined: it was longer than LINE_MAX. */
  readonly text: string | undefined;
}

const PIECE_BYTES = 1 << 16;
const GZIP_MAGIC = [0x1f, 0x8b];

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const head = Buffer.alloc(2);
    await file.read(head, 0, 2, 0);
    return head.equals(Buffer.from(GZIP_MAGIC));
  } finally {
    await file.close();
  }
}

/**
 * Lines in pieces of about 64 KiB of text.
 * @param onBytes  how much of the file was read since the last call
 * @throws         the system's error, or zlib's, after the lines that stood before it
 */
export async function* linesOf(path: string, onBytes: (n: number) => void): AsyncGenerator<Line[]> {
  const file = createReadStream(path, { highWaterMark: PIECE_BYTES });
  file.on('data', (piece) => onBytes(piece.length));
  file.pause();
  const stream = (await isGzip(path)) ? file.pipe(createGunzip()) : file;
  if (stream !== file) file.on('error', (error) => stream.destroy(error));
  stream.setEncoding('utf8');
  let rest = '';
  let number = 0;
  let isTooLong = false;
  try {
    for await (const piece of stream as AsyncIterable<string>) {
      const lines: Line[] = [];
      const parts = piece.split('\n');
      for (const [i, part] of parts.entries()) {
        if (!isTooLong) rest += part;
        if (rest.length > LINE_MAX) [isTooLong, rest] = [true, ''];
        if (i === parts.length - 1) break;
        lines.push({ number: ++number, text: isTooLong ? undefined : rest.replace(/\r$/, '') });
        [isTooLong, rest] = [false, ''];
      }
      if (lines.length > 0) yield lines;
    }
    if (isTooLong) yield [{ number: number + 1, text: undefined }];
    else if (rest !== '') yield [{ number: number + 1, text: rest }];
  } finally {
    stream.destroy();
    file.destroy();
  }
}
