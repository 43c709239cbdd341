// Capture processes of a sensor, killed under traffic: each starts again alone, within two seconds, with one gap
// record; what is kept and sealed goes on; a flow that killed twice is left alone.
import assert from 'node:assert/strict';
import { type ChildProcess, spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAddon } from '../../src/capture/addon.ts';
import { pause, systemClock } from '../../src/lib/clock.ts';
import { decodeBatch } from '../../src/schema/decode.ts';
import { SCHEMA } from '../../src/schema/fingerprint.ts';
import type { CatenaryEvent, EventOf, KindName } from '../../src/schema/gen/events.gen.ts';
import { KIND_NAMES } from '../../src/schema/gen/structures.gen.ts';
import { START } from '../../src/spool/log.ts';
import { Spool } from '../../src/spool/spool.ts';
import { skip } from '../skip.ts';
import { CLI, ended, frame, NATIVE, Output, pcapOf, until, Veth, whyNot } from './veth.ts';

describe('a capture process', function () {
  this.timeout(120_000);
  let folder = '';
  let veth: Veth;
  before(function () {
    const why = whyNot();
    if (why !== undefined) skip(this, why);
    folder = mkdtempSync(join(tmpdir(), 'catenary-process-'));
    veth = new Veth(`ctyproc${process.pid}`);
  });
  after(() => {
    veth?.remove();
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  /** A line each: number and command line. Nothing where there are none. */
  const argumentsOf = (sensor: ChildProcess): string =>
    spawnSync('ps', ['-o', 'pid=,args=', '--ppid', String(sensor.pid)], { encoding: 'utf8' }).stdout;
  /** Processes of a sensor, by worker. */
  const children = (sensor: ChildProcess): number[] =>
    argumentsOf(sensor)
      .split('\n')
      .filter((line) => line.includes('catenary-capture'))
      .map((line) => [Number(/--worker (\d+)/.exec(line)?.[1]), Number.parseInt(line, 10)] as const)
      .sort(([a], [b]) => a - b)
      .map(([, pid]) => pid);

  const begin = async (name: string, workers: number, extra = '') => {
    const config = join(folder, `${name}.yaml`);
    writeFileSync(
      config,
      [
        `sensor: { name: s1, interfaces: [${veth.b}], workers: ${workers}${extra} }`,
        `state: { dir: ${name} }`,
        'memory: { budget_mb: 8 }',
        'evidence: { packets_mb: 64, segment_s: 1, files_mb: 16 }',
        'chains: { shipped: false }',
      ].join('\n'),
    );
    const sensor = veth.start(process.execPath, [CLI, 'sensor', '--config', config], 'ignore');
    const stderr = new Output(sensor.stderr);
    await veth.heard(workers).catch((error: unknown) => assert.fail(`${error}: ${stderr.text}`));
    await pause(systemClock, 500);
    const end = async (): Promise<void> => {
      sensor.kill('SIGTERM');
      await ended(sensor);
      assert.match(stderr.text, /stopped\n$/, stderr.text);
    };
    return { sensor, stderr, end, dir: join(folder, name) };
  };

  const spoken = async (dir: string) => {
    const addon = loadAddon();
    assert.ok(addon.ok);
    const { crc32c } = addon.value;
    const opened = await Spool.open({
      ...{ dir: join(dir, 'spool'), sensor: 's1', schema: SCHEMA, clock: systemClock, budgetBytes: 1 << 30, crc32c },
    });
    assert.ok(opened.ok);
    const events = new Map<KindName, CatenaryEvent[]>();
    for await (const { kind, bytes } of opened.value.read(START, { to: opened.value.durable })) {
      const name = KIND_NAMES[kind];
      if (name !== undefined) events.set(name, [...(events.get(name) ?? []), ...decodeBatch(name, bytes)]);
    }
    await opened.value.close();
    return <K extends KindName>(kind: K): EventOf[K][] => (events.get(kind) ?? []) as EventOf[K][];
  };

  const flows = (n: number): Buffer[] =>
    Array.from({ length: n }, (_, i) =>
      frame({ src: `10.0.${i >> 8}.${i & 255}`, dst: '10.9.9.9', sport: 4000, dport: 9 }),
    );

  it('killed by SEGV under traffic: one gap record, and it listens again within two seconds', async () => {
    const { sensor, stderr, end, dir } = await begin('killed', 2);
    const [first, second] = children(sensor) as [number, number];
    assert.ok(first > 0 && second > 0, 'a process for each worker');
    const traffic = join(folder, 'traffic.pcap');
    writeFileSync(traffic, pcapOf(Array.from({ length: 40 }, () => flows(100)).flat()));
    const sender = veth.start(NATIVE, ['send', traffic, veth.a, '1000']);
    // It has heard something, which is kept: a life without packets leaves no epoch.
    const kept = join(dir, 'packets', 'b0#1');
    await until(() => readdirSync(kept).some((name) => name.includes('.pcapng')), stderr.text);
    await pause(systemClock, 500);
    const at = systemClock.wall();
    process.kill(second, 'SIGSEGV');
    await until(() => children(sensor).length === 2 && !children(sensor).includes(second), stderr.text);
    await veth.heard(2);
    await ended(sender);
    assert.equal(children(sensor)[0], first, 'the other one did not notice');
    await pause(systemClock, 1500);
    await end();
    assert.match(stderr.text, /capture of b0 \(worker 1\): ended by SIGSEGV, and is started again/);
    const said = await spoken(dir);
    const gaps = said('gap').filter((gap) => gap.reason === 'capture_restarted');
    assert.equal(gaps.length, 1, JSON.stringify(gaps));
    const [gap] = gaps;
    assert.ok((gap?.lost_from ?? 0) <= at && (gap?.lost_until ?? 0) >= at);
    assert.ok((gap?.lost_until ?? 0) - at < 2e6, `${((gap?.lost_until ?? 0) - at) / 1e6} s until it listens`);
    console.log(`      listens again after ${(((gap?.lost_until ?? 0) - at) / 1e6).toFixed(2)} s`);
    // Both shares of the traffic, and its packets, sealed in an epoch for each life.
    const stats = said('capture_stats');
    assert.deepEqual([...new Set(stats.map((s) => s.worker))].sort(), [0, 1]);
    assert.ok(stats.every((s) => s.packets === s.decoded + s.app_dropped));
    assert.ok(stats.every((s) => s.decoded === s.packets_written + s.packets_cutoff + s.packets_not_kept));
    const epochs = new Set(
      readdirSync(kept)
        .filter((name) => name.endsWith('.manifest'))
        .map((name) => name.slice(0, 8)),
    );
    assert.equal(epochs.size, 2);
    // Every seal follows the one before it, also across the death.
    const verified = spawnSync(process.execPath, [CLI, 'evidence', 'verify', dir], { encoding: 'utf8' });
    assert.ok(verified.status === 0 || verified.status === 3, verified.stdout + verified.stderr);
  });

  it('that hangs is ended and started again, and the sensor is well meanwhile', async () => {
    const { sensor, stderr, end } = await begin('hung', 1);
    const [pid] = children(sensor) as [number];
    process.kill(pid, 'SIGSTOP');
    await until(() => children(sensor).length === 1 && !children(sensor).includes(pid), stderr.text, 30_000);
    await veth.heard(1);
    await end();
    assert.match(stderr.text, /capture of b0: does not answer, and is ended/);
  });

  it('has no rights, no environment, no descriptor of ours and a filter', async () => {
    const { sensor, end } = await begin('rights', 1, ', cpus: [0]');
    const [pid] = children(sensor) as [number];
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) assert.equal(field(set), '0'.repeat(16), set);
    assert.equal(field('NoNewPrivs'), '1');
    assert.equal(field('Seccomp'), '2');
    assert.equal(field('Cpus_allowed_list'), '0');
    assert.equal(readFileSync(`/proc/${pid}/environ`, 'utf8'), '');
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    const kinds = [...new Set(open.map((to) => to.replace(folder, '').replace(/[\d[\]()]+/g, '')))].sort();
    const ours = [
      ...['socket:', 'pipe:', '/dev/null', '/memfd:', '/rights/packets/', '/rights/files'],
      ...['/sys/devices/', '/sys/class/net/', '/proc/'],
    ];
    for (const to of kinds)
      assert.ok(
        ours.some((start) => to.startsWith(start)),
        kinds.join(' '),
      );
    await end();
  });

  it('that dies of a flow twice leaves it alone', async () => {
    const { sensor, stderr, end } = await begin('quarantine', 1);
    // Nothing else is sent: what is being parsed when the signal comes is this flow, or nothing.
    const one = frame({ src: '10.0.0.1', dst: '10.0.0.2', sport: 4001, dport: 53, size: 27 });
    Buffer.from('123401000001000000000000016107', 'hex').copy(one, 42);
    Buffer.from('6578616d706c650000010001', 'hex').copy(one, 57);
    const flood = join(folder, 'flood.pcap');
    writeFileSync(flood, pcapOf(Array.from({ length: 100_000 }, () => one)));
    const isQuarantined = (): boolean =>
      /died twice of the flow 10\.0\.0\.1 port 4001, 10\.0\.0\.2 port 53, protocol 17/.test(stderr.text);
    /** Whether a flow is being parsed: the first byte of the crumb (native/worker/channel.h). */
    const isParsing = (pid: number): boolean => {
      const fd = openSync(`/proc/${pid}/fd/3`, 'r');
      const byte = new Uint8Array(1);
      readSync(fd, byte, 0, 1, 128);
      closeSync(fd);
      return byte[0] === 1;
    };
    for (let deaths = 0; deaths < 2; deaths++) {
      const [pid] = children(sensor);
      assert.ok(pid !== undefined, stderr.text);
      process.kill(pid, 'SIGSTOP');
      // The ring is filled while nobody takes anything out, so that it is busy when it goes on; and is looked at until
      // it stands in the middle of a packet.
      for (let looks = 0; !isParsing(pid); looks++) {
        assert.ok(looks < 2000, 'it is never at work');
        if (looks % 20 === 0) veth.send(flood);
        process.kill(pid, 'SIGCONT');
        await pause(systemClock, 2);
        process.kill(pid, 'SIGSTOP');
      }
      process.kill(pid, 'SIGSEGV');
      process.kill(pid, 'SIGCONT');
      await until(() => !children(sensor).includes(pid) && children(sensor).length === 1, stderr.text);
      await veth.heard(1);
    }
    assert.ok(isQuarantined(), stderr.text);
    assert.match(argumentsOf(sensor), /--quarantine [0-9a-f]{76}/);
    assert.equal(veth.send(flood), 100_000);
    await end();
  });
});
