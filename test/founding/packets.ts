// Packets of whole conversations, written to a pcap: what the founding case's hosts say on the wire.
//
// Everything is real to the decoder: lengths, checksums, sequence numbers, a TLS ClientHello, an HTTP response with a
// PE file in it, a DHCP exchange. Times are microseconds of packet time.

export class Pcap {
  private readonly packets: { at: number; order: number; frame: Buffer }[] = [];

  add(at: number, frame: Buffer): void {
    this.packets.push({ at: Math.round(at), order: this.packets.length, frame });
  }
  /** The file, packets in order of time. */
  bytes(): Buffer {
    this.packets.sort((a, b) => a.at - b.at || a.order - b.order);
    const header = Buffer.alloc(24);
    header.writeUInt32LE(0xa1b2c3d4, 0);
    header.writeUInt16LE(2, 4);
    header.writeUInt16LE(4, 6);
    header.writeUInt32LE(262144, 16);
    header.writeUInt32LE(1, 20);
    const parts: Buffer[] = [header];
    for (const p of this.packets) {
      const h = Buffer.alloc(16);
      h.writeUInt32LE(Math.floor(p.at / 1e6), 0);
      h.writeUInt32LE(p.at % 1e6, 4);
      h.writeUInt32LE(p.frame.length, 8);
      h.writeUInt32LE(p.frame.length, 12);
      parts.push(h, p.frame);
    }
    return Buffer.concat(parts);
  }
  get size(): number {
    return this.packets.length;
  }
}

export interface End {
  readonly mac: string;
  readonly ip: string;
  readonly port: number;
}

const mac = (text: string): Buffer => Buffer.from(text.replaceAll(':', ''), 'hex');
const ip4 = (text: string): Buffer => Buffer.from(text.split('.').map(Number));

function checksum(parts: readonly Buffer[]): number {
  const all = Buffer.concat(parts);
  let sum = 0;
  for (let i = 0; i + 1 < all.length; i += 2) sum += all.readUInt16BE(i);
  if (all.length % 2 === 1) sum += (all.at(-1) ?? 0) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function ipFrame(from: End, to: End, protocol: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + payload.length, 2);
  header[8] = 64;
  header[9] = protocol;
  ip4(from.ip).copy(header, 12);
  ip4(to.ip).copy(header, 16);
  header.writeUInt16BE(checksum([header]), 10);
  return Buffer.concat([mac(to.mac), mac(from.mac), Buffer.from([0x08, 0x00]), header, payload]);
}

const pseudo = (from: End, to: End, protocol: number, length: number): Buffer =>
  Buffer.concat([ip4(from.ip), ip4(to.ip), Buffer.from([0, protocol, length >> 8, length & 255])]);

export function udp(from: End, to: End, data: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(from.port, 0);
  header.writeUInt16BE(to.port, 2);
  header.writeUInt16BE(8 + data.length, 4);
  header.writeUInt16BE(checksum([pseudo(from, to, 17, 8 + data.length), header, data]) || 0xffff, 6);
  return ipFrame(from, to, 17, Buffer.concat([header, data]));
}

const FIN = 1;
const SYN = 2;
const PSH = 8;
const ACK = 16;

function tcp(from: End, to: End, seq: number, ack: number, flags: number, data: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(from.port, 0);
  header.writeUInt16BE(to.port, 2);
  header.writeUInt32BE(seq >>> 0, 4);
  header.writeUInt32BE(flags & ACK ? ack >>> 0 : 0, 8);
  header[12] = 0x50;
  header[13] = flags;
  header.writeUInt16BE(64240, 14);
  header.writeUInt16BE(checksum([pseudo(from, to, 6, 20 + data.length), header, data]), 16);
  return ipFrame(from, to, 6, Buffer.concat([header, data]));
}

/** A TCP conversation, opened and closed: `turns` are what originator (true) and responder say. Gives its end [us]. */
export function conversation(
  out: Pcap,
  at: number,
  orig: End,
  resp: End,
  turns: readonly (readonly [fromOrig: boolean, data: Buffer])[],
): number {
  const none = Buffer.alloc(0);
  const step = 4000;
  let t = at;
  let o = 1000 + orig.port;
  let r = 7000 + orig.port;
  const say = (fromOrig: boolean, flags: number, data: Buffer): void => {
    out.add(t, fromOrig ? tcp(orig, resp, o, r, flags, data) : tcp(resp, orig, r, o, flags, data));
    t += step;
    const used = data.length + (flags & (SYN | FIN) ? 1 : 0);
    if (fromOrig) o += used;
    else r += used;
  };
  say(true, SYN, none);
  say(false, SYN | ACK, none);
  say(true, ACK, none);
  for (const [fromOrig, data] of turns) {
    for (let i = 0; i < data.length; i += 1400) say(fromOrig, ACK | PSH, data.subarray(i, i + 1400));
    say(!fromOrig, ACK, none);
  }
  say(true, FIN | ACK, none);
  say(false, FIN | ACK, none);
  say(true, ACK, none);
  return t;
}

const dnsName = (name: string): Buffer =>
  Buffer.concat([
    ...name.split('.').map((l) => Buffer.concat([Buffer.from([l.length]), Buffer.from(l)])),
    Buffer.from([0]),
  ]);

export function dnsQuery(id: number, name: string): Buffer {
  const header = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, dnsName(name), Buffer.from([0, 1, 0, 1])]);
}

export function dnsAnswer(id: number, name: string, address: string): Buffer {
  const header = Buffer.from([id >> 8, id & 255, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
  const answer = Buffer.concat([Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0x2c, 0, 4]), ip4(address)]);
  return Buffer.concat([header, dnsName(name), Buffer.from([0, 1, 0, 1]), answer]);
}

const u16 = (n: number): Buffer => Buffer.from([n >> 8, n & 255]);
const vector = (lengthBytes: 1 | 2 | 3, body: Buffer): Buffer =>
  Buffer.concat([
    lengthBytes === 1
      ? Buffer.from([body.length])
      : lengthBytes === 2
        ? u16(body.length)
        : Buffer.concat([Buffer.from([0]), u16(body.length)]),
    body,
  ]);

/** A TLS 1.2 ClientHello record with a server name (RFC 5246, 7.4.1.2; RFC 6066, 3). */
export function clientHello(name: string, random: number): Buffer {
  const sni = vector(2, Buffer.concat([Buffer.from([0]), vector(2, Buffer.from(name))]));
  const extensions = vector(
    2,
    Buffer.concat([
      u16(0),
      vector(2, sni),
      u16(10),
      vector(2, vector(2, u16(23))),
      u16(11),
      vector(2, Buffer.from([1, 0])),
    ]),
  );
  const body = Buffer.concat([
    u16(0x0303),
    Buffer.alloc(32, random & 255),
    Buffer.from([0]),
    vector(2, Buffer.concat([u16(0xc02f), u16(0xc030), u16(0x009c)])),
    Buffer.from([1, 0]),
    extensions,
  ]);
  return Buffer.concat([Buffer.from([22, 3, 1]), vector(2, Buffer.concat([Buffer.from([1]), vector(3, body)]))]);
}

/** A ServerHello that resumes: Finished follows, encrypted, so no certificate is needed. */
export function serverHello(): Buffer {
  const body = Buffer.concat([u16(0x0303), Buffer.alloc(32, 7), Buffer.from([0]), u16(0xc02f), Buffer.from([0])]);
  const hello = Buffer.concat([Buffer.from([22, 3, 3]), vector(2, Buffer.concat([Buffer.from([2]), vector(3, body)]))]);
  const change = Buffer.from([20, 3, 3, 0, 1, 1]);
  const finished = Buffer.concat([Buffer.from([22, 3, 3]), vector(2, Buffer.alloc(40, 0xee))]);
  return Buffer.concat([hello, change, finished]);
}

export const changeCipherFinished = (): Buffer =>
  Buffer.concat([Buffer.from([20, 3, 3, 0, 1, 1]), Buffer.from([22, 3, 3]), vector(2, Buffer.alloc(40, 0xdd))]);
export const applicationData = (bytes: number): Buffer =>
  Buffer.concat([Buffer.from([23, 3, 3]), vector(2, Buffer.alloc(bytes, 0xaa))]);

export function httpGet(host: string, path: string, agent: string): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: ${agent}\r\nAccept: */*\r\n\r\n`);
}
export function httpOk(type: string, body: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`),
    body,
  ]);
}

/** The headers of a Windows program and `salt`, so that each one has a hash of its own. Nothing in it can run. */
export function program(salt: string, bytes = 4096): Buffer {
  const b = Buffer.alloc(bytes, 0x90);
  b.write('MZ', 0);
  b.writeUInt32LE(0x80, 0x3c);
  b.write('This program cannot be run in DOS mode.', 0x4e);
  b.write('PE\0\0', 0x80);
  b.writeUInt16LE(0x8664, 0x84);
  b.writeUInt16LE(2, 0x86);
  b.writeUInt16LE(0xf0, 0x94);
  b.writeUInt16LE(0x22, 0x96);
  b.writeUInt16LE(0x20b, 0x98);
  b.write(salt, 0x400);
  return b;
}

/** BOOTP with DHCP options (RFC 2131, figure 1; RFC 2132). */
export function dhcp(
  op: 1 | 2,
  xid: number,
  hardware: string,
  type: number,
  address: string,
  server: string,
  hostName: string,
  lease: number,
): Buffer {
  const b = Buffer.alloc(240);
  b[0] = op;
  b[1] = 1;
  b[2] = 6;
  b.writeUInt32BE(xid >>> 0, 4);
  if (op === 2) ip4(address).copy(b, 16);
  mac(hardware).copy(b, 28);
  b.writeUInt32BE(0x63825363, 236);
  const options = [
    Buffer.from([53, 1, type]),
    Buffer.concat([Buffer.from([54, 4]), ip4(server)]),
    ...(op === 1
      ? [
          Buffer.concat([Buffer.from([50, 4]), ip4(address)]),
          Buffer.concat([Buffer.from([12, hostName.length]), Buffer.from(hostName)]),
        ]
      : [Buffer.from([51, 4, lease >>> 24, (lease >>> 16) & 255, (lease >>> 8) & 255, lease & 255])]),
    Buffer.from([255]),
  ];
  return Buffer.concat([b, ...options]);
}

/** An ARP reply (RFC 826): `sender` has `ip`. */
export function arpReply(sender: End, target: End): Buffer {
  const head = Buffer.from([0, 1, 8, 0, 6, 4, 0, 2]);
  return Buffer.concat([
    mac(target.mac),
    mac(sender.mac),
    Buffer.from([8, 6]),
    head,
    mac(sender.mac),
    ip4(sender.ip),
    mac(target.mac),
    ip4(target.ip),
  ]);
}
