// The console with everything real behind it: the founding story through decoder and detection into a real store, and
// hostile texts beside it, where traffic would have put them.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAddon } from '../../src/capture/addon.ts';
import { openReader } from '../../src/capture/index.ts';
import { PacketDesk } from '../../src/collector/packet_desk.ts';
import { nothing, Transfer } from '../../src/collector/pulls.ts';
import { loadConfig } from '../../src/config/config.ts';
import type { Desk as WantedDesk } from '../../src/console/desk.ts';
import { Console, type ConsoleAct } from '../../src/console/index.ts';
import type { Queries as Wanted } from '../../src/console/queries.ts';
import type { Desk } from '../../src/desk.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Live } from '../../src/live.ts';
import { decodeBatch } from '../../src/schema/decode.ts';
import { encodeBatch } from '../../src/schema/encode.ts';
import type { AlertEvent, EventOf, KindName } from '../../src/schema/gen/events.gen.ts';
import { FIELDS, KIND_IDS } from '../../src/schema/gen/structures.gen.ts';
import { openStages } from '../../src/stages.ts';
import { type Frame, Loader } from '../../src/store/load.ts';
import { Queries } from '../../src/store/query.ts';
import { buildWorld } from '../founding/world.ts';
import { openWorld, SCHEMA, type World } from '../store/world.ts';
import { deskAt } from './desk.ts';

export const PASSWORD = 'a span hangs between two';

export interface ConsoleWorld {
  readonly console: Console;
  readonly url: string;
  readonly firstCode: string;
  readonly acts: readonly ConsoleAct[];
  /** The founding alert, at its latest revision. */
  readonly alert: AlertEvent;
  /** One that says of itself all that hostile texts can. */
  readonly hostile: AlertEvent;
  readonly desk: Desk;
  /** One more alert of the same sensor, as the collector takes it. */
  comes(alert: AlertEvent): Promise<void>;
  stop(): Promise<void>;
}

const frameOf = <K extends KindName>(sensor: string, seq: number, kind: K, events: EventOf[K][]): Frame => ({
  ...{ sensor, epoch: 1, seq, schema: SCHEMA, kind: KIND_IDS[kind], count: events.length },
  bytes: encodeBatch(kind, events),
});

/** An event with every field empty, but those that are given. */
export function eventWith<K extends KindName>(kind: K, values: Partial<EventOf[K]>): EventOf[K] {
  const empty = Object.fromEntries(
    FIELDS[kind].map((f) => {
      if (f.list) return [f.name, []];
      if (f.optional) return [f.name, null];
      if (f.type === 'bool') return [f.name, false];
      if (f.type === 'ip') return [f.name, '192.0.2.1'];
      if (f.type === 'uid') return [f.name, 'C00000000000'];
      if (f.type === 'mac') return [f.name, '02:00:00:00:00:01'];
      return [f.name, f.type === 'text' ? '' : 0];
    }),
  );
  return { ...empty, ...values } as EventOf[K];
}

/** The story's frames as a sensor's log, and what detection says of them. */
async function story(folder: string): Promise<{ readonly frames: Frame[]; readonly alert: AlertEvent }> {
  const capture = join(folder, 'founding.pcap');
  writeFileSync(capture, buildWorld({ hosts: 8 }).pcap);
  const file = join(folder, 'catenary.yaml');
  writeFileSync(file, 'state: { dir: state }\nmemory: { budget_mb: 8 }\n');
  const [config, addon, opened] = [loadConfig(file), loadAddon(), openReader({ files: [capture] })];
  assert.ok(config.ok && addon.ok && opened.ok);
  let live: Live | undefined;
  const stages = openStages(config.value, addon.value.Memory, {
    onConclusion: (kind, event) => live?.say(kind, event),
    onFinding: (finding) => live?.find(finding),
  });
  assert.ok(stages.ok);
  live = new Live('span-1', stages.value);
  const frames: Frame[] = [];
  const head = (): Pick<Frame, 'sensor' | 'epoch' | 'seq' | 'schema'> => ({
    ...{ sensor: 'span-1', epoch: 1, seq: frames.length + 1, schema: SCHEMA },
  });
  let alert: AlertEvent | undefined;
  for await (const drain of opened.value.drains()) {
    assert.ok(drain.ok);
    for (const { kind, count, bytes } of drain.value.batches) {
      const frame = { ...head(), kind: KIND_IDS[kind], count, bytes: bytes.slice() };
      frames.push(frame);
      live.take({ ...frame, kind });
    }
  }
  live.finish();
  stages.value.detection.finish();
  for (const { kind, count, bytes } of live.conclusions()) {
    frames.push({ ...head(), kind: KIND_IDS[kind], count, bytes });
    if (kind === 'alert') alert = decodeBatch('alert', bytes).at(-1);
  }
  stages.value.close();
  assert.ok(alert !== undefined, 'the story is told');
  return { frames, alert };
}

/** Hostile texts in every place that a stranger fills, and in an alert's own words. */
function planted(
  texts: readonly string[],
  alert: AlertEvent,
): { readonly frames: Frame[]; readonly hostile: AlertEvent } {
  const at = alert.last;
  const flow = (i: number): Partial<EventOf['http']> => ({
    ts: at + i,
    seen: at + i,
    orig_h: '198.51.100.7',
    resp_h: '203.0.113.9',
  });
  const text = (i: number): string => texts[i % texts.length] as string;
  const http = texts.map((t, i) =>
    eventWith('http', { ...flow(i), method: 'GET', host: t, uri: `/${t}`, user_agent: t, status_code: 200 }),
  );
  const dns = texts.map((t, i) =>
    eventWith('dns', {
      ...(flow(i) as Partial<EventOf['dns']>),
      query: t,
      answers: [t, text(i + 1)],
      qtype_name: 'TXT',
    }),
  );
  const file = texts.map((t, i) =>
    eventWith('file', {
      ...(flow(i) as Partial<EventOf['file']>),
      filename: t,
      url: `http://x/${t}`,
      host: t,
      mime_type: t,
    }),
  );
  const identity = texts.map((t, i) =>
    eventWith('identity', {
      ts: at + i,
      seen: at + i,
      host: `mac:${text(0)}`,
      change: 'opened',
      name: t,
      source: 'dhcp',
    }),
  );
  const hostile: AlertEvent = {
    ...alert,
    ...{
      id: `"><img src=x onerror=boom()>'$(id)`.slice(0, 60),
      revision: 1,
      severity: 'critical',
      title: text(1),
      chain: text(2),
    },
    ...{
      story: texts.slice(0, 12).join(' '),
      flags: [text(3), 'blind'],
      names: texts.slice(0, 30),
      users: texts.slice(0, 9),
    },
    entities: [`victim=host:mac:${text(0)}`, `c2=domain:${text(4)}`, text(5)],
    ...{
      hosts: [`mac:${text(0)}`],
      step_stories: alert.step_stories.map((_, i) => `${text(i)}, where ${text(6)} is "${text(7)}"`),
    },
    ...{ step_ids: alert.step_ids.map((_, i) => text(i + 8)), evidence: [text(9), 'a=whole', 'b=partial'] },
  };
  return {
    hostile,
    frames: [
      frameOf('span-2', 1, 'http', http),
      frameOf('span-2', 2, 'dns', dns),
      frameOf('span-2', 3, 'file', file),
      frameOf('span-2', 4, 'identity', identity),
      frameOf('span-2', 5, 'alert', [hostile]),
      frameOf('span-2', 7, 'capture_stats', [
        eventWith('capture_stats', {
          ts: at,
          seen: at,
          interface: text(1),
          packets: 1e9,
          kernel_dropped: 1234,
          gap_bytes: 5e6,
        }),
      ]),
    ],
  };
}

/** Skips the suite where there is no store. */
export async function openConsole(
  suite: Mocha.Context,
  texts: readonly string[],
  shown: (q: Wanted) => Wanted = (q) => q,
): Promise<ConsoleWorld> {
  const store = await openWorld(suite);
  try {
    return await openOn(store, texts, shown);
  } catch (error) {
    await store.stop();
    throw error;
  }
}

async function openOn(store: World, texts: readonly string[], shown: (q: Wanted) => Wanted): Promise<ConsoleWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'catenary-console-'));
  const { frames, alert } = await story(folder);
  const { frames: more, hostile } = planted(texts, alert);
  const loader = new Loader({ ...store, clock: systemClock, schemas: new Set([SCHEMA]) });
  for (let i = 0; i < frames.length; i += 1000) assert.ok((await loader.load(frames.slice(i, i + 1000))).ok);
  const loaded = await loader.load(more);
  assert.ok(loaded.ok && loaded.value.refused.length === 0, JSON.stringify(loaded));
  const queries = new Queries(store.access);
  const desk = deskAt(folder, queries, loader);
  const acts: ConsoleAct[] = [];
  let firstCode = '';
  // Packets of every sensor, the same three.
  const packets = new PacketDesk({
    ...{ dir: join(folder, 'fetched'), clock: systemClock, audit: () => undefined },
    newId: () => randomBytes(16).toString('hex'),
    pull: (_sensor, wanted) => {
      const transfer = new Transfer(1, wanted.bytes, () => undefined);
      const bytes = Buffer.from('packets');
      transfer.take({ id: 1, offset: 0, bytes });
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      transfer.end({ ...nothing('', ''), packets: 3, bytes: bytes.length, sha256, segments: 2, deleted: 1 });
      return transfer;
    },
  });
  const started = await Console.start({
    // What the console wants is what the store has: the compiler says so here.
    ...{ queries: shown(queries satisfies Wanted), desk: desk satisfies WantedDesk, clock: systemClock },
    ...{ packets, dir: folder, host: '127.0.0.1', port: 0 },
    onFirstCode: (code) => {
      firstCode = code;
    },
    onAct: (act) => acts.push(act),
  });
  assert.ok(started.ok, started.ok ? '' : started.fault.message);
  return {
    ...{ console: started.value, url: started.value.url, firstCode, acts, alert, hostile, desk },
    async comes(event) {
      const frame = frameOf('span-1', 1_000_000, 'alert', [event]);
      assert.ok((await loader.load([frame])).ok);
      await desk.came([frame]);
    },
    async stop() {
      await started.value.stop();
      await loader.close();
      await queries.close();
      await store.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
