// A ring that holds a day, and a chain that takes a month: everything real, in packet time. The alert has its first
// day's packets and file, and what leases hold never passes its cap.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { alertLine } from '../../src/alerts/line.ts';
import { loadAddon } from '../../src/capture/addon.ts';
import { openReader, segmentDigester, segmentTrees } from '../../src/capture/index.ts';
import { loadConfig } from '../../src/config/config.ts';
import { bundleOf, folders, keepHouse, Leases, openSigner, Segments } from '../../src/evidence/index.ts';
import { Live } from '../../src/live.ts';
import type { Finding } from '../../src/schema/finding.ts';
import { openStages } from '../../src/stages.ts';
import { worldAt } from '../founding/run.ts';
import { must, TestClock } from './world.ts';

const DAY_NS = 86_400_000_000_000n;
const DAY_US = 86_400e6;
const MIB = 2 ** 20;
/** Little more than the newest: a file that nobody holds is gone within the day. */
const FILES_BYTES = 16_000;

describe('evidence: a ring of a day under a chain of a month', function () {
  this.timeout(180_000);
  let folder = '';
  let capture = '';
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'catenary-ring-'));
    capture = worldAt(folder, 'founding', { hosts: 8 }).file;
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const bytesIn = (dir: string): number =>
    readdirSync(dir).reduce((n, name) => n + statSync(path.join(dir, name)).size, 0);

  async function live(name: string, capBytes: number) {
    const dir = path.join(folder, name);
    const at = folders(dir);
    const packets = path.join(at.packets, 'eth0');
    for (const d of [at.files, at.leases]) mkdirSync(d, { recursive: true });
    const file = path.join(folder, `${name}.yaml`);
    writeFileSync(file, `state: { dir: ${name} }\nmemory: { budget_mb: 8 }\n`);
    const config = must(loadConfig(file));
    const signer = must(openSigner(at.keys));
    const clock = new TestClock();
    const segments = must(
      await Segments.open({
        ...{ dir: packets, evidence: dir, signer, clock, digest: must(segmentDigester()) },
        circumstances: { sensor: 's', interface: 'eth0', filter: '', snaplen: 0, software: 'x', config: '' },
      }),
    );
    const reader = must(
      openReader({
        files: [capture],
        packets: { dir: packets, epoch: segments.epoch, segmentSeconds: 3600 },
        carve: { dir: at.files },
      }),
    );
    const findings: Finding[] = [];
    let leases: Leases | undefined;
    let detection: Live | undefined;
    const stages = must(
      openStages(
        config,
        must(loadAddon()).Memory,
        {
          onConclusion: (kind, event) => detection?.say(kind, event),
          onFinding: (finding) => {
            findings.push(finding);
            detection?.find(finding);
          },
        },
        {
          keeper: (state) => {
            leases = new Leases({
              ...{ dir: at.leases, section: state.section('leases'), budgetBytes: capBytes },
              ...{
                trees: must(segmentTrees()),
                holder: { hold: (u) => reader.hold(u), release: (u) => reader.release(u) },
              },
            });
            return leases.keeper();
          },
        },
      ),
    );
    assert.ok(leases !== undefined);
    const held = leases;
    detection = new Live('s', stages, {
      confirm: (partials, alert) => {
        for (const partial of partials) held.confirm(partial, alert.id);
      },
    });
    let seq = 0;
    let most = 0;
    let oldest = 0n;
    const house = async (): Promise<void> => {
      // What the last day is in bytes: the ring holds no more.
      const all = segments.list();
      const newest = BigInt(Math.floor(detection?.newest ?? 0)) * 1000n;
      const young = all.filter((s) => statSync(s.path).size > 0 && (lastOf.get(s.stem) ?? 0n) > newest - DAY_NS);
      const bytes = young.reduce((n, s) => n + s.bytes, 0);
      const settings = { ...config.evidence, packets_mb: Math.max(1, bytes) / MIB, files_mb: FILES_BYTES / MIB };
      const kept = { dir, settings, signer, clock, segments: [segments], leases: held, now: detection?.newest };
      assert.deepEqual(await keepHouse(kept), []);
      most = Math.max(most, held.bytes, bytesIn(at.leases));
      const first = segments.list()[0];
      if (first !== undefined) oldest = newest - (lastOf.get(first.stem) ?? newest);
    };
    const lastOf = new Map<string, bigint>();
    for await (const drain of reader.drains()) {
      const { batches, segments: closed } = must(drain);
      for (const { kind, bytes } of batches) detection.take({ epoch: 1, seq: ++seq, kind, bytes });
      for (const c of closed) {
        clock.now = Math.max(clock.now, Number(BigInt(c.to) / 1000n));
        lastOf.set(c.name.replace('.pcapng', ''), BigInt(c.to));
        must(await segments.seal(c));
      }
      await house();
    }
    detection.finish();
    await house();
    const finding = findings.find((f) => f.rule.id === 'dropper-dormant-beacon');
    assert.ok(finding !== undefined, 'the story is told');
    const alert = JSON.parse(alertLine(finding)) as Record<string, unknown>;
    const bundle = must(await bundleOf(dir, alert, must(segmentTrees()), signer, 'x', 1));
    stages.close();
    const custody = readFileSync(path.join(dir, 'custody'), 'utf8');
    return {
      bundle,
      finding,
      most,
      oldest,
      counts: held.counts,
      deleted: custody.match(/"what":"file /g)?.length ?? 0,
    };
  }

  it('the alert has the packets and the file of the first day; the ring is a day long all the while', async () => {
    const { bundle, finding, most, oldest, deleted } = await live('whole', 8 * MIB);
    const [drop, ...rest] = bundle.steps;
    assert.ok(drop !== undefined && drop.packets > 0);
    assert.deepEqual([drop.state, drop.reasons, drop.file], ['whole', [], '']);
    assert.ok(rest.some((s) => s.packets > 0));
    const [first, last] = [finding.steps[0]?.seen ?? 0, finding.steps.at(-1)?.seen ?? 0];
    assert.ok(last - first > 30 * DAY_US, `${(last - first) / DAY_US} days`);
    assert.ok(oldest <= DAY_NS + 3_600_000_000_000n, `the oldest packets are ${oldest} ns old`);
    assert.ok(deleted > 0, 'other files have gone');
    assert.ok(most > 0 && most <= 8 * MIB, `${most} bytes leased`);
    const out = path.join(folder, 'bundle');
    for (const { name, bytes } of bundle.entries) {
      mkdirSync(path.dirname(path.join(out, name)), { recursive: true });
      writeFileSync(path.join(out, name), bytes);
    }
    const { status, stdout, stderr } = spawnSync('sh', [path.join(out, 'verify.sh'), bundle.fingerprint], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout + stderr);
  });

  it('a cap that is too small is kept to, and what it cost is said', async () => {
    const cap = 4000;
    const { bundle, most, counts } = await live('small', cap);
    assert.ok(most <= cap, `${most} bytes leased`);
    assert.ok((counts.get('copies_over_budget') ?? 0) > 0);
    assert.ok(bundle.steps.some((s) => s.state !== 'whole' && s.reasons.length > 0));
  });
});
