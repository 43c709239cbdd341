// Plants a fault for every rule in a small clean tree and expects exactly that rule to name exactly that file. The
// clean tree itself must pass: otherwise a rule that always fires would look as if it worked.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { RULES, tidy, tsImports } from './tidy.mjs';

type Tree = Record<string, string>;

const CLEAN: Tree = {
  'README.md': '',
  'native/base/cursor.h': '#pragma once\nauto c = reinterpret_cast<char*>(0);\n',
  'native/base/check.h': '#include <cstdio>\n#define CHECK(c) std::fprintf(stderr, "no")\n',
  'native/flow/dispatch_test.cc': '#include "protocols/harness.h"\n',
  'native/base/cursor_test.cc': '#include "base/cursor.h"\nint* p = new int(1);\n',
  'native/event/gen/dns.gen.h': `// ${'x'.repeat(200)}\n`,
  'native/decode/vlan/README.md': '',
  'native/decode/vlan/vlan.h': '// a new frame is thrown at std::map\n#include "base/cursor.h"\n',
  'native/decode/vlan/vlan.cc': '#include "decode/vlan/vlan.h"\nconst char* s = "printf(new)";\nint n = 1\'000;\n',
  'native/decode/vlan/vlan_test.cc': '#include "decode/vlan/vlan.h"\n',
  'native/flow/protocol.h': '#include <new>\nvoid* at;\nauto p = new (at) int;\n',
  'native/protocols/dns/README.md': '',
  'native/protocols/dns/dns.schema.yaml': '',
  'native/protocols/dns/dns.h': '#include "flow/protocol.h"\n',
  'native/protocols/dns/dns.cc': '#include "protocols/dns/dns.h"\n#include "event/gen/dns.gen.h"\n',
  'native/protocols/dns/dns_test.cc': '',
  'native/protocols/dns/dns_fuzz.cc': '',
  'native/protocols/dns/captures/query.pcap': '',
  'native/protocols/dns/captures/SOURCES.md': '- query.pcap: made by hand\n',
  'native/sensor/pipeline.cc': '#include "protocols/dns/dns.h"\n#include <map>\nstd::map<int, int> m;\n',
  'native/addon/addon.cc': '#include <napi.h>\n#include "sensor/pipeline.h"\n',
  'native/cli/main.cc': '#include "sensor/pipeline.h"\n',
  'src/lib/clock.ts': 'export const now = (): number => Date.now();\n',
  'src/schema/gen/events.gen.ts': 'export const x = Date.now();\n',
  'src/state/log.ts': "import { now } from '../lib/clock.ts';\nexport const at = now;\n",
  'src/capture/addon.ts': "export const path = '../build/cmake/Release/catenary.node';\n",
  'src/chains/engine.ts': "import { at } from '../state/log.ts';\n// Date.now() is elsewhere\nexport const e = at;\n",
  'src/signals/signal.ts': 'export const day = (t: number): Date => new Date(t);\n',
  'src/signals/beacon/README.md': '',
  'src/signals/beacon/cases.jsonl': '',
  'src/signals/beacon/beacon.ts':
    "import { day } from '../signal.ts';\nexport const b = `${day(1)} Date.now() ${'x'}`;\n",
  'src/signals/beacon/beacon.test.ts': "import { b } from './beacon.ts';\nexport const c = b;\n",
  'src/signals/dga/README.md': '',
  'src/signals/dga/cases.jsonl': '',
  'src/signals/dga/dga.ts': 'export const d = 1;\n',
  'src/signals/dga/dga.test.ts': '',
  'src/sensor.ts':
    "import { e } from './chains/engine.ts';\nimport { b } from './signals/beacon/beacon.ts';\nexport { b, e };\n",
  'src/commands/read.ts': "import { e } from '../chains/engine.ts';\nexport { e };\n",
};

const gone = null;
const long = 'x'.repeat(121);
const unfinished = ['FIX', 'ME'].join('');
const undated = ['TO', 'DO'].join('');
const allow = ['tidy', 'allow'].join('-');

interface Fault {
  rule: string;
  what: string;
  file: string;
  /** The whole file, or null to delete it. */
  text: string | null;
  /** Where the finding is expected, when not in that file. */
  at?: string;
}

const hot = 'native/decode/vlan/vlan.cc';
const FAULTS: Fault[] = [
  { rule: 'top-level', what: 'a stray folder', file: 'scripts/x.sh', text: '', at: 'scripts' },
  { rule: 'src-folder', what: 'a folder nobody knows', file: 'src/utils/a.ts', text: '' },
  { rule: 'src-folder', what: 'a stray root file', file: 'src/helpers.ts', text: '' },
  {
    rule: 'src-foundation',
    what: 'schema imports state',
    file: 'src/schema/a.ts',
    text: "import '../state/log.ts';\n",
  },
  {
    rule: 'src-foundation',
    what: 'the foundation imports a stage',
    file: 'src/wire/a.ts',
    text: "export type { E } from '../chains/engine.ts';\n",
  },
  {
    rule: 'src-stage',
    what: 'a stage imports a stage',
    file: 'src/collector/a.ts',
    text: "import type { E } from '../chains/engine.ts';\n",
  },
  {
    rule: 'src-stage',
    what: 'a stage imports a stage when it runs',
    file: 'src/ship/a.ts',
    text: "export const e = await import('../chains/engine.ts');\n",
  },
  {
    rule: 'src-stage',
    what: 'an import over several lines',
    file: 'src/ship/a.ts',
    text: "import {\n  E,\n} from '../chains/engine.ts';\n",
  },
  { rule: 'src-spine', what: 'a stage imports a spine', file: 'src/ship/a.ts', text: "import '../sensor.ts';\n" },
  {
    rule: 'src-unit',
    what: 'signal to signal',
    file: 'src/signals/dga/dga.ts',
    text: "import '../beacon/beacon.ts';\n",
  },
  { rule: 'src-unit', what: 'sink to sink', file: 'src/ship/sinks/a/a.ts', text: "import '../b/b.ts';\n" },
  { rule: 'src-unit', what: 'format to format', file: 'src/formats/eve/eve.ts', text: "import '../zeek/zeek.ts';\n" },
  { rule: 'src-unit', what: 'feed to feed', file: 'src/intel/feeds/a/a.ts', text: "import '../b/b.ts';\n" },
  { rule: 'src-unit', what: 'chain to chain', file: 'src/chains/a/a.ts', text: "import '../b/b.ts';\n" },
  { rule: 'src-clock', what: 'Date.now', file: 'src/alerts/a.ts', text: 'export const t = Date.now();\n' },
  { rule: 'src-clock', what: 'new Date()', file: 'src/alerts/a.ts', text: 'export const t = new Date();\n' },
  { rule: 'src-clock', what: 'setTimeout', file: 'src/sensor.ts', text: 'setTimeout(() => {}, 1);\n' },
  { rule: 'src-clock', what: 'setInterval', file: 'src/alerts/a.ts', text: 'setInterval(() => {}, 1);\n' },
  { rule: 'src-clock', what: 'Math.random', file: 'src/alerts/a.ts', text: 'export const r = Math.random();\n' },
  {
    rule: 'src-clock',
    what: 'performance.now',
    file: 'src/alerts/a.ts',
    text: 'export const r = performance.now();\n',
  },
  { rule: 'src-clock', what: 'process.hrtime', file: 'src/alerts/a.ts', text: 'export const r = process.hrtime();\n' },
  { rule: 'src-clock', what: 'node:timers', file: 'src/alerts/a.ts', text: "import 'node:timers/promises';\n" },
  { rule: 'src-clock', what: 'perf_hooks', file: 'src/alerts/a.ts', text: "import { x } from 'perf_hooks';\n" },
  {
    rule: 'src-clock',
    what: 'a clock in a template',
    file: 'src/alerts/a.ts',
    text: 'export const r = `${Date.now()}`;\n',
  },
  {
    rule: 'src-addon',
    what: 'a stage loads the addon',
    file: 'src/store/a.ts',
    text: "require('../../build/cmake/Release/catenary.node');\n",
  },
  { rule: 'native-folder', what: 'a layer nobody knows', file: 'native/util/a.h', text: '' },
  { rule: 'native-include', what: 'upwards', file: 'native/base/a.h', text: '#include "flow/protocol.h"\n' },
  { rule: 'native-include', what: 'the harness', file: 'native/flow/a.cc', text: '#include "protocols/harness.h"\n' },
  { rule: 'native-include', what: 'a path from here', file: 'native/flow/a.cc', text: '#include "protocol.h"\n' },
  { rule: 'native-include', what: 'a path with dots', file: 'native/flow/a.cc', text: '#include "../base/cursor.h"\n' },
  { rule: 'native-include', what: 'cli to addon', file: 'native/cli/a.cc', text: '#include "addon/a.h"\n' },
  { rule: 'native-include', what: 'the core to cli', file: 'native/sensor/a.cc', text: '#include "cli/a.h"\n' },
  {
    rule: 'native-protocol',
    what: 'protocol to protocol',
    file: 'native/protocols/dns/dns.cc',
    text: '#include "protocols/http/http.h"\n',
  },
  { rule: 'native-napi', what: 'napi.h in the core', file: 'native/sensor/a.cc', text: '#include <napi.h>\n' },
  { rule: 'native-napi', what: 'node_api.h in the core', file: 'native/sensor/a.cc', text: '#include <node_api.h>\n' },
  { rule: 'hot-new', what: 'new', file: hot, text: 'int* p = new int(1);\n' },
  { rule: 'hot-new', what: 'new that may fail', file: hot, text: 'int* p = new (std::nothrow) int(1);\n' },
  { rule: 'hot-throw', what: 'throw', file: hot, text: 'void f() { throw 1; }\n' },
  { rule: 'hot-function', what: 'std::function', file: hot, text: 'std::function<void()> f;\n' },
  { rule: 'hot-map', what: 'std::map', file: hot, text: 'std::map<int, int> m;\n' },
  { rule: 'hot-printf', what: 'printf', file: hot, text: 'void f() { printf("x"); }\n' },
  {
    rule: 'hot-printf',
    what: 'std::fprintf',
    file: 'native/base/cursor.h',
    text: 'void f() { std::fprintf(stderr, "x"); }\n',
  },
  { rule: 'hot-clock', what: 'steady_clock', file: hot, text: 'auto t = std::chrono::steady_clock::now();\n' },
  { rule: 'hot-clock', what: 'time(nullptr)', file: hot, text: 'auto t = time(nullptr);\n' },
  { rule: 'hot-cast', what: 'reinterpret_cast', file: hot, text: 'auto c = reinterpret_cast<char*>(p);\n' },
  {
    rule: 'unit-shape',
    what: 'a protocol without a fuzzer',
    file: 'native/protocols/dns/dns_fuzz.cc',
    text: gone,
    at: 'native/protocols/dns',
  },
  {
    rule: 'unit-shape',
    what: 'a layer without a test',
    file: 'native/decode/vlan/vlan_test.cc',
    text: gone,
    at: 'native/decode/vlan',
  },
  {
    rule: 'unit-shape',
    what: 'a signal without cases',
    file: 'src/signals/dga/cases.jsonl',
    text: gone,
    at: 'src/signals/dga',
  },
  {
    rule: 'unit-capture',
    what: 'a protocol without a capture',
    file: 'native/protocols/dns/captures/query.pcap',
    text: gone,
    at: 'native/protocols/dns',
  },
  {
    rule: 'unit-source',
    what: 'a capture without a source',
    file: 'native/protocols/dns/captures/SOURCES.md',
    text: '\n',
  },
  { rule: 'file-length', what: '601 lines', file: 'src/lib/a.ts', text: '\n'.repeat(601) },
  { rule: 'line-length', what: '121 columns', file: 'src/lib/a.ts', text: `// ${long.slice(3)}\n` },
  { rule: 'unfinished', what: 'a fix-me', file: 'src/lib/a.ts', text: `// ${unfinished}: later\n` },
  { rule: 'unfinished', what: 'a to-do without an issue', file: 'src/lib/a.ts', text: `// ${undated}: later\n` },
  {
    rule: 'allow-reason',
    what: 'an exception without a reason',
    file: 'native/sensor/a.cc',
    text: `// ${allow}: hot-new\n`,
  },
  {
    rule: 'allow-reason',
    what: 'an exception to no rule',
    file: 'native/sensor/a.cc',
    text: `// ${allow}: all - because\n`,
  },
];

function plant(root: string, tree: Tree): void {
  for (const [file, text] of Object.entries(tree)) {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), text);
  }
}

describe('tidy', () => {
  let root: string;
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'catenary-tidy-'));
    plant(root, CLEAN);
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  it('finds nothing in a clean tree', () => {
    assert.deepEqual(tidy(root), []);
  });

  for (const fault of FAULTS) {
    it(`${fault.rule}: ${fault.what}`, () => {
      if (fault.text === null) fs.rmSync(path.join(root, fault.file));
      else plant(root, { [fault.file]: fault.text });
      const found = tidy(root).map((f) => `${f.rule} ${f.file}`);
      assert.deepEqual([...new Set(found)], [`${fault.rule} ${fault.at ?? fault.file}`]);
    });
  }

  it('has a planted fault for every rule', () => {
    const planted = new Set(FAULTS.map((f) => f.rule));
    assert.deepEqual(
      RULES.filter((r: string) => !planted.has(r)),
      [],
    );
  });

  it('takes an exception that names the rule and the reason', () => {
    plant(root, { [hot]: `int* p = new int(1);  // ${allow}: hot-new - the one block of the arena\n` });
    assert.deepEqual(tidy(root), []);
  });

  it('does not take an exception for another rule', () => {
    plant(root, { [hot]: `int* p = new int(1);  // ${allow}: hot-map - the one block of the arena\n` });
    assert.deepEqual(
      tidy(root).map((f) => f.rule),
      ['hot-new'],
    );
  });

  it('leaves generated files and words in comments and strings alone', () => {
    plant(root, {
      'native/event/gen/a.gen.h': 'int* p = new int(1);\n',
      'native/flow/a.cc': '// throw\n/* new\n int */ const char* s = "std::map throw";\nauto r = R"x(throw " new)x";\n',
      'src/alerts/a.ts': "// Date.now()\nexport const s = 'Math.random()';\n/* setTimeout( */\nobj.setTimeout(1);\n",
    });
    assert.deepEqual(tidy(root), []);
  });

  it('does not count what stands in a string towards the length of its line', () => {
    plant(root, { 'src/lib/a.ts': `export const s = '${long}';\n` });
    assert.deepEqual(tidy(root), []);
    plant(root, { 'src/lib/a.ts': `export const s = ''; // ${long}\n` });
    assert.deepEqual(
      tidy(root).map((f) => f.rule),
      ['line-length'],
    );
  });

  it('reports the line', () => {
    plant(root, { [hot]: '\n\nvoid f() { throw 1; }\n' });
    assert.equal(tidy(root)[0]?.line, 3);
  });
});

describe('tidy: imports', () => {
  it('sees every form and no comment', () => {
    const text = [
      "import a from './a.ts';",
      "import type { B } from './b.ts';",
      "export * from './c.ts';",
      "const d = await import('./d.ts');",
      "import './e.ts';",
      "// import './not.ts';",
      "const f = require('./f.ts');",
      "const g = `import h from './h.ts';`;",
    ].join('\n');
    assert.deepEqual(
      tsImports(text).map((i: { target: string; line: number }) => `${i.target}:${i.line}`),
      ['./a.ts:1', './b.ts:2', './c.ts:3', './d.ts:4', './e.ts:5', './f.ts:7'],
    );
  });
});
