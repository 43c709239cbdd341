// Every capture of the corpus through the sanitized decoder: no crash, no hang, no finding, no packet unaccounted for.
//
//   node test/sanitize.mjs --bin build/asan/catenary-native --corpus ../shared/corpus [--jobs 2] [--timeout 60]
//                          [--only substring]
//
// `catenary-native read FILE` writes a JSON summary {"packets": N, ...} as its last line. N must be what
// NAME.expect.json says, where that file exists and the capture's own structure is not broken (file_error).
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const { values: args } = parseArgs({
  options: {
    bin: { type: 'string', default: 'build/asan/catenary-native' },
    corpus: { type: 'string', default: '../shared/corpus' },
    sets: { type: 'string', default: 'pcaps,attacks,benign,bad' },
    jobs: { type: 'string', default: '1' },
    timeout: { type: 'string', default: '60' },
    only: { type: 'string', default: '' },
  },
});
if (!fs.existsSync(args.corpus)) {
  console.log(`sanitize: no corpus at ${args.corpus}; set CORPUS=folder`);
  process.exit(0);
}

function captures() {
  return args.sets.split(',').flatMap((set) => {
    const dir = path.join(args.corpus, set);
    if (!fs.existsSync(dir)) return [];
    return fs
      .readdirSync(dir)
      .filter((f) => /\.(pcap|pcapng|cap)$/.test(f) && f.includes(args.only))
      .map((f) => path.join(dir, f));
  });
}

function expectation(file) {
  const at = file.replace(/\.(pcap|pcapng|cap)$/, '.expect.json');
  return fs.existsSync(at) ? JSON.parse(fs.readFileSync(at, 'utf8')) : null;
}

/** What went wrong with one capture, or null. */
function judge(file, run) {
  if (run.timedOut) return `hang: no end after ${args.timeout} s`;
  const finding = /^.*(?:ERROR: \w+Sanitizer|runtime error|check failed).*$/m.exec(run.err)?.[0];
  if (finding) return `finding: ${finding.trim()}`;
  if (run.signal) return `crash: ${run.signal}`;
  if (run.code !== 0 && run.code !== 1) return `exit code ${run.code}: ${run.err.trim().split('\n').at(-1)}`;
  const expected = expectation(file);
  let packets;
  try {
    packets = JSON.parse(run.out.trim().split('\n').at(-1)).packets;
  } catch {
    // A file whose structure is broken may be refused, but with a word about it.
    return expected?.file_error && run.code === 1 && run.err.trim() !== '' ? null : 'no summary on standard output';
  }
  if (expected && !expected.file_error && expected.packets !== packets) {
    return `packets: ${packets}, the file has ${expected.packets}`;
  }
  return null;
}

function read(file) {
  return new Promise((resolve) => {
    const child = spawn(args.bin, ['read', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0', UBSAN_OPTIONS: 'print_stacktrace=1' },
    });
    let out = '';
    let err = '';
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, Number(args.timeout) * 1000);
    child.stdout.on('data', (d) => {
      out = (out + d).slice(-8192);
    });
    child.stderr.on('data', (d) => {
      err = (err + d).slice(-65536);
    });
    child.on('error', (e) => {
      clearTimeout(timer);
      console.error(`sanitize: ${e.message}`);
      process.exit(2);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, out, err, timedOut });
    });
  });
}

const queue = captures();
const all = queue.length;
const bad = [];
await Promise.all(
  Array.from({ length: Math.max(1, Number(args.jobs)) }, async () => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      const run = await read(file);
      const wrong = judge(file, run);
      if (!wrong) continue;
      bad.push(file);
      console.log(`FAIL ${path.relative(args.corpus, file)}: ${wrong}`);
      if (wrong.startsWith('finding')) console.log(run.err.split('\n').slice(0, 25).join('\n'));
    }
  }),
);
console.log(`sanitize: ${all - bad.length} of ${all} captures clean`);
process.exitCode = bad.length > 0 ? 1 : 0;
