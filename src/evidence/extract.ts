// Packets of one flow out of segments, as pcapng: the segment's own section header and interfaces, then the flow's own
// blocks, byte for byte. Each segment gives a section of its own, so nothing has to be renumbered, and each block keeps
// its place in the segment's hash tree.
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
import { leafHash, type ProofNode, Tree } from '../lib/merkle.ts';
import type { KeepPackets } from '../schema/finding.ts';
import { blockAt, headOf, INTERFACE, Places, packetOf, SECTION, typeOf } from './blocks.ts';
import { parseSectionProof, type SectionProof } from './proof.ts';
import { Index, type Place } from './segment_index.ts';

/** Of one flow in one file [bytes]; what is longer is cut, and said. */
export const EXTRACT_BYTES_MAX = 256 << 20;

/** A block, and where it stands: its offset in the segment, or, of a copy, the number of its leaf. */
interface Placed {
  readonly block: Buffer;
  readonly at: number;
}

interface PlacedPacket extends Placed {
  readonly ts: bigint;
}

export interface Section {
  /** Its own file: of a segment that is there, or a copy. */
  readonly path: string;
  /** Section header and interfaces, as stored. */
  readonly head: readonly Placed[];
  /** Of the flow, in the order of the file. */
  readonly packets: readonly PlacedPacket[];
  /** Of a copy: the proof that was made while the segment was there. */
  readonly proof: SectionProof | undefined;
  /** A cutoff left packets of the flow out of the segment. */
  isCut: boolean;
}

/** A section while it is read. */
interface Growing extends Section {
  readonly head: Placed[];
  readonly packets: PlacedPacket[];
}

const newSection = (path: string, proof?: SectionProof): Growing => ({
  ...{ path, head: [], packets: [], proof, isCut: proof?.isCut === true },
});

export interface Extracted {
  readonly sections: readonly Section[];
  readonly packets: number;
  /** Of the packets' blocks. */
  readonly bytes: number;
  /** Segments, as CHAIN/STEM, of which a cutoff left packets of the flow out. */
  readonly cut: ReadonlySet<string>;
  /** Something of it could not be read, or was too much: why. */
  readonly damage: string | undefined;
}

/** Times [ns], both included. */
export interface Span {
  readonly from: bigint;
  readonly to: bigint;
}
export const ALWAYS: Span = { from: 0n, to: (1n << 63n) - 1n };

/** Where a segment or its index is, from either. */
const indexPathOf = (path: string): string => path.replace(/\.pcapng$/, '.idx');
export const proofPathOf = (path: string): string => path.replace(/\.pcapng$/, '.proof');

export function* scan(file: Places): Generator<Placed> {
  for (let at = 0; ; ) {
    const block = blockAt(file, at);
    if (block === undefined) return;
    yield { block, at };
    at += block.length;
  }
}

interface Found {
  readonly sections: Section[];
  damage: string | undefined;
  bytes: number;
  readonly bytesMax: number;
  readonly cut: Set<string>;
}

function add(found: Found, section: Growing, placed: Placed, ts: bigint): boolean {
  if (found.bytes + placed.block.length > found.bytesMax) {
    found.damage = `more than ${found.bytesMax} bytes`;
    return false;
  }
  section.packets.push({ ts, ...placed });
  found.bytes += placed.block.length;
  return true;
}

export const isHead = (block: Buffer): boolean => typeOf(block) === SECTION || typeOf(block) === INTERFACE;

/** By the index where it is whole, else block by block. */
function fromSegment(path: string, flow: bigint, span: Span, found: Found): void {
  const file = new Places(path);
  try {
    const section = newSection(path);
    let places: Place[] | undefined;
    if (existsSync(indexPathOf(path))) {
      const index = new Places(indexPathOf(path));
      const opened = Index.open(index);
      places = opened?.placesOf(flow);
      section.isCut = opened?.wasCut(flow) === true;
      index.close();
    }
    if (places === undefined) scanSegment(file, flow, span, found, section);
    else byIndex(file, places, span, found, section);
    if (section.packets.length > 0) found.sections.push(section);
    if (section.isCut) found.cut.add(segmentOf(path));
  } finally {
    file.close();
  }
}

function byIndex(file: Places, places: readonly Place[], span: Span, found: Found, section: Growing): void {
  if (places.length > 0) section.head.push(...headOf(file));
  for (const { offset, bytes } of places) {
    const block = blockAt(file, offset);
    const packet = block === undefined ? undefined : packetOf(block);
    if (block === undefined || packet === undefined || block.length !== bytes) {
      found.damage = `${section.path}: no packet where the index says`;
      return;
    }
    if (packet.ts < span.from || packet.ts > span.to) continue;
    // An interface that came later than the first packet is found by reading on.
    if (packet.interface >= section.head.length - 1)
      section.head.splice(0, section.head.length, ...[...scan(file)].filter((p) => isHead(p.block)));
    if (!add(found, section, { block, at: offset }, packet.ts)) return;
  }
}

function scanSegment(file: Places, flow: bigint, span: Span, found: Found, section: Growing): void {
  for (const placed of scan(file)) {
    if (isHead(placed.block)) section.head.push(placed);
    const packet = packetOf(placed.block);
    if (packet === undefined || packet.flow !== flow || packet.ts < span.from || packet.ts > span.to) continue;
    if (!add(found, section, placed, packet.ts)) return;
  }
}

/** What a lease holds of one segment: a section, as `pcapngOf` writes it, and the proof of its blocks beside it. */
function fromCopy(path: string, span: Span, found: Found): void {
  const proof = existsSync(proofPathOf(path)) ? parseSectionProof(readFileSync(proofPathOf(path), 'utf8')) : undefined;
  const section = newSection(path, proof);
  const file = new Places(path);
  try {
    let i = 0;
    for (const { block } of scan(file)) {
      const at = proof?.blocks[i++]?.leaf ?? -1;
      if (isHead(block)) section.head.push({ block, at });
      const packet = packetOf(block);
      if (packet === undefined || packet.ts < span.from || packet.ts > span.to) continue;
      if (!add(found, section, { block, at }, packet.ts)) break;
    }
  } finally {
    file.close();
  }
  if (section.packets.length > 0) found.sections.push(section);
  if (proof?.isCut === true) found.cut.add(proof.segment);
}

/** Where a segment stands: its chain and its name there. */
export const segmentOf = (path: string): string => `${basename(dirname(path))}/${basename(path, '.pcapng')}`;

/** What hashes a segment's blocks off this thread (src/capture has it). */
export type Trees = (path: string) => Promise<{
  readonly offsets: Uint32Array;
  readonly nodes: Uint8Array;
  readonly error?: string;
}>;

/** A segment's tree, and which of its leaves begins where. */
export interface SegmentTree {
  readonly tree: Tree;
  readonly leafAt: ReadonlyMap<number, number>;
}

export async function treeOf(trees: Trees, path: string): Promise<Result<SegmentTree>> {
  const { offsets, nodes, error } = await trees(path);
  if (error !== undefined) return failure('input_unreadable', `${path}: ${error}`, 'see the disk');
  const leafAt = new Map(Array.from(offsets, (offset, leaf) => [offset, leaf]));
  return success({ tree: new Tree(offsets.length, nodes), leafAt });
}

const blocksOf = (s: Section): Placed[] => [...s.head, ...s.packets];

/** That the blocks of a section of a segment are in its tree. */
export function proofIn({ tree, leafAt }: SegmentTree, section: Section): SectionProof {
  const blocks = blocksOf(section).map(({ block, at }) => ({ leaf: leafAt.get(at) ?? -1, bytes: block.length }));
  const nodes = tree.proof(blocks.map((b) => b.leaf));
  return { segment: segmentOf(section.path), leaves: tree.leaves, blocks, nodes, isCut: section.isCut };
}

/** The same of a copy: blocks that were copied and are not in this section stand in the proof as hashes. */
export function proofOfCopy(section: Section): SectionProof | undefined {
  const { proof, path } = section;
  if (proof === undefined) return undefined;
  const taken = new Set(blocksOf(section).map((p) => p.at));
  const others: ProofNode[] = [];
  if (taken.size < proof.blocks.length) {
    const file = new Places(path);
    let i = 0;
    for (const { block } of scan(file)) {
      const index = proof.blocks[i++]?.leaf;
      if (index !== undefined && !taken.has(index))
        others.push({ level: 0, index, hash: leafHash(block).toString('hex') });
    }
    file.close();
  }
  const blocks = blocksOf(section).map(({ block, at }) => ({ leaf: at, bytes: block.length }));
  return { ...proof, blocks, nodes: [...others, ...proof.nodes] };
}

/** Of all packets, the first and the last so many; those between go. */
function trim(sections: readonly Section[], keep: KeepPackets): Section[] {
  if (keep === 'flow') return [...sections];
  const total = sections.reduce((n, s) => n + s.packets.length, 0);
  let at = 0;
  const out: Section[] = [];
  for (const s of sections) {
    const packets = s.packets.filter(() => {
      const i = at++;
      return i < keep.first || i >= total - keep.last;
    });
    if (packets.length > 0) out.push({ ...s, packets });
  }
  return out;
}

/**
 * @param flow      the number in the flow's uid
 * @param copies    files of leases that hold packets of it, older than the segments
 * @param segments  paths, in order
 * Errors: a file that cannot be opened.
 */
export function extract(
  flow: bigint,
  copies: readonly string[],
  segments: readonly string[],
  span: Span = ALWAYS,
  keep: KeepPackets = 'flow',
  bytesMax = EXTRACT_BYTES_MAX,
): Result<Extracted> {
  const found: Found = { sections: [], damage: undefined, bytes: 0, bytesMax, cut: new Set() };
  for (const [paths, read] of [
    [copies, (path: string) => fromCopy(path, span, found)],
    [segments, (path: string) => fromSegment(path, flow, span, found)],
  ] as const)
    for (const path of paths) {
      try {
        read(path);
      } catch (error) {
        return { ok: false, fault: systemFault('input_unreadable', path, error) };
      }
    }
  const sections = trim(found.sections, keep);
  const blocks = sections.flatMap((s) => s.packets);
  return success({
    ...{ sections, packets: blocks.length, damage: found.damage, cut: found.cut },
    bytes: blocks.reduce((n, p) => n + p.block.length, 0),
  });
}

export const pcapngOf = (sections: readonly Section[]): Buffer =>
  Buffer.concat(sections.flatMap((s) => blocksOf(s).map((p) => p.block)));
