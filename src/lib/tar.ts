// Tar archives (POSIX.1-2001, ustar): regular files of short names, mode 0644 or 0755, no owner, no time, so that the
// same content gives the same bytes. What is read back is held to the same: nothing else can be in one of ours.
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

/** A name below the folder that an archive is unpacked in, whatever the system makes of dots and slashes. */
const INSIDE = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)*$/;

/**
 * The files of an archive that tarOf(), or tar with --format=ustar, has made; folders are passed over.
 * @returns  why it is none: links, devices, names that lead out of its folder, a size that is not there
 */
export function filesOfTar(archive: Uint8Array, filesMax: number): Entry[] | string {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.length);
  const entries: Entry[] = [];
  const names = new Set<string>();
  for (let at = 0; ; ) {
    if (at + BLOCK > bytes.length) return 'ends in the middle of a file';
    const h = bytes.subarray(at, at + BLOCK);
    if (h[0] === 0) return entries;
    const text = (from: number, length: number): string => {
      const field = h.subarray(from, from + length);
      const end = field.indexOf(0);
      return field.toString('latin1', 0, end < 0 ? length : end);
    };
    const sum = h.reduce((n, b, i) => n + (i >= 148 && i < 156 ? 32 : b), 0);
    if (Number.parseInt(text(148, 8), 8) !== sum || text(257, 5) !== 'ustar') return 'is no archive of tar';
    const [name, prefix, type] = [text(0, 100), text(345, 155), text(156, 1)];
    const whole = (prefix === '' ? name : `${prefix}/${name}`).replace(/^\.\//, '');
    const octal = text(124, 12).trim();
    const size = /^[0-7]{1,11}$/.test(octal) ? Number.parseInt(octal, 8) : Number.NaN;
    at += BLOCK;
    if (type === '5') continue;
    if (type !== '0' && type !== '') return `holds what is no file: ${whole}`;
    if (!INSIDE.test(whole)) return `holds a name that it may not: ${whole}`;
    if (names.has(whole)) return `holds a file twice: ${whole}`;
    if (entries.length >= filesMax) return `holds more than ${filesMax} files`;
    if (!(size <= bytes.length - at)) return 'ends in the middle of a file';
    names.add(whole);
    entries.push({ name: whole, bytes: bytes.subarray(at, at + size) });
    at += Math.ceil(size / BLOCK) * BLOCK;
  }
}
