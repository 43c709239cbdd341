import assert from 'node:assert/strict';
import { parseList } from '../../parse.ts';

const attribute = (type: string, value: string, more: object = {}): object => ({
  ...{ uuid: `u-${value}`, type, value, to_ids: true, ...more },
});
const event = (attributes: object[], more: object = {}): object => ({
  Event: { info: 'a campaign', Orgc: { name: 'CERT' }, Tag: [{ name: 'tlp:green' }], Attribute: attributes, ...more },
});
const list = (document: object): ReturnType<typeof parseList> =>
  parseList(JSON.stringify(document, undefined, 1), 'm.json', 'm');

describe('misp', () => {
  it('attributes to look for are indicators, with whose they are and what they are about', () => {
    const { indicators, faults } = list(
      event([attribute('domain', 'c2.example'), attribute('ip-dst|port', '198.51.100.7|443')]),
    );
    assert.deepEqual(faults, []);
    assert.deepEqual(
      indicators.map((i) => [i.type, i.text, i.source, i.description, i.tags[0]]),
      [
        ['domain', 'c2.example', 'CERT', 'a campaign', 'tlp:green'],
        ['addr', '198.51.100.7', 'CERT', 'a campaign', 'tlp:green'],
      ],
    );
  });

  it('both of two values, and those inside objects', () => {
    const inside = { Object: [{ name: 'file', Attribute: [attribute('filename|sha256', `a.exe|${'b'.repeat(64)}`)] }] };
    const { indicators } = list({ response: [event([attribute('domain|ip', 'd.example|198.51.100.8')], inside)] });
    assert.deepEqual(
      indicators.map((i) => i.text),
      ['d.example', '198.51.100.8', 'b'.repeat(64)],
    );
  });

  it('what is only written down, or deleted, is none', () => {
    const { indicators, faults } = list([
      event([attribute('domain', 'a.example', { to_ids: false }), attribute('domain', 'b.example', { deleted: true })]),
    ]);
    assert.deepEqual([indicators, faults], [[], []]);
  });

  it('a type that is not compared is refused with its line', () => {
    const { indicators, faults } = list(event([attribute('mutex', 'm'), attribute('domain', 'no domain')]));
    assert.equal(indicators.length, 0);
    assert.match(faults[0]?.message ?? '', /type mutex/);
    assert.equal(faults[0]?.line, 14);
    assert.match(faults[1]?.message ?? '', /no domain name/);
  });
});
