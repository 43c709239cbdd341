import assert from 'node:assert/strict';
import { pairwise } from './ldap_filter.ts';

describe('ldap filters as Zeek writes them', () => {
  const rows = [
    ['(cn=x)', '(cn=x)'],
    ['(&(a=1)(b=2))', '(&(a=1)(b=2))'],
    ['(&(a=1)(b=2)(c=3))', '(&(&(a=1)(b=2))(c=3))'],
    ['(|(a=1)(b=2)(c=3)(d=4))', '(|(|(|(a=1)(b=2))(c=3))(d=4))'],
    ['(&(a=1)(!(|(b=2)(c=3)(d=4))))', '(&(a=1)(!(|(|(b=2)(c=3))(d=4))))'],
    ['(&)', '(&)'],
    ['(&(a=1)(b=', '(&(a=1)(b='],
  ] as const;
  for (const [filter, expected] of rows) {
    it(filter, () => assert.equal(pairwise(filter), expected));
  }
});
