// Events a second of detection, from batch to signals, chains and findings, on one core: CPU seconds, medians of 5.
//
//   node --import tsx test/bench/detection.ts [CAPTURE...]      without one: the founding story, 63 days of 24 hosts
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { loadAddon } from '../../src/capture/addon.ts';
import { openReader } from '../../src/capture/index.ts';
import { loadConfig } from '../../src/config/config.ts';
import { decodeBatch } from '../../src/schema/decode.ts';
import type { KindName } from '../../src/schema/gen/events.gen.ts';
import { Merge } from '../../src/schema/order.ts';
import { openStages } from '../../src/stages.ts';
import { buildWorld } from '../founding/world.ts';

const RUNS = 5;

interface Batch {
  readonly kind: KindName;
  readonly bytes: Uint8Array;
}

function must<T>(result: { ok: true; value: T } | { ok: false; fault: { message: string } }): T {
  if (!result.ok) throw new Error(result.fault.message);
  return result.value;
}

/** Everything once; events, signals, findings and CPU seconds of the last of the runs but the first, which warms up. */
async function measure(file: string): Promise<string> {
  const config = must(loadConfig(undefined));
  const { Memory } = must(loadAddon());
  const rates: number[] = [];
  let events = 0;
  let signals = 0;
  let findings = 0;
  let drains: Batch[][] = [];
  for (let run = 0; run <= RUNS; run++) {
    signals = 0;
    findings = 0;
    const stages = must(
      openStages(config, Memory, {
        onConclusion: (kind) => {
          if (kind === 'signal') signals++;
        },
        onFinding: () => {
          findings++;
        },
      }),
    );
    if (run === 0) {
      drains = [];
      for await (const drain of must(openReader({ files: [file], kinds: stages.kinds })).drains())
        drains.push(must(drain).batches.map(({ kind, bytes }) => ({ kind, bytes: bytes.slice() })));
    }
    events = 0;
    let seq = 0;
    const before = process.cpuUsage();
    const merge = new Merge(0, ({ kind, event, index }) => {
      events++;
      stages.detection.take(kind, event, `bench/1/${seq}/${index}`);
    });
    for (const batches of drains) {
      for (const { kind, bytes } of batches) merge.push(kind, decodeBatch(kind, bytes), ++seq);
      merge.settle();
    }
    merge.finish();
    stages.detection.finish();
    const { user, system } = process.cpuUsage(before);
    if (run > 0) rates.push(events / ((user + system) / 1e6));
    stages.close();
  }
  const rate = rates.sort((a, b) => a - b)[Math.floor(rates.length / 2)] as number;
  const count = (n: number): string => Math.round(n).toLocaleString('en');
  return `${basename(file)}: ${count(events)} events, ${count(signals)} signals, ${count(findings)} findings: ${count(rate)} events/s`;
}

const folder = mkdtempSync(join(tmpdir(), 'catenary-bench-'));
try {
  let files = process.argv.slice(2);
  if (files.length === 0) {
    const made = join(folder, 'founding.pcap');
    writeFileSync(made, buildWorld({}).pcap);
    files = [made];
  }
  console.log(`\ndetection, batch to findings, CPU of one core; medians of ${RUNS}`);
  for (const file of files) console.log(await measure(file));
} finally {
  rmSync(folder, { recursive: true });
}
