// Runs clang-tidy over the hand-written native sources and remembers which passed: a file is read again only when it,
// a header of ours that it includes, the checks or its flags changed.
//
//   node test/tidy/clang_tidy.mjs --build build/lint [--jobs 2] [--only substring]
//
// Most of its time goes into matching the standard library's headers, once a source. So sources are read a few at a
// time, as one file that includes them; where two of them cannot stand in one file, each is read alone.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';

const run = promisify(execFile);
const { values: args } = parseArgs({
  options: {
    build: { type: 'string', default: 'build/lint' },
    jobs: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    'clang-tidy': { type: 'string', default: 'clang-tidy-14' },
  },
});
const root = process.cwd();
const native = path.join(root, 'native');
const COMPILER = args['clang-tidy'].replace('clang-tidy', 'clang++');
const passed = path.join(args.build, 'passed');
fs.mkdirSync(passed, { recursive: true });

// Tests are judged by whether they can fail; checking them would double the time.
const units = JSON.parse(fs.readFileSync(path.join(args.build, 'compile_commands.json'), 'utf8')).filter(
  ({ file }) =>
    file.startsWith(`${native}/`) &&
    !/\/gen\/|\.gen\.|_(?:test|fuzz)\.cc$|test_main/.test(file) &&
    file.includes(args.only),
);

const AT_ONCE = 8;

/** Compiler flags without the launcher, the compiler, the source and the output. */
function flagsOf({ command, file }) {
  const words = command.replace(/^.*?\S*clang\+\+\S*\s+/, '').split(' ');
  const isOutput = (i) => words[i] === '-o' || words[i - 1] === '-o' || words[i] === '-c';
  return words.filter((w, i) => w !== '' && w !== file && !isOutput(i));
}

/** Where the passing of one source is marked, or null where it cannot be told what it reads (it does not compile). */
async function mark(unit) {
  const flags = flagsOf(unit);
  let listed;
  try {
    listed = (await run(COMPILER, [...flags, '-MM', unit.file], { cwd: unit.directory, maxBuffer: 1 << 26 })).stdout;
  } catch {
    return null;
  }
  const hash = createHash('sha256').update(fs.readFileSync('.clang-tidy')).update(flags.join(' '));
  const files = listed.replaceAll('\\\n', ' ').split(/\s+/).slice(1).filter(Boolean);
  for (const f of files.map((f) => path.resolve(unit.directory, f)).sort()) {
    if (f.startsWith(`${native}/`)) hash.update(f.slice(native.length)).update(fs.readFileSync(f));
  }
  return path.join(passed, `${path.basename(unit.file)}.${hash.digest('hex').slice(0, 32)}`);
}

/** What clang-tidy says of some sources read as one; '' when all is well. */
async function judge(units) {
  let source = units[0].file;
  if (units.length > 1) {
    source = path.join(
      path.resolve(args.build),
      `${createHash('sha256').update(source).digest('hex').slice(0, 16)}.cc`,
    );
    fs.writeFileSync(source, units.map((u) => `#include "${u.file}"\n`).join(''));
  }
  try {
    const flags = [...flagsOf(units[0]), '-Wno-unused-const-variable', '-Wno-unused-function'];
    await run(args['clang-tidy'], ['--quiet', source, '--', ...flags], { maxBuffer: 1 << 26 });
    return '';
  } catch (e) {
    return e.stdout || e.message;
  }
}

/** Runs `work` over `list`, a few at a time. */
async function each(list, work) {
  await Promise.all(
    Array.from({ length: Math.max(1, Number(args.jobs)) }, async () => {
      for (let item = list.shift(); item; item = list.shift()) await work(item);
    }),
  );
}

const marks = new Map();
await each([...units], async (unit) => marks.set(unit, await mark(unit)));
const groups = [];
for (const unit of units.filter((u) => !marks.get(u) || !fs.existsSync(marks.get(u)))) {
  const last = groups.at(-1)?.[0];
  const fits = last && marks.get(last) && marks.get(unit) && flagsOf(last).join() === flagsOf(unit).join();
  if (fits && groups.at(-1).length < AT_ONCE) groups.at(-1).push(unit);
  else groups.push([unit]);
}
const fresh = groups.flat().length;
let failed = 0;
await each(groups, async (group) => {
  const said = await judge(group);
  if (said !== '' && group.length > 1) {
    groups.push(...group.map((unit) => [unit]));
  } else if (said !== '') {
    failed++;
    console.log(said.replaceAll(`${root}/`, '').trimEnd());
  } else {
    fs.mkdirSync(passed, { recursive: true });
    for (const unit of group) if (marks.get(unit)) fs.writeFileSync(marks.get(unit), '');
  }
});
console.log(`clang-tidy: ${units.length} sources, ${fresh} read, ${failed} with findings`);
process.exitCode = failed > 0 ? 1 : 0;
