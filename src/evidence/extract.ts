// Packets of one flow out of segments, as pcapng: the segment's own section header and interfaces, then the flow's own
// blocks, byte for byte. Each segment gives a section of its own, so nothing has to be renumbered.
import { existsSync } from 'node:fs';
import { type Result, success, systemFault } from '../lib/fault.ts';
import type { KeepPackets } from '../schema/finding.ts';
import { blockAt, headOf, INTERFACE, Places, packetOf, placesOf, SECTION, typeOf } from './blocks.ts';

/** Of one flow in one file [bytes]; what is longer is cut, and said. */
export const EXTRACT_BYTES_MAX = 256 << 20;

export interface Section {
  /** Section header and interfaces, as stored. */
  readonly head: readonly Buffer[];
  /** Of the flow, in the order of the file. */
  packets: readonly { readonly ts: bigint; readonly block: Buffer }[];
}

export interface Extracted {
  readonly sections: readonly Section[];
  readonly packets: number;
  /** Of the packets' blocks. */
  readonly bytes: number;
  /** Something of it could not be read, or was too much: why. */
  readonly damage: string | undefined;
}

/** Times [ns], both included. */
export interface Span {
  readonly from: bigint;
  readonly to: bigint;
}
export const ALWAYS: Span = { from: 0n, to: (1n << 63n) - 1n };

function* scan(file: Places): Generator<Buffer> {
  for (let at = 0; ; ) {
    const block = blockAt(file, at);
    if (block === undefined) return;
    yield block;
    at += block.length;
  }
}

interface Found {
  readonly sections: Section[];
  damage: string | undefined;
  bytes: number;
  readonly bytesMax: number;
}

function add(found: Found, section: { packets: { ts: bigint; block: Buffer }[] }, block: Buffer, ts: bigint): boolean {
  if (found.bytes + block.length > found.bytesMax) {
    found.damage = `more than ${found.bytesMax} bytes`;
    return false;
  }
  section.packets.push({ ts, block });
  found.bytes += block.length;
  return true;
}

/** By the index where it is whole, else block by block. */
function fromSegment(path: string, flow: bigint, span: Span, found: Found): void {
  const file = new Places(path);
  try {
    const indexPath = path.replace(/\.pcapng$/, '.idx');
    let places: ReturnType<typeof placesOf>;
    if (existsSync(indexPath)) {
      const index = new Places(indexPath);
      places = placesOf(index, flow);
      index.close();
    }
    const head = headOf(file);
    const section = { head, packets: [] as { ts: bigint; block: Buffer }[] };
    if (places !== undefined) {
      for (const { offset, bytes } of places) {
        const block = blockAt(file, offset);
        const packet = block === undefined ? undefined : packetOf(block);
        if (block === undefined || packet === undefined || block.length !== bytes) {
          found.damage = `${path}: no packet where the index says`;
          break;
        }
        if (packet.ts < span.from || packet.ts > span.to) continue;
        // An interface that came later than the first packet is found by reading on.
        if (packet.interface >= head.length - 1) {
          head.splice(
            0,
            head.length,
            ...[...scan(file)].filter((b) => typeOf(b) === SECTION || typeOf(b) === INTERFACE),
          );
        }
        if (!add(found, section, block, packet.ts)) break;
      }
    } else {
      scanSegment(file, flow, span, found, section);
    }
    if (section.packets.length > 0) found.sections.push(section);
  } finally {
    file.close();
  }
}

function scanSegment(
  file: Places,
  flow: bigint,
  span: Span,
  found: Found,
  section: { head: Buffer[]; packets: { ts: bigint; block: Buffer }[] },
): void {
  section.head.length = 0;
  for (const block of scan(file)) {
    const type = typeOf(block);
    if (type === SECTION || type === INTERFACE) section.head.push(block);
    const packet = packetOf(block);
    if (packet === undefined || packet.flow !== flow || packet.ts < span.from || packet.ts > span.to) continue;
    if (!add(found, section, block, packet.ts)) return;
  }
}

/** A file of several sections, as `pcapngOf` writes them: what a lease holds. */
function fromCopies(path: string, span: Span, found: Found): void {
  const file = new Places(path);
  try {
    let section: { head: Buffer[]; packets: { ts: bigint; block: Buffer }[] } = { head: [], packets: [] };
    for (const block of scan(file)) {
      const type = typeOf(block);
      if (type === SECTION) {
        section = { head: [], packets: [] };
        found.sections.push(section);
      }
      if (type === SECTION || type === INTERFACE) section.head.push(block);
      const packet = packetOf(block);
      if (packet === undefined || packet.ts < span.from || packet.ts > span.to) continue;
      if (!add(found, section, block, packet.ts)) return;
    }
  } finally {
    file.close();
  }
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
    if (packets.length > 0) out.push({ head: s.head, packets });
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
  const found: Found = { sections: [], damage: undefined, bytes: 0, bytesMax };
  for (const [paths, read] of [
    [copies, (path: string) => fromCopies(path, span, found)],
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
    ...{ sections, packets: blocks.length, damage: found.damage },
    bytes: blocks.reduce((n, p) => n + p.block.length, 0),
  });
}

export const pcapngOf = (sections: readonly Section[]): Buffer =>
  Buffer.concat(sections.flatMap((s) => [...s.head, ...s.packets.map((p) => p.block)]));
