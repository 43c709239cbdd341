import assert from 'node:assert/strict';
import { SipHash } from './siphash.ts';

describe('siphash', () => {
  const key = Uint8Array.from({ length: 8 }, (_, i) => i);
  const hash = (text: string, k = key): string => {
    const sip = new SipHash(k);
    sip.of(text);
    return `${sip.high.toString(16).padStart(8, '0')}${sip.low.toString(16).padStart(8, '0')}`;
  };
  /** The reference reads the words of the hash as bytes, least first. */
  const bytes = (text: string): string => {
    const sip = new SipHash(key);
    sip.of(text);
    const out = Buffer.alloc(8);
    out.writeUInt32LE(sip.high, 0);
    out.writeUInt32LE(sip.low, 4);
    return out.toString('hex');
  };

  it('is the reference one: bytes 0, 1, 2, ... under the key 0, 1, 2, ... (vectors_hsip64)', () => {
    assert.equal(bytes(''), '218d1f59b9b83cc8');
    assert.equal(bytes('\u0100'), '064f39ef7c50eb57');
  });

  it('depends on every code unit, their order and the key', () => {
    const all = ['', 'a', 'b', 'ab', 'ba', 'abc', 'ab\0', '\u0161', 'a'.repeat(300), 'a'.repeat(301)].map((t) =>
      hash(t),
    );
    assert.equal(new Set(all).size, all.length);
    assert.notEqual(
      hash('ab'),
      hash(
        'ab',
        Uint8Array.from({ length: 8 }, () => 7),
      ),
    );
  });
});
