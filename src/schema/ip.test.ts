import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ipBytes, ipText } from './ip.ts';

const text = (input: string): string => ipText(ipBytes(input) as Uint8Array);

describe('ip', () => {
  // RFC 5952, section 4 and its examples.
  for (const [input, expected] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:DB8::AAAA', '2001:db8::aaaa'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['fe80::', 'fe80::'],
    ['0:0:0:0:0:0:1.2.3.4', '::102:304'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ] as const)
    it(`reads ${input} and writes ${expected}`, () => assert.equal(text(input), expected));

  for (const bad of [
    '',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.04',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    'g::',
  ])
    it(`refuses ${JSON.stringify(bad)}`, () => assert.equal(ipBytes(bad), undefined));

  it('reverses for any 16 bytes', () => {
    const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(fc.property(bytes, (b) => assert.deepEqual(ipBytes(ipText(b)), Uint8Array.from(b))));
  });
});
