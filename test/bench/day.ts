// A day of traffic: every capture of the tree again and again, each time at a later hour and between other hosts,
// through one decoder. Memory has to stand still once the tables have their size.
//
//   make day         node --import tsx test/bench/day.ts [--hours 24] [--laps 4] [--cli]
//
// Prints resident memory at every hour of packet time. Exit 1 when it grows by more than GROWTH_KB from a quarter of
// the time to its end. --cli: `catenary read` with Node, instead of the native core alone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { CLI, ended, NATIVE, Output } from '../capture/veth.ts';
import { ETHERNET, packets } from '../pcap.mjs';

/** What an allocator may still take when everything has been seen once. */
export const GROWTH_KB = 8 * 1024;
const HOUR = 3600;
const BEGIN = 1_700_000_000;

export interface Day {
  readonly packets: number;
  /** Resident memory at the end of each hour [KiB]. */
  readonly rss: readonly number[];
  readonly summary: string;
}

/** Every packet of the tree's captures of Ethernet. */
function trace(root: string): Buffer[] {
  const folder = join(root, 'native');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\/captures\/[^/]+\.pcap$/.test(name))
    .sort()
    .map((name) => join(folder, name));
  return files.flatMap((file) => {
    const { link, list } = packets(readFileSync(file));
    return link === ETHERNET ? list : [];
  });
}

/** Other hosts: the second byte of both addresses of IPv4 changes with the lap. */
function moved(frame: Buffer, lap: number): Buffer {
  const out = Buffer.from(frame);
  if (out.length < 34 || out.readUInt16BE(12) !== 0x0800) return out;
  for (const at of [27, 31]) out.writeUInt8((out.readUInt8(at) + lap) & 0xff, at);
  return out;
}

const rssOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN);

export async function day(root: string, hours: number, laps: number, viaNode: boolean): Promise<Day> {
  const frames = trace(root);
  const [command, args]: [string, string[]] = viaNode
    ? [process.execPath, [CLI, 'read', '-', '--as', 'none']]
    : [NATIVE, ['read', '-']];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const [out, log] = [new Output(child.stdout), new Output(child.stderr)];
  const write = async (bytes: Buffer): Promise<void> => {
    if (!child.stdin.write(bytes)) await once(child.stdin, 'drain');
  };
  await write(Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex'));
  const rss: number[] = [];
  const step = HOUR / laps / frames.length;
  for (let hour = 0; hour < hours; hour++) {
    for (let lap = 0; lap < laps; lap++) {
      const from = BEGIN + (hour + lap / laps) * HOUR;
      const parts = frames.flatMap((frame, i) => {
        const at = from + i * step;
        const head = Buffer.alloc(16);
        head.writeUInt32LE(Math.floor(at), 0);
        head.writeUInt32LE(Math.floor((at % 1) * 1e6), 4);
        head.writeUInt32LE(frame.length, 8);
        head.writeUInt32LE(frame.length, 12);
        return [head, moved(frame, hour * laps + lap)];
      });
      await write(Buffer.concat(parts));
    }
    // All but what the pipe holds is decoded by now.
    rss.push(rssOf(child.pid as number));
  }
  child.stdin.end();
  await ended(child);
  return { packets: frames.length * hours * laps, rss, summary: out.text.trim() || log.text.trim() };
}

/** From a quarter of the time on [KiB]. */
export function growth({ rss }: Day): number {
  const quarter = rss[Math.floor(rss.length / 4)] ?? Number.NaN;
  return (rss.at(-1) ?? Number.NaN) - quarter;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      hours: { type: 'string', default: '24' },
      laps: { type: 'string', default: '4' },
      cli: { type: 'boolean', default: false },
    },
  });
  const done = await day('.', Number(values.hours), Number(values.laps), values.cli);
  done.rss.forEach((kb, hour) => {
    console.log(`hour ${String(hour + 1).padStart(2)}  ${(kb / 1024).toFixed(1).padStart(7)} MiB`);
  });
  console.log(`${done.packets} packets; grows by ${(growth(done) / 1024).toFixed(1)} MiB from a quarter on`);
  console.log(done.summary);
  process.exitCode = growth(done) <= GROWTH_KB ? 0 : 1;
}
