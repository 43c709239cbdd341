import assert from 'node:assert/strict';
import { CAPTURE_BYTES_MAX, SCALE_MAX, ShiftError, shifted } from './shift.ts';

type Time = readonly [seconds: number, fraction: number];

function capture(magic: string, times: readonly Time[]): Buffer {
  const little = magic.startsWith('4') || magic.startsWith('d');
  const u32 = (n: number): Buffer => {
    const b = Buffer.alloc(4);
    if (little) b.writeUInt32LE(n);
    else b.writeUInt32BE(n);
    return b;
  };
  const parts: Buffer[] = [Buffer.from(magic, 'hex'), Buffer.alloc(20)];
  for (const [i, [s, f]] of times.entries()) parts.push(u32(s), u32(f), u32(i), u32(900 + i), Buffer.alloc(i, 7));
  return Buffer.concat(parts);
}
const BASE = 1_767_603_600_000_000n;
const refused = (bytes: Uint8Array, base: bigint, scale: number): string => {
  try {
    shifted(bytes, base, scale);
  } catch (error) {
    if (error instanceof ShiftError) return `${error.code} at ${error.offset}`;
    throw error;
  }
  return 'accepted';
};

describe('shift', () => {
  const kinds = { d4c3b2a1: 1, a1b2c3d4: 1, '4d3cb2a1': 1000, a1b23c4d: 1000 } as const;
  for (const [magic, fine] of Object.entries(kinds))
    it(`moves and stretches the times of ${magic}, and nothing else`, () => {
      const given: Time[] = [
        [100, 900_000 * fine],
        [101, 100_000 * fine],
        [101, 50_000 * fine],
      ];
      const { bytes, last } = shifted(capture(magic, given), BASE, 600);
      assert.deepEqual(
        bytes,
        capture(magic, [
          [1_767_603_600, 0],
          [1_767_603_720, 0],
          [1_767_603_690, 0],
        ]),
      );
      assert.equal(last, BASE + 90_000_000n);
    });

  it('leaves an empty capture as it is', () => {
    const { bytes, last } = shifted(capture('d4c3b2a1', []), BASE, 1);
    assert.deepEqual(bytes, capture('d4c3b2a1', []));
    assert.equal(last, BASE);
  });

  it('refuses what is no pcap, and says where a cut one is cut', () => {
    const whole = capture('d4c3b2a1', [
      [1, 0],
      [2, 0],
      [3, 0],
    ]);
    const borders = [24, 40, 57, 75];
    for (let n = 0; n <= whole.length; n++) {
      const at = borders.filter((b) => b <= n).at(-1);
      const wanted = at === undefined ? 'not_pcap at 0' : borders.includes(n) ? 'accepted' : `truncated at ${at}`;
      assert.equal(refused(whole.subarray(0, n), BASE, 2), wanted, `${n} bytes`);
    }
    assert.equal(refused(capture('0a0d0d0a', []), BASE, 1), 'not_pcap at 0');
  });

  it('has a largest scale, a first and a last time, and a largest capture', () => {
    const one = capture('d4c3b2a1', [[1, 0]]);
    for (const [scale, wanted] of [
      [0, 'bad_scale at 0'],
      [1, 'accepted'],
      [1.5, 'bad_scale at 0'],
      [SCALE_MAX - 1, 'accepted'],
      [SCALE_MAX, 'accepted'],
      [SCALE_MAX + 1, 'bad_scale at 0'],
    ] as const)
      assert.equal(refused(one, BASE, scale), wanted, `${scale}`);
    const end = 2n ** 32n * 1_000_000n;
    for (const [base, wanted] of [
      [-1n, 'bad_base at 0'],
      [0n, 'accepted'],
      [end - 1n, 'accepted'],
      [end, 'bad_base at 0'],
    ] as const)
      assert.equal(refused(one, base, 1), wanted, `${base}`);
    assert.equal(
      refused(
        capture('d4c3b2a1', [
          [1, 0],
          [2, 0],
        ]),
        end - 1n,
        1,
      ),
      'bad_time at 40',
    );
    // Zeros: no magic, so the first size that is accepted as a size is refused for what it is.
    for (const [size, wanted] of [
      [-1, 'not_pcap at 0'],
      [0, 'not_pcap at 0'],
      [1, `too_large at ${CAPTURE_BYTES_MAX}`],
    ] as const)
      assert.equal(refused(new Uint8Array(CAPTURE_BYTES_MAX + size), BASE, 1), wanted, `${size}`);
  });
});
