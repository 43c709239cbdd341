import assert from 'node:assert/strict';
import { OwnRecord } from './bindings.ts';
import { readChain } from './language.ts';
import type { Step } from './rule.ts';
import { Topics } from './topics.ts';
import { NaiveMemory, see } from './world.test.ts';

describe('chains: topics', () => {
  const stepOf = (id: string, text: string): { id: string; step: Step } => {
    const { rule, faults } = readChain('x.yaml', `chain: x\nwindow: 1d\nby: [h]\nsteps:\n  - { id: ${id}, ${text} }\n`);
    assert.deepEqual(faults, []);
    return { id, step: rule?.steps[0] as Step };
  };
  const dns = (id: string, where: string) => stepOf(id, `event: dns, where: '${where}', bind: { h: dns.orig_host }`);
  const signal = (id: string, name: string) => stepOf(id, `signal: ${name}, bind: { h: signal.src_host }`);

  it('a record finds the steps that ask for its value, and those that ask for none, in their order', () => {
    const topics = new Topics<{ id: string; step: Step }>(new OwnRecord(new NaiveMemory()));
    for (const s of [
      dns('open', 'dns.rcode > 0'),
      dns('three', 'dns.rcode == 3'),
      dns('name', 'dns.query == "a.example" && dns.rcode == 0'),
      dns('truth', 'dns.rejected == true'),
      dns('four', 'dns.rcode == 4'),
    ])
      topics.add(s);
    const ids = (values: Record<string, unknown>): string[] => topics.of(see('dns', 0, values)).map((p) => p.item.id);
    assert.deepEqual(ids({ rcode: 3, query: 'b.example' }), ['open', 'three']);
    assert.deepEqual(ids({ rcode: 0, query: 'a.example' }), ['name'], 'all that the record alone can tell is asked');
    assert.deepEqual(ids({ rcode: 3, query: 'a.example' }), ['open', 'three']);
    assert.deepEqual(ids({ rcode: 9, rejected: true }), ['open', 'truth']);
    // What a hostile name is called is only a name.
    assert.deepEqual(ids({ rcode: 9, query: 'constructor' }), ['open']);
    assert.deepEqual(topics.of(see('tls', 0)), []);
  });

  it('a signal finds the steps of its name', () => {
    const topics = new Topics<{ id: string; step: Step }>(new OwnRecord(new NaiveMemory()));
    for (const s of [signal('b1', 'beacon'), signal('r', 'rare_domain'), signal('b2', 'beacon')]) topics.add(s);
    const ids = (name: string): string[] => topics.of(see('signal', 0, { name })).map((p) => p.item.id);
    assert.deepEqual(ids('beacon'), ['b1', 'b2']);
    assert.deepEqual(ids('rare_domain'), ['r']);
    assert.deepEqual(ids('none'), []);
  });
});
