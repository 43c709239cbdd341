import assert from 'node:assert/strict';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { systemClock } from '../../src/lib/clock.ts';
import { encodeBatch } from '../../src/schema/encode.ts';
import { KIND_IDS, KIND_NAMES } from '../../src/schema/gen/structures.gen.ts';
import type { StoreAccess } from '../../src/store/access.ts';
import { type Frame, Loader, type LoadReport } from '../../src/store/load.ts';
import { decoded, openWorld, SCHEMA, type World } from './world.ts';

const DAY = 86_400e6;
const T0 = 1_700_006_400e6;

const weird = (sensor: string, epoch: number, seq: number, times: readonly number[]): Frame => {
  const bytes = encodeBatch(
    'weird',
    times.map((ts) => ({ ts, seen: ts, name: 'odd', source: 'test', notice: false, count: 1 })),
  );
  return { ...{ sensor, epoch, seq, schema: SCHEMA, kind: KIND_IDS.weird }, count: times.length, bytes };
};

describe('store: loading', function () {
  this.timeout(120_000);
  let world: World;
  let frames: Frame[];
  before(async function () {
    world = await openWorld(this);
    frames = await decoded('s1', 1);
  });
  after(() => world?.stop());

  const loader = (access: StoreAccess = world.access): Loader =>
    new Loader({ access, native: world.native, clock: systemClock, schemas: new Set([SCHEMA]) });

  async function loaded(l: Loader, list: readonly Frame[]): Promise<LoadReport> {
    const result = await l.load(list);
    assert.ok(result.ok, result.ok ? '' : result.fault.message);
    return result.value;
  }

  /** Rows by kind, and whether each record is there once. */
  async function census(sensor: string): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const kind of new Set(frames.map((f) => KIND_NAMES[f.kind] as string))) {
      const [rows, distinct] = (
        await world.one(
          `SELECT count(), uniqExact(frame_epoch, frame_seq, frame_index) FROM catenary.${kind} WHERE sensor = '${sensor}'`,
        )
      ).split('\t');
      assert.equal(rows, distinct, `${kind}: a record twice`);
      counts.set(kind, Number(rows));
    }
    return counts;
  }

  function expected(list: readonly Frame[]): Map<string, number> {
    const counts = new Map<string, number>();
    for (const f of list) {
      const kind = KIND_NAMES[f.kind] as string;
      counts.set(kind, (counts.get(kind) ?? 0) + f.count);
    }
    return counts;
  }

  it('stores every record of every capture, where its reference says', async () => {
    const l = loader();
    const report = await loaded(l, frames);
    assert.equal(report.frames, frames.length);
    assert.equal(
      report.rows,
      [...expected(frames).values()].reduce((a, b) => a + b),
    );
    assert.deepEqual(report.refused, []);
    assert.equal(report.inserts, expected(frames).size);
    assert.deepEqual(await census('s1'), expected(frames));
    assert.deepEqual(await l.ranges('s1', 1), { ok: true, value: [{ first: 1, last: frames.length }] });
    await l.close();
  });

  it('fills what the collector knows', async () => {
    const row = await world.one(`SELECT count(), countIf(startsWith(community_id, '1:') AND length(community_id) = 30),
      countIf(orig_host = concat('ip:', replaceOne(toString(orig_h), '::ffff:', ''))) FROM catenary.conn`);
    const [all, ids, hosts] = row.split('\t');
    assert.ok(Number(all) > 10);
    assert.deepEqual([ids, hosts], [all, all]);
    for (const [table, column, name, domain] of [
      ['dns', 'query', 'alias.example.test', 'example.test'],
      ['dns', 'query', 'fileserver', ''],
      ['tls', 'server_name', 'WWW.example.test', 'example.test'],
      ['http', 'host', '192.0.2.80', ''],
    ])
      assert.equal(
        await world.one(`SELECT DISTINCT registered_domain FROM catenary.${table} WHERE ${column} = '${name}'`),
        domain,
        name,
      );
    assert.equal(
      await world.one('SELECT sum(flows) FROM catenary.address_day'),
      await world.one('SELECT 2 * count() FROM catenary.conn'),
    );
  });

  it('knows what is there already, in this process and in the next', async () => {
    for (const l of [loader(), loader()]) {
      const report = await loaded(l, [...frames, frames[0] as Frame]);
      assert.equal(report.duplicates, frames.length + 1);
      assert.equal(report.inserts, 0);
      await l.close();
    }
    assert.deepEqual(await census('s1'), expected(frames));
  });

  it('takes frames in any order, and several logs at once', async () => {
    const l = loader();
    const two = [...(await decoded('s2', 1)), ...(await decoded('s2', 7))];
    await loaded(l, two.filter((f) => f.seq % 3 === 0).reverse());
    await loaded(
      l,
      two.filter((f) => f.seq % 3 === 1),
    );
    assert.equal((await loaded(l, two)).duplicates, two.filter((f) => f.seq % 3 !== 2).length);
    for (const epoch of [1, 7])
      assert.deepEqual(await l.ranges('s2', epoch), { ok: true, value: [{ first: 1, last: frames.length }] });
    assert.deepEqual(await census('s2'), expected(two));
    await l.close();
    const next = loader();
    assert.deepEqual(await next.ranges('s2', 7), { ok: true, value: [{ first: 1, last: frames.length }] });
    await next.close();
  });

  it('refuses what is not what it says, writes that down, and stores the rest', async () => {
    const l = loader();
    const good = weird('s3', 1, 1, [T0, T0 + 1]);
    const damaged = { ...weird('s3', 1, 2, [T0]), bytes: good.bytes.subarray(0, good.bytes.length - 1), count: 2 };
    const list = [
      ...[
        good,
        damaged,
        { ...good, seq: 3, count: 3 },
        { ...good, seq: 4, schema: 99 },
        { ...good, seq: 5, kind: 999 },
      ],
      ...[weird('s3', 1, 6, [T0, T0 + 400 * DAY]), weird('s3', 1, 7, [T0, T0 + 400 * DAY + 1])],
      ...[weird('s3', 1, 8, [T0 - 399 * DAY, T0, T0 + DAY]), { ...good, seq: 9, count: 0 }],
    ];
    const report = await loaded(l, list);
    assert.deepEqual(
      report.refused.map((r) => `${r.first} ${r.reason}`.replace(/ at byte \d+/, '')),
      [
        '4 schema 99 is not known here',
        '5 no kind has number 999',
        '9 a count of 0',
        '2 record 1: vlan: cut off',
        '3 2 records, not the 3 it says',
        '7 its records are more than 400 days apart',
      ],
    );
    assert.equal(report.rows, 7);
    assert.deepEqual(await l.ranges('s3', 1), { ok: true, value: [{ first: 1, last: 9 }] });
    assert.equal(
      await world.one(
        `SELECT groupArray(first) FROM (SELECT first FROM catenary.refused_frames WHERE sensor = 's3' ORDER BY first)`,
      ),
      '[2,3,4,5,7,9]',
    );
    assert.equal((await loaded(l, list)).duplicates, list.length);
    await l.close();
  });

  it('gives the oldest hole up when there are too many', async () => {
    const l = loader();
    const list = Array.from({ length: 1026 }, (_, i) => weird('s4', 1, 2 * i + 1, [T0]));
    const report = await loaded(l, list);
    assert.deepEqual(
      report.refused.map((r) => [r.first, r.last, r.kind]),
      [
        [2, 2, 0],
        [4, 4, 0],
      ],
    );
    const ranges = await l.ranges('s4', 1);
    assert.ok(ranges.ok && ranges.value.length === 1024);
    assert.deepEqual(ranges.value[0], { first: 1, last: 5 });
    await l.close();
  });

  it('says what is the caller’s mistake', async () => {
    const l = loader();
    const f = weird('s5', 1, 1, [T0]);
    for (const [bad, why] of [
      [{ ...f, epoch: 0 }, /begin at 1/],
      [{ ...f, seq: 0 }, /begin at 1/],
      [{ ...f, seq: 2 ** 53 }, /begin at 1/],
      [{ ...f, sensor: '' }, /no sensor's name/],
      [{ ...f, sensor: 'a/b' }, /no sensor's name/],
      [{ ...f, sensor: 's'.repeat(65) }, /no sensor's name/],
    ] as const)
      assert.throws(() => void l.load([bad]), why);
    assert.throws(() => void l.load(new Array(16_385).fill(f)), /at most 16384/);
    assert.throws(() => void l.load([{ ...f, bytes: new Uint8Array(64 * 2 ** 20 + 1) }]), /at most/);
    assert.equal((await loaded(l, [{ ...f, sensor: 's'.repeat(64) }, f])).rows, 2);
    await l.close();
  });

  it('says when the server is another, or none', async () => {
    const lost = loader({ ...world.access, database: 'elsewhere' });
    const answer = await lost.load([weird('s6', 1, 1, [T0])]);
    assert.ok(!answer.ok);
    assert.match(answer.fault.message, /UNKNOWN_DATABASE|UNKNOWN_TABLE|ACCESS_DENIED/);
    await lost.close();
  });

  it('stores each record once though the server dies between an insert and its acknowledgement, 20 times', async () => {
    const proxy = await Guillotine.open(world);
    const l = loader({ ...world.access, url: proxy.url });
    const list = await decoded('s9', 3);
    const size = Math.ceil(list.length / 25);
    let retries = 0;
    let epoch = 3;
    for (; proxy.deaths < 20; epoch++) {
      const log = list.map((f) => ({ ...f, epoch }));
      for (let i = 0; i < log.length; i += size) {
        // Any insert of a load is at times the one that is not acknowledged: of any kind, or of the ranges at its end.
        if (proxy.deaths < 20) proxy.arm(proxy.deaths % 3);
        retries += (await loaded(l, log.slice(i, i + size))).retries;
      }
      proxy.disarm();
      assert.equal((await loaded(l, log)).duplicates, log.length);
    }
    assert.ok(retries >= 20);
    assert.equal(world.launcher.deaths, 20);
    const all = new Map([...expected(list)].map(([kind, n]) => [kind, n * (epoch - 3)]));
    assert.deepEqual(await census('s9'), all);
    assert.equal(
      await world.one(`SELECT sum(flows) FROM catenary.address_day WHERE sensor = 's9'`),
      String(2 * (all.get('conn') as number)),
    );
    await l.close();
    await proxy.close();
  });
});

/** A way to the server that cuts it off when it has done an insert and begins to say so. */
class Guillotine {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private left = -1;
  deaths = 0;

  private constructor(world: World, done: (g: Guillotine) => void) {
    const port = Number(new URL(world.access.url).port);
    this.server = createServer((from) => {
      const to = dial(port, '127.0.0.1');
      for (const s of [from, to]) {
        this.sockets.add(s);
        s.on('error', () => undefined);
        s.on('close', () => {
          this.sockets.delete(s);
          from.destroy();
          to.destroy();
        });
      }
      let isInsert = false;
      from.on('data', (chunk) => {
        if (/^POST .*INSERT/i.test(chunk.toString('latin1', 0, 4096))) isInsert = true;
        to.write(chunk);
      });
      to.on('data', (chunk) => {
        if (isInsert && this.left === 0 && chunk.toString('latin1', 0, 12) === 'HTTP/1.1 200') {
          this.left = -1;
          this.deaths++;
          process.kill(world.launcher.pid as number, 'SIGKILL');
          from.destroy();
          to.destroy();
          return;
        }
        if (isInsert && this.left > 0) this.left--;
        isInsert = false;
        from.write(chunk);
      });
    });
    this.server.listen(0, '127.0.0.1', () => done(this));
  }

  static open = (world: World): Promise<Guillotine> => new Promise((done) => new Guillotine(world, done));

  get url(): string {
    const address = this.server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }
  /** The next insert but `n` is the server's last. */
  arm(n: number): void {
    this.left = n;
  }
  disarm(): void {
    this.left = -1;
  }
  close(): Promise<void> {
    for (const s of this.sockets) s.destroy();
    return new Promise((done) => this.server.close(() => done()));
  }
}
