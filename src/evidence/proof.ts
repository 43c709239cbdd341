// Proofs that something is in a tree, as text that verify.sh reads: the tree, what is in it, and the hashes that lead
// from there to its root.
//
//   catenary-proof v1
//   tree FILE leaves=N          FILE says the root: a manifest of a segment's blocks, a receipt of a chain's manifests
//   block LEAF BYTES            of packets: the next BYTES of the file are this leaf
//   leaf LEAF FILE              of manifests: the file is this leaf
//   cut                         of packets: a cutoff left others of the flow out of the segment
//   node LEVEL INDEX HASH       a hash that is needed and does not follow from the leaves; level 0 are leaves
import type { ProofNode } from '../lib/merkle.ts';

export const PROOF_FORMAT = 'catenary-proof v1';

export interface ProvenBlock {
  readonly leaf: number;
  readonly bytes: number;
}

/** Of the blocks of one section of an extract. */
export interface SectionProof {
  /** CHAIN/STEM */
  readonly segment: string;
  readonly leaves: number;
  /** In the order of the section. */
  readonly blocks: readonly ProvenBlock[];
  readonly nodes: readonly ProofNode[];
  /** A cutoff left packets of the flow out of the segment. */
  readonly isCut: boolean;
}

const nodeLines = (nodes: readonly ProofNode[]): string[] => nodes.map((n) => `node ${n.level} ${n.index} ${n.hash}`);

/** @param file  the name of the manifest of a segment */
export function blocksProof(proofs: readonly SectionProof[], file: (segment: string) => string): string {
  const lines = proofs.flatMap((p) => [
    `tree ${file(p.segment)} leaves=${p.leaves}`,
    ...(p.isCut ? ['cut'] : []),
    ...p.blocks.map((b) => `block ${b.leaf} ${b.bytes}`),
    ...nodeLines(p.nodes),
  ]);
  return `${[PROOF_FORMAT, ...lines].join('\n')}\n`;
}

export function leavesProof(
  tree: string,
  leaves: number,
  files: ReadonlyMap<number, string>,
  nodes: readonly ProofNode[],
): string {
  const lines = [...files].map(([leaf, name]) => `leaf ${leaf} ${name}`);
  return `${[PROOF_FORMAT, `tree ${tree} leaves=${leaves}`, ...lines, ...nodeLines(nodes)].join('\n')}\n`;
}

/** A proof of the blocks of one section, as `blocksProof` wrote it with names of segments; undefined: it is none. */
export function parseSectionProof(text: string): SectionProof | undefined {
  const [format, head, ...lines] = text.split('\n');
  const tree = /^tree (\S{1,100}) leaves=(\d{1,10})$/.exec(head ?? '');
  if (format !== PROOF_FORMAT || tree === null) return undefined;
  const blocks: ProvenBlock[] = [];
  const nodes: ProofNode[] = [];
  let isCut = false;
  for (const line of lines) {
    const block = /^block (\d{1,10}) (\d{1,7})$/.exec(line);
    const node = /^node (\d{1,2}) (\d{1,10}) ([0-9a-f]{64})$/.exec(line);
    if (line === 'cut') isCut = true;
    else if (block !== null) blocks.push({ leaf: Number(block[1]), bytes: Number(block[2]) });
    else if (node !== null) nodes.push({ level: Number(node[1]), index: Number(node[2]), hash: node[3] as string });
    else if (line !== '') return undefined;
  }
  return { segment: tree[1] as string, leaves: Number(tree[2]), blocks, nodes, isCut };
}
