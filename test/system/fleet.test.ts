// A collector whose chain's steps are seen by two sensors, killed with SIGKILL at any moment between their frames: one
// alert in the store, exactly once, under the collector's own name.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '../../src/capture/addon.ts';
import { Wal } from '../../src/collector/wal.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { encodeBatch } from '../../src/schema/encode.ts';
import { SCHEMA } from '../../src/schema/fingerprint.ts';
import type { SignalEvent } from '../../src/schema/gen/events.gen.ts';
import { FIELDS, KIND_IDS } from '../../src/schema/gen/structures.gen.ts';
import { connect, type StoreAccess } from '../../src/store/access.ts';
import { FLEET } from '../../src/wire/agreed.ts';
import { randomRow } from '../random.ts';
import { needStore } from '../skip.ts';

const KILLS = Number(process.env.KILLS ?? 5);
const SEED = Number(process.env.SEED ?? 1);
const LATEST_MS = 4000;
const HOUR = 3600e6;
const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const pause = (ms: number): Promise<void> => new Promise((done) => systemClock.after(ms, done));

const CHAIN = `chain: two-sites
title: A rare name from one site, a beacon from the other
runs: collector
by: [who]
window: 10d
steps:
  - { id: rare, signal: rare_domain, bind: { who: signal.src_host } }
  - { id: beacon, signal: beacon, after: 1h, bind: { who: signal.src_host } }
`;

function signal(name: string, seen: number, who: string): SignalEvent {
  const empty = FIELDS.signal.map((f): [string, unknown] => [
    f.name,
    f.list ? [] : f.optional ? null : f.type === 'bool' ? false : f.type === 'text' ? '' : 0,
  ]);
  const said = { name, id: `${name}-${seen}`, score: 0.9, phase: 'once', src_host: who, first: seen, last: seen };
  return { ...Object.fromEntries(empty), ts: seen, seen, known_at: seen, ...said } as never;
}

describe('the fleet, killed', function () {
  this.timeout(240_000 + KILLS * 15_000);
  let folder = '';
  let child: ChildProcess | undefined;
  let output = '';
  before(function () {
    needStore(this);
    folder = mkdtempSync(join(tmpdir(), 'catenary-fleet-'));
  });
  after(async () => {
    await kill();
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  const start = (): void => {
    child = spawn(process.execPath, [CLI, 'collector', '--config', join(folder, 'catenary.yaml')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr?.on('data', (text) => {
      output = `${output}${text}`.slice(-20_000);
    });
  };
  function kill(): Promise<void> {
    const dying = child;
    if (dying === undefined || dying.exitCode !== null || dying.signalCode !== null) return Promise.resolve();
    return new Promise((done) => {
      dying.once('exit', () => done());
      dying.kill('SIGKILL');
    });
  }
  async function asked(query: string): Promise<string | undefined> {
    const file = join(folder, 'collector/store/access.json');
    if (!existsSync(file)) return undefined;
    const access = JSON.parse(readFileSync(file, 'utf8')) as StoreAccess;
    const client = connect(access, access.writer);
    try {
      return (await (await client.query({ query, format: 'TabSeparated' })).text()).trimEnd();
    } catch (error) {
      output += `${(error as Error).message}\n`;
      // It starts, or is gone.
      return undefined;
    } finally {
      await client.close();
    }
  }
  const until = async (query: string, answer: string): Promise<void> => {
    let last: string | undefined;
    for (let i = 0; i < 300; i++) {
      last = await asked(query);
      if (last === answer) return;
      await pause(200);
    }
    assert.fail(`${query}: ${last}\n${output}`);
  };

  it(`one alert of two sensors, once: ${2 * KILLS} kills, seed ${SEED}`, async () => {
    const addon = loadAddon();
    assert.ok(addon.ok);
    const { crc32c } = addon.value;
    writeFileSync(join(folder, 'two-sites.yaml'), CHAIN);
    writeFileSync(
      join(folder, 'catenary.yaml'),
      [
        'memory: { budget_mb: 16 }',
        'collector: { dir: collector, listen: "127.0.0.1:0", console: "127.0.0.1:0" }',
        'chains: { dirs: [two-sites.yaml] }',
      ].join('\n'),
    );
    const random = randomRow(SEED);
    const T0 = systemClock.wall() - 200 * HOUR;
    const seqs = new Map<string, number>();
    /** Into the log of a collector that does not run, as its listener would. */
    const append = async (frames: readonly (readonly [sensor: string, event: SignalEvent])[]): Promise<void> => {
      const log = await Wal.open({ dir: join(folder, 'collector/log'), crc32c, clock: systemClock, groupMs: 1 });
      assert.ok(log.ok, log.ok ? '' : log.fault.message);
      for (const [sensor, event] of frames) {
        const seq = (seqs.get(sensor) ?? 0) + 1;
        seqs.set(sensor, seq);
        const bytes = encodeBatch('signal', [event]);
        const head = { epoch: 1, seq, kind: KIND_IDS.signal, schema: SCHEMA, count: 1, crc: crc32c(bytes) };
        const frame = { ...head, firstSeen: event.seen, lastSeen: event.seen, bytes };
        assert.ok((await log.value.append(sensor, { frame, after: seq - 1, live: false })).ok);
      }
      await log.value.close();
    };

    // Each life a little of two sensors' histories, south's behind north's: the first step is north's, the second
    // south's.
    await append([
      ['north', signal('port_scan', T0, 'mac:other')],
      ['south', signal('port_scan', T0, 'mac:other')],
    ]);
    for (let life = 0; life < KILLS; life++) {
      const at = T0 + (life + 1) * 2 * HOUR;
      const step = life === 0 ? 'rare_domain' : 'port_scan';
      await append([
        ['north', signal(step, at, 'mac:x')],
        ['south', signal('port_scan', at - HOUR, 'mac:x')],
      ]);
      start();
      await pause(200 + random() * LATEST_MS);
      await kill();
    }
    const end = T0 + (KILLS + 2) * 2 * HOUR;
    await append([
      ['south', signal('beacon', end, 'mac:x')],
      ['south', signal('beacon', end, 'mac:y')],
      ['south', signal('port_scan', end + HOUR, 'mac:z')],
      ['north', signal('port_scan', end + HOUR, 'mac:z')],
    ]);
    for (let life = 0; life < KILLS; life++) {
      start();
      await pause(200 + random() * LATEST_MS);
      await kill();
    }
    start();
    const alerts = `SELECT toString(sensor), frame_epoch, frame_seq, chain, key, arrayStringConcat(step_refs, ' ') FROM catenary.alert`;
    const one = `${FLEET}\t1\t1\ttwo-sites\twho=mac:x\tnorth/1/2/0 south/1/${KILLS + 2}/0`;
    await until(alerts, one);
    // Nothing is on its way any more, and the next life says nothing again.
    const signals = 'SELECT count() FROM catenary.signal';
    const all = String(2 + KILLS * 2 + 4);
    await until(signals, all);
    await kill();
    start();
    await until(signals, all);
    await pause(2000);
    await until(alerts, one);
  });
});
