// What a bundle has of a chain of seals: the manifests of the times that matter, whole runs of them with one more at
// either end, so that a missing one shows; and where the collector has countersigned the chain, its receipts and the
// proof that these manifests are in it where they say.
//
//   manifests/NN-STEM.manifest .sig     NN is the chain
//   manifests/NN-STEM.tsr               a time by an authority (RFC 3161), where one was asked
//   receipts/NN-LEAVES.receipt .sig     the newest, and those of the runs: they bound the clock
//   receipts/NN.proof                   that the manifests are in the tree of the newest
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tree } from '../lib/merkle.ts';
import type { Entry } from '../lib/tar.ts';
import type { Chain } from './chain.ts';
import { leavesOf } from './leaf_log.ts';
import { leavesProof } from './proof.ts';
import type { Receipt } from './receipts.ts';

/** Seals in one bundle, from the oldest. */
export const MANIFESTS_MAX = 4096;
/** Receipts of one chain in one bundle, about. */
export const RECEIPTS_MAX = 256;

/** Packet times [ns], both included. */
export interface Time {
  readonly from: bigint;
  readonly to: bigint;
}

export const manifestName = (chain: Chain, stem: string): string => `manifests/${chain.number}-${stem}.manifest`;
const receiptName = (chain: Chain, leaves: number): string =>
  `receipts/${chain.number}-${String(leaves).padStart(8, '0')}.receipt`;

/** Numbers of the manifests that a bundle needs: of these times and segments, and one more at either end of a run. */
export function sealsFor(
  chain: Chain,
  times: readonly Time[],
  segments: ReadonlySet<string>,
  max: number,
): Set<number> {
  const { seals } = chain;
  const packets = (i: number): number => seals[i]?.sealed?.packets ?? 0;
  const wanted = new Set<number>();
  for (const [i, { stem, sealed: m }] of seals.entries()) {
    const isOfTime = m !== undefined && m.packets > 0 && times.some((t) => m.first <= t.to && m.last >= t.from);
    if (isOfTime || segments.has(`${chain.name}/${stem}`)) wanted.add(i);
    if (wanted.size >= max) break;
  }
  // The last that is countersigned needs no fence: nothing can be missing behind it but what nobody proves.
  const newest = chain.receipts.at(-1)?.leaves ?? 0;
  const end = Math.max(...wanted) < newest ? Math.min(newest, seals.length) : seals.length;
  for (const i of [...wanted]) {
    // A manifest without packets has no time, so it fences nothing.
    for (const step of [-1, 1])
      for (let at = i + step; at >= 0 && at < end && !wanted.has(at) && wanted.size < max; at += step) {
        wanted.add(at);
        if (packets(at) > 0) break;
      }
  }
  return wanted;
}

/** From the last before the first manifest to the first that speaks for all of them, and the newest. */
function receiptsFor(receipts: readonly Receipt[], wanted: ReadonlySet<number>): Receipt[] {
  const first = Math.min(...wanted);
  const last = Math.max(...wanted);
  const from = Math.max(
    0,
    receipts.findLastIndex((r) => r.leaves <= first),
  );
  const after = receipts.findIndex((r) => r.leaves > last);
  const picked = receipts.slice(from, after < 0 ? undefined : after + 1);
  // Where there are more, each of so many: the clock is bounded less closely.
  const stride = Math.ceil(picked.length / RECEIPTS_MAX);
  return [...new Set([...picked.filter((_, i) => i % stride === 0), ...picked.slice(-1), ...receipts.slice(-1)])];
}

export interface ChainEntries {
  readonly entries: readonly Entry[];
  /** No seal of those times is left out. */
  readonly isWhole: boolean;
}

export function chainEntries(
  chain: Chain,
  times: readonly Time[],
  segments: ReadonlySet<string>,
  max = MANIFESTS_MAX,
): ChainEntries {
  const wanted = sealsFor(chain, times, segments, max);
  const isWhole = wanted.size < max;
  if (wanted.size === 0) return { entries: [], isWhole };
  const receipts = receiptsFor(chain.receipts, wanted);
  for (const r of receipts) if (r.leaves > 0 && r.leaves <= chain.seals.length) wanted.add(r.leaves - 1);
  // The first that somebody else gave a time to, at or behind the last of them: all of them were there then.
  const stamped = chain.seals.findIndex(
    ({ stem }, i) => i >= Math.max(...wanted) && existsSync(join(chain.folder, `${stem}.tsr`)),
  );
  if (stamped >= 0) wanted.add(stamped);
  const file = (name: string): Buffer => readFileSync(join(chain.folder, name));
  const entries: Entry[] = [];
  const names = new Map<number, string>();
  for (const i of [...wanted].sort((a, b) => a - b)) {
    const { stem } = chain.seals[i] as Chain['seals'][number];
    const name = manifestName(chain, stem);
    names.set(i, name);
    entries.push({ name, bytes: file(`${stem}.manifest`) });
    entries.push({ name: name.replace(/manifest$/, 'sig'), bytes: file(`${stem}.sig`) });
    if (existsSync(join(chain.folder, `${stem}.tsr`)))
      entries.push({ name: name.replace(/manifest$/, 'tsr'), bytes: file(`${stem}.tsr`) });
  }
  for (const r of receipts) {
    const name = receiptName(chain, r.leaves);
    entries.push({ name, bytes: Buffer.from(r.text) });
    entries.push({ name: name.replace(/receipt$/, 'sig'), bytes: r.sig });
  }
  const newest = receipts.at(-1);
  if (newest === undefined) return { entries, isWhole };
  const stems = chain.seals.map((s) => s.stem);
  const tree = Tree.over(leavesOf(chain.folder, stems).subarray(0, newest.leaves * 32));
  const covered = new Map([...names].filter(([i]) => i < newest.leaves));
  const proof = leavesProof(receiptName(chain, newest.leaves), newest.leaves, covered, tree.proof(covered.keys()));
  entries.push({ name: `receipts/${chain.number}.proof`, bytes: Buffer.from(proof) });
  return { entries, isWhole };
}
