// kill -9 of the sensor, of the collector, of the store, or of all, again and again while packets come: in the end
// every record that was durable is in the store exactly once, every alert once, and nobody had to repair anything.
// `make long TARGET=system` is the long form.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/lib/clock.ts';
import { connect, type StoreAccess } from '../../src/store/access.ts';
import { buildWorld } from '../founding/world.ts';
import { randomRow } from '../random.ts';
import { needStore, skip } from '../skip.ts';

const KILLS = Number(process.env.KILLS ?? 5);
const SEED = Number(process.env.SEED ?? 1);
const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const NATIVE = fileURLToPath(new URL('../../build/cmake/catenary-native', import.meta.url));
const RATE = 1500;

const pause = (ms: number): Promise<void> => new Promise((done) => systemClock.after(ms, done));

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}

const CHAIN = `chain: everybody-visits
title: A name that everybody visits
window: 1d
by: [who]
suppress: 1d
steps:
  - { id: ask, event: dns, where: 'dns.query == "updates.vendor.example"', bind: { who: dns.orig_host }, keep: { packets: flow } }
`;

/** A service that is started, killed and started again; its output is kept for when something is wrong. */
class Service {
  output = '';
  /** Of the life that runs now. */
  life = '';
  private child: ChildProcess | undefined;
  private readonly args: readonly string[];
  constructor(...args: string[]) {
    this.args = args;
  }
  start(): void {
    const child = spawn(process.execPath, [CLI, ...this.args], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr?.on('data', (text) => {
      this.output = `${this.output}${text}`.slice(-20_000);
      if (this.child === child) this.life += text;
    });
    this.life = '';
    this.child = child;
  }
  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }
  end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((done) => {
      child.once('exit', () => done());
      child.kill(signal);
    });
  }
}

describe('the whole system, killed', function () {
  this.timeout(180_000 + KILLS * 15_000);
  const name = `cty${process.pid % 100_000}`;
  let folder = '';
  let collector: Service;
  let sensor: Service;

  before(function () {
    if (process.getuid?.() !== 0) skip(this, 'needs root, for interfaces of its own');
    if (spawnSync('ip', ['-V']).error !== undefined) skip(this, 'needs ip(8)');
    if (!existsSync(NATIVE)) skip(this, 'catenary-native is not built');
    needStore(this);
    folder = mkdtempSync(join(tmpdir(), 'catenary-system-'));
    execFileSync('ip', ['link', 'add', `${name}a`, 'type', 'veth', 'peer', 'name', `${name}b`]);
    for (const end of ['a', 'b']) execFileSync('ip', ['link', 'set', `${name}${end}`, 'up']);
  });
  after(async () => {
    await sensor?.end('SIGKILL');
    await collector?.end('SIGKILL');
    if (folder === '') return;
    spawnSync('ip', ['link', 'del', `${name}a`]);
    rmSync(folder, { recursive: true, force: true });
  });

  it(`every durable record is in the store once: ${KILLS} kills, seed ${SEED}`, async () => {
    const [listen, web] = [await freePort(), await freePort()];
    const chain = join(folder, 'everybody.yaml');
    writeFileSync(chain, CHAIN);
    const capture = join(folder, 'life.pcap');
    writeFileSync(capture, buildWorld({ hosts: 6, days: 20, beacon: 'nobody' }).pcap);
    const config = join(folder, 'catenary.yaml');
    writeFileSync(
      config,
      [
        `sensor: { name: s1, interfaces: [${name}b] }`,
        'state: { dir: state }',
        'memory: { budget_mb: 16 }',
        'evidence: { packets_mb: 64, segment_mb: 4, segment_s: 5, files_mb: 16 }',
        `ship: { url: "wss://127.0.0.1:${listen}" }`,
        `collector: { dir: collector, listen: "127.0.0.1:${listen}", console: "127.0.0.1:${web}" }`,
        `chains: { dirs: [everybody.yaml] }`,
      ].join('\n'),
    );
    collector = new Service('collector', '--config', config);
    sensor = new Service('sensor', '--config', config);
    const url = `wss://127.0.0.1:${listen}`;
    collector.start();
    for (let i = 0; !collector.output.includes('sensors at'); i++) {
      assert.ok(i < 300, collector.output);
      await pause(100);
    }
    const cli = (...args: string[]): string => execFileSync(process.execPath, [CLI, ...args], { encoding: 'utf8' });
    const token = cli('collector', 'token', 's1', '--config', config).trim();
    assert.equal(cli('enroll', url, token, '--config', config), 'enrolled as s1\n');
    sensor.start();
    await pause(1000);

    // Again and again: what was said before is said of the same hosts.
    let traffic: ChildProcess | undefined;
    let isOver = false;
    const send = (): void => {
      traffic = spawn(NATIVE, ['send', capture, `${name}a`, String(RATE)], { stdio: 'ignore' });
      traffic.once('exit', () => {
        if (!isOver) send();
      });
    };
    send();
    // What proves an alert: its packets, and a check that needs nothing of ours.
    const state = join(folder, 'state');
    for (let i = 0; !existsSync(join(state, 'alerts.ndjson')); i++) {
      assert.ok(i < 300, sensor.output);
      await pause(100);
    }
    // A segment is five seconds long: then its packets are sealed.
    await pause(7000);
    const [line = ''] = readFileSync(join(state, 'alerts.ndjson'), 'utf8').split('\n');
    const { id } = JSON.parse(line) as { id: string };
    const bundle = join(folder, 'bundle');
    const said = cli(
      'evidence',
      'export',
      id,
      '--dir',
      state,
      '--alerts',
      join(state, 'alerts.ndjson'),
      '--out',
      bundle,
    );
    assert.match(said, /^step ask: [1-9]\d* packets?, /m);
    const fingerprint = /^signed by ([0-9a-f]{64})$/m.exec(said)?.[1] ?? '';
    const verify = (): number | null =>
      spawnSync('sh', [join(bundle, 'verify.sh'), fingerprint], { cwd: bundle }).status;
    assert.equal(verify(), 0);
    const packets = join(bundle, 'packets/step-1.pcapng');
    const bytes = readFileSync(packets);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    writeFileSync(packets, bytes);
    assert.notEqual(verify(), 0, 'one bit, and it is no proof');

    // SIGHUP: a fault is told, and what was goes on; without it the new one is taken over.
    const good = readFileSync(config, 'utf8');
    const says = async (words: RegExp): Promise<void> => {
      for (let i = 0; !words.test(sensor.life); i++) {
        assert.ok(i < 100, sensor.output);
        await pause(100);
      }
    };
    writeFileSync(config, good.replace('budget_mb', 'budgetmb'));
    sensor.signal('SIGHUP');
    await says(/catenary\.yaml:3:\d+: memory\.budgetmb: no such setting[\s\S]*the configuration as it was goes on/);
    writeFileSync(config, good);
    sensor.signal('SIGHUP');
    await says(/configuration taken over/);

    const random = randomRow(SEED);
    for (let kill = 0; kill < KILLS; kill++) {
      await pause(500 + random() * 2500);
      // Each in turn, from one that the seed picks.
      const what = (kill + SEED) % 4;
      if (what === 0 || what === 3) await sensor.end('SIGKILL');
      if (what === 1 || what === 3) await collector.end('SIGKILL');
      if (what === 2) {
        const { stdout } = spawnSync('pgrep', ['-f', `catenary-store.*${folder}/collector/store`], {
          encoding: 'utf8',
        });
        for (const pid of stdout.split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL');
      }
      if (what === 1 || what === 3) collector.start();
      if (what === 0 || what === 3) sensor.start();
    }
    await pause(1000);
    isOver = true;
    traffic?.kill('SIGKILL');
    // In order: what is open is written, shipped and loaded.
    for (let i = 0; i < 600; i++) {
      if (/collector: connected/.test(sensor.life)) break;
      await pause(100);
    }
    await sensor.end('SIGTERM');
    assert.match(sensor.output, /stopped\n$/, sensor.output);

    const access = JSON.parse(readFileSync(join(folder, 'collector/store/access.json'), 'utf8')) as StoreAccess;
    const client = connect(access, access.writer);
    const rows = async (query: string): Promise<string[][]> =>
      (await (await client.query({ query, format: 'JSONCompactEachRow' })).json()) as string[][];
    try {
      const shipped = JSON.parse(spoolCursor(join(folder, 'state/spool'))) as { epoch: number; seq: number };
      const wanted = `SELECT max(last) FROM catenary.loaded_frames WHERE sensor = 's1' AND epoch = ${shipped.epoch}`;
      for (let i = 0; ; i++) {
        const [[last] = []] = await rows(wanted);
        if (Number(last) >= shipped.seq) break;
        assert.ok(i < 300, `the store has ${last} of ${shipped.seq}: ${collector.output}`);
        await pause(200);
      }
      const kinds = (
        await rows(
          "SELECT name FROM system.tables WHERE database = 'catenary' AND name IN ('conn','dns','tls','http','file','alert','signal','coverage','capture_stats','identity','weird','arp','dhcp','icmp')",
        )
      ).flat();
      let records = 0;
      for (const kind of kinds) {
        const [[all, once] = []] = await rows(
          `SELECT count(), uniqExact(sensor, frame_epoch, frame_seq, frame_index) FROM catenary.${kind}`,
        );
        assert.equal(all, once, `${kind}: ${all} rows, ${once} records`);
        records += Number(all);
      }
      const [[alerts, ids, hosts] = []] = await rows(
        'SELECT count(), uniqExact(id, revision), uniqExact(entities) FROM catenary.alert',
      );
      assert.equal(alerts, ids, 'an alert is in the store once');
      assert.ok(Number(hosts) >= 1 && Number(alerts) === Number(hosts), `${alerts} alerts about ${hosts} hosts`);
      const [[lives, quiet] = []] = await rows(
        "SELECT uniqExact(frame_epoch), count() FROM catenary.coverage WHERE sensor = 's1'",
      );
      assert.ok(Number(lives) >= 1 && Number(quiet) >= 1, 'coverage says when somebody was looking');
      const [[gaps] = []] = await rows("SELECT count() FROM catenary.gap WHERE sensor = 's1' AND reason = 'down'");
      assert.ok(Number(gaps) >= 1 || KILLS < 3, 'the time in which no sensor ran is a gap record');
      console.log(`      ${records} records, ${alerts} alerts, ${KILLS} kills, ${lives} lives of the sensor`);
    } finally {
      await client.close();
    }
    await collector.end('SIGTERM');
    assert.match(collector.output, /stopped\n$/, collector.output);
  });
});

/** Where shipping stood when the sensor ended: "EPOCH SEQ CHECKSUM". */
function spoolCursor(dir: string): string {
  const [, epoch, seq] = /^(\d+) (\d+) /.exec(readFileSync(join(dir, 'cursor.ship'), 'latin1')) ?? [];
  return JSON.stringify({ epoch: Number(epoch), seq: Number(seq) });
}
