// What chains cost: events a second of the engine alone, by how many chains there are and how many records match a
// step; how long they take to load; and a million open partials: disk, memory, one record's time, a restart.
//
// All CPU of the process counts, so garbage is collected by the one thread that makes it: otherwise what others collect
// meanwhile would be some record's.
//
//   node --expose-gc --single-threaded-gc --import tsx test/bench/chains.ts [engine] [load] [partials] [--partials N]
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlainMemory, PlainSection } from '../../src/chains/cases.ts';
import { Chains } from '../../src/chains/engine.ts';
import { readChain } from '../../src/chains/language.ts';
import type { Rule } from '../../src/chains/rule.ts';
import type { KindName } from '../../src/schema/gen/events.gen.ts';
import { FIELDS } from '../../src/schema/gen/structures.gen.ts';
import type { Observation } from '../../src/schema/observation.ts';
import { openState } from '../../src/state/state.ts';
import { randomRow } from '../random.ts';

const T0 = 1_700_006_400e6;
const count = (n: number): string => Math.round(n).toLocaleString('en');
const TEXTS = new Set(['text', 'ip', 'uid', 'mac']);

function observation(
  kind: KindName,
  seen: number,
  values: Record<string, unknown>,
  hosts: Record<string, string>,
): Observation {
  const zero = (f: (typeof FIELDS)[KindName][number]): unknown =>
    f.list ? [] : f.optional ? null : f.type === 'bool' ? false : TEXTS.has(f.type) ? '' : 0;
  const event = { ...Object.fromEntries(FIELDS[kind].map((f) => [f.name, zero(f)])), ts: seen, seen, ...values };
  const refs = Object.entries(hosts).map(([name, id]) => [name, { id, local: true, evidence: 'bench' }]);
  return { kind, event: event as never, seen, ref: 'b/1/1/0', hash: `${seen}`, hosts: Object.fromEntries(refs) };
}

/** A library as people write them: a third compare ends of names, a third values, a third numbers. */
function chainText(i: number): string {
  const name = `bad${i}.example`;
  const first = [
    `{ id: a, event: dns, where: 'dns.query.endsWith(".${name}") && dns.rcode == 0', bind: { h: dns.orig_host } }`,
    `{ id: a, event: tls, where: 'tls.server_name in ["a.${name}", "b.${name}"]', bind: { h: tls.orig_host } }`,
    `{ id: a, event: http, where: 'http.status_code >= ${400 + (i % 10)} && http.host == "${name}"', bind: { h: http.orig_host } }`,
  ][i % 3];
  const second = [
    `{ id: b, event: conn, after: 1h, where: 'conn.orig_bytes > ${50_000_000 + (i % 7)}', bind: { h: conn.orig_host } }`,
    `{ id: b, signal: beacon, where: 'signal.score >= 0.${5 + (i % 5)}', bind: { h: signal.src_host } }`,
    `{ id: b, event: file, where: 'is_executable(file.mime_type)', bind: { h: file.rx_host } }`,
  ][i % 3];
  return `chain: c${i}\nwindow: 30d\nby: [h]\nstart: each(3)\nsteps:\n  - ${first}\n  - ${second}\n`;
}

function rules(n: number): Rule[] {
  return Array.from({ length: n }, (_, i) => {
    const { rule, faults } = readChain(`c${i}.yaml`, chainText(i));
    if (rule === undefined) throw new Error(faults[0]?.message);
    return rule;
  });
}

/** Half conn, a quarter dns, the rest tls, http and files; `share` of all records satisfy a step of some chain. */
function traffic(n: number, chains: number, share: number): Observation[] {
  const random = randomRow(1);
  return Array.from({ length: n }, (_, i) => {
    const seen = T0 + i * 1000;
    const host = `mac:02:00:00:00:${Math.floor(random() * 40)}`;
    const hit = random() < share;
    const name = hit ? `bad${Math.floor(random() * chains)}.example` : `www.site${Math.floor(random() * 5000)}.example`;
    const flow = { orig_host: host, resp_host: 'ip:192.0.2.1' };
    const p = random();
    if (hit || p < 0.25) return observation('dns', seen, { query: `x.${name}`, rcode: 0 }, flow);
    if (p < 0.75) return observation('conn', seen, { orig_bytes: 900, conn_state: 'SF' }, flow);
    if (p < 0.87) return observation('tls', seen, { server_name: name }, flow);
    if (p < 0.97) return observation('http', seen, { host: name, status_code: 200 }, flow);
    return observation('file', seen, { mime_type: 'text/html' }, { rx_host: host, tx_host: 'ip:192.0.2.1' });
  });
}

const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

function engine(): void {
  console.log('\nthe engine alone, decoded events, CPU of one core; medians of 5, committed to memory every 10,000');
  for (const [n, share] of [
    [20, 0.01],
    [30, 0.01],
    [200, 0.01],
    [300, 0.01],
    [30, 0.1],
    [200, 0.1],
  ] as const) {
    const events = traffic(200_000, n, share);
    const all = rules(n);
    const rates: number[] = [];
    let partials = 0;
    for (let round = 0; round < 6; round++) {
      const chains = new Chains(all, new PlainMemory(T0), new PlainSection());
      const before = cpu();
      for (const [i, obs] of events.entries()) {
        chains.feed(obs);
        if (i % 1000 === 0) chains.advance(obs.seen - 30e6);
        if (i % 10_000 === 0) chains.save();
      }
      if (round > 0) rates.push(events.length / (cpu() - before));
      partials = chains.partials;
    }
    const rate = rates.sort((a, b) => a - b)[2] as number;
    console.log(`  ${n} chains, ${share * 100} % match: ${count(rate)} events/s, ${count(partials)} partials`);
  }
}

function load(): void {
  for (const n of [30, 300]) {
    const before = cpu();
    rules(n);
    console.log(
      `\nloading ${n} chains: ${Math.round((cpu() - before) * 1000)} ms of CPU, the first time in the process`,
    );
  }
}

function anonymousMiB(): number {
  const line = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line?.[1] ?? 0) / 1024;
}

function partials(n: number): void {
  const text = `chain: sleeper
window: 400d
by: [h]
start: each(3)
limits: { partials: ${n} }
steps:
  - { id: a, event: file, where: 'is_executable(file.mime_type)', bind: { h: file.rx_host, sha: file.sha256, from: file.tx_host } }
  - { id: b, event: dns, bind: { h: dns.orig_host } }
  - { id: c, event: tls, bind: { h: tls.orig_host } }
`;
  const { rule } = readChain('x.yaml', text);
  const dir = mkdtempSync(join(tmpdir(), 'catenary-partials-'));
  try {
    let state = openState(dir);
    if (!state.ok) throw new Error(state.fault.message);
    let chains = new Chains([rule as Rule], new PlainMemory(T0), state.value.section('chains'));
    const sha = (i: number): string => i.toString(16).padStart(64, '0');
    const drop = (i: number, seen: number): Observation =>
      observation(
        'file',
        seen,
        {
          mime_type: 'application/x-dosexec',
          sha256: sha(i),
          filename: `setup-${i}.exe`,
          fuid: `F${i}`,
          uid: 'C00000000000',
          source: 'http',
          total_bytes: 90_000,
          seen_bytes: 90_000,
        },
        { rx_host: `mac:02:00:00:${i}`, tx_host: 'ip:192.0.2.1' },
      );
    const ask = (i: number, seen: number): Observation =>
      observation(
        'dns',
        seen,
        { query: `name${i}.example`, rcode: 0, uid: 'C00000000000' },
        { orig_host: `mac:02:00:00:${i}` },
      );
    const commit = (i: number): void => {
      chains.save();
      if (state.ok) state.value.commit(String(i));
    };
    const before = cpu();
    for (let i = 0; i < n; i++) {
      chains.feed(drop(i, T0 + i));
      chains.feed(ask(i, T0 + i));
      if (i % 5000 === 4999) commit(i);
    }
    commit(n);
    globalThis.gc?.();
    const bytes = statSync(join(dir, 'state.mdb')).size;
    console.log(
      `\n${count(chains.partials)} open partials of two steps, made in ${Math.round(cpu() - before)} s of CPU`,
    );
    console.log(`  disk ${Math.round(bytes / 2 ** 20)} MiB, anonymous memory ${Math.round(anonymousMiB())} MiB`);

    state.value.close();

    const began = cpu();
    state = openState(dir);
    if (!state.ok) throw new Error(state.fault.message);
    chains = new Chains([rule as Rule], new PlainMemory(T0), state.value.section('chains'));
    const took = cpu() - began;
    globalThis.gc?.();
    console.log(
      `  a restart with ${count(chains.partials)}: ${took.toFixed(1)} s of CPU; anonymous memory ${Math.round(anonymousMiB())} MiB`,
    );

    // Records that concern a partial which was not looked at for long, committed as a sensor does: one in four finishes
    // it, one in four begins another beside it, and of the others each is of a step that it has had.
    const random = randomRow(2);
    const times: number[] = [];
    const any = (): number => Math.floor(random() * n);
    // The first ones are compiled while they run.
    for (let i = -20_000; i < 100_000; i++) {
      const seen = T0 + n + i;
      const finishes = (): Observation =>
        observation('tls', seen, { server_name: 'x' }, { orig_host: `mac:02:00:00:${any()}` });
      const obs = i % 4 === 0 ? finishes() : i % 4 === 2 ? drop(any(), seen) : ask(any(), seen);
      const from = cpu();
      chains.feed(obs);
      if (i >= 0) times.push(cpu() - from);
      if (i % 5000 === 4999) commit(n + i);
    }
    times.sort((a, b) => a - b);
    const at = (p: number): string => `${((times[Math.floor(times.length * p)] as number) * 1e6).toFixed(0)} us`;
    globalThis.gc?.();
    console.log(
      `  one record, CPU: median ${at(0.5)}, p99 ${at(0.99)}, p99.9 ${at(0.999)}; anonymous memory ${Math.round(anonymousMiB())} MiB`,
    );
    state.value.close();
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const wanted = process.argv.slice(2).filter((a) => !a.startsWith('--'));
const asked = (name: string): boolean => wanted.length === 0 || wanted.includes(name);
if (asked('load')) load();
if (asked('engine')) engine();
const n = process.argv.indexOf('--partials');
if (asked('partials')) partials(n < 0 ? 1_000_000 : Number(process.argv[n + 1]));
