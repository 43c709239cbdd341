import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { faultText } from './fault.ts';
import { below, DEPTH_MAX, findChains, loadChains } from './folder.ts';

const chain = (name: string, where = 'dns.query == "a.example"'): string => `chain: ${name}
window: 10d
by: [victim]
steps:
  - { id: one, event: dns, where: '${where}', bind: { victim: dns.orig_host } }
  - { id: two, event: dns, after: 1d, where: '${where}', bind: { victim: dns.orig_host } }
`;

describe('folders of chains', () => {
  let folder = '';
  const put = (name: string, text: string): string => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'catenary-folder-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const found = (...paths: string[]): string[] => findChains(paths).files.map((f) => relative(folder, f));

  it('a folder with a chain.yaml is that chain; others are walked, sorted; each file once', () => {
    put('b/chain.yaml', '');
    put('b/cases/not-a-chain.yaml', '');
    put('a/x.yml', '');
    put('a/y.yaml', '');
    put('a/README.md', '');
    assert.deepEqual(found(folder), ['a/x.yml', 'a/y.yaml', 'b/chain.yaml']);
    assert.deepEqual(found(folder, join(folder, 'b')), ['a/x.yml', 'a/y.yaml', 'b/chain.yaml']);
  });

  it('a path that is not there, or holds none, is a fault with what to do; the others are found', () => {
    put('a/x.yaml', '');
    mkdirSync(join(folder, 'empty'));
    const { files, faults } = findChains([join(folder, 'gone'), join(folder, 'empty'), join(folder, 'a')]);
    assert.equal(files.length, 1);
    assert.deepEqual(
      faults.map((f) => [f.message.slice(folder.length + 1), f.hint]),
      [
        ['gone: no such file', 'check the path'],
        ['empty: no chain in it', 'name a chain.yaml'],
      ],
    );
  });

  it('walks so deep and no deeper', () => {
    const deep = (n: number): string => 'd/'.repeat(n);
    for (const n of [DEPTH_MAX - 1, DEPTH_MAX, DEPTH_MAX + 1]) put(`${deep(n)}x${n}.yaml`, '');
    assert.deepEqual(found(folder).sort(), [
      `${deep(DEPTH_MAX)}x${DEPTH_MAX}.yaml`,
      `${deep(DEPTH_MAX - 1)}x${DEPTH_MAX - 1}.yaml`,
    ]);
  });

  it('a chain with a fault is left out, one of a name that is taken too; the others load', () => {
    const files = [
      put('a.yaml', chain('good')),
      put('b.yaml', chain('broken', 'dns.qury == "a.example"')),
      put('c.yaml', chain('good')),
      put('d.yaml', chain('fine')),
      join(folder, 'gone.yaml'),
    ];
    const { rules, chainFaults, faults } = loadChains(files, {});
    assert.deepEqual(
      rules.map((r) => r.id),
      ['good', 'fine'],
    );
    assert.match(faultText(chainFaults[0] as never), /b\.yaml:5:\d+: .*qury.*\(did you mean query\?\)$/);
    assert.match(faultText(chainFaults.at(-1) as never), /c\.yaml:1:1: there is a chain good already, in .*a\.yaml/);
    assert.match(faults[0]?.message ?? '', /gone\.yaml: no such file/);
  });

  describe('chains over chains', () => {
    const over = (name: string, taken: string): string => `chain: ${name}
window: 10d
by: [victim]
steps:
  - { id: one, chain: ${taken}, bind: { victim: chain.victim } }
  - { id: two, event: dns, bind: { victim: dns.orig_host } }
`;
    it('those that are taken as steps load first, whatever the files are called', () => {
      const files = [
        put('a.yaml', over('top', 'middle')),
        put('b.yaml', over('middle', 'base')),
        put('c.yaml', chain('base')),
      ];
      const { rules, chainFaults } = loadChains(files, {});
      assert.deepEqual(chainFaults, []);
      assert.deepEqual(
        rules.map((r) => `${r.id} ${r.depth}`),
        ['base 1', 'middle 2', 'top 3'],
      );
      const names = (id: string): string[] => below(rules.find((r) => r.id === id) as never, rules).map((r) => r.id);
      assert.deepEqual([names('top'), names('middle'), names('base')], [['middle', 'base'], ['base'], []]);
    });

    it('a circle is a fault', () => {
      const files = [
        put('a.yaml', over('one', 'two')),
        put('b.yaml', over('two', 'one')),
        put('c.yaml', over('self', 'self')),
      ];
      const { rules, chainFaults } = loadChains(files, {});
      assert.deepEqual(rules, []);
      const messages = chainFaults.map((f) => f.message).join('\n');
      assert.match(messages, /two and one take each other as steps/);
      assert.match(messages, /self and self take each other as steps/);
    });
  });
});
