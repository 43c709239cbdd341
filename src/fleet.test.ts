import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { randomRow } from '../test/random.ts';
import { toAlert } from './alerts/alert.ts';
import { loadAddon } from './capture/addon.ts';
import { Chains } from './chains/engine.ts';
import { readChain } from './chains/language.ts';
import type { Rule } from './chains/rule.ts';
import { MapSection, NaiveMemory } from './chains/world.test.ts';
import { Wal, type WalFrame } from './collector/wal.ts';
import { FLEET_LATENESS, Fleet, type Said, SILENCE_MS } from './fleet.ts';
import { type Clock, systemClock } from './lib/clock.ts';
import { failure, type Result, success } from './lib/fault.ts';
import { decodeBatch } from './schema/decode.ts';
import { encodeBatch } from './schema/encode.ts';
import { SCHEMA } from './schema/fingerprint.ts';
import type { AlertEvent, CatenaryEvent, KindName } from './schema/gen/events.gen.ts';
import { FIELDS, KIND_IDS } from './schema/gen/structures.gen.ts';
import { contentHash } from './schema/order.ts';
import { FLEET } from './wire/agreed.ts';

const T0 = 1_700_000_000e6;
const MINUTE = 60e6;
const HOUR = 60 * MINUTE;
/** Later than all packet time here: nothing is from the future. */
const NOW = T0 + 1000 * HOUR;

const WALK = `
chain: walk
title: Looked for at one site, guessed at another, and a name on a list is called
runs: collector
severity: high
by: [who]
window: 40h
start: each(3)
steps:
  - { id: scan, signal: scan, bind: { who: signal.src_host } }
  - { id: guess, signal: guess, after: 1s, where: signal.score >= 0.5, bind: { who: signal.src_host } }
  - { id: call, intel: any, bind: { who: intel.host } }
`;

function rule(text: string, chains?: ReadonlyMap<string, Rule>): Rule {
  const { rule: made, faults } = readChain('test.yaml', text, chains === undefined ? {} : { chains });
  assert.deepEqual(faults, []);
  return made as Rule;
}

interface Record {
  readonly kind: KindName;
  readonly event: CatenaryEvent;
}
/** A whole record that says nothing but this. */
function record(kind: KindName, seen: number, more: object): Record {
  const empty = FIELDS[kind].map((f): [string, unknown] => [
    f.name,
    f.list ? [] : f.optional ? null : f.type === 'bool' ? false : f.type === 'text' ? '' : 0,
  ]);
  return { kind, event: { ...Object.fromEntries(empty), ts: seen, seen, ...more } as never };
}
const signal = (name: string, seen: number, who: string, more: object = {}): Record =>
  record('signal', seen, { name, score: 0.9, phase: 'once', src_host: who, ...more });
const sighting = (seen: number, who: string): Record =>
  record('sighting', seen, { indicator_type: 'domain', host: who });

/** What one sensor sends, numbered. */
class Sender {
  private seq = 0;
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
  frame(kind: KindName, events: readonly CatenaryEvent[], lastSeen: number, live = false): WalFrame {
    const bytes = events.length === 0 ? new Uint8Array() : encodeBatch(kind, events as never);
    const seq = ++this.seq;
    const head = { sensor: this.name, epoch: 1, seq, after: seq - 1, live, kind: KIND_IDS[kind], schema: SCHEMA };
    return { ...head, count: events.length, firstSeen: lastSeen, lastSeen, crc: 0, bytes };
  }
  says({ kind, event }: Record, live = false): WalFrame {
    return this.frame(kind, [event], event.seen, live);
  }
  /** Something that no chain asks for: it has seen all until then. */
  alive(until: number): WalFrame {
    return this.frame('conn', [], until);
  }
}

describe('fleet: chains of several sensors', function () {
  this.timeout(120_000);
  let dir = '';
  let now = 0;
  const clock: Clock = { ...systemClock, wall: () => NOW, monotonic: () => now };
  beforeEach(() => {
    now = 0;
    dir = mkdtempSync(join(tmpdir(), 'catenary-fleet-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  /** The collector's log of conclusions: it outlives the fleet. */
  class Out {
    readonly said: Said[] = [];
    epoch = 0;
    /** So many writes until it refuses. */
    left = Number.POSITIVE_INFINITY;
    forward = async (epoch: number, n: number, said: Said): Promise<Result<unknown>> => {
      if (this.left-- <= 0) return failure('state_unusable', 'no space', '');
      this.epoch = epoch;
      this.said.push(said);
      assert.equal(n, this.said.length, 'numbered without a hole, none twice');
      return success(undefined);
    };
    get alerts(): AlertEvent[] {
      return this.said.flatMap((s) => (s.kind === 'alert' ? [s.event] : []));
    }
  }
  function open(rules: readonly Rule[], out: Out, more: { waitingMax?: number; dir?: string } = {}): Fleet {
    const addon = loadAddon();
    assert.ok(addon.ok);
    const opened = Fleet.open({
      ...{ dir: join(dir, 'fleet'), rules, clock, Native: addon.value.Memory, memoryBytes: 8 << 20 },
      ...{ latest: () => out.epoch, forwarded: () => out.said.length, forward: out.forward, ...more },
    });
    assert.ok(opened.ok, opened.ok ? '' : opened.fault.message);
    return opened.value;
  }
  const gives = async (fleet: Fleet, ...frames: WalFrame[]): Promise<void> => {
    const came = await fleet.came(frames);
    assert.ok(came.ok, came.ok ? '' : came.fault.message);
  };

  it('steps that only two sensors together have seen are one alert that names both', async () => {
    const out = new Out();
    const fleet = open([rule(WALK)], out);
    const [a, b] = [new Sender('north'), new Sender('south')];
    await gives(fleet, a.alive(T0), b.alive(T0));
    await gives(fleet, b.says(signal('guess', T0 + 2 * HOUR, 'mac:x')), a.says(signal('scan', T0 + HOUR, 'mac:x')));
    await gives(fleet, a.says(sighting(T0 + 3 * HOUR, 'mac:x')), a.says(sighting(T0 + 3 * HOUR, 'mac:y')));
    assert.equal(out.said.length, 0, 'south may still say something older');
    await gives(fleet, b.alive(T0 + 4 * HOUR), a.alive(T0 + 4 * HOUR));
    const [alert, ...rest] = out.alerts;
    assert.equal(rest.length, 0);
    assert.deepEqual(alert?.step_refs, ['north/1/2/0', 'south/1/2/0', 'north/1/3/0']);
    assert.match(alert?.story ?? '', / Sensors: north, south\.$/);
    assert.deepEqual([alert?.key, alert?.scope, alert?.hosts], ['who=mac:x', 'fleet', ['mac:x']]);
    assert.deepEqual([fleet.late, fleet.early, fleet.refused], [0, 0, 0]);
    fleet.close();
  });

  it('in the log of the collector each conclusion is one frame, over any death between commit and log', async () => {
    const addon = loadAddon();
    assert.ok(addon.ok);
    const { crc32c, Memory } = addon.value;
    const logAt = async (): Promise<Wal> => {
      const opened = await Wal.open({ dir: join(dir, 'log'), crc32c, clock: systemClock, groupMs: 1 });
      assert.ok(opened.ok);
      return opened.value;
    };
    const [a, b] = [new Sender('north'), new Sender('south')];
    let log = await logAt();
    for (const frame of [
      ...[a.alive(T0), b.alive(T0), a.says(signal('scan', T0 + HOUR, 'mac:x'))],
      ...[b.says(signal('guess', T0 + 2 * HOUR, 'mac:x')), a.says(sighting(T0 + 3 * HOUR, 'mac:x'))],
      ...[a.alive(T0 + 5 * HOUR), b.alive(T0 + 5 * HOUR)],
    ]) {
      const { sensor, after, live, ...rest } = frame;
      assert.ok((await log.append(sensor, { frame: { ...rest, crc: crc32c(rest.bytes) }, after, live })).ok);
    }
    // The same block each time: no life gets as far as to let go of it.
    for (let life = 0; life < 4; life++) {
      const wal = log;
      const fleet = Fleet.open({
        ...{ dir: join(dir, 'fleet'), rules: [rule(WALK)], clock, Native: Memory, memoryBytes: 8 << 20 },
        latest: () => wal.marks.latest(FLEET),
        forwarded: (epoch) => wal.marks.mark(FLEET, epoch),
        forward: async (epoch, n, said) => {
          if (life === 0) return failure('state_unusable', 'no space', '');
          const bytes = encodeBatch(said.kind, [said.event] as never);
          const head = { epoch, seq: n, kind: KIND_IDS[said.kind], schema: SCHEMA, count: 1, crc: crc32c(bytes) };
          return wal.append(FLEET, {
            frame: { ...head, firstSeen: NOW, lastSeen: NOW, bytes },
            ...{ after: n - 1, live: false },
          });
        },
      });
      assert.ok(fleet.ok);
      const block = await wal.next(7, 1e6);
      assert.ok(block.ok && block.value !== undefined);
      assert.equal((await fleet.value.came(block.value.frames)).ok, life > 0);
      fleet.value.close();
      if (life === 3) await wal.done(block.value);
      await log.close();
      log = await logAt();
    }
    const rest = await log.next(100, 1e6);
    assert.ok(rest.ok);
    const frames = rest.value?.frames ?? [];
    assert.deepEqual(
      frames.map((f) => `${f.sensor}/${f.epoch}/${f.seq} ${decodeBatch('alert', f.bytes)[0]?.chain}`),
      [`${FLEET}/1/1 walk`],
    );
    await log.close();
  });

  it('any interleaving of sensors, any cut into blocks, any death: the alerts of one engine that has seen all', async () => {
    const made = rule(WALK);
    let alerts = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const random = randomRow(seed);
        const below = (n: number): number => Math.floor(random() * n);
        const senders = ['north', 'south', 'west'].map((name) => new Sender(name));
        const queues: WalFrame[][] = senders.map((s) => [s.alive(T0)]);
        const all: (Record & { readonly ref: string })[] = [];
        let at = T0 + HOUR;
        for (let i = 0; i < 40; i++) {
          at += below(3) * HOUR;
          const who = `mac:${below(2)}`;
          const what = [signal('scan', at, who), signal('guess', at, who, { score: below(2) }), sighting(at, who)][
            below(3)
          ] as Record;
          const s = below(senders.length);
          const frame = (senders[s] as Sender).says(what);
          (queues[s] as WalFrame[]).push(frame);
          all.push({ ...what, ref: `${frame.sensor}/1/${frame.seq}/0` });
        }
        for (const [s, queue] of queues.entries()) queue.push((senders[s] as Sender).alive(at + 100 * HOUR));

        const oracle = new Chains([made], new NaiveMemory(), new MapSection());
        const hashed = all.map((r) => ({ ...r, hash: contentHash(r.kind, r.event) }));
        hashed.sort(
          (x, y) =>
            x.event.seen - y.event.seen ||
            KIND_IDS[x.kind] - KIND_IDS[y.kind] ||
            Buffer.compare(Buffer.from(x.hash + x.ref), Buffer.from(y.hash + y.ref)),
        );
        const expected = hashed.flatMap((r) => {
          const obs = { ...r, event: r.event as never, seen: r.event.seen, hosts: {} };
          return [...oracle.advance(obs.seen), ...oracle.feed(obs)].map(toAlert);
        });

        const out = new Out();
        const place = mkdtempSync(join(dir, 'run-'));
        let fleet = open([made], out, { dir: place });
        await gives(fleet, ...queues.map((q) => q.shift() as WalFrame));
        let block: WalFrame[] = [];
        for (let left = queues.filter((q) => q.length > 0); left.length > 0; left = left.filter((q) => q.length > 0)) {
          block.push((left[below(left.length)] as WalFrame[]).shift() as WalFrame);
          if (below(4) > 0 && left.some((q) => q.length > 0)) continue;
          out.left = below(3) === 0 ? below(2) : Number.POSITIVE_INFINITY;
          const came = await fleet.came(block);
          out.left = Number.POSITIVE_INFINITY;
          // Killed before the log has let go of the block, or asked again after a refusal: the block comes once more.
          if (!came.ok || below(3) === 0) {
            if (below(2) === 0) {
              fleet.close();
              fleet = open([made], out, { dir: place });
            }
            await gives(fleet, ...block);
          }
          block = [];
        }
        assert.deepEqual([fleet.late, fleet.early, fleet.refused], [0, 0, 0]);
        fleet.close();
        const brief = (a: AlertEvent): string =>
          `${a.id} ${a.revision} ${a.status} ${a.step_refs} ${a.starts} ${a.flags}`;
        assert.deepEqual(out.alerts.map(brief), expected.map(brief));
        alerts += expected.length;
      }),
      { numRuns: 25 },
    );
    assert.ok(alerts > 25, `${alerts} alerts`);
  });

  it('a sensor that is silent holds the others for ten minutes, and what it says then is late, not lost', async () => {
    const out = new Out();
    let fleet = open([rule(WALK)], out);
    const [a, b] = [new Sender('north'), new Sender('south')];
    await gives(fleet, a.alive(T0), b.alive(T0), b.says(signal('scan', T0 + HOUR, 'mac:x')));
    await gives(fleet, a.says(signal('guess', T0 + 2 * HOUR, 'mac:x')), a.says(sighting(T0 + 3 * HOUR, 'mac:x')));
    now += SILENCE_MS;
    await gives(fleet, a.alive(T0 + 4 * HOUR));
    assert.equal(out.said.length, 0);
    // What is waited for starts anew with the process.
    fleet.close();
    fleet = open([rule(WALK)], out);
    now += SILENCE_MS;
    await gives(fleet, a.alive(T0 + 5 * HOUR));
    assert.equal(out.said.length, 0);
    now += 1;
    assert.ok((await fleet.turn()).ok);
    assert.deepEqual(
      out.alerts.map((x) => x.step_refs),
      [['south/1/2/0', 'north/1/2/0', 'north/1/3/0']],
    );
    // Back again: what is older than what was decided can begin a chain, and completes none.
    await gives(fleet, b.says(signal('scan', T0 + 2 * HOUR, 'mac:y')), b.says(sighting(T0 + 2 * HOUR, 'mac:x')));
    assert.equal(fleet.late, 2);
    assert.match(fleet.news() ?? '', /: 2 records were late, 0 matched early, 0 not taken$/);
    assert.equal(fleet.news(), undefined);
    await gives(fleet, b.says(signal('guess', T0 + 6 * HOUR, 'mac:y')), b.says(sighting(T0 + 7 * HOUR, 'mac:y')));
    await gives(fleet, a.alive(T0 + 9 * HOUR), b.alive(T0 + 9 * HOUR));
    assert.deepEqual(
      out.alerts.map((x) => x.key),
      ['who=mac:x', 'who=mac:y'],
    );
    fleet.close();
  });

  it('what is new goes beside a backlog, which holds it for as long as it comes', async () => {
    const out = new Out();
    const fleet = open([rule(WALK)], out);
    const [a, ahead] = [new Sender('north'), new Sender('north')];
    await gives(fleet, a.alive(T0));
    for (let i = 0; i < 9; i++) ahead.alive(T0);
    await gives(
      fleet,
      ahead.says(sighting(T0 + 5 * HOUR, 'mac:x'), true),
      ahead.frame('conn', [], T0 + 9 * HOUR, true),
    );
    assert.equal(fleet.chains.partials, 0);
    await gives(fleet, a.says(signal('scan', T0 + HOUR, 'mac:x')), a.says(signal('guess', T0 + 2 * HOUR, 'mac:x')));
    now += SILENCE_MS + 1;
    await gives(fleet, ahead.frame('conn', [], T0 + 10 * HOUR, true));
    assert.deepEqual([out.alerts.length, fleet.late], [1, 0]);
    fleet.close();
  });

  it('an absence is said to be unsure, and is decided by the watermark', async () => {
    const text = `
chain: quiet
runs: collector
window: 20h
by: [who]
steps:
  - { id: scan, signal: scan, bind: { who: signal.src_host } }
  - { id: no, signal: cleared, absent: true, for: 2h, bind: { who: signal.src_host } }
`;
    const out = new Out();
    const fleet = open([rule(text)], out);
    const [a, b] = [new Sender('north'), new Sender('south')];
    await gives(fleet, a.says(signal('scan', T0, 'mac:x')), a.says(signal('scan', T0, 'mac:y')), b.alive(T0));
    await gives(fleet, b.says(signal('cleared', T0 + HOUR, 'mac:y')), b.alive(T0 + 3 * HOUR));
    await gives(fleet, a.alive(T0 + 2 * HOUR + FLEET_LATENESS));
    assert.equal(out.said.length, 0);
    await gives(fleet, a.alive(T0 + 2 * HOUR + FLEET_LATENESS + 1));
    assert.deepEqual(
      out.alerts.map((x) => [x.key, x.flags]),
      [['who=mac:x', ['blind']]],
    );
    fleet.close();
  });

  it('a chain that sensors have finished is a step, once, whatever they say of it later', async () => {
    const below = rule(`
chain: below
by: [victim]
window: 1d
steps: [{ id: one, signal: scan, bind: { victim: signal.src_host } }]
`);
    const above = rule(
      `
chain: above
runs: collector
by: [victim]
window: 2d
start: each(2)
steps:
  - { id: first, chain: below, where: 'chain.severity == "high"', bind: { victim: chain.victim } }
  - { id: second, chain: below, after: 1h, bind: { victim: chain.victim } }
`,
      new Map([['below', below]]),
    );
    const finished = (seen: number, n: number, revision = 1): Record =>
      record('alert', seen, {
        ...{ id: `${n}`, revision, status: 'issued', chain: 'below', severity: 'high' },
        ...{ entities: ['victim=host:mac:00=1'], first: seen, last: seen },
      });
    const out = new Out();
    const fleet = open([above], out);
    const [a, b] = [new Sender('north'), new Sender('south')];
    await gives(fleet, a.alive(T0), b.alive(T0), a.says(finished(T0 + HOUR, 1)));
    await gives(fleet, b.says(finished(T0 + 3 * HOUR, 2)), a.says(finished(T0 + 4 * HOUR, 1, 2)));
    await gives(fleet, a.alive(T0 + 9 * HOUR), b.alive(T0 + 9 * HOUR));
    assert.deepEqual(
      out.alerts.map((x) => [x.key, x.step_refs]),
      [['victim=mac:00=1', ['north/1/2/0', 'south/1/2/0']]],
    );
    fleet.close();
  });

  it('memory knows what hosts of all sensors had to do with, as of the time of the record', async () => {
    const text = `
chain: rare
runs: collector
window: 1d
by: [who]
on_young: match
steps:
  - { id: b, signal: beacon, where: 'prevalence(signal.dst_name, "30d") <= 1', bind: { who: signal.src_host } }
`;
    const beacon = (at: number, who: string, name: string): Record => signal('beacon', at, who, { dst_name: name });
    const out = new Out();
    let fleet = open([rule(text)], out);
    const [a, b] = [new Sender('north'), new Sender('south')];
    await gives(fleet, a.alive(T0), b.alive(T0), a.says(beacon(T0 + HOUR, 'mac:x', 'c2.example')));
    await gives(fleet, a.alive(T0 + 2 * HOUR), b.alive(T0 + 2 * HOUR));
    fleet.close();
    fleet = open([rule(text)], out);
    await gives(fleet, b.says(beacon(T0 + 3 * HOUR, 'mac:y', 'c2.example')));
    await gives(fleet, b.says(beacon(T0 + 3 * HOUR, 'mac:z', 'other.example')));
    await gives(fleet, a.alive(T0 + 9 * HOUR), b.alive(T0 + 9 * HOUR));
    assert.deepEqual(
      out.alerts.map((x) => x.key),
      ['who=mac:x', 'who=mac:z'],
    );
    fleet.close();
  });

  it('what waits is bounded: one sensor crowds out nobody, and the oldest go before their time; all is counted', async () => {
    for (const [records, refused, early] of [
      [3, 0, 0],
      [4, 0, 0],
      [5, 5, 4],
    ] as const) {
      const fleet = open([rule(WALK)], new Out(), { waitingMax: 16, dir: mkdtempSync(join(dir, 'run-')) });
      const senders = Array.from({ length: 5 }, (_, i) => new Sender(`s${i}`));
      await gives(fleet, ...senders.map((s) => s.alive(T0)));
      const few = records < 5 ? senders.slice(0, 4) : senders;
      const frames = few.flatMap((s) =>
        Array.from({ length: records }, (_, i) => s.says(signal('scan', T0 + i * MINUTE, `mac:${i}`))),
      );
      await gives(fleet, ...frames);
      assert.deepEqual([fleet.refused, fleet.early], [refused, early]);
      fleet.close();
    }
    const fleet = open([rule(WALK)], new Out());
    await gives(fleet, new Sender('liar').says(signal('scan', NOW + 24 * HOUR, 'mac:x')));
    assert.equal(fleet.refused, 1);
    fleet.close();
  });

  it('a block of megabytes leaves others their turn', async () => {
    const fleet = open([rule(WALK)], new Out());
    const north = new Sender('north');
    const events = Array.from(
      { length: 500 },
      (_, i) => signal('scan', T0 + i, 'mac:x', { key: 'k'.repeat(500) }).event,
    );
    const frames = Array.from({ length: 10 }, () => north.frame('signal', events, T0 + MINUTE));
    assert.ok(frames.reduce((sum, f) => sum + f.bytes.length, 0) > 2 << 20);
    let turns = 0;
    const alarm = systemClock.after(0, () => turns++);
    await gives(fleet, ...frames);
    alarm.cancel();
    assert.equal(turns, 1);
    fleet.close();
  });

  it('a chain of the collector takes what sensors conclude, keeps nothing there, and runs nowhere else', () => {
    const text = (more: string, step = 'signal: scan, bind: { who: signal.src_host }'): string =>
      `chain: c\nwindow: 1d\nby: [who]\n${more}\nsteps: [{ id: s, ${step} }]\n`;
    const faults = (t: string, chains?: ReadonlyMap<string, Rule>): string[] =>
      readChain('c.yaml', t, chains === undefined ? {} : { chains }).faults.map((f) => f.message);
    assert.deepEqual(faults(text('runs: collector')), []);
    assert.equal(readChain('c.yaml', text('')).rule?.runs, 'sensor');
    assert.deepEqual(faults(text('runs: collector\nscope: sensor')), ['a chain of one sensor runs there']);
    assert.deepEqual(faults(text('runs: collector', 'event: tls, bind: { who: tls.orig_host }')), [
      "the collector's chains do not take tls",
    ]);
    assert.deepEqual(
      faults(text('runs: collector', 'signal: scan, keep: { packets: flow }, bind: { who: signal.src_host }')),
      ['nothing is kept from the collector'],
    );
    const above = 'chain: d, bind: { who: chain.who }';
    const d = (more: string) => new Map([['d', rule(text(more).replace('chain: c', 'chain: d'))]]);
    assert.deepEqual(faults(text('', above), d('runs: collector')), ['that chain has its end at the collector']);
    assert.deepEqual(faults(text('runs: collector', above), d('emit: signal')), [
      'of a chain that emits a signal sensors send that',
    ]);
    assert.deepEqual(faults(text('runs: collector', above), d('runs: collector\nemit: signal')), []);
    assert.deepEqual(faults(text('runs: collector', above), d('')), []);
  });
});
