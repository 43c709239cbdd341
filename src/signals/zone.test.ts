import assert from 'node:assert/strict';
import { cutName } from './zone.ts';

describe('names cut at the registered domain', () => {
  it('by the public suffix list', () => {
    assert.deepEqual(cutName('A.b.Site.co.uk.'), { zone: 'site.co.uk', below: 'a.b' });
    assert.deepEqual(cutName('site.example'), { zone: 'site.example', below: '' });
  });
  it('also where labels hold what no host name has', () => {
    assert.deepEqual(cutName('\\xe4b c.site.example'), { zone: 'site.example', below: '\\xe4b c' });
  });
  it('not names of the house, addresses, single labels, or what is too long', () => {
    for (const text of [null, 'a.local', '\\xe4.a.local', '4.3.2.1.in-addr.arpa', 'host', '192.0.2.1', '', '.', '..'])
      assert.equal(cutName(text), undefined, `${text}`);
    const long = (n: number): string => `${'\\xe4'.repeat(n)}.site.example`;
    assert.notEqual(cutName(long(249)), undefined);
    assert.equal(cutName(long(250)), undefined);
  });
});
