// The traces that the decoder is measured on, made once and kept in build/bench.
//
// Where the corpus is, a mix cut out of its real captures. Elsewhere the units' own captures over and over: small,
// oddly mixed and always at hand, so figures of the two kinds of trace are not comparable.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const SECONDS = 120; // of packet time in a trace of length 1
const SEED = '7';
const PACKET_US = 200; // between two packets of a trace of our own: as long as the other kind

/** `257M` in bytes. */
export function byteCount(text) {
  const m = /^(\d+(?:\.\d+)?)([KMG])?$/.exec(text);
  const bytes = m ? Number(m[1]) * { K: 1e3, M: 1e6, G: 1e9 }[m[2] ?? 'M'] : Number.NaN;
  if (!(bytes >= 1e5 && bytes <= 1e11)) throw new Error(`BENCH_BYTES=${text}: write 257M or 2G, from 100K to 100G`);
  return bytes;
}

/**
 * A trace of about `bytes` times `length`, at the same packet rate whatever the length; its path. `note` hears that it
 * is being made.
 */
export function trace({ root, corpus, bytes, length, note }) {
  const maker = path.join(corpus, 'make-bench.mjs');
  const isMix = fs.existsSync(maker);
  const dir = path.join(root, 'build', 'bench');
  const out = path.join(
    dir,
    `${isMix ? 'mix' : 'own'}-${Math.round(bytes / 1e6)}M${length > 1 ? `-x${length}` : ''}.pcap`,
  );
  if (fs.existsSync(out)) return out;
  note(`making ${path.relative(root, out)}`);
  fs.mkdirSync(dir, { recursive: true });
  const part = `${out}.part`; // never a half trace under the real name
  if (isMix) {
    const options = { out: part, bytes: String(bytes * length), seed: SEED, duration: String(SECONDS * length) };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    const made = spawnSync(process.execPath, [maker, ...args, 'pcaps', 'benign'], { cwd: corpus, encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`${maker} failed\n${made.stderr}`);
    fs.rmSync(`${part}.json`, { force: true }); // its report, which nobody reads
  } else {
    makeOwn(root, part, bytes * length);
  }
  fs.renameSync(part, out);
  return out;
}

/** Classic little-endian captures of Ethernet, as our units have them: their packets, in order. */
function ownPackets(root) {
  const protocols = path.join(root, 'native/protocols');
  const list = [];
  for (const protocol of fs.readdirSync(protocols).sort()) {
    const dir = path.join(protocols, protocol, 'captures');
    const names = fs.existsSync(dir) ? fs.readdirSync(dir).sort() : [];
    for (const name of names.filter((n) => n.endsWith('.pcap'))) {
      const d = fs.readFileSync(path.join(dir, name));
      if (d.length < 24 || d.readUInt32LE(0) !== 0xa1b2c3d4 || d.readUInt32LE(20) !== 1) continue;
      for (let at = 24; at + 16 <= d.length; at += 16 + d.readUInt32LE(at + 8)) {
        list.push(d.subarray(at, at + 16 + d.readUInt32LE(at + 8)));
      }
    }
  }
  if (list.length === 0) throw new Error(`no captures below ${protocols} to make a trace of`);
  return list;
}

// Every copy is flows of its own, because the ends of both addresses change from copy to copy; checksums follow.
function makeOwn(root, out, target) {
  const packets = ownPackets(root);
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262144, 16);
  header.writeUInt32LE(1, 20);
  const fd = fs.openSync(out, 'w');
  fs.writeSync(fd, header);
  let now = 1_700_000_000_000_000;
  for (let copy = 0, written = 24; written < target; copy++) {
    const copied = packets.map((packet) => Buffer.from(packet));
    for (const record of copied) {
      record.writeUInt32LE(Math.floor(now / 1e6), 0);
      record.writeUInt32LE(now % 1e6, 4);
      now += PACKET_US;
      readdress(record.subarray(16), copy);
    }
    written += fs.writeSync(fd, Buffer.concat(copied));
  }
  fs.closeSync(fd);
}

/** The last 16 bits of both addresses, each combined with the copy's number; group addresses stay. */
function readdress(frame, copy) {
  const ip = frame.subarray(14);
  const type = frame.length >= 14 ? frame.readUInt16BE(12) : 0;
  const is4 = type === 0x0800 && ip.length >= 20;
  if (!is4 && !(type === 0x86dd && ip.length >= 40)) return;
  const ends = (is4 ? [12, 16] : [8, 24]).filter((at) => (is4 ? ip[at] < 224 : ip[at] !== 255));
  const l4 = is4 ? (ip[0] & 15) * 4 : 40;
  const isFirst = !is4 || (ip.readUInt16BE(6) & 0x1fff) === 0;
  const l4Sum = { 6: 16, 17: 6, 58: 2 }[ip[is4 ? 9 : 6]];
  for (const end of ends) {
    const at = end + (is4 ? 2 : 14);
    const old = ip.readUInt16BE(at);
    const fresh = old ^ (copy & 0xffff);
    ip.writeUInt16BE(fresh, at);
    if (is4) adjust(ip, 10, old, fresh);
    if (isFirst && l4Sum !== undefined && l4 + l4Sum + 2 <= ip.length) adjust(ip, l4 + l4Sum, old, fresh);
  }
}

/** A checksum over a word that was changed, RFC 1624 3; none (zero, UDP) stays none. */
function adjust(bytes, at, old, fresh) {
  const before = bytes.readUInt16BE(at);
  if (before === 0) return;
  let sum = (~before & 0xffff) + (~old & 0xffff) + fresh;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  bytes.writeUInt16BE(~sum & 0xffff, at);
}
