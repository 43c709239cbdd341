import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAddon } from './capture/addon.ts';
import { type Config, loadConfig } from './config/config.ts';
import type { CatenaryEvent } from './schema/gen/events.gen.ts';
import { collectorChains, openStages, type StageOptions, type Stages } from './stages.ts';

describe('stages', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'catenary-stages-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const configOf = (text: string): Config => {
    const file = join(folder, 'catenary.yaml');
    writeFileSync(file, text);
    const config = loadConfig(file);
    assert.ok(config.ok, config.ok ? '' : config.fault.message);
    return config.value;
  };
  const open = (text: string, options: StageOptions = {}) => {
    const addon = loadAddon();
    assert.ok(addon.ok);
    return openStages(configOf(text), addon.value.Memory, { onConclusion: () => {}, onFinding: () => {} }, options);
  };
  const opened = (text: string): Stages => {
    const stages = open(text);
    assert.ok(stages.ok, stages.ok ? '' : stages.fault.message);
    return stages.value;
  };

  it('decodes what somebody asked for, and no conclusions', () => {
    const stages = opened('');
    for (const kind of ['conn', 'dns', 'http', 'tls', 'file', 'dhcp', 'arp', 'icmp'] as const)
      assert.ok(stages.kinds.includes(kind), kind);
    for (const kind of ['signal', 'sighting', 'identity', 'alert', 'capture_stats'] as const)
      assert.ok(!stages.kinds.includes(kind), kind);
    assert.deepEqual(stages.faults, []);
    stages.close();
  });

  it('a chain, a list with a fault is left out and told; the rest runs', () => {
    writeFileSync(join(folder, 'list.txt'), 'c2.example\n300.1.2.3.4/99\n');
    writeFileSync(
      join(folder, 'bad.yaml'),
      'chain: bad\nwindow: 3d\nby: [victim]\nsteps:\n  - { id: one, event: dsn, bind: { victim: dns.orig_host } }\n',
    );
    const stages = opened('chains: { dirs: [bad.yaml] }\nintel: { files: [list.txt] }');
    const told = stages.faults.map((f) => `${f.message.slice(folder.length + 1)} (${f.hint})`);
    assert.match(told[0] ?? '', /^bad\.yaml:5:\d+: .*dsn.*\(did you mean dns\?\)$/);
    assert.match(told.at(-1) ?? '', /^list\.txt:2: .+/);
    assert.ok([...stages.chains.wants].length > 0);
    stages.close();
  });

  it('a chain of the collector runs there alone, and here where there is none', () => {
    const chain = (name: string, more = ''): string =>
      `chain: ${name}\n${more}window: 3d\nby: [who]\nsteps: [{ id: one, signal: beacon, bind: { who: signal.src_host } }]\n`;
    writeFileSync(join(folder, 'here.yaml'), chain('here'));
    writeFileSync(join(folder, 'there.yaml'), chain('there', 'runs: collector\n'));
    const text = 'chains: { shipped: false, dirs: [here.yaml, there.yaml] }';
    for (const [hasCollector, count] of [
      [true, 1],
      [false, 2],
    ] as const) {
      const stages = open(text, { hasCollector });
      assert.ok(stages.ok);
      assert.equal(stages.value.chainCount, count);
      stages.value.close();
    }
    const { rules, faults } = collectorChains(configOf(text));
    assert.deepEqual([rules.map((r) => r.id), faults], [['there'], []]);
  });

  it('a setting of a signal that is none is a fault of the configuration, with its place', () => {
    const stages = open('signals:\n  beacon:\n    contactz: 4\n');
    assert.ok(!stages.ok);
    assert.equal(stages.fault.code, 'config_invalid');
    assert.match(stages.fault.message, /catenary\.yaml:3:\d+: signals\.beacon\.contactz: no such setting/);
  });

  it('what was committed is there when it is opened again, and nothing else', () => {
    const conn = (seen: number): CatenaryEvent =>
      ({
        ...{ ts: seen, seen, cut: false, uid: 'C0000000000Z', orig_h: '10.0.0.1', orig_p: 9, vlan: null },
        ...{ resp_h: '192.0.2.1', resp_p: 443, proto: 6, conn_state: 'SF', service: [], orig_bytes: 1 },
      }) as never;
    const config = 'state: { dir: state }';
    const first = opened(config);
    first.memory.begin(1e15);
    first.detection.take('conn', conn(1e15), 'a/1/1/0');
    assert.ok(first.commit('one').ok);
    first.detection.take('conn', conn(1e15 + 1e6), 'a/1/2/0');
    first.close();
    const second = opened(config);
    assert.equal(second.state.cursor, 'one');
    assert.equal(second.memory.look('addr', '192.0.2.1').count, 1);
    second.close();
  });
});
