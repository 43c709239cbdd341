// Packets of a time that pass a filter, out of sealed segments: the seals say which segments are of the time, their
// indexes which packets may pass, libpcap which do. So one host's packets of a day are found without reading the day.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
import { blockAt, headOf, INTERFACE, Places, packetOf, typeOf } from './blocks.ts';
import type { Chain } from './chain.ts';
import { ALWAYS, isHead, type Span, scan } from './extract.ts';
import { Index } from './segment_index.ts';
import { type Plan, planOf } from './terms.ts';

/** What looks at packets off this thread (src/capture has it). */
export type Matcher = (
  path: string,
  filter: string,
  offsets: Uint32Array,
  linktypes: Uint32Array,
) => Promise<{ readonly passed: Uint8Array; readonly bytesRead: number; readonly error?: string }>;

export interface QueryCounters {
  /** Of the time; and those that the index had something of. */
  segments: number;
  searched: number;
  /** Packets that the index named, and those of them that passed. */
  candidates: number;
  packets: number;
  /** Read of indexes, and handed out. */
  indexBytes: number;
  bytes: number;
}

/** Of one segment: `heads` blocks of section header and interfaces, then packets, as stored. */
export type Found = (blocks: readonly Buffer[], heads: number) => Result<unknown> | Promise<Result<unknown>>;

/** What is looked for. */
export interface Question {
  /** pcap-filter(7); '' for all. */
  readonly filter: string;
  readonly span: Span;
  /** Number of a flow (`flowNumber`); undefined: of all flows. */
  readonly flow?: bigint | undefined;
  /** Handed out at once: whoever has other things to do asks for little [bytes]. */
  readonly batchBytes?: number;
}

const ETHERNET = 1;
const BATCH_BYTES = 8 << 20;

export interface SegmentsOfTime {
  /** Paths of those that are there. */
  readonly there: string[];
  /** How many are not. */
  readonly gone: number;
  /** Packets of them, of all flows, that a cutoff left out, and that could not be kept. */
  readonly cutoff: number;
  readonly notKept: number;
  /** Times in it of which nothing was kept: nothing ran, the disk refused, a crash. */
  readonly gaps: number;
}

/** Segments of a time, and what of it is not in them. */
export function segmentsOf(chains: readonly Pick<Chain, 'folder' | 'seals'>[], span: Span): SegmentsOfTime {
  const there: string[] = [];
  const none = { gone: 0, cutoff: 0, notKept: 0, gaps: 0 };
  for (const { folder, seals } of chains)
    for (const { stem, sealed: m, isPresent } of seals) {
      if (m === undefined) continue;
      none.gaps += m.gaps.filter((g) => g.reason !== 'clock' && g.from <= span.to && g.to >= span.from).length;
      if (m.files.length === 0 || m.first > span.to || m.last < span.from) continue;
      none.cutoff += m.counters.cutoff;
      none.notKept += m.counters.not_kept;
      if (isPresent) there.push(join(folder, `${stem}.pcapng`));
      else none.gone++;
    }
  return { there, ...none };
}

/**
 * Of one segment the packets that may pass, by its index; undefined: any of them may.
 * Errors: a file that cannot be read.
 */
export function placesOf(path: string, q: Question): Result<Uint32Array | undefined> {
  const plan = planOf(q.filter);
  if (plan.is === 'any' && q.flow === undefined && q.span === ALWAYS) return success(undefined);
  try {
    const file = new Places(path);
    try {
      const counters = { segments: 0, searched: 0, candidates: 0, packets: 0, indexBytes: 0, bytes: 0 };
      return success(candidates(path, file, plan, q, counters));
    } finally {
      file.close();
    }
  } catch (error) {
    return { ok: false, fault: systemFault('input_unreadable', path, error) };
  }
}

/** Offsets of packets that may pass, ascending. Without a whole index: all. */
function candidates(path: string, file: Places, plan: Plan, q: Question, counters: QueryCounters): Uint32Array {
  const indexPath = path.replace(/\.pcapng$/, '.idx');
  if (existsSync(indexPath)) {
    const read = new Places(indexPath);
    try {
      const index = Index.open(read);
      const places = q.flow === undefined ? undefined : index?.placesOf(q.flow);
      if (places !== undefined) return Uint32Array.from(places, (p) => p.offset);
      if (index !== undefined && q.flow === undefined) return index.offsets(plan, q.span);
    } finally {
      counters.indexBytes += read.bytesRead;
      read.close();
    }
  }
  const offsets: number[] = [];
  for (const { block, at } of scan(file)) {
    const packet = packetOf(block);
    if (packet !== undefined && (q.flow === undefined || packet.flow === q.flow)) offsets.push(at);
  }
  return Uint32Array.from(offsets);
}

/**
 * @param onFound  takes what was found of a segment, in order of segments; a fault ends the search
 * Errors: the filter means nothing; a segment that cannot be read.
 */
export async function queryPackets(
  segments: readonly string[],
  question: Question,
  match: Matcher,
  onFound: Found,
): Promise<Result<QueryCounters>> {
  const { filter } = question;
  const counters = { segments: segments.length, searched: 0, candidates: 0, packets: 0, indexBytes: 0, bytes: 0 };
  const checked = await match('', filter, new Uint32Array(), Uint32Array.of(ETHERNET));
  if (checked.error !== undefined) return failure('filter_invalid', checked.error, 'see pcap-filter(7)');
  const plan = planOf(filter);
  for (const path of segments) {
    try {
      const done = await querySegment(path, question, plan, match, onFound, counters);
      if (!done.ok) return done;
    } catch (error) {
      return { ok: false, fault: systemFault('input_unreadable', path, error) };
    }
  }
  return success(counters);
}

async function querySegment(
  path: string,
  question: Question,
  plan: Plan,
  match: Matcher,
  onFound: Found,
  counters: QueryCounters,
): Promise<Result<unknown>> {
  const { filter, span, batchBytes = BATCH_BYTES } = question;
  const file = new Places(path);
  try {
    const offsets = candidates(path, file, plan, question, counters);
    if (offsets.length === 0) return success(undefined);
    counters.searched++;
    counters.candidates += offsets.length;
    let heads = headsOf(file, false);
    let matched = await match(path, filter, offsets, linktypesOf(heads));
    // A packet of an interface that came later than the first packet.
    if (matched.error !== undefined) {
      heads = headsOf(file, true);
      matched = await match(path, filter, offsets, linktypesOf(heads));
    }
    const { passed, error } = matched;
    if (error !== undefined) return failure('input_unreadable', error, 'see the disk');
    let batch: Buffer[] = [];
    let bytes = 0;
    let isFirst = true;
    const hand = async (): Promise<Result<unknown>> => {
      if (batch.length === 0) return success(undefined);
      const done = isFirst ? await onFound([...heads, ...batch], heads.length) : await onFound(batch, 0);
      isFirst = false;
      batch = [];
      bytes = 0;
      return done;
    };
    for (const [i, offset] of offsets.entries()) {
      const block = passed[i] === 1 ? blockAt(file, offset) : undefined;
      const ts = block === undefined ? undefined : packetOf(block)?.ts;
      if (block === undefined || ts === undefined || ts < span.from || ts > span.to) continue;
      batch.push(block);
      bytes += block.length;
      counters.packets++;
      counters.bytes += block.length;
      if (bytes < batchBytes) continue;
      const done = await hand();
      if (!done.ok) return done;
    }
    return await hand();
  } finally {
    file.close();
  }
}

/** Section header and interfaces: those before the first packet, or all that there are. */
const headsOf = (file: Places, isAll: boolean): Buffer[] =>
  isAll ? [...scan(file)].map((p) => p.block).filter(isHead) : headOf(file).map((p) => p.block);

const linktypesOf = (heads: readonly Buffer[]): Uint32Array =>
  Uint32Array.from(heads.filter((b) => typeOf(b) === INTERFACE).map((b) => b.readUInt16LE(8)));
