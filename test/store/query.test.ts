import assert from 'node:assert/strict';
import { systemClock } from '../../src/lib/clock.ts';
import { decodeBatch } from '../../src/schema/decode.ts';
import { encodeBatch } from '../../src/schema/encode.ts';
import type { AlertEvent, CatenaryEvent, EventOf, KindName } from '../../src/schema/gen/events.gen.ts';
import { KIND_IDS, KIND_NAMES } from '../../src/schema/gen/structures.gen.ts';
import { type Frame, Loader } from '../../src/store/load.ts';
import { Queries } from '../../src/store/query.ts';
import { parseRef } from '../../src/store/rows.ts';
import { BUCKETS_MAX, formOf, LIMIT_MAX, TEXT_BYTES_MAX } from '../../src/store/search.ts';
import { decoded, openWorld, SCHEMA, type World } from './world.ts';

const FOREVER = 4e15;

interface Known {
  readonly kind: KindName;
  readonly ref: string;
  readonly event: CatenaryEvent;
}

describe('store: questions', function () {
  this.timeout(60_000);
  let world: World;
  let queries: Queries;
  /** Everything that was loaded, as the decoder's own side reads it. */
  const known: Known[] = [];

  const ofKind = <K extends KindName>(kind: K): { ref: string; event: EventOf[K] }[] =>
    known.filter((k) => k.kind === kind).map(({ ref, event }) => ({ ref, event: event as EventOf[K] }));
  async function value<T>(
    result: Promise<{ ok: true; value: T } | { ok: false; fault: { message: string } }>,
  ): Promise<T> {
    const r = await result;
    assert.ok(r.ok, r.ok ? '' : r.fault.message);
    return r.value;
  }
  const frame = <K extends KindName>(kind: K, seq: number, events: EventOf[K][], sensor = 's1'): Frame => ({
    ...{ sensor, epoch: 2, seq, schema: SCHEMA, kind: KIND_IDS[kind], count: events.length },
    bytes: encodeBatch(kind, events),
  });

  /** The address with the most flows: one host's until the middle of them, told twice, then another's, told once. */
  const LENT = '192.0.2.80';
  const lentUntil = (): number => {
    const times = ofKind('conn').flatMap(({ event: e }) => ([e.orig_h, e.resp_h].includes(LENT) ? [e.ts] : []));
    return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] as number;
  };
  const identities = (): EventOf['identity'][] => {
    const until = lentUntil();
    const nothing = { mac: null, name: null, user: null, domain: null, until: null, vlan: null, refs: [] };
    const row = (host: string, change: string, from: number, more: Partial<EventOf['identity']> = {}) => ({
      ...{ ts: until, seen: until, cut: false, host, change, addr: LENT, source: 'dhcp' },
      ...{ from, known_at: from, confidence: 1, ...nothing, ...more },
    });
    return [
      row('mac:aa', 'opened', 1),
      row('mac:aa', 'closed', 1, { until }),
      row('mac:bb', 'opened', until),
      row('mac:bb', 'opened', 1, { addr: '203.0.113.77' }),
    ];
  };

  const alertOf = (id: string, revision: number, more: Partial<AlertEvent> = {}): AlertEvent => {
    const steps = [ofKind('file')[0], ofKind('tls')[0]].map(
      (k) => k as { ref: string; event: { seen: number; uid?: string } },
    );
    const seen = Math.max(...steps.map((s) => s.event.seen)) + revision;
    return {
      ...{
        ts: steps[0]?.event.seen as number,
        seen,
        cut: false,
        id,
        revision,
        status: revision === 1 ? 'issued' : 'extended',
      },
      ...{
        status_reason: null,
        chain: 'fetch_then_call',
        chain_version: 1,
        rule_hash: 'ab',
        title: 'Fetch, then call',
      },
      ...{ severity: 'high', confidence: 0.9, score: 50 + revision, attack: ['T1105'], scope: 'sensor' },
      ...{ entities: ['victim=host:ip:192.0.2.1'], hosts: ['ip:192.0.2.1'], addrs: ['192.0.2.1', '2001:db8::2'] },
      ...{ users: [], names: ['c2.example'], hashes: [], first: seen, last: seen, detected_at: seen, retro: false },
      ...{ could_have_detected_at: null, flags: [], starts: [], step_ids: ['fetch', 'call', 'gone'] },
      step_times: [...steps.map((s) => s.event.seen), seen],
      step_refs: [...steps.map((s) => s.ref), 's1/1/999999/0'],
      step_uids: [...steps.map((s) => s.event.uid ?? ''), ''],
      ...{
        step_stories: ['an executable', 'a call', 'was here'],
        evidence: [],
        story: 'It was fetched, then it called.',
        key: 'victim=ip:192.0.2.1',
      },
      ...more,
    };
  };

  before(async function () {
    world = await openWorld(this);
    queries = new Queries(world.access);
    const loader = new Loader({ ...world, clock: systemClock, schemas: new Set([SCHEMA]) });
    const frames = await decoded('s1', 1);
    for (const f of frames) {
      const kind = KIND_NAMES[f.kind] as KindName;
      decodeBatch(kind, f.bytes).forEach((event, i) => {
        known.push({ kind, ref: `s1/1/${f.seq}/${i}`, event });
      });
    }
    const stats = (seen: number, dropped: number): EventOf['capture_stats'] =>
      ({
        ...{
          ts: seen,
          seen,
          cut: false,
          interface: 'eth1',
          worker: 0,
          interval: 10,
          packets: 100,
          bytes: 1,
          captured_bytes: 1,
        },
        ...{
          kernel_received: null,
          kernel_dropped: dropped,
          if_dropped: null,
          app_dropped: 1,
          decoded: 1,
          malformed: 0,
        },
        ...{
          truncated: 0,
          bad_checksum: 0,
          weirds: 0,
          weirds_suppressed: 0,
          events: 1,
          event_bytes: 1,
          events_dropped: 2,
        },
        ...{
          flows_active: 0,
          flows_created: 0,
          flows_ended: 0,
          flows_evicted: 0,
          fragments_active: 0,
          fragments_evicted: 0,
        },
        ...{ reassembly_bytes: 0, reassembly_evicted_bytes: 0, gap_bytes: 3, files_active: 0, files_shed: 0 },
        ...{ packets_written: 0, packets_cutoff: 0, packets_not_kept: 0, memory_bytes: 0, lag: null },
        ...{
          ring_waiting: null,
          if_received: null,
          filtered: null,
          backlog_dropped: null,
          acks: 0,
          ack_gaps: 0,
          down: 0,
        },
      }) as EventOf['capture_stats'];
    const more = [
      frame('alert', 1, [alertOf('aa', 1), alertOf('bb', 1, { score: 99, severity: 'low', hosts: ['ip:10.0.0.1'] })]),
      frame('alert', 2, [alertOf('aa', 2)]),
      frame('capture_stats', 3, [stats(1.99e15, 5), stats(2e15, 7)]),
      // Two holes: 1 to 9, and 11.
      ...[frame('capture_stats', 10, [stats(3e15, 0)], 's2'), frame('capture_stats', 12, [stats(3e15, 1)], 's2')],
      { ...frame('capture_stats', 13, [stats(3e15, 1)], 's2'), schema: 77 },
      frame('identity', 4, identities()),
    ];
    assert.ok((await loader.load([...frames, ...more])).ok);
    await loader.close();
  });
  after(async () => {
    await queries?.close();
    await world?.stop();
  });

  it('give every event back as it was, by its reference', async () => {
    const events = await value(
      queries.events(known.slice(0, 1024).map(({ ref, event }) => ({ ref, seen: event.seen }))),
    );
    assert.equal(events.size, Math.min(known.length, 1024));
    for (const k of known.slice(0, 1024)) {
      assert.deepEqual(events.get(k.ref)?.event, k.event, `${k.kind} ${k.ref}`);
      assert.equal(events.get(k.ref)?.kind, k.kind);
    }
    // Without a time, and what is not there or no reference.
    const some = await value(
      queries.events([
        { ref: known[0]?.ref as string },
        { ref: 's1/1/1/99' },
        { ref: 'x' },
        { ref: `s1/1/1/${2 ** 32}` },
      ]),
    );
    assert.deepEqual([...some.keys()], [known[0]?.ref]);
  });

  it('list each alert once, as its latest revision', async () => {
    const list = await value(queries.alerts());
    assert.deepEqual(
      list.map(({ event: a }) => [a.id, a.revision]),
      [
        ['bb', 1],
        ['aa', 2],
      ],
    );
    assert.deepEqual(list[1]?.event, alertOf('aa', 2));
    const ids = async (q: Parameters<Queries['alerts']>[0]): Promise<string[]> =>
      (await value(queries.alerts(q))).map((a) => a.event.id);
    assert.deepEqual(await ids({ order: 'newest' }), ['aa', 'bb']);
    assert.deepEqual(await ids({ limit: 1 }), ['bb']);
    assert.deepEqual(await ids({ limit: 1, offset: 1 }), ['aa']);
    assert.deepEqual(await ids({ severity: ['high', 'critical'] }), ['aa']);
    assert.deepEqual(await ids({ status: ['issued'] }), ['bb']);
    assert.deepEqual(await ids({ host: 'ip:10.0.0.1' }), ['bb']);
    assert.deepEqual(await ids({ chain: 'none' }), []);
    assert.deepEqual(await ids({ sensor: 's2' }), []);
    assert.deepEqual(await ids({ from: alertOf('aa', 2).seen }), ['aa']);
    assert.deepEqual(await ids({ to: alertOf('aa', 2).seen }), ['bb']);
    assert.deepEqual(await ids({ chain: `' OR 1 = 1 --` }), []);
    for (const wrong of [{ limit: 0 }, { limit: 1001 }, { offset: -1 }, { offset: 100_001 }])
      await assert.rejects(queries.alerts(wrong), RangeError);
    assert.deepEqual(await ids({ limit: 1000, offset: 100_000 }), []);
  });

  it('tell an alert with the records of its steps', async () => {
    const detail = await value(queries.alert('aa'));
    assert.deepEqual(
      detail?.revisions.map((r) => r.event.revision),
      [1, 2],
    );
    assert.deepEqual(detail?.alert.event, alertOf('aa', 2));
    assert.deepEqual(
      detail?.steps.map((s) => [s.step, s.event?.kind, s.story]),
      [
        ['fetch', 'file', 'an executable'],
        ['call', 'tls', 'a call'],
        ['gone', undefined, 'was here'],
      ],
    );
    assert.deepEqual(detail?.steps[0]?.event?.event, ofKind('file')[0]?.event);
    assert.equal(await value(queries.alert('nobody')), undefined);
  });

  it('find an address wherever one can stand', async () => {
    const address = '192.0.2.80';
    const answer = await value(queries.search({ text: address, from: 0, to: FOREVER, limit: LIMIT_MAX }));
    assert.equal(answer.form, 'address');
    const holds = (v: unknown): boolean => (Array.isArray(v) ? v.some(holds) : v === address);
    for (const kind of ['conn', 'http', 'file', 'dns', 'tls'] as const)
      assert.equal(
        answer.counts[kind],
        ofKind(kind).filter(({ event }) => Object.values(event).some(holds)).length || undefined,
        kind,
      );
    assert.equal(
      answer.events.length,
      Object.values(answer.counts).reduce((a, b) => a + b),
    );
    const times = answer.events.map((e) => e.event.seen);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => b - a),
    );
    // DNS answers are text.
    assert.ok(answer.events.some((e) => e.kind === 'dns' && (e.event as EventOf['dns']).answers.includes(address)));
  });

  it('find names, hashes, flows and hardware addresses', async () => {
    const seek = async (text: string) => value(queries.search({ text, from: 0, to: FOREVER, limit: 1000 }));
    const domain = await seek('example.test');
    assert.equal(domain.form, 'name');
    assert.equal(
      domain.counts.dns,
      ofKind('dns').filter((k) => /(^|\.)example\.test$/.test(k.event.query ?? '')).length,
    );
    assert.equal((await seek('www.EXAMPLE.test')).counts.dns, (await seek('www.example.test')).counts.dns);
    const file = ofKind('file').find((k) => k.event.sha256 !== null) as { ref: string; event: EventOf['file'] };
    for (const hash of [file.event.sha256, file.event.sha1, file.event.md5]) {
      const found = await seek((hash as string).toUpperCase());
      assert.equal(found.form, 'hash');
      assert.ok(found.events.some((e) => e.ref === file.ref));
    }
    const conn = ofKind('conn')[0] as { ref: string; event: EventOf['conn'] };
    const byUid = await seek(conn.event.uid);
    assert.equal(byUid.form, 'uid');
    assert.equal(byUid.events.length, known.filter((k) => JSON.stringify(k.event).includes(conn.event.uid)).length);
    const community = byUid.events.find((e) => e.kind === 'conn')?.added.community_id as string;
    assert.ok((await seek(community)).events.some((e) => e.ref === conn.ref));
    const lease = ofKind('dhcp').find((k) => k.event.mac !== null)?.event.mac as string;
    const byMac = await seek(lease.toUpperCase().replaceAll(':', '-'));
    assert.equal(byMac.form, 'mac');
    assert.equal(byMac.counts.dhcp, ofKind('dhcp').filter((k) => k.event.mac === lease).length);
  });

  it('look inside when nothing is exactly that', async () => {
    const answer = await value(queries.search({ text: 'XAMPLE.TES', from: 0, to: FOREVER }));
    assert.equal(answer.form, 'contains');
    assert.ok((answer.counts.dns ?? 0) > 0);
    const exact = await value(queries.search({ text: 'xample.tes', from: 0, to: FOREVER, form: 'name' }));
    assert.deepEqual([exact.form, exact.events.length], ['name', 0]);
    const nothing = await value(queries.search({ text: `%_'"\\;{x: String}--`, from: 0, to: FOREVER }));
    assert.deepEqual([nothing.form, nothing.events, nothing.counts, nothing.histogram], ['contains', [], {}, []]);
  });

  it('count in columns that add up, and show the newest', async () => {
    const times = ofKind('dns').map((k) => k.event.seen);
    const [from, to] = [Math.min(...times), Math.max(...times) + 1];
    for (const buckets of [1, 7, BUCKETS_MAX]) {
      const answer = await value(
        queries.search({ text: 'test', form: 'contains', from, to, kinds: ['dns'], buckets, limit: 3 }),
      );
      const expected = ofKind('dns').filter((k) => /test/i.test(JSON.stringify([k.event.query, k.event.answers])));
      assert.ok((answer.counts.dns ?? 0) >= expected.length);
      assert.equal(
        answer.histogram.reduce((n, h) => n + h.count, 0),
        answer.counts.dns,
      );
      assert.ok(answer.histogram.length <= buckets);
      assert.ok(answer.histogram.every((h) => h.at >= from && h.at < to));
      assert.equal(answer.events.length, 3);
    }
    assert.deepEqual((await value(queries.search({ text: 'test', form: 'contains', from: 0, to: 1 }))).counts, {});
  });

  it('refuse what is no question', async () => {
    const ask = (q: object) => queries.search({ text: 'a', from: 0, to: 1, ...q });
    for (const wrong of [
      ...[{ text: '' }, { text: 'a'.repeat(TEXT_BYTES_MAX + 1) }, { from: 1 }, { from: -1 }, { to: Number.NaN }],
      ...[{ limit: 0 }, { limit: LIMIT_MAX + 1 }, { buckets: 0 }, { buckets: BUCKETS_MAX + 1 }, { limit: 1.5 }],
    ])
      await assert.rejects(ask(wrong), RangeError, JSON.stringify(wrong));
    for (const right of [{ text: 'a'.repeat(TEXT_BYTES_MAX) }, { limit: LIMIT_MAX }, { buckets: BUCKETS_MAX }])
      assert.ok((await ask(right)).ok);
  });

  it('sum an address, a host, a domain and a file up', async () => {
    const flows = ofKind('conn').filter((k) => [k.event.orig_h, k.event.resp_h].includes('192.0.2.80'));
    const address = await value(queries.entity({ class: 'address', value: '192.0.2.80' }));
    assert.equal(address?.count, flows.length);
    assert.equal(address?.first, Math.min(...flows.map((k) => k.event.ts)));
    assert.equal(address?.last, Math.max(...flows.map((k) => k.event.seen)));
    assert.deepEqual(address?.sensors, ['s1']);
    assert.equal(address?.days, new Set(flows.map((k) => Math.floor(k.event.seen / 86_400e6))).size);
    const others = flows.map((k) => (k.event.orig_h === '192.0.2.80' ? k.event.resp_h : k.event.orig_h));
    assert.equal(
      address?.peers.reduce((n, p) => n + p.count, 0),
      others.length,
    );
    assert.ok(address?.peers.every((p) => others.includes(p.value)));
    const host = await value(queries.entity({ class: 'host', value: 'ip:192.0.2.80' }));
    assert.equal(host?.counts.conn, flows.length);
    const domain = await value(queries.entity({ class: 'domain', value: 'Example.test' }));
    assert.equal(
      domain?.counts.dns,
      ofKind('dns').filter((k) => /(^|\.)example\.test$/.test(k.event.query ?? '')).length,
    );
    const hash = ofKind('file').find((k) => k.event.sha256 !== null)?.event.sha256 as string;
    const file = await value(queries.entity({ class: 'file', value: hash }));
    assert.equal(file?.count, ofKind('file').filter((k) => k.event.sha256 === hash).length);
    for (const unknown of [
      { class: 'address', value: '203.0.113.99' },
      { class: 'address', value: 'no address' },
      { class: 'domain', value: 'nowhere.example' },
    ] as const)
      assert.equal(await value(queries.entity(unknown)), undefined);
  });

  it('a host is its addresses, each for as long as it was lent', async () => {
    const until = lentUntil();
    const flows = ofKind('conn').filter(({ event: e }) => [e.orig_h, e.resp_h].includes(LENT));
    const [first, then] = [flows.filter((f) => f.event.ts < until), flows.filter((f) => f.event.ts >= until)];
    assert.ok(first.length > 0 && then.length > 0);
    for (const [name, own] of [
      ['mac:aa', first],
      ['mac:bb', then],
    ] as const) {
      const host = await value(queries.entity({ class: 'host', value: name }));
      assert.equal(host?.counts.conn, own.length, name);
      assert.equal(host?.first, Math.min(...own.map((f) => f.event.ts)));
      assert.ok(host?.peers.every((p) => p.value !== `ip:${LENT}`));
      const found = await value(queries.search({ text: name, from: 0, to: FOREVER, limit: LIMIT_MAX }));
      assert.equal(found.form, 'host');
      assert.equal(found.counts.conn, own.length);
      assert.equal(found.counts.identity, 2);
    }
    assert.equal(await value(queries.entity({ class: 'host', value: 'mac:cc' })), undefined);
  });

  it('say of each sensor when it was heard and what it lost', async () => {
    const [s1, s2, ...rest] = await value(queries.sensors());
    assert.deepEqual(rest, []);
    assert.deepEqual(
      { ...s1, lastStored: undefined, frames: undefined },
      {
        ...{
          sensor: 's1',
          lastSeen: 2e15,
          lastStored: undefined,
          packets: 200,
          kernelDropped: 12,
          interfaceDropped: 0,
        },
        ...{ appDropped: 2, eventsDropped: 4, gapBytes: 6, frames: undefined, refusedFrames: 0, missingFrames: 0 },
      },
    );
    assert.deepEqual([s2?.frames, s2?.missingFrames, s2?.refusedFrames, s2?.kernelDropped], [3, 10, 1, 1]);
    const later = await value(queries.sensors(1.995e15, 2e15 + 1));
    assert.deepEqual([later[0]?.packets, later[0]?.kernelDropped, later[1]?.packets], [100, 7, 0]);
  });

  it('end in time, and say what to do', async () => {
    const answer = await new Queries({ ...world.access, database: 'elsewhere' }).alerts();
    assert.ok(!answer.ok);
    assert.match(answer.fault.message, /ACCESS_DENIED|UNKNOWN_DATABASE/);
  });
});

describe('store: what a text looks like', () => {
  for (const [text, form] of [
    ['192.0.2.1', 'address'],
    ['2001:db8::1', 'address'],
    ['::', 'address'],
    ['192.0.2.256', 'name'],
    ['CabcdefghijK', 'uid'],
    ['Cabcdefghij', 'name'],
    ['00:11:22:AA:bb:cc', 'mac'],
    ['1:LQU9qZlK+B5F3KDmev6m5PMibrg=', 'community'],
    ['d41d8cd98f00b204e9800998ecf8427e', 'hash'],
    ['d41d8cd98f00b204e9800998ecf8427', 'name'],
    ['a', 'name'],
    ['mac:02:10:00:00:00:17', 'host'],
    ['ip:192.0.2.1', 'host'],
    ['name: spaced', 'name'],
  ] as const)
    it(`${text}: ${form}`, () => assert.equal(formOf(text), form));

  it('reads references as they are written', () => {
    assert.deepEqual(parseRef('s1/4/1021/17'), { sensor: 's1', epoch: 4, seq: 1021, index: 17 });
    for (const text of ['', 's1/4/1021', 's1/4/1021/17/1', '/4/1021/17', 's 1/4/1/1', 's1/-4/1/1', `s1/${2 ** 53}/1/1`])
      assert.equal(parseRef(text), undefined, text);
  });
});
