import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { decodeBatch } from '../../src/schema/decode.ts';
import { KIND_IDS, KIND_NAMES } from '../../src/schema/gen/structures.gen.ts';
import { HEADER_BYTES, RESYNC_TRIES_MAX } from '../../src/spool/format.ts';
import { Spool, type SpoolFrame } from '../../src/spool/spool.ts';
import { smallDisk } from '../skip.ts';
import { faultyDisk, folder, must, readAll, removeFolders, spoolOptions, unsyncedDisk, weird } from './world.ts';

const nameOf = (f: SpoolFrame): string =>
  f.kind === KIND_IDS.weird ? (decodeBatch('weird', f.bytes)[0]?.name ?? '') : `(${KIND_NAMES[f.kind]})`;
const gapsOf = (frames: readonly SpoolFrame[]) =>
  frames.filter((f) => f.kind === KIND_IDS.gap).flatMap((f) => decodeBatch('gap', f.bytes));
const segmentsOf = async (dir: string, lane: string): Promise<string[]> =>
  (await readdir(path.join(dir, lane))).sort().map((n) => path.join(dir, lane, n));
const open = async (dir: string, more = {}): Promise<Spool> => must(await Spool.open(spoolOptions(dir, more)));

/** A closed spool with `n` frames, all in one segment of one lane. */
async function written(n: number): Promise<string> {
  const dir = await folder();
  const spool = await open(dir);
  await Promise.all(Array.from({ length: n }, (_, i) => spool.append(weird(i))));
  await spool.close();
  return dir;
}

describe('spool', () => {
  afterEach(removeFolders);

  it('numbers from 1 in each life, and gives everything back in order over lanes and lives', async () => {
    const dir = await folder();
    for (const life of [1, 2]) {
      const spool = await open(dir);
      assert.equal(spool.epoch, life);
      for (let i = 0; i < 3; i++) {
        assert.deepEqual(must(await spool.append(weird(i, `${life}_${i}`))), { epoch: life, seq: 2 * i + 1 });
        must(await spool.append({ ...weird(i), kind: KIND_IDS.conn }));
      }
      await spool.close();
    }
    const spool = await open(dir);
    const frames = await readAll(spool);
    assert.deepEqual(
      frames.map((f) => [f.epoch, f.seq, f.after, f.kind === KIND_IDS.conn ? 'conn' : nameOf(f)]),
      [1, 2].flatMap((life) =>
        [0, 1, 2].flatMap((i) => [
          [life, 2 * i + 1, 2 * i, `${life}_${i}`],
          [life, 2 * i + 2, 2 * i + 1, 'conn'],
        ]),
      ),
    );
    assert.deepEqual((await readAll(spool, { epoch: 1, seq: 5 })).map((f) => [f.epoch, f.seq, f.after])[0], [1, 6, 5]);
    await spool.close();
  });

  it('a reader waits for what comes, and sees it once', async () => {
    const spool = await open(await folder(), { segmentBytes: 300 });
    const seen: number[] = [];
    const reading = (async () => {
      for await (const f of spool.read({ epoch: 0, seq: 0 })) seen.push(f.seq);
    })();
    for (let i = 0; i < 50; i++) must(await spool.append(weird(i)));
    await spool.close();
    await reading;
    assert.deepEqual(
      seen,
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
  });

  it('a tail torn at every byte: what is whole is there, the rest is cut and said, and the next life goes on', async () => {
    const source = await written(3);
    const [segment = ''] = await segmentsOf(source, 'metadata');
    const bytes = await readFile(segment);
    const dir = await folder();
    const torn = path.join(dir, 'metadata', path.basename(segment));
    const ends = new Set<number>();
    for (let size = 0; size < bytes.length; size += 1) {
      await mkdir(path.dirname(torn), { recursive: true });
      await writeFile(torn, bytes.subarray(0, size));
      const spool = await open(dir, { disk: unsyncedDisk });
      const frames = (await readAll(spool)).filter((f) => f.kind === KIND_IDS.weird);
      ends.add(frames.length);
      assert.deepEqual(frames.map(nameOf), ['frame_0', 'frame_1', 'frame_2'].slice(0, frames.length), `at ${size}`);
      const told = spool.notices.filter((n) => n.reason === 'torn');
      const isWhole = frames.length > 0 && told.length === 0;
      if (!isWhole) assert.equal(told.length, size === HEADER_BYTES ? 0 : 1, `at ${size}`);
      await spool.close();
      await rm(dir, { recursive: true });
    }
    assert.deepEqual([...ends].sort(), [0, 1, 2, 3]);
  });

  it('a flipped byte loses one record, located, and never gives a wrong one', async () => {
    const source = await written(5);
    const [segment = ''] = await segmentsOf(source, 'metadata');
    const bytes = await readFile(segment);
    const names = Array.from({ length: 5 }, (_, i) => `frame_${i}`);
    const dir = await folder();
    for (let at = HEADER_BYTES; at < bytes.length; at += 7) {
      const bad = Buffer.from(bytes);
      bad[at] = (bad[at] as number) ^ 0x10;
      await mkdir(path.join(dir, 'metadata'), { recursive: true });
      await writeFile(path.join(dir, 'metadata', path.basename(segment)), bad);
      const spool = await open(dir, { disk: unsyncedDisk });
      const got = (await readAll(spool)).map(nameOf).filter((n) => n.startsWith('frame'));
      assert.ok(got.length >= 4, `byte ${at}: ${got}`);
      assert.deepEqual(
        got,
        names.filter((n) => got.includes(n)),
      );
      if (got.length < 5) assert.ok(spool.notices.length > 0, `byte ${at}`);
      await spool.close();
      await rm(dir, { recursive: true });
    }
  });

  it('looks for the next record a bounded number of times', async () => {
    // Payload full of what looks like heads of records: each costs a check, and only so many are made.
    const dir = await folder();
    const spool = await open(dir);
    const head = Buffer.alloc(16);
    head.writeUInt32LE(8, 0);
    head.writeUInt32LE(3, 8);
    for (const kind of [0, 1, 2]) {
      const bait = Buffer.concat(Array.from({ length: RESYNC_TRIES_MAX + kind - 1 }, () => head));
      must(await spool.append({ ...weird(kind), bytes: kind === 1 ? bait : weird(kind).bytes }));
    }
    await spool.close();
    const [segment = ''] = await segmentsOf(dir, 'metadata');
    const bytes = await readFile(segment);
    const at = bytes.indexOf(head, HEADER_BYTES);
    bytes[at - 1] = (bytes[at - 1] as number) ^ 1;
    await writeFile(segment, bytes);
    const again = await open(dir);
    const seqs = (await readAll(again)).map((f) => f.seq);
    assert.deepEqual(seqs.slice(0, 1), [1]);
    assert.ok(!seqs.includes(2));
    assert.ok(again.notices.some((n) => n.reason === 'corrupt'));
    await again.close();
  });

  it('a failed sync gives the file up: the group is in a new one, once', async () => {
    for (const verb of ['sync', 'write']) {
      let fail = 0;
      const disk = faultyDisk((v, file) => (v === verb && file.includes('metadata') && fail-- > 0 ? 'EIO' : undefined));
      const dir = await folder();
      const spool = await open(dir, { disk });
      must(await spool.append(weird(0)));
      fail = 1;
      assert.deepEqual(must(await spool.append(weird(1))), { epoch: 1, seq: 2 });
      must(await spool.append(weird(2)));
      fail = 2;
      const lost = await spool.append(weird(3));
      assert.equal(lost.ok, false, verb);
      must(await spool.append(weird(4)));
      assert.ok(spool.notices.some((n) => n.reason === 'storage'));
      await spool.close();
      const again = await open(dir);
      const got = (await readAll(again)).filter((f) => f.kind === KIND_IDS.weird);
      assert.deepEqual(got.map(nameOf), ['frame_0', 'frame_1', 'frame_2', 'frame_4']);
      assert.deepEqual(
        got.map((f) => f.seq),
        [1, 2, 3, 6],
      );
      // The number of what failed is not used again; that it is gone is the record between.
      const gaps = gapsOf(await readAll(again));
      assert.deepEqual([gaps.length, gaps[0]?.reason, gaps[0]?.events], [1, 'unwritten', 1]);
      await again.close();
    }
  });

  it('a segment goes when every cursor is past it, and the cursor is on disk first', async () => {
    const steps: string[] = [];
    const dir = await folder();
    const disk = faultyDisk((verb, file) => {
      if (verb === 'unlink' && file.endsWith('.seg')) steps.push('unlink');
      if (verb === 'sync' && file.includes('cursor.ship')) steps.push('cursor');
      return undefined;
    });
    const spool = await open(dir, { segmentBytes: 300, disk });
    for (let i = 0; i < 20; i++) must(await spool.append(weird(i)));
    const before = (await segmentsOf(dir, 'metadata')).length;
    await spool.advance('ship', { epoch: 1, seq: 15 });
    assert.equal((await segmentsOf(dir, 'metadata')).length, before, 'detection is not done');
    await spool.advance('detection', { epoch: 1, seq: 10 });
    const after = (await segmentsOf(dir, 'metadata')).length;
    assert.ok(after < before);
    assert.equal(steps[0], 'cursor');
    assert.ok(steps.includes('unlink'));
    assert.deepEqual(
      (await readAll(spool, { epoch: 1, seq: 10 })).map((f) => f.seq),
      [11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
    );
    await spool.close();
    const again = await open(dir);
    assert.deepEqual(again.cursor('ship'), { epoch: 1, seq: 15 });
    assert.deepEqual(again.cursor('detection'), { epoch: 1, seq: 10 });
    await again.close();
  });

  it('a missing segment is a gap record, and so is one without its header', async () => {
    const dir = await folder();
    const spool = await open(dir, { segmentBytes: 300 });
    for (let i = 0; i < 20; i++) must(await spool.append(weird(i)));
    await spool.close();
    const files = await segmentsOf(dir, 'metadata');
    execFileSync('rm', [files[2] as string]);
    const head = await readFile(files[4] as string);
    head[100] = (head[100] as number) ^ 1;
    await writeFile(files[4] as string, head);
    const again = await open(dir);
    const frames = await readAll(again);
    const gaps = gapsOf(frames);
    assert.deepEqual(new Set(gaps.map((g) => g.reason)), new Set(['missing', 'corrupt']));
    const seqs = frames.filter((f) => f.epoch === 1).map((f) => f.seq);
    const missing = Array.from({ length: 20 }, (_, i) => i + 1).filter((n) => !seqs.includes(n));
    const first = gaps.find((g) => g.reason === 'missing');
    assert.ok(
      missing.includes(first?.first ?? 0) && missing.includes(first?.last ?? 0),
      JSON.stringify([missing, gaps]),
    );
    await again.close();
  });

  it('over budget flow records go first, then metadata, findings never; each range is a gap record', async () => {
    const dir = await folder();
    const spool = await open(dir, { budgetBytes: 4 << 20 });
    const big = (kind: number, i: number) => ({ ...weird(i), kind, bytes: Buffer.alloc(60_000, i) });
    for (let i = 0; i < 30; i++) must(await spool.append(big(KIND_IDS.conn, i)));
    for (let i = 0; i < 30; i++) must(await spool.append(big(KIND_IDS.dns, i)));
    for (let i = 0; i < 30; i++) must(await spool.append(big(KIND_IDS.alert, i)));
    assert.ok(spool.bytes <= 4 << 20);
    const count = async (kind: number) => (await readAll(spool)).filter((f) => f.kind === kind).length;
    assert.ok((await count(KIND_IDS.conn)) < 10);
    assert.equal(await count(KIND_IDS.dns), 30);
    assert.equal(await count(KIND_IDS.alert), 30);
    for (let i = 0; i < 30; i++) must(await spool.append(big(KIND_IDS.alert, i)));
    assert.equal(await count(KIND_IDS.conn), 0);
    assert.ok((await count(KIND_IDS.dns)) < 10);
    assert.equal(await count(KIND_IDS.alert), 60);
    // Every number is there, or in a gap's range of its lane, with the right count.
    const gaps = gapsOf(await readAll(spool));
    assert.equal(
      gaps.filter((g) => g.lane === 'flow').reduce((n, g) => n + (g.frames ?? 0), 0),
      30,
    );
    assert.equal(
      spool.counters.shedFrames,
      gaps.reduce((n, g) => n + (g.frames ?? 0), 0),
    );
    assert.ok(gaps.every((g) => g.reason === 'budget' && g.first >= 1 && g.last >= g.first));
    await spool.close();
  });

  it('killed at any moment: what was promised is there exactly once, and no number is used twice', async function () {
    this.timeout(120_000);
    const dir = await folder();
    const promised = new Map<string, string>();
    for (let life = 0; life < 8; life++) {
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', path.join(import.meta.dirname, 'spool_child.ts'), dir],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      let text = '';
      let lines = 0;
      const enough = 5 + ((life * 37) % 60);
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk;
        lines += chunk.toString().split('\n').length - 1;
        if (lines >= enough) child.kill('SIGKILL');
      });
      await once(child, 'close');
      for (const line of text.split('\n').slice(0, -1)) {
        const [epoch, seq, name] = line.split(' ');
        const key = `${epoch}/${seq}`;
        assert.equal(promised.get(key), undefined, `${key} was promised before`);
        promised.set(key, name as string);
      }
    }
    const spool = await open(dir);
    assert.equal(spool.epoch, 9);
    const found = new Map<string, string>();
    for (const f of await readAll(spool)) {
      const key = `${f.epoch}/${f.seq}`;
      assert.ok(!found.has(key), `${key} is there twice`);
      found.set(key, nameOf(f));
    }
    for (const [key, name] of promised) assert.equal(found.get(key), name, key);
    await spool.close();
  });

  it('a full disk: flow records make room, what is kept is kept, and it goes on when there is space', async function () {
    const dir = await folder();
    const unmount = smallDisk(this, dir, '2m');
    try {
      const spool = await open(dir, { segmentBytes: 200_000, budgetBytes: 1 << 30 });
      const big = (kind: number, i: number) => ({ ...weird(i), kind, bytes: Buffer.alloc(50_000, i) });
      for (let i = 0; i < 20; i++) must(await spool.append(big(KIND_IDS.conn, i)));
      for (let i = 0; i < 25; i++) must(await spool.append(big(KIND_IDS.alert, i)));
      const frames = await readAll(spool);
      assert.equal(frames.filter((f) => f.kind === KIND_IDS.alert).length, 25);
      const lost = 20 - frames.filter((f) => f.kind === KIND_IDS.conn).length;
      const gaps = gapsOf(frames).filter((g) => g.reason === 'disk_full');
      assert.ok(lost > 0);
      assert.equal(
        gaps.reduce((n, g) => n + (g.frames ?? 0), 0),
        lost,
      );
      // Nothing is left that may go: flow records are refused, and that is counted too.
      let refused = 0;
      for (let i = 0; i < 40; i++) if (!(await spool.append(big(KIND_IDS.alert, i))).ok) refused++;
      assert.ok(refused > 0);
      assert.equal((await spool.append(big(KIND_IDS.conn, 0))).ok, false);
      await spool.advance('detection', spool.durable);
      await spool.advance('ship', spool.durable);
      must(await spool.append(big(KIND_IDS.alert, 99)));
      await spool.close();
    } finally {
      unmount();
    }
  });
});
