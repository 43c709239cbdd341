import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildWorld } from '../test/founding/world.ts';
import { randomRow } from '../test/random.ts';
import { canonical } from './alerts/alert.ts';
import { loadAddon } from './capture/addon.ts';
import { openReader } from './capture/index.ts';
import { type Config, loadConfig } from './config/config.ts';
import { Live, type LiveFrame, numberOf, positionOf } from './live.ts';
import { decodeBatch } from './schema/decode.ts';
import { encodeBatch } from './schema/encode.ts';
import type { AlertEvent, CatenaryEvent, KindName } from './schema/gen/events.gen.ts';
import { KIND_NAMES } from './schema/gen/structures.gen.ts';
import { contentHash } from './schema/order.ts';
import { openStages } from './stages.ts';

const DRAIN_EVENTS = 40;

/** What stands in the log after a run, whoever wrote it and how often. */
interface Said {
  readonly alerts: Map<string, string>;
  readonly signals: Set<string>;
  /** Conclusions behind each frame, as they stand in the log. */
  readonly log: { readonly after: number; readonly kind: KindName; readonly bytes: Uint8Array }[];
  twice: number;
  /** Lives that went on from a state. */
  resumed: number;
}

describe('live detection', function () {
  this.timeout(120_000);
  let folder = '';
  let frames: LiveFrame[] = [];
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'catenary-live-'));
    const capture = join(folder, 'founding.pcap');
    // The story with two moves, on few hosts: the same paths, a fraction of the packets.
    writeFileSync(capture, buildWorld({ hosts: 8, moves: 2 }).pcap);
    const opened = openReader({ files: [capture] });
    assert.ok(opened.ok);
    const events: { readonly kind: KindName; readonly event: CatenaryEvent }[] = [];
    for await (const drain of opened.value.drains()) {
      assert.ok(drain.ok);
      for (const { kind, bytes } of drain.value.batches)
        for (const event of decodeBatch(kind, bytes)) events.push({ kind, event });
    }
    events.sort((a, b) => a.event.seen - b.event.seen);
    // As small as the drains of a quiet network, so that there are many places to die at.
    frames = [];
    for (let i = 0; i < events.length; i += DRAIN_EVENTS) {
      const drain = events.slice(i, i + DRAIN_EVENTS);
      for (const kind of KIND_NAMES) {
        const mine = drain.filter((e) => e.kind === kind).map((e) => e.event);
        if (kind === undefined || mine.length === 0) continue;
        frames.push({ epoch: 1, seq: frames.length + 1, kind, bytes: encodeBatch(kind, mine as never) });
      }
    }
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const configFor = (name: string): Config => {
    const file = join(folder, `${name}.yaml`);
    writeFileSync(file, `state: { dir: ${name} }\nmemory: { budget_mb: 8 }\n`);
    const config = loadConfig(file);
    assert.ok(config.ok);
    return config.value;
  };
  /** One life of a sensor: from where the state stands to where `until` says that it dies, or to the end. */
  const life = (config: Config, said: Said, commitEvery: number, until: (frame: number) => boolean): boolean => {
    const addon = loadAddon();
    assert.ok(addon.ok);
    let live: Live | undefined;
    const stages = openStages(config, addon.value.Memory, {
      onConclusion: (kind, event) => live?.say(kind, event),
      onFinding: (finding) => live?.find(finding),
    });
    assert.ok(stages.ok, stages.ok ? '' : stages.fault.message);
    live = new Live('s1', stages.value);
    const write = (after: number): void => {
      for (const { kind, bytes } of (live as Live).conclusions()) {
        said.log.push({ after, kind, bytes });
        for (const event of decodeBatch(kind, bytes)) {
          const once = `${kind} ${contentHash(kind, event)}`;
          if (said.signals.has(once)) said.twice++;
          said.signals.add(once);
          if (kind !== 'alert') continue;
          const alert = event as AlertEvent;
          said.alerts.set(`${alert.id} ${String(alert.revision).padStart(4, '0')}`, canonical(alert));
        }
      }
    };
    if (live.from !== undefined) said.resumed++;
    const first = live.from === undefined ? 0 : numberOf(live.from) - numberOf({ epoch: 1, seq: 1 });
    for (const { after, kind, bytes } of said.log) if (after >= first) live.stands({ kind, bytes });
    for (let i = first; i < frames.length; i++) {
      live.take(frames[i] as LiveFrame);
      if (until(i)) {
        // Between what is durable in the log and the commit, or before both: as kill -9 would have it.
        if (i % 2 === 0) write(i);
        stages.value.close();
        return false;
      }
      if ((i + 1) % commitEvery !== 0) continue;
      write(i);
      const committed = live.commit();
      assert.ok(committed.ok);
    }
    write(frames.length);
    stages.value.close();
    return true;
  };

  it('positions are numbers that grow with epoch and seq', () => {
    const positions = [
      { epoch: 1, seq: 1 },
      { epoch: 1, seq: 2 ** 32 - 1 },
      { epoch: 2, seq: 1 },
      { epoch: 2 ** 20, seq: 5 },
    ];
    const numbers = positions.map(numberOf);
    assert.deepEqual(numbers.map(positionOf), positions);
    assert.deepEqual(
      numbers,
      [...numbers].sort((a, b) => a - b),
    );
  });

  it('killed at 200 random frames it says what a run that was never killed says', () => {
    const calm: Said = { alerts: new Map(), signals: new Set(), log: [], twice: 0, resumed: 0 };
    assert.ok(life(configFor('calm'), calm, 1000, () => false));
    assert.ok(calm.alerts.size >= 1, 'the story is told');
    assert.equal(new Set([...calm.alerts.keys()].map((k) => k.slice(0, 16))).size, 1, 'once');

    const random = randomRow(7);
    const torn: Said = { alerts: new Map(), signals: new Set(), log: [], twice: 0, resumed: 0 };
    const config = configFor('torn');
    // Everywhere in the story. Commits are rarer than deaths, so that some lives do not get as far as one.
    const points = Array.from({ length: 200 }, (_, i) => Math.floor(((i + random()) / 200) * frames.length));
    let deaths = 0;
    const dies = (frame: number): boolean => {
      if (deaths === points.length || frame < (points[deaths] as number)) return false;
      deaths++;
      return true;
    };
    const step = Math.ceil(frames.length / 150);
    for (let lives = 0; !life(config, torn, step, dies); lives++) assert.ok(lives < 1000, 'no life gets further');
    assert.equal(deaths, 200);
    assert.ok(torn.resumed >= 100, `${torn.resumed} lives went on from a state`);
    assert.deepEqual([...torn.alerts].sort(), [...calm.alerts].sort(), `died at ${points}`);
    assert.deepEqual([...torn.signals].sort(), [...calm.signals].sort());
    assert.equal(torn.twice, 0, 'nothing is said twice');
  });
});
