// Runs the libFuzzer programs: one after another for a fixed time (make fuzz), or a slice of a long run whose totals
// are kept in a ledger (make long TARGET=fuzz).
//
//   node test/fuzz.mjs --build build/fuzz --time 10 [--only dns] [--jobs 2]
//   node test/fuzz.mjs --build build/fuzz --slice 600 --ledger test/long.tsv
//
// A protocol's seeds are the flows of its captures/*.pcap in the form of native/protocols/harness.h; any other target's
// are the packets and the files of every capture in native/. What fuzzing finds is kept in build/corpus/<name> and used
// again. A finding is left in build/findings/ with the command that
// shows it; it becomes a capture or a test row first, then a fix.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { addToLedger, printLedger, readLedger } from './ledger.mjs';
import { fuzzInputs, packets } from './pcap.mjs';

const { values: args } = parseArgs({
  options: {
    build: { type: 'string', default: 'build/fuzz' },
    time: { type: 'string', default: '10' },
    slice: { type: 'string' },
    ledger: { type: 'string' },
    only: { type: 'string' },
    jobs: { type: 'string', default: '1' },
  },
});
const FINDINGS = 'build/findings';
const SEED_BYTES_MAX = 64 * 1024;
const SEEDS_OF_A_CAPTURE_MAX = 200;

/** The list CMake wrote: name and folder of every *_fuzz.cc. */
function targets() {
  const list = fs
    .readFileSync(path.join(args.build, 'fuzzers.tsv'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [name, folder] = line.split('\t');
      return { name, folder, bin: path.join(args.build, `fuzz_${name}`) };
    });
  return args.only ? list.filter((t) => t.name === args.only) : list;
}

/** Captures below a folder. */
function captures(folder) {
  return fs
    .readdirSync(folder, { recursive: true })
    .map(String)
    .filter((f) => /\bcaptures\/[^/]+\.pcap$/.test(f))
    .map((f) => path.join(folder, f));
}

/** Writes a target's seeds and returns their folder. */
function seed({ name, folder }) {
  const dir = path.join('build/seeds', name);
  fs.rmSync(dir, { recursive: true, force: true });
  fs.mkdirSync(dir, { recursive: true });
  const isProtocol = /\/native\/protocols\//.test(folder);
  for (const file of captures(isProtocol ? folder : 'native')) {
    const bytes = fs.readFileSync(file);
    const inputs = isProtocol ? fuzzInputs(bytes) : [bytes, ...packets(bytes).list];
    inputs.slice(0, SEEDS_OF_A_CAPTURE_MAX).forEach((input, i) => {
      fs.writeFileSync(path.join(dir, `${path.parse(file).name}-${i}`), input.subarray(0, SEED_BYTES_MAX));
    });
  }
  return dir;
}

function run(target, seconds) {
  const seeds = seed(target);
  const corpus = path.join('build/corpus', target.name);
  fs.mkdirSync(corpus, { recursive: true });
  fs.mkdirSync(FINDINGS, { recursive: true });
  const started = Date.now();
  return new Promise((resolve) => {
    const child = spawn(
      target.bin,
      [
        `-max_total_time=${seconds}`,
        '-print_final_stats=1',
        '-timeout=10',
        '-rss_limit_mb=2048',
        `-max_len=${SEED_BYTES_MAX}`,
        `-artifact_prefix=${FINDINGS}/${target.name}-`,
        corpus,
        seeds,
      ],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, UBSAN_OPTIONS: 'print_stacktrace=1', ASAN_OPTIONS: 'detect_leaks=1' },
      },
    );
    let err = '';
    child.stderr.on('data', (d) => {
      err = (err + d).slice(-200_000);
    });
    child.on('error', (e) => resolve({ ok: false, executions: 0, seconds: 0, edges: 0, err: String(e) }));
    child.on('close', (code, signal) => {
      resolve({
        ok: code === 0 && !signal,
        executions: Number(/stat::number_of_executed_units:\s*(\d+)/.exec(err)?.[1] ?? 0),
        seconds: Math.round((Date.now() - started) / 1000),
        edges: Number([...err.matchAll(/cov: (\d+)/g)].at(-1)?.[1] ?? 0),
        artifact: /Test unit written to (\S+)/.exec(err)?.[1],
        err,
      });
    });
  });
}

// ---- main -------------------------------------------------------------------------------------------------------

let list = targets();
if (list.length === 0) {
  console.error(args.only ? `fuzz: no target ${args.only}` : 'fuzz: no targets');
  process.exit(args.only ? 2 : 0);
}
let seconds = Number(args.time);
if (args.slice) {
  // The targets that had least so far go first; each gets an even share, but not less than ten seconds.
  const rows = readLedger(args.ledger);
  const spent = (t) => rows.get(`fuzz/${t.name}`)?.seconds ?? 0;
  list.sort((a, b) => spent(a) - spent(b));
  const budget = Number(args.slice) * Number(args.jobs);
  list = list.slice(0, Math.max(1, Math.floor(budget / 10)));
  seconds = Math.max(10, Math.floor(budget / list.length));
}
let failed = 0;
const queue = [...list];
await Promise.all(
  Array.from({ length: Math.max(1, Number(args.jobs)) }, async () => {
    for (let target = queue.shift(); target; target = queue.shift()) {
      const result = await run(target, seconds);
      const rate = Math.round(result.executions / Math.max(1, result.seconds));
      const line = [`${result.seconds} s`, `${result.executions} executions (${rate}/s)`, `${result.edges} edges`];
      console.log(`${result.ok ? 'ok  ' : 'FAIL'} ${target.name.padEnd(16)} ${line.join(', ')}`);
      if (args.ledger) addToLedger(args.ledger, `fuzz/${target.name}`, result);
      if (!result.ok) {
        failed++;
        console.log(result.err.split('\n').slice(-60).join('\n'));
        if (result.artifact) console.log(`again: ${target.bin} ${result.artifact}`);
      }
    }
  }),
);
if (args.ledger) printLedger(args.ledger);
console.log(`fuzz: ${list.length - failed} of ${list.length} targets without a finding`);
process.exitCode = failed > 0 ? 1 : 0;
