import assert from 'node:assert/strict';
import fc from 'fast-check';
import { jsonText } from './json_text.ts';

describe('json text', () => {
  const rows: readonly (readonly [name: string, text: string, json: string])[] = [
    ['plain', 'www.example.com', '"www.example.com"'],
    ['empty', '', '""'],
    ['quotes and backslashes', 'a"b\\c', '"a\\"b\\\\c"'],
    ['C0', 'a\u0000\u001b[2J\n', '"a\\u0000\\u001b[2J\\n"'],
    ['DEL and C1', '\u007f\u009b', '"\\u007f\\u009b"'],
    ['overrides and line separators', '\u202e\u2028', '"\\u202e\\u2028"'],
    ['other scripts stay', 'żółć 😀', '"żółć 😀"'],
    ['half a surrogate pair', '\ud800', '"\\ud800"'],
  ];
  for (const [name, text, json] of rows) it(name, () => assert.equal(jsonText(text), json));

  it('parses to what it was, and is plain to a terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = jsonText(text);
        assert.equal(JSON.parse(json), text);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
        assert.doesNotMatch(json, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
      }),
    );
  });
});
