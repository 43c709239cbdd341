// The hash tree over a chain's manifests: leaf i is the (i+1)th manifest, its bytes as they are. The collector
// countersigns its root, so one signature speaks for a year of seals, and a proof for one of them is 20 hashes long.
//
//   DIR/leaves    32 bytes a manifest; a convenience: made again from the manifests where it is not what they say
import { closeSync, existsSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from '../lib/durable.ts';
import { GrowingTree, HASH_BYTES, leafHash } from '../lib/merkle.ts';

export const LEAVES = 'leaves';

const manifestLeaf = (dir: string, stem: string): Buffer => leafHash(readFileSync(join(dir, `${stem}.manifest`)));

/** Hashes of the leaves of all manifests of a folder, one behind the other. @param stems  of all of them, in order */
export function leavesOf(dir: string, stems: readonly string[]): Buffer {
  const last = stems.at(-1);
  const path = join(dir, LEAVES);
  if (last !== undefined && existsSync(path)) {
    const kept = readFileSync(path);
    if (kept.length === stems.length * HASH_BYTES && kept.subarray(-HASH_BYTES).equals(manifestLeaf(dir, last)))
      return kept;
  }
  return Buffer.concat(stems.map((stem) => manifestLeaf(dir, stem)));
}

export class LeafLog {
  readonly tree = new GrowingTree();
  private readonly path: string;
  /** Leaves that the file does not have yet: its disk refused. */
  private unwritten: Buffer[] = [];

  /** @param stems  of all manifests, in order. Errors are thrown. */
  constructor(dir: string, stems: readonly string[]) {
    this.path = join(dir, LEAVES);
    const leaves = leavesOf(dir, stems);
    for (let at = 0; at < leaves.length; at += HASH_BYTES) this.tree.add(leaves.subarray(at, at + HASH_BYTES));
    writeDurably(this.path, leaves);
  }

  /** @param manifest  its bytes */
  add(manifest: string): void {
    const leaf = leafHash(manifest);
    this.tree.add(leaf);
    this.unwritten.push(leaf);
    const at = (this.tree.leaves - this.unwritten.length) * HASH_BYTES;
    const bytes = Buffer.concat(this.unwritten);
    try {
      const fd = openSync(this.path, 'r+');
      try {
        for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done);
      } finally {
        closeSync(fd);
      }
      this.unwritten = [];
    } catch {
      // They are written with the next one, and else made again: nothing that was sealed hangs on this file.
    }
  }

  /** Hex. Fewer than `count` at the end. */
  read(from: number, count: number): string[] {
    const kept = this.tree.leaves - this.unwritten.length;
    const bytes = Buffer.alloc(Math.max(0, Math.min(count, kept - from)) * HASH_BYTES);
    const fd = openSync(this.path, 'r');
    try {
      for (let done = 0; done < bytes.length; ) {
        const n = readSync(fd, bytes, done, bytes.length - done, from * HASH_BYTES + done);
        if (n === 0) break;
        done += n;
      }
    } finally {
      closeSync(fd);
    }
    const hex = Array.from({ length: bytes.length / HASH_BYTES }, (_, i) =>
      bytes.toString('hex', i * HASH_BYTES, (i + 1) * HASH_BYTES),
    );
    const rest = this.unwritten.slice(Math.max(0, from - kept)).map((leaf) => leaf.toString('hex'));
    return [...hex, ...rest].slice(0, count);
  }
}
