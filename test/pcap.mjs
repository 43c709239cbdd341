// Classic pcap files, small ones: payloads out of captures (fuzz seeds), and captures made of payloads (templates,
// tests). What it does not know it skips; decoding is native/'s business.

export const ETHERNET = 1;
export const RAW = 101;
const LINUX_SLL = 113;

/** Every packet's bytes and the link type. */
export function packets(file) {
  const magic = file.length >= 24 ? file.readUInt32LE(0) : 0;
  const little = magic === 0xa1b2c3d4 || magic === 0xa1b23c4d;
  if (!little && magic !== 0xd4c3b2a1 && magic !== 0x4d3cb2a1) return { link: 0, list: [] };
  const u32 = (at) => (little ? file.readUInt32LE(at) : file.readUInt32BE(at));
  const list = [];
  for (let at = 24; at + 16 <= file.length; ) {
    const length = u32(at + 8);
    if (at + 16 + length > file.length) break;
    list.push(file.subarray(at + 16, at + 16 + length));
    at += 16 + length;
  }
  return { link: u32(20) & 0xffff, list };
}

function network(link, p) {
  if (link === RAW) return p;
  if (link === LINUX_SLL) return p.subarray(16);
  if (link !== ETHERNET) return p.subarray(0, 0);
  let at = 12;
  while (at + 4 <= p.length && (p.readUInt16BE(at) === 0x8100 || p.readUInt16BE(at) === 0x88a8)) at += 4;
  return p.subarray(at + 2);
}

/** Every TCP and UDP payload with its flow and whether the flow's first sender sent it. */
export function segments(file) {
  const { link, list } = packets(file);
  const out = [];
  const origs = new Map();
  for (const p of list) {
    const ip = network(link, p);
    if (ip.length < 20) continue;
    const v6 = ip[0] >> 4 === 6;
    const proto = v6 ? ip[6] : ip[9];
    const size = v6 ? 16 : 4;
    const [from, to] = [0, 1].map((i) => ip.subarray((v6 ? 8 : 12) + i * size, (v6 ? 8 : 12) + (i + 1) * size));
    const end = Math.min(ip.length, v6 ? 40 + ip.readUInt16BE(4) : ip.readUInt16BE(2));
    const l4 = ip.subarray(v6 ? 40 : (ip[0] & 15) * 4, end);
    if (l4.length < 8) continue;
    const skip = proto === 17 ? 8 : proto === 6 && l4.length >= 20 ? (l4[12] >> 4) * 4 : -1;
    if (skip < 0 || l4.length < skip) continue;
    const ends = [from, to].map((address, i) => address.toString('hex') + l4.toString('hex', i * 2, i * 2 + 2));
    const flow = `${proto} ${[...ends].sort().join(' ')}`;
    if (!origs.has(flow)) origs.set(flow, ends[0]);
    if (l4.length > skip) out.push({ flow, fromOrig: origs.get(flow) === ends[0], data: l4.subarray(skip) });
  }
  return out;
}

/** Payloads of TCP and UDP in order. */
export const payloads = (file) => segments(file).map((s) => s.data);

/** A flow as native/protocols/harness.h reads a fuzz input: control byte (bit 0: the responder), length, bytes. */
export function fuzzInputs(file) {
  const flows = new Map();
  for (const { flow, fromOrig, data } of segments(file)) {
    const bytes = data.subarray(0, 0xffff);
    const head = Buffer.from([fromOrig ? 0 : 1, bytes.length >> 8, bytes.length & 0xff]);
    flows.set(flow, [...(flows.get(flow) ?? []), head, bytes]);
  }
  return [...flows.values()].map((parts) => Buffer.concat(parts));
}

// ---- writing -----------------------------------------------------------------------------------------------------

const ORIG = Buffer.from('c0000201', 'hex'); // 192.0.2.1 and .2: RFC 5737, nobody's
const RESP = Buffer.from('c0000202', 'hex');
const [FIN, SYN, PSH, ACK] = [1, 2, 8, 16];

function checksum(...parts) {
  const bytes = Buffer.concat(parts);
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

function frame(fromOrig, proto, segment, checksumAt) {
  const [from, to] = fromOrig ? [ORIG, RESP] : [RESP, ORIG];
  const pseudo = Buffer.from([...from, ...to, 0, proto, segment.length >> 8, segment.length & 0xff]);
  segment.writeUInt16BE(checksum(pseudo, segment), checksumAt);
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip.writeUInt16BE(20 + segment.length, 2);
  ip[6] = 0x40; // don't fragment
  ip[8] = 64;
  ip[9] = proto;
  from.copy(ip, 12);
  to.copy(ip, 16);
  ip.writeUInt16BE(checksum(ip), 10);
  const macs = fromOrig ? '020000000002020000000001' : '020000000001020000000002';
  return Buffer.concat([Buffer.from(`${macs}0800`, 'hex'), ip, segment]);
}

/** A capture of these frames, a millisecond apart. */
export function pcap(frames, link = ETHERNET) {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65535, 16);
  head.writeUInt32LE(link, 20);
  const records = frames.map((bytes, i) => {
    const at = Buffer.alloc(16);
    at.writeUInt32LE(1_700_000_000 + Math.floor(i / 1000), 0);
    at.writeUInt32LE((i % 1000) * 1000, 4);
    at.writeUInt32LE(bytes.length, 8);
    at.writeUInt32LE(bytes.length, 12);
    return Buffer.concat([at, bytes]);
  });
  return Buffer.concat([head, ...records]);
}

/** A capture of one TCP flow: handshake, each turn as one segment, FIN both ways. */
export function tcpCapture(port, turns) {
  const next = { true: 1000, false: 5000 };
  const frames = [];
  const send = (fromOrig, flags, data = Buffer.alloc(0)) => {
    const tcp = Buffer.alloc(20);
    tcp.writeUInt16BE(fromOrig ? 49152 : port, 0);
    tcp.writeUInt16BE(fromOrig ? port : 49152, 2);
    tcp.writeUInt32BE(next[fromOrig], 4);
    tcp.writeUInt32BE(flags & ACK ? next[!fromOrig] : 0, 8);
    tcp[12] = 5 << 4;
    tcp[13] = flags;
    tcp.writeUInt16BE(65535, 14);
    frames.push(frame(fromOrig, 6, Buffer.concat([tcp, data]), 16));
    next[fromOrig] += data.length + (flags & (SYN | FIN) ? 1 : 0);
  };
  send(true, SYN);
  send(false, SYN | ACK);
  send(true, ACK);
  for (const { fromOrig, data } of turns) {
    send(fromOrig, PSH | ACK, data);
    send(!fromOrig, ACK);
  }
  send(true, FIN | ACK);
  send(false, FIN | ACK);
  send(true, ACK);
  return pcap(frames);
}

/** A capture of one UDP flow, each turn as one datagram. */
export function udpCapture(port, turns) {
  return pcap(
    turns.map(({ fromOrig, data }) => {
      const udp = Buffer.alloc(8);
      udp.writeUInt16BE(fromOrig ? 49152 : port, 0);
      udp.writeUInt16BE(fromOrig ? port : 49152, 2);
      udp.writeUInt16BE(8 + data.length, 4);
      return frame(fromOrig, 17, Buffer.concat([udp, data]), 6);
    }),
  );
}
