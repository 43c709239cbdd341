// Packets in, drains of events out: the native reader behind types, with the next drain decoding while the last one is
// read.
import { failure, type Result, success } from '../lib/fault.ts';
import { decodeBatch } from '../schema/decode.ts';
import type { CatenaryEvent, KindName } from '../schema/gen/events.gen.ts';
import { KIND_IDS } from '../schema/gen/structures.gen.ts';
import {
  type CarveOptions,
  type Counted,
  loadAddon,
  type NativeDigest,
  type NativeDrain,
  type NativeHunt,
  type NativeMatches,
  type NativeOptions,
  type NativeReader,
  type NativeTree,
  type PacketOptions,
  type Summary,
  type Versions,
} from './addon.ts';
import { type Drain, type PacketSource, typed } from './drain.ts';

export type {
  CarveOptions,
  FileResult,
  NativeDigest,
  NativeFound,
  NativeHit,
  NativeHunt,
  NativeSegment,
  PacketOptions,
  Summary,
  Versions,
} from './addon.ts';
export type { Batch, Drain, PacketSource } from './drain.ts';
export { CaptureProcess, checkWorkers } from './process.ts';

export interface ReadOptions {
  readonly files?: readonly string[];
  readonly folder?: string;
  readonly interface?: string;
  readonly filter?: string | undefined;
  /** Kinds to hand over; the others are only counted. All when left out. */
  readonly kinds?: readonly KindName[] | undefined;
  readonly flowsMax?: number | undefined;
  /** As Zeek: where the time of a capture goes back, flows are cut. */
  readonly endsLateFlows?: boolean | undefined;
  readonly packetsMax?: number | undefined;
  readonly snaplen?: number | undefined;
  readonly bufferMb?: number | undefined;
  readonly promiscuous?: boolean | undefined;
  readonly adapterClock?: boolean | undefined;
  readonly packets?: PacketOptions | undefined;
  readonly carve?: CarveOptions | undefined;
}

export class Reader implements PacketSource {
  private readonly native: NativeReader;
  private pending: Promise<NativeDrain | null> | undefined;

  constructor(native: NativeReader) {
    this.native = native;
  }

  /**
   * All drains, to the end. While one is being read the next is decoded.
   * @param between  called between two drains, when the decoder stands still: the place for summary().
   */
  async *drains(between?: () => void): AsyncGenerator<Result<Drain>> {
    try {
      this.pending = this.native.next();
      for (;;) {
        const drain = await this.pending;
        if (drain === null) return;
        between?.();
        this.pending = this.native.next();
        const result = typed(drain);
        yield result;
        if (!result.ok) return;
      }
    } finally {
      // Left early: what is under way must not outlive its reader.
      this.native.stop();
      await this.pending;
    }
  }

  counted(): Counted {
    return this.native.summary();
  }

  summary(): Summary {
    return this.native.summary();
  }

  /** All packets of this flow are kept from now on. False: it is no uid, or too many wait to be held. */
  hold(uid: string): boolean {
    return this.native.hold(uid);
  }

  release(uid: string): boolean {
    return this.native.release(uid);
  }

  /** Ends in order: open flows are handed over in further drains. */
  stop(): void {
    this.native.stop();
  }
}

/** What events come from, to be read once: captures, an interface, or what another sensor wrote. */
export type EventSource = Pick<Reader, 'drains' | 'summary' | 'stop'>;

export function openReader(options: ReadOptions): Result<Reader> {
  const addon = loadAddon();
  if (!addon.ok) return addon;
  const native: NativeOptions = {};
  if (options.files !== undefined) native.files = options.files;
  if (options.folder !== undefined) native.folder = options.folder;
  if (options.interface !== undefined) native.interface = options.interface;
  if (options.filter !== undefined) native.filter = options.filter;
  if (options.kinds !== undefined) native.kinds = options.kinds.map((kind) => KIND_IDS[kind]);
  if (options.flowsMax !== undefined) native.flowsMax = options.flowsMax;
  if (options.endsLateFlows !== undefined) native.endsLateFlows = options.endsLateFlows;
  if (options.packetsMax !== undefined) native.packetsMax = options.packetsMax;
  if (options.snaplen !== undefined) native.snaplen = options.snaplen;
  if (options.bufferMb !== undefined) native.bufferMb = options.bufferMb;
  if (options.promiscuous !== undefined) native.promiscuous = options.promiscuous;
  if (options.adapterClock !== undefined) native.adapterClock = options.adapterClock;
  if (options.packets !== undefined) native.packets = options.packets;
  if (options.carve !== undefined) native.carve = options.carve;
  return success(new Reader(new addon.value.Reader(native)));
}

export function versions(): Result<Versions> {
  const addon = loadAddon();
  return addon.ok ? success(addon.value.version()) : addon;
}

interface Lane {
  readonly kind: KindName;
  readonly events: readonly CatenaryEvent[];
  at: number;
}

/**
 * The events of one drain in the order of `seen`; of equals, the lower kind number first, then as they were written.
 * Drains follow each other in that order too, so this is the order of the whole run.
 * Cost: O(events x kinds in the drain), of which there are few.
 */
export function forEachInOrder(
  drain: Pick<Drain, 'batches'>,
  visit: (kind: KindName, event: CatenaryEvent) => void,
): void {
  let lanes: Lane[] = drain.batches.map(({ kind, bytes }) => ({ kind, events: decodeBatch(kind, bytes), at: 0 }));
  lanes = lanes.filter((lane) => lane.events.length > 0);
  while (lanes.length > 1) {
    let first = lanes[0] as Lane;
    let seen = (first.events[first.at] as CatenaryEvent).seen;
    let next = Number.POSITIVE_INFINITY;
    for (let i = 1; i < lanes.length; i++) {
      const lane = lanes[i] as Lane;
      const t = (lane.events[lane.at] as CatenaryEvent).seen;
      if (t < seen) {
        next = seen;
        first = lane;
        seen = t;
      } else if (t < next) next = t;
    }
    // As far as no other lane has an earlier event: runs of one kind are common.
    do visit(first.kind, first.events[first.at++] as CatenaryEvent);
    while (first.at < first.events.length && (first.events[first.at] as CatenaryEvent).seen < next);
    if (first.at === first.events.length) lanes = lanes.filter((lane) => lane !== first);
  }
  const last = lanes[0];
  if (last !== undefined)
    for (; last.at < last.events.length; last.at++) visit(last.kind, last.events[last.at] as CatenaryEvent);
}

/** Reads a segment of packets and hashes it, off this thread. */
export function segmentDigester(): Result<(path: string) => Promise<NativeDigest>> {
  const addon = loadAddon();
  if (!addon.ok) return addon;
  const { digestSegment } = addon.value;
  return success((path) => digestSegment(path));
}

/** The tree over a segment's blocks, off this thread. Cost: reads the segment; 68 bytes of memory a block. */
export function segmentTrees(): Result<(path: string) => Promise<NativeTree>> {
  const addon = loadAddon();
  if (!addon.ok) return addon;
  const { treeOfSegment } = addon.value;
  return success((path) => treeOfSegment(path));
}

/** What looks which packets of a segment pass a filter, off this thread. */
export function packetMatcher(): Result<
  (path: string, filter: string, offsets: Uint32Array, linktypes: Uint32Array) => Promise<NativeMatches>
> {
  const addon = loadAddon();
  if (!addon.ok) return addon;
  const { matchPackets } = addon.value;
  return success((path, filter, offsets, linktypes) => matchPackets(path, filter, offsets, linktypes));
}

/** Looks for patterns and rules in what packets carry. Errors: one of them means nothing. */
export function payloadHunt(
  patterns: readonly { readonly name: string; readonly regex: string }[],
  rules: string | undefined,
  hitsMax: number,
): Result<NativeHunt> {
  const addon = loadAddon();
  if (!addon.ok) return addon;
  try {
    return success(new addon.value.Hunt({ patterns, hitsMax, ...(rules === undefined ? {} : { rules }) }));
  } catch (error) {
    return failure('usage', (error as Error).message, 'patterns are those of RE2, rules those of YARA');
  }
}
