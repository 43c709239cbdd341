// Power goes at any write: every image that the disk may then hold opens, has all that was sealed, and says what is
// missing.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { segmentDigester } from '../../src/capture/index.ts';
import { folders, openSigner, Segments, verifySegments } from '../../src/evidence/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { randomRow } from '../random.ts';
import { writeCapture } from './capture.ts';
import { buildRecorder, Disk, type Op, readLog } from './images.ts';
import { must } from './world.ts';

const IMAGES = Number(process.env.IMAGES ?? 150);
const SEED = Number(process.env.SEED ?? 1);

describe('evidence: crash images', function () {
  this.timeout(0);
  let dir: string;
  let ops: Op[];

  before(() => {
    // In memory, where there is such a place: what a disk takes for a sync says nothing here.
    dir = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'catenary-crash-'));
    const [evidence, capture, log] = ['evidence', 'made.pcap', 'log'].map((name) => path.join(dir, name)) as [
      ...[string, string, string],
    ];
    writeCapture(capture);
    execFileSync('mkdir', [evidence]);
    const env = { ...process.env, LD_PRELOAD: buildRecorder(dir), RECORD_DIR: evidence, RECORD_LOG: log };
    const script = new URL('sealer.ts', import.meta.url).pathname;
    const said = execFileSync(process.execPath, ['--import', 'tsx', script, evidence, capture], {
      env,
      encoding: 'utf8',
    });
    assert.match(said, /"closed":12,"taken":3000,"written":3000,"notKept":0,.*"faults":\[\]/);
    ops = readLog(log);
    assert.ok(ops.length > 200, `${ops.length} writes`);
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it(`${IMAGES} of them, seed ${SEED}: none fails to open, no sealed byte is lost, what is missing is said`, async () => {
    const digest = must(segmentDigester());
    const random = randomRow(SEED);
    const below = (n: number): number => Math.floor(random() * n);
    const image = path.join(dir, 'image');
    const points = Array.from({ length: IMAGES }, () => below(ops.length + 1)).sort((a, b) => a - b);
    const disk = new Disk();
    let taken = 0;
    let recovered = 0;
    for (const point of points) {
      for (; taken < point; taken++) disk.take(ops[taken] as Op);
      disk.crash(image, below);
      const where = `after write ${point} of ${ops.length}`;
      const sealed = [...disk.durable.keys()].filter((name) => name.endsWith('.manifest'));
      const at = folders(image);
      const packets = path.join(at.packets, 'eth0');
      const segments = must(
        await Segments.open({
          ...{ dir: packets, evidence: image, signer: must(openSigner(at.keys)), clock: systemClock, digest },
          circumstances: { sensor: 's', interface: 'eth0', filter: '', snaplen: 0, software: 'x', config: '' },
        }),
      );
      const nothing = { taken: 0, decoded: 0, written: 0, cutoff: 0, notKept: 0, ringPackets: 0, ringDrops: 0 };
      const next = { epoch: segments.epoch, n: 1, name: '', from: '1900000000000000000', to: '1900000000000000000' };
      must(await segments.seal({ ...next, ...nothing }));
      const verdict = must(await verifySegments(packets, at.keys, digest));
      assert.deepEqual(verdict.faults, [], where);
      // Every seal that was durable is there, or there would be a fault: each names the one before.
      assert.ok(segments.head.leaves > sealed.length, `${where}: ${segments.head.leaves} of ${sealed.length}`);
      if (segments.head.leaves > sealed.length + 1) recovered++;
      const said = readFileSync(path.join(packets, `${String(next.epoch).padStart(8, '0')}-00000001.manifest`), 'utf8');
      assert.equal(/^gap=restart from=/m.test(said), segments.head.leaves > 1, where);
    }
    assert.ok(recovered > 0, 'no image had an unsealed tail');
  });
});
