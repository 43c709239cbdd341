// A real server in a folder of its own, and real events: what the decoder makes of the protocols' captures.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadAddon } from '../../src/capture/addon.ts';
import { openReader } from '../../src/capture/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { KIND_IDS } from '../../src/schema/gen/structures.gen.ts';
import type { NativeTransposition } from '../../src/schema/transposition.ts';
import { connect, type StoreAccess } from '../../src/store/access.ts';
import { Launcher, type LauncherOptions } from '../../src/store/launcher.ts';
import type { Frame } from '../../src/store/load.ts';
import { migrate } from '../../src/store/migrate.ts';
import { needStore } from '../skip.ts';

export const SCHEMA = 1;

export interface World {
  readonly launcher: Launcher;
  readonly access: StoreAccess;
  readonly native: NativeTransposition;
  /** One value, or the rows, of a query by the writer. */
  one(query: string): Promise<string>;
  stop(): Promise<void>;
}

export const pause = (ms: number): Promise<void> => new Promise((done) => systemClock.after(ms, done));

/** Skips the suite, with the reason, where the optional package is not installed. */
export async function openWorld(suite: Mocha.Context, options: Partial<LauncherOptions> = {}): Promise<World> {
  needStore(suite);
  const addon = loadAddon();
  assert.ok(addon.ok, 'run make build');
  const root = mkdtempSync(path.join(tmpdir(), 'catenary-store-'));
  const started = await Launcher.start({
    ...{ dir: path.join(root, 'store'), clock: systemClock, memoryMb: 1024, pauseMsMax: 50 },
    ...options,
  });
  assert.ok(started.ok, started.ok ? '' : started.fault.message);
  const launcher = started.value;
  const access = launcher.access;
  const migrated = await migrate(access);
  // A suite whose before() fails has no world to stop.
  if (!migrated.ok) await launcher.stop();
  assert.ok(migrated.ok, migrated.ok ? '' : migrated.fault.message);
  return {
    ...{ launcher, access, native: addon.value },
    async one(query) {
      const client = connect(access, access.writer);
      try {
        return (await (await client.query({ query, format: 'TabSeparated' })).text()).trimEnd();
      } finally {
        await client.close();
      }
    },
    async stop() {
      await launcher.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

const PROTOCOLS = path.join(import.meta.dirname, '../../native/protocols');

/** All captures of all protocols. */
export const captures = (): string[] =>
  readdirSync(PROTOCOLS, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.pcap'))
    .sort()
    .map((name) => path.join(PROTOCOLS, name));

/** Each capture as one drain or more of frames, numbered on from 1. */
export async function decoded(sensor: string, epoch: number, files: readonly string[] = captures()): Promise<Frame[]> {
  const frames: Frame[] = [];
  for (const file of files) {
    const reader = openReader({ files: [file] });
    assert.ok(reader.ok);
    for await (const drain of reader.value.drains()) {
      assert.ok(drain.ok);
      for (const { kind, count, bytes } of drain.value.batches)
        frames.push({
          ...{ sensor, epoch, seq: frames.length + 1, schema: SCHEMA, kind: KIND_IDS[kind] },
          count,
          bytes,
        });
    }
  }
  return frames;
}
