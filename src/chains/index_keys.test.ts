import assert from 'node:assert/strict';
import fc from 'fast-check';
import { OwnRecord } from './bindings.ts';
import { compileWhere } from './cel.ts';
import { readChain } from './language.ts';
import type { Step } from './rule.ts';
import { Topics } from './topics.ts';
import { NaiveMemory, see } from './world.test.ts';

const keysOf = (where: string): string[] | undefined =>
  compileWhere(where, new Map([['dns', { kind: 'dns' }]]), 'dns').keys?.map((k) => `${k.field} ${k.test} ${k.value}`);

describe('chains: index keys', () => {
  it('equality, membership, beginnings and ends; of a conjunction the best, of alternatives all', () => {
    for (const [where, keys] of [
      ['dns.query == "a"', ['query is a']],
      ['3 == dns.rcode', ['rcode is 3']],
      ['dns.query in ["a", "b"]', ['query is a', 'query is b']],
      ['dns.query.endsWith(".a")', ['query ends .a']],
      ['dns.query.startsWith("a.")', ['query begins a.']],
      ['dns.query.endsWith(".a") && dns.rcode == 3', ['query ends .a']],
      ['dns.query == "a" && dns.query.endsWith(".a")', ['query is a']],
      ['dns.rcode == 3 && dns.qtype > 5', ['rcode is 3']],
      ['dns.query.endsWith(".a") || dns.query.endsWith(".b")', ['query ends .a', 'query ends .b']],
      ['(dns.rcode == 3 || dns.rcode == 2) && dns.qtype > 5', ['rcode is 3', 'rcode is 2']],
      ['dns.rcode > 3', ['rcode above 3']],
      ['3 <= dns.rcode', ['rcode above 3']],
      ['dns.rcode <= 3', ['rcode below 3']],
      ['dns.rcode > 3 && dns.query.endsWith(".a")', ['query ends .a']],
      ['dns.rejected == true', undefined],
      ['dns.query == "a" || dns.rcode > 3', ['query is a', 'rcode above 3']],
      ['dns.query == "a" || dns.rejected', undefined],
      ['dns.query.endsWith("")', undefined],
      ['!(dns.query == "a")', undefined],
    ] as const)
      assert.deepEqual(keysOf(where), keys, where);
  });

  it('so many, and not one more', () => {
    const list = (n: number): string => `dns.query in [${Array.from({ length: n }, (_, i) => `"${i}"`).join(', ')}]`;
    assert.equal(keysOf(list(63))?.length, 63);
    assert.equal(keysOf(list(64))?.length, 64);
    assert.equal(keysOf(list(65)), undefined);
  });

  const text = fc.constantFrom('a', 'b', 'a.b', 'b.a', '');
  const atom = fc.oneof(
    text.map((t) => `dns.query == "${t}"`),
    text.map((t) => `dns.query.endsWith("${t}")`),
    text.map((t) => `dns.query.startsWith("${t}")`),
    fc.array(text, { minLength: 1, maxLength: 3 }).map((l) => `dns.query in [${l.map((t) => `"${t}"`).join(', ')}]`),
    fc.nat(3).map((n) => `dns.rcode == ${n}`),
    fc.tuple(fc.constantFrom('<', '<=', '>', '>='), fc.nat(3)).map(([op, n]) => `dns.rcode ${op} ${n}`),
    fc.tuple(fc.constantFrom('<', '<=', '>', '>='), fc.nat(3)).map(([op, n]) => `${n} ${op} dns.rcode`),
    fc.constant('dns.rejected'),
  );
  const where: fc.Arbitrary<string> = fc.letrec<{ w: string }>((tie) => ({
    w: fc.oneof(
      { depthSize: 'small' },
      atom,
      fc.tuple(tie('w'), fc.constantFrom('&&', '||'), tie('w')).map(([a, op, b]) => `(${a} ${op} ${b})`),
      tie('w').map((a) => `!(${a})`),
    ),
  })).w;

  it('the index finds exactly the steps whose where holds, in their order, each once', () => {
    fc.assert(
      fc.property(
        fc.array(where, { minLength: 1, maxLength: 8 }),
        text,
        fc.nat(4),
        fc.boolean(),
        (all, query, rcode, rejected) => {
          const topics = new Topics<{ step: Step; n: number }>(new OwnRecord(new NaiveMemory()));
          const steps = all.map((w, n) => {
            const yaml = `chain: x\nwindow: 1d\nby: [h]\nsteps:\n  - { id: s, event: dns, where: '${w}', bind: { h: dns.orig_host } }\n`;
            const { rule, faults } = readChain('x.yaml', yaml);
            assert.deepEqual(faults, []);
            return { step: rule?.steps[0] as Step, n };
          });
          for (const s of steps) topics.add(s);
          const obs = see('dns', 0, { query, rcode, rejected });
          const record = new OwnRecord(new NaiveMemory()).of(obs);
          const wanted = steps.filter(({ step }) => step.where?.evaluate(record) === true).map(({ n }) => n);
          assert.deepEqual(
            topics.of(obs).map((p) => p.item.n),
            wanted,
          );
        },
      ),
    );
  });
});
