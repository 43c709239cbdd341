import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CONFIG_BYTES_MAX, checkConfig, configFaultText, loadConfig, parseConfig } from './config.ts';
import { LOCAL_NETWORKS } from './networks.ts';
import { configSchema, configSchemaJson } from './schema.ts';

const published = (name: string): URL => new URL(`../../appliance/config/${name}`, import.meta.url);
const complaints = (text: string): string[] =>
  parseConfig(text, 'c.yaml').faults.map((f) => configFaultText(f) + (f.hint === '' ? '' : ` (${f.hint})`));

describe('config', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'catenary-config-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('without a file, and with an empty one, is the defaults', () => {
    const none = loadConfig(undefined);
    assert.ok(none.ok);
    assert.deepEqual(none.value.networks.local, LOCAL_NETWORKS);
    assert.equal(none.value.memory.budget_mb, 256);
    assert.equal(none.value.state.dir, null);
    assert.equal(none.value.chains.shipped, true);
    for (const text of ['', '# nothing\n', '---\n', '{}']) {
      const { config, faults } = parseConfig(text, 'c.yaml');
      assert.deepEqual(faults, []);
      const { file: _, where: __, ...values } = config as NonNullable<typeof config>;
      assert.deepEqual(values, configSchema.parse({}));
    }
  });

  it('reads what is written; paths are relative to its folder', () => {
    const file = path.join(dir, 'c.yaml');
    writeFileSync(
      file,
      [
        'networks: { local: [198.51.100.0/24, "2001:db8::/32"] }',
        'state: { dir: state }',
        'memory: { budget_mb: 64 }',
        'chains: { shipped: false, dirs: [my/chains, /etc/chains] }',
        'intel: { files: [../iocs.csv] }',
        'signals:',
        '  beacon: { contacts_min: 12, enabled: true, ignore: [a.example] }',
      ].join('\n'),
    );
    const loaded = loadConfig(file);
    assert.ok(loaded.ok);
    const c = loaded.value;
    assert.deepEqual(c.networks.local, ['198.51.100.0/24', '2001:db8::/32']);
    assert.equal(c.state.dir, path.join(dir, 'state'));
    assert.deepEqual(c.chains, { shipped: false, dirs: [path.join(dir, 'my/chains'), '/etc/chains'] });
    assert.deepEqual(c.intel.files, [path.join(path.dirname(dir), 'iocs.csv')]);
    assert.deepEqual(c.signals, { beacon: { contacts_min: 12, enabled: true, ignore: ['a.example'] } });
    assert.equal(c.where(['signals', 'beacon', 'contacts_min']), `${file}:7:27`);
    assert.equal(c.where(['signals', 'beacon', 'nothing']), `${file}:7:11`);
    assert.equal(c.where(['memory', 'budget_mb']), `${file}:3:22`);
  });

  it('an unknown setting is told with its place and what there is', () => {
    assert.deepEqual(complaints('memory:\n  budgetmb: 3\n'), [
      'c.yaml:2:3: memory.budgetmb: no such setting (there are budget_mb)',
    ]);
    assert.deepEqual(complaints('chain: {}\nmemory: {}\nintell: 3'), [
      'c.yaml:1:1: chain: no such setting (there are format, networks, sensor, state, memory, spool, evidence, redact, ship, collector, status, chains, declared_signals, intel, content, signals)',
      'c.yaml:3:1: intell: no such setting (there are format, networks, sensor, state, memory, spool, evidence, redact, ship, collector, status, chains, declared_signals, intel, content, signals)',
    ]);
  });

  it('a wrong value is told with its place and what it must be', () => {
    assert.deepEqual(
      complaints(
        [
          'memory: { budget_mb: lots }',
          'chains:',
          '  shipped: maybe',
          '  dirs: one',
          'intel: { files: [a, 3, ""] }',
          'networks:',
          '  local:',
          '    - 10.0.0.0/8',
          '    - 10.0.0.1/8',
          'state:',
          'signals: { beacon: { contacts_min: { a: 1 } }, Beacon: {} }',
        ].join('\n'),
      ),
      [
        'c.yaml:1:22: memory.budget_mb: must be a number, not "lots"',
        'c.yaml:3:12: chains.shipped: must be true or false, not "maybe"',
        'c.yaml:4:9: chains.dirs: must be a list, not "one"',
        'c.yaml:5:21: intel.files[1]: must be text, not 3',
        'c.yaml:5:24: intel.files[2]: must be at least 1 character long',
        'c.yaml:9:7: networks.local[1]: "10.0.0.1/8" is no network (write 10.0.0.0/8, 2001:db8::/32 or an address)',
        'c.yaml:10:1: state: must be a group of settings, not nothing',
        'c.yaml:11:36: signals.beacon.contacts_min: must be true or false, a number or a list of texts, not a group of settings',
        'c.yaml:11:48: signals.Beacon: is no name of a signal (as its folder is called: rare_domain)',
      ],
    );
  });

  it('numbers are told their limits', () => {
    for (const [n, is] of [
      ['0', false],
      ['1', true],
      [String(1 << 20), true],
      [String((1 << 20) + 1), false],
      ['1.5', false],
      ['.nan', false],
    ] as const)
      assert.equal(complaints(`memory: { budget_mb: ${n} }`).length === 0, is, n);
    assert.deepEqual(complaints('memory: { budget_mb: 0 }'), ['c.yaml:1:22: memory.budget_mb: must be at least 1']);
  });

  it('what is no YAML, or too clever, is told', () => {
    assert.match(complaints('memory: {\n')[0] as string, /^c\.yaml:2:1: /);
    assert.match(complaints('memory: {}\nmemory: {}\n')[0] as string, /^c\.yaml:2:1: Map keys must be unique/);
    assert.match(complaints('- a\n')[0] as string, /^c\.yaml:1:1: the file: must be a group of settings, not a list/);
    assert.match(complaints('just text')[0] as string, /not "just text"/);
    assert.match(complaints('a: {}\n---\nb: {}\n')[0] as string, /document/);
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'.split('').map((k, i) => `${k}: &${k} [${Array(9).fill(`*${'abcdefgh'[i]}`).join()}]`),
    ];
    assert.match(complaints(bomb.join('\n'))[0] as string, /alias/i);
  });

  it('loading tells the first complaint and how many there are', () => {
    const file = path.join(dir, 'c.yaml');
    writeFileSync(file, 'x: 1\ny: 2\nz: 3\n');
    const loaded = loadConfig(file);
    assert.ok(!loaded.ok);
    assert.equal(loaded.fault.code, 'config_invalid');
    assert.equal(loaded.fault.message, `${file}:1:1: x: no such setting, and 2 more`);
    const missing = loadConfig(path.join(dir, 'none.yaml'));
    assert.ok(!missing.ok);
    assert.match(missing.fault.message, /none\.yaml: no such file/);
    writeFileSync(file, `#${'x'.repeat(CONFIG_BYTES_MAX)}`);
    assert.equal(checkConfig(file).ok, false);
    writeFileSync(file, `#${'x'.repeat(CONFIG_BYTES_MAX - 1)}`);
    assert.equal(checkConfig(file).ok, true);
  });

  // CATENARY_UPDATE=1 writes it anew.
  describe('drop-ins', () => {
    const put = (name: string, text: string): string => {
      const file = path.join(dir, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    };

    it('are read by name after the file: settings are joined, lists and values replaced', () => {
      const file = put('c.yaml', 'sensor: { name: a, interfaces: [eth0] }\nintel: { files: [mine.csv] }\n');
      put('c.yaml.d/20-b.yaml', 'sensor:\n  interfaces: [eth2, eth3]\n');
      put('c.yaml.d/10-a.yaml', 'sensor: { interfaces: [eth1], snaplen: 128 }\nstate: { dir: state }\n');
      put('c.yaml.d/30-old.yaml.bak', 'sensor: 5\n');
      const loaded = loadConfig(file);
      assert.ok(loaded.ok);
      const { sensor, state, intel, where } = loaded.value;
      assert.deepEqual([sensor.name, sensor.interfaces, sensor.snaplen], ['a', ['eth2', 'eth3'], 128]);
      // Each file's paths are relative to its own folder.
      assert.equal(state.dir, path.join(dir, 'c.yaml.d', 'state'));
      assert.deepEqual(intel.files, [path.join(dir, 'mine.csv')]);
      assert.equal(where(['sensor', 'interfaces']), `${dir}/c.yaml.d/20-b.yaml:2:15`);
      assert.equal(where(['sensor', 'name']), `${dir}/c.yaml:1:17`);
    });

    it('a fault in one names it, and nothing is loaded', () => {
      const file = put('c.yaml', 'sensor: { name: a }\n');
      const wrong = put('c.yaml.d/a.yaml', '\nsensor: { snaplen: 5 }\n');
      const loaded = loadConfig(file);
      assert.ok(!loaded.ok);
      assert.equal(loaded.fault.message, `${wrong}:2:20: sensor.snaplen: must be at least 64`);
    });
  });

  it('is published as JSON Schema, up to date', () => {
    const file = published('catenary.schema.json');
    const text = `${JSON.stringify(configSchemaJson(), null, 2)}\n`;
    if (process.env.CATENARY_UPDATE === '1') writeFileSync(file, text);
    assert.equal(readFileSync(file, 'utf8'), text);
  });

  it('is published as a file that says every setting with its default', () => {
    const text = readFileSync(published('catenary.yaml'), 'utf8');
    const { config, faults } = parseConfig(text, 'catenary.yaml');
    assert.deepEqual(faults, []);
    const { file: _, where, ...values } = config as NonNullable<typeof config>;
    const defaults = configSchema.parse({});
    assert.deepEqual(values, defaults);
    for (const [group, settings] of Object.entries(defaults))
      for (const name of ['', ...Object.keys(settings)])
        assert.notEqual(where(name === '' ? [group] : [group, name]), where([]), `${group}.${name} is not in the file`);
  });
});
