import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { GrowingTree, HASH_BYTES, leafHash, type ProofNode, Tree } from './merkle.ts';

const sha = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

/** As section 2.1 defines it, word for word. */
function naive(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha();
  if (leaves.length === 1) return leaves[0] as Buffer;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha(Buffer.of(1), naive(leaves.slice(0, k)), naive(leaves.slice(k)));
}

/** The root that some leaves and a proof lead to; undefined: something is missing. */
function climb(count: number, leaves: Map<number, string>, proof: readonly ProofNode[]): string | undefined {
  let known = leaves;
  for (let width = count, level = 0; width > 1; width = Math.ceil(width / 2), level++) {
    for (const n of proof) if (n.level === level) known.set(n.index, n.hash);
    const next = new Map<number, string>();
    for (const index of known.keys()) {
      const even = index - (index % 2);
      const [left, right] = [known.get(even), known.get(even + 1)];
      if (left !== undefined && even === width - 1) next.set(even / 2, left);
      else if (left === undefined || right === undefined) return undefined;
      else next.set(even / 2, sha(Buffer.of(1), Buffer.from(left, 'hex'), Buffer.from(right, 'hex')).toString('hex'));
    }
    known = next;
  }
  return known.get(0);
}

describe('merkle', () => {
  const all = Array.from({ length: 40 }, (_, i) => leafHash(`leaf ${i}`));

  it('a tree that grows and one that is whole have the root of RFC 6962', () => {
    const growing = new GrowingTree();
    for (let n = 0; n <= all.length; n++) {
      const expected = naive(all.slice(0, n)).toString('hex');
      assert.equal(growing.root().toString('hex'), expected);
      assert.equal(growing.leaves, n);
      assert.equal(Tree.over(Buffer.concat(all.slice(0, n))).root(), expected);
      if (n < all.length) growing.add(all[n] as Buffer);
    }
  });

  it('a leaf is not a node: data of 65 bytes cannot pass for one', () => {
    const [a, b] = [all[0] as Buffer, all[1] as Buffer];
    assert.notEqual(leafHash(Buffer.concat([Buffer.of(1), a, b])).toString('hex'), naive([a, b]).toString('hex'));
    assert.equal(leafHash('').toString('hex'), sha(Buffer.of(0)).toString('hex'));
  });

  it('any leaves are proved with what is missing and nothing more', () => {
    for (let n = 1; n <= 20; n++) {
      const tree = Tree.over(Buffer.concat(all.slice(0, n)));
      for (let mask = 1; mask < 1 << n; mask = mask * 3 + 1) {
        const indexes = Array.from({ length: n }, (_, i) => i).filter((i) => (mask >> i) & 1);
        if (indexes.length === 0) continue;
        const proof = tree.proof(indexes);
        const leaves = () => new Map(indexes.map((i) => [i, tree.leaf(i)]));
        assert.equal(climb(n, leaves(), proof), tree.root());
        for (const left of proof)
          assert.notEqual(
            climb(
              n,
              leaves(),
              proof.filter((p) => p !== left),
            ),
            tree.root(),
          );
      }
    }
    const one = Tree.over(Buffer.concat(all)).proof([17]);
    assert.equal(one.length, Math.ceil(Math.log2(all.length)));
    assert.equal(Buffer.from(one[0]?.hash ?? '', 'hex').length, HASH_BYTES);
  });
});
