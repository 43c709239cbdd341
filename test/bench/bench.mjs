#!/usr/bin/env node
// How fast is the decoder, and does it stay so? Ratios to tcpdump in one run, as absolute times belong to a machine.
//
//   make bench [BENCH_BYTES=257M] [BENCH_RUNS=5] [BENCH_LONG=10, 0 for none] [BENCH_TRACE=file.pcap] [CORPUS=folder]
//   make bench FLAME=1     only a flame graph of the decoder on the trace, in build/bench/flame.svg
//
// Each round runs every command once, tcpdump just before each of them, so that a slow minute slows all alike. The
// table shows medians; last stands the ratio of the best run to tcpdump's best in these pairs, which is nearest to what
// the work itself costs. Times a packet, rates and ratios are of CPU seconds, user and system of all threads. Then the
// same on a trace ten times longer, with the same packets a second: what a packet costs must stay, and so must memory,
// which holds what is open and not what has been. The traces stay in build/bench: 2.9 GB, and ten times less with
// BENCH_LONG=0.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { flame } from './flame.mjs';
import { byteCount, trace } from './trace.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const native = path.join(root, 'build/cmake/catenary-native');
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
  const tcpdump = ['tcpdump', '-r', file, '-w', '/dev/null'];
  const commands = [
    { name: 'catenary-native', command: [native, 'read', file] },
    { name: 'read --as none', command: [...cli, '--as', 'none'] },
    { name: 'read (JSON)', command: cli, isQuiet: true },
    // A part of the way: reading alone; decoding too; flows too, without parsers; parsers too, without files' digests.
    ...['capture', 'decode', 'flow', 'parse'].map((stage) => ({
      name: `to ${stage}`,
      command: [native, 'stage', stage, file],
    })),
  ];
  const results = commands.map(() => []);
  const bases = commands.map(() => []);
  measure(tcpdump); // the first reader waits for the disk
  for (let i = 0; i < runs; i++) {
    commands.forEach(({ command, isQuiet }, c) => {
      bases[c].push(measure(tcpdump));
      results[c].push(measure(command, isQuiet));
    });
  }
  const packets = Number(/^packets (\d+)/m.exec(results[1][0].words)?.[1]);
  const best = (list) => Math.min(...list.map((r) => r.cpu));
  const base = median(bases.flat().map((r) => r.cpu));
  const megabytes = fs.statSync(file).size / 1e6;
  console.log(`\n${path.basename(file)}: ${count(packets)} packets, ${count(megabytes)} MB; medians of ${runs}`);
  console.log(`last column: x tcpdump, best of ${runs} alternated pairs`);
  const row = (name, ...cells) => console.log(name.padEnd(16) + cells.map((cell) => cell.padStart(12)).join(''));
  row('', 'CPU s', 'wall s', 'us a packet', 'packets/s', 'x tcpdump', 'peak MB', 'best pair');
  const line = (name, runs, before) => {
    const [cpu, wall, memory] = ['cpu', 'wall', 'memory'].map((key) => median(runs.map((r) => r[key])));
    const each = (cpu / packets) * 1e6;
    const mb = Number.isNaN(memory) ? '-' : memory.toFixed(0);
    const pair = before === undefined ? '-' : (best(runs) / best(before)).toFixed(2);
    row(
      name,
      cpu.toFixed(2),
      wall.toFixed(2),
      each.toFixed(2),
      count(packets / cpu),
      (cpu / base).toFixed(1),
      mb,
      pair,
    );
    return { name, each, memory };
  };
  return [line('tcpdump -w', bases.flat()), ...commands.map(({ name }, c) => line(name, results[c], bases[c]))];
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

  if (process.env.FLAME) {
    const file = process.env.BENCH_TRACE ?? of(1);
    const out = path.join(root, 'build/bench/flame.svg');
    flame([native, 'read', file], out, `catenary-native read ${path.basename(file)}`);
    console.log(`bench: ${path.relative(root, out)}`);
    return;
  }
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
