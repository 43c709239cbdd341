// Writes a tar archive (POSIX.1-2001, ustar): regular files of short names, mode 0644 or 0755, no owner, no time, so
// that the same content gives the same bytes.
const BLOCK = 512;

export interface Entry {
  /** At most 100 bytes of ASCII. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

function header(name: string, size: number): Buffer {
  if (!/^[\x21-\x7e]{1,100}$/.test(name)) throw new RangeError(`no name for an archive: ${name}`);
  const h = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number): void => {
    h.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'latin1');
  };
  h.write(name, 0, 'latin1');
  octal(name.endsWith('.sh') ? 0o755 : 0o644, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(0, 136, 11);
  h.write('        0', 148, 'latin1');
  h.write('ustar\u000000', 257, 'latin1');
  const sum = h.reduce((n, b) => n + b, 0);
  h.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return h;
}

export function tarOf(entries: readonly Entry[]): Buffer {
  const parts = entries.flatMap(({ name, bytes }) => [
    header(name, bytes.length),
    bytes,
    Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}
