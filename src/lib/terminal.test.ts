import assert from 'node:assert/strict';
import fc from 'fast-check';
import { safeText, shortText } from './terminal.ts';

describe('terminal', () => {
  const rows: readonly (readonly [name: string, text: string, safe: string])[] = [
    ['plain text stays', 'a.pcap: no such file', 'a.pcap: no such file'],
    ['letters of any script stay', 'zażółć 日本語 😀', 'zażółć 日本語 😀'],
    ['the edges of C0', '\u0000\u001f \u007e', '\\x00\\x1f \u007e'],
    ['an escape sequence is text', '\u001b[2J', '\\x1b[2J'],
    ['lines stay one line', 'a\r\nb\u2028c\u2029d', 'a\\x0d\\x0ab\\u{2028}c\\u{2029}d'],
    ['DEL and C1', '\u007f\u0080\u009b\u009f\u00a0', '\\x7f\\x80\\x9b\\x9f\u00a0'],
    ['an override cannot turn a name around', 'gpj.\u202eexe', 'gpj.\\u{202e}exe'],
    ['isolates and marks', '\u2066\u2069\u200e\u061c', '\\u{2066}\\u{2069}\\u{200e}\\u{61c}'],
    ['what takes no room', 'pay\u200bpal\ufeff', 'pay\\u{200b}pal\\u{feff}'],
    ['tags hide words', 'a\u{e0041}b', 'a\\u{e0041}b'],
    ['half a surrogate pair', 'a\ud800b', 'a\\u{d800}b'],
  ];
  for (const [name, text, safe] of rows) {
    it(name, () => assert.equal(safeText(text), safe));
  }

  it('leaves nothing a terminal obeys, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
        assert.doesNotMatch(safeText(text), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      }),
    );
  });

  it('cuts in the middle, at its length exactly', () => {
    assert.equal(shortText('abcdef', 6), 'abcdef');
    assert.equal(shortText('abcdefg', 6), 'abc…fg');
    assert.equal(shortText('abcdefg', 3), 'a…g');
    assert.equal(shortText('\u001b[2J/x.pcap', 9), '\\x1b…pcap');
  });
});
