import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Column, Value, WhenEmpty, ZeekType } from './columns.ts';
import { cellText, cellWriter, jsonWriter } from './text.ts';

const column = (type: ZeekType, whenEmpty: WhenEmpty = 'unset'): Column => ({
  name: 'x',
  type,
  whenEmpty,
  value: () => null,
});

describe('zeek values', () => {
  // What Zeek itself writes for these bytes, with its default separators and UTF-8 on.
  const texts: readonly (readonly [name: string, text: string, cell: string, item: string])[] = [
    ['plain', 'www.example.com', 'www.example.com', 'www.example.com'],
    ['empty', '', '(empty)', '(empty)'],
    ['the text that means unset', '-', '\\x2d', '\\x2d'],
    ['only that text', '--', '--', '--'],
    ['the text that means empty', '(empty)', '\\x28empty)', '\\x28empty)'],
    ['the separator', 'a\tb', 'a\\x09b', 'a\\x09b'],
    ['a comma', 'CN=a,O=b', 'CN=a,O=b', 'CN=a\\x2cO=b'],
    ['lines', 'a\r\nb', 'a\\x0d\\x0ab', 'a\\x0d\\x0ab'],
    ['the edges of C0, and DEL', '\u0000\u001f \u007e\u007f', '\\x00\\x1f \u007e\\x7f', '\\x00\\x1f \u007e\\x7f'],
    ['C1 by its bytes', '\u0080\u009b\u00a0', '\\xc2\\x80\\xc2\\x9b\u00a0', '\\xc2\\x80\\xc2\\x9b\u00a0'],
    ['a backslash comes doubled already', 'C:\\\\a', 'C:\\\\a', 'C:\\\\a'],
    ['a byte that was no UTF-8', 'a\\xffb', 'a\\xffb', 'a\\xffb'],
    [
      'a text with such a byte is all bytes',
      'é\\xff日',
      '\\xc3\\xa9\\xff\\xe6\\x97\\xa5',
      '\\xc3\\xa9\\xff\\xe6\\x97\\xa5',
    ],
    ['but not one that only looks so', 'é\\\\xff', 'é\\\\xff', 'é\\\\xff'],
    ['nor one with an escape within ASCII', 'é\\x00', 'é\\x00', 'é\\x00'],
    ['other scripts stay', 'żółć 😀', 'żółć 😀', 'żółć 😀'],
  ];
  for (const [name, text, cell, item] of texts)
    it(`text: ${name}`, () => {
      assert.equal(cellText(text, false), cell);
      assert.equal(cellText(text, true), item);
    });

  it('no text can end its cell, its line or its item, or pass for another', () => {
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'-(empty),\t\n\u0000\u007f\u0085aé') }), (text) => {
        const item = cellText(text, true);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
        assert.doesNotMatch(item, /[\u0000-\u001f\u007f-\u009f,]/);
        assert.notEqual(item, '-');
        if (item === '(empty)') assert.equal(text, '');
        assert.equal(seen.get(item) ?? text, text);
        seen.set(item, text);
      }),
    );
  });

  const values: readonly (readonly [
    type: ZeekType,
    value: Value,
    cell: string | undefined,
    json: string | undefined,
  ])[] = [
    ['time', 1523241953739049, '1523241953.739049', '1523241953.739049'],
    ['interval', 0.002048969268798828, '0.002049', '0.002049'],
    ['interval', 0, '0.000000', '0'],
    ['interval', 4294967295, '4294967295.000000', '4294967295'],
    ['count', 0, '0', '0'],
    ['count', Number.MAX_SAFE_INTEGER, '9007199254740991', '9007199254740991'],
    ['port', 65535, '65535', '65535'],
    ['double', 7.25, '7.25', '7.25'],
    ['double', 3, '3', '3'],
    ['double', 0.0000001, '0.0000001', '1e-7'],
    ['double', Number.NaN, '-', 'null'],
    ['interval', Number.POSITIVE_INFINITY, '-', 'null'],
    ['bool', true, 'T', 'true'],
    ['bool', false, 'F', 'false'],
    ['addr', '2001:db8::1', '2001:db8::1', '"2001:db8::1"'],
    ['enum', 'tcp', 'tcp', '"tcp"'],
    ['string', 'C:\\\\a "x"', 'C:\\\\a "x"', '"C:\\\\a \\"x\\""'],
    ['string', 'é\\xff', '\\xc3\\xa9\\xff', '"\\\\xc3\\\\xa9\\\\xff"'],
    ['string', '', '(empty)', '""'],
    ['string', null, undefined, undefined],
    ['count', null, undefined, undefined],
    ['vector[interval]', [300, 0.5], '300.000000,0.500000', '[300,0.5]'],
    ['vector[string]', ['a,b', '', '-'], 'a\\x2cb,(empty),\\x2d', '["a,b","","-"]'],
    ['set[addr]', ['192.0.2.1'], '192.0.2.1', '["192.0.2.1"]'],
    ['vector[count]', null, undefined, undefined],
    ['vector[count]', [], undefined, undefined],
  ];
  for (const [type, value, cell, json] of values)
    it(`${type}: ${JSON.stringify(value)}`, () => {
      assert.equal(cellWriter(column(type))(value), cell);
      assert.equal(jsonWriter(column(type))(value), json);
    });

  it('a set that is always there says when it has nothing', () => {
    assert.equal(cellWriter(column('set[enum]', '(empty)'))([]), '(empty)');
    assert.equal(jsonWriter(column('set[enum]', '(empty)'))([]), '[]');
    assert.equal(cellWriter(column('set[enum]', '(empty)'))(null), undefined);
  });
});
