import assert from 'node:assert/strict';
import { firstIn, isAddressHost, plainUri } from './request.ts';

describe('requests as servers read them', () => {
  it('decoded twice, in lower case', () => {
    assert.equal(plainUri('/A?x=%27+OR+1%3D1'), "/a?x=' or 1=1");
    assert.equal(plainUri('/%252e%252e%252fetc'), '/../etc');
    assert.equal(plainUri('/100%25'), '/100%');
    assert.equal(plainUri('/%zz%4'), '/%zz%4');
    assert.equal(plainUri(null), '');
  });
  for (const n of [2047, 2048, 2049])
    it(`${n} characters of 2,048`, () => {
      assert.equal(plainUri('a'.repeat(n)).length, Math.min(n, 2048));
    });
  it('holds one of some texts', () => {
    assert.equal(firstIn('/a/../b', ['x', '../']), '../');
    assert.equal(firstIn('/a', ['x']), undefined);
  });
  it('asked for by address', () => {
    assert.deepEqual(['192.0.2.1', '2001:db8::1', 'a.example', '1.2.3', null].map(isAddressHost), [
      ...[true, true, false, false, false],
    ]);
  });
});
