// Countersigns what sensors seal: for each chain of a sensor the hashes of all its manifests, in order, and for the
// newest state of their tree (RFC 6962) a receipt with the time here. It keeps every hash itself, so a sensor cannot
// show it one past today and another tomorrow: what does not continue what is here is a fork, refused and written down.
//
//   DIR/witness.key witness.pub      Ed25519, made at first use
//   DIR/SENSOR/key                   the sensor's evidence key, the first that came
//   DIR/SENSOR/CHAIN.leaves          32 bytes a manifest
//   DIR/SENSOR/CHAIN.receipt         the newest receipt, its signature behind it: the next one names its hash
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { chmod, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
import { GrowingTree, HASH_BYTES } from '../lib/merkle.ts';
import { type Disk, exists, nodeDisk, readSmall, replaceDurably } from '../spool/disk.ts';
import { headText, type Seals } from '../wire/control.ts';

/** Chains of one sensor: as many as it may have interfaces, and one. */
export const CHAINS_MAX = 65;
const SMALL_BYTES_MAX = 4096;
const SIG_BYTES = 64;
const NOTHING_BEFORE = '0'.repeat(64);

/** Why nothing was countersigned. */
export type WitnessFault = 'fork' | 'key' | 'chains' | 'storage';

export interface Countersigned {
  /** Manifests of the chain that are known here, after this. */
  readonly leaves: number;
  /** Of all of them; undefined before the first. */
  readonly receipt: { readonly text: string; readonly sig: Buffer } | undefined;
  readonly fault?: WitnessFault;
  /** Of the fault, for the audit. */
  readonly detail?: string;
}

interface ChainState {
  readonly tree: GrowingTree;
  receipt: { readonly text: string; readonly sig: Buffer } | undefined;
}

const hex = (text: string): string => createHash('sha256').update(text).digest('hex');

export class Witness {
  /** PEM. */
  readonly publicKey: string;
  private readonly dir: string;
  private readonly key: KeyObject;
  private readonly clock: Clock;
  private readonly disk: Disk;
  private readonly chains = new Map<string, ChainState>();
  /** One message of a sensor at a time, whatever connection it came by. */
  private readonly turns = new Map<string, Promise<unknown>>();

  private constructor(dir: string, key: KeyObject, clock: Clock, disk: Disk) {
    this.dir = dir;
    this.key = key;
    this.clock = clock;
    this.disk = disk;
    this.publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
  }

  static async open(dir: string, clock: Clock, disk: Disk = nodeDisk): Promise<Result<Witness>> {
    const at = path.join(dir, 'witness.key');
    try {
      await disk.makeDir(dir);
      let pem = await readSmall(disk, at, SMALL_BYTES_MAX);
      if (pem === undefined) {
        const made = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
        pem = Buffer.from(made);
        await replaceDurably(disk, at, pem);
        await chmod(at, 0o600);
      }
      const key = createPrivateKey(pem);
      if (key.asymmetricKeyType !== 'ed25519') return failure('state_unusable', `${at}: is no Ed25519 key`);
      const witness = new Witness(dir, key, clock, disk);
      await replaceDurably(disk, path.join(dir, 'witness.pub'), Buffer.from(witness.publicKey));
      return success(witness);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall !== undefined)
        return { ok: false, fault: systemFault('state_unusable', at, error) };
      return failure('state_unusable', `${at}: is no key`, 'restore it from a backup, or move it away');
    }
  }

  /** @param sensor  as its certificate says */
  countersign(sensor: string, m: Seals): Promise<Countersigned> {
    const turn = (this.turns.get(sensor) ?? Promise.resolve()).then(() => this.take(sensor, m));
    this.turns.set(sensor, turn);
    return turn;
  }

  private async take(sensor: string, m: Seals): Promise<Countersigned> {
    const refused = (fault: WitnessFault, detail: string, leaves = 0): Countersigned => ({
      ...{ leaves, receipt: undefined, fault, detail },
    });
    const dir = path.join(this.dir, sensor);
    try {
      await this.disk.makeDir(dir);
      if (!isSigned(m, sensor)) return refused('key', 'its head is not signed by its key');
      const pinned = await readSmall(this.disk, path.join(dir, 'key'), SMALL_BYTES_MAX);
      if (pinned === undefined) await replaceDurably(this.disk, path.join(dir, 'key'), Buffer.from(m.key));
      else if (pinned.toString() !== m.key) return refused('key', `it signs with the key ${hex(m.key)} now`);
      const chain = await this.open(dir, m.chain);
      if (chain === undefined) return refused('chains', `more than ${CHAINS_MAX} chains`);
      const { tree } = chain;
      if (m.from > tree.leaves) return { leaves: tree.leaves, receipt: chain.receipt };
      const known = await this.leaves(dir, m.chain, m.from, Math.min(tree.leaves - m.from, m.hashes.length));
      const fork = known.findIndex((hash, i) => hash !== m.hashes[i]);
      if (fork >= 0) return refused('fork', `manifest ${m.from + fork} of ${m.chain} is another one now`, tree.leaves);
      const fresh = m.hashes.slice(known.length);
      if (fresh.length > 0) await this.append(dir, m.chain, tree, fresh);
      if (fresh.length > 0 || (chain.receipt === undefined && tree.leaves > 0)) {
        chain.receipt = await this.receipt(dir, sensor, m, chain);
      }
      return { leaves: tree.leaves, receipt: chain.receipt };
    } catch (error) {
      this.chains.delete(path.join(dir, m.chain));
      return refused('storage', systemFault('state_unusable', dir, error).message);
    }
  }

  private async open(dir: string, name: string): Promise<ChainState | undefined> {
    const base = path.join(dir, name);
    const open = this.chains.get(base);
    if (open !== undefined) return open;
    const isThere = await exists(`${base}.leaves`);
    if (!isThere && (await readdir(dir)).filter((f) => f.endsWith('.leaves')).length >= CHAINS_MAX) return undefined;
    const tree = new GrowingTree();
    for (const leaf of await this.leaves(dir, name, 0, Number.POSITIVE_INFINITY)) tree.add(Buffer.from(leaf, 'hex'));
    const kept = await readSmall(this.disk, `${base}.receipt`, SMALL_BYTES_MAX);
    const receipt = kept && { text: kept.subarray(0, -SIG_BYTES).toString(), sig: kept.subarray(-SIG_BYTES) };
    // One that a crash kept from being written is made when the sensor asks next.
    const isOfThese = receipt?.text.includes(` leaves=${tree.leaves} root=${tree.root().toString('hex')}\n`) === true;
    const state = { tree, receipt: isOfThese ? receipt : undefined };
    this.chains.set(base, state);
    return state;
  }

  /** Hex; whole ones alone, when a crash cut the last. */
  private async leaves(dir: string, chain: string, from: number, count: number): Promise<string[]> {
    const file = path.join(dir, `${chain}.leaves`);
    if (count <= 0 || !(await exists(file))) return [];
    const f = await this.disk.open(file, 'read');
    try {
      const size = Math.max(0, Math.min(count, Math.floor((await f.size()) / HASH_BYTES) - from)) * HASH_BYTES;
      const bytes = Buffer.alloc(size);
      for (let done = 0; done < size; ) {
        const n = await f.read(bytes.subarray(done), from * HASH_BYTES + done);
        if (n === 0) break;
        done += n;
      }
      return Array.from({ length: size / HASH_BYTES }, (_, i) =>
        bytes.toString('hex', i * HASH_BYTES, (i + 1) * HASH_BYTES),
      );
    } finally {
      await f.close();
    }
  }

  private async append(dir: string, chain: string, tree: GrowingTree, hashes: readonly string[]): Promise<void> {
    const file = path.join(dir, `${chain}.leaves`);
    const isNew = !(await exists(file));
    const f = isNew ? await this.disk.create(file) : await this.disk.open(file, 'write');
    const leaves = hashes.map((hash) => Buffer.from(hash, 'hex'));
    try {
      await f.write(leaves, tree.leaves * HASH_BYTES);
      await f.sync();
    } finally {
      await f.close();
    }
    if (isNew) await this.disk.syncDir(dir);
    for (const leaf of leaves) tree.add(leaf);
  }

  private async receipt(dir: string, sensor: string, m: Seals, chain: ChainState): Promise<ChainState['receipt']> {
    const { tree } = chain;
    const file = path.join(dir, `${m.chain}.receipt`);
    const before = await readSmall(this.disk, file, SMALL_BYTES_MAX);
    const text = `${[
      'catenary-receipt v1',
      `sensor=${sensor}`,
      `chain=${m.chain}`,
      `key=${hex(m.key)}`,
      `tree=rfc6962-sha256-manifest leaves=${tree.leaves} root=${tree.root().toString('hex')}`,
      `received_us=${this.clock.wall()}`,
      `prev=${before === undefined ? NOTHING_BEFORE : hex(before.subarray(0, -SIG_BYTES).toString())}`,
    ].join('\n')}\n`;
    const sig = sign(null, Buffer.from(text), this.key);
    await replaceDurably(this.disk, file, Buffer.concat([Buffer.from(text), sig]));
    return { text, sig };
  }
}

function isSigned(m: Seals, sensor: string): boolean {
  try {
    const key = createPublicKey(m.key);
    const last = m.hashes.at(-1) ?? '';
    const text = headText({ sensor, chain: m.chain, leaves: m.from + m.hashes.length, last });
    return key.asymmetricKeyType === 'ed25519' && verify(null, Buffer.from(text), key, Buffer.from(m.sig, 'base64'));
  } catch {
    // Not a key: whatever a stranger sends.
    return false;
  }
}
