// Figures of the store on this machine: start, memory, insert rate, bytes a row on disk, query times.
//
//   node --import tsx test/bench/store.ts [ROWS] [STATEMENT...]
//
// ROWS of conn, a million unless said otherwise. Statements are run before loading: what would it be without that
// index?
//
// The flows are made: 2,000 hosts and 50,000 responders, both with few that do most, over three days and four sensors.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadAddon } from '../../src/capture/addon.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { decodeBatch } from '../../src/schema/decode.ts';
import { type EventInput, encodeBatch } from '../../src/schema/encode.ts';
import { KIND_IDS } from '../../src/schema/gen/structures.gen.ts';
import { connect } from '../../src/store/access.ts';
import { Launcher } from '../../src/store/launcher.ts';
import { type Frame, Loader } from '../../src/store/load.ts';
import { migrate } from '../../src/store/migrate.ts';
import { Queries } from '../../src/store/query.ts';

const ROWS = Number(process.argv[2] ?? 1_000_000);
const FRAME_ROWS = 2000;
const T0 = 1_700_006_400e6;
const SPAN = 3 * 86_400e6;

let state = 1;
/** 0 to n-1, from a generator that every run begins alike. */
const pick = (n: number): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
};
const skewed = (n: number): number => Math.floor(n * (pick(1 << 30) / 2 ** 30) ** 3);
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const STATES = ['SF', 'SF', 'SF', 'SF', 'S0', 'REJ', 'RSTO', 'OTH'];

function flow(seen: number): EventInput<'conn'> {
  const orig = skewed(2000);
  const resp = skewed(50_000);
  const ts = seen - pick(60e6);
  const state = STATES[pick(8)] as string;
  const bytes = skewed(1 << 20);
  return {
    ...{ ts, seen, uid: `C0${Array.from({ length: 10 }, () => BASE62[pick(62)]).join('')}` },
    ...{ orig_h: `10.${orig >> 8}.${orig & 255}.7`, orig_p: 32_768 + pick(28_000) },
    ...{
      resp_h: `${20 + (resp >> 12)}.${(resp >> 4) & 255}.${resp & 15}.9`,
      resp_p: [443, 443, 80, 53][pick(4)] as number,
    },
    ...{ proto: 6, service: state === 'SF' ? ['tls'] : [], duration: (seen - ts) / 1e6, conn_state: state },
    ...{ orig_bytes: bytes >> 4, resp_bytes: bytes, missed_bytes: 0, history: 'ShADadFf', orig_pkts: 9, resp_pkts: 12 },
    ...{ orig_ip_bytes: (bytes >> 4) + 400, resp_ip_bytes: bytes + 500, ip_proto: 6, first: ts, last: seen },
    ...{ orig_gap_bytes: 0, resp_gap_bytes: 0, orig_retx_pkts: 0, resp_retx_pkts: 0, end_reason: 'fin' },
  } as EventInput<'conn'>;
}

async function timed(what: string, ask: () => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const begin = performance.now();
    await ask();
    times.push(performance.now() - begin);
  }
  const [first] = times;
  say(`${what} [ms]: first, median`, `${first?.toFixed(0)}, ${times.sort((a, b) => a - b)[2]?.toFixed(0)}`);
}

const rss = (pid: number): string => /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
const say = (what: string, value: string | number): void => console.log(`${what.padEnd(44)} ${value}`);
const MIB = 2 ** 20;

const addon = loadAddon();
if (!addon.ok) throw new Error(addon.fault.message);
const root = mkdtempSync(path.join(tmpdir(), 'catenary-bench-'));
const started = await Launcher.start({
  ...{ dir: path.join(root, 'store'), clock: systemClock },
  onEvent: (e) => e.event === 'ready' && say('start to first answer [ms]', Math.round(e.startMs)),
});
if (!started.ok) throw new Error(started.fault.message);
const launcher = started.value;
const pid = launcher.pid as number;
await migrate(launcher.access);
const writer = connect(launcher.access, launcher.access.writer);
for (const query of process.argv.slice(3)) await writer.command({ query });
await new Promise<void>((done) => systemClock.after(2000, done));
say('resident at rest [MiB]', Math.round(Number(rss(pid)) / 1024));

const frames: Frame[] = [];
const bytesOf = (list: readonly Frame[]): number => list.reduce((n, f) => n + f.bytes.length, 0);
for (let i = 0; i < ROWS / FRAME_ROWS; i++) {
  const at = T0 + (SPAN * i * FRAME_ROWS) / ROWS;
  const step = Math.floor(SPAN / ROWS);
  const events = Array.from({ length: FRAME_ROWS }, (_, k) => flow(Math.floor(at) + k * step));
  const sensor = `s${i % 4}`;
  frames.push({
    ...{ sensor, epoch: 1, seq: Math.floor(i / 4) + 1, schema: 1, kind: KIND_IDS.conn, count: FRAME_ROWS },
    bytes: encodeBatch('conn', events),
  });
}
say('bytes a record', Math.round(bytesOf(frames) / ROWS));

const some = frames.slice(0, 32);
let began = performance.now();
const transposer = new addon.value.Transposer(KIND_IDS.conn);
await transposer.add(some);
const { block } = await transposer.finish([]);
say('transposed [M rows/s]', ((some.length * FRAME_ROWS) / (performance.now() - began) / 1000).toFixed(2));
say('bytes a row in a block', Math.round(block.byteLength / some.length / FRAME_ROWS));

const loader = new Loader({ access: launcher.access, native: addon.value, clock: systemClock, schemas: new Set([1]) });
began = performance.now();
for (let i = 0; i < frames.length; i += 100) {
  const loaded = await loader.load(frames.slice(i, i + 100));
  if (!loaded.ok) throw new Error(loaded.fault.message);
  if (loaded.value.refused.length > 0) throw new Error(JSON.stringify(loaded.value.refused[0]));
}
say('loaded, durable [k rows/s]', Math.round(ROWS / (performance.now() - began)));
say('resident after loading [MiB]', Math.round(Number(rss(pid)) / 1024));
await loader.close();

const one = async (query: string): Promise<string> =>
  (await (await writer.query({ query, format: 'TabSeparated' })).text()).trim();
for (const table of ['conn', 'address_day']) {
  await writer.command({ query: `OPTIMIZE TABLE catenary.${table}` });
  const [rows, disk, parts] = (
    await one(`SELECT sum(rows), sum(bytes_on_disk), count() FROM system.parts WHERE active AND table = '${table}'`)
  ).split('\t');
  say(`${table}: rows, bytes a row on disk, parts`, `${rows}, ${(Number(disk) / Number(rows)).toFixed(1)}, ${parts}`);
}
say(
  'conn on disk [MiB]',
  (Number(await one(`SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'conn'`)) / MIB).toFixed(1),
);
say(
  'largest columns [bytes a row]',
  await one(
    `SELECT arrayStringConcat(groupArray(concat(name, ' ', toString(round(data_compressed_bytes / ${ROWS}, 1)))), ', ') FROM (SELECT name, data_compressed_bytes FROM system.columns WHERE database = 'catenary' AND table = 'conn' ORDER BY data_compressed_bytes DESC LIMIT 8)`,
  ),
);
say(
  'skip indexes [bytes a row]',
  await one(
    `SELECT round(sum(data_compressed_bytes) / ${ROWS}, 1) FROM system.data_skipping_indices WHERE database = 'catenary' AND table = 'conn'`,
  ),
);

const rare = '10.7.100.7';
const common = '10.0.0.7';
for (const [what, query] of [
  ['an address in conn, rare', `SELECT count() FROM catenary.conn WHERE orig_h = '${rare}' OR resp_h = '${rare}'`],
  [
    'an address in conn, common',
    `SELECT count() FROM catenary.conn WHERE orig_h = '${common}' OR resp_h = '${common}'`,
  ],
  ['an address in conn, absent', `SELECT count() FROM catenary.conn WHERE orig_h = '9.9.9.9' OR resp_h = '9.9.9.9'`],
  [
    'an address in address_day, rare',
    `SELECT sum(flows), min(first), max(last) FROM catenary.address_day WHERE addr = '${rare}'`,
  ],
  [
    'an address in address_day, common',
    `SELECT sum(flows), min(first), max(last) FROM catenary.address_day WHERE addr = '${common}'`,
  ],
  [
    'top peers in conn, common',
    `SELECT resp_h, count() AS n FROM catenary.conn WHERE orig_h = '${common}' GROUP BY resp_h ORDER BY n DESC LIMIT 10`,
  ],
  [
    'top peers in address_day, common',
    `SELECT peer, sum(flows) AS n FROM catenary.address_day WHERE addr = '${common}' GROUP BY peer ORDER BY n DESC LIMIT 10`,
  ],
  ['latest 100', 'SELECT * FROM catenary.conn ORDER BY seen DESC LIMIT 100'],
  ['flows an hour', 'SELECT toStartOfHour(seen) AS h, count() FROM catenary.conn GROUP BY h'],
] as const) {
  await timed(what, async () => (await writer.query({ query, format: 'JSONEachRow' })).text());
}

const queries = new Queries(launcher.access);
const always = { from: 0, to: 2 ** 53 - 1 };
const refs = Array.from({ length: 100 }, (_, i) => {
  const f = frames[Math.floor((i * frames.length) / 100)] as Frame;
  const [event] = decodeBatch('conn', f.bytes);
  return { ref: `${f.sensor}/1/${f.seq}/0`, seen: event?.seen as number };
});
for (const [what, ask] of [
  ['search box: an address, rare', () => queries.search({ text: rare, ...always })],
  ['search box: an address, common', () => queries.search({ text: common, ...always })],
  ['search box: an address, absent', () => queries.search({ text: '9.9.9.9', ...always })],
  ['search box: a hash, absent', () => queries.search({ text: 'ab'.repeat(32), ...always })],
  ['entity: an address, common', () => queries.entity({ class: 'address', value: common })],
  ['entity: a host, common', () => queries.entity({ class: 'host', value: `ip:${common}` })],
  ['100 events by reference and time', () => queries.events(refs)],
  ['10 events by reference alone', () => queries.events(refs.slice(0, 10).map(({ ref }) => ({ ref })))],
  ['sensors', () => queries.sensors()],
] as const) {
  await timed(what, async () => {
    const answer = await ask();
    if (!answer.ok) throw new Error(answer.fault.message);
  });
}
await queries.close();
await writer.close();
await launcher.stop();
rmSync(root, { recursive: true, force: true });
