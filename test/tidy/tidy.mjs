// The house rules that no compiler checks: who may include or import whom, the shape of a unit's folder, words that
// have no place in a hot folder, lengths. ARCHITECTURE.md says why each layer stands where it stands.
//
//   node test/tidy/tidy.mjs [ROOT]      one line a finding, exit code 1 if there is any
//
// A line that has to break a word rule says so, with the reason: `// tidy-allow: hot-new - the arena's one block`.
// tidy.test.ts plants a fault for every rule and expects it to be found.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeLines, withoutComments } from './lex.mjs';

// ---- the order ---------------------------------------------------------------------------------------------------

/** native/, low to high: a layer includes itself and what stands before it. addon, cli and store are all last. */
export const NATIVE_LAYERS = [
  'base',
  'event',
  'memory',
  'capture',
  'decode',
  'flow',
  'files',
  'protocols',
  'packets',
  'sensor',
  'hunt',
  'worker',
];
const NATIVE_TOPS = ['addon', 'cli', 'child', 'store'];
/** What a test below protocols/ may include all the same: it plays a whole flow. */
const HARNESS = 'protocols/harness.h';
/** Called for every packet or event: nothing here allocates by hand, throws, prints or asks the time. */
const HOT = ['base', 'event', 'memory', 'decode', 'flow', 'files', 'protocols'];

export const FOUNDATION = ['lib', 'schema', 'config', 'state', 'wire', 'spool'];
export const STAGES = [
  ...['capture', 'entities', 'intel', 'signals', 'chains', 'alerts', 'evidence', 'content'],
  ...['ship', 'collector', 'store', 'console', 'formats', 'status', 'setup', 'triage'],
];
const SPINE_NAMES =
  'sensor|sources|outbound|packs|server|desk|fleet|cli|read|analyze|detection|declared|stages|live|hunt';
const SPINES = new RegExp(`^src/(?:(?:${SPINE_NAMES})(?:\\.test)?\\.ts|commands/.*)$`);
/** Folders whose subfolders are units: they share what lies beside them and do not know each other. */
const UNIT_PARENTS = ['src/signals', 'src/chains', 'src/formats', 'src/ship/sinks', 'src/intel/feeds'];

/** `x` stands for the unit's name. */
const SHAPES = [
  {
    under: 'native/protocols',
    files: ['README.md', 'x.schema.yaml', 'x.h', 'x.cc', 'x_test.cc', 'x_fuzz.cc', 'captures/SOURCES.md'],
    capture: true,
  },
  { under: 'native/decode', files: ['README.md', 'x.h', 'x.cc', 'x_test.cc'] },
  { under: 'src/signals', files: ['README.md', 'x.ts', 'x.test.ts', 'cases.jsonl'] },
];

const TOP_LEVEL = new Set([
  ...['native', 'src', 'appliance', 'test', 'build', 'dist', 'node_modules', 'coverage'],
  ...['package.json', 'package-lock.json', 'binding.gyp', 'Makefile', 'biome.json'],
  ...['tsconfig.json', 'tsconfig.build.json', 'compile_commands.json'],
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'GLOSSARY.md', 'SECURITY.md', 'CHANGELOG.md', 'LICENSE'],
]);

const FILE_LINES_MAX = 600;
const LINE_COLUMNS_MAX = 120;

// ---- words -------------------------------------------------------------------------------------------------------

const CLOCK_WORDS = [
  /\bDate\s*\.\s*now\b/,
  /\bnew\s+Date\s*(?:\(\s*\)|(?!\s*\())/,
  /(?<![.\w])(?:setTimeout|setInterval)\s*\(/,
  /\b(?:globalThis|window)\s*\.\s*(?:setTimeout|setInterval)\b/,
  /\bMath\s*\.\s*random\b/,
  /\bperformance\s*\.\s*now\b/,
  /\bprocess\s*\.\s*hrtime\b/,
];
const CLOCK_MODULES = /^(?:node:)?(?:timers(?:\/promises)?|perf_hooks)$/;

/** rule, what it looks for, and which files of a hot folder may do it all the same. */
const HOT_WORDS = [
  ['hot-new', /\bnew\b(?!\s*\((?!\s*std::nothrow))/, null],
  ['hot-throw', /\bthrow\b/, null],
  ['hot-function', /\bstd::function\b/, null],
  ['hot-map', /\bstd::(?:map|multimap)\b/, null],
  ['hot-printf', /\b(?:std::)?(?:v?[fds]?n?printf|vsnprintf|puts|fputs)\s*\(/, /^native\/base\/check\.h$/],
  [
    'hot-clock',
    /\b(?:(?:system|steady|high_resolution)_clock|clock_gettime|gettimeofday|time\s*\(\s*(?:nullptr|NULL|0)\s*\))/,
    null,
  ],
  ['hot-cast', /\breinterpret_cast\b/, /^native\/base\//],
];

// Spelled in two halves so that this file passes itself.
const UNFINISHED = new RegExp(`\\b(?:FIX${'ME'}|XX${'X'})\\b`);
const UNDATED = new RegExp(`\\bTO${'DO'}\\b(?!\\(#\\d+\\))`);

/**
 * Every rule by name, for the test that insists on a planted fault for each.
 * @type {string[]}
 */
export const RULES = [
  ...['top-level', 'src-folder', 'src-foundation', 'src-stage', 'src-spine', 'src-unit', 'src-clock', 'src-addon'],
  ...['native-folder', 'native-include', 'native-protocol', 'native-napi'],
  ...HOT_WORDS.map(([rule]) => String(rule)),
  ...['unit-shape', 'unit-capture', 'unit-source', 'file-length', 'line-length', 'unfinished', 'allow-reason'],
];

// ---- walking -----------------------------------------------------------------------------------------------------

const CODE = /\.(?:ts|mts|js|mjs|cjs|cc|h)$/;
const isGenerated = (file) => /\/gen\/|\.gen\.\w+$/.test(file);
const isNativeTest = (file) => /_(?:test|fuzz)\.cc$|^native\/base\/test(?:_main)?\.(?:h|cc)$/.test(file);

function* walk(root, dir = '') {
  for (const entry of fs.readdirSync(path.join(root, dir), { withFileTypes: true })) {
    const file = dir ? `${dir}/${entry.name}` : entry.name;
    if (entry.isDirectory()) {
      if (!['node_modules', '.git', 'templates', 'captures'].includes(entry.name)) yield* walk(root, file);
    } else if (entry.isFile()) {
      yield file;
    }
  }
}

const folders = (root, dir) =>
  fs.existsSync(path.join(root, dir))
    ? fs
        .readdirSync(path.join(root, dir), { withFileTypes: true })
        .filter((e) => e.isDirectory() && e.name !== 'gen')
        .map((e) => e.name)
    : [];

// ---- rules -------------------------------------------------------------------------------------------------------

function checkTopLevel(root, report) {
  for (const name of fs.readdirSync(root)) {
    if (!name.startsWith('.') && !TOP_LEVEL.has(name)) report('top-level', name, 0, 'does not belong at the top level');
  }
}

function checkShapes(root, report) {
  for (const { under, files, capture } of SHAPES) {
    for (const unit of folders(root, under)) {
      const dir = `${under}/${unit}`;
      for (const pattern of files) {
        const name = pattern.replace(/^x(?=[._])/, unit);
        if (!fs.existsSync(path.join(root, dir, name))) report('unit-shape', dir, 0, `has no ${name}`);
      }
      if (capture) checkCaptures(root, dir, report);
    }
  }
}

function checkCaptures(root, dir, report) {
  const captures = path.join(root, dir, 'captures');
  const pcaps = fs.existsSync(captures) ? fs.readdirSync(captures).filter((f) => /\.pcap(?:ng)?$/.test(f)) : [];
  if (pcaps.length === 0) report('unit-capture', dir, 0, 'has no capture: captures/<case>.pcap');
  const sources = path.join(captures, 'SOURCES.md');
  const text = fs.existsSync(sources) ? fs.readFileSync(sources, 'utf8') : '';
  for (const pcap of pcaps) {
    if (!text.includes(pcap)) report('unit-source', `${dir}/captures/SOURCES.md`, 0, `does not name ${pcap}`);
  }
}

/** Modules a TypeScript file names: from, import(), require(), with the line of each. */
export function tsImports(text) {
  const code = withoutComments(text, 'ts');
  const words = codeLines(text, 'ts').join('\n'); // where an import inside a string is blank
  const found = [];
  const form = /(?:\bfrom|\bimport|\brequire(?:\.resolve)?|\bdlopen)\s*\(?\s*(['"`])([^'"`\n]+)\1/g;
  for (const m of code.matchAll(form)) {
    if (words[m.index] === ' ') continue;
    found.push({ target: m[2], line: code.slice(0, m.index).split('\n').length });
  }
  return found;
}

function unitOf(file) {
  for (const parent of UNIT_PARENTS) {
    const rest = file.startsWith(`${parent}/`) ? file.slice(parent.length + 1).split('/') : [];
    if (rest.length > 1 && rest[0] !== 'gen') return `${parent}/${rest[0]}`;
  }
  return null;
}

function checkSource(file, text, report) {
  const folder = file.split('/').length > 2 ? file.split('/')[1] : '';
  const rank = FOUNDATION.indexOf(folder);
  const spine = SPINES.test(file);
  if (!spine && rank < 0 && !STAGES.includes(folder)) {
    report('src-folder', file, 0, 'is neither a foundation, a stage nor a spine');
    return;
  }
  for (const { target, line } of tsImports(text)) {
    if (CLOCK_MODULES.test(target) && folder !== 'lib') report('src-clock', file, line, `imports ${target}`);
    if (!target.startsWith('.')) continue;
    const to = path.posix.join(path.posix.dirname(file), target);
    if (!to.startsWith('src/')) continue;
    const toFolder = to.split('/').length > 2 ? to.split('/')[1] : '';
    const toRank = FOUNDATION.indexOf(toFolder);
    if (spine) continue;
    if (SPINES.test(to)) {
      report('src-spine', file, line, `imports the spine ${to}`);
    } else if (rank >= 0 && (toRank < 0 || toRank > rank)) {
      report('src-foundation', file, line, `${folder} imports ${to}, which stands above it`);
    } else if (rank < 0 && toRank < 0 && toFolder !== folder) {
      report('src-stage', file, line, `${folder} imports ${to}: stages meet in the schema`);
    } else {
      const unit = unitOf(file);
      const other = unitOf(to);
      if (unit && other && unit !== other) report('src-unit', file, line, `${unit} imports ${other}`);
    }
  }
  const code = codeLines(text, 'ts');
  if (folder !== 'lib') {
    code.forEach((l, i) => {
      for (const word of CLOCK_WORDS) {
        const hit = word.exec(l);
        if (hit) report('src-clock', file, i + 1, `${hit[0].trim()}: the one clock is in src/lib`);
      }
    });
  }
  if (folder !== 'capture') {
    withoutComments(text, 'ts')
      .split('\n')
      .forEach((l, i) => {
        if (/\.node['"`]/.test(l)) report('src-addon', file, i + 1, 'only src/capture loads the addon');
      });
  }
}

function checkNative(file, text, report) {
  const parts = file.split('/');
  const layer = parts[1];
  if (parts.length < 3 || ![...NATIVE_LAYERS, ...NATIVE_TOPS].includes(layer)) {
    report('native-folder', file, 0, 'is in no layer');
    return;
  }
  const rank = NATIVE_LAYERS.includes(layer) ? NATIVE_LAYERS.indexOf(layer) : NATIVE_LAYERS.length;
  withoutComments(text, 'cc')
    .split('\n')
    .forEach((l, i) => {
      const m = /^\s*#\s*include\s*(["<])([^">]+)[">]/.exec(l);
      if (!m) return;
      const [, quote, target] = m;
      if (/^(?:napi|node_api|node_api_types|js_native_api|uv)\.h$|^node\//.test(target) && layer !== 'addon') {
        report('native-napi', file, i + 1, `includes ${target}: only addon/ knows Node`);
      } else if (quote === '"' && !(target === HARNESS && isNativeTest(file))) {
        checkInclude(file, i + 1, layer, rank, target, report);
      }
    });
  if (!HOT.includes(layer) || isNativeTest(file)) return;
  codeLines(text, 'cc').forEach((l, i) => {
    if (/^\s*#\s*include/.test(l)) return;
    for (const [rule, word, except] of HOT_WORDS) {
      const hit = word.exec(l);
      if (hit && !except?.test(file)) report(rule, file, i + 1, `${hit[0].trim()} in a hot folder`);
    }
  });
}

function checkInclude(file, line, layer, rank, target, report) {
  const [to, unit] = target.split('/');
  const top = NATIVE_TOPS.includes(to);
  const toRank = top ? NATIVE_LAYERS.length : NATIVE_LAYERS.indexOf(to);
  if (toRank < 0) {
    report('native-include', file, line, `"${target}" does not start at a layer of native/`);
  } else if (toRank > rank || (top && to !== layer)) {
    report('native-include', file, line, `${layer} includes "${target}", which stands above it`);
  } else if (layer === 'protocols' && to === 'protocols' && target.split('/').length > 2) {
    const own = file.split('/').length > 3 ? file.split('/')[2] : '';
    if (unit !== own) report('native-protocol', file, line, `includes "${target}": protocols do not know each other`);
  }
}

/** A line's length without what stands in its strings: no formatter can break those. */
function columns(line) {
  const kept = withoutComments(line, 'ts');
  const blanked = codeLines(line, 'ts')[0];
  return [...line].length - [...kept].filter((c, k) => c !== ' ' && blanked[k] === ' ').length;
}

function checkText(file, text, report) {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines.length > FILE_LINES_MAX) report('file-length', file, lines.length, `${lines.length} lines`);
  lines.forEach((l, i) => {
    if (l.length > LINE_COLUMNS_MAX && columns(l) > LINE_COLUMNS_MAX) {
      report('line-length', file, i + 1, `${columns(l)} columns without its strings`);
    }
    if (UNFINISHED.test(l)) report('unfinished', file, i + 1, 'say what is missing in an issue');
    if (UNDATED.test(l)) report('unfinished', file, i + 1, 'needs an issue: (#12)');
    const allow = ALLOW.exec(l);
    if (allow && (!RULES.includes(allow[1]) || !/\w{3}/.test(allow[2]))) {
      report('allow-reason', file, i + 1, 'tidy-allow names a rule and says why: rule - reason');
    }
  });
}

const ALLOW = /\btidy-allow:\s*([\w-]+)(.*)/;

/** Every finding in the tree at `root`, ordered by file and line. */
export function tidy(root) {
  const findings = [];
  const allowed = new Map();
  const report = (rule, file, line, message) => {
    const why = allowed.get(file)?.[line - 1];
    if (why !== rule) findings.push({ rule, file, line, message });
  };
  checkTopLevel(root, report);
  checkShapes(root, report);
  for (const dir of ['native', 'src', 'test']) {
    if (!fs.existsSync(path.join(root, dir))) continue;
    for (const name of walk(root, dir)) {
      const file = name.replaceAll('\\', '/');
      if (!CODE.test(file) || isGenerated(file)) continue;
      const text = fs.readFileSync(path.join(root, file), 'utf8');
      const lines = text.split('\n');
      allowed.set(
        file,
        lines.map((l) => ALLOW.exec(l)?.[1] ?? null),
      );
      checkText(file, text, report);
      if (/\.(?:cc|h)$/.test(file) && dir === 'native') checkNative(file, text, report);
      if (/\.ts$/.test(file) && dir === 'src') checkSource(file, text, report);
    }
  }
  return findings.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line));
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = path.resolve(process.argv[2] ?? path.join(path.dirname(fileURLToPath(import.meta.url)), '../..'));
  const findings = tidy(root);
  for (const { rule, file, line, message } of findings) {
    console.log(`${file}${line ? `:${line}` : ''}: ${rule}: ${message}`);
  }
  console.log(findings.length === 0 ? 'tidy: clean' : `tidy: ${findings.length} findings`);
  process.exitCode = findings.length > 0 ? 1 : 0;
}
