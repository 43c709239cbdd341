#!/usr/bin/env node
// How fast is the decoder? Ratios to tcpdump in one run, because absolute times belong to a machine.
//
//   make bench [BENCH_BYTES=257M] [BENCH_RUNS=5] [BENCH_TRACE=file.pcap]
//
// Each round runs every command once, in turn, so that a slow minute slows all of them; the table shows medians of
// CPU seconds (user and system of all threads). The trace is a mix cut out of real captures where the corpus is
// present, and otherwise the units' own captures, repeated with new addresses.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const corpus = path.resolve(root, process.env.CORPUS ?? '../shared/corpus');
const bytes = process.env.BENCH_BYTES ?? '257M';
const runs = Number(process.env.BENCH_RUNS ?? 5);

function trace() {
  if (process.env.BENCH_TRACE) return process.env.BENCH_TRACE;
  const dir = path.join(root, 'build', 'bench');
  fs.mkdirSync(dir, { recursive: true });
  const maker = path.join(corpus, 'make-bench.mjs');
  const fromCorpus = fs.existsSync(maker);
  const out = path.join(dir, `${fromCorpus ? 'mix' : 'own'}-${bytes}.pcap`);
  if (fs.existsSync(out)) return out;
  console.error(`bench: making ${path.relative(root, out)}`);
  if (fromCorpus) {
    const made = spawnSync(
      process.execPath,
      [maker, '--out', out, '--bytes', bytes, '--seed', '7', 'pcaps', 'benign'],
      { cwd: corpus, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    if (made.status !== 0) throw new Error('bench: the trace could not be made');
  } else {
    makeOwn(out, Number.parseFloat(bytes) * 1e6);
  }
  return out;
}

// The committed captures over and over: IPv4 addresses and times change from copy to copy, so that flows are new.
function makeOwn(out, target) {
  const files = [];
  for (const protocol of fs.readdirSync(path.join(root, 'native/protocols'))) {
    const dir = path.join(root, 'native/protocols', protocol, 'captures');
    if (!fs.existsSync(dir)) continue;
    for (const f of fs.readdirSync(dir)) if (f.endsWith('.pcap')) files.push(fs.readFileSync(path.join(dir, f)));
  }
  const usable = files.filter((d) => d.length > 24 && d.readUInt32LE(0) === 0xa1b2c3d4 && d.readUInt32LE(20) === 1);
  if (usable.length === 0) throw new Error('bench: no captures of ours to make a trace from');
  const fd = fs.openSync(out, 'w');
  const header = Buffer.from(usable[0].subarray(0, 24));
  fs.writeSync(fd, header);
  let written = 24;
  for (let copy = 0; written < target; copy++) {
    for (const source of usable) {
      const d = Buffer.from(source);
      for (let o = 24; o + 16 <= d.length; ) {
        const length = d.readUInt32LE(o + 8);
        d.writeUInt32LE(1_700_000_000 + copy, o);
        const ip = o + 16 + 14;
        if (d.readUInt16BE(o + 16 + 12) === 0x0800) {
          d.writeUInt16BE(copy & 0xffff, ip + 13);
          d.writeUInt16BE(copy & 0xffff, ip + 17);
        }
        o += 16 + length;
      }
      fs.writeSync(fd, d, 24);
      written += d.length - 24;
    }
  }
  fs.closeSync(fd);
}

/** CPU seconds, wall seconds and standard output of one run. */
function measure(command) {
  const script = 'TIMEFORMAT="%U %S %R"; time "$@" 2>/dev/null';
  const r = spawnSync('bash', ['-c', script, 'bash', ...command], { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (r.status !== 0) throw new Error(`bench: ${command.join(' ')} ended with ${r.status ?? r.signal}\n${r.stderr}`);
  const [user, system, wall] = r.stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return { cpu: user + system, wall, out: r.stdout };
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

const file = trace();
const native = ['build/native/catenary-native', 'build/cmake/catenary-native']
  .map((p) => path.join(root, p))
  .find((p) => fs.existsSync(p));
const commands = [
  ['tcpdump -w', ['tcpdump', '-r', file, '-w', '/dev/null']],
  ['catenary read', [process.execPath, path.join(root, 'dist/cli.js'), 'read', file, '--as', 'none']],
  ...(native ? [['catenary-native', [native, 'read', file]]] : []),
];
const results = new Map(commands.map(([name]) => [name, []]));
for (let i = 0; i < runs; i++) for (const [name, command] of commands) results.get(name).push(measure(command));

const summary = results.get('catenary read')[0].out;
const packets = Number(/^packets (\d+)/m.exec(summary)?.[1]);
const memory = /^peak memory (.*)$/m.exec(summary)?.[1] ?? '-';
const base = median(results.get('tcpdump -w').map((r) => r.cpu));
const megabytes = (fs.statSync(file).size / 1e6).toFixed(0);
const processor = os.cpus()[0]?.model ?? 'unknown';
console.log(`trace ${path.basename(file)}: ${packets} packets, ${megabytes} MB; ${processor}; medians of ${runs}`);
const row = (name, ...cells) => console.log(name.padEnd(18) + cells.map((cell) => cell.padStart(13)).join(''));
row('command', 'CPU s', 'wall s', 'us/packet', 'packets/s', 'x tcpdump -w');
for (const [name, list] of results) {
  const cpu = median(list.map((r) => r.cpu));
  const wall = median(list.map((r) => r.wall));
  const rate = Math.round(packets / cpu).toLocaleString('en');
  row(name, cpu.toFixed(2), wall.toFixed(2), ((cpu / packets) * 1e6).toFixed(2), rate, (cpu / base).toFixed(1));
}
console.log(`peak memory of catenary read: ${memory}`);
