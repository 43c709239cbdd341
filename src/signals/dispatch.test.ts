import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { techniqueFault } from '../schema/attack.ts';
import { observe, PlainMemory, PlainSection, START } from './case_world.test.ts';
import { checkSettings, Signals, settingsOf } from './dispatch.ts';
import { ALL } from './gen/all.gen.ts';
import { listing, OUTPUT, PAGE, page, signalFolders } from './gen.ts';
import { Names, publicName } from './names.ts';
import { DAY, digest, HOUR, MINUTE, SECOND } from './signal.ts';

describe('the list of signals', () => {
  it('is what the folders say', () => {
    assert.equal(readFileSync(OUTPUT, 'utf8'), listing(signalFolders()), 'run node --import tsx src/signals/gen.ts');
    assert.deepEqual(
      ALL.map((d) => d.id),
      signalFolders(),
    );
  });
  it('is described on a page', () => {
    assert.equal(readFileSync(PAGE, 'utf8'), page(ALL), 'run node --import tsx src/signals/gen.ts');
  });
  it('names techniques, inputs and a budget for each', () => {
    for (const d of ALL) {
      assert.ok(d.attack.length > 0, d.id);
      for (const t of d.attack) assert.equal(techniqueFault(t), undefined, d.id);
      assert.ok(d.needs.length > 0 && d.budget.bytes > 0 && d.brief.endsWith('.'), d.id);
    }
  });
});

describe('signal settings', () => {
  it('come with defaults for the configuration', () => {
    const all = settingsOf();
    assert.equal(all.beacon?.contacts_min, 10);
    assert.equal(all.rare_domain?.enabled, true);
  });
  it('are refused with a reason', () => {
    assert.deepEqual(
      checkSettings({ beacon: { contacts_min: 5, enabled: false }, rare_domain: { ignore: ['a.example'] } }),
      [],
    );
    const faults = checkSettings({
      beacom: {},
      beacon: { contacts: 5, contacts_min: '5', enabled: 1, toString: 1 },
      rare_domain: { ignore: 'a', hosts_max: -1 },
    } as never);
    assert.equal(faults.length, 7);
    assert.match(faults[0] ?? '', /^signals\.beacom: no such signal \(there are: .*beacon, /);
    assert.match(faults[1] ?? '', /^signals\.beacon\.contacts: no such setting \(there are: contacts_min, /);
    assert.throws(() => new Signals(new PlainMemory(0), new PlainSection(), { nope: {} }), RangeError);
  });
});

describe('dispatch', () => {
  const memory = (): PlainMemory => new PlainMemory(START - 400 * DAY);
  it('wants the kinds of what is enabled', () => {
    const asked = new Set(ALL.flatMap((d) => d.needs));
    const all = new Signals(memory(), new PlainSection()).wants();
    assert.deepEqual([...all].sort(), [...asked].sort());
    assert.ok(!all.has('coverage') && all.has('conn'));
    const few = Object.fromEntries(ALL.filter((d) => d.id !== 'exe_download').map((d) => [d.id, { enabled: false }]));
    assert.deepEqual([...new Signals(memory(), new PlainSection(), few).wants()], ['file']);
  });
  it('says nothing about kinds nobody asked for', () => {
    const signals = new Signals(memory(), new PlainSection());
    assert.deepEqual(signals.dispatch(observe('coverage', START, {}, 0)), []);
  });
  it('closes an episode at the same time however often it is ticked', () => {
    const run = (ticks: number): unknown[] => {
      const signals = new Signals(memory(), new PlainSection());
      const out: unknown[] = [];
      const flow = { orig_h: '10.0.0.1', resp_h: '198.51.100.1', resp_p: 443, server_name: 'c2.example' };
      for (let i = 0; i < 20; i++) out.push(...signals.dispatch(observe('tls', START + i * MINUTE, flow, i)));
      for (let i = 1; i <= ticks; i++) out.push(...signals.tick(START + (i * 3 * DAY) / ticks));
      out.push(...signals.dispatch(observe('dns', START + 3 * DAY, {}, 99)));
      return out;
    };
    assert.deepEqual(run(3000), run(0));
    const closed = run(7).at(-1) as { phase: string; seen: number; ts: number };
    assert.equal(closed.phase, 'closed');
    assert.equal(closed.ts, START + 19 * MINUTE);
    assert.equal(closed.seen, START + 19 * MINUTE + DAY);
  });
  it('makes ids that do not depend on where the input lay', () => {
    const file = {
      rx_host: '10.0.0.1',
      tx_host: '198.51.100.1',
      mime_type: 'application/x-dosexec',
      sha256: 'ab'.repeat(32),
    };
    const ids = [3, 77].map((index) => {
      const obs = { ...observe('file', START, { ...file, uid: 'C00000000001' }, index) };
      return new Signals(memory(), new PlainSection()).dispatch(obs).map((s) => s.id);
    });
    assert.equal(ids[0]?.length, 1);
    assert.deepEqual(ids[0], ids[1]);
  });
  it('keeps lists of parts apart', () => {
    assert.notEqual(digest(['a', 'bc']), digest(['ab', 'c']));
    assert.match(digest([1]), /^[0-9a-f]{16}$/);
  });
});

describe('names', () => {
  it('of the outside world, in one spelling', () => {
    assert.equal(publicName('WWW.Example.COM.'), 'www.example.com');
    const none = [
      'localhost',
      'a.local',
      '192.0.2.1',
      '[::1]',
      '::1',
      '.',
      '',
      'a b.example',
      'a|b.example',
      '\\xff.example',
    ];
    for (const text of [...none, null, '1.2.0.192.in-addr.arpa', 'host.3'])
      assert.equal(publicName(text), undefined, `${text}`);
    for (const n of [252, 253, 254]) {
      const name = `${'a.'.repeat(130)}example`.slice(-n);
      const legal = name.startsWith('.') ? `a${name.slice(1)}` : name;
      assert.equal(publicName(legal) === undefined, n > 253);
    }
  });
  for (const pairs of [4, 5, 6]) {
    it(`${pairs} pairs with room for 5`, () => {
      const names = new Names(new PlainSection(), [], 5);
      for (let i = 0; i < pairs; i++) names.learn('h', `192.0.2.${i}`, `n${i}.example`, START + i);
      assert.equal(names.counts().evicted, Math.max(0, pairs - 5));
      assert.equal(names.of('h', '192.0.2.0', START + 10), pairs > 5 ? undefined : 'n0.example');
      assert.equal(names.of('h', `192.0.2.${pairs - 1}`, START + 10), `n${pairs - 1}.example`);
    });
  }
  it('are forgotten when they are old, and belong to the host that asked', () => {
    const names = new Names(new PlainSection(), []);
    names.learn('h', '192.0.2.1', 'a.example', START);
    assert.equal(names.of('other', '192.0.2.1', START), undefined);
    assert.equal(names.of('h', '192.0.2.1', START + 47 * HOUR), 'a.example');
    names.learn('h', '192.0.2.1', 'b.example', START + 30 * SECOND);
    assert.equal(names.of('h', '192.0.2.1', START + HOUR), 'b.example');
    assert.equal(names.of('h', '192.0.2.1', START + 3 * DAY), undefined);
  });
});
