import assert from 'node:assert/strict';
import { describeCases, observe, PlainMemory, PlainSection, START } from '../case_world.test.ts';
import { Signals } from '../dispatch.ts';
import { DAY, SECOND } from '../signal.ts';
import beacon, { jitterLimit, RING } from './beacon.ts';

describeCases('beacon');

/** mulberry32: the same histories on every machine. */
function random(seed: number): () => number {
  let s = seed;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = s;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * How many of `pairs` destinations with gaps of this kind are called beacons within 150 contacts, and after how many.
 */
function histories(pairs: number, gap: (r: () => number) => number): { opened: number; after: number } {
  const r = random(20);
  const signals = new Signals(new PlainMemory(START - 400 * DAY), new PlainSection(), {}, [beacon as never]);
  let opened = 0;
  let after = 0;
  for (let p = 0; p < pairs; p++) {
    // One after the other: time only has to go on within a pair.
    let at = START + p * 100 * DAY;
    for (let i = 0; i < 150; i++) {
      at += Math.round(gap(r) * 60 * SECOND);
      const flow = { orig_h: '10.0.0.1', resp_h: '198.51.100.1', resp_p: 443, proto: 6, server_name: `n${p}.example` };
      const found = signals.dispatch(observe('tls', at, flow, i)).find((s) => s.phase === 'opened');
      if (found === undefined) continue;
      opened++;
      after += found.count;
      break;
    }
  }
  return { opened, after: after / Math.max(1, opened) };
}

describe('beacon: what chance makes and what machines make', function () {
  this.timeout(60_000);
  const normal = (r: () => number): number => Math.sqrt(-2 * Math.log(1 - r())) * Math.cos(2 * Math.PI * r());
  const CHANCE: Readonly<Record<string, readonly [gap: (r: () => number) => number, most: number]>> = {
    'exponential gaps': [(r) => -Math.log(1 - r()), 0],
    'log-normal gaps': [(r) => Math.exp(normal(r)), 0],
    'very skewed gaps': [(r) => Math.exp(2 * normal(r)), 0],
    // Any gap up to two minutes, one as likely as another: more even than people are.
    'uniform gaps': [(r) => 2 * r(), 1],
  };
  for (const [name, [gap, most]] of Object.entries(CHANCE)) {
    it(`${name}: at most ${most} of 400 destinations`, () => {
      const { opened } = histories(400, gap);
      assert.ok(opened <= most, `${opened}`);
    });
  }
  const MACHINES: Readonly<Record<string, readonly [gap: (r: () => number) => number, within: number]>> = {
    'a metronome': [() => 1, 10],
    '10 % of jitter': [(r) => 0.95 + 0.1 * r(), 11],
    'sleeping 30 % less at random': [(r) => 0.7 + 0.3 * r(), 20],
    'sleeping 50 % less at random': [(r) => 0.5 + 0.5 * r(), 40],
    'a tenth of the beats missed': [(r) => (r() < 0.1 ? 2 : 1) * (0.95 + 0.1 * r()), 15],
  };
  for (const [name, [gap, within]] of Object.entries(MACHINES)) {
    it(`${name}: all of 100, after ${within} contacts on average at most`, () => {
      const { opened, after } = histories(100, gap);
      assert.equal(opened, 100);
      assert.ok(after <= within, `${after}`);
    });
  }

  it('allows more jitter the more gaps it has, never more than asked', () => {
    assert.ok(jitterLimit(9, 0.2) < jitterLimit(16, 0.2));
    assert.equal(jitterLimit(RING, 0.2), 0.2);
    assert.equal(jitterLimit(64, 0.2), 0.2);
  });
});

describe('beacon: bounds', () => {
  const contact = (signals: Signals, at: number, name: string, i: number) =>
    signals.dispatch(
      observe(
        'tls',
        START + at * SECOND,
        { orig_h: '10.0.0.1', resp_h: '198.51.100.1', resp_p: 443, server_name: name },
        i,
      ),
    );
  const counts = (signals: Signals, table: string) => signals.counts().find((c) => c.table === table);

  for (const names of [7, 8, 9]) {
    it(`${names} names seen once with room for 8: the oldest is forgotten, and counted`, () => {
      const signals = new Signals(new PlainMemory(0), new PlainSection(), { beacon: { young_max: 8 } });
      for (let i = 0; i < names; i++) contact(signals, i * 10, `n${i}.example`, i);
      assert.equal(counts(signals, 'beacon/young')?.keys, Math.min(names, 8));
      assert.equal(counts(signals, 'beacon/young')?.evicted, Math.max(0, names - 8));
    });
  }

  it('a crawl through many names does not flush a pair that is known to come back', () => {
    const signals = new Signals(new PlainMemory(0), new PlainSection(), { beacon: { young_max: 8 } });
    let i = 0;
    const out = [];
    for (let beat = 0; beat < 12; beat++) {
      out.push(...contact(signals, beat * 600, 'c2.example', i++));
      if (beat >= 3) for (let n = 0; n < 50; n++) contact(signals, beat * 600 + 1 + n * 3, `crawl${i}.example`, i++);
    }
    assert.deepEqual(
      out.filter((s) => s.name === 'beacon').map((s) => [s.phase, s.dst_name]),
      [['opened', 'c2.example']],
    );
  });

  it('an episode that has to make room is closed aloud', () => {
    const signals = new Signals(new PlainMemory(0), new PlainSection(), { beacon: { pairs_max: 1 } });
    const phases: string[] = [];
    for (let i = 0; i < 12; i++) {
      phases.push(...contact(signals, i * 600, 'a.example', i).flatMap((s) => (s.name === 'beacon' ? s.phase : [])));
    }
    for (let i = 0; i < 4; i++) {
      const said = contact(signals, 8000 + i * 600, 'b.example', 100 + i).filter((s) => s.name === 'beacon');
      phases.push(...said.map((s) => `${s.phase} ${s.dst_name} ${s.explanation.includes('forgotten')}`));
    }
    assert.deepEqual(phases, ['opened', 'closed a.example true']);
  });
});
