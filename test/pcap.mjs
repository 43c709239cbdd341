// A reader of classic pcap files, enough to take transport payloads out of our own small captures (fuzz seeds).
// Anything it does not know is skipped; decoding is native/'s business.

const ETHERNET = 1;
const RAW = 101;
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

/** Payloads of TCP and UDP, one a packet, then each direction of each flow joined. */
export function payloads(file) {
  const { link, list } = packets(file);
  const out = [];
  const directions = new Map();
  for (const p of list) {
    const ip = network(link, p);
    if (ip.length < 20) continue;
    const v6 = ip[0] >> 4 === 6;
    const proto = v6 ? ip[6] : ip[9];
    const addresses = v6 ? ip.subarray(8, 40) : ip.subarray(12, 20);
    const end = Math.min(ip.length, v6 ? 40 + ip.readUInt16BE(4) : ip.readUInt16BE(2));
    const l4 = ip.subarray(v6 ? 40 : (ip[0] & 15) * 4, end);
    if (l4.length < 8) continue;
    const skip = proto === 17 ? 8 : proto === 6 && l4.length >= 20 ? (l4[12] >> 4) * 4 : -1;
    if (skip < 0 || l4.length <= skip) continue;
    const data = l4.subarray(skip);
    out.push(data);
    const key = `${addresses.toString('hex')}${l4.subarray(0, 4).toString('hex')}`;
    directions.set(key, [...(directions.get(key) ?? []), data]);
  }
  for (const parts of directions.values()) if (parts.length > 1) out.push(Buffer.concat(parts));
  return out;
}
