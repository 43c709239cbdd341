import assert from 'node:assert/strict';
import { type Plan, planOf, TOKENS_MAX } from './terms.ts';

/** "p445", "4:0a000005", ranges with -, in the notation of the filter. */
function show(plan: Plan): string {
  if (plan.is === 'any') return '*';
  if (plan.is !== 'term') return `(${show(plan.left)} ${plan.is} ${show(plan.right)})`;
  const one = (t: bigint): string => {
    const value = t & ((1n << 56n) - 1n);
    return t >> 56n === 1n ? `p${value}` : `${t >> 56n}:${value.toString(16).padStart(8, '0')}`;
  };
  return plan.low === plan.high ? one(plan.low) : `${one(plan.low)}-${one(plan.high)}`;
}

describe('evidence: what an index can say of a filter', () => {
  const rows: readonly (readonly [filter: string, plan: string])[] = [
    ['', '*'],
    ['host 10.0.0.5 and port 445', '(4:0a000005 and p445)'],
    ['tcp src port 80', 'p80'],
    ['net 10.0.0.0/8', '4:0a000000-4:0affffff'],
    ['net 0.0.0.0/0', '4:00000000-4:ffffffff'],
    ['src net 10.1.2.3/32', '4:0a010203'],
    ['net 10.0.0.0/33', '*'],
    ['portrange 20-25', 'p20-p25'],
    ['portrange 25-20', '*'],
    ['port 65535', 'p65535'],
    ['port 65536', '*'],
    ['port http', '*'],
    ['host 10.0.0.256', '*'],
    ['host example', '*'],
    ['ether host 02:00:00:00:00:01', '*'],
    ['tcp', '*'],
    ['tcp and host 10.0.0.5', '4:0a000005'],
    ['tcp or host 10.0.0.5', '*'],
    // One precedence, to the left.
    ['port 1 or port 2 and port 3', '((p1 or p2) and p3)'],
    ['port 1 or (port 2 and port 3)', '(p1 or (p2 and p3))'],
    ['port 1 && port 2 || port 3', '((p1 and p2) or p3)'],
    // What is left out is taken from before, which asks for nothing here.
    ['port 80 or 443', '*'],
    ['host 10.0.0.5 and 10.0.0.6', '4:0a000005'],
    ['src or dst port 5', '*'],
    ['not port 22', '*'],
    ['!port 22 and host 10.0.0.5', '4:0a000005'],
    ['not (port 22 or port 23) and port 24', 'p24'],
    ['not not port 22', '*'],
    ['tcp[tcpflags] & tcp-syn != 0 and port 25', 'p25'],
    ['vlan 5 and host 10.0.0.5', '4:0a000005'],
    ['port 1)', '*'],
    ['(port 1', 'p1'],
    ['and and', '*'],
  ];
  for (const [filter, plan] of rows) it(`'${filter}' is ${plan}`, () => assert.equal(show(planOf(filter)), plan));

  it('an IPv6 address is both halves, XORed, without their top byte', () => {
    const plan = planOf('host 2001:0:0:0:f00::9');
    assert.ok(plan.is === 'term');
    assert.equal(plan.low, (6n << 56n) | ((0x2001000000000000n ^ 0x0f00000000000009n) & ((1n << 56n) - 1n)));
    for (const bad of ['1:2:3', '::1::', '1:2:3:4:5:6:7:8:9', '12345::', ':::', '1:2:3:4:5:6:7::8'])
      assert.equal(planOf(`host ${bad}`).is, 'any', bad);
    assert.equal(planOf('host ::').is, 'term');
  });

  it('so many words are looked at; more are scanned for', () => {
    const filter = (n: number): string => `port 1${' and tcp'.repeat((n - 2) / 2)}`;
    assert.equal(show(planOf(filter(TOKENS_MAX))), 'p1');
    assert.equal(show(planOf(filter(TOKENS_MAX + 2))), '*');
    assert.equal(show(planOf('('.repeat(TOKENS_MAX))), '*');
  });
});
