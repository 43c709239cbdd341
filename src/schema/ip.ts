// Addresses between 16 bytes and text. IPv4 stands mapped in ::ffff:0:0/96 and prints dotted; IPv6 prints as RFC 5952.

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** RFC 5952 text of the 16 bytes at `at`; dotted for a mapped IPv4 address. */
export function ipText(b: Uint8Array, at = 0): string {
  let zero = 0;
  while (zero < 10 && b[at + zero] === 0) zero++;
  if (zero === 10 && b[at + 10] === 0xff && b[at + 11] === 0xff)
    return `${b[at + 12]}.${b[at + 13]}.${b[at + 14]}.${b[at + 15]}`;
  const words: number[] = [];
  for (let i = 0; i < 16; i += 2) words.push(((b[at + i] as number) << 8) | (b[at + i + 1] as number));
  // 4.2: the longest run of zeros, the first of equals, two at least, becomes "::".
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && words[i + n] === 0) n++;
    if (n > bestLength) {
      best = i;
      bestLength = n;
    }
    i += n;
  }
  const hex = (from: number, to: number): string =>
    words
      .slice(from, to)
      .map((w) => w.toString(16))
      .join(':');
  return best < 0 ? hex(0, 8) : `${hex(0, best)}::${hex(best + bestLength, 8)}`;
}

function parseV4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((p) => /^(0|[1-9][0-9]{0,2})$/.test(p) && Number(p) < 256)) return undefined;
  return parts.map(Number);
}

/** The 16 bytes of an address text, undefined when it is none. Reads every form of RFC 4291 2.2 without a zone. */
export function ipBytes(text: string): Uint8Array | undefined {
  if (!text.includes(':')) {
    const v4 = parseV4(text);
    return v4 && Uint8Array.from([...MAPPED, ...v4]);
  }
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const words: number[][] = [];
  for (const [h, half] of halves.entries()) {
    const out: number[] = [];
    const parts = half === '' ? [] : half.split(':');
    for (const [i, part] of parts.entries()) {
      const last = h === halves.length - 1 && i === parts.length - 1;
      const v4 = last && part.includes('.') ? parseV4(part) : undefined;
      if (v4) out.push(((v4[0] as number) << 8) | (v4[1] as number), ((v4[2] as number) << 8) | (v4[3] as number));
      else if (/^[0-9a-fA-F]{1,4}$/.test(part)) out.push(Number.parseInt(part, 16));
      else return undefined;
    }
    words.push(out);
  }
  const [head = [], tail] = words;
  const missing = 8 - head.length - (tail?.length ?? 0);
  // "::" stands for at least one group.
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const all = tail === undefined ? head : [...head, ...Array<number>(missing).fill(0), ...tail];
  return Uint8Array.from(all.flatMap((w) => [w >> 8, w & 0xff]));
}
