// What has become of alerts, by a real store: states and how many there are of each, what the allow-list held back,
// which sensors have seen the same; and that a sensor cannot decide anything.
import assert from 'node:assert/strict';
import { systemClock } from '../../src/lib/clock.ts';
import { encodeBatch } from '../../src/schema/encode.ts';
import type { AlertEvent, EventOf, KindName, TriageEvent } from '../../src/schema/gen/events.gen.ts';
import { FIELDS, KIND_IDS } from '../../src/schema/gen/structures.gen.ts';
import { type Frame, Loader } from '../../src/store/load.ts';
import { Queries } from '../../src/store/query.ts';
import { heldRecord, recordOf, twinRecord } from '../../src/triage/records.ts';
import { COLLECTOR, TRIAGE } from '../../src/wire/agreed.ts';
import { openWorld, SCHEMA, type World } from './world.ts';

const T0 = 1_700_006_400e6;
const id = (n: number): string => n.toString(16).padStart(16, '0');

function alert(n: number, more: Partial<AlertEvent> = {}): AlertEvent {
  const empty = Object.fromEntries(
    FIELDS.alert.map((f) => [
      f.name,
      f.list ? [] : f.optional ? null : f.type === 'bool' ? false : f.type === 'text' ? '' : 0,
    ]),
  );
  const times = { ts: T0, seen: T0 + n, first: T0, last: T0 + n };
  const entities = ['c2=domain:c2.example', 'victim=host:mac:aa'];
  return {
    ...empty,
    ...times,
    id: id(n),
    revision: 1,
    chain: 'c',
    severity: 'high',
    score: n,
    entities,
    ...more,
  } as never;
}

describe('store: triage', function () {
  this.timeout(60_000);
  let world: World;
  let queries: Queries;
  let loader: Loader;
  const seqs = new Map<string, number>();
  const load = async <K extends KindName>(sensor: string, kind: K, events: readonly EventOf[K][]): Promise<void> => {
    const seq = (seqs.get(sensor) ?? 0) + 1;
    seqs.set(sensor, seq);
    const head = { sensor, epoch: 1, seq, schema: SCHEMA, kind: KIND_IDS[kind], count: events.length };
    const frame: Frame = { ...head, bytes: encodeBatch(kind, events as never) };
    const loaded = await loader.load([frame]);
    assert.ok(loaded.ok, loaded.ok ? '' : loaded.fault.message);
    assert.deepEqual(loaded.value.refused, []);
  };
  const act = (n: number, what: string, of: number): TriageEvent =>
    recordOf({ n, prev: 'ab', at: T0 + n, act: what as never, alert: id(of), text: 't', actor: 'anna', address: '' });
  const states = async (recent: { alert: string; act: string }[] = []): Promise<string> => {
    const found = await queries.alerts({ order: 'newest', recent });
    assert.ok(found.ok, found.ok ? '' : found.fault.message);
    return found.value
      .reverse()
      .map((a) => `${Number.parseInt(a.event.id, 16)} ${a.state}`)
      .join(', ');
  };

  before(async function () {
    world = await openWorld(this);
    queries = new Queries(world.access);
    loader = new Loader({ ...world, clock: systemClock, schemas: new Set([SCHEMA]) });
    await load(
      's1',
      'alert',
      [1, 2, 3, 4, 5].map((n) => alert(n, { first: T0 + n * 3600e6 })),
    );
  });
  after(async () => {
    await queries?.close();
    await world?.stop();
  });

  it('an alert is new until somebody acts, and is what the latest act made of it', async () => {
    assert.equal(await states(), '1 new, 2 new, 3 new, 4 new, 5 new');
    await load(TRIAGE, 'triage', [act(1, 'ack', 1), act(2, 'close', 2), act(3, 'close', 3), act(4, 'reopen', 3)]);
    await load(TRIAGE, 'triage', [act(5, 'note', 2)]);
    assert.equal(await states(), '1 acknowledged, 2 closed, 3 new, 4 new, 5 new');
    // Loaded again after a crash, in another order: the number decides.
    await load(TRIAGE, 'triage', [act(3, 'close', 3)]);
    assert.equal(await states(), '1 acknowledged, 2 closed, 3 new, 4 new, 5 new');
  });

  it('what the store has not yet is known all the same', async () => {
    const recent = [
      { alert: id(4), act: 'ack' },
      { alert: id(4), act: 'close' },
      { alert: id(5), act: 'held' },
    ];
    assert.equal(await states(recent), '1 acknowledged, 2 closed, 3 new, 4 closed, 5 suppressed');
    const counts = await queries.alertCounts({ recent, state: ['new'] });
    assert.deepEqual(counts.ok && counts.value, { acknowledged: 1, closed: 2, new: 1, suppressed: 1 });
    const some = await queries.alerts({ recent, state: ['closed', 'suppressed'], order: 'newest' });
    assert.ok(some.ok);
    assert.deepEqual(
      some.value.map((a) => a.event.id),
      [id(5), id(4), id(2)],
    );
  });

  it('held back: said once however often it is written; a person goes before the list', async () => {
    const entry = { n: 9, reason: 'backup' };
    for (let i = 0; i < 2; i++)
      await load(COLLECTOR, 'triage', [heldRecord(id(3), entry, T0), heldRecord(id(5), entry, T0 + 7)]);
    assert.equal(await states(), '1 acknowledged, 2 closed, 3 new, 4 new, 5 suppressed', '3 was reopened');
    const held = await queries.heldBack();
    assert.ok(held.ok);
    assert.deepEqual([...held.value], [[9, { count: 2, last: T0 + 7 }]]);
    const marks = await queries.marksOf([id(5)]);
    assert.ok(marks.ok);
    assert.deepEqual(
      marks.value.map(({ event: e }) => [e.act, e.entry, e.text]),
      [['held', 9, 'backup']],
    );
  });

  it('a sensor decides nothing, whatever it sends', async () => {
    await load('evil', 'triage', [act(99, 'close', 4), heldRecord(id(4), { n: 9, reason: 'x' }, T0)]);
    assert.match(await states(), /4 new/);
    const held = await queries.heldBack();
    assert.equal(held.ok && held.value.get(9)?.count, 2);
  });

  it('two sensors see one story: the alert that came first stands for both, and both are named', async () => {
    await load('s2', 'alert', [alert(6, { first: T0 + 3600e6 + 2e6 })]);
    const twin = async (n: number, more: Partial<AlertEvent> = {}): Promise<string | undefined> => {
      const found = await queries.twinOf(alert(n, { first: T0 + 3600e6 + 2e6, ...more }));
      assert.ok(found.ok, found.ok ? '' : found.fault.message);
      return found.value;
    };
    assert.equal(await twin(6), id(1));
    assert.equal(await twin(1, { first: T0 + 3600e6 }), undefined, 'it is the first itself');
    assert.equal(await twin(6, { first: T0 + 3600e6 + 301e6 }), undefined, 'begun at another time');
    assert.equal(await twin(6, { chain: 'other' }), undefined);
    assert.equal(await twin(6, { entities: ['victim=host:mac:bb'] }), undefined);
    // Of one sensor two that are alike are two.
    await load('s1', 'alert', [alert(7, { first: T0 + 3600e6 + 1e6 })]);
    assert.equal(await twin(7, { first: T0 + 3600e6 + 1e6 }), id(6));
    await load(COLLECTOR, 'triage', [twinRecord(id(6), id(1), 's2', T0)]);
    assert.match(await states(), /6 twin/);
    assert.equal(await twin(7, { first: T0 + 3600e6 + 1e6 }), undefined, 'a twin stands for nobody');
    const marks = await queries.marksOf([id(1)]);
    assert.deepEqual(marks.ok && marks.value.map(({ event: e }) => [e.alert, e.on_sensor]), [[id(6), 's2']]);
    // The same id from two sensors, as of one capture that both have read.
    await load('s2', 'alert', [alert(2)]);
    const sensors = await queries.sensorsOf([id(1), id(2)]);
    assert.deepEqual(sensors.ok && sensors.value.get(id(2)), ['s1', 's2']);
  });
});
