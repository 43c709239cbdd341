// Is the folder of segments what was sealed? Every signature, every link of the chain, every number, every file, for
// each file that is gone the signed line that says so, and whether it is the chain that the collector countersigned.
import { createPublicKey, verify } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Result, success, systemFault } from '../lib/fault.ts';
import { GrowingTree, leafHash } from '../lib/merkle.ts';
import { custodyFaults } from './custody.ts';
import { readLines } from './lines.ts';
import { type CustodyHead, NOTHING_BEFORE, parseManifest } from './manifest.ts';
import { fingerprintOf, RECEIPTS, type Receipt, readReceipts, witnessKeyIn } from './receipts.ts';
import { type Digester, stemsOf, TOMBSTONES } from './segments.ts';
import { PUBLIC_KEY, sha256 } from './signer.ts';

export interface Verdict {
  readonly manifests: number;
  /** Files that are there and are what was sealed. */
  readonly whole: number;
  /** Deleted, and said so. */
  readonly tombstones: number;
  /** What is wrong: file and what. */
  readonly faults: readonly string[];
  readonly fingerprint: string;
}

/** Segments that a signed line says were deleted; lines that nobody signed are faults. */
function tombstonesIn(path: string, key: ReturnType<typeof createPublicKey>, faults: string[]): Map<string, string> {
  const out = new Map<string, string>();
  for (const [i, line] of readLines(path).entries()) {
    const m = /^(tombstone v1 segment=(\d{8,10}-\d{8,10}) manifest=([0-9a-f]{64}) .*) sig=([A-Za-z0-9+/=]{88})$/.exec(
      line,
    );
    if (m === null || !verify(null, Buffer.from(m[1] as string), key, Buffer.from(m[4] as string, 'base64')))
      faults.push(`${path}:${i + 1}: is not signed by this key`);
    else out.set(m[2] as string, m[3] as string);
  }
  return out;
}

/**
 * @param dir   of segments
 * @param keys  where sensor.pub is
 * Cost: reads every segment.
 */
export async function verifySegments(dir: string, keys: string, digest: Digester): Promise<Result<Verdict>> {
  try {
    const pem = readFileSync(join(keys, PUBLIC_KEY), 'utf8');
    const key = createPublicKey(pem);
    const faults: string[] = [];
    const gone = tombstonesIn(join(dir, TOMBSTONES), key, faults);
    const custody: CustodyHead[] = [];
    let prev = NOTHING_BEFORE;
    let last = { epoch: 0, n: 0 };
    let whole = 0;
    let tombstones = 0;
    const stems = stemsOf(dir, '.manifest');
    for (const stem of stems) {
      const name = `${stem}.manifest`;
      const text = readFileSync(join(dir, name));
      const sig = join(dir, `${stem}.sig`);
      if (!existsSync(sig) || !verify(null, text, key, readFileSync(sig)))
        faults.push(`${name}: its signature is not over it by this key`);
      const m = parseManifest(text.toString());
      if (m === undefined) {
        faults.push(`${name}: is no manifest`);
        prev = sha256(text);
        continue;
      }
      if (m.prev !== prev) faults.push(`${name}: does not follow the one before it`);
      const follows = m.epoch === last.epoch ? m.n === last.n + 1 : m.epoch === last.epoch + 1 && m.n === 1;
      if (!follows) faults.push(`${name}: numbers before it are missing`);
      custody.push(m.custody);
      prev = m.hash;
      last = m;
      const deleted = gone.get(stem) === m.hash;
      if (deleted) tombstones++;
      for (const f of deleted ? [] : m.files) {
        const path = join(dir, f.name);
        if (!existsSync(path)) faults.push(`${f.name}: is missing, and nothing says that it was deleted`);
        else if (await isAltered(path, f.sha256, digest)) faults.push(`${f.name}: is not what was sealed`);
        else whole++;
      }
    }
    faults.push(...custodyFaults(dirname(keys), pem, custody));
    const witness = witnessKeyIn(keys);
    faults.push(...receiptFaults(dir, stems, sha256(pem), witness));
    const fingerprint = fingerprintOf(pem, witness);
    return success({ manifests: stems.length, whole, tombstones, faults, fingerprint });
  } catch (error) {
    return { ok: false, fault: systemFault('input_unreadable', dir, error) };
  }
}

/** Each receipt is for a state that this chain was in. */
function receiptFaults(dir: string, stems: readonly string[], key: string, witness: string | undefined): string[] {
  const receipts = new Map(readReceipts(dir).map((r) => [r.leaves, r]));
  const faults: string[] = [];
  const tree = new GrowingTree();
  const check = (r: Receipt | undefined): void => {
    if (r === undefined) return;
    const name = `${RECEIPTS}: the one for ${r.leaves} seals`;
    if (witness === undefined || !verify(null, Buffer.from(r.text), witness, r.sig))
      faults.push(`${name} is not signed by the collector`);
    else if (!r.text.includes(` leaves=${tree.leaves} root=${tree.root().toString('hex')}\n`))
      faults.push(`${name} is for others than are here`);
    else if (!r.text.includes(`\nkey=${key}\n`)) faults.push(`${name} is for another sensor's key`);
  };
  for (const stem of stems) {
    tree.add(leafHash(readFileSync(join(dir, `${stem}.manifest`))));
    check(receipts.get(tree.leaves));
  }
  for (const leaves of receipts.keys())
    if (leaves > stems.length)
      faults.push(`${RECEIPTS}: the collector knows ${leaves} seals, and here are ${stems.length}`);
  return faults;
}

async function isAltered(path: string, expected: string, digest: Digester): Promise<boolean> {
  if (!path.endsWith('.pcapng')) return sha256(readFileSync(path)) !== expected;
  const d = await digest(path);
  return d.sha256 !== expected || d.whole !== d.bytes;
}
