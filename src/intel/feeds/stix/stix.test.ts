import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseList } from '../../parse.ts';
import stix, { valuesOf } from './stix.ts';

const bundle = (...objects: object[]): string =>
  JSON.stringify({ type: 'bundle', id: 'bundle--1', objects }, undefined, 1);
const indicator = (pattern: string, more: object = {}): object => ({
  ...{ type: 'indicator', spec_version: '2.1', id: 'indicator--7', pattern, pattern_type: 'stix' },
  ...{ valid_from: '2026-01-01T00:00:00Z', ...more },
});
const list = (...objects: object[]): ReturnType<typeof parseList> => parseList(bundle(...objects), 'b.json', 'b');

describe('stix', () => {
  it('a choice of values is an indicator each, with times, confidence and labels', () => {
    const pattern =
      "[domain-name:value = 'c2.example' OR ipv4-addr:value IN ('198.51.100.7', '198.51.100.0/24')] OR " +
      `[file:hashes.'SHA-256' = '${'a'.repeat(64)}']`;
    const { indicators, faults } = list(
      indicator(pattern, { confidence: 80, labels: ['malicious-activity'], valid_until: '2026-02-01T00:00:00.000Z' }),
    );
    assert.deepEqual(faults, []);
    assert.deepEqual(
      indicators.map((i) => `${i.type} ${i.text}`),
      ['domain c2.example', 'addr 198.51.100.7', 'subnet 198.51.100.0/24', `file_hash ${'a'.repeat(64)}`],
    );
    const [first] = indicators;
    assert.equal(first?.confidence, 0.8);
    assert.deepEqual(first?.tags, ['malicious-activity']);
    assert.equal(first?.validFrom, Date.parse('2026-01-01T00:00:00Z') * 1000);
    assert.equal(first?.validUntil, Date.parse('2026-02-01T00:00:00Z') * 1000);
  });

  it('an envelope of TAXII is read, and what was revoked is none', () => {
    const text = JSON.stringify({
      more: false,
      objects: [
        indicator("[url:value = 'http://a.example/x']"),
        indicator("[url:value = 'http://b.example/']", { revoked: true }),
      ],
    });
    assert.deepEqual(
      parseList(text, 't.json', 't').indicators.map((i) => i.text),
      ['http://a.example/x'],
    );
  });

  const refused: readonly (readonly [what: string, object: object, message: RegExp])[] = [
    ['AND', indicator("[file:name = 'a.exe' AND file:size = 7]"), /choice of values/],
    ['FOLLOWEDBY', indicator("[url:value = 'a'] FOLLOWEDBY [url:value = 'b']"), /choice of values/],
    ['LIKE', indicator("[domain-name:value LIKE '%.example']"), /other than = and IN/],
    ['a number', indicator('[file:size = 7]'), /other than a text/],
    ['a path that is not compared', indicator("[mutex:name = 'm']"), /mutex:name is not compared/],
    ['another language', indicator('alert tcp any', { pattern_type: 'snort' }), /pattern in snort/],
    ['no pattern', indicator(''), /does not begin/],
    ['an end that is missing', indicator("[url:value IN ('a', 'b'"), /does not end/],
  ];
  for (const [what, object, message] of refused)
    it(`${what} is refused, with its line`, () => {
      const { indicators, faults } = list({ type: 'malware', id: 'malware--1' }, object);
      assert.equal(indicators.length, 0);
      assert.match(faults[0]?.message ?? '', message);
      assert.equal(faults[0]?.line, 12);
    });

  it('a value is what was quoted, whatever is in it', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (value) => {
        const quoted = value.replace(/[\\']/g, '\\$&');
        assert.deepEqual(valuesOf(`[url:value = '${quoted}']`), [['url:value', value]]);
      }),
    );
  });

  it('any text ends in values or a reason', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."[]()=' ORINa:b,.\\"), maxLength: 80 }), (pattern) => {
        assert.ok(typeof valuesOf(pattern) === 'string' || Array.isArray(valuesOf(pattern)));
      }),
    );
    assert.equal(stix.reads({ type: 'bundle' }), false);
  });
});
