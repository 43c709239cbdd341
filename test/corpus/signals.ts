// What signals say of a corpus of captures: how often on ordinary traffic, and whether an attack raises one that names
// what its story names.
//
//   node --import tsx test/corpus/signals.ts FOLDER [--each] [--only TEXT]
//
// FOLDER holds benign/ and attacks/, captures with NAME.story.json beside them (benign, policy_relevant,
// attack_techniques). Every capture is a world of its own: memory is empty before it, so what needs a history is quiet.
// --each prints every signal of STRONG and more. Exit code 1: the benign bar is broken.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAddon } from '../../src/capture/addon.ts';
import { openReader } from '../../src/capture/index.ts';
import { type Config, loadConfig } from '../../src/config/config.ts';
import { decodeBatch } from '../../src/schema/decode.ts';
import type { SignalEvent } from '../../src/schema/gen/events.gen.ts';
import { Merge } from '../../src/schema/order.ts';
import { openStages } from '../../src/stages.ts';
import type { NativeMemoryClass } from '../../src/state/memory.ts';

/** A score that a chain may build on. */
const STRONG = 0.5;
/** Of ordinary captures, at most this share may raise a strong signal. */
const BENIGN_SHARE_MAX = 0.05;

interface Story {
  readonly attack_techniques?: readonly string[];
  readonly policy_relevant?: boolean;
}

interface Outcome {
  readonly name: string;
  readonly story: Story;
  readonly events: number;
  readonly alerts: number;
  readonly signals: readonly SignalEvent[];
}

function must<T>(result: { ok: true; value: T } | { ok: false; fault: { message: string } }): T {
  if (!result.ok) throw new Error(result.fault.message);
  return result.value;
}

/** One capture through the whole of detection, with the shipped configuration. */
async function watch(file: string, name: string, config: Config, Memory: NativeMemoryClass): Promise<Outcome> {
  const signals: SignalEvent[] = [];
  let alerts = 0;
  let events = 0;
  const stages = must(
    openStages(config, Memory, {
      onConclusion: (kind, event) => {
        if (kind === 'signal') signals.push(event as SignalEvent);
      },
      onFinding: () => {
        alerts++;
      },
    }),
  );
  const merge = new Merge(0, ({ kind, event, index }) => {
    if (++events === 1) stages.memory.begin(event.seen);
    stages.detection.take(kind, event, `corpus/1/1/${index}`);
  });
  let seq = 0;
  for await (const drain of must(openReader({ files: [file], kinds: stages.kinds })).drains()) {
    for (const { kind, bytes } of must(drain).batches) merge.push(kind, decodeBatch(kind, bytes), ++seq);
    merge.settle();
  }
  merge.finish();
  stages.detection.finish();
  stages.close();
  const story = JSON.parse(readFileSync(file.replace(/\.pcap(?:ng)?$/, '.story.json'), 'utf8')) as Story;
  return { name, story, events, alerts, signals };
}

/** A technique, the one it is part of, or one of its parts. */
const speaksOf = (signal: SignalEvent, techniques: readonly string[]): boolean =>
  signal.attack.some((a) => techniques.some((t) => a === t || a.startsWith(`${t}.`) || t.startsWith(`${a}.`)));

const percent = (n: number, of: number): string => `${of === 0 ? 0 : Math.round((1000 * n) / of) / 10} %`;
const strong = (o: Outcome): SignalEvent[] => o.signals.filter((s) => s.score >= STRONG && s.phase !== 'closed');

function tell(o: Outcome): void {
  for (const s of strong(o)) console.log(`    ${o.name}: ${s.name} ${s.score} ${s.attack.join(',')}: ${s.explanation}`);
}

const row = (name: string, said: unknown, firm: unknown, captures: unknown, rate: string): string =>
  `  ${name.padEnd(24)}${String(said).padStart(8)}${String(firm).padStart(8)}${String(captures).padStart(10)}  ${rate}`;

/** Signals by name: how many, in how many captures, on 100,000 events. */
function rates(outcomes: readonly Outcome[]): void {
  const events = outcomes.reduce((n, o) => n + o.events, 0);
  const names = [...new Set(outcomes.flatMap((o) => o.signals.map((s) => s.name)))].sort();
  console.log(row('signal', 'said', 'strong', 'captures', 'strong on 100,000 events'));
  for (const name of names) {
    const said = outcomes.reduce((n, o) => n + o.signals.filter((s) => s.name === name).length, 0);
    const firm = outcomes.map((o) => strong(o).filter((s) => s.name === name).length);
    const sum = firm.reduce((a, b) => a + b, 0);
    const captures = firm.filter((n) => n > 0).length;
    const rate = events === 0 ? 0 : (sum * 100_000) / events;
    console.log(row(name, said, sum, captures, rate.toFixed(1)));
  }
}

const args = process.argv.slice(2);
const folder = args[0] ?? '';
const isEach = args.includes('--each');
const only = args.includes('--only') ? (args[args.indexOf('--only') + 1] ?? '') : '';
const config = must(loadConfig(undefined));
const { Memory } = must(loadAddon());

async function all(set: string): Promise<Outcome[]> {
  const dir = join(folder, set);
  const files = existsSync(dir) ? readdirSync(dir).filter((f) => /\.pcap(?:ng)?$/.test(f) && f.includes(only)) : [];
  const outcomes: Outcome[] = [];
  for (const f of files.sort()) {
    const outcome = await watch(join(dir, f), f.replace(/\.pcap(?:ng)?$/, ''), config, Memory);
    outcomes.push(outcome);
    if (isEach) tell(outcome);
  }
  return outcomes;
}

const ordinary = await all('benign');
const plain = ordinary.filter((o) => o.story.policy_relevant !== true);
const noisy = plain.filter((o) => strong(o).length > 0);
const events = ordinary.reduce((n, o) => n + o.events, 0);
const alerts = ordinary.reduce((n, o) => n + o.alerts, 0);
console.log(`\nordinary traffic: ${ordinary.length} captures, ${events} events, ${alerts} alerts`);
rates(ordinary);
console.log(
  `  a strong signal (>= ${STRONG}) in ${noisy.length} of ${plain.length} captures that are not about policy: ` +
    percent(noisy.length, plain.length),
);
for (const o of noisy) console.log(`    ${o.name}: ${[...new Set(strong(o).map((s) => s.name))].join(', ')}`);

const attacks = (await all('attacks')).filter((o) => (o.story.attack_techniques ?? []).length > 0);
const named = attacks.filter((o) => strong(o).some((s) => speaksOf(s, o.story.attack_techniques ?? [])));
console.log(`\nattacks: ${attacks.length} stories that name techniques`);
for (const o of attacks) {
  const own = strong(o);
  const hits = own.filter((s) => speaksOf(s, o.story.attack_techniques ?? []));
  const mark = hits.length > 0 ? 'yes' : own.length > 0 ? 'other' : 'no';
  const shown = [...new Set((hits.length > 0 ? hits : own).map((s) => s.name))].join(', ');
  const techniques = (o.story.attack_techniques ?? []).join(',');
  console.log(`  ${mark.padEnd(6)}${o.name.slice(0, 64).padEnd(66)}${techniques.padEnd(28)}${shown}`);
}
console.log(
  `  a strong signal that carries one of the story's techniques: ${named.length} of ${attacks.length}, ` +
    percent(named.length, attacks.length),
);
if (alerts > 0 || noisy.length > BENIGN_SHARE_MAX * plain.length) process.exitCode = 1;
