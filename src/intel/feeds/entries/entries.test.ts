import assert from 'node:assert/strict';
import { parseList } from '../../parse.ts';

const list = (document: object): ReturnType<typeof parseList> =>
  parseList(JSON.stringify(document, undefined, 1), 'e.json', 'desk');

describe('entries', () => {
  it('arrays under ids, with type, confidence and family', () => {
    const { indicators, faults } = list({
      '1700001': [
        {
          ...{
            ioc_value: '198.51.100.7:8080',
            ioc_type: 'ip:port',
            malware_printable: 'Loader',
            threat_type: 'botnet_cc',
          },
          ...{ confidence_level: 75, first_seen_utc: '2026-01-02 03:04:05', reporter: 'somebody', tags: 'a,b' },
        },
      ],
      '1700002': [{ ioc_value: 'd'.repeat(64), ioc_type: 'sha256_hash', confidence_level: 100, tags: null }],
    });
    assert.deepEqual(faults, []);
    const [a, b] = indicators;
    assert.deepEqual([a?.type, a?.match, a?.confidence, a?.source], ['addr', '198.51.100.7', 0.75, 'somebody']);
    assert.deepEqual(a?.tags, ['a', 'b', 'Loader', 'botnet_cc']);
    assert.equal(a?.validFrom, Date.parse('2026-01-02T03:04:05Z') * 1000);
    assert.deepEqual([b?.type, b?.source], ['file_hash', 'desk']);
  });

  it('an array under data, and one that stands alone', () => {
    assert.equal(
      list({ query_status: 'ok', data: [{ ioc: 'c2.example', ioc_type: 'domain' }] }).indicators[0]?.type,
      'domain',
    );
    const [only] = list([{ ip_address: '198.51.100.9', port: 443, malware: 'Bot' }]).indicators;
    assert.deepEqual([only?.type, only?.description], ['addr', 'Bot']);
  });

  it('an entry without a value, and a value that is none, are told', () => {
    const { indicators, faults } = list([{ url: 'http://a.example/x' }, { port: 7 }, { ip_address: '300.1.1.1' }]);
    assert.equal(indicators.length, 1);
    assert.match(faults[0]?.message ?? '', /without a value/);
    assert.match(faults[1]?.message ?? '', /no address/);
    assert.equal(faults[1]?.line, 9);
  });

  it('JSON of no format, and half a document, are no lists', () => {
    assert.match(list({ a: { b: 1 } }).faults[0]?.message ?? '', /no format that is known/);
    assert.match(parseList('[{"ip": "198.51.100.7"}', 'h.json', 'h').faults[0]?.message ?? '', /no JSON/);
  });
});
