// A network namespace with a pair of interfaces of its own, and packets to send from one to the other. For tests of
// live capture; needs root.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pause, systemClock } from '../../src/lib/clock.ts';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
export const CLI = path('../../dist/cli.js');
export const NATIVE = path('../../build/cmake/catenary-native');

/** Why there can be none here; undefined: there can. */
export function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root, for interfaces of its own';
  if (spawnSync('ip', ['-V']).error !== undefined) return 'needs ip(8)';
  if (!existsSync(NATIVE)) return 'catenary-native is not built';
  return undefined;
}

/** Packets are sent on `a` and heard on `b`; nothing else is there. */
export class Veth {
  readonly name: string;
  readonly a = 'a0';
  readonly b = 'b0';
  private readonly children: ChildProcess[] = [];

  constructor(name: string) {
    this.name = name;
    execFileSync('ip', ['netns', 'add', name]);
    // Nothing but what is sent: no neighbour discovery, no router solicitation.
    for (const who of ['all', 'default']) this.run('sysctl', '-qw', `net.ipv6.conf.${who}.disable_ipv6=1`);
    this.plug();
  }
  plug(): void {
    this.ip('link', 'add', this.a, 'type', 'veth', 'peer', 'name', this.b);
    for (const end of [this.a, this.b]) this.ip('link', 'set', end, 'arp', 'off', 'up');
  }
  ip(...args: string[]): string {
    return execFileSync('ip', ['-n', this.name, ...args], { encoding: 'utf8' });
  }
  run(command: string, ...args: string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.name, command, ...args], { encoding: 'utf8' });
  }
  start(
    command: string,
    args: readonly string[],
    output: 'pipe' | 'ignore' = 'pipe',
    input: 'pipe' | 'ignore' = 'ignore',
  ): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', this.name, command, ...args], { stdio: [input, output, 'pipe'] });
    this.children.push(child);
    return child;
  }
  /** Number of packets sent of a capture. */
  send(capture: string, rate = 0): number {
    return (JSON.parse(this.run(NATIVE, 'send', capture, this.a, String(rate))) as { sent: number }).sent;
  }
  received(): number {
    return Number(this.run('cat', `/sys/class/net/${this.b}/statistics/rx_packets`));
  }
  /** Until so many sockets listen on `b`. */
  async heard(sockets: number): Promise<void> {
    const index = this.run('cat', `/sys/class/net/${this.b}/ifindex`).trim();
    await until(() => {
      const rows = this.run('cat', '/proc/net/packet').split('\n').slice(1);
      return rows.filter((row) => row.trim().split(/\s+/)[4] === index).length === sockets;
    }, 'nobody listens');
  }
  remove(): void {
    for (const child of this.children) child.kill('SIGKILL');
    spawnSync('ip', ['netns', 'del', this.name]);
  }
}

export async function until(holds: () => boolean, what: string, ms = 20_000): Promise<void> {
  const end = systemClock.monotonic() + ms;
  while (!holds()) {
    if (systemClock.monotonic() > end) throw new Error(what);
    await pause(systemClock, 50);
  }
}

/** What a child wrote, as it comes. */
export class Output {
  text = '';
  constructor(stream: NodeJS.ReadableStream | null) {
    stream?.on('data', (bytes) => {
      this.text += bytes;
    });
  }
}

export const ended = (child: ChildProcess): Promise<number | null> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve(child.exitCode)
    : new Promise((done) => child.once('close', (code) => done(code)));

export interface Datagram {
  readonly src: string;
  readonly dst: string;
  readonly sport: number;
  readonly dport: number;
  /** Bytes of UDP's payload. */
  readonly size?: number;
  /** Of the Ethernet header on: 802.1Q, 802.1ad and MPLS in hexadecimal, with the type of what follows. */
  readonly tags?: string;
  /** Offset in bytes and whether more come; the first has the UDP header. */
  readonly fragment?: readonly [offset: number, more: boolean];
}

const u16 = (n: number): string => n.toString(16).padStart(4, '0');
const isV6 = (address: string): boolean => address.includes(':');
/** Without '::': tests write addresses out. */
const addressHex = (address: string): string =>
  isV6(address)
    ? address
        .split(':')
        .map((g) => u16(Number.parseInt(g, 16)))
        .join('')
    : address
        .split('.')
        .map((n) => Number(n).toString(16).padStart(2, '0'))
        .join('');

/** An Ethernet frame; checksums of UDP are left out, as IPv4 allows. */
export function frame(d: Datagram): Buffer {
  const size = d.size ?? 10;
  const [offset, more] = d.fragment ?? [0, false];
  const udp = offset > 0 ? '' : `${u16(d.sport)}${u16(d.dport)}${u16(8 + size)}0000`;
  const payload = udp + '61'.repeat(size);
  const length = payload.length / 2;
  const v6 = isV6(d.src);
  const flags = (more ? 0x2000 : 0) | (offset >> 3);
  const addresses = addressHex(d.src) + addressHex(d.dst);
  const extension = v6 && d.fragment ? `1100${u16((offset & 0xfff8) | Number(more))}00000007` : '';
  const ip = v6
    ? `60000000${u16(length + extension.length / 2)}${extension === '' ? '11' : '2c'}40${addresses}${extension}`
    : `4500${u16(20 + length)}0007${u16(flags)}40110000${addresses}`;
  const type = d.tags ?? (v6 ? '86dd' : '0800');
  return Buffer.from(`020000000002020000000001${type}${ip}${payload}`, 'hex');
}

/** Classic pcap, Ethernet, a millisecond apart. */
export function pcapOf(frames: readonly Buffer[]): Buffer {
  const head = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex');
  const parts: Uint8Array[] = [head];
  frames.forEach((f, i) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(1_700_000_000 + Math.floor(i / 1000), 0);
    record.writeUInt32LE((i % 1000) * 1000, 4);
    record.writeUInt32LE(f.length, 8);
    record.writeUInt32LE(f.length, 12);
    parts.push(record, f);
  });
  return Buffer.concat(parts);
}

export const jsonLines = <T>(file: string): T[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
