// What is still there when it counts: a file under a cutoff, a flow that was released too late, a flow that was held.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { forEachInOrder, openReader, segmentDigester, segmentTrees } from '../../src/capture/index.ts';
import { bundleOf, folders, Leases, openSigner, Segments } from '../../src/evidence/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { FileEvent } from '../../src/schema/gen/events.gen.ts';
import { conversation, type End, httpGet, httpOk, Pcap, program } from '../founding/packets.ts';
import { must } from './world.ts';

const CLIENT: End = { mac: '02:00:00:00:00:01', ip: '10.0.0.1', port: 4001 };
const SERVER: End = { mac: '02:00:00:00:00:02', ip: '10.0.0.2', port: 80 };
const START = 1.8e15;
const MINUTE = 60e6;
const CUTOFF = 64 << 10;

describe('evidence: what is kept', function () {
  this.timeout(60_000);
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'catenary-keep-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  /** Reads a capture as a sensor does; a lease, where one is wanted, begins with the file. */
  async function keep(pcap: Pcap, o: { cutoff?: number; isCarving?: boolean; budgetBytes?: number } = {}) {
    const at = folders(dir);
    const packets = path.join(at.packets, 'eth0');
    const capture = path.join(dir, 'made.pcap');
    writeFileSync(capture, pcap.bytes());
    mkdirSync(at.files, { recursive: true });
    const signer = must(openSigner(at.keys));
    const segments = must(
      await Segments.open({
        ...{ dir: packets, evidence: dir, signer, clock: systemClock, digest: must(segmentDigester()) },
        circumstances: { sensor: 's', interface: 'eth0', filter: '', snaplen: 0, software: 'x', config: '' },
      }),
    );
    const reader = must(
      openReader({
        files: [capture],
        packets: { dir: packets, epoch: 1, segmentSeconds: 60, cutoffBytes: o.cutoff ?? 0 },
        ...(o.isCarving === false ? {} : { carve: { dir: at.files } }),
      }),
    );
    const files: FileEvent[] = [];
    for await (const drain of reader.drains()) {
      forEachInOrder(must(drain), (kind, event) => void (kind === 'file' && files.push(event as FileEvent)));
      for (const closed of must(drain).segments) must(await segments.seal(closed));
    }
    const entries = new Map<string, Uint8Array>();
    const leases = new Leases({
      ...{ dir: at.leases, budgetBytes: o.budgetBytes ?? 64 << 20, trees: must(segmentTrees()) },
      section: {
        get: (key) => entries.get(key),
        put: (key, bytes) => void entries.set(key, bytes),
        remove: (key) => void entries.delete(key),
        entries: () => entries,
      },
      holder: { hold: () => true, release: () => true },
    });
    const [file] = files;
    assert.ok(file?.uid);
    const lease = { partial: 'p', step: 's', uid: file.uid, firstTs: file.ts, lastTs: file.seen, until: 4e15 };
    return {
      ...{ segments, leases, file },
      take: () => leases.take({ ...lease, sha256: file.sha256 ?? null, packets: 'flow' }),
      /** What the bundle says of the step, as verify.sh's list has it. */
      async step() {
        const record = { ...file, ts: file.ts / 1e6, seen: file.seen / 1e6 };
        const alert = { id: 'ab12cd34', steps: [{ step: 's', kind: 'file', record, why: [] }] };
        const bundle = must(await bundleOf(dir, alert, must(segmentTrees()), signer, 'x', 1));
        const [step] = bundle.steps;
        assert.ok(step);
        return { ...step, entries: bundle.entries };
      },
    };
  }

  /** The bundle as a folder, and verify.sh finds no fault in it. */
  const verified = (entries: readonly { name: string; bytes: Uint8Array }[]): string => {
    const out = path.join(dir, 'bundle');
    for (const { name, bytes } of entries) {
      mkdirSync(path.dirname(path.join(out, name)), { recursive: true });
      writeFileSync(path.join(out, name), bytes);
    }
    const { status, stdout, stderr } = spawnSync('sh', [path.join(out, 'verify.sh')], { encoding: 'utf8' });
    assert.equal(status, 3, stdout + stderr);
    assert.match(stdout, /^consistent, signer unproven/);
    return out;
  };

  /** A download, and an hour of other traffic behind it, a segment a minute. */
  const download = (bytes: number, minutes = 0): { pcap: Pcap; packets: number; content: Buffer } => {
    const pcap = new Pcap();
    const content = program('salt', bytes);
    const answer = httpOk('application/octet-stream', content);
    conversation(pcap, START, CLIENT, SERVER, [
      [true, httpGet('example', '/a.exe', 'x')],
      [false, answer],
    ]);
    const packets = pcap.size;
    for (let i = 1; i <= minutes; i++)
      conversation(pcap, START + i * MINUTE, { ...CLIENT, port: 5000 + i }, SERVER, [[true, Buffer.from('hello')]]);
    return { pcap, packets, content };
  };

  it('a cutoff of 64 KiB and an executable of 1 MB: the bundle is whole, the file in it', async () => {
    const { pcap, packets } = download(1 << 20);
    const step = await (await keep(pcap, { cutoff: CUTOFF })).step();
    assert.deepEqual([step.packets, step.state, step.reasons, step.file], [packets, 'whole', [], '']);
  });

  it('a file that is not kept is cut off like anything else, and that is said of its flow alone', async () => {
    const { pcap, packets } = download(1 << 20);
    const cut = await (await keep(pcap, { cutoff: CUTOFF, isCarving: false })).step();
    assert.ok(cut.packets > 0 && cut.packets < packets / 4, `${cut.packets}`);
    assert.deepEqual([cut.state, cut.reasons], ['partial', ['the cutoff policy applied']]);
    verified(cut.entries);
    rmSync(folders(dir).packets, { recursive: true });
    // The same minute has a small flow that nothing was cut off of.
    const both = new Pcap();
    conversation(both, START, { ...CLIENT, port: 4000 }, SERVER, [
      [true, httpGet('example', '/small', 'x')],
      [false, httpOk('text/plain', Buffer.from('small'))],
    ]);
    conversation(both, START + 1e6, CLIENT, SERVER, [[true, Buffer.alloc(1 << 20, 'x')]]);
    const small = await (await keep(both, { cutoff: CUTOFF, isCarving: false })).step();
    assert.deepEqual([small.state, small.reasons], ['whole', []]);
  });

  it('a ring of ten minutes, and a lease at minute twenty: none, and why', async () => {
    const { pcap } = download(5000, 20);
    const kept = await keep(pcap);
    const all = kept.segments.list();
    const ten = all.slice(-10).reduce((n, s) => n + s.bytes, 0);
    must(await kept.segments.retain(ten, (s) => kept.leases.copyOut(s)));
    assert.ok(kept.take());
    must(await kept.segments.retain(ten - 1, (s) => kept.leases.copyOut(s)));
    const step = await kept.step();
    assert.deepEqual([step.packets, step.state, step.reasons], [0, 'none', ['older packets have been deleted']]);
  });

  it('held from its match on, the flow outlives the ring whole, with its proofs and its file', async () => {
    const { pcap, packets, content } = download(100_000, 20);
    const kept = await keep(pcap, { cutoff: CUTOFF });
    assert.ok(kept.take());
    must(await kept.segments.retain(0, (s) => kept.leases.copyOut(s)));
    assert.deepEqual(kept.segments.list(), []);
    const step = await kept.step();
    assert.deepEqual([step.packets, step.state, step.reasons, step.file], [packets, 'whole', [], '']);
    const out = verified(step.entries);
    assert.equal(readFileSync(path.join(out, 'packets/step-1.pcapng')).includes(content.subarray(0, 1000)), true);
  });

  it('copies never pass their budget: one byte less, and there are none, and that is said', async () => {
    const { pcap } = download(100_000, 1);
    const whole = await keep(pcap);
    whole.take();
    must(await whole.segments.retain(0, (s) => whole.leases.copyOut(s)));
    const needed = whole.leases.bytes;
    assert.ok(needed > 100_000);
    rmSync(dir, { recursive: true });
    mkdirSync(dir);
    const kept = await keep(pcap, { budgetBytes: needed - 1 });
    kept.take();
    must(await kept.segments.retain(0, (s) => kept.leases.copyOut(s)));
    assert.equal(kept.leases.bytes, 0);
    const step = await kept.step();
    assert.deepEqual([step.packets, step.state, step.reasons], [0, 'none', ['older packets have been deleted']]);
  });
});
