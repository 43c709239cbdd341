// What an interface hears, judged by a few seconds of its frames: is it what a span port sends, is it whole, is it sent
// twice. A span port's mark is unicast between others: a switch would not have sent that here.
import { createHash } from 'node:crypto';

/** What is counted of each, at most; more would not change the picture. */
const FLOWS_MAX = 65_536;
const FRAMES_REMEMBERED = 65_536;
/** A copy that a second mirror sends comes at once; a retransmission takes longer, and has another IP id [ns]. */
const COPY_NS = 50_000_000n;
const TAGS_MAX = 2;
const VLAN_TYPES = new Set([0x8100, 0x88a8]);
const [IPV4, IPV6, TCP, UDP] = [0x0800, 0x86dd, 6, 17];

export interface Frame {
  /** Packet time [ns]. */
  readonly ts: bigint;
  /** From the Ethernet header on; it may be cut. */
  readonly bytes: Uint8Array;
  readonly wireBytes: number;
}

export interface Heard {
  readonly frames: number;
  readonly bytes: number;
  /** Unicast from others to others. */
  readonly foreign: number;
  readonly vlans: ReadonlyMap<number, number>;
  /** Frames whose packet had just been seen. */
  readonly copies: number;
  /** IP packets: what copies are a share of. */
  readonly packets: number;
  /** TCP flows of two packets and more; and those of which only one side was heard. */
  readonly flows: number;
  readonly oneWay: number;
}

const macOf = (b: Buffer, at: number): string => b.toString('hex', at, at + 6);

export class Listener {
  private readonly own: string;
  private frames = 0;
  private bytes = 0;
  private foreign = 0;
  private copies = 0;
  private packets = 0;
  private readonly vlans = new Map<number, number>();
  /** Packets by their digest, when they were seen; the oldest goes first. */
  private readonly seen = new Map<string, bigint>();
  /** Of each TCP flow, packets from the lower end and from the higher. */
  private readonly flows = new Map<string, [number, number]>();

  /** @param mac  of the interface: "00:11:22:aa:bb:cc" */
  constructor(mac: string) {
    this.own = mac.replaceAll(':', '');
  }

  take({ ts, bytes, wireBytes }: Frame): void {
    this.frames++;
    this.bytes += wireBytes;
    const b = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (b.length < 14) return;
    const [to, from] = [macOf(b, 0), macOf(b, 6)];
    // The lowest bit of the first byte: multicast and broadcast. Loopback has no addresses at all.
    const isUnicast = ((b[0] as number) & 1) === 0 && to !== '000000000000';
    if (isUnicast && to !== this.own && from !== this.own) this.foreign++;
    let at = 12;
    for (let tags = 0; tags < TAGS_MAX && b.length >= at + 6 && VLAN_TYPES.has(b.readUInt16BE(at)); tags++) {
      const id = b.readUInt16BE(at + 2) & 0xfff;
      this.vlans.set(id, (this.vlans.get(id) ?? 0) + 1);
      at += 4;
    }
    this.takePacket(ts, b.readUInt16BE(at), b.subarray(at + 2));
  }

  private takePacket(ts: bigint, type: number, ip: Buffer): void {
    const isV4 = type === IPV4 && ip.length >= 20;
    if (!isV4 && !(type === IPV6 && ip.length >= 40)) return;
    this.packets++;
    const header = isV4 ? ((ip[0] as number) & 15) * 4 : 40;
    const ends = isV4 ? ip.subarray(12, 20) : ip.subarray(8, 40);
    const proto = ip[isV4 ? 9 : 6] as number;
    this.takeCopy(ts, isV4, ip, header);
    if ((proto !== TCP && proto !== UDP) || header < 20 || ip.length < header + 4) return;
    if (proto === TCP) this.takeFlow(ends, ip.subarray(header, header + 4));
  }

  /** The same packet, but for what a router or a switch changes on the way: TTL, its checksum, tags. */
  private takeCopy(ts: bigint, isV4: boolean, ip: Buffer, header: number): void {
    const same = Buffer.from(ip);
    // An IPv4 packet without an id, RFC 6864, cannot be told from its neighbour unless its content can.
    if (isV4) {
      same[8] = 0;
      same.fill(0, 10, 12);
    } else same[7] = 0;
    if (header >= same.length) return;
    const digest = createHash('sha1').update(same).digest('base64');
    const before = this.seen.get(digest);
    if (before !== undefined && ts - before <= COPY_NS) this.copies++;
    this.seen.delete(digest);
    this.seen.set(digest, ts);
    if (this.seen.size > FRAMES_REMEMBERED) this.seen.delete(this.seen.keys().next().value as string);
  }

  private takeFlow(addresses: Buffer, ports: Buffer): void {
    const half = addresses.length / 2;
    const end = (n: 0 | 1): string =>
      addresses.toString('latin1', n * half, (n + 1) * half) + ports.toString('latin1', n * 2, n * 2 + 2);
    const [from, to] = [end(0), end(1)];
    const isUp = from < to;
    const key = isUp ? from + to : to + from;
    let flow = this.flows.get(key);
    if (flow === undefined) {
      if (this.flows.size >= FLOWS_MAX) return;
      flow = [0, 0];
      this.flows.set(key, flow);
    }
    flow[isUp ? 0 : 1]++;
  }

  get heard(): Heard {
    const flows = [...this.flows.values()].filter(([up, down]) => up + down >= 2);
    return {
      ...{ frames: this.frames, bytes: this.bytes, foreign: this.foreign, vlans: this.vlans },
      ...{ copies: this.copies, packets: this.packets, flows: flows.length },
      oneWay: flows.filter(([up, down]) => up === 0 || down === 0).length,
    };
  }
}

/** A handful of frames is no sample. */
const FOREIGN_MIN = 10;
const FLOWS_MIN = 5;

/** Most of what comes is between others. */
export const isSpan = (h: Heard): boolean => h.foreign >= FOREIGN_MIN && h.foreign * 2 >= h.frames;
/** Of most flows only one side comes. */
export const isOneWay = (h: Heard): boolean => h.flows >= FLOWS_MIN && h.oneWay * 2 > h.flows;
/** Each twentieth packet comes again. */
export const hasCopies = (h: Heard): boolean => h.copies >= FOREIGN_MIN && h.copies * 20 >= h.packets;
