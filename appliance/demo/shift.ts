// Rewrites the times of a capture: the demo's history was PLAYED IN MINUTES AND SHIFTED IN TIME by this program.
//
//   node --import tsx appliance/demo/shift.ts IN.pcap OUT.pcap 2026-01-05T09:00:00Z 600 [IN OUT BASE SCALE ...]
//
// The first packet comes to lie on the base; every other one lies as long after it as it did, times the scale. Nothing
// else is touched: bytes, lengths and order stay. Reads classic pcap of either byte order, in micro- or nanoseconds,
// and writes the same.
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
/** pcap's seconds are 32 bits without a sign. */
const SECONDS_END = 2n ** 32n;
/** A year for every eight seconds that were played: nobody needs more. */
export const SCALE_MAX = 4_000_000;
/** A capture is held in memory whole. */
export const CAPTURE_BYTES_MAX = 256 * 1024 * 1024;

/** What is wrong with a capture, and at which byte of it. */
export class ShiftError extends Error {
  readonly code: 'not_pcap' | 'truncated' | 'too_large' | 'bad_scale' | 'bad_base' | 'bad_time';
  readonly offset: number;
  constructor(code: ShiftError['code'], offset: number, message: string) {
    super(message);
    this.code = code;
    this.offset = offset;
  }
}

/**
 * @param capture  bytes of a pcap file
 * @param base     when the first packet shall have been [us since 1970]
 * @param scale    by how much the time between packets grows, a whole number of 1..SCALE_MAX
 * @returns        the same capture at other times, and the time of its last packet [us]
 * @throws         ShiftError
 */
export function shifted(capture: Uint8Array, base: bigint, scale: number): { bytes: Buffer; last: bigint } {
  if (capture.length > CAPTURE_BYTES_MAX)
    throw new ShiftError(
      'too_large',
      CAPTURE_BYTES_MAX,
      `larger than ${CAPTURE_BYTES_MAX} bytes: shift smaller pieces`,
    );
  if (!Number.isInteger(scale) || scale < 1 || scale > SCALE_MAX)
    throw new ShiftError('bad_scale', 0, `a scale of ${scale} is no whole number of 1 to ${SCALE_MAX}`);
  if (base < 0n || base >= SECONDS_END * 1_000_000n)
    throw new ShiftError('bad_base', 0, 'the base is not between 1970 and 2106, which is all that pcap can say');
  const bytes = Buffer.from(capture);
  const magic = bytes.length < FILE_HEADER ? '' : bytes.subarray(0, 4).toString('hex');
  const little = magic === 'd4c3b2a1' || magic === '4d3cb2a1';
  if (!little && magic !== 'a1b2c3d4' && magic !== 'a1b23c4d')
    throw new ShiftError('not_pcap', 0, 'not a pcap file (pcapng: convert it with editcap -F pcap)');
  const fractions = magic === '4d3cb2a1' || magic === 'a1b23c4d' ? 1_000_000_000n : 1_000_000n;
  const read = (at: number): number => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const write = (at: number, n: number): number => (little ? bytes.writeUInt32LE(n, at) : bytes.writeUInt32BE(n, at));

  let first: bigint | undefined;
  let last = base;
  const start = (base * fractions) / 1_000_000n;
  for (let at = FILE_HEADER; at < bytes.length; ) {
    const end = at + RECORD_HEADER > bytes.length ? Number.POSITIVE_INFINITY : at + RECORD_HEADER + read(at + 8);
    if (end > bytes.length)
      throw new ShiftError('truncated', at, `the packet at byte ${at} goes past the end of the file`);
    const was = BigInt(read(at)) * fractions + BigInt(read(at + 4));
    first ??= was;
    const is = start + (was - first) * BigInt(scale);
    if (is < 0n || is >= SECONDS_END * fractions)
      throw new ShiftError(
        'bad_time',
        at,
        `the packet at byte ${at} would lie outside of 1970 to 2106: a smaller scale`,
      );
    write(at, Number(is / fractions));
    write(at + 4, Number(is % fractions));
    last = (is * 1_000_000n) / fractions;
    at = end;
  }
  return { bytes, last };
}

function main(args: readonly string[]): number {
  if (args.length === 0 || args.length % 4 !== 0) {
    console.error('shift: IN.pcap OUT.pcap BASE SCALE, as often as wanted; BASE as 2026-01-05T09:00:00Z');
    return 2;
  }
  for (let i = 0; i < args.length; i += 4) {
    const [from, to, base, scale] = args.slice(i, i + 4) as [string, string, string, string];
    try {
      const at = Date.parse(base);
      if (Number.isNaN(at)) throw new ShiftError('bad_base', 0, `'${base}' is no time (2026-01-05T09:00:00Z is one)`);
      writeFileSync(to, shifted(readFileSync(from), BigInt(at) * 1000n, Number(scale)).bytes);
    } catch (error) {
      console.error(`shift: ${from}: ${error instanceof Error ? error.message : String(error)}`);
      return 1;
    }
  }
  return 0;
}

if (resolve(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
