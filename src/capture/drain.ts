// What a decoder hands over: batches of events, a kind each, and segments of packets that have ended.
import { failure, type Result, success } from '../lib/fault.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import { KIND_NAMES } from '../schema/gen/structures.gen.ts';
import type { Counted, NativeDrain, NativeSegment } from './addon.ts';

export interface Batch {
  readonly kind: KindName;
  readonly count: number;
  /** Of its events [us]. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly bytes: Uint8Array;
}

/** Batches in the order of their kinds' numbers. Empty when there was only progress. */
export interface Drain {
  readonly batches: readonly Batch[];
  /** Segments of packets that have ended, to be sealed in this order. */
  readonly segments: readonly NativeSegment[];
  /** Nobody listened from then until then [us]: a capture process died, and another began. */
  readonly lost?: { readonly from: number; readonly until: number };
}

/** Where drains come from, in this process or another. */
export interface PacketSource {
  /** @param between  called between two drains, when counted() is to be had at once */
  drains(between?: () => void): AsyncGenerator<Result<Drain>>;
  /** Since it was opened, over all lives of a process. */
  counted(): Counted;
  /** All packets of this flow are kept from now on. False: it is no uid, or too many wait to be held. */
  hold(uid: string): boolean;
  release(uid: string): boolean;
  /** Ends in order: open flows are handed over in further drains. */
  stop(): void;
}

/** As the schema names kinds. */
export function typed(drain: NativeDrain): Result<Drain> {
  const batches: Batch[] = [];
  for (const b of drain.batches) {
    const kind = KIND_NAMES[b.kind];
    if (kind === undefined)
      return failure('addon_mismatch', `the native decoder speaks of kind ${b.kind}, unknown here`, "run 'make build'");
    const { count, firstSeen, lastSeen } = b;
    batches.push({ kind, count, firstSeen, lastSeen, bytes: new Uint8Array(drain.buffer, b.offset, b.length) });
  }
  return success({ batches, segments: drain.segments ?? [] });
}
