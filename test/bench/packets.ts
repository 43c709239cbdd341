// Figures of the packet store on this machine: how fast packets are kept beside decoding and what the disk takes by
// itself in the same run, what sealing costs, how much an index grows, and how one flow of a day is found.
//
//   node --import tsx test/bench/packets.ts [GB] [DIR]
//
// GB of packets of 700 bytes, 2 unless said otherwise, over 24 hours of packet time, in DIR, which must not be there
// and goes at the end. They are made by a second process and come through a pipe, so that nothing but the store is on
// the disk: its CPU is not counted, and takes a core of its own.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openReader, packetMatcher, segmentDigester } from '../../src/capture/index.ts';
import {
  folders,
  openSigner,
  queryPackets,
  readChains,
  Segments,
  segmentFiles,
  segmentsOf,
} from '../../src/evidence/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Result } from '../../src/lib/fault.ts';
import { Pcap, udp } from '../founding/packets.ts';

const [mode = '2', dir = 'build/bench/packets', pipe = ''] = process.argv.slice(2);
const GB = 1e9;
const PACKET = 700;
const FLOW_PACKETS = 64;
const DAY_US = 86_400e6;
const T0 = 1_800_000_000e6;
const RECORD = 16;
/** Packets made before they are written. */
const BATCH = 4096;

const must = <T>(r: Result<T>): T => {
  if (!r.ok) throw new Error(`${r.fault.message} (${r.fault.hint})`);
  return r.value;
};

/** Flows of UDP, 64 packets each, eight of them at a time; ports and addresses count up. */
function make(count: number, to: string): void {
  const fd = openSync(to, 'w');
  const frame = udp(
    { mac: '02:00:00:00:00:01', ip: '10.0.0.1', port: 1 },
    { mac: '02:00:00:00:00:02', ip: '192.0.2.2', port: 4433 },
    Buffer.alloc(PACKET - 42, 0x5a),
  );
  const head = new Pcap();
  head.add(T0, frame);
  writeSync(fd, head.bytes().subarray(0, 24));
  const size = RECORD + PACKET;
  const batch = Buffer.alloc(BATCH * size);
  for (let i = 0; i < BATCH; i++) {
    batch.writeUInt32LE(PACKET, i * size + 8);
    batch.writeUInt32LE(PACKET, i * size + 12);
    frame.copy(batch, i * size + RECORD);
  }
  for (let n = 0; n < count; n += BATCH) {
    for (let i = 0; i < BATCH; i++) {
      const at = i * size;
      const us = Math.floor(((n + i) / count) * DAY_US);
      batch.writeUInt32LE(T0 / 1e6 + Math.floor(us / 1e6), at);
      batch.writeUInt32LE(us % 1e6, at + 4);
      const flow = Math.floor((n + i) / (8 * FLOW_PACKETS)) * 8 + ((n + i) % 8);
      // 10.x.x.1, and a port of its own.
      batch.writeUInt16BE((flow >> 14) & 0xffff, at + RECORD + 27);
      batch.writeUInt16BE(1024 + (flow & 0x3fff), at + RECORD + 34);
    }
    const bytes = batch.subarray(0, Math.min(BATCH, count - n) * size);
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  }
}

const seconds = (since: [number, number]): number => {
  const [s, ns] = process.hrtime(since);
  return s + ns / 1e9;
};
const cpu = (since?: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
};
const ms = (s: number): string => `${(s * 1000).toFixed(1)} ms`;
const gbit = (bytes: number, s: number): string => `${((bytes * 8) / GB / s).toFixed(2)} Gbit/s`;

function dd(bytes: number): string {
  const to = join(dir, 'dd');
  const begin = process.hrtime();
  const { status, stderr } = spawnSync(
    'dd',
    ['if=/dev/zero', `of=${to}`, 'bs=1M', `count=${Math.ceil(bytes / 2 ** 20)}`, 'conv=fsync'],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(stderr);
  const rate = gbit(bytes, seconds(begin));
  rmSync(to);
  return rate;
}

async function bench(bytes: number): Promise<void> {
  const count = Math.ceil(bytes / PACKET);
  mkdirSync(dir, { recursive: true });
  const at = folders(dir);
  const fifo = join(dir, 'fifo');
  spawnSync('mkfifo', [fifo]);
  const segments = must(
    await Segments.open({
      ...{ dir: join(at.packets, 'eth0'), evidence: dir, signer: must(openSigner(at.keys)), clock: systemClock },
      digest: must(segmentDigester()),
      circumstances: { sensor: 's', interface: 'eth0', filter: '', snaplen: 0, software: 'bench', config: '' },
    }),
  );
  console.log(`dd of ${Math.min(bytes, 4 * GB) / GB} GB, synced: ${dd(Math.min(bytes, 4 * GB))}`);
  const maker = spawn(process.execPath, ['--import', 'tsx', import.meta.filename, `make:${count}`, dir, fifo], {
    stdio: 'inherit',
  });
  const reader = must(
    openReader({
      files: [fifo],
      kinds: [],
      packets: { dir: join(at.packets, 'eth0'), epoch: segments.epoch, segmentSeconds: 900 },
    }),
  );
  const begin = process.hrtime();
  const used = process.cpuUsage();
  let sealing: Promise<unknown> = Promise.resolve();
  for await (const drain of reader.drains())
    for (const closed of must(drain).segments) sealing = sealing.then(async () => must(await segments.seal(closed)));
  await sealing;
  const wall = seconds(begin);
  const spent = cpu(used);
  maker.kill();
  const files = segmentFiles(join(at.packets, 'eth0'));
  const kept = files.reduce((n, f) => n + f.bytes, 0);
  const indexes = files.reduce((n, f) => n + statSync(f.path.replace(/pcapng$/, 'idx')).size, 0);
  console.log(
    `kept beside decoding, sealed: ${count} packets, ${(bytes / GB).toFixed(1)} GB in ${wall.toFixed(1)} s: ${gbit(bytes, wall)}; ` +
      `${spent.toFixed(1)} CPU s, ${((spent / bytes) * (GB / 8) * 100).toFixed(0)} % of a core per Gbit/s`,
  );
  const digest = must(segmentDigester());
  const before = process.cpuUsage();
  for (const f of files.slice(0, 8)) await digest(f.path);
  const hashed = files.slice(0, 8).reduce((n, f) => n + f.bytes, 0);
  console.log(`sealing alone: ${((cpu(before) / hashed) * (GB / 8) * 100).toFixed(1)} % of a core per Gbit/s`);
  console.log(
    `index: ${(indexes / 1e6).toFixed(1)} MB for ${(kept / GB).toFixed(2)} GB in ${files.length} segments: ` +
      `${((indexes / kept) * 100).toFixed(2)} %, ${(indexes / (count / FLOW_PACKETS)).toFixed(0)} bytes a flow of ${FLOW_PACKETS} packets`,
  );
  // A flow of the middle of the day, looked for in all of it.
  const flow = Math.floor(count / 2 / (8 * FLOW_PACKETS)) * 8;
  const host = `10.${(flow >> 22) & 255}.${(flow >> 14) & 255}.1`;
  const filter = `host ${host} and port ${1024 + (flow & 0x3fff)}`;
  const span = { from: BigInt(T0) * 1000n, to: BigInt(T0 + DAY_US) * 1000n };
  const match = must(packetMatcher());
  for (const how of ['first', 'warm', 'warm']) {
    const start = process.hrtime();
    const { there } = segmentsOf(readChains(at.packets), span);
    const listed = seconds(start);
    const found = must(await queryPackets(there, { filter, span }, match, () => ({ ok: true, value: undefined })));
    console.log(
      `one flow of the day, ${how}: ${ms(seconds(start))} (seals ${ms(listed)}); ${found.packets} packets, ${found.bytes} bytes ` +
        `returned of ${found.candidates} looked at in ${found.searched} of ${found.segments} segments; ${found.indexBytes} bytes of indexes read`,
    );
  }
}

if (mode.startsWith('make:')) make(Number(mode.slice(5)), pipe);
else
  try {
    await bench(Number(mode) * GB);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
