// Aggregates, sets, models, intel and chains as steps, what a finished chain is, and who goes when there is no room:
// each by the name it has in the design.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Finding, Matched } from '../schema/finding.ts';
import type { Observation } from '../schema/observation.ts';
import { DAY } from './duration.ts';
import { Chains, type EngineOptions } from './engine.ts';
import { parseChain, readChain, readParsed } from './language.ts';
import type { Rule } from './rule.ts';
import { SLOTS } from './tally.ts';
import { MapSection, NaiveMemory, see, T0 } from './world.test.ts';

const HOUR = 3600e6;
const hours = (n: number): number => n / 24;

/** Each may take those before it as steps. */
function rulesOf(...texts: string[]): Rule[] {
  const rules = new Map<string, Rule>();
  for (const [i, text] of texts.entries()) {
    const { rule, faults } = readParsed(parseChain(`${i}.yaml`, text), { chains: rules });
    assert.deepEqual(faults, [], text);
    rules.set((rule as Rule).id, rule as Rule);
  }
  return [...rules.values()];
}
const faultsOf = (text: string): string[] => readChain('x.yaml', text).faults.map((f) => f.message);

function run(rules: readonly Rule[], input: readonly Observation[], cut = -1, options: EngineOptions = {}): Finding[] {
  const section = new MapSection();
  const memory = new NaiveMemory();
  let chains = new Chains(rules, memory, section, options);
  const out: Finding[] = [];
  for (const [i, obs] of input.entries()) {
    if (i === cut) {
      chains.save();
      chains = new Chains(rules, memory, section, options);
    }
    out.push(...chains.advance(obs.seen), ...chains.feed(obs));
  }
  return [...out, ...chains.advance(T0 + 400 * DAY)];
}
const told = (f: Finding): string => {
  const place = (m: Matched): string => `${m.step}@${Number((((m.seen - T0) / DAY) * 24).toFixed(3))}h`;
  return `${f.rule.id} ${f.steps.map(place).join(' ')}`;
};

const agg = (what: string, per = '1h', more = ''): string => `
chain: many
window: 30d
by: [h]
${more}
steps:
  - { id: a, event: dns, where: dns.rcode == 3, agg: { ${what}, per: ${per} }, bind: { h: dns.orig_host } }
`;
const ask = (hour: number, values: Record<string, unknown> = {}): Observation =>
  see('dns', hours(hour), { orig_host: 'h', rcode: 3, query: 'a.example', ...values });

describe('chains: agg', () => {
  const says = (text: string, input: readonly Observation[], cut = -1): string[] =>
    run(rulesOf(text), input, cut).map(told);

  it('count: one below, at, and above; then it begins anew', () => {
    const asked = (n: number): Observation[] => Array.from({ length: n }, (_, i) => ask(i * 0.01));
    assert.deepEqual(says(agg('count: true, gte: 3'), asked(2)), []);
    assert.deepEqual(says(agg('count: true, gte: 3'), asked(3)), ['many a@0.02h']);
    assert.deepEqual(says(agg('count: true, gte: 3'), asked(5)), ['many a@0.02h']);
    assert.deepEqual(says(agg('count: true, gte: 3'), asked(6)), ['many a@0.02h', 'many a@0.05h']);
  });

  it('counts what satisfies where, of its key alone', () => {
    const input = [ask(0), ask(0.1, { rcode: 0 }), ask(0.2, { orig_host: 'other' }), ask(0.3)];
    assert.deepEqual(says(agg('count: true, gte: 3'), input), []);
    assert.deepEqual(says(agg('count: true, gte: 2'), input), ['many a@0.3h']);
  });

  it('the period slides: what is older than it is not counted', () => {
    assert.deepEqual(says(agg('count: true, gte: 2'), [ask(0), ask(0.9)]), ['many a@0.9h']);
    assert.deepEqual(says(agg('count: true, gte: 2'), [ask(0), ask(1)]), []);
    assert.deepEqual(says(agg('count: true, gte: 2'), [ask(0.9), ask(1.1)]), ['many a@1.1h'], 'over the full hour too');
  });

  it('distinct: values, not records; the same one again only keeps it young', () => {
    const text = agg('distinct: dns.query, gte: 2');
    assert.deepEqual(says(text, [ask(0), ask(0.1), ask(0.2)]), []);
    assert.deepEqual(says(text, [ask(0), ask(0.1, { query: 'b.example' })]), ['many a@0.1h']);
    assert.deepEqual(says(text, [ask(0), ask(0.8), ask(1.5, { query: 'b.example' })]), ['many a@1.5h']);
    assert.deepEqual(says(text, [ask(0), ask(1, { query: 'b.example' })]), [], 'to the microsecond');
    assert.deepEqual(says(text, [ask(0), ask(1 - 1e-6, { query: 'b.example' })]).length, 1);
  });

  it('sum and rate: of a value; rate is by the second', () => {
    const bytes = (hour: number, n: number): Observation =>
      see('conn', hours(hour), { orig_host: 'h', orig_bytes: n, conn_state: 'SF' });
    const text = (what: string): string =>
      agg(what).replace('event: dns, where: dns.rcode == 3', 'event: conn').replace('dns.orig_host', 'conn.orig_host');
    assert.deepEqual(says(text('sum: conn.orig_bytes, gte: 100'), [bytes(0, 60), bytes(0.1, 39)]), []);
    assert.deepEqual(says(text('sum: conn.orig_bytes, gte: 100'), [bytes(0, 60), bytes(0.1, 40)]), ['many a@0.1h']);
    assert.deepEqual(says(text('rate: conn.orig_bytes, gte: 2'), [bytes(0, 3600), bytes(0.1, 3599)]), []);
    assert.deepEqual(says(text('rate: conn.orig_bytes, gte: 2'), [bytes(0, 3600), bytes(0.1, 3600)]), ['many a@0.1h']);
    const records = text('rate: true, gte: 0.001');
    assert.deepEqual(
      says(
        records,
        [0, 0.1, 0.2, 0.3].map((h) => bytes(h, 1)),
      ),
      ['many a@0.3h'],
      '4 in 3600 s',
    );
  });

  it('avg: of so many records at least', () => {
    const text = agg('avg: size(dns.query), gte: 10, min_n: 2');
    assert.deepEqual(says(text, [ask(0, { query: 'x'.repeat(20) })]), [], 'one is no average');
    assert.deepEqual(says(text, [ask(0, { query: 'x'.repeat(14) }), ask(0.1, { query: 'x'.repeat(5) })]), []);
    assert.deepEqual(says(text, [ask(0, { query: 'x'.repeat(15) }), ask(0.1, { query: 'x'.repeat(5) })]), [
      'many a@0.1h',
    ]);
  });

  it('as a later step it counts from the step before on', () => {
    const text = `
chain: two
window: 2d
by: [h]
start: each(3)
steps:
  - { id: first, event: tls, bind: { h: tls.orig_host } }
  - { id: many, event: dns, where: dns.rcode == 3 && dns.query != first.server_name, bind: { h: dns.orig_host },
      agg: { count: true, per: 3h, gte: 2 } }
`;
    const tls = (hour: number): Observation => see('tls', hours(hour), { orig_host: 'h', server_name: 's.example' });
    assert.deepEqual(says(text, [ask(0), tls(1), ask(2)]), []);
    assert.deepEqual(says(text, [ask(0), tls(1), ask(2), ask(3)]), ['two first@1h many@3h']);
    assert.deepEqual(says(text, [tls(1), ask(2), ask(3, { query: 's.example' })]), [], 'where may ask earlier steps');
    const [two] = run(rulesOf(text), [tls(0), tls(0.5), ask(1), ask(2)]);
    assert.equal(two?.starts.length, 2, 'each start counts for itself');
  });

  it('says what it counted, and goes on counting after a restart', () => {
    const [f] = run(rulesOf(agg('count: true, gte: 2')), [ask(0), ask(0.5)], 1);
    assert.deepEqual(f?.steps[0]?.why, [
      'dns.rcode == 3, where dns.rcode is 3',
      'count of records is 2 in 3600 s, at least 2',
    ]);
  });

  it('collect(max): a set of what was counted, which later steps join with, or ask', () => {
    const text = (n: number, where: string): string => `
chain: roast
window: 9d
by: [h]
steps:
  - { id: many, event: dns, bind: { h: dns.orig_host, names: "collect(dns.query, ${n})" },
      agg: { distinct: dns.query, per: 1h, gte: 3 } }
  - { id: use, event: tls, ${where}, bind: { h: tls.orig_host } }
`;
    const asked = ['a', 'b', 'c'].map((query, i) => ask(i * 0.1, { query }));
    const use = (name: string): Observation => see('tls', hours(5), { orig_host: 'h', server_name: name });
    const asks = 'where: tls.server_name in names';
    assert.equal(says(text(3, asks), [...asked, use('b')]).length, 1);
    assert.equal(says(text(3, asks), [...asked, use('x')]).length, 0);
    const join = text(3, 'where: size(tls.server_name) > 0').replace(
      'h: tls.orig_host',
      'h: tls.orig_host, names: tls.server_name',
    );
    const [f] = run(rulesOf(join), [...asked, use('c')]);
    assert.deepEqual(f?.bound.names, { class: 'domain', value: 'a', values: ['a', 'b', 'c'] });
    assert.deepEqual(says(join, [...asked, use('x')]), []);
    const [full] = run(rulesOf(text(2, asks)), [...asked, use('a')]);
    assert.deepEqual(full?.flags, ['collect_full']);
    assert.deepEqual(says(text(2, asks), [...asked, use('c')]), []);
  });

  it('faults say what an aggregate asks for', () => {
    for (const [what, message] of [
      ['count: true', /says from how much on/],
      ['count: dns.query, gte: 1', /count is of records/],
      ['sum: dns.query, gte: 1', /sum is of a number, and dns.query is a text/],
      ['sum: true, gte: 1', /sum is of something/],
      ['count: true, sum: dns.rcode, gte: 1', /agg has one of/],
      ['distinct: dns.query, gte: 257', /distinct is exact to 256/],
      ['distinct: dns.queri, gte: 2', /dns has no field queri/],
      ['count: true, gte: 2, max: 3', /agg has no max/],
      ['count: true, gte: 2, min_n: 0', /min_n is a whole number/],
    ] as const)
      assert.match(faultsOf(agg(what)).join('\n'), message);
    const collect = (from: string): string => agg('count: true, gte: 2').replace('h: dns', `n: "${from}", h: dns`);
    assert.match(faultsOf(collect('collect(dns.query)')).join(), /a set has a most of values/);
    assert.match(faultsOf(collect('collect(dns.query, 65)')).join(), /a set has a most of values/);
    assert.deepEqual(faultsOf(collect('collect(dns.query, 64)')), []);
    assert.match(
      faultsOf(
        agg('count: true, gte: 2')
          .replace(/agg: \{.*?\}, /, '')
          .replace('h: dns.orig_host', 'h: dns.orig_host, n: "collect(dns.query, 3)"'),
      ).join(),
      /only what an aggregate counts/,
    );
  });

  const history = fc.array(
    fc.record({
      gap: fc.constantFrom(0.05, 0.2, 0.35, 0.9, 1.4),
      host: fc.constantFrom('h', 'i'),
      query: fc.constantFrom('a', 'bb', 'ccc'),
    }),
    { maxLength: 30 },
  );
  const aggs = fc.constantFrom<readonly [string, (v: readonly Observation[]) => number, number]>(
    ['count: true', (v) => v.length, 3],
    ['distinct: dns.query', (v) => new Set(v.map(queryOf)).size, 2],
    ['sum: size(dns.query)', (v) => v.reduce((n, o) => n + queryOf(o).length, 0), 5],
    ['avg: size(dns.query)', (v) => v.reduce((n, o) => n + queryOf(o).length, 0) / v.length, 2],
  );
  it('a naive evaluation of all history agrees, stopped anywhere and loaded again', () => {
    fc.assert(
      fc.property(history, aggs, fc.nat(30), (steps, [what, of, gte], cut) => {
        let at = 0;
        const input = steps.map(({ gap, host, query }) => {
          at += gap;
          return ask(at, { orig_host: host, query });
        });
        const wanted: string[] = [];
        const since = new Map<string, number>();
        for (const [i, obs] of input.entries()) {
          const host = obs.hosts.orig_host?.id as string;
          const slot = (us: number): number => Math.floor(us / (HOUR / SLOTS));
          const inPeriod = (o: Observation): boolean =>
            what.startsWith('distinct') ? o.seen > obs.seen - HOUR : slot(o.seen) > slot(obs.seen) - SLOTS;
          const own = input
            .slice(since.get(host) ?? 0, i + 1)
            .filter((o) => o.hosts.orig_host?.id === host && inPeriod(o));
          if (of(own) < gte) continue;
          wanted.push(
            told({ ...({ rule: { id: 'many' } } as Finding), steps: [{ step: 'a', seen: obs.seen } as Matched] }),
          );
          since.set(host, i + 1);
        }
        assert.deepEqual(says(agg(`${what}, gte: ${gte}`), input, cut), wanted);
      }),
    );
  });
});
const queryOf = (o: Observation): string => (o.event as unknown as { query: string }).query;

describe('chains: what a step consumes', () => {
  it('model: a signal that a model made; one of the same name that an analytic made is none', () => {
    const [rule] = rulesOf(`
chain: m
window: 1d
by: [h]
steps:
  - { id: a, event: dns, bind: { h: dns.orig_host } }
  - { id: b, model: dga, where: model.score > 0.5, bind: { h: model.src_host } }
`);
    const dga = (source: string): Observation => see('signal', 0.1, { name: 'dga', source, score: 0.9, src_host: 'h' });
    assert.equal(run([rule as Rule], [ask(0), dga('model')]).length, 1);
    assert.equal(run([rule as Rule], [ask(0), dga('analytic')]).length, 0);
  });

  it('a chain of models alone is refused', () => {
    const text = 'chain: m\nwindow: 1d\nby: [h]\nsteps:\n  - { id: b, model: dga, bind: { h: model.src_host } }\n';
    assert.deepEqual(faultsOf(text), ['all steps are models']);
  });

  it('intel: what a feed lists, of one form or any', () => {
    const text = (form: string): Rule[] =>
      rulesOf(`chain: i\nwindow: 1d\nby: [h]\nsteps:\n  - { id: a, intel: ${form}, bind: { h: intel.host } }\n`);
    const sighting = see('sighting', 0, { indicator_type: 'domain', indicator: 'c2.example', host: 'h' });
    assert.equal(run(text('domain'), [sighting]).length, 1);
    assert.equal(run(text('any'), [sighting]).length, 1);
    assert.equal(run(text('url'), [sighting]).length, 0);
    assert.match(
      faultsOf('chain: i\nwindow: 1d\nby: [h]\nsteps:\n  - { id: a, intel: domian }\n').join(),
      /no indicator domian/,
    );
  });

  it('exactly one of them', () => {
    const two =
      'chain: i\nwindow: 1d\nby: [h]\nsteps:\n  - { id: a, event: dns, signal: x, bind: { h: dns.orig_host } }\n';
    assert.deepEqual(faultsOf(two), ['a step consumes one thing']);
    assert.match(faultsOf(two.replace('event: dns, signal: x', 'event: alert')).join(), /an alert is no event/);
  });
});

const DROP = (more = ''): string => `
chain: drop
window: 5d
by: [victim]
${more}
steps:
  - { id: fetch, event: file, bind: { victim: file.rx_host, sha: file.sha256 }, keep: { file: content } }
  - { id: run, event: tls, bind: { victim: tls.orig_host } }
`;
const OVER = `
chain: over
window: 60d
by: [who]
steps:
  - { id: dropped, chain: drop, where: chain.severity == "medium" && chain.first > 0,
      bind: { who: chain.victim, what: chain.sha } }
  - { id: beacon, signal: beacon, where: dropped.sha != "", bind: { who: signal.src_host } }
`;
const fetched = (at: number): Observation => see('file', at, { rx_host: 'h', sha256: 'abc' });
const ran = (at: number): Observation => see('tls', at, { orig_host: 'h' });
const beacon = (at: number, score = 0.9): Observation => see('signal', at, { name: 'beacon', score, src_host: 'h' });

describe('chains over chains', () => {
  it('a finished chain is a step of another, with its variables, and its own steps are told with it', () => {
    const findings = run(rulesOf(DROP(), OVER), [fetched(0), ran(1), beacon(31)]);
    assert.deepEqual(findings.map(told), [
      'drop fetch@0h run@24h',
      'over drop/fetch@0h drop/run@24h dropped@24h beacon@744h',
    ]);
    assert.deepEqual(findings[1]?.bound.what, { class: 'file', value: 'abc' });
    assert.deepEqual(findings[1]?.steps[2]?.values.sha, 'abc');
  });

  it('whatever the order of the chains, and stopped anywhere', () => {
    const [drop, over] = rulesOf(DROP(), OVER) as [Rule, Rule];
    const input = [fetched(0), ran(1), beacon(31)];
    const wanted = run([drop, over], input).map(told);
    assert.deepEqual(run([over, drop], input).map(told), wanted);
    for (let cut = 0; cut <= input.length; cut++) assert.deepEqual(run([drop, over], input, cut).map(told), wanted);
  });

  it('what its steps keep is kept for the chain above, for as long as that may still finish', () => {
    const log: string[] = [];
    run(rulesOf(DROP('emit: signal'), OVER), [fetched(0), ran(1)], -1, {
      keeper: {
        take: (partial, m, _keep, until) => log.push(`take ${partial} ${m.step} until ${(until - T0) / DAY}`),
        release: (partial) => log.push(`release ${partial}`),
      },
    });
    assert.deepEqual(log, [
      'take drop/1 fetch until 5',
      'take over/2 fetch until 61',
      'release drop/1',
      'release over/2',
    ]);
  });

  it('an absence at the end that is true is a finished chain as well', () => {
    const quiet = DROP().replace('id: run, event: tls', 'id: run, absent: true, for: 2d, event: tls');
    assert.deepEqual(run(rulesOf(quiet, OVER), [fetched(0), beacon(31)]).map(told), [
      'drop fetch@0h',
      'over drop/fetch@0h dropped@48h beacon@744h',
    ]);
  });

  it('emit: signal finishes without an alert; chains that take it see it', () => {
    const findings = run(rulesOf(DROP('emit: signal'), OVER), [fetched(0), ran(1), beacon(31)]);
    assert.deepEqual(
      findings.map((f) => f.rule.emit),
      ['signal', 'alert'],
    );
  });

  it('depth is bounded: four, and not five', () => {
    const level = (n: number): string =>
      `chain: c${n}\nwindow: 9d\nby: [h]\nsteps:\n  - { id: a, ${n === 1 ? 'event: dns' : `chain: c${n - 1}`}, bind: { h: ${n === 1 ? 'dns.orig_host' : 'chain.h'} } }\n`;
    const rules = rulesOf(level(1), level(2), level(3), level(4));
    assert.equal(run(rules, [ask(0)]).length, 4);
    const chains = new Map(rules.map((r) => [r.id, r]));
    const fifth = readChain('x.yaml', level(5), { chains }).faults.map((f) => f.message);
    assert.deepEqual(fifth, ['chains over chains 5 deep']);
  });

  it('a chain that is not there, and a variable that it has not, are faults', () => {
    const chains = new Map(rulesOf(DROP()).map((r) => [r.id, r]));
    const faults = (text: string): string[] => readChain('x.yaml', text, { chains }).faults.map((f) => f.message);
    assert.deepEqual(faults(OVER.replace('chain: drop,', 'chain: dorp,'))[0], 'there is no chain dorp');
    assert.match(
      faults(OVER.replace('chain.sha', 'chain.origin')).join(),
      /chain.origin is no host, user, domain or file/,
    );
    assert.match(faults(OVER.replace('chain.first', 'chain.firts')).join(), /drop has no variable firts/);
    const taken = OVER.replace('what: chain.sha', 'first: chain.sha');
    assert.match(faults(taken).join(), /first is what every finished chain has/);
  });
});

describe('chains: limits', () => {
  const TEXT = `
chain: l
window: 60d
by: [h]
start: each(2)
steps:
  - { id: a, signal: beacon, bind: { h: signal.src_host } }
  - { id: b, event: dns, bind: { h: dns.orig_host } }
`;
  it('evict-lowest-score: who is least sure goes; of equals the oldest', () => {
    const chains = new Chains(rulesOf(`${TEXT}on_full: evict-lowest-score\n`), new NaiveMemory(), new MapSection());
    for (const [at, score] of [
      [0, 0.9],
      [1, 0.5],
      [2, 0.7],
      [3, 0.8],
    ] as const)
      chains.feed(beacon(at, score));
    assert.deepEqual([...chains.open].map((p) => p.score).sort(), [0.8, 0.9]);
    assert.equal(chains.counts.get('l evicted'), 2);
  });

  it('evict-lowest-score holds for the chain as a whole, also after a restart', () => {
    const rules = rulesOf(`${TEXT}on_full: evict-lowest-score\nlimits: { partials: 2 }\n`);
    const section = new MapSection();
    let chains = new Chains(rules, new NaiveMemory(), section);
    const from = (host: string, at: number, score: number): Observation =>
      see('signal', at, { name: 'beacon', score, src_host: host });
    chains.feed(from('x', 0, 0.9));
    chains.feed(from('y', 1, 0.3));
    chains.save();
    chains = new Chains(rules, new NaiveMemory(), section);
    chains.feed(from('z', 2, 0.5));
    assert.deepEqual([...chains.open].map((p) => p.key).sort(), ['h=x', 'h=z']);
  });

  it('in all: one below, at, and above', () => {
    for (const n of [2, 3, 4]) {
      const chains = new Chains(rulesOf(TEXT), new NaiveMemory(), new MapSection(), { partialsMax: 3 });
      for (let i = 0; i < n; i++) chains.feed(see('signal', i, { name: 'beacon', score: 1, src_host: `h${i}` }));
      assert.equal(chains.partials, Math.min(n, 3));
      assert.equal(chains.counts.get('l full') ?? 0, n > 3 ? 1 : 0);
    }
  });

  it('four quick starts do not push the first out unnoticed', () => {
    const chains = new Chains(rulesOf(TEXT.replace('each(2)', 'each(3)')), new NaiveMemory(), new MapSection());
    for (let i = 0; i < 4; i++) chains.feed(beacon(i / 1e4));
    assert.deepEqual([...chains.open].map((p) => p.first).includes(T0), true);
    assert.equal(chains.counts.get('l full'), 1);
    assert.equal(chains.nearMisses[0]?.reason, 'full');
  });

  it('what is open is listed, the nearest to an alert first', () => {
    const three = `${TEXT.replace('chain: l', 'chain: three')}  - { id: c, event: tls, bind: { h: tls.orig_host } }\n`;
    const chains = new Chains(rulesOf(TEXT, three), new NaiveMemory(), new MapSection());
    chains.feed(see('signal', 0, { name: 'beacon', score: 1, src_host: 'x' }));
    chains.feed(see('signal', 0, { name: 'beacon', score: 1, src_host: 'y' }));
    chains.feed(see('dns', 1, { orig_host: 'y' }));
    assert.deepEqual(
      chains.near().map((o) => `${o.rule} ${o.key} ${o.matched.length}/${o.of} ${o.missing}`),
      ['three h=y 2/3 c', 'l h=x 1/2 b', 'three h=x 1/3 b'],
    );
  });
});

describe('chains: upgrade', () => {
  const TEXT = `
chain: u
window: 60d
by: [h]
steps:
  - { id: a, event: tls, bind: { h: tls.orig_host } }
  - { id: b, event: dns, where: dns.rcode == 3, bind: { h: dns.orig_host } }
`;
  const changed = (
    policy: string,
    edit: (t: string) => string,
  ): { found: number; choice: string; partials: number } => {
    const section = new MapSection();
    const before = new Chains(rulesOf(`${TEXT}upgrade: ${policy}\n`), new NaiveMemory(), section);
    before.feed(see('tls', 0, { orig_host: 'h' }));
    before.save();
    const after = new Chains(rulesOf(edit(`${TEXT}upgrade: ${policy}\n`)), new NaiveMemory(), section);
    after.save();
    const again = new Chains(rulesOf(edit(`${TEXT}upgrade: ${policy}\n`)), new NaiveMemory(), section);
    const { choice = 'none', partials = 0 } = after.upgrades[0] ?? {};
    assert.equal(after.counts.get(`u ${choice}: its text has changed`), partials);
    return { found: again.feed(ask(24)).length, choice, partials };
  };
  const rcode = (t: string): string => t.replace('rcode == 3', 'rcode == 0');
  const steps = (t: string): string => t.replace('id: b', 'id: c');

  it('migrate: with the same steps and binds they go on by the new text', () => {
    assert.deepEqual(
      changed('migrate', (t) => t.replace('60d', '61d')),
      { found: 1, choice: 'migrated', partials: 1 },
    );
    assert.deepEqual(changed('migrate', rcode), { found: 0, choice: 'migrated', partials: 1 });
    assert.deepEqual(changed('migrate', steps), { found: 0, choice: 'dropped', partials: 1 }, 'other steps');
  });
  it('drain: they go on by the old text, which begins nothing', () => {
    assert.deepEqual(changed('drain', rcode), { found: 1, choice: 'drained', partials: 1 });
    assert.deepEqual(changed('drain', steps), { found: 1, choice: 'drained', partials: 1 });
  });
  it('drop: they are gone, counted', () => {
    assert.deepEqual(changed('drop', rcode), { found: 0, choice: 'dropped', partials: 1 });
  });
  it('a shorter window ends what it no longer allows', () => {
    const section = new MapSection();
    const before = new Chains(rulesOf(TEXT), new NaiveMemory(), section);
    before.feed(see('tls', 0, { orig_host: 'h' }));
    before.save();
    const after = new Chains(rulesOf(TEXT.replace('60d', '2d')), new NaiveMemory(), section);
    after.advance(T0 + 3 * DAY);
    assert.equal(after.partials, 0);
  });
});
