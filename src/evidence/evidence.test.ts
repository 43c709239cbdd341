// The parts alone: limits at their edges, files that rotted, texts from traffic.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failure, success } from '../lib/fault.ts';
import { leafHash, Tree } from '../lib/merkle.ts';
import { tarOf } from '../lib/tar.ts';
import type { Keep, Matched } from '../schema/finding.ts';
import type { Section } from '../schema/observation.ts';
import { BLOCK_BYTES_MAX, blockAt, flowNumber, Places } from './blocks.ts';
import { alertsIn, bundleOf, findAlert, STEPS_MAX } from './bundle.ts';
import { readChains } from './chain.ts';
import { sealsFor } from './chain_proof.ts';
import { ALWAYS, type Section as Extract, extract, pcapngOf, proofOfCopy, type Trees } from './extract.ts';
import { contentOf, retainFiles } from './files.ts';
import { Leases } from './leases.ts';
import { FORMAT, MANIFEST_BYTES_MAX, type Manifest, manifestText, parseManifest } from './manifest.ts';
import { html } from './page.ts';
import type { SegmentFile } from './segments.ts';
import { openSigner, sha256 } from './signer.ts';

const UID = 'C00000000005';
const OTHER = 'C00000000006';

function block(type: number, body: Buffer): Buffer {
  const out = Buffer.alloc(body.length + 12);
  out.writeUInt32LE(type, 0);
  out.writeUInt32LE(out.length, 4);
  body.copy(out, 8);
  out.writeUInt32LE(out.length, out.length - 4);
  return out;
}
const HEAD = Buffer.concat([
  block(0x0a0d0d0a, Buffer.from('4d3c2b1a01000000ffffffffffffffff', 'hex')),
  block(1, Buffer.from('0100000000000400', 'hex')),
]);
/** An enhanced packet of 4 bytes: 52 bytes in all. */
function packet(flow: number, ts: number): Buffer {
  const body = Buffer.alloc(40);
  body.writeUInt32LE(Math.floor(ts / 2 ** 32), 4);
  body.writeUInt32LE(ts % 2 ** 32, 8);
  body.writeUInt32LE(4, 12);
  body.writeUInt32LE(4, 16);
  body.writeUInt32LE(0x0008_0005, 24);
  body.writeBigUInt64LE(BigInt(flow), 28);
  return block(6, body);
}
const PACKET_BYTES = 52;

function sectionOf(entries = new Map<string, Uint8Array>()): Section {
  return {
    get: (key) => entries.get(key),
    put: (key, value) => void entries.set(key, value),
    remove: (key) => void entries.delete(key),
    entries: () => entries,
  };
}

/** As the decoder's library makes it, for files of a few blocks. */
const trees: Trees = async (path) => {
  const file = new Places(path);
  const offsets: number[] = [];
  const leaves: Buffer[] = [];
  for (let at = 0, b = blockAt(file, at); b !== undefined; at += b.length, b = blockAt(file, at)) {
    offsets.push(at);
    leaves.push(leafHash(b));
  }
  file.close();
  return { offsets: Uint32Array.from(offsets), nodes: Tree.over(Buffer.concat(leaves)).nodes };
};

const manifest: Manifest = {
  ...{ sensor: 's1', epoch: 1, n: 2, prev: 'ab'.repeat(32), size: 9, packets: 3, first: 5n, last: 7n, leaves: 5 },
  files: [{ sha256: 'cd'.repeat(32), name: '00000001-00000002.pcapng' }],
  ...{ root: 'ef'.repeat(32), interface: 'eth0\nn=3', filter: 'port 53', snaplen: 96, software: 'x', config: '' },
  counters: { ring_packets: 9, ring_drops: 1, taken: 8, app_drops: 0, decoded: 8, written: 3, cutoff: 4, not_kept: 1 },
  custody: { lines: 3, head: '12'.repeat(32) },
  ...{ sealed: 1, recovered: false, gaps: [{ reason: 'shed', from: 5n, to: 7n }] },
};

describe('evidence: its parts', () => {
  let dir: string;
  let asked: string[];
  const holder = {
    hold: (uid: string) => asked.push(`hold ${uid}`) > 0,
    release: (uid: string) => asked.push(`release ${uid}`) > 0,
  };
  const leasesOf = (o: { section?: Section; budgetBytes?: number; leasesMax?: number } = {}): Leases =>
    new Leases({ dir: join(dir, 'leases'), section: sectionOf(), budgetBytes: 1 << 20, holder, trees, ...o });
  const request = (partial: string, uid: string | null = UID, until = 100) => ({
    ...{ partial, step: 's', uid, firstTs: 1, lastTs: 2, sha256: null, packets: 'flow' as const, until },
  });
  const segment = (...packets: Buffer[]): SegmentFile => segmentNumber(1, ...packets);
  const segmentNumber = (n: number, ...packets: Buffer[]): SegmentFile => {
    const stem = `00000001-0000000${n}`;
    mkdirSync(join(dir, 'eth0'), { recursive: true });
    const path = join(dir, 'eth0', `${stem}.pcapng`);
    const bytes = Buffer.concat([HEAD, ...packets]);
    writeFileSync(path, bytes);
    return { chain: 'eth0', stem, path, bytes: bytes.length };
  };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-evidence-'));
    asked = [];
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('a uid is a number of 64 bits, or none', () => {
    assert.equal(flowNumber(UID), 5n);
    assert.equal(flowNumber('CLygHa16AHYF'), (1n << 64n) - 1n);
    for (const text of [
      'CLygHa16AHYG',
      'Czzzzzzzzzzz',
      'C0000000000',
      'C000000000005',
      'D00000000005',
      '../../../../x',
      'C00000000000',
      '',
    ])
      assert.equal(flowNumber(text), undefined, text);
  });

  it('a manifest reads back, whatever an interface is called', () => {
    const text = manifestText(manifest);
    assert.ok(text.includes('interface=eth0\\nn=3\n'));
    const read = parseManifest(text);
    assert.deepEqual(read?.files, manifest.files);
    assert.deepEqual(read?.counters, manifest.counters);
    assert.deepEqual(read?.gaps, manifest.gaps);
    assert.deepEqual(read?.custody, manifest.custody);
    assert.deepEqual([read?.epoch, read?.n, read?.first, read?.last, read?.hash], [1, 2, 5n, 7n, sha256(text)]);
  });

  it('what is no manifest is none', () => {
    const text = manifestText(manifest);
    const padded = (n: number): string => text.padEnd(n, '\n');
    assert.ok(parseManifest(padded(MANIFEST_BYTES_MAX - 1)));
    assert.ok(parseManifest(padded(MANIFEST_BYTES_MAX)));
    assert.equal(parseManifest(padded(MANIFEST_BYTES_MAX + 1)), undefined);
    for (const bad of [
      '',
      FORMAT,
      text.replace('v1', 'v2'),
      text.replace('n=2', 'n=x'),
      text.replace(/prev=\w+/, 'prev=0'),
    ])
      assert.equal(parseManifest(bad), undefined, bad.slice(0, 80));
  });

  it('packets of a flow, between two times, both included', () => {
    const { path } = segment(packet(5, 10), packet(6, 11), packet(5, 12), packet(5, 14));
    const count = (from: bigint, to: bigint): number => {
      const found = extract(5n, [], [path], { from, to });
      return found.ok ? found.value.packets : -1;
    };
    assert.deepEqual(
      [count(10n, 14n), count(11n, 14n), count(10n, 13n), count(12n, 12n), count(15n, 99n)],
      [3, 2, 2, 1, 0],
    );
  });

  it('first and last packets of a flow: none twice', () => {
    const { path } = segment(...Array.from({ length: 5 }, (_, i) => packet(5, i)));
    const kept = (first: number, last: number): bigint[] => {
      const found = extract(5n, [], [path], ALWAYS, { first, last });
      return found.ok ? found.value.sections.flatMap((s) => s.packets.map((p) => p.ts)) : [];
    };
    assert.deepEqual(kept(2, 1), [0n, 1n, 4n]);
    assert.deepEqual(kept(2, 2), [0n, 1n, 3n, 4n]);
    assert.deepEqual(kept(2, 3), [0n, 1n, 2n, 3n, 4n]);
    assert.deepEqual(kept(4, 4), [0n, 1n, 2n, 3n, 4n]);
    assert.deepEqual(kept(0, 0), []);
  });

  it('a segment that rotted gives what is whole; an index that lies is told', () => {
    const s = segment(packet(5, 1), packet(5, 2), packet(5, 3));
    const bytes = readFileSync(s.path);
    bytes.writeUInt32LE(BLOCK_BYTES_MAX + 4, HEAD.length + PACKET_BYTES + 4);
    writeFileSync(s.path, bytes);
    const scanned = extract(5n, [], [s.path]);
    assert.ok(scanned.ok);
    assert.equal(scanned.value.packets, 1);
    const index = Buffer.alloc(32 + 32 + 8);
    index.write('CTNYIDX2', 0, 'latin1');
    index.writeUInt32LE(1, 8);
    index.writeUInt32LE(1, 12);
    index.writeBigUInt64LE(5n, 32);
    index.writeUInt32LE(1, 44);
    index.writeUInt32LE(HEAD.length + 4, 64);
    index.writeUInt32LE(PACKET_BYTES, 68);
    writeFileSync(s.path.replace('.pcapng', '.idx'), index);
    const indexed = extract(5n, [], [s.path]);
    assert.ok(indexed.ok);
    assert.match(indexed.value.damage ?? '', /no packet where the index says/);
    const missing = extract(5n, [], [join(dir, 'none.pcapng')]);
    assert.ok(!missing.ok && /none\.pcapng: no such file/.test(missing.fault.message));
  });

  it('of a flow so many bytes are taken, and not one more', () => {
    const { path } = segment(packet(5, 1), packet(5, 2));
    for (const more of [-1, 0, 1]) {
      const found = extract(5n, [], [path], ALWAYS, 'flow', 2 * PACKET_BYTES + more);
      assert.ok(found.ok);
      assert.equal(found.value.packets, more < 0 ? 1 : 2);
      assert.equal(found.value.damage, more < 0 ? `more than ${2 * PACKET_BYTES - 1} bytes` : undefined);
    }
  });

  it('a bundle has so many steps', async () => {
    const signer = openSigner(join(dir, 'keys'));
    assert.ok(signer.ok);
    for (const n of [STEPS_MAX - 1, STEPS_MAX, STEPS_MAX + 1]) {
      const steps = Array.from({ length: n }, (_, i) => ({ step: `s${i}`, record: {} }));
      const bundle = await bundleOf(dir, { id: 'a', steps }, trees, signer.value, 'x', 1);
      assert.ok(bundle.ok);
      assert.equal(bundle.value.steps.length, Math.min(n, STEPS_MAX));
    }
  });

  it('a bundle has the seals of a time, one more at either end, and so many', () => {
    for (let n = 1; n <= 9; n++) {
      // Of 4 and 8 nothing was kept: they have no time, and fence nothing.
      const packets = n % 4 === 0 ? 0 : 1;
      const times = { packets, first: BigInt(1000 * n), last: BigInt(1000 * n + 999) };
      writeFileSync(join(dir, `00000001-0000000${n}.manifest`), manifestText({ ...manifest, ...times, n }));
    }
    const [chain] = readChains(dir);
    assert.ok(chain);
    const picked = (from: number, to: number, max = 99): number[] =>
      [...sealsFor(chain, [{ from: BigInt(from), to: BigInt(to) }], new Set(), max)].map((i) => i + 1).sort();
    assert.deepEqual(picked(6000, 6500), [5, 6, 7]);
    assert.deepEqual(picked(5999, 6000), [3, 4, 5, 6, 7]);
    assert.deepEqual(picked(1500, 1500), [1, 2]);
    assert.deepEqual(picked(9999, 9999), [7, 8, 9]);
    assert.deepEqual(picked(10_000, 20_000), []);
    assert.deepEqual(
      [1, 2, 3, 4].map((max) => picked(6000, 6500, max).length),
      [1, 2, 3, 3],
    );
    assert.deepEqual([...sealsFor(chain, [], new Set([`${chain.name}/00000001-00000004`]), 99)].length, 3);
  });

  it('so many leases are taken; one more is refused and counted', () => {
    for (const n of [2, 3, 4]) {
      const leases = leasesOf({ leasesMax: 3 });
      const taken = Array.from({ length: n }, (_, i) => leases.take(request(`p${i}`)));
      assert.deepEqual(taken.filter((t) => !t).length, n > 3 ? 1 : 0);
      assert.equal(leases.counts.get('leases_refused') ?? 0, n > 3 ? 1 : 0);
      assert.equal(leases.size, Math.min(n, 3));
    }
  });

  it('a lease ends with its partial, or when it has run out, but not when an alert has it', () => {
    const leases = leasesOf();
    leases.take(request('a'));
    leases.take(request('b', OTHER));
    leases.take({ ...request('c'), fixed: true });
    leases.take(request('d'));
    leases.confirm('b', 'alert');
    leases.release('a');
    leases.release('b');
    leases.release('c');
    leases.release('unknown');
    assert.equal(leases.size, 3);
    leases.expire(100);
    assert.equal(leases.size, 3);
    leases.expire(101);
    assert.equal(leases.size, 1);
    assert.deepEqual(
      leases.ofAlert('alert').map((l) => l.uid),
      [OTHER],
    );
    assert.deepEqual(asked, [`hold ${UID}`, `hold ${OTHER}`, `release ${UID}`]);
  });

  it('taken again it lasts as long as the longer of both', () => {
    const leases = leasesOf();
    leases.take(request('a', UID, 200));
    leases.take(request('a', UID, 100));
    assert.equal(leases.size, 1);
    leases.expire(150);
    assert.equal(leases.size, 1);
  });

  it('leases survive a restart with what they hold; what nobody holds is cleared away', async () => {
    const entries = new Map<string, Uint8Array>();
    const leases = leasesOf({ section: sectionOf(entries) });
    leases.take(request('a'));
    assert.ok((await leases.copyOut(segment(packet(5, 1), packet(6, 2)))).ok);
    writeFileSync(join(dir, 'leases', `${OTHER}-${'0'.repeat(32)}.eth0.00000001-00000001.pcapng`), 'left over');
    const again = leasesOf({ section: sectionOf(entries) });
    assert.equal(again.bytes, leases.bytes);
    assert.equal(readdirSync(join(dir, 'leases')).length, 2);
    assert.equal(again.copiesOf(UID).length, 1);
    asked.length = 0;
    again.holdAgain();
    assert.deepEqual(asked, [`hold ${UID}`]);
    again.release('a');
    assert.deepEqual([again.bytes, readdirSync(join(dir, 'leases')).length, entries.size], [0, 0, 0]);
  });

  it('copies stay inside their budget: one byte less, and nothing is copied but the reason', async () => {
    const whole = leasesOf();
    whole.take(request('a'));
    assert.ok((await whole.copyOut(segment(packet(5, 1)))).ok);
    const size = whole.bytes;
    assert.ok(size > HEAD.length + PACKET_BYTES);
    rmSync(join(dir, 'leases'), { recursive: true });
    for (const budgetBytes of [size - 1, size, size + 1]) {
      const leases = leasesOf({ budgetBytes });
      leases.take(request('a'));
      leases.confirm('a', 'x');
      assert.ok((await leases.copyOut(segment(packet(5, 1)))).ok);
      assert.equal(leases.bytes, budgetBytes < size ? 0 : size);
      assert.equal(leases.ofAlert('x')[0]?.reason, budgetBytes < size ? 'the budget of leases was used up' : '');
      rmSync(join(dir, 'leases'), { recursive: true });
    }
  });

  it('a copy that is made again after a crash is the same one', async () => {
    const leases = leasesOf();
    leases.take(request('a'));
    assert.ok((await leases.copyOut(segment(packet(5, 1)))).ok);
    const { bytes } = leases;
    assert.ok((await leases.copyOut(segment(packet(5, 1)))).ok);
    assert.equal(leases.bytes, bytes);
    assert.equal(leases.copiesOf(UID).length, 1);
  });

  it('copies of two segments are read as one; blocks that are left out stand in the proof', async () => {
    const leases = leasesOf();
    leases.take({ ...request('a'), packets: { first: 2, last: 1 } });
    await leases.copyOut(segmentNumber(1, packet(5, 1), packet(5, 2), packet(5, 3), packet(5, 4)));
    await leases.copyOut(segmentNumber(2, packet(5, 5), packet(5, 6)));
    const copies = leases.copiesOf(UID);
    const found = extract(5n, copies, [], ALWAYS, { first: 2, last: 1 });
    assert.ok(found.ok);
    assert.deepEqual(
      found.value.sections.flatMap((s) => s.packets.map((p) => p.ts)),
      [1n, 2n, 6n],
    );
    assert.equal(pcapngOf(found.value.sections).length, 2 * HEAD.length + 3 * PACKET_BYTES);
    const proof = proofOfCopy(found.value.sections[0] as Extract);
    assert.deepEqual(
      proof?.blocks.map((b) => b.leaf),
      [0, 1, 2, 3],
    );
    // The fourth packet was copied and is not wanted: its hash, then that of the third.
    assert.deepEqual(
      proof?.nodes.map((n) => [n.level, n.index]),
      [
        [0, 5],
        [0, 4],
      ],
    );
    assert.equal(proof?.nodes[0]?.hash, leafHash(packet(5, 4)).toString('hex'));
  });

  it('is a keeper: what a step wants kept, for as long as it says', () => {
    const leases = leasesOf();
    const matched = { step: 's', uid: UID, ts: 1, seen: 10, values: { sha256: 'ab' } } as unknown as Matched;
    const keep: Keep = { file: true, packets: 'flow', lease: undefined };
    leases.keeper().take('a', matched, keep, 50);
    leases.keeper().take('b', matched, { ...keep, file: false, lease: 1000 }, 50);
    leases.keeper().take('c', { ...matched, uid: 'no flow' }, keep, 50);
    assert.equal(leases.size, 2);
    assert.deepEqual([...leases.files()], ['ab']);
    leases.keeper().release('b');
    leases.expire(51);
    assert.equal(leases.size, 1);
    leases.expire(1011);
    assert.equal(leases.size, 0);
  });

  it('a file by its hash is itself, or missing with a reason', () => {
    const hash = sha256('abc');
    mkdirSync(join(dir, hash.slice(0, 2)));
    assert.deepEqual(contentOf(dir, hash), { missing: 'was not kept' });
    writeFileSync(join(dir, hash.slice(0, 2), hash), 'abc');
    assert.deepEqual(contentOf(dir, hash), { bytes: Buffer.from('abc') });
    writeFileSync(join(dir, hash.slice(0, 2), hash), 'abd');
    assert.deepEqual(contentOf(dir, hash), { missing: 'is damaged on the disk' });
    assert.deepEqual(contentOf(dir, '../../etc/passwd'), { missing: 'has no hash' });
  });

  it('the oldest files go until the rest fits; leased and held ones stay, and those that cannot be written down', () => {
    for (const [i, name] of ['aa', 'bb', 'cc'].entries()) {
      mkdirSync(join(dir, name));
      writeFileSync(join(dir, name, name.repeat(32)), '0123456789');
      utimesSync(join(dir, name, name.repeat(32)), i, i);
    }
    const left = (): string[] => ['aa', 'bb', 'cc'].filter((name) => readdirSync(join(dir, name)).length > 0);
    const keepers = { leased: new Set<string>(), isHeld: () => false, onDelete: () => success(undefined) };
    retainFiles(dir, 30, keepers);
    assert.deepEqual(left(), ['aa', 'bb', 'cc']);
    retainFiles(dir, 29, { ...keepers, leased: new Set(['aa'.repeat(32)]) });
    assert.deepEqual(left(), ['aa', 'cc']);
    retainFiles(dir, 0, { ...keepers, isHeld: (at) => at === 2e6 });
    assert.deepEqual(left(), ['cc']);
    retainFiles(dir, 0, { ...keepers, onDelete: () => failure('state_unusable', 'the custody log is full') });
    assert.deepEqual(left(), ['cc']);
  });

  it('an archive is one that tar reads', () => {
    const path = join(dir, 'a.tar');
    const entries = [0, 511, 512, 513].map((n) => ({ name: `d/${n}`, bytes: Buffer.alloc(n, 'x') }));
    writeFileSync(path, tarOf(entries));
    assert.equal(spawnSync('tar', ['-xf', path, '-C', dir]).status, 0);
    for (const { name, bytes } of entries) assert.deepEqual(readFileSync(join(dir, name)), bytes);
    assert.throws(() => tarOf([{ name: 'a\nb', bytes: Buffer.alloc(0) }]), RangeError);
    assert.ok(tarOf([{ name: 'x'.repeat(100), bytes: Buffer.alloc(0) }]));
    assert.throws(() => tarOf([{ name: 'x'.repeat(101), bytes: Buffer.alloc(0) }]), RangeError);
  });

  it('traffic cannot write a tag, close an attribute or turn a line around', () => {
    assert.equal(
      html('<a href="x" y=\'z\'>&\u202e\n'),
      '&lt;a href=&quot;x&quot; y=&#39;z&#39;&gt;&amp;\\u{202e}\\x0a',
    );
    assert.equal(html(['<']), '[&quot;&lt;&quot;]');
    for (const n of [1999, 2000, 2001]) assert.equal(html('x'.repeat(n)).endsWith('...'), n > 2000);
  });

  it('an alert is found in its latest revision, by as much of its id as tells it apart', () => {
    const path = join(dir, 'alerts.ndjson');
    const line = (id: string, revision: number): string => `${JSON.stringify({ id, revision })}\n`;
    writeFileSync(path, line('aaaaaaaa11111111', 1) + line('aaaaaaaa22222222', 1) + line('aaaaaaaa11111111', 2));
    const found = findAlert(path, 'aaaaaaaa1');
    assert.ok(found.ok);
    assert.equal(found.value.revision, 2);
    const several = findAlert(path, 'aaaaaaaa');
    assert.ok(!several.ok && /several ids/.test(several.fault.message));
    writeFileSync(path, `${line('aaaaaaaa11111111', 1)}{\n`);
    const last = [...alertsIn(path)].at(-1);
    assert.ok(last && !last.ok && last.fault.message.startsWith(`${path}:2: is no alert`));
    writeFileSync(path, line('aaaaaaaa11111111', 1));
    const size = line('aaaaaaaa11111111', 1).length;
    assert.deepEqual(
      [-1, 0, 1].map((more) => [...alertsIn(path, size + more)].map((a) => a.ok)),
      [[false], [true], [true]],
    );
  });
});
