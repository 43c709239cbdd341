import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildWorld } from '../test/founding/world.ts';
import { canonical } from './alerts/alert.ts';
import { loadAddon } from './capture/addon.ts';
import { openReader } from './capture/index.ts';
import { type Config, loadConfig } from './config/config.ts';
import { Live, type LiveFrame, numberOf, positionOf } from './live.ts';
import { decodeBatch } from './schema/decode.ts';
import type { AlertEvent, KindName } from './schema/gen/events.gen.ts';
import { contentHash } from './schema/order.ts';
import { openStages } from './stages.ts';

/** Reproducible: a failing run names its crash points. */
function randomRow(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What stands in the log after a run, whoever wrote it and how often. */
interface Said {
  readonly alerts: Map<string, string>;
  readonly signals: Set<string>;
  /** Conclusions behind each frame, as they stand in the log. */
  readonly log: { readonly after: number; readonly kind: KindName; readonly bytes: Uint8Array }[];
  twice: number;
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
    frames = [];
    for await (const drain of opened.value.drains()) {
      assert.ok(drain.ok);
      for (const { kind, bytes } of drain.value.batches)
        frames.push({ epoch: 1, seq: frames.length + 1, kind, bytes: bytes.slice() });
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
    const calm: Said = { alerts: new Map(), signals: new Set(), log: [], twice: 0 };
    assert.ok(life(configFor('calm'), calm, 1000, () => false));
    assert.ok(calm.alerts.size >= 1, 'the story is told');
    assert.equal(new Set([...calm.alerts.keys()].map((k) => k.slice(0, 16))).size, 1, 'once');

    const random = randomRow(7);
    const torn: Said = { alerts: new Map(), signals: new Set(), log: [], twice: 0 };
    const config = configFor('torn');
    let deaths = 0;
    const points: number[] = [];
    // Commits are rarer than deaths can be, so that some lives do not get as far as one.
    const step = Math.max(1, Math.floor(frames.length / 150));
    const dies = (frame: number): boolean => {
      if (deaths >= 200 || random() > 1.3 / step) return false;
      deaths++;
      points.push(frame);
      return true;
    };
    for (let lives = 0; !life(config, torn, step, dies); lives++) assert.ok(lives < 1000, 'no life gets further');
    assert.ok(deaths >= 200, `${deaths} deaths`);
    assert.deepEqual([...torn.alerts].sort(), [...calm.alerts].sort(), `died at ${points}`);
    assert.deepEqual([...torn.signals].sort(), [...calm.signals].sort());
    assert.equal(torn.twice, 0, 'nothing is said twice');
  });
});
