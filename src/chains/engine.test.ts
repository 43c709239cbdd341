import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Finding } from '../schema/finding.ts';
import type { Observation } from '../schema/observation.ts';
import { DAY } from './duration.ts';
import { Chains, type Coverage } from './engine.ts';
import { KEPT_BYTES } from './kept.ts';
import { readChain } from './language.ts';
import type { Rule } from './rule.ts';
import { MapSection, NaiveMemory, see, T0 } from './world.test.ts';

function rule(text: string): Rule {
  const { rule: made, faults } = readChain('test.yaml', text);
  assert.deepEqual(faults, []);
  return made as Rule;
}

const SLEEPER = `
chain: sleeper
window: 60d
by: [victim]
start: each(3)
steps:
  - { id: drop, event: file, where: 'file.direction == "download"', bind: { victim: file.rx_host, sha: file.sha256 } }
  - { id: beacon, signal: beacon, after: 7d, where: signal.score >= 0.8,
      bind: { victim: signal.src_host, c2: signal.dst_name } }
until:
  - { event: identity, where: 'identity.change == "reimaged"', bind: { victim: identity.host } }
`;

const drop = (at: number, host = 'mac:a', sha = `sha-${at}`): Observation =>
  see('file', at, { direction: 'download', rx_host: host, sha256: sha });
const beacon = (at: number, host = 'mac:a', more: Record<string, unknown> = {}): Observation =>
  see('signal', at, { name: 'beacon', score: 0.9, src_host: host, dst_name: 'c2.example', ...more });

function run(text: string, input: readonly Observation[], coverage?: Coverage, end = 400): Finding[] {
  const chains = new Chains([rule(text)], new NaiveMemory(), new MapSection(), { coverage });
  const out = input.flatMap((obs) => [...chains.advance(obs.seen), ...chains.feed(obs)]);
  return [...out, ...chains.advance(T0 + end * DAY)];
}
const place = (s: Finding['steps'][number]): string => `${s.step}@${(s.seen - T0) / DAY}`;
/** What a finding says, without refs: starts in days, bound values. */
const brief = (f: Finding): string =>
  `${f.status}${f.revision} ${f.key} ${f.steps.map(place).join(' ')} x${f.starts.length}`;
const says = (text: string, input: readonly Observation[], coverage?: Coverage): string[] =>
  run(text, input, coverage).map(brief);

describe('chains: engine', () => {
  it('an executable comes in, sleeps 30 days, phones home', () => {
    const [finding, ...rest] = run(SLEEPER, [drop(0), beacon(31)]);
    assert.equal(rest.length, 0);
    assert.equal(brief(finding as Finding), 'issued1 victim=mac:a drop@0 beacon@31 x1');
    assert.deepEqual(finding?.bound.sha, { class: 'file', value: 'sha-0' });
    assert.deepEqual(finding?.bound.c2, { class: 'domain', value: 'c2.example' });
    assert.deepEqual(finding?.steps[1]?.why, ['signal.score >= 0.8, where signal.score is 0.9']);
  });

  it('the end of an episode neither starts nor completes a step, and extends what it completed', () => {
    const episode = { episode: 'e', phase: 'opened' };
    assert.deepEqual(says(SLEEPER, [drop(0), beacon(31, 'mac:a', { phase: 'closed', episode: 'e' })]), []);
    assert.deepEqual(
      says(SLEEPER, [drop(0), beacon(31, 'mac:a', episode), beacon(33, 'mac:a', { phase: 'closed', episode: 'e' })]),
      ['issued1 victim=mac:a drop@0 beacon@31 x1', 'extended2 victim=mac:a drop@0 beacon@31 continues@33 x1'],
    );
  });

  it('of a record that is too long the longest fields go, and it says so; one byte less, and nothing goes', () => {
    const values = { direction: 'download', rx_host: 'mac:a', sha256: 'sha-0', url: '' };
    const [free] = run(SLEEPER, [see('file', 0, values), beacon(31)]);
    const used = Object.values(free?.steps[0]?.values ?? {}).reduce<number>((n, v) => n + JSON.stringify(v).length, 0);
    const room = KEPT_BYTES - used;
    for (const [length, cut] of [
      [room - 1, false],
      [room, false],
      [room + 1, true],
    ] as const) {
      const [finding] = run(SLEEPER, [see('file', 0, { ...values, url: 'u'.repeat(length) }), beacon(31)]);
      const kept = finding?.steps[0];
      assert.equal(kept?.cut, cut, `${length}`);
      assert.equal('url' in (kept?.values ?? {}), !cut);
      assert.equal(kept?.values.sha256, 'sha-0');
    }
  });

  describe('what steps keep', () => {
    const KEEPING = SLEEPER.replace('sha: file.sha256 } }', 'sha: file.sha256 }, keep: { file: content } }').replace(
      'c2: signal.dst_name } }',
      'c2: signal.dst_name }, keep: { packets: "first(20),last(5)", lease: 90d } }',
    );
    const told = (text: string, input: readonly Observation[]): { log: string[]; findings: Finding[] } => {
      const log: string[] = [];
      const days = (us: number): number => (us - T0) / DAY;
      const chains = new Chains([rule(text)], new NaiveMemory(), new MapSection(), {
        keeper: {
          take: (partial, m, keep, until) =>
            log.push(`take ${partial} ${m.step}@${days(m.seen)} ${JSON.stringify(keep)} until ${days(until)}`),
          release: (partial) => log.push(`release ${partial}`),
        },
      });
      const findings = input.flatMap((obs) => [...chains.advance(obs.seen), ...chains.feed(obs)]);
      findings.push(...chains.advance(T0 + 400 * DAY));
      return { log, findings };
    };
    const DROP = '{"file":true}';
    const BEACON = `{"file":false,"packets":{"first":20,"last":5},"lease":${90 * DAY}}`;

    it('is told at each match; the finding names the partial, and later records are taken for it too', () => {
      const { log, findings } = told(KEEPING, [
        drop(0),
        beacon(31, 'mac:a', { episode: 'e' }),
        beacon(32, 'mac:a', { episode: 'e' }),
      ]);
      assert.deepEqual(log, [
        `take sleeper/1 drop@0 ${DROP} until 60`,
        `take sleeper/1 beacon@31 ${BEACON} until 31`,
        `take sleeper/1 continues@32 ${BEACON} until 32`,
      ]);
      assert.deepEqual(
        findings.map((f) => f.partials),
        [['sleeper/1'], ['sleeper/1']],
      );
    });

    it('is released when the chain dies without an alert', () => {
      assert.deepEqual(told(KEEPING, [drop(0)]).log.at(-1), 'release sleeper/1');
      const reimaged = see('identity', 3, { change: 'reimaged', host: 'mac:a' });
      assert.deepEqual(told(KEEPING, [drop(0), reimaged]).log.at(-1), 'release sleeper/1');
      const last = KEEPING.replace('start: each(3)', 'start: last');
      assert.deepEqual(told(last, [drop(0), drop(1), beacon(31)]).log.slice(1, 3), [
        'release sleeper/1',
        `take sleeper/2 drop@1 ${DROP} until 61`,
      ]);
    });

    it('is nothing where a step does not say so', () => {
      assert.deepEqual(
        told(SLEEPER, [drop(0), beacon(31)]).log.filter((l) => l.startsWith('take')),
        [],
      );
    });
  });

  it('where inputs lie is not kept: another run has other places', () => {
    const [finding] = run(SLEEPER, [drop(0), beacon(31, 'mac:a', { refs: ['s/1/1/0'] })]);
    assert.ok(!('refs' in (finding?.steps[1]?.values ?? {})));
  });

  it('after is the least gap, to the microsecond', () => {
    assert.deepEqual(says(SLEEPER, [drop(0), beacon(7 - 1e-9)]), []);
    assert.equal(says(SLEEPER, [drop(0), beacon(7)]).length, 1);
  });

  it('window is the most from first to last, to the microsecond', () => {
    assert.equal(says(SLEEPER, [drop(0), beacon(60)]).length, 1);
    assert.deepEqual(says(SLEEPER, [drop(0), beacon(60 + 1e-9)]), []);
  });

  it('joins are on entities: another host completes nothing', () => {
    assert.deepEqual(says(SLEEPER, [drop(0, 'mac:a'), beacon(31, 'mac:b')]), []);
  });

  it('a predicate that does not hold advances nothing', () => {
    assert.deepEqual(says(SLEEPER, [drop(0), beacon(31, 'mac:a', { score: 0.5 })]), []);
  });

  it('skip-till-next-match: what does not fit is passed over', () => {
    assert.equal(says(SLEEPER, [drop(0), beacon(3), drop(4, 'mac:z'), beacon(31)]).length, 1);
  });

  it('completions of one key by one record are one finding with all starts, oldest first', () => {
    const [finding, ...rest] = run(SLEEPER, [drop(0), drop(1), drop(2), beacon(31)]);
    assert.equal(rest.length, 0);
    assert.equal(finding?.starts.length, 3);
    assert.equal(finding?.steps[0]?.seen, T0);
  });

  it('each(n): one below, at, and above the limit; the refused start is counted', () => {
    for (const n of [2, 3, 4]) {
      const chains = new Chains([rule(SLEEPER)], new NaiveMemory(), new MapSection());
      for (let i = 0; i < n; i++) chains.feed(drop(i));
      assert.equal(chains.partials, Math.min(n, 3));
      assert.equal(chains.counts.get('sleeper full') ?? 0, n > 3 ? 1 : 0);
    }
  });

  it('on_full: evict-oldest makes room, and says so', () => {
    const chains = new Chains([rule(`${SLEEPER}\non_full: evict-oldest\n`)], new NaiveMemory(), new MapSection());
    for (let i = 0; i < 4; i++) chains.feed(drop(i));
    assert.deepEqual(
      [...chains.open].map((p) => (p.first - T0) / DAY),
      [1, 2, 3],
    );
    assert.equal(chains.counts.get('sleeper evicted'), 1);
  });

  it('start first keeps the open one; last replaces one that is still at its first step', () => {
    const first = run(SLEEPER.replace('each(3)', 'first'), [drop(0), drop(5), beacon(31)]);
    assert.equal(first[0]?.steps[0]?.seen, T0);
    const last = run(SLEEPER.replace('each(3)', 'last'), [drop(0), drop(5), beacon(31)]);
    assert.equal(last[0]?.steps[0]?.seen, T0 + 5 * DAY);
  });

  it('limits.partials: one below, at, and above', () => {
    for (const n of [4, 5, 6]) {
      const chains = new Chains([rule(`${SLEEPER}\nlimits: { partials: 5 }\n`)], new NaiveMemory(), new MapSection());
      for (let i = 0; i < n; i++) chains.feed(drop(i, `mac:${i}`));
      assert.equal(chains.partials, Math.min(n, 5));
      assert.equal(chains.counts.get('sleeper full') ?? 0, n > 5 ? 1 : 0);
    }
  });

  it('until kills what began before it, with equal keys only', () => {
    const reimaged = (at: number, host: string): Observation => see('identity', at, { change: 'reimaged', host });
    assert.deepEqual(says(SLEEPER, [drop(0), reimaged(5, 'mac:a'), beacon(31)]), []);
    assert.equal(says(SLEEPER, [drop(0), reimaged(5, 'mac:b'), beacon(31)]).length, 1);
    assert.equal(says(SLEEPER, [reimaged(0, 'mac:a'), drop(1), beacon(31)]).length, 1);
    assert.equal(says(SLEEPER, [drop(0), beacon(31), reimaged(32, 'mac:a')]).length, 1);
  });

  it('later records of the episode extend the finding and never repeat it', () => {
    const episode = { episode: 'e1' };
    const input = [drop(0), beacon(31, 'mac:a', episode), beacon(32, 'mac:a', episode), beacon(33, 'mac:a', episode)];
    assert.deepEqual(
      run(SLEEPER, input).map((f) => f.status + f.revision),
      ['issued1', 'extended2', 'extended3'],
    );
  });

  it('a partial ends at its deadline and is a near-miss', () => {
    const chains = new Chains([rule(SLEEPER)], new NaiveMemory(), new MapSection());
    chains.feed(drop(0));
    chains.advance(T0 + 60 * DAY);
    assert.equal(chains.partials, 1);
    chains.advance(T0 + 60 * DAY + 1);
    assert.equal(chains.partials, 0);
    assert.deepEqual(chains.nearMisses[0]?.matched, ['drop']);
    assert.equal(chains.nearMisses[0]?.missing, 'beacon');
  });

  it('a step may compare with an earlier one, and with memory as of its time', () => {
    const text = SLEEPER.replace('signal.score >= 0.8', "'first_seen(signal.dst_name, victim) > drop.seen'");
    const verdict = (visitedAt: number): number => {
      const memory = new NaiveMemory();
      const chains = new Chains([rule(text)], memory, new MapSection());
      if (visitedAt < 5) memory.touch('domain', 'c2.example', T0 + visitedAt * DAY, 'mac:a');
      chains.feed(drop(5));
      memory.touch('domain', 'c2.example', T0 + 31 * DAY, 'mac:a');
      return chains.feed(beacon(31)).length;
    };
    assert.equal(verdict(1), 0);
    assert.equal(verdict(31), 1);
  });

  describe('absence', () => {
    const BETWEEN = `
chain: quiet
window: 30d
by: [host]
steps:
  - { id: a, event: http, where: http.status_code == 200, bind: { host: http.orig_host } }
  - { id: none, event: dns, absent: true, bind: { host: dns.orig_host } }
  - { id: b, event: tls, bind: { host: tls.orig_host } }
`;
    const a = see('http', 0, { status_code: 200, orig_host: 'h' });
    const dns = (at: number, host = 'h'): Observation => see('dns', at, { orig_host: host });
    const b = see('tls', 2, { orig_host: 'h' });

    it('true: none came and the time was watched', () => {
      const [f] = run(BETWEEN, [a, dns(1, 'other'), b]);
      assert.deepEqual(f?.flags, []);
    });
    it('false: one came between', () => assert.deepEqual(says(BETWEEN, [a, dns(1), b]), []));
    it('one before or after is not between', () => assert.equal(says(BETWEEN, [dns(0), a, b, dns(3)]).length, 1));
    it('unknown: none came, but the sensor was blind: kept and flagged', () => {
      assert.deepEqual(run(BETWEEN, [a, b], () => 0.98)[0]?.flags, ['blind']);
      assert.deepEqual(run(BETWEEN, [a, b], () => 0.99)[0]?.flags, []);
    });

    const TRAILING = BETWEEN.replace(/ {2}- \{ id: b.*\n/, '').replace('absent: true', 'absent: true, for: 2d');
    it('at the end it is decided when the watermark passes, not before', () => {
      const chains = new Chains([rule(TRAILING)], new NaiveMemory(), new MapSection());
      assert.deepEqual(chains.feed(a), []);
      assert.deepEqual(chains.advance(T0 + 2 * DAY), []);
      assert.equal(chains.advance(T0 + 2 * DAY + 1).length, 1);
    });
    it('at the end: one that comes in time prevents it, one that comes late does not', () => {
      assert.deepEqual(says(TRAILING, [a, dns(1.9)]), []);
      assert.equal(says(TRAILING, [a, dns(2.1)]).length, 1);
    });
  });

  describe('young memory', () => {
    const text = SLEEPER.replace(`'file.direction == "download"'`, `'prevalence(file.sha256, "90d") <= 2'`);
    const first = (onYoung: string, hosts: number): Finding[] => {
      const memory = new NaiveMemory();
      memory.since = T0 - 5 * DAY;
      const chains = new Chains([rule(`${text}\non_young: ${onYoung}\n`)], memory, new MapSection());
      for (let i = 0; i < hosts; i++) memory.touch('file', 'sha-0', T0, `mac:${i}`);
      chains.feed(drop(0));
      return chains.feed(beacon(31));
    };
    it('flag matches and says so, wait does not match, match is silent', () => {
      assert.deepEqual(first('flag', 1)[0]?.flags, ['young_memory']);
      assert.deepEqual(first('wait', 1), []);
      assert.deepEqual(first('match', 1)[0]?.flags, []);
    });
    it('what is known to be common stays common, however young memory is', () =>
      assert.deepEqual(first('flag', 3), []));
  });

  describe('properties', () => {
    const step = fc.record({
      at: fc.integer({ min: 0, max: 80 }),
      host: fc.constantFrom('mac:a', 'mac:b', 'mac:c'),
      what: fc.constantFrom('drop', 'beacon', 'image'),
    });
    const worlds = fc.array(step, { maxLength: 40 }).map((steps) =>
      [...steps]
        .sort((x, y) => x.at - y.at)
        .map(({ at, host, what }, i) => {
          const when = at + i * 1e-6;
          if (what === 'drop') return drop(when, host);
          return what === 'beacon' ? beacon(when, host) : see('identity', when, { change: 'reimaged', host });
        }),
    );

    it('stopped anywhere and loaded again, the findings are the same', () => {
      fc.assert(
        fc.property(worlds, fc.nat(40), (input, cut) => {
          const section = new MapSection();
          const memory = new NaiveMemory();
          const out: Finding[] = [];
          let chains = new Chains([rule(SLEEPER)], memory, section);
          input.forEach((obs, i) => {
            if (i === cut) {
              chains.save();
              chains = new Chains([rule(SLEEPER)], memory, section);
            }
            out.push(...chains.advance(obs.seen), ...chains.feed(obs));
          });
          out.push(...chains.advance(T0 + 400 * DAY));
          assert.deepEqual(out.map(brief), says(SLEEPER, input));
        }),
      );
    });

    it('hosts on different sensors give what one sensor gives', () => {
      fc.assert(
        fc.property(worlds, (input) => {
          const hosts = ['mac:a', 'mac:b', 'mac:c'];
          const hostOf = (o: Observation): string =>
            o.hosts.rx_host?.id ??
            (o.event as { src_host?: string }).src_host ??
            (o.event as { host?: string }).host ??
            '';
          const split = hosts.flatMap((h) =>
            says(
              SLEEPER,
              input.filter((o) => hostOf(o) === h),
            ),
          );
          assert.deepEqual(split.sort(), says(SLEEPER, input).sort());
        }),
      );
    });

    it('a naive evaluation of all history agrees', () => {
      fc.assert(
        fc.property(worlds, (input) => {
          const naive = new Set<string>();
          for (const end of input) {
            if (end.kind !== 'signal') continue;
            const host = (end.event as { src_host: string }).src_host;
            let starts: Observation[] = [];
            for (const o of input) {
              if (o.seen >= end.seen) break;
              if (o.kind === 'identity' && (o.event as { host: string }).host === host) starts = [];
              if (o.kind === 'signal' && (o.event as { src_host: string }).src_host === host)
                starts = starts.filter((s) => o.seen - s.seen < 7 * DAY);
              starts = starts.filter((s) => o.seen - s.seen <= 60 * DAY);
              if (o.kind === 'file' && o.hosts.rx_host?.id === host && starts.length < 3) starts.push(o);
            }
            const done = starts.filter((s) => end.seen - s.seen >= 7 * DAY && end.seen - s.seen <= 60 * DAY);
            if (done.length > 0) naive.add(`${host} ${end.seen} x${done.length}`);
          }
          const engine = run(SLEEPER, input).map((f) => `${f.bound.victim?.value} ${f.at} x${f.starts.length}`);
          assert.deepEqual(engine.sort(), [...naive].sort());
        }),
      );
    });
  });
});
