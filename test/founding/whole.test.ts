// The founding case, whole: a download on day 0, harmless ones on days 5 and 29, the address changed twice, the
// chain's text edited on day 10, a beacon on day 31, and kill -9 again and again: one alert, exactly once, with day 0.
// And where the chain asks for what a feed only says on day 40: one alert, by looking back, that says when it could
// have been. `make long TARGET=founding` kills 200 times.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toAlert } from '../../src/alerts/alert.ts';
import { loadAddon } from '../../src/capture/addon.ts';
import { openReader } from '../../src/capture/index.ts';
import { readChain } from '../../src/chains/language.ts';
import type { Rule } from '../../src/chains/rule.ts';
import { loadConfig } from '../../src/config/config.ts';
import { hunt, StoreHistory } from '../../src/hunt.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { decodeBatch } from '../../src/schema/decode.ts';
import { encodeBatch } from '../../src/schema/encode.ts';
import type { Finding } from '../../src/schema/finding.ts';
import type { CatenaryEvent, KindName } from '../../src/schema/gen/events.gen.ts';
import { KIND_IDS } from '../../src/schema/gen/structures.gen.ts';
import { Merge } from '../../src/schema/order.ts';
import { openStages } from '../../src/stages.ts';
import { Asker } from '../../src/store/asker.ts';
import { type Frame, Loader } from '../../src/store/load.ts';
import { randomRow } from '../random.ts';
import { openWorld, SCHEMA, type World as StoreWorld } from '../store/world.ts';
import { program } from './packets.ts';
import { alertsIn, start, textOf, worldAt } from './run.ts';

const KILLS = Number(process.env.KILLS ?? 6);
const SEED = Number(process.env.SEED ?? 1);
const LATEST_MS = 1500;
const DAY = 86_400e6;
const DROPPER = createHash('sha256').update(program('the dropper', 9000)).digest('hex');
const STORY = { hosts: 8, moves: 2, benign: [5, 29] } as const;

const DORMANT = readFileSync(
  new URL('../../appliance/chains/dropper-dormant-beacon/chain.yaml', import.meta.url),
  'utf8',
);
const LISTED = `
chain: listed-dormant-beacon
title: A rare executable, and a month later a beacon to a name that a feed knows
attack: [T1105, T1071.001]
severity: critical
by: [victim]
window: 60d
start: each(3)
steps:
  - id: drop
    event: file
    where: is_executable(file.mime_type) && prevalence(file.sha256, "90d") <= 2
    bind: { victim: file.rx_host }
  - any_order:
      - id: beacon
        signal: beacon
        where: signal.score >= 0.8 && signal.phase != "closed"
        bind: { victim: signal.src_host }
      - { id: listed, signal: intel_hit, bind: { victim: signal.src_host } }
    after: 7d
`;

/** The packets before and from a packet time on, each with the file's header. */
function split(pcap: Buffer, at: number): [Buffer, Buffer] {
  const HEADER = 24;
  let cut = HEADER;
  while (cut < pcap.length && pcap.readUInt32LE(cut) * 1e6 + pcap.readUInt32LE(cut + 4) < at)
    cut += 16 + pcap.readUInt32LE(cut + 8);
  const head = pcap.subarray(0, HEADER);
  return [pcap.subarray(0, cut), Buffer.concat([head, pcap.subarray(cut)])];
}

describe('the founding case, whole', function () {
  this.timeout(240_000 + KILLS * 10_000);
  let folder = '';
  let world: ReturnType<typeof worldAt>;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'catenary-whole-'));
    world = worldAt(folder, 'whole', STORY);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it(`one alert, exactly once, with day 0, whatever is killed: ${KILLS} kills, seed ${SEED}`, async () => {
    const pieces = split(world.pcap, world.dropDay + 10 * DAY).map((bytes, i) => {
      const file = join(folder, `piece-${i}.pcap`);
      writeFileSync(file, bytes);
      return file;
    });
    const random = randomRow(SEED);
    let killed = 0;
    let passes = 0;
    const edited = DORMANT.replace('signal.score >= 0.8', 'signal.score >= 0.75').replace(
      'severity: high',
      'severity: low',
    );
    assert.ok(edited.includes('0.75') && edited.includes('severity: low'));
    while (killed < KILLS) {
      const at = (name: string): string => join(folder, `pass-${passes}`, name);
      mkdirSync(at('chains'), { recursive: true });
      const text = 'state: { dir: state }\nmemory: { budget_mb: 16 }\nchains: { shipped: false, dirs: [chains] }\n';
      writeFileSync(at('catenary.yaml'), text);
      const run = async (capture: string, out: string): Promise<void> => {
        for (;;) {
          const { child, ended } = start([capture, '--config', at('catenary.yaml'), '--out', at(out)]);
          const timer = killed < KILLS ? setTimeout(() => child.kill('SIGKILL'), random() * LATEST_MS) : undefined;
          const { code, signal, stderr } = await ended;
          clearTimeout(timer);
          if (signal !== 'SIGKILL') {
            assert.equal(code, 0, stderr);
            return;
          }
          killed++;
        }
      };
      writeFileSync(at('chains/dormant.yaml'), DORMANT);
      await run(pieces[0] as string, 'before');
      assert.equal(textOf(at('before')), '');
      // The author thinks again, on day 10: what has begun goes on.
      writeFileSync(at('chains/dormant.yaml'), edited);
      await run(pieces[1] as string, 'after');

      const alerts = alertsIn(at('after'));
      assert.equal(alerts.length, 1);
      const [alert] = alerts as [(typeof alerts)[0]];
      assert.deepEqual([alert.host, alert.bound.c2], [world.victim, world.domain]);
      assert.ok(alert.sha256.includes(DROPPER));
      assert.equal(alert.steps[0]?.record.sha256, DROPPER, 'the oldest start is day 0');
      assert.equal(alert.starts.length, 2, 'days 0 and 5; day 29 is too near');
      rmSync(join(folder, `pass-${passes}`), { recursive: true });
      passes++;
    }
    console.log(`      ${killed} kills in ${passes} runs`);
  });

  describe('when a feed only knows the name on day 40', () => {
    let store: StoreWorld;
    before(async function () {
      store = await openWorld(this);
    });
    after(() => store?.stop());

    /** Detection over the capture, in this process; with what it concluded. */
    async function detect(intel: string | undefined): Promise<{ findings: Finding[]; frames: Frame[]; rule: Rule }> {
      const chain = join(folder, 'listed.yaml');
      writeFileSync(chain, LISTED);
      const config = join(folder, `detect-${intel === undefined ? 'without' : 'with'}.yaml`);
      const lists = intel === undefined ? '' : `intel: { files: [${intel}] }\n`;
      writeFileSync(config, `${lists}memory: { budget_mb: 16 }\nchains: { shipped: false, dirs: [listed.yaml] }\n`);
      const loaded = loadConfig(config);
      const addon = loadAddon();
      assert.ok(loaded.ok && addon.ok);
      const findings: Finding[] = [];
      const concluded = new Map<KindName, CatenaryEvent[]>();
      const stages = openStages(loaded.value, addon.value.Memory, {
        onConclusion: (kind, event) => concluded.set(kind, [...(concluded.get(kind) ?? []), event]),
        onFinding: (finding) => findings.push(finding),
      });
      assert.ok(stages.ok);
      const { detection, kinds, faults, memory } = stages.value;
      assert.deepEqual(faults, []);
      const frames: Frame[] = [];
      const add = (kind: KindName, count: number, bytes: Uint8Array): number =>
        frames.push({
          sensor: 's1',
          epoch: 1,
          seq: frames.length + 1,
          schema: SCHEMA,
          kind: KIND_IDS[kind],
          count,
          bytes,
        });
      const reader = openReader({ files: [world.file], kinds });
      assert.ok(reader.ok);
      let first = true;
      const merge = new Merge(0, ({ kind, event, seq, index }) => {
        if (first) memory.begin(event.seen);
        first = false;
        detection.take(kind, event, `s1/1/${seq}/${index}`);
      });
      for await (const drain of reader.value.drains()) {
        assert.ok(drain.ok);
        for (const { kind, bytes } of drain.value.batches) {
          const events = decodeBatch(kind, bytes);
          merge.push(kind, events, add(kind, events.length, bytes.slice()));
        }
        merge.settle();
      }
      merge.finish();
      detection.finish();
      stages.value.close();
      for (const [kind, events] of concluded)
        for (let i = 0; i < events.length; i += 1000) {
          const some = events.slice(i, i + 1000);
          add(kind, some.length, encodeBatch(kind, some as never));
        }
      const { rule } = readChain('listed.yaml', LISTED);
      return { findings, frames, rule: rule as Rule };
    }

    it('one alert, by looking back: it says when it was found, and when it could have been', async () => {
      const list = join(folder, 'late.csv');
      writeFileSync(list, `domain,${world.domain},feed,0.9\n`);
      const known = await detect('late.csv');
      assert.equal(known.findings.filter((f) => f.status === 'issued').length, 1);
      const { findings, frames, rule } = await detect(undefined);
      assert.deepEqual(findings, [], 'nobody knew the name');

      const loader = new Loader({ ...store, clock: systemClock, schemas: new Set([SCHEMA]) });
      for (let i = 0; i < frames.length; i += 500) {
        const loaded = await loader.load(frames.slice(i, i + 500));
        assert.ok(loaded.ok, loaded.ok ? '' : loaded.fault.message);
      }
      const asker = new Asker(store.access);
      const history = await StoreHistory.open(asker, (ip) => ip.startsWith('10.'));
      assert.ok(history.ok, history.ok ? '' : history.fault.message);
      const knownAt = world.dropDay + 40 * DAY;
      const found = await hunt(history.value, {
        ...{ rules: [{ rule, others: [] }], knownAt, span: { from: world.dropDay - 30 * DAY, to: knownAt } },
        lists: [['late.csv', readFileSync(list, 'utf8')]],
      });
      await asker.close();
      assert.ok(found.ok, found.ok ? '' : found.fault.message);
      const issued = found.value.findings.filter((f) => f.status === 'issued');
      assert.equal(issued.length, 1);
      const alert = toAlert(issued[0] as Finding);
      assert.deepEqual([alert.retro, alert.detected_at], [true, knownAt]);
      assert.equal(alert.could_have_detected_at, known.findings[0]?.issued, 'as if the feed had known');
      assert.equal(Math.floor(((alert.could_have_detected_at ?? 0) - world.dropDay) / DAY), 31);
      assert.ok(alert.hashes.includes(DROPPER));
      assert.equal(alert.id, toAlert(known.findings[0] as Finding).id, 'the same alert');
    });
  });
});
