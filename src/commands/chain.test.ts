import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PlainMemory, readCases } from '../chains/cases.ts';
import { Chains } from '../chains/engine.ts';
import { readChain } from '../chains/language.ts';
import type { Rule } from '../chains/rule.ts';
import { openState } from '../state/state.ts';
import { runMain } from './testing.ts';

const run = (...args: string[]) => runMain('chain', ...args);

const SHIPPED = fileURLToPath(new URL('../../appliance/chains', import.meta.url));

const GOOD = `chain: good
window: 10d
by: [victim]
steps:
  - { id: one, event: dns, where: 'dns.query == "a.example"', bind: { victim: dns.orig_host } }
  - { id: two, event: tls, after: 1d, where: 'tls.server_name == "b.example"', bind: { victim: tls.orig_host } }
`;
const ONE = '{"at":0,"kind":"dns","orig_host":"laptop","query":"a.example"}\n';
const TWO = '{"at":2,"kind":"tls","orig_host":"laptop","server_name":"b.example"}\n';

describe('catenary chain', () => {
  let folder = '';
  const put = (name: string, text: string): string => {
    const path = join(folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
    return path;
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'catenary-chain-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  describe('what ships', () => {
    it('has no faults, and all its cases pass', async () => {
      const lint = await run('lint', SHIPPED);
      assert.deepEqual([lint.code, lint.stderr], [0, '']);
      const { code, stdout } = await run('test');
      assert.equal(code, 0, stdout);
      assert.doesNotMatch(stdout, /FAIL/);
    });

    for (const name of readdirSync(SHIPPED, { withFileTypes: true }).filter((e) => e.isDirectory()))
      it(`${name.name}: a story, and cases of the four kinds`, () => {
        assert.match(readFileSync(join(SHIPPED, name.name, 'README.md'), 'utf8'), /## What to do next/);
        assert.deepEqual(readdirSync(join(SHIPPED, name.name, 'cases')).sort(), [
          ...['completing.jsonl', 'look-alike.jsonl', 'one-short.jsonl', 'too-late.jsonl'],
        ]);
      });
  });

  describe('lint', () => {
    it('says each fault with its place and a hint; the others are good', async () => {
      put('a/chain.yaml', GOOD);
      const bad = put('b/chain.yaml', GOOD.replace('chain: good', 'chain: bad').replace('dns.query', 'dns.qeury'));
      const { code, stdout } = await run('lint', folder);
      assert.equal(code, 1);
      assert.equal(stdout, `${bad}:5:36: dns has no field qeury (did you mean query?)\n1 chain good, 1 with faults\n`);
    });

    it('a signal that does not exist is a fault', async () => {
      const text = GOOD.replace(
        'event: dns, where: \'dns.query == "a.example"\', bind: { victim: dns.orig_host }',
        'signal: baecon, bind: { victim: signal.src_host }',
      );
      const { code, stdout } = await run('lint', put('chain.yaml', text));
      assert.equal(code, 1);
      assert.match(stdout, /there is no signal baecon \(did you mean beacon\?\)/);
    });

    it('two chains of one name are a fault', async () => {
      put('a/chain.yaml', GOOD);
      put('b/chain.yaml', GOOD);
      const { code, stdout } = await run('lint', folder);
      assert.equal(code, 1);
      assert.match(stdout, /b\/chain\.yaml:1:1: there is a chain good already, in .*a\/chain\.yaml/);
    });

    it('what is not there, and a folder without chains, are told', async () => {
      const none = await run('lint', join(folder, 'none'));
      assert.equal(none.code, 1);
      assert.match(none.stderr, /none: no such file/);
      const empty = await run('lint', folder);
      assert.equal(empty.code, 1);
      assert.match(empty.stderr, /no chain in it/);
    });
  });

  describe('test', () => {
    it('says what came out differently', async () => {
      const chain = put('chain.yaml', GOOD);
      put('cases/a.jsonl', `{"case":"fires","expect":1}\n${ONE}${TWO}{"case":"wrong","expect":1}\n${ONE}`);
      const { code, stdout } = await run('test', chain);
      assert.equal(code, 1);
      assert.deepEqual(stdout.trimEnd().split('\n'), [
        'ok   good a: fires',
        'FAIL good a: wrong',
        '     0 alerts, expected 1',
        '     near miss: victim=laptop had one, expired before two',
        `     ${join(folder, 'cases/a.jsonl')}:4`,
        '1 chain, 1 ok, 1 failed',
      ]);
    });

    const heads: readonly (readonly [name: string, head: string, why: RegExp])[] = [
      ['bound', '{"case":"x","expect":1,"bound":{"victim":"desk"}}', /victim is laptop, expected desk/],
      ['flags', '{"case":"x","expect":1,"flags":["blind"]}', /flags: none, expected blind/],
      ['extended', '{"case":"x","expect":1,"extended":1}', /0 extensions, expected 1/],
      ['missing', '{"case":"x","expect":1,"missing":"two"}', /nothing stopped short of two/],
    ];
    for (const [name, head, why] of heads)
      it(`checks ${name}`, async () => {
        put('cases/a.jsonl', `${head}\n${ONE}${TWO}`);
        const { code, stdout } = await run('test', put('chain.yaml', GOOD));
        assert.equal(code, 1);
        assert.match(stdout, why);
      });

    const faults: readonly (readonly [line: string, message: RegExp])[] = [
      ['{"at":0,"kind":"dsn"}', /:2:1: there is no kind dsn \(did you mean dns\?\)/],
      ['{"at":0,"kind":"dns","qeury":"a"}', /:2:1: dns has no field qeury \(did you mean query\?\)/],
      ['{"at":0,"kind":"dns","query":7}', /:2:1: dns\.query is a text/],
      ['{"at":"soon","kind":"dns"}', /:2:1: at is a number of days/],
      ['{"at":[],"kind":"dns"}', /:2:1: at is a number of days/],
      ['{"at":0,', /:2:1: this is no JSON/],
      ['{"case":"y"}', /:2:1: a case says how many alerts it expects/],
      ['{"case":"y","expect":0,"expects":1}', /:2:1: a case has no expects \(did you mean expect\?\)/],
    ];
    for (const [line, message] of faults)
      it(`${line}: a fault with its line`, async () => {
        put('cases/a.jsonl', `{"case":"x","expect":0}\n${line}\n`);
        const { code, stdout } = await run('test', put('chain.yaml', GOOD));
        assert.equal(code, 1);
        assert.match(stdout, message);
      });

    it('a chain without cases fails', async () => {
      const { code, stdout } = await run('test', put('chain.yaml', GOOD));
      assert.equal(code, 1);
      assert.match(stdout, /FAIL good\n {5}no cases in/);
    });

    it('at: a list, and evenly', async () => {
      put(
        'cases/a.jsonl',
        `{"case":"list","expect":1}\n${ONE.replace('"at":0', '"at":[0,1]')}${TWO.replace('2', '[2,3]')}` +
          `{"case":"evenly","expect":1}\n${ONE}${TWO.replace('2', '{"from":0.5,"every":0.5,"times":2}')}` +
          `{"case":"one less","expect":0}\n${ONE}${TWO.replace('2', '{"from":0.5,"every":0.5,"times":1}')}`,
      );
      assert.match((await run('test', put('chain.yaml', GOOD))).stdout, /3 ok, 0 failed/);
    });
  });

  describe('explain', () => {
    it('names the condition that failed, with its values, and the interval', async () => {
      const chain = put('chain.yaml', GOOD);
      const early = TWO.replace('"at":2', '"at":0.5').replace('b.example', 'c.example');
      const { code, stdout } = await run('explain', chain, '--events', put('day.ndjson', ONE + early));
      assert.equal(code, 0);
      assert.deepEqual(stdout.trimEnd().split('\n'), [
        'victim=laptop',
        '  matched one at day 0',
        '      yes  dns.query == "a.example", where dns.query is "a.example"',
        '  not two: the tls at day 0.5',
        '      NO   0.5 days after one: the step asks for 1 days at least',
        '      NO   tls.server_name == "b.example", where tls.server_name is "c.example": false',
        '  near miss: one since day 0, short of two: it ran out of time',
      ]);
    });

    it('tells of the alert, and of the host asked for only', async () => {
      const chain = put('chain.yaml', GOOD);
      const events = put('day.ndjson', ONE + TWO + ONE.replace('laptop', 'desk'));
      const { stdout } = await run('explain', chain, '--events', events, '--host', 'laptop');
      assert.match(stdout, /ALERT issued at day 2/);
      assert.doesNotMatch(stdout, /desk/);
      const nobody = await run('explain', chain, '--events', events, '--host', 'nobody');
      assert.equal(nobody.stdout, 'no record came near a step of this chain\n');
    });

    it('tells the cases of a file one by one', async () => {
      const chain = put('chain.yaml', GOOD);
      const events = put('a.jsonl', `{"case":"first","expect":0}\n${ONE}{"case":"second","expect":0}\n${TWO}`);
      const { stdout } = await run('explain', chain, '--events', events);
      assert.match(stdout, /^case: first\nvictim=laptop\n[\s\S]*\ncase: second\nno record came near/);
    });

    it('a value that cannot be bound is told', async () => {
      const chain = put(
        'chain.yaml',
        GOOD.replace('victim: tls.orig_host', 'victim: tls.orig_host, c2: tls.server_name'),
      );
      const unnamed = '{"at":2,"kind":"tls","orig_host":"laptop"}\n';
      const { stdout } = await run('explain', chain, '--events', put('day.ndjson', ONE + unnamed));
      assert.match(stdout, /NO {3}c2 cannot be bound: tls\.server_name is unset/);
    });
  });

  const mistakes: readonly (readonly [args: string[], message: string])[] = [
    [[], 'chain: no subcommand (one of new, lint, test, explain, partials, bench, hunt, why-not)'],
    [['lnt'], "chain: there is no 'lnt' (one of new, lint, test, explain, partials, bench, hunt, why-not)"],
    [['lint'], "missing required argument 'PATH' (see 'catenary chain --help')"],
    [['explain', 'x'], "required option '--events <file>' not specified (see 'catenary chain --help')"],
    [
      ['explain', SHIPPED, '--events', 'x', '--memory-days', 'many'],
      "--memory-days 'many' is no whole number (give 0 or more)",
    ],
  ];
  for (const [args, message] of mistakes)
    it(`chain ${args.join(' ')}: one line, exit 2`, async () => {
      assert.deepEqual(await run(...args), { code: 2, stdout: '', stderr: `catenary: ${message}\n` });
    });

  describe('new', () => {
    it('makes a chain that lints and whose cases pass', async () => {
      const path = join(folder, 'lateral-tool-transfer');
      const made = await run('new', path);
      assert.deepEqual([made.code, made.stdout.split('\n').length], [0, 7]);
      assert.deepEqual((await run('lint', path)).stdout, '1 chain good, 0 with faults\n');
      const { code, stdout } = await run('test', path);
      assert.equal(code, 0, stdout);
      assert.match(stdout, /1 chain, 4 ok, 0 failed/);
    });
    it('takes no folder that is there, and no name that is none', async () => {
      const path = put('there/x', '').slice(0, -2);
      assert.deepEqual([(await run('new', path)).code, (await run('new', join(folder, 'Two_Words'))).code], [2, 2]);
    });
  });

  it('partials: what is half-way, the nearest first, of a state that is only read', async () => {
    put('good/chain.yaml', GOOD);
    const dir = join(folder, 'state');
    const state = openState(dir);
    assert.ok(state.ok);
    const { rule } = readChain('good.yaml', GOOD);
    const chains = new Chains([rule as Rule], new PlainMemory(0), state.value.section('chains'));
    const { loose } = readCases('x', ONE);
    for (const obs of loose) chains.feed(obs);
    chains.save();
    state.value.commit('1');
    state.value.close();
    const { code, stdout } = await run('partials', '--state', dir, join(folder, 'good'));
    assert.equal(code, 0);
    assert.equal(
      stdout,
      '1/2 good victim=laptop: had one, waits for two; since 2023-11-15 00:00, last 0.0 days later, until 2023-11-25 00:00\n',
    );
    assert.equal((await run('partials', '--state', folder)).code, 2);
  });

  it('bench: what each chain costs, by its own cases', async () => {
    put('good/chain.yaml', GOOD);
    put('good/cases/a.jsonl', `{"case":"a","expect":1}\n${ONE}${TWO}`);
    const { code, stdout } = await run('bench', join(folder, 'good'));
    assert.equal(code, 0);
    assert.match(stdout, /^\d+\.\d us {2}good, 2 records\n$/);
  });

  it('hunt: without a collector there is no history, and it says so', async () => {
    put('good/chain.yaml', GOOD);
    for (const args of [['hunt'], ['why-not']]) {
      const host = args[0] === 'why-not' ? ['mac:a'] : [];
      const { code, stderr } = await run(...args, join(folder, 'good'), ...host);
      assert.equal(code, 2);
      assert.match(stderr, /collector\.dir/);
    }
  });
});
