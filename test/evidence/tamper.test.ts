// Nine ways to tamper with evidence, each by somebody who has the keys that it takes, and each found by verify.sh in a
// root without our software.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { segmentDigester } from '../../src/capture/index.ts';
import { verifySegments } from '../../src/evidence/index.ts';
import { Tree } from '../../src/lib/merkle.ts';
import { skip } from '../skip.ts';
import {
  bareRoot,
  makeWorld,
  must,
  resign,
  type Story,
  sensorKey,
  sha256,
  signWith,
  verifyIn,
  type World,
  witnessKey,
} from './world.ts';

const STORY: Story = { segments: 8, packetsPerSegment: 6, from: 3, to: 6, receiptsAfter: [2, 4, 8] };
const stem = (n: number): string => `00000001-0000000${n}`;

function newKey(): { pem: string; pub: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    pub: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

describe('evidence: tampering', function () {
  this.timeout(600_000);
  let dir: string;
  let root: string;
  let honest: World;
  let bundle: string;

  before(async function () {
    dir = mkdtempSync(path.join(tmpdir(), 'catenary-tamper-'));
    const made = bareRoot(path.join(dir, 'root'));
    if (made === undefined) skip(this, 'no root without our software can be made here');
    root = made;
    honest = await makeWorld(path.join(dir, 'honest'), STORY);
    bundle = await honest.export('bundle');
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  const check = (at: string, fingerprint = honest.fingerprint) => verifyIn(root, at, fingerprint);
  let copies = 0;
  const copyOf = (what: string): string => {
    const to = path.join(dir, `copy-${copies++}`);
    cpSync(what, to, { recursive: true });
    return to;
  };
  const found = (at: string, what: RegExp): void => {
    const { status, out } = check(at);
    assert.equal(status, 1, out);
    assert.match(out, what);
  };
  /** The honest sensor's folder after somebody was there, exported by the sensor as if nothing were. */
  const exportAfter = async (tamper: (packets: string) => void): Promise<string> => {
    const copy = copyOf(honest.packets);
    tamper(honest.packets);
    try {
      return await honest.export(`tampered-${copies++}`);
    } finally {
      rmSync(honest.packets, { recursive: true });
      renameSync(copy, honest.packets);
    }
  };
  /** Seals of a folder from number `n` on made again with the sensor's key, so that they follow each other. */
  const resealFrom = (packets: string, n: number, change: (text: string, n: number) => string): void => {
    for (let i = n; existsSync(path.join(packets, `${stem(i)}.manifest`)); i++) {
      const file = path.join(packets, `${stem(i)}.manifest`);
      const before = i === 1 ? '0'.repeat(64) : sha256(readFileSync(path.join(packets, `${stem(i - 1)}.manifest`)));
      const text = change(readFileSync(file, 'utf8'), i).replace(/^prev=.*$/m, `prev=${before}`);
      writeFileSync(file, text);
      writeFileSync(path.join(packets, `${stem(i)}.sig`), signWith(sensorKey(honest), text));
    }
    unlinkSync(path.join(packets, 'leaves'));
  };

  it('untouched it is proved, with the seals of its time, one more at either end, and three receipts', () => {
    const { status, out } = check(bundle);
    assert.deepEqual([status, out], [0, `proved: signed by ${honest.fingerprint}\n`]);
    const manifests = readdirSync(path.join(bundle, 'manifests')).filter((name) => name.endsWith('.manifest'));
    // 3 to 6, 2 and 7 beside them, and 8 that the newest receipt ends with.
    assert.deepEqual(
      manifests,
      [2, 3, 4, 5, 6, 7, 8].map((n) => `01-${stem(n)}.manifest`),
    );
    assert.equal(readdirSync(path.join(bundle, 'receipts')).filter((name) => name.endsWith('.receipt')).length, 3);
    assert.deepEqual(honest.faults, []);
  });

  it('1: a byte is flipped, in the bundle or by the sensor in its folder', async () => {
    const copy = copyOf(bundle);
    const file = path.join(copy, 'packets/step-1.pcapng');
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 30) ^ 1, bytes.length - 30);
    writeFileSync(file, bytes);
    found(copy, /FAILED packets\/step-1\.pcapng: altered/);
    resign(copy, sensorKey(honest));
    found(copy, /FAILED packets\/step-1\.proof: does not lead to the root in manifests\//);
    const out = await exportAfter((packets) => {
      const segment = path.join(packets, `${stem(4)}.pcapng`);
      const stored = readFileSync(segment);
      stored.writeUInt8(stored.readUInt8(stored.length - 30) ^ 1, stored.length - 30);
      writeFileSync(segment, stored);
    });
    found(out, /FAILED packets\/step-1\.proof: does not lead to the root in manifests\/01-00000001-00000004/);
  });

  it('2: a segment is deleted, with its seal, in the folder or in the bundle', async () => {
    const out = await exportAfter((packets) => {
      for (const ending of ['pcapng', 'idx', 'manifest', 'sig']) unlinkSync(path.join(packets, `${stem(5)}.${ending}`));
    });
    found(out, /FAILED manifests\/01-00000001-00000006\.manifest: seals before it are missing/);
    // By somebody who has the sensor's key, and makes the proofs anew without it.
    const copy = copyOf(bundle);
    const packets = path.join(copy, 'manifests');
    for (const ending of ['manifest', 'sig']) unlinkSync(path.join(packets, `01-${stem(5)}.${ending}`));
    const kept = readFileSync(path.join(honest.packets, 'leaves'));
    const proof = path.join(copy, 'receipts/01.proof');
    const nodes = Tree.over(kept.subarray(0, 8 * 32)).proof([1, 2, 3, 5, 6, 7]);
    const lines = readFileSync(proof, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('node') && !line.startsWith('leaf 4 '));
    writeFileSync(proof, `${[...lines, ...nodes.map((n) => `node ${n.level} ${n.index} ${n.hash}`)].join('\n')}\n`);
    resign(copy, sensorKey(honest));
    found(copy, /seals before it are missing/);
  });

  it('3: two segments change places', async () => {
    const out = await exportAfter((packets) => {
      for (const ending of ['pcapng', 'idx', 'manifest', 'sig']) {
        const [a, b] = [4, 5].map((n) => path.join(packets, `${stem(n)}.${ending}`)) as [string, string];
        renameSync(a, `${a}.x`);
        renameSync(b, a);
        renameSync(`${a}.x`, b);
      }
    });
    found(out, /FAILED manifests\/01-00000001-00000004\.manifest: is the seal of another number/);
  });

  it('4: the last segments are cut off', async () => {
    const out = await exportAfter((packets) => {
      for (const n of [7, 8])
        for (const ending of ['pcapng', 'idx', 'manifest', 'sig'])
          unlinkSync(path.join(packets, `${stem(n)}.${ending}`));
    });
    found(out, /FAILED receipts\/01-00000008\.receipt: the last seal that it speaks for is missing/);
  });

  it('5: the key is replaced, and everything is signed with the new one', () => {
    const copy = copyOf(bundle);
    const { pem, pub } = newKey();
    writeFileSync(path.join(copy, 'sensor.pub'), pub);
    for (const name of readdirSync(path.join(copy, 'manifests')).filter((n) => n.endsWith('.manifest'))) {
      const file = path.join(copy, 'manifests', name);
      writeFileSync(file.replace(/manifest$/, 'sig'), signWith(pem, readFileSync(file)));
    }
    resign(copy, pem);
    found(copy, /FAILED receipts\/\S+: is for another sensor's key/);
    rmSync(path.join(copy, 'receipts'), { recursive: true });
    resign(copy, pem);
    found(copy, /FAILED sensor\.pub: the fingerprint of sensor\.pub collector\.pub is/);
  });

  it('6: an old seal is put in the place of a new one', async () => {
    const out = await exportAfter((packets) => {
      for (const ending of ['manifest', 'sig'])
        cpSync(path.join(packets, `${stem(3)}.${ending}`), path.join(packets, `${stem(5)}.${ending}`));
    });
    found(out, /FAILED manifests\/01-00000001-00000005\.manifest: is the seal of another number/);
  });

  it('7: the clock is rolled back, before sealing or by making the seals again', async () => {
    const day = 86_400e6;
    const turned = await makeWorld(path.join(dir, 'turned'), { ...STORY, turn: (n) => (n >= 5 ? -day : 0) });
    const out = await turned.export('bundle');
    assert.match(readFileSync(path.join(turned.packets, `${stem(5)}.manifest`), 'utf8'), /^gap=clock /m);
    const { status, out: said } = check(out, turned.fingerprint);
    assert.equal(status, 1, said);
    assert.match(said, /manifests\/01-00000001-00000005\.manifest: was set back, and the seal says so/);
    assert.match(
      said,
      /FAILED manifests\/01-00000001-00000005\.manifest: was sealed at another time than the collector says/,
    );
    const again = await exportAfter((packets) =>
      resealFrom(packets, 5, (text) => text.replace(/sealed_us=\d+/, (t) => `sealed_us=${Number(t.slice(10)) - day}`)),
    );
    found(again, /FAILED manifests\/01-00000001-00000005\.manifest: was sealed before \S+: the clock was set back/);
  });

  it('8: the collector alone invents evidence', () => {
    // A receipt of its own for a chain of its own.
    const copy = copyOf(bundle);
    const manifest = path.join(copy, `manifests/01-${stem(5)}.manifest`);
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(/^packets=\d+/m, 'packets=1'));
    const receipt = path.join(copy, 'receipts/01-00000008.receipt');
    const text = readFileSync(receipt, 'utf8').replace(/root=\w+/, `root=${'0'.repeat(64)}`);
    writeFileSync(receipt, text);
    writeFileSync(receipt.replace(/receipt$/, 'sig'), signWith(witnessKey(honest), text));
    const { pem, pub } = newKey();
    resign(copy, pem);
    found(copy, /FAILED bundle\.manifest, bundle\.sig or sensor\.pub/);
    writeFileSync(path.join(copy, 'sensor.pub'), pub);
    resign(copy, pem);
    found(copy, /FAILED manifests\/01-00000001-00000005\.manifest: its signature is not over it by this key/);
  });

  it('9: the sensor alone rewrites what the collector has seen', async () => {
    const rewrite = (packets: string): void =>
      resealFrom(packets, 5, (text, n) => (n === 5 ? text.replace(/^ring_drops=0/m, 'ring_drops=9') : text));
    const out = await exportAfter(rewrite);
    found(out, /FAILED receipts\/01\.proof: does not lead to the root in receipts\/01-00000008\.receipt/);
    // Without the receipts, and without the collector: the fingerprint is of both keys.
    const without = await exportAfter((packets) => {
      rewrite(packets);
      unlinkSync(path.join(packets, 'receipts'));
    });
    const bare = check(without);
    assert.equal(bare.status, 3, bare.out);
    assert.match(bare.out, /of the seals are not countersigned/);
    unlinkSync(path.join(without, 'collector.pub'));
    resign(without, sensorKey(honest));
    found(without, /FAILED sensor\.pub: the fingerprint of sensor\.pub is/);
    // A receipt that it signs itself.
    const copy = copyOf(bundle);
    const receipt = path.join(copy, 'receipts/01-00000008.receipt');
    writeFileSync(receipt.replace(/receipt$/, 'sig'), signWith(sensorKey(honest), readFileSync(receipt)));
    resign(copy, sensorKey(honest));
    found(copy, /FAILED receipts\/01-00000008\.receipt: its signature is not over it by the collector/);
  });

  it('catenary evidence verify finds in the folder what verify.sh finds in a bundle', async () => {
    const digest = must(segmentDigester());
    const faults = async (): Promise<string> =>
      must(await verifySegments(honest.packets, honest.at.keys, digest)).faults.join('\n');
    assert.equal(await faults(), '');
    const copy = copyOf(honest.packets);
    for (const ending of ['pcapng', 'idx', 'manifest', 'sig'])
      unlinkSync(path.join(honest.packets, `${stem(8)}.${ending}`));
    assert.equal(await faults(), 'receipts: the collector knows 8 seals, and here are 7');
    resealFrom(honest.packets, 5, (text) => text.replace('ring_drops=0', 'ring_drops=9'));
    assert.match(await faults(), /^receipts: the collector knows 8/);
    rmSync(honest.packets, { recursive: true });
    cpSync(copy, honest.packets, { recursive: true });
    resealFrom(honest.packets, 5, (text) => text.replace('ring_drops=0', 'ring_drops=9'));
    assert.equal(await faults(), 'receipts: the one for 8 seals is for others than are here');
    rmSync(honest.packets, { recursive: true });
    renameSync(copy, honest.packets);
  });

  it('what is newer than the last receipt is said to be, and not called proved', async () => {
    const world = await makeWorld(path.join(dir, 'newer'), { ...STORY, receiptsAfter: [4] });
    const { status, out } = check(await world.export('bundle'), world.fingerprint);
    assert.deepEqual(
      [status, out],
      [3, 'consistent, not proved: 3 of the seals are not countersigned by the collector\n'],
    );
  });

  it('5,000 packets of 50 segments are checked in less than a minute', async () => {
    const world = await makeWorld(path.join(dir, 'large'), {
      segments: 50,
      packetsPerSegment: 100,
      receiptsAfter: [50],
    });
    const at = await world.export('bundle');
    const { status, out, cpuSeconds } = check(at, world.fingerprint);
    assert.equal(status, 0, out);
    assert.match(readFileSync(path.join(at, 'bundle.manifest'), 'utf8'), /^step=1 packets=5000 state=whole$/m);
    console.log(`      5,000 packets of 50 segments: ${cpuSeconds.toFixed(1)} s of one core`);
    assert.ok(cpuSeconds > 0 && cpuSeconds < 60, `${cpuSeconds} s`);
  });
});
