import assert from 'node:assert/strict';
import { duration, isBelow, isGroup, isKnock, ofBelow, size } from './flow.ts';

describe('what flows say', () => {
  const flow = { proto: 6, conn_state: 'SF', orig_bytes: 10, resp_bytes: 10, orig_pkts: 5, resp_pkts: 5 };
  it('a knock is a flow that came to nothing', () => {
    const nothing = { ...flow, orig_bytes: 0, resp_bytes: 0 };
    for (const conn_state of ['S0', 'REJ', 'RSTOS0', 'RSTO', 'RSTR']) {
      assert.equal(isKnock({ ...nothing, conn_state }), true, conn_state);
      assert.equal(isKnock({ ...flow, conn_state }), false, `${conn_state} with bytes`);
    }
    for (const conn_state of ['SF', 'S1', 'S2', 'S3', 'OTH', 'RSTRH', 'SH', 'SHR'])
      assert.equal(isKnock({ ...nothing, conn_state }), false, conn_state);
  });
  it('a datagram or two without an answer', () => {
    const datagram = { ...flow, proto: 17, conn_state: 'S0', resp_pkts: 0 };
    assert.equal(isKnock({ ...datagram, orig_pkts: 2 }), true);
    assert.equal(isKnock({ ...datagram, orig_pkts: 3 }), false);
    assert.equal(isKnock({ ...datagram, orig_pkts: 1, resp_pkts: 1 }), false);
  });
  it('groups are nobody’s address', () => {
    for (const ip of ['224.0.0.1', '239.255.255.250', '255.255.255.255', 'ff02::fb', 'fe80::1', '169.254.1.1'])
      assert.equal(isGroup(ip), true, ip);
    for (const ip of ['223.0.0.1', '240.0.0.1', '10.0.0.255', '2001:db8::1']) assert.equal(isGroup(ip), false, ip);
  });
  it('a name and what is below it', () => {
    const names = new Set(['b.example', 'c.example']);
    for (const name of ['b.example', 'a.b.example', 'x.y.c.example']) assert.equal(isBelow(name, names), true, name);
    for (const name of ['ab.example', 'example', '', 'b.example.org']) assert.equal(isBelow(name, names), false, name);
  });
  it('what a table has of a name or of what it is below', () => {
    const names = new Map([['b.example', 'B']]);
    assert.deepEqual(
      ['b.example', 'a.b.example', 'ab.example', ''].map((n) => ofBelow(n, names)),
      [...['B', 'B', undefined, undefined]],
    );
  });
  it('times and sizes for people', () => {
    assert.deepEqual([90e6, 3000e6, 9000e6, 400_000e6].map(duration), ['90 s', '50 min', '2.5 h', '4.63 days']);
    assert.deepEqual([640, 12_000, 3_400_000_000].map(size), ['640 bytes', '12 kB', '3.4 GB']);
  });
});
