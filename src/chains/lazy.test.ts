// Eager and lazy are two ways to run, with one result: held over random worlds and chains of every construct.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Finding } from '../schema/finding.ts';
import type { Observation } from '../schema/observation.ts';
import { remember } from '../schema/remember.ts';
import { PlainMemory } from './cases.ts';
import { DAY } from './duration.ts';
import { Chains } from './engine.ts';
import { ListHistory } from './history.ts';
import { parseChain, readParsed } from './language.ts';
import { lazily, retro } from './lazy.ts';
import type { Rule } from './rule.ts';
import { MapSection, see, T0 } from './world.test.ts';

const RUNS = Number(process.env.RUNS ?? 60);
const SEED = process.env.SEED === undefined ? undefined : Number(process.env.SEED);
const SPAN = { from: T0, to: T0 + 400 * DAY };
const SINCE = T0 - 3 * DAY;

function rulesOf(...texts: string[]): Rule[] {
  const rules = new Map<string, Rule>();
  for (const text of texts) {
    const { rule, faults } = readParsed(parseChain('x.yaml', text), { chains: rules });
    assert.deepEqual(faults, [], text);
    rules.set((rule as Rule).id, rule as Rule);
  }
  return [...rules.values()];
}

const place = (m: Finding['steps'][number]): string => `${m.step}@${(m.seen - T0) / DAY}`;
const brief = (f: Finding): string =>
  `${f.status}${f.revision} ${f.key} ${f.steps.map(place).join(' ')} x${f.starts.length} ${f.flags}`;

function eager(rules: readonly Rule[], input: readonly Observation[]): string[] {
  const memory = new PlainMemory(SINCE);
  const chains = new Chains(rules, memory, new MapSection());
  const last = rules.at(-1)?.id;
  const out: Finding[] = [];
  for (const obs of input) {
    out.push(...chains.advance(obs.seen));
    remember(memory, obs);
    out.push(...chains.feed(obs));
  }
  out.push(...chains.advance(SPAN.to));
  return out.filter((f) => f.rule.id === last).map(brief);
}
async function lazy(rules: readonly Rule[], input: readonly Observation[]): Promise<string[]> {
  const others = rules.slice(0, -1);
  return (await lazily(rules.at(-1) as Rule, new ListHistory(input, SINCE), SPAN, { others })).map(brief);
}

const ask = (step: string, letter: string, more = ''): string =>
  `{ id: ${step}, event: dns, where: 'dns.query == "${letter}"', bind: { h: dns.orig_host }${more} }`;
const CHAINS: Readonly<Record<string, readonly string[]>> = {
  'steps, after, within': [
    `start: each(2)\nsteps:\n  - ${ask('s', 'a')}\n  - ${ask('t', 'b', ', after: 1d, within: 9d')}\n`,
  ],
  'start: last': [`start: last\nsteps:\n  - ${ask('s', 'a')}\n  - ${ask('t', 'b')}\n  - ${ask('u', 'c')}\n`],
  any_order: [`steps:\n  - any_order: [${ask('s', 'a')}, ${ask('t', 'b')}]\n    within: 4d\n  - ${ask('u', 'c')}\n`],
  'one_of, optional': [
    `steps:\n  - one_of: [${ask('s', 'a')}, ${ask('t', 'b')}]\n  - ${ask('o', 'd', ', optional: true')}\n  - ${ask('u', 'c')}\n`,
  ],
  absent: [`steps:\n  - ${ask('s', 'a')}\n  - ${ask('n', 'b', ', absent: true')}\n  - ${ask('u', 'c')}\n`],
  'absent at the end': [`steps:\n  - ${ask('s', 'a')}\n  - ${ask('n', 'b', ', absent: true, for: 2d')}\n`],
  until: [`steps:\n  - ${ask('s', 'a')}\n  - ${ask('u', 'c')}\nuntil:\n  - ${ask('x', 'd')}\n`],
  agg: [
    `steps:\n  - ${ask('s', 'a', ', agg: { count: true, per: 15d, gte: 2 }')}\n  - ${ask('u', 'c', ', agg: { distinct: dns.query, per: 9d, gte: 1 }')}\n`,
  ],
  suppress: [`suppress: 5d\nsteps:\n  - ${ask('s', 'a')}\n  - ${ask('t', 'b')}\n`],
  memory: [
    `start: each(3)
steps:
  - { id: s, event: dns, where: 'is_new(dns.query, "3d") || prevalence(dns.query, "5d") <= 1', bind: { h: dns.orig_host } }
  - { id: t, event: dns, where: 'first_seen(dns.query, h) < s.seen && age(dns.query) < 2592000000000 && dns.query != s.query', bind: { h: dns.orig_host } }
`,
  ],
  'chains over chains': [
    `steps:\n  - ${ask('s', 'a')}\n  - ${ask('t', 'b')}\n`,
    `steps:\n  - { id: i, chain: c0, bind: { h: chain.h } }\n  - ${ask('u', 'c')}\n`,
  ],
};

const history = fc
  .array(
    fc.record({
      gap: fc.constantFrom(0.2, 0.7, 1.5, 4),
      host: fc.constantFrom('h', 'i', 'j'),
      letter: fc.constantFrom('a', 'b', 'c', 'd'),
    }),
    { minLength: 12, maxLength: 40 },
  )
  .map((all) => {
    let at = 0;
    return all.map(({ gap, host, letter }): Observation => {
      at += gap;
      const obs = see('dns', at, { orig_host: host, query: letter });
      return { ...obs, hosts: { orig_host: { id: host, local: true, evidence: 'test' } } };
    });
  });

describe('chains: lazy', () => {
  for (const [name, texts] of Object.entries(CHAINS))
    it(`finds what eager finds: ${name}`, async () => {
      const rules = rulesOf(...texts.map((t, i) => `chain: c${i}\nwindow: 20d\nby: [h]\n${t}`));
      let found = 0;
      await fc.assert(
        fc.asyncProperty(history, async (input) => {
          const wanted = eager(rules, input);
          found += wanted.length;
          assert.deepEqual(await lazy(rules, input), wanted);
        }),
        { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: SEED }) },
      );
      assert.ok(found > 0, 'some world has an alert');
    });

  it('asks for the records of the rarest step first, and for no others when there are none', async () => {
    const [rule] = rulesOf(`chain: c\nwindow: 20d\nby: [h]\nsteps:\n  - ${ask('s', 'a')}\n  - ${ask('t', 'b')}\n`);
    const input = [0, 1, 2, 3].map((at) => see('dns', at, { orig_host: 'h', query: 'a' }));
    const asked: string[][] = [];
    class Watched extends ListHistory {
      override async count(...[step]: Parameters<ListHistory['count']>): Promise<number> {
        return step.id === 's' ? 4 : 0;
      }
      override records(...args: Parameters<ListHistory['records']>): Promise<Observation[]> {
        asked.push(args[0].map((s) => s.id));
        return super.records(...args);
      }
    }
    assert.deepEqual(await lazily(rule as Rule, new Watched(input, SINCE), SPAN), []);
    assert.deepEqual(asked, [['t']], 'the anchor alone');
  });
});

describe('chains: retro', () => {
  const [rule] = rulesOf(`
chain: late
window: 60d
by: [h]
steps:
  - { id: drop, event: file, bind: { h: file.rx_host } }
  - { id: contact, intel: domain, bind: { h: intel.host } }
`) as [Rule];
  const drop = (host: string): Observation => see('file', 0, { rx_host: host, sha256: 'abc' });
  const hit = (at: number, host: string): Observation =>
    see('sighting', at, { indicator_type: 'domain', indicator: 'c2.example', host, retro: true });

  it('what becomes known later enters at the time of what it is about, and the chain completes backwards', async () => {
    const past = new ListHistory([drop('h'), drop('i')], SINCE);
    const found = await retro(rule, past, SPAN, T0 + 40 * DAY, { late: [hit(31, 'h')] });
    assert.deepEqual(found.map(brief), ['issued1 h=h drop@0 contact@31 x1 ']);
    assert.equal(found[0]?.issued, T0 + 31 * DAY, 'when it could have been detected');
    assert.deepEqual(found[0]?.retro, { knownAt: T0 + 40 * DAY });
  });

  it('only the keys that it concerns are looked at', async () => {
    const past = new ListHistory([drop('h'), hit(3, 'h'), drop('i')], SINCE);
    const found = await retro(rule, past, SPAN, T0 + 40 * DAY, { late: [hit(31, 'i')] });
    assert.deepEqual(
      found.map((f) => f.key),
      ['h=i'],
    );
  });
});
