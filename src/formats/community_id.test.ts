import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { communityId } from './community_id.ts';

// From the specification's baseline, and from Zeek's own conn logs where both addresses are one.
const ROWS: readonly (readonly [string, number, string, number, number, string])[] = [
  ['128.232.110.120', 34855, '66.35.250.204', 80, 6, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  ['66.35.250.204', 80, '128.232.110.120', 34855, 6, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  ['192.168.1.52', 54585, '8.8.8.8', 53, 17, '1:d/FP5EW3wiY1vCndhwleRRKHowQ='],
  ['192.168.0.89', 8, '192.168.0.1', 0, 1, '1:X0snYXpgwiv9TZtqg64sgzUn6Dk='],
  ['192.168.0.1', 0, '192.168.0.89', 8, 1, '1:X0snYXpgwiv9TZtqg64sgzUn6Dk='],
  ['fe80::200:86ff:fe05:80da', 135, 'fe80::260:97ff:fe07:69ea', 136, 58, '1:dGHyGvjMfljg6Bppwm3bg0LO8TY='],
];

const v6One = [...new Array<number>(15).fill(0), 1];

describe('community id', () => {
  for (const [orig_h, orig_p, resp_h, resp_p, proto, id] of ROWS)
    it(`${orig_h} ${orig_p} -> ${resp_h} ${resp_p}, protocol ${proto}`, () => {
      assert.equal(communityId({ orig_h, orig_p, resp_h, resp_p, proto }), id);
    });

  it('is the same both ways, between equal addresses too', () => {
    for (const [a, b] of [
      [445, 41823],
      [256, 1],
      [7, 7],
    ] as const) {
      const h = { orig_h: '127.0.0.1', resp_h: '127.0.0.1', proto: 6 };
      assert.equal(communityId({ ...h, orig_p: a, resp_p: b }), communityId({ ...h, orig_p: b, resp_p: a }));
    }
    assert.equal(
      communityId({ orig_h: '127.0.0.1', orig_p: 41823, resp_h: '127.0.0.1', resp_p: 445, proto: 6 }),
      '1:LT9Z29Iuexn4cHmfWwxgATdmZcg=',
    );
  });

  it('a message of ICMP that awaits no answer has a direction', () => {
    const h = { orig_h: '192.0.2.1', orig_p: 3, resp_h: '192.0.2.2', resp_p: 1, proto: 1 };
    const back = { ...h, orig_h: h.resp_h, resp_h: h.orig_h };
    assert.notEqual(communityId(h), communityId(back));
  });

  it('protocols without ports hash without them', () => {
    const h = { orig_h: '10.1.12.1', resp_h: '10.1.12.2', proto: 46 };
    assert.equal(communityId({ ...h, orig_p: 1, resp_p: 2 }), communityId({ ...h, orig_p: 0, resp_p: 0 }));
    assert.equal(communityId({ ...h, orig_p: 0, resp_p: 0 }), '1:KHlLkgoJW7ifUTyTSgyVfkFHzKw=');
  });

  it('an IPv4 address stands among IPv6 ones where it is mapped', () => {
    const h = { orig_p: 1, resp_p: 2, proto: 6 };
    for (const [v4, v6] of [
      ['10.9.8.7', '::1'],
      ['10.9.8.7', '900::1'],
    ] as const) {
      const id = communityId({ ...h, orig_h: v4, resp_h: v6 });
      assert.equal(communityId({ orig_h: v6, orig_p: 2, resp_h: v4, resp_p: 1, proto: 6 }), id);
      const bytes =
        v6 === '::1'
          ? [...v6One, 10, 9, 8, 7, 6, 0, 0, 2, 0, 1]
          : [10, 9, 8, 7, 9, ...v6One.slice(1), 6, 0, 0, 1, 0, 2];
      assert.equal(
        id,
        `1:${createHash('sha1')
          .update(Uint8Array.from([0, 0, ...bytes]))
          .digest('base64')}`,
      );
    }
  });

  it('what is no address has none', () => {
    assert.equal(communityId({ orig_h: 'x', orig_p: 0, resp_h: '::', resp_p: 0, proto: 6 }), undefined);
  });
});
