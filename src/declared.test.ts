import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { conditions, loadSignals, SHIPPED_SIGNALS, shippedSignals } from './declared.ts';
import {
  type Case,
  memoryOf,
  observations,
  PlainSection,
  readCases,
  runCase,
  testCases,
} from './signals/case_world.test.ts';
import { readDeclared } from './signals/declared.ts';
import { Signals } from './signals/dispatch.ts';
import type { SignalDefinition } from './signals/signal.ts';

const folders = readdirSync(SHIPPED_SIGNALS, { withFileTypes: true }).filter((e) => e.isDirectory());

describe('signals in YAML that ship', () => {
  const { definitions, faults } = shippedSignals();
  it('have no faults, and each is called as its folder', () => {
    assert.deepEqual(faults, []);
    for (const { name } of folders)
      assert.ok(
        definitions.some((d) => d.id === name),
        name,
      );
  });
  for (const { name } of folders) {
    const definition = definitions.find((d) => d.id === name);
    if (definition === undefined) continue;
    describe(name, () => {
      testCases(name, readCases(pathToFileURL(join(SHIPPED_SIGNALS, name, 'cases.jsonl'))), [definition]);
    });
  }
});

const TEXT = `signal: many_names
version: 1
brief: A host asks for many names.
attack: [T1046]
event: dns
where: dns.qtype == 1
key: [orig_host]
count: { distinct: query, least: 3, window_minutes: 10 }
score: 0.5
explain: "{orig_h} asked for {count} names within {span}, last for {query}."
`;

const read = (text: string): ReturnType<typeof readDeclared> => readDeclared('x/signal.yaml', text, conditions);
const of = (text: string): SignalDefinition => {
  const { definition, faults } = read(text);
  assert.deepEqual(faults, []);
  return definition as SignalDefinition;
};
const ask = (query: string, at: number, orig = '10.1.0.7'): Case['events'][number] => ({
  ...{ kind: 'dns', at, event: { orig_h: orig, resp_h: '10.1.0.1', qtype: 1, query } },
});

describe('a signal in YAML', () => {
  it('counts different things within its window', () => {
    const names = (ats: readonly number[]): Case => ({
      ...{ case: 'names', signals: [], events: ats.map((at, i) => ask(`${i}.example`, at)) },
    });
    const all = [of(TEXT)];
    assert.equal(runCase(names([1, 2]), 'many_names', all).length, 0);
    assert.equal(runCase(names([1, 2, 600]), 'many_names', all).length, 1);
    assert.equal(runCase(names([1, 2, 602]), 'many_names', all).length, 0, 'the first is out of the window');
    assert.equal(runCase({ ...names([1, 2, 3]), settings: { least: 4 } }, 'many_names', all).length, 0);
    const [said] = runCase(names([1, 2, 3]), 'many_names', all);
    assert.equal(said?.explanation, '10.1.0.7 asked for 3 names within 2 s, last for 2.example.');
    assert.equal(said?.uids.length, 3);
  });

  it('holds as many keys as it may, and counts those that had to go', () => {
    for (const keys of [15, 16, 17]) {
      const c: Case = {
        ...{
          case: 'room',
          signals: [],
          events: Array.from({ length: keys }, (_, i) => ask('a.example', i, `10.1.1.${i}`)),
        },
      };
      const signals = new Signals(memoryOf(c), new PlainSection(), { many_names: { keys_max: 16 } }, [of(TEXT)]);
      for (const obs of observations(c)) signals.dispatch(obs);
      const counts = signals.counts().find((t) => t.table === 'many_names/counts');
      assert.deepEqual([counts?.keys, counts?.evicted], [Math.min(keys, 16), Math.max(0, keys - 16)]);
    }
  });

  const wrong: readonly (readonly [what: string, text: string, place: string, message: RegExp])[] = [
    ['an unknown key', TEXT.replace('score:', 'scores:'), '9:1', /scores/],
    ['an unknown field in where', TEXT.replace('dns.qtype', 'dns.qtyp'), '6:8', /dns has no field qtyp/],
    ['an unknown field in the sentence', TEXT.replace('{query}', '{name}'), '10:10', /dns has no field name/],
    ['an unknown field in the key', TEXT.replace('[orig_host]', '[orig_hots]'), '7:7', /orig_hots/],
    ['an unknown event', TEXT.replace('event: dns', 'event: dsn'), '5:8', /no event dsn/],
    ['no technique', TEXT.replace('T1046', 'TA0007'), '4:10', /technique/],
    ['a count that is more than is held', TEXT.replace('least: 3', 'least: 65'), '8:34', /64/],
    ['a text as a feature', `${TEXT}features: [query]\n`, '11:12', /no number/],
    ['neither score nor cases', TEXT.replace('score: 0.5\n', ''), '1:1', /either a score/],
    ['an end that the event has not', `${TEXT}sides: { rx_host: local }\n`, '11:19', /no host rx_host/],
    ['no YAML', TEXT.replace('attack: [T1046]', 'attack: [T1046'), '5:1', /./],
  ];
  for (const [what, text, place, message] of wrong)
    it(`says where ${what} is`, () => {
      const { definition, faults } = read(text);
      assert.equal(definition, undefined);
      const [first] = faults;
      assert.equal(`${first?.line}:${first?.column}`, place, first?.message);
      assert.match(`${first?.message} ${first?.hint}`, message);
    });
});

describe('folders of signals in YAML', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'declared-'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });
  const put = (folder: string, text: string): void => {
    mkdirSync(join(dir, folder));
    writeFileSync(join(dir, folder, 'signal.yaml'), text);
  };

  it('a file with a fault and a name that is taken are left out and told, the others load', () => {
    put('a', TEXT);
    put('b', TEXT.replace('dns.qtype', 'dns.x'));
    put('c', TEXT);
    put('d', TEXT.replace('many_names', 'beacon'));
    const { definitions, faults } = loadSignals([dir]);
    assert.equal(definitions.filter((d) => d.id === 'many_names').length, 1);
    assert.deepEqual(
      faults.map((f) => f.message.replace(dir, '')),
      [
        '/b/signal.yaml:6:8: dns has no field x',
        '/c/signal.yaml:1:1: there is a signal many_names already',
        '/d/signal.yaml:1:1: there is a signal beacon already',
      ],
    );
  });

  it('a folder that is not there is told', () => {
    const { faults } = loadSignals([join(dir, 'none')]);
    assert.match(faults[0]?.message ?? '', /none: no such file/);
  });
});
