// Runs clang-tidy over the hand-written native sources and remembers which passed: a file is read again only when it,
// a header of ours that it includes, the checks or its flags changed.
//
//   node test/tidy/clang_tidy.mjs --build build/lint [--jobs 2] [--only substring]
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
const passed = path.join(args.build, 'passed');
fs.mkdirSync(passed, { recursive: true });

// Tests are judged by whether they can fail; checking them would double the time.
const units = JSON.parse(fs.readFileSync(path.join(args.build, 'compile_commands.json'), 'utf8')).filter(
  ({ file }) =>
    file.startsWith(`${native}/`) &&
    !/\/gen\/|\.gen\.|_(?:test|fuzz)\.cc$|test_main/.test(file) &&
    file.includes(args.only),
);

/** Names what clang-tidy would read of ours for one source, or null where that cannot be told (it will be read). */
async function key({ command, directory, file }) {
  // The launcher in front of the compiler and the output behind it mean nothing to a dependency listing.
  const words = command.replace(/^.*?(\S*clang\+\+\S*)/, '$1').split(' ');
  const flags = words.slice(1).filter((w, i, all) => w !== '-o' && all[i - 1] !== '-o' && w !== '-c');
  let listed;
  try {
    listed = (await run(words[0], [...flags, '-MM'], { cwd: directory, maxBuffer: 1 << 26 })).stdout;
  } catch {
    return null;
  }
  const hash = createHash('sha256').update(fs.readFileSync('.clang-tidy')).update(flags.join(' '));
  const files = listed.replaceAll('\\\n', ' ').split(/\s+/).slice(1).filter(Boolean);
  for (const f of files.map((f) => path.resolve(directory, f)).sort()) {
    if (f.startsWith(`${native}/`)) hash.update(f.slice(native.length)).update(fs.readFileSync(f));
  }
  return path.join(passed, `${path.basename(file)}.${hash.digest('hex').slice(0, 32)}`);
}

const queue = [...units];
let fresh = 0;
let failed = 0;
await Promise.all(
  Array.from({ length: Math.max(1, Number(args.jobs)) }, async () => {
    for (let unit = queue.shift(); unit; unit = queue.shift()) {
      const mark = await key(unit);
      if (mark && fs.existsSync(mark)) continue;
      fresh++;
      try {
        await run(args['clang-tidy'], ['-p', args.build, '--quiet', unit.file], { maxBuffer: 1 << 26 });
        if (mark) fs.writeFileSync(mark, '');
      } catch (e) {
        failed++;
        console.log(`${e.stdout ?? ''}${e.stdout ? '' : e.message}`.replaceAll(`${root}/`, '').trimEnd());
      }
    }
  }),
);
console.log(`clang-tidy: ${units.length} sources, ${fresh} read, ${failed} with findings`);
process.exitCode = failed > 0 ? 1 : 0;
