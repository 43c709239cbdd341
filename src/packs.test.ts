// Content packs on a box: by its command line, and in a sensor that runs with what they brought.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alertsIn, worldAt } from '../test/founding/run.ts';
import { runIn, runMain, worldFor } from './commands/testing.ts';
import { loadConfig } from './config/config.ts';
import { systemClock } from './lib/clock.ts';
import { Packs, withPolicies } from './packs.ts';
import { sensor } from './sensor.ts';
import { SHIPPED_CHAINS } from './stages.ts';

const CHAIN = 'dropper-dormant-beacon';

describe('packs', function () {
  this.timeout(120_000);
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-packs-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const at = (...names: string[]): string => join(dir, ...names);
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runMain('content', ...args);
    return code === 0 ? stdout : `${code} ${stdout}${stderr}`;
  };
  const configure = (more = ''): string => {
    const text = `sensor: { name: s1 }\nstate: { dir: state }\nmemory: { budget_mb: 8 }\nevidence: { packets_mb: 0, files_mb: 0 }\n`;
    writeFileSync(at('c.yaml'), `${text}${more}`);
    return at('c.yaml');
  };
  /** A folder with the shipped chain, and whatever a test adds. */
  const source = (): string => {
    cpSync(join(SHIPPED_CHAINS, CHAIN), at('src/chains', CHAIN), { recursive: true });
    mkdirSync(at('src/intel'), { recursive: true });
    writeFileSync(at('src/intel/list.csv'), 'c2.example\n');
    return at('src');
  };

  it('made, signed by two, shown, installed, listed, sent back: by the command line', async () => {
    const config = configure('content: { keys: [a.pub, b.pub], threshold: 2 }\n');
    for (const name of ['a', 'b']) assert.match(await run('key', at(name)), /^[0-9a-f]{16} /);
    assert.match(await run('key', at('a')), /exists/);
    const out = at('base-7.tar.gz');
    assert.match(await run('pack', source(), 'base-7', '--key', at('a'), '--out', out), /base-7, \d+ files, signed by/);
    assert.match(await run('install', out, '--config', config), /^1 .*1 of the 2 signatures/);
    assert.match(await run('sign', out, '--key', at('b')), /signed by [0-9a-f]{16}, [0-9a-f]{16}/);
    const shown = await run('show', out, '--config', config);
    assert.match(shown, /base-7, made 20\d\d-\d\d-\d\d, taken until/);
    assert.match(shown, /intel\/list\.csv/);
    assert.match(shown, /trusted: [0-9a-f]{16}, [0-9a-f]{16}/);
    assert.match(await run('install', out, '--config', config), /takes it within seconds/);
    assert.match(await run('list', '--config', config), /no pack was installed/);

    const loaded = loadConfig(config);
    assert.ok(loaded.ok);
    const options = { config: loaded.value, clock: systemClock, random: () => 0, source: undefined };
    const packs = await Packs.open(options);
    assert.ok(packs.ok);
    assert.deepEqual(
      packs.value.news().acts.map((a) => [a.action, a.pack]),
      [['content_taken', 'base-7']],
    );
    assert.match(await run('list', '--config', config), /^base-7, on trial until 20/);
    assert.match(await run('install', out, '--config', config), /not newer than base-7/);
    assert.match(await run('back', 'base', '--config', config), /base-7 goes: .* no pack of that name/);
    assert.equal(await packs.value.look({ waiting: 0, alerts: 0, faults: 0 }), true);
    assert.deepEqual(packs.value.content.chains, []);
    assert.match(await run('list', '--config', config), /base: none\n {2}base-7 was sent back: as was asked/);
  });

  it('a chain that does not do what its cases say, a bad list and a stray file are not packed', async () => {
    await run('key', at('a'));
    const pack = (): Promise<string> => run('pack', source(), 'base-1', '--key', at('a'), '--out', at('p'));
    writeFileSync(at('x'), '');
    source();
    writeFileSync(at('src/run.sh'), 'rm -r /');
    assert.match(await pack(), /run\.sh: does not belong/);
    rmSync(at('src/run.sh'));
    writeFileSync(at('src/policy.yaml'), 'ship: { url: null }\n');
    assert.match(await pack(), /policy\.yaml:1:1: ship: a pack may not set this/);
    rmSync(at('src/policy.yaml'));
    mkdirSync(at('src/chains/two-sites'));
    const sites = 'chain: two-sites\nruns: collector\nby: [who]\nwindow: 1d\n';
    const steps = 'steps: [{ id: one, signal: beacon, bind: { who: signal.src_host } }]\n';
    writeFileSync(at('src/chains/two-sites/chain.yaml'), sites + steps);
    assert.match(await pack(), /two-sites\/chain\.yaml: packs are for sensors/);
    rmSync(at('src/chains/two-sites'), { recursive: true });
    assert.match(await pack(), /signed by/);
    const cases = at('src/chains', CHAIN, 'cases/too-late.jsonl');
    const text = readFileSync(cases, 'utf8').replace('"expect":0', '"expect":1');
    const broken = async (): Promise<string> => {
      writeFileSync(cases, text);
      return run('pack', at('src'), 'base-1', '--key', at('a'), '--out', at('q'));
    };
    assert.match(await broken(), /cases\/too-late\.jsonl:1: /);
    assert.ok(!existsSync(at('q')));
    for (const id of ['base', 'base-', 'Base-1', '-1', 'base-1x'])
      assert.match(await run('pack', at('src'), id, '--key', at('a')), /^2 /);
  });

  it('a sensor runs with the chain, the list and the policy that a pack brought', async () => {
    configure('chains: { shipped: false }\ncontent: { keys: [a.pub], policy: [signals] }\n');
    await run('key', at('a'));
    source();
    writeFileSync(at('src/policy.yaml'), 'signals: { intel_hit: { enabled: false } }\n');
    assert.match(await run('pack', at('src'), 'base-1', '--key', at('a'), '--out', at('p')), /signed/);
    const { file: capture } = worldAt(dir, 'founding', { hosts: 8, moves: 2 });
    const listen = async (): Promise<string> => {
      const config = loadConfig(at('c.yaml'));
      assert.ok(config.ok);
      const { world, stderr } = worldFor();
      assert.equal(
        await sensor({ config: config.value, configFile: at('c.yaml'), captures: [capture] }, world),
        0,
        stderr.text,
      );
      return stderr.text;
    };
    await run('install', at('p'), '--config', at('c.yaml'));
    const said = await listen();
    assert.match(said, /content taken: base-1 \(signed by [0-9a-f]{16}\)/);
    const alerts = alertsIn(at('state'));
    assert.ok(alerts.length > 0, 'the chain that the pack brought has run');
    const policies = [at('state/content/base/1/policy.yaml')];
    const whole = withPolicies(at('c.yaml'), policies);
    assert.ok(whole.ok);
    assert.deepEqual(whole.value.signals, { intel_hit: { enabled: false } });
    // What the box's own configuration says, holds.
    configure('content: { keys: [a.pub], policy: [signals] }\nsignals: { intel_hit: { enabled: true } }\n');
    const own = withPolicies(at('c.yaml'), policies);
    assert.ok(own.ok);
    assert.deepEqual(own.value.signals, { intel_hit: { enabled: true } });
  });

  it('a policy that this box does not allow is a fault of its pack', async () => {
    configure('content: { keys: [a.pub], policy: [networks] }\n');
    await run('key', at('a'));
    source();
    writeFileSync(at('src/policy.yaml'), 'signals: { intel_hit: { enabled: false } }\n');
    await run('pack', at('src'), 'base-1', '--key', at('a'), '--out', at('p'));
    await run('install', at('p'), '--config', at('c.yaml'));
    const loaded = loadConfig(at('c.yaml'));
    assert.ok(loaded.ok);
    const packs = await Packs.open({ config: loaded.value, clock: systemClock, random: () => 0, source: undefined });
    assert.ok(packs.ok);
    const { acts } = packs.value.news();
    assert.match(acts[0]?.why ?? '', /policy\.yaml:1:1: signals: a pack may not set this here/);
    assert.deepEqual(packs.value.content.policies, []);
  });

  it('a pack that raises too many alerts goes back by itself, and one that does not stays', async () => {
    configure('content: { keys: [a.pub], trial_min: 1, trial_alerts: 2 }\n');
    await run('key', at('a'));
    const loaded = loadConfig(at('c.yaml'));
    assert.ok(loaded.ok);
    let wall = systemClock.wall();
    const clock = { ...systemClock, wall: () => wall };
    const packs = await Packs.open({ config: loaded.value, clock, random: () => 0, source: undefined });
    assert.ok(packs.ok);
    const vitals = { waiting: 0, alerts: 0, faults: 0 };
    for (const [id, alerts, then] of [
      ['base-1', 2, 'content_settled'],
      ['base-2', 3, 'content_returned'],
    ] as const) {
      await run('pack', source(), id, '--key', at('a'), '--out', at(id));
      await runIn({ clock }, 'content', 'install', at(id), '--config', at('c.yaml'));
      assert.equal(await packs.value.look(vitals), true, 'it is taken');
      assert.equal(await packs.value.look(vitals), false);
      const isBack = await packs.value.look({ ...vitals, alerts });
      assert.equal(isBack, then === 'content_returned');
      wall += 61e6;
      await packs.value.look({ ...vitals, alerts });
      assert.deepEqual(
        packs.value.news().acts.map((a) => a.action),
        ['content_taken', then],
      );
    }
    assert.deepEqual(packs.value.list, [{ name: 'base', version: 1, trial: false }]);
  });
});
