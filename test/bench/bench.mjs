#!/usr/bin/env node
// How fast is the decoder, and does it stay so? Ratios to tcpdump in one run, as absolute times belong to a machine.
//
//   make bench [BENCH_BYTES=257M] [BENCH_RUNS=5] [BENCH_LONG=10, 0 for none] [BENCH_TRACE=file.pcap] [CORPUS=folder]
//
// Each round runs every command once, in turn, so that a slow minute slows all of them; the table shows medians. Times
// a packet, rates and ratios are of CPU seconds, user and system of all threads. Then the same on a trace ten times
// longer, with the same packets a second: what a packet costs must stay, and so must memory, which holds what is open
// and not what has been. The traces stay in build/bench: 2.9 GB, and ten times less with BENCH_LONG=0.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { byteCount, trace } from './trace.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const corpus = path.resolve(root, process.env.CORPUS ?? '../shared/corpus');

/** CPU and wall seconds of one run, the most memory it held in MB, and its words about itself. */
function measure(command, isQuiet) {
  const script = 'TIMEFORMAT="%U %S %R"; time "$@"';
  const r = spawnSync('bash', ['-c', script, 'bash', ...command], {
    encoding: 'utf8',
    stdio: ['ignore', isQuiet ? 'ignore' : 'pipe', 'pipe'],
  });
  const said = r.stderr.trim().split('\n');
  const [user, system, wall] = said.pop().split(' ').map(Number);
  if (r.status !== 0) throw new Error(`${command.join(' ')} ended with ${r.status ?? r.signal}: ${said.join('\n')}`);
  const words = `${r.stdout ?? ''}${said.join('\n')}`;
  const kb = Number(/"peak_memory_kb":(\d+)/.exec(words)?.[1]);
  const memory = kb ? kb / 1024 : Number(/^peak memory (\d+) MB$/m.exec(words)?.[1]);
  return { cpu: user + system, wall, memory, words };
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const count = (n) => Math.round(n).toLocaleString('en');

/** Measures every command on one trace and prints the table; what a packet costs and the memory, by command. */
function table(file, runs) {
  const cli = [process.execPath, path.join(root, 'dist/cli.js'), 'read', file];
  const native = path.join(root, 'build/cmake/catenary-native');
  const commands = [
    { name: 'tcpdump -w', command: ['tcpdump', '-r', file, '-w', '/dev/null'] },
    { name: 'catenary-native', command: [native, 'read', file] },
    { name: 'read --as none', command: [...cli, '--as', 'none'] },
    { name: 'read (JSON)', command: cli, isQuiet: true },
    // A part of the way: reading alone; decoding too; flows too, without parsers.
    ...['capture', 'decode', 'flow'].map((stage) => ({ name: `to ${stage}`, command: [native, 'stage', stage, file] })),
  ];
  const results = commands.map(() => []);
  for (let i = 0; i < runs; i++) {
    commands.forEach(({ command, isQuiet }, c) => {
      results[c].push(measure(command, isQuiet));
    });
  }
  const packets = Number(/^packets (\d+)/m.exec(results[2][0].words)?.[1]);
  const base = median(results[0].map((r) => r.cpu));
  const megabytes = fs.statSync(file).size / 1e6;
  console.log(`\n${path.basename(file)}: ${count(packets)} packets, ${count(megabytes)} MB; medians of ${runs}`);
  const row = (name, ...cells) => console.log(name.padEnd(16) + cells.map((cell) => cell.padStart(12)).join(''));
  row('', 'CPU s', 'wall s', 'us a packet', 'packets/s', 'x tcpdump', 'peak MB');
  return commands.map(({ name }, c) => {
    const [cpu, wall, memory] = ['cpu', 'wall', 'memory'].map((key) => median(results[c].map((r) => r[key])));
    const each = (cpu / packets) * 1e6;
    const mb = Number.isNaN(memory) ? '-' : memory.toFixed(0);
    row(name, cpu.toFixed(2), wall.toFixed(2), each.toFixed(2), count(packets / cpu), (cpu / base).toFixed(1), mb);
    return { name, each, memory };
  });
}

function main() {
  const bytes = byteCount(process.env.BENCH_BYTES ?? '257M');
  const runs = Number(process.env.BENCH_RUNS ?? 5);
  const longer = Number(process.env.BENCH_LONG ?? 10);
  if (!Number.isInteger(runs) || runs < 1) throw new Error('BENCH_RUNS is a whole number from 1');
  if (!Number.isInteger(longer) || longer < 0) throw new Error('BENCH_LONG is a whole number, 0 for no longer trace');
  if (spawnSync('tcpdump', ['--version']).error) throw new Error('needs tcpdump (apt-get install tcpdump)');
  const note = (text) => console.error(`bench: ${text}`);
  const of = (length) => trace({ root, corpus, bytes, length, note });

  console.log(`${os.cpus()[0]?.model.trim() ?? 'unknown processor'}, Node ${process.versions.node}`);
  const short = table(process.env.BENCH_TRACE ?? of(1), runs);
  if (process.env.BENCH_TRACE || longer < 2) return;
  const long = table(of(longer), runs);
  console.log(`\n${longer} times longer      a packet      memory`);
  for (const [i, { name, each, memory }] of long.entries()) {
    const grown = (now, before) => (Number.isNaN(now) ? '-' : `x ${(now / before).toFixed(2)}`).padStart(12);
    console.log(name.padEnd(16) + grown(each, short[i].each) + grown(memory, short[i].memory));
  }
}

try {
  main();
} catch (e) {
  console.error(`bench: ${e.message}`);
  process.exitCode = 1;
}
