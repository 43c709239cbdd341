// Chains of seals as they lie in their folders, read once for whoever asks several questions about them.
import { join } from 'node:path';
import type { Sealed } from './manifest.ts';
import { type Receipt, readReceipts } from './receipts.ts';
import { readManifest, segmentFolders, stemsOf } from './segments.ts';

export interface Seal {
  readonly stem: string;
  /** Undefined: its manifest is damaged. */
  readonly sealed: Sealed | undefined;
  /** The segment is there still. */
  readonly isPresent: boolean;
}

export interface Chain {
  /** Its folder's name: an interface's. */
  readonly name: string;
  readonly folder: string;
  /** Two digits: how a bundle names it. */
  readonly number: string;
  /** In order: number i is leaf i of the chain's tree. */
  readonly seals: readonly Seal[];
  /** In order of leaves. */
  readonly receipts: readonly Receipt[];
}

/** Manifests by CHAIN/STEM that were read before: a seal never changes, and a month of them takes seconds to read. */
export type KnownSeals = Map<string, Sealed>;

function sealedIn(folder: string, name: string, stem: string, known: KnownSeals | undefined): Sealed | undefined {
  const before = known?.get(`${name}/${stem}`);
  if (before !== undefined) return before;
  const sealed = readManifest(folder, stem);
  if (sealed !== undefined) known?.set(`${name}/${stem}`, sealed);
  return sealed;
}

/** Of a folder of segments, and the folders of interfaces below it. Those without a seal are left out. */
export function readSeals(packets: string, known?: KnownSeals): Omit<Chain, 'receipts'>[] {
  const chains = segmentFolders(packets).map((folder, i) => {
    const present = new Set(stemsOf(folder, '.pcapng'));
    const name = folder.slice(folder.lastIndexOf('/') + 1);
    const seals = stemsOf(folder, '.manifest').map((stem) => ({
      ...{ stem, sealed: sealedIn(folder, name, stem, known), isPresent: present.has(stem) },
    }));
    return { name, folder, number: String(i).padStart(2, '0'), seals };
  });
  return chains.filter((c) => c.seals.length > 0);
}

export const readChains = (packets: string): Chain[] =>
  readSeals(packets).map((c) => ({ ...c, receipts: readReceipts(c.folder) }));

/** Segments that are there and sealed, in order: what proves anything. */
export const sealedSegments = (chains: readonly Chain[]): string[] =>
  chains.flatMap((c) =>
    c.seals
      .filter((s) => s.isPresent && s.sealed !== undefined && s.sealed.files.length > 0)
      .map((s) => join(c.folder, `${s.stem}.pcapng`)),
  );
