import assert from 'node:assert/strict';
import { Networks } from './networks.ts';

const networks = new Networks();

describe('networks', () => {
  it('knows ours at the edges', () => {
    for (const [ip, is] of Object.entries({
      ...{ '10.0.0.0': true, '10.255.255.255': true, '11.0.0.0': false, '9.255.255.255': false },
      ...{ '172.15.255.255': false, '172.16.0.0': true, '172.31.255.255': true, '172.32.0.0': false },
      ...{ '192.168.1.1': true, '192.169.0.0': false, '169.254.3.3': true, '127.0.0.1': true, '100.64.0.1': false },
      ...{ 'fc00::1': true, 'fdff::1': true, 'fe00::1': false, 'fe80::1': true, 'febf::1': true, 'fec0::1': false },
      ...{ '::1': true, '::2': false, '2001:db8::1': false, '::a00:1': false, x: false },
    }))
      assert.equal(networks.has(ip), is, ip);
  });
  it('refuses what is no network', () => {
    for (const text of ['10.0.0.0/33', '10.0.0.1/8', 'fe80::/129', '10.0.0.0/', '10.0.0.0/08', 'x', '', '::1/64'])
      assert.throws(() => new Networks([text]), RangeError, text);
    assert.equal(new Networks(['198.51.100.7', '2001:db8::/33', '0.0.0.0/0']).has('203.0.113.1'), true);
    assert.equal(new Networks(['198.51.100.7']).has('198.51.100.8'), false);
    assert.equal(new Networks([]).has('10.0.0.1'), false);
  });
});
