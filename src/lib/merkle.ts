// The hash tree of RFC 6962, section 2.1, over SHA-256: a leaf is H(0x00 || data), a node H(0x01 || left || right), and
// a tree of n leaves splits off the largest power of two below n on the left. Built from the leaves upwards that is:
// pair neighbours, and let one without a neighbour stand on the next level as it is.
import { createHash } from 'node:crypto';

export const HASH_BYTES = 32;

const EMPTY = createHash('sha256').digest();

/** The hash of a leaf's data. */
export const leafHash = (data: Uint8Array | string): Buffer =>
  createHash('sha256').update(Uint8Array.of(0)).update(data).digest();

const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer =>
  createHash('sha256').update(Uint8Array.of(1)).update(left).update(right).digest();

/** A node that a proof has to give: level 0 are the leaves. */
export interface ProofNode {
  readonly level: number;
  readonly index: number;
  /** Hex. */
  readonly hash: string;
}

/** A tree that only grows, in memory of its height. */
export class GrowingTree {
  private count = 0;
  /** Roots of whole subtrees, the largest first. */
  private readonly whole: Buffer[] = [];

  get leaves(): number {
    return this.count;
  }

  /** @param leaf  its hash, as `leafHash` gives it */
  add(leaf: Uint8Array): void {
    let hash: Buffer = Buffer.from(leaf);
    for (let n = this.count++; n % 2 === 1; n = (n - 1) / 2) hash = nodeHash(this.whole.pop() as Buffer, hash);
    this.whole.push(hash);
  }

  /** Of no leaf: the hash of nothing. */
  root(): Buffer {
    return (
      this.whole.reduceRight((right: Buffer | undefined, left) => (right ? nodeHash(left, right) : left), undefined) ??
      EMPTY
    );
  }
}

/** A whole tree, for proofs that leaves are in it. */
export class Tree {
  readonly leaves: number;
  /** Level by level, from the leaves to the root. */
  readonly nodes: Uint8Array;

  /** @param nodes  as native/packets/digest.h lays them out */
  constructor(leaves: number, nodes: Uint8Array) {
    this.leaves = leaves;
    this.nodes = nodes;
  }

  /** @param leaves  hashes, one behind the other. Cost: as many hashes as there are leaves. */
  static over(leaves: Uint8Array): Tree {
    const count = leaves.length / HASH_BYTES;
    const levels: Uint8Array[] = [leaves];
    for (let level = leaves; level.length > HASH_BYTES; ) {
      const next = Buffer.alloc(HASH_BYTES * Math.ceil(level.length / (2 * HASH_BYTES)));
      for (let at = 0; at < level.length; at += 2 * HASH_BYTES) {
        const left = level.subarray(at, at + HASH_BYTES);
        const right = level.subarray(at + HASH_BYTES, at + 2 * HASH_BYTES);
        next.set(right.length === 0 ? left : nodeHash(left, right), at / 2);
      }
      levels.push(next);
      level = next;
    }
    return new Tree(count, Buffer.concat(levels));
  }

  /** Hex. */
  root(): string {
    return this.leaves === 0 ? EMPTY.toString('hex') : this.hash(this.nodes.length / HASH_BYTES - 1);
  }

  leaf(index: number): string {
    return this.hash(index);
  }

  /** What must be known besides the leaves at `indexes` to compute the root: each node once, level by level. */
  proof(indexes: Iterable<number>): ProofNode[] {
    const out: ProofNode[] = [];
    let known = [...new Set(indexes)].sort((a, b) => a - b);
    let start = 0;
    for (let width = this.leaves, level = 0; width > 1; level++) {
      const here = new Set(known);
      for (const index of known) {
        const sibling = index % 2 === 0 ? index + 1 : index - 1;
        if (sibling < width && !here.has(sibling))
          out.push({ level, index: sibling, hash: this.hash(start + sibling) });
      }
      known = [...new Set(known.map((i) => Math.floor(i / 2)))];
      start += width;
      width = Math.ceil(width / 2);
    }
    return out;
  }

  private hash(at: number): string {
    return Buffer.from(this.nodes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)).toString('hex');
  }
}
