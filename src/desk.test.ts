import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAddon } from './capture/addon.ts';
import { Wal } from './collector/wal.ts';
import { Desk, type DeskOptions } from './desk.ts';
import { systemClock } from './lib/clock.ts';
import { failure, success } from './lib/fault.ts';
import { decodeBatch } from './schema/decode.ts';
import { encodeBatch } from './schema/encode.ts';
import { SCHEMA } from './schema/fingerprint.ts';
import type { AlertEvent, TriageEvent } from './schema/gen/events.gen.ts';
import { FIELDS, KIND_IDS } from './schema/gen/structures.gen.ts';
import { Triage } from './triage/triage.ts';
import { TRIAGE } from './wire/agreed.ts';

const id = (n: number): string => n.toString(16).padStart(16, '0');
const anna = { actor: 'anna', address: '' };

function alert(n: number, more: Partial<AlertEvent> = {}): AlertEvent {
  const empty = Object.fromEntries(
    FIELDS.alert.map((f) => [
      f.name,
      f.list ? [] : f.optional ? null : f.type === 'bool' ? false : f.type === 'text' ? '' : 0,
    ]),
  );
  return { ...empty, id: id(n), revision: 1, chain: 'c', ...more } as never;
}

describe('desk: what is decided about alerts', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-desk-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const triageAt = (): Triage => {
    const opened = Triage.open(join(dir, 'triage'), systemClock);
    assert.ok(opened.ok);
    return opened.value;
  };
  const audits: string[] = [];
  const deskWith = (more: Partial<DeskOptions> = {}): Desk =>
    new Desk({
      ...{ triage: triageAt(), now: () => 1, forwarded: () => 0, audit: (a) => audits.push(`${a.action} ${a.target}`) },
      ...{ forward: async () => success(undefined), write: async () => success(undefined) },
      queries: { alerts: async () => success([]), twinOf: async () => success(undefined) },
      tell: (fault) => assert.fail(fault.message),
      ...more,
    });
  const frame = (sensor: string, events: AlertEvent[]) => ({
    ...{ sensor, epoch: 1, seq: 1, kind: KIND_IDS.alert, schema: SCHEMA, count: events.length, crc: 0 },
    ...{ firstSeen: 0, lastSeen: 0, bytes: encodeBatch('alert', events) },
  });

  it('each act gets into the log of the collector once, killed and refused wherever it is', async () => {
    const addon = loadAddon();
    assert.ok(addon.ok);
    const { crc32c } = addon.value;
    const wal = async (): Promise<Wal> => {
      const opened = await Wal.open({ dir: join(dir, 'log'), crc32c, clock: systemClock, groupMs: 1 });
      assert.ok(opened.ok, opened.ok ? '' : opened.fault.message);
      return opened.value;
    };
    // Of another process, while no collector runs.
    for (let i = 1; i <= 5; i++) assert.ok(triageAt().do({ act: 'note', alert: id(i), text: `${i}` }, anna).ok);
    let refusals = 0;
    for (let life = 0; life < 4; life++) {
      const log = await wal();
      let left = 2;
      const desk = deskWith({
        forwarded: () => log.marks.mark(TRIAGE, 1),
        forward: async (n, event: TriageEvent) => {
          if (left-- === 0) return failure('state_unusable', 'no space', '');
          const bytes = encodeBatch('triage', [event]);
          const head = { epoch: 1, seq: n, kind: KIND_IDS.triage, schema: SCHEMA, count: 1, crc: crc32c(bytes) };
          const sent = { ...head, firstSeen: event.seen, lastSeen: event.seen, bytes };
          return log.append(TRIAGE, { frame: sent, after: n - 1, live: false });
        },
        tell: () => refusals++,
      });
      await desk.forward();
      if (life === 1) assert.ok((await desk.act({ act: 'ack', alert: id(1), text: '' }, anna)).ok);
      await log.close();
    }
    assert.ok(refusals > 0);
    const log = await wal();
    const block = await log.next(100, 1e6);
    assert.ok(block.ok);
    const texts = block.value?.frames.map((f) => `${f.seq} ${decodeBatch('triage', f.bytes)[0]?.text}`);
    assert.deepEqual(texts, ['1 1', '2 2', '3 3', '4 4', '5 5', '6 ']);
    await log.close();
    assert.ok(audits.includes(`alert_ack ${id(1)}`));
  });

  it('an alert that fits is held back, one that another sensor has told is a twin, and the rest is left alone', async () => {
    const written: string[] = [];
    const desk = deskWith({
      write: async (events) => {
        for (const e of events) written.push(`${e.act} ${Number.parseInt(e.alert, 16)} ${e.entry} ${e.twin_of}`);
        return success(undefined);
      },
      queries: { alerts: async () => success([]), twinOf: async (a) => success(a.id === id(3) ? id(1) : undefined) },
    });
    const scope = { chain: 'backup', entity: '', value: '', sensor: '', days: 1 };
    assert.ok((await desk.act({ act: 'allow', alert: '', text: 'why', ...scope }, anna)).ok);
    await desk.came([
      frame('s1', [alert(1), alert(2, { chain: 'backup' }), alert(3)]),
      frame('collector', [alert(4, { chain: 'backup' })]),
    ]);
    assert.deepEqual(written, ['held 2 1 ', `twin 3 0 ${id(1)}`]);
    // The same block again, and later revisions: said already.
    await desk.came([frame('s1', [alert(2, { chain: 'backup', revision: 2 }), alert(3)])]);
    assert.equal(written.length, 2);
    assert.deepEqual(
      desk.recent.map((r) => r.act),
      ['allow', 'held', 'twin'],
    );
  });

  it('a store that does not answer holds nothing back, and says so; an entry needs no store', async () => {
    const told: string[] = [];
    const desk = deskWith({
      queries: { alerts: async () => success([]), twinOf: async () => failure('store_unusable', 'away') },
      tell: (fault) => told.push(fault.message),
    });
    await desk.came([frame('s1', [alert(1)])]);
    assert.deepEqual([told, desk.recent], [['away'], []]);
  });

  it('a new entry can hold back what is new now and fits', async () => {
    const held: string[] = [];
    const desk = deskWith({
      queries: {
        alerts: async (q) => {
          assert.deepEqual([q?.state, q?.chain], [['new'], 'c']);
          const stored = (n: number, more: Partial<AlertEvent>) =>
            ({ kind: 'alert', ref: `s${n}/1/1/0`, event: alert(n, more), added: {}, state: 'new' }) as const;
          return success([stored(1, { hosts: ['mac:aa'] }), stored(2, { hosts: ['mac:bb'] })]);
        },
        twinOf: async () => success(undefined),
      },
      write: async (events) => {
        held.push(...events.map((e) => e.alert));
        return success(undefined);
      },
    });
    const request = {
      act: 'allow',
      alert: '',
      text: 'x',
      chain: 'c',
      entity: 'host:mac:aa',
      value: '',
      sensor: '',
      days: 1,
    } as const;
    assert.ok((await desk.act(request, anna)).ok);
    assert.deepEqual(held, []);
    assert.ok((await desk.act(request, anna, true)).ok);
    assert.deepEqual(held, [id(1)]);
  });
});
