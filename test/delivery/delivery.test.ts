import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { WebSocket } from 'ws';
import { newKey } from '../../src/collector/authority.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Identity } from '../../src/ship/enroll.ts';
import { enroll } from '../../src/ship/enroll.ts';
import { pauseMs } from '../../src/ship/shipper.ts';
import { Spool } from '../../src/spool/spool.ts';
import { decodeControl, encodeControl, type Hello } from '../../src/wire/control.ts';
import { encodeFrame, isWireFault, MESSAGE_BYTES_MAX, type Sent } from '../../src/wire/frame.ts';
import { smallDisk } from '../skip.ts';
import { collector, drainWal, enrolled, type Running, sha, shipper, until } from './link.ts';
import { faultyDisk, folder, must, native, readAll, removeFolders, SCHEMA, spoolOptions, weird } from './world.ts';

const open = async (dir: string, more = {}): Promise<Spool> => must(await Spool.open(spoolOptions(dir, more)));
const isAt = (spool: Spool) => () => {
  const { epoch, seq } = spool.cursor('ship');
  return epoch === spool.durable.epoch && seq >= spool.durable.seq;
};

const hello: Hello = {
  ...{ t: 'hello', protocol: 1, sensor: 'berlin-1', epoch: 1, schema: SCHEMA, acked: { epoch: 0, seq: 0 } },
  ...{ live: null, software: 'test', pull: false },
};
type Odd = Partial<Omit<Sent, 'frame'>> & { readonly frame?: Partial<Sent['frame']> };
const sentOf = (seq: number, more: Odd = {}): Sent => {
  const b = weird(seq);
  const frame = { ...b, epoch: 1, seq, schema: SCHEMA, crc: native.crc32c(b.bytes), ...more.frame };
  return { after: seq - 1, live: false, ...more, frame };
};

/** A sensor that says whatever it is told to. */
class Puppet {
  readonly ws: WebSocket;
  readonly said: string[] = [];
  readonly over: Promise<unknown>;
  constructor(url: string, keys: Partial<Identity>, more: object = {}) {
    const { key, certificate: cert, ca } = keys;
    const tls = { ...(key && { key }), ...(cert && { cert }), ...(ca && { ca }), servername: 'catenary-collector' };
    this.ws = new WebSocket(`${url}/sensor`, { perMessageDeflate: false, ...tls, ...more });
    this.ws.on('error', (e) => this.said.push(`error ${e.message}`));
    this.over = new Promise((done) => this.ws.on('close', done));
    this.ws.on('message', (data: Buffer) => {
      const m = decodeControl(data, ['welcome', 'ack', 'credit', 'refuse']);
      if (isWireFault(m)) this.said.push('nonsense');
      else this.said.push(m.t === 'refuse' ? `refuse ${m.code}` : m.t === 'ack' ? `ack ${m.mark.seq}` : m.t);
    });
  }
  async hello(h: Partial<Hello> = {}): Promise<this> {
    if (this.ws.readyState !== WebSocket.OPEN) await once(this.ws, 'open');
    this.ws.send(encodeControl({ ...hello, ...h }));
    return this;
  }
  async frame(sent: Sent): Promise<void> {
    this.ws.send(await encodeFrame(native, sent));
  }
}

describe('delivery', () => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const clean of cleanups.splice(0).reverse()) await clean();
    await removeFolders();
  });
  const started = async (...args: Parameters<typeof collector>): Promise<Running> => {
    const c = await collector(...args);
    cleanups.push(() => c.stop());
    return c;
  };

  it('the whole way: a token, a certificate, frames, acknowledgements, the log, blocks for the store', async () => {
    const c = await started(await folder());
    const dir = await folder();
    const keys = await enrolled(c, 'berlin-1', path.join(dir, 'keys'));
    const spool = await open(path.join(dir, 'spool'));
    for (let i = 0; i < 20; i++) must(await spool.append(weird(i)));
    const s = shipper(c.url, 'berlin-1', keys, spool);
    await until('all is acknowledged', isAt(spool));
    for (let i = 20; i < 30; i++) must(await spool.append(weird(i)));
    await until('what came later is acknowledged', isAt(spool));
    const sent = await readAll(spool, { epoch: 0, seq: 0 });
    assert.equal(s.counters.frames, 30);
    assert.equal(s.counters.events, 30);
    await s.close();
    await spool.close();
    const stored = await drainWal(c.wal);
    assert.deepEqual(
      stored.map((f) => [f.sensor, f.epoch, f.seq, f.kind, f.count, sha(f.bytes)]),
      sent.map((f) => ['berlin-1', f.epoch, f.seq, f.kind, f.count, sha(f.bytes)]),
    );
    assert.equal(c.wal.marks.mark('berlin-1', 1), 30);
    assert.deepEqual(
      c.audits.map((a) => [a.action, a.outcome]),
      [['enroll', 'done']],
    );
  });

  it('after an outage what is new goes first, the backlog beside it, and all is there once', async () => {
    const c = await started(await folder(), { limits: { credit: { frames: 4, bytes: 1 << 20 } } });
    const dir = await folder();
    const keys = await enrolled(c, 'berlin-1', path.join(dir, 'keys'));
    const spool = await open(path.join(dir, 'spool'), { segmentBytes: 4096 });
    await Promise.all(Array.from({ length: 300 }, (_, i) => spool.append(weird(i))));
    const s = shipper(c.url, 'berlin-1', keys, spool);
    await until('it is connected', () => s.counters.connections === 1);
    for (let i = 300; i < 310; i++) must(await spool.append(weird(i)));
    await until('all is acknowledged', isAt(spool));
    await s.close();
    await spool.close();
    const seqs = (await drainWal(c.wal)).map((f) => f.seq);
    assert.deepEqual(
      [...seqs].sort((a, b) => a - b),
      Array.from({ length: 310 }, (_, i) => i + 1),
    );
    assert.ok(seqs.indexOf(301) < seqs.indexOf(300), 'the first new one came before the last old one');
    assert.equal(c.wal.marks.mark('berlin-1', 1), 310);
  });

  it('a collector that stops and comes back: nothing twice, nothing lost, over lives of both', async () => {
    const dir = await folder();
    let c = await collector(dir);
    const port = c.listener.port;
    const keys = await enrolled(c, 'berlin-1', path.join(dir, 'sensor'));
    const names: string[] = [];
    for (let life = 1; life <= 3; life++) {
      const spool = await open(path.join(dir, 'spool'));
      const s = shipper(c.url, 'berlin-1', keys, spool);
      for (let i = 0; i < 40; i++) {
        must(await spool.append(weird(i, `e${life}_${i}`)));
        names.push(`${life}/${i + 1}`);
        if (i === 13) {
          await c.stop();
          c = await collector(dir, { port });
        }
      }
      await until('all is acknowledged', isAt(spool));
      await s.close();
      await spool.close();
    }
    assert.deepEqual(
      (await drainWal(c.wal)).map((f) => `${f.epoch}/${f.seq}`),
      names,
    );
    await c.stop();
  });

  it('a frame that is wrong ends its own connection, with a reason and an audit event, and no other', async () => {
    const c = await started(await folder());
    const dir = await folder();
    const keys = await enrolled(c, 'berlin-1', path.join(dir, 'a'));
    const other = await enrolled(c, 'lyon-2', path.join(dir, 'b'));
    const good = await new Puppet(c.url, other).hello({ sensor: 'lyon-2' });
    await until('lyon is welcome', () => good.said.includes('welcome'));
    const bytes = weird(1).bytes;
    const crc = (b: Uint8Array) => ({ bytes: b, crc: native.crc32c(b) });
    const nest = Buffer.concat([bytes.subarray(0, 1), Buffer.alloc(500_000, 0x91)]);
    const cases: [string, string, Sent][] = [
      ['cut', 'records', sentOf(1, { frame: crc(bytes.subarray(0, bytes.length - 1)) })],
      ['nested', 'records', sentOf(1, { frame: crc(nest) })],
      ['count', 'records', sentOf(1, { frame: { count: 2 } })],
      ['times', 'records', sentOf(1, { frame: { lastSeen: 1 } })],
      ['kind', 'records', sentOf(1, { frame: { kind: 1 } })],
      ['no such kind', 'frame', sentOf(1, { frame: { kind: 999 } })],
      ['schema', 'schema', sentOf(1, { frame: { schema: 77 } })],
      ['damage', 'frame', sentOf(1, { frame: { crc: 1 } })],
      ['gap', 'gap', sentOf(5)],
      ['epoch', 'order', sentOf(1, { frame: { epoch: 2 } })],
      ['stream', 'order', sentOf(1, { live: true })],
    ];
    for (const [what, code, sent] of cases) {
      const bad = await new Puppet(c.url, keys).hello();
      await until(`${what}: welcome`, () => bad.said.includes('welcome'));
      await bad.frame(sent);
      await bad.over;
      assert.deepEqual(bad.said, ['welcome', `refuse ${code}`], what);
      const audit = c.audits.at(-1);
      assert.deepEqual([audit?.actor, audit?.outcome, audit?.reason], ['berlin-1', 'refused', code], what);
    }
    assert.equal(c.wal.counters.appended, 0);
    await good.frame(sentOf(1));
    await until('lyon is acknowledged', () => good.said.includes('ack 1'));
    good.ws.terminate();
  });

  it('hello: another name, another schema, an old epoch, no hello, text, a message too large, too much at once', async () => {
    const c = await started(await folder(), { limits: { helloMs: 300, credit: { frames: 4, bytes: 1 << 20 } } });
    const keys = await enrolled(c, 'berlin-1', path.join(await folder(), 'a'));
    const said = async (h: Partial<Hello>): Promise<string[]> => {
      const p = await new Puppet(c.url, keys).hello(h);
      await p.over;
      return p.said;
    };
    assert.deepEqual(await said({ sensor: 'lyon-2' }), ['refuse identity']);
    assert.deepEqual(await said({ schema: 2 }), ['refuse schema']);
    assert.deepEqual(await said({ protocol: 2 }), ['refuse protocol']);
    assert.deepEqual(await said({ acked: { epoch: 2, seq: 1 } }), ['refuse protocol']);
    const first = await new Puppet(c.url, keys).hello({ epoch: 9 });
    await until('welcome', () => first.said.includes('welcome'));
    await first.frame(sentOf(1, { frame: { epoch: 9 } }));
    await until('ack', () => first.said.includes('ack 1'));
    // A snapshot put back, while the other runs.
    assert.deepEqual(await said({ epoch: 8 }), ['refuse epoch_rollback']);
    // The same sensor again: the newest one stays.
    const second = await new Puppet(c.url, keys).hello({ epoch: 9, acked: { epoch: 9, seq: 1 } });
    await first.over;
    assert.equal(first.said.at(-1), 'refuse replaced');
    second.ws.send('text');
    await second.over;
    assert.equal(second.said.at(-1), 'refuse protocol');
    const silent = new Puppet(c.url, keys);
    await silent.over;
    assert.deepEqual(silent.said, ['refuse deadline']);
    const large = await new Puppet(c.url, keys).hello({ epoch: 9 });
    large.ws.send(Buffer.alloc(MESSAGE_BYTES_MAX + 1));
    await large.over;
    assert.ok(large.said.every((m) => m === 'welcome' || m.startsWith('refuse') || m.startsWith('error')));
    const flood = await new Puppet(c.url, keys).hello({ epoch: 9 });
    for (let i = 2; i < 50; i++) await flood.frame(sentOf(i, { frame: { epoch: 9 } }));
    await flood.over;
    assert.equal(flood.said.at(-1), 'refuse credit');
  });

  it('certificates: none, another authority, a browser; tokens: used, expired, unknown, of another collector', async () => {
    let now = 1_700_000_000_000_000;
    const c = await started(await folder());
    const stranger = await started(await folder());
    const dir = await folder();
    const keys = await enrolled(c, 'berlin-1', path.join(dir, 'a'));
    const alien = await enrolled(stranger, 'berlin-1', path.join(dir, 'b'));
    const turned = async (k: Partial<Identity>, more = {}): Promise<string> => {
      const p = new Puppet(c.url, k, more);
      await p.over;
      return p.said.join();
    };
    assert.match(await turned({ ca: keys.ca }), /403/);
    assert.match(await turned({ ...alien, ca: keys.ca }), /403/);
    assert.match(await turned(keys, { origin: 'https://example.org' }), /404/);
    // The sensor does not speak to a collector of another authority either.
    assert.match(await turned({ ...keys, ca: alien.ca }), /self.signed|verify|issuer/);
    assert.ok(c.audits.some((a) => a.action === 'connect' && a.reason === 'certificate'));

    const token = await c.token('lyon-2');
    assert.equal(must(await enroll(c.url, token, path.join(dir, 'c'))), 'lyon-2');
    const again = await enroll(c.url, token, path.join(dir, 'd'));
    assert.ok(!again.ok && /used before/.test(again.fault.message));
    assert.deepEqual([c.audits.at(-1)?.reason, c.audits.at(-1)?.actor], ['token_used', 'lyon-2']);
    const other = await enroll(c.url, await stranger.token('lyon-2'), path.join(dir, 'd'));
    assert.ok(!other.ok && /is not the collector/.test(other.fault.message));
    const guess = `catenary1.${token.split('.')[1]}.${'A'.repeat(43)}`;
    assert.ok(!(await enroll(c.url, guess, path.join(dir, 'd'))).ok);
    assert.equal(c.audits.at(-1)?.reason, 'token_unknown');
    const clock = { wall: () => now, monotonic: () => 0, after: () => ({ cancel: () => undefined }) };
    const late = await started(await folder(), { clock });
    const old = await late.token('lyon-2');
    now += 15 * 60e6;
    assert.ok(!(await enroll(late.url, old, path.join(dir, 'd'))).ok);
    assert.equal(late.audits.at(-1)?.reason, 'token_expired');
    assert.equal((await c.tokens.make('collector')).ok, false);
    // Two at once with one token: one.
    const twice = await c.token('oslo-3');
    const both = await Promise.all([1, 2].map((i) => enroll(c.url, twice, path.join(dir, `e${i}`))));
    assert.equal(both.filter((r) => r.ok).length, 1);
    assert.ok(newKey().privateKey.includes('PRIVATE KEY'));
  });

  it('a full disk: no acknowledgement, a clear reason, and it goes on by itself', async () => {
    let isFull = false;
    const disk = faultyDisk((verb, file) =>
      isFull && verb === 'write' && file.endsWith('.seg') ? 'ENOSPC' : undefined,
    );
    const c = await started(await folder(), {}, { disk });
    const dir = await folder();
    const keys = await enrolled(c, 'berlin-1', path.join(dir, 'keys'));
    const spool = await open(path.join(dir, 'spool'));
    must(await spool.append(weird(0)));
    const reasons: string[] = [];
    const s = shipper(c.url, 'berlin-1', keys, spool, {
      onState: (st) => st.state === 'waiting' && reasons.push(`${st.refusal} ${st.reason}`),
      clock: { ...systemClock, after: (ms, then) => systemClock.after(Math.min(ms, 20), then) },
    });
    await until('the first is acknowledged', isAt(spool));
    isFull = true;
    must(await spool.append(weird(1)));
    await until('it is refused', () => reasons.some((r) => r.startsWith('disk_full')));
    assert.match(reasons.find((r) => r.startsWith('disk_full')) ?? '', /no space left/);
    assert.equal(spool.cursor('ship').seq, 1);
    isFull = false;
    await until('all is acknowledged', isAt(spool));
    await s.close();
    await spool.close();
    assert.deepEqual(
      (await drainWal(c.wal)).map((f) => f.seq),
      [1, 2],
    );
  });

  it('too many sockets of one address are turned away', async () => {
    const c = await started(await folder(), { limits: { socketsPerAddress: 3 } });
    const keys = await enrolled(c, 'berlin-1', path.join(await folder(), 'a'));
    await until('the enrolling socket is gone', () => c.listener.counters.accepted === 1);
    const puppets = [1, 2, 3].map(() => new Puppet(c.url, keys));
    await Promise.all(puppets.map((p) => once(p.ws, 'open')));
    const one = new Puppet(c.url, keys);
    await one.over;
    assert.equal(c.listener.counters.turnedAway, 1);
    for (const p of puppets) p.ws.terminate();
  });

  it('pauses: full jitter over a range that doubles from a second to five minutes', () => {
    const most = (n: number): number => n - 1;
    assert.deepEqual(
      [0, 1, 8, 9, 50].map((n) => pauseMs(n, most)),
      [1000, 2000, 256_000, 300_000, 300_000],
    );
    assert.equal(
      pauseMs(9, () => 0),
      1,
    );
  });

  it('a collector killed at any moment: what was acknowledged is in its log exactly once', async function () {
    this.timeout(120_000);
    const dir = await folder();
    const acked = new Map<string, string>();
    for (let life = 0; life < 6; life++) {
      const child = spawn(process.execPath, ['--import', 'tsx', path.join(import.meta.dirname, 'wal_child.ts'), dir], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let text = '';
      let lines = 0;
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk;
        lines += chunk.toString().split('\n').length - 1;
        if (lines >= 5 + ((life * 29) % 50)) child.kill('SIGKILL');
      });
      await once(child, 'close');
      for (const line of text.split('\n').slice(0, -1)) {
        const [key = '', hash = ''] = line.split(' ');
        assert.ok(!acked.has(key), key);
        acked.set(key, hash);
      }
    }
    const c = await collector(dir);
    const found = new Map<string, string>();
    for (const f of await drainWal(c.wal)) {
      const key = `${f.sensor}/${f.epoch}/${f.seq}`;
      assert.ok(!found.has(key), `${key} is there twice`);
      found.set(key, sha(f.bytes));
    }
    for (const [key, hash] of acked) assert.equal(found.get(key), hash, key);
    await c.stop();
    // And what the loader was given in the killed lives is not given again.
    assert.ok(found.size >= acked.size);
  });

  it('a full disk under the log: nothing is acknowledged, it says so, and goes on by itself', async function () {
    const dir = await folder();
    const unmount = smallDisk(this, dir, '4m');
    cleanups.push(async () => unmount());
    const c = await started(dir);
    const keys = await enrolled(c, 'oslo-1', path.join(await folder(), 'keys'));
    const spool = await open(path.join(await folder(), 'spool'));
    const filler = path.join(dir, 'filler');
    assert.throws(() => {
      for (;;) appendFileSync(filler, Buffer.alloc(4096));
    }, /ENOSPC/);
    const s = shipper(c.url, 'oslo-1', keys, spool);
    // More than the rest of a page.
    for (let i = 0; i < 100; i++) must(await spool.append(weird(i)));
    await until('the log is full', () => c.wal.counters.failed > 0);
    assert.ok(!isAt(spool)(), 'what is not on the collector’s disk is not acknowledged');
    rmSync(filler);
    await until('all is acknowledged', isAt(spool));
    await s.close();
    const sent = await readAll(spool, { epoch: 0, seq: 0 });
    const stored = await drainWal(c.wal);
    assert.deepEqual(
      [...new Set(stored.map((f) => f.seq))].sort((a, b) => a - b),
      sent.map((f) => f.seq),
    );
    assert.equal(stored.length, sent.length, 'each once');
    await spool.close();
  });
});
