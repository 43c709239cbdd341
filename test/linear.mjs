#!/usr/bin/env node
// Does work grow with the length of what came, and no faster? Of each layer's worst repeated element a capture is made
// with n, 2n, 4n and 8n of it, and the instructions of decoding it are counted: the same number on any machine.
//
//   make linear        node test/linear.mjs --bin build/cmake/catenary-native [--only substring]
//
// Exit 1 where a doubling costs more than MOST times as much.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ETHERNET, pcap, RAW } from './pcap.mjs';

const MOST = 2.3;

const { values: args } = parseArgs({
  options: { bin: { type: 'string', default: 'build/cmake/catenary-native' }, only: { type: 'string', default: '' } },
});

const hex = (text) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const many = (n, make) => Array.from({ length: n }, (_, i) => make(i));
const u16 = (v) => Buffer.from([(v >> 8) & 255, v & 255]);
const u32 = (v) => Buffer.from([(v >>> 24) & 255, (v >>> 16) & 255, (v >>> 8) & 255, v & 255]);
const MACS = hex('020000000002 020000000001');

function ip4(proto, payload, { id = 1, offset = 0, more = false, src = 0xc0000201 } = {}) {
  const flags = (more ? 0x2000 : 0) | (offset / 8);
  const head = [hex('4500'), u16(20 + payload.length), u16(id), u16(flags), Buffer.from([64, proto]), u16(0), u32(src)];
  return Buffer.concat([...head, hex('c0000202'), payload]);
}
function ip6(next, payload) {
  const addresses = hex('20010db8000000000000000000000001 20010db8000000000000000000000002');
  return Buffer.concat([hex('60000000'), u16(payload.length), Buffer.from([next, 255]), addresses, payload]);
}
const udp = (port, data) => Buffer.concat([u16(40000), u16(port), u16(8 + data.length), u16(0), data]);
function tcp(seq, flags, data = Buffer.alloc(0)) {
  return ip4(
    6,
    Buffer.concat([u16(5000), u16(5001), u32(seq), u32(1), Buffer.from([0x50, flags]), hex('20000000 0000'), data]),
  );
}
const tail = udp(9, Buffer.alloc(1));

/** Destination options of Pad1 alone, the longest there are (RFC 8200, 4.6), `n` bytes in all. */
function padded(n) {
  const bodies = [];
  for (let left = n; left > 0; left -= 2048) bodies.push(Math.max(8, Math.ceil(Math.min(left, 2048) / 8) * 8));
  return bodies.map((size, i) => {
    const head = Buffer.alloc(size);
    head[0] = i + 1 < bodies.length ? 60 : 17;
    head[1] = size / 8 - 1;
    return head;
  });
}
/** n segments of two bytes, every other one missing, so that none can be joined; in the order that `at` gives. */
const holes = (n, at) => [tcp(0, 2), ...many(n, (i) => tcp(10 + 4 * at(i), 16, Buffer.from('ab')))];

/** Name, link type, n, and the frames. */
const CASES = [
  [
    'mpls labels',
    ETHERNET,
    1000,
    (n) => [Buffer.concat([MACS, hex('8847'), ...many(n - 1, () => hex('00010040')), hex('00010140'), ip4(17, tail)])],
  ],
  [
    'vlan tags, in frames of 20',
    ETHERNET,
    400,
    (n) =>
      many(n / 20, () =>
        Buffer.concat([MACS, hex('8100'), ...many(19, () => hex('00018100')), hex('00010800'), ip4(17, tail)]),
      ),
  ],
  ['ip6 options', RAW, 2048, (n) => [ip6(60, Buffer.concat([...padded(n), tail]))]],
  [
    'icmp6 neighbour options',
    RAW,
    1000,
    (n) => [
      ip6(
        58,
        Buffer.concat([
          hex('8700 0000 00000000 20010db8000000000000000000000002'),
          ...many(n, () => hex('0101020000000001')),
        ]),
      ),
    ],
  ],
  [
    'ip fragments of one datagram, last first',
    RAW,
    1000,
    (n) => many(n, (i) => ip4(17, Buffer.alloc(8), { offset: (n - 1 - i) * 8, more: i > 0 })),
  ],
  [
    'ip datagrams that stay incomplete',
    RAW,
    1000,
    (n) => many(n, (i) => ip4(17, Buffer.alloc(8), { id: i, more: true })),
  ],
  [
    'tzsp padding',
    RAW,
    1000,
    (n) => [
      ip4(
        17,
        udp(37008, Buffer.concat([hex('01000001'), Buffer.alloc(n), hex('01'), MACS, hex('0800'), ip4(17, tail)])),
      ),
    ],
  ],
  [
    'lldp elements, in frames of 1,400 bytes',
    ETHERNET,
    70_000,
    (n) =>
      many(n / 700, () =>
        Buffer.concat([
          MACS,
          hex('88cc 020704020000000001 0405 05 65746830 06020078'),
          ...many(700, () => hex('2800')),
        ]),
      ),
  ],
  [
    'cdp elements and addresses, in frames of 1,400 bytes',
    ETHERNET,
    4000,
    (n) =>
      many(n / 100, () => {
        const body = Buffer.concat([
          hex('aaaa03 00000c 2000 02b40000 0001000573'),
          hex('0002'),
          u16(8 + 9 * 100),
          u32(100),
          ...many(100, (i) => Buffer.concat([hex('0101cc0004'), u32(0xc0000200 + i)])),
        ]);
        return Buffer.concat([MACS, u16(body.length), body]);
      }),
  ],
  [
    'igmp records with sources',
    RAW,
    500,
    (n) => [ip4(2, Buffer.concat([hex('22000000 0000'), u16(n), ...many(n, () => hex('04000001 e0000109 c0000207'))]))],
  ],
  [
    'sctp chunks',
    RAW,
    2000,
    (n) => [ip4(132, Buffer.concat([hex('0b590b5a 00000007 00000000'), ...many(n, () => hex('0b000004'))]))],
  ],
  ['esp indices', RAW, 1000, (n) => many(n, (i) => ip4(50, Buffer.concat([u32(256 + i), u32(1), hex('00')])))],
  [
    'ah headers',
    RAW,
    5,
    (n) => many(n * 100, () => ip4(51, Buffer.concat([hex('1101 0000 00001234 00000001'), tail]))),
  ],
  ['udp-lite flows', RAW, 1000, (n) => many(n, (i) => ip4(136, tail, { src: 0x0a000000 + i }))],
  [
    'wireguard handshakes',
    RAW,
    500,
    (n) => many(n, () => ip4(17, udp(51820, Buffer.concat([hex('01000000'), Buffer.alloc(144)])))),
  ],
  [
    'icmp quotes',
    RAW,
    1000,
    (n) => many(n, (i) => ip4(1, Buffer.concat([hex('0303000000000000'), ip4(17, tail, { src: 0x0a000000 + i })]))),
  ],
  ['tcp segments out of order, rising', RAW, 1000, (n) => holes(n, (i) => i)],
  ['tcp segments out of order, falling', RAW, 1000, (n) => holes(n, (i) => n - i)],
  ['tcp segments out of order, all before the last', RAW, 1000, (n) => holes(n, (i) => (i === 0 ? n : i))],
  [
    'tcp segments that overlap',
    RAW,
    1000,
    (n) => [tcp(0, 2), ...many(n, (i) => tcp(10 + i, 16, Buffer.alloc(100, i)))],
  ],
  ['flows', RAW, 2000, (n) => many(n, (i) => ip4(17, tail, { src: 0x0a000000 + i }))],
  ['copies of a packet', RAW, 1000, (n) => many(n, () => tcp(100, 16, Buffer.from('abcd')))],
];

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'catenary-linear-'));
function instructions(link, frames) {
  const file = path.join(dir, 'made.pcap');
  fs.writeFileSync(file, pcap(frames, link));
  const valgrind = ['--tool=callgrind', `--callgrind-out-file=${path.join(dir, 'out')}`, args.bin, 'read', file];
  const r = spawnSync('valgrind', valgrind, { encoding: 'utf8' });
  const collected = /Collected : (\d+)/.exec(r.stderr ?? '');
  if (r.status !== 0 || !collected) throw new Error(r.error?.message ?? r.stderr.trim().split('\n').pop());
  return Number(collected[1]);
}

try {
  const start = instructions(RAW, [ip4(17, tail)]); // what the first flow costs, however short
  for (const [name, link, n, make] of CASES) {
    if (!name.includes(args.only)) continue;
    const counts = [1, 2, 4, 8].map((times) => instructions(link, make(n * times)) - start);
    const ratios = counts.slice(1).map((count, i) => count / counts[i]);
    const isSteep = ratios.some((ratio) => ratio > MOST);
    if (isSteep) process.exitCode = 1;
    const said = [`${(counts[3] / (8 * n)).toFixed(0)} each`, ...ratios.map((r) => `x ${r.toFixed(2)}`)];
    console.log(
      `${isSteep ? 'STEEP  ' : ''}${name}, ${n} and on:`.padEnd(58) + said.map((s) => s.padStart(12)).join(''),
    );
  }
} catch (e) {
  console.error(`linear: ${e.message}; needs valgrind (apt-get install valgrind)`);
  process.exitCode = 1;
} finally {
  fs.rmSync(dir, { recursive: true });
}
