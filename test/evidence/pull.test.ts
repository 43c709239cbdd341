// Packets fetched from a sensor: over the real link, out of a real folder of segments, to a file at the collector. What
// comes is what is kept, both ends have written down who wanted it, and nobody gets more than they may.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packetMatcher } from '../../src/capture/index.ts';
import { AskingSocket, collectorSocket } from '../../src/collector/asking.ts';
import { type Fetched, PacketDesk } from '../../src/collector/packet_desk.ts';
import { PULL_WINDOW, Transfer, type Wanted } from '../../src/collector/pulls.ts';
import { runMain } from '../../src/commands/testing.ts';
import { type PullLimits, Pulls } from '../../src/evidence/index.ts';
import { PULL_BURST, PULLS_MAX } from '../../src/evidence/pull.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { PullSource } from '../../src/ship/pulls.ts';
import type { Shipper } from '../../src/ship/shipper.ts';
import { Spool } from '../../src/spool/spool.ts';
import type { Pull } from '../../src/wire/control.ts';
import { encodePiece, PIECE_BYTES_MAX } from '../../src/wire/piece.ts';
import { collector, enrolled, type Running, sha, shipper, until } from '../delivery/link.ts';
import { spoolOptions, weird } from '../delivery/world.ts';
import { makeWorld, must, START, type World } from './world.ts';

const SENSOR = 'berlin-1';
const SEGMENTS = 4;
const PACKETS = 50;
const ALL: Wanted = {
  ...{ uid: '', filter: '', from: 0, to: 9e15, bytes: 1 << 30 },
  ...{ actor: 'ada@desk', reason: 'case 7' },
};
const unlimited: PullLimits = { isAllowed: true, bytesMax: 1 << 30, hourBytesMax: 1 << 30 };

describe('evidence: packets on request', function () {
  this.timeout(60_000);
  let dir: string;
  let world: World;
  let c: Running;
  let desk: PacketDesk;
  let spool: Spool;
  let sender: Shipper;
  let limits: PullLimits;
  let asking: AskingSocket;
  let n = 0;

  before(async () => {
    dir = mkdtempSync(path.join(tmpdir(), 'catenary-pull-'));
    world = await makeWorld(dir, { segments: SEGMENTS, packetsPerSegment: PACKETS, from: 2, to: 3 });
    c = await collector(path.join(dir, 'collector-side'));
    spool = must(await Spool.open(spoolOptions(path.join(dir, 'spool'))));
    desk = new PacketDesk({
      ...{ dir: path.join(dir, 'fetched'), clock: systemClock, audit: (a) => c.audits.push(a) },
      ...{ pull: (sensor, wanted) => c.listener.pull(sensor, wanted), newId: () => `number${n++}` },
    });
    asking = must(await AskingSocket.open(collectorSocket(dir), desk));
  });
  after(async () => {
    await asking.close();
    await spool.close();
    await c.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const connect = async (source?: PullSource): Promise<void> => {
    limits = unlimited;
    const keys = await enrolled(c, SENSOR, path.join(dir, `keys${n++}`));
    const own = new Pulls({
      ...{ dir: world.dir, signer: world.signer, clock: systemClock, match: must(packetMatcher()) },
      ...{ limits: () => limits, onPull: () => undefined },
    });
    sender = shipper(c.url, SENSOR, keys, spool, { pulls: source ?? own });
    await until('it is connected', () => c.listener.sensors.length === 1 && c.listener.sensors[0]?.isWelcome === true);
  };
  afterEach(async () => {
    await sender.close();
    await until('it is gone', () => c.listener.sensors.length === 0);
    c.audits.length = 0;
  });

  const fetchIt = (more: Partial<Wanted> = {}, signal = new AbortController().signal): Promise<Fetched> =>
    desk.fetch(SENSOR, { ...ALL, ...more }, '192.0.2.5', signal);
  const bytesOf = (f: Fetched): Buffer => readFileSync(desk.pathOf(f.id) ?? '');
  const tcpdump = (file: string): string[] => {
    const { stdout, status, stderr } = spawnSync('tcpdump', ['-nn', '-tt', '-r', file], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return stdout.trimEnd().split('\n');
  };
  const custody = (): Record<string, unknown>[] =>
    readFileSync(path.join(world.dir, 'custody'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line.slice(0, line.lastIndexOf(' '))) as Record<string, unknown>);

  it('by filter and by flow: what the folder itself gives, and both ends have it in writing', async () => {
    await connect();
    const local = path.join(dir, 'local.pcapng');
    const run = await runMain('packets', 'udp port 4001', '--dir', world.dir, '--out', local);
    assert.equal(run.code, 0, run.stderr);
    const uid = String((world.alert.steps as { record: { uid: string } }[])[0]?.record.uid);
    for (const wanted of [{ filter: 'udp port 4001' }, { uid }]) {
      const fetched = await fetchIt(wanted);
      assert.deepEqual([fetched.fault, fetched.packets, fetched.segments], ['', 2 * PACKETS, SEGMENTS]);
      const bytes = bytesOf(fetched);
      assert.deepEqual(bytes, readFileSync(local));
      assert.equal(fetched.sha256, sha(bytes));
      const [view, handed] = custody().slice(-2);
      assert.deepEqual([view?.act, view?.actor, view?.reason], ['view', 'ada@desk, through the collector', 'case 7']);
      assert.deepEqual([handed?.act, handed?.sha256], ['export', fetched.sha256]);
      const [asked, done] = c.audits.slice(-2);
      assert.deepEqual([asked?.outcome, asked?.actor, asked?.target], ['asked', 'ada@desk', SENSOR]);
      assert.ok(done?.outcome === 'done' && done.detail.includes(fetched.sha256), done?.detail);
    }
    const half = await fetchIt({ from: START + 60e6, to: START + 120e6 - 1 });
    assert.equal(half.packets, PACKETS);
  });

  it('what is not there any more is said, and nothing is an answer too', async () => {
    await connect();
    const [first = ''] = world.stems();
    const gone = path.join(world.packets, `${first}.pcapng`);
    const kept = readFileSync(gone);
    unlinkSync(gone);
    const fetched = await fetchIt({ filter: 'udp port 4001' });
    writeFileSync(gone, kept);
    assert.deepEqual([fetched.deleted, fetched.segments], [1, SEGMENTS - 1]);
    const none = await fetchIt({ filter: 'port 1' });
    assert.deepEqual([none.fault, none.id, none.packets, none.sha256], ['', '', 0, '']);
  });

  it('no more than may go, in whole blocks', async () => {
    await connect();
    const all = await fetchIt();
    const most = Math.floor(all.bytes / 3);
    const asked = await fetchIt({ bytes: most });
    assert.ok(asked.fault === 'cap' && asked.bytes <= most && asked.packets > 0, JSON.stringify(asked));
    assert.equal(tcpdump(desk.pathOf(asked.id) ?? '').length, asked.packets);
    limits = { ...unlimited, bytesMax: most };
    assert.equal((await fetchIt()).bytes, asked.bytes);
    await sender.close();
    await until('it is gone', () => c.listener.sensors.length === 0);
    await connect();
    limits = { ...unlimited, hourBytesMax: most };
    const hour = await fetchIt();
    assert.ok(hour.fault === 'cap' && hour.bytes <= most && hour.packets > 0);
    const next = await fetchIt();
    assert.ok(next.fault !== '' && next.bytes < most / 10, 'this hour has had its share');
  });

  it('refused: by the configuration, for what means nothing, and when it is too often', async () => {
    await connect();
    const lines = custody().length;
    limits = { ...unlimited, isAllowed: false };
    assert.equal((await fetchIt()).fault, 'denied');
    assert.deepEqual([c.audits.at(-1)?.outcome, c.audits.at(-1)?.reason], ['refused', 'denied']);
    limits = unlimited;
    assert.equal((await fetchIt({ uid: 'C00000000000' })).fault, 'filter');
    assert.equal(custody().length, lines, 'nothing was looked at');
    const wrong = await fetchIt({ filter: 'port of call' });
    assert.ok(wrong.fault === 'filter' && wrong.detail.includes('port of call'), wrong.detail);
    assert.equal((await desk.fetch('elsewhere', ALL, '', new AbortController().signal)).fault, 'stopped');
    let often = '';
    for (let i = 0; i <= PULL_BURST && often === ''; i++) often = (await fetchIt({ filter: 'port 1' })).fault;
    assert.equal(often, 'rate');
  });

  it('a sensor that lets nobody have packets is not asked', async () => {
    await connect({ isAllowed: false, pull: () => assert.fail('was asked') });
    assert.equal((await fetchIt()).fault, 'denied');
  });

  /** A sensor that sends what it is told to. */
  const sending = (bytes: number, state: { sent: number; asked?: Pull } = { sent: 0 }): PullSource => ({
    isAllowed: true,
    async pull(asked, send) {
      state.asked = asked;
      const hash = createHash('sha256');
      let isWanted = true;
      for (; isWanted && state.sent < bytes; state.sent += PIECE_BYTES_MAX) {
        const piece = Buffer.alloc(PIECE_BYTES_MAX, state.sent / PIECE_BYTES_MAX);
        hash.update(piece);
        isWanted = await send(piece);
      }
      const none = { packets: 1, segments: 1, deleted: 0, cutoff: 0, notKept: 0, gaps: 0, detail: '' };
      return { ...none, fault: isWanted ? '' : 'stopped', bytes: state.sent, sha256: hash.digest('hex') };
    },
  });

  it('whoever takes slowly is waited for, and events do not wait meanwhile', async () => {
    const state = { sent: 0 };
    await connect(sending(8 * PULL_WINDOW, state));
    const transfer = c.listener.pull(SENSOR, ALL);
    assert.ok(transfer instanceof Transfer);
    await until('the window is full', () => state.sent >= PULL_WINDOW);
    for (let i = 0; i < 20; i++) must(await spool.append(weird(i)));
    await until('events are acknowledged', () => spool.cursor('ship').seq === spool.durable.seq);
    assert.ok(state.sent <= PULL_WINDOW + PIECE_BYTES_MAX, `${state.sent} sent and none taken`);
    let taken = 0;
    for await (const piece of transfer.bytes()) taken += piece.length;
    assert.deepEqual([taken, (await transfer.ended).fault], [8 * PULL_WINDOW, '']);
  });

  it('nobody wants the rest: the sensor stops, and no file is left', async () => {
    const state = { sent: 0 };
    await connect(sending(1 << 29, state));
    const gone = new AbortController();
    const fetching = fetchIt({}, gone.signal);
    await until('it comes', () => state.sent > 4 * PULL_WINDOW);
    gone.abort();
    const fetched = await fetching;
    assert.deepEqual([fetched.fault, fetched.id], ['stopped', '']);
    await until('it has stopped', async () => {
      const before = state.sent;
      await new Promise<void>((done) => systemClock.after(50, done));
      return before === state.sent;
    });
    assert.ok(state.sent < 1 << 29);
  });

  it('the connection ends on the way: said, and no file is left', async () => {
    const files = readdirSync(path.join(dir, 'fetched')).length;
    const state = { sent: 0 };
    await connect(sending(1 << 29, state));
    const fetching = fetchIt();
    await until('it comes', () => state.sent > 4 * PULL_WINDOW);
    await sender.close();
    const { fault, detail } = await fetching;
    assert.deepEqual([fault, detail], ['stopped', 'the connection to the sensor ended on the way']);
    assert.equal(readdirSync(path.join(dir, 'fetched')).length, files);
  });

  it('a hash that is not of what came is not believed', async () => {
    const liar = sending(PIECE_BYTES_MAX);
    await connect({
      isAllowed: true,
      pull: async (asked, send) => ({ ...(await liar.pull(asked, send)), sha256: '0'.repeat(64) }),
    });
    const fetched = await fetchIt();
    assert.deepEqual([fetched.fault, fetched.id], ['unreadable', '']);
  });

  it('a piece where none is due is refused: out of order, beyond the room, beyond what was asked for', () => {
    const rows: readonly (readonly [offset: number, bytes: number, isRight: boolean])[] = [
      [0, 1, true],
      [1, 1, false],
      [0, PIECE_BYTES_MAX, true],
      [0, PIECE_BYTES_MAX + 1, false],
    ];
    for (const [offset, bytes, isRight] of rows) {
      const transfer = new Transfer(1, PIECE_BYTES_MAX, () => undefined);
      assert.equal(transfer.take({ id: 1, offset, bytes: Buffer.alloc(bytes) }) === undefined, isRight);
    }
    const open = new Transfer(1, 1 << 30, () => undefined);
    for (let at = 0; at < PULL_WINDOW; at += PIECE_BYTES_MAX)
      assert.equal(open.take({ id: 1, offset: at, bytes: Buffer.alloc(PIECE_BYTES_MAX) }), undefined);
    assert.match(open.take({ id: 1, offset: PULL_WINDOW, bytes: Buffer.alloc(1) }) ?? '', /there was room to/);
    assert.throws(() => encodePiece({ id: 1, offset: 0, bytes: Buffer.alloc(PIECE_BYTES_MAX + 1) }), RangeError);
  });

  it('so many at once', async () => {
    await connect();
    const all = await Promise.all(Array.from({ length: PULLS_MAX + 3 }, () => fetchIt({ filter: 'udp port 4001' })));
    assert.ok(all.some((f) => f.fault === 'busy') && all.some((f) => f.fault === ''), JSON.stringify(all));
  });

  it('catenary packets --sensor: the file, what was missing, and mistakes', async () => {
    await connect();
    const config = path.join(dir, 'collector.yaml');
    writeFileSync(config, `collector: { dir: ${dir} }\n`);
    const out = path.join(dir, 'asked.pcapng');
    const ask = (filter: string, ...more: string[]) =>
      runMain('packets', filter, '--sensor', SENSOR, '--config', config, '--out', out, ...more);
    const run = await ask('udp port 4001', '--reason', 'case 9');
    assert.equal(run.code, 0, run.stderr);
    assert.ok(run.stderr.includes(`${2 * PACKETS} packets`) && run.stderr.includes(sha(readFileSync(out))), run.stderr);
    assert.equal(tcpdump(out).length, 2 * PACKETS);
    assert.match((await ask('')).stderr, /is there already/);
    rmSync(out);
    const cut = await ask('', '--max-mb', '1');
    assert.equal(cut.code, 0, cut.stderr);
    rmSync(out);
    const wrong = await ask('port of call');
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /berlin-1: filter, .*port of call/);
    assert.match((await ask('', '--flow', 'x')).stderr, /uid: is no uid of a flow/);
    assert.ok(!existsSync(out));
    const away = await runMain('packets', '', '--sensor', SENSOR, '--config', '/dev/null', '--out', out);
    assert.match(away.stderr, /collector.dir is null/);
  });
});
