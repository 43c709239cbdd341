// The one order of events: by `seen`, then kind, then content: the flow's uid, then all that the record says. It holds
// for any cut into frames, for any number of workers and on any machine, so that what detection concludes depends on
// the events alone.
import { createHash } from 'node:crypto';
import type { CatenaryEvent, KindName } from './gen/events.gen.ts';
import { FIELDS, KIND_IDS } from './gen/structures.gen.ts';

/** Fields that say where in a run's input other records lie: no part of what a record says. */
export const PLACES: ReadonlySet<string> = new Set(['ref', 'refs', 'step_refs']);

/** Of the record's values in the schema's order: the same on every machine and in every run (16 hex digits). */
export function contentHash(kind: KindName, event: CatenaryEvent): string {
  const values = event as unknown as Readonly<Record<string, unknown>>;
  const said: Record<string, unknown> = {};
  for (const { name } of FIELDS[kind]) if (!PLACES.has(name)) said[name] = values[name] ?? null;
  return createHash('sha256').update(kind).update(JSON.stringify(said)).digest('hex').slice(0, 16);
}

/** An event and its place in the input: the number of its frame, and which of the frame's. */
export interface Placed {
  readonly kind: KindName;
  readonly event: CatenaryEvent;
  readonly seq: number;
  readonly index: number;
  /** Computed for ties alone. */
  hash?: string;
}

/** Made of the first packet's time and tuple, so it is content; and it is there already, which a hash is not. */
const uidOf = (p: Placed): string => (p.event as { uid?: string | null }).uid ?? '';

const hashOf = (p: Placed): string => {
  p.hash ??= contentHash(p.kind, p.event);
  return p.hash;
};

function compare(a: Placed, b: Placed): number {
  const by = a.event.seen - b.event.seen || KIND_IDS[a.kind] - KIND_IDS[b.kind];
  if (by !== 0) return by;
  const [u, v] = [uidOf(a), uidOf(b)];
  if (u !== v) return u < v ? -1 : 1;
  const [x, y] = [hashOf(a), hashOf(b)];
  return x < y ? -1 : x > y ? 1 : a.seq - b.seq || a.index - b.index;
}

/** How far a merge has come, to be kept with the state that its events made. */
export interface MergeCursor {
  /** Frames are to be read again from this one on. */
  readonly from: number;
  /** The last frame that was pushed, in this life or an earlier one. */
  readonly pushed: number;
  /** Of those frames, events with an earlier `seen` were handed on, and no others; undefined: none was [us]. */
  readonly released?: number | undefined;
}

/**
 * Frames in, events out in the one order. Frames of one worker follow each other in order of `seen`; workers may be
 * apart by up to `slack`, so an event waits until something later than it by that much has come. What comes later
 * still is handed on at once, and counted.
 *
 * Cost: each event is sorted two times at most, nearly sorted already.
 */
export class Merge {
  /** Events that came after their turn. */
  late = 0;
  /** The last frame that was pushed here; at first, the one before those that come again. */
  reached: number;
  private readonly slack: number;
  private readonly visit: (placed: Placed) => void;
  private readonly resumed: MergeCursor | undefined;
  private waiting: Placed[] = [];
  private newest = Number.NEGATIVE_INFINITY;
  /** Everything before has been handed on. */
  private released: number;

  /** @param slack  packet time [us]; 0: frames come in order, and those of one moment may be cut anywhere */
  constructor(slack: number, visit: (placed: Placed) => void, resumed?: MergeCursor) {
    this.slack = slack;
    this.visit = visit;
    this.resumed = resumed;
    this.reached = (resumed?.from ?? 1) - 1;
    this.released = resumed?.released ?? Number.NEGATIVE_INFINITY;
  }

  /** A frame's events. `seq` grows by one from frame to frame, from 1. */
  push(kind: KindName, events: readonly CatenaryEvent[], seq: number): void {
    this.reached = seq;
    // Read again: what was handed on before is not handed on twice.
    const handedOn = this.resumed !== undefined && seq <= this.resumed.pushed ? this.resumed.released : undefined;
    for (let index = 0; index < events.length; index++) {
      const event = events[index] as CatenaryEvent;
      if (handedOn !== undefined && event.seen < handedOn) continue;
      const placed: Placed = { kind, event, seq, index };
      if (event.seen < this.released) {
        this.late++;
        this.visit(placed);
        continue;
      }
      if (event.seen > this.newest) this.newest = event.seen;
      this.waiting.push(placed);
    }
  }

  /** Hands on what nothing can come before any more. At any time, as often as one likes: the order is the same. */
  settle(): void {
    this.release(this.newest - this.slack);
  }

  /** No more frames come. */
  finish(): void {
    this.release(this.newest + 1);
  }

  get cursor(): MergeCursor {
    const from = this.waiting.reduce((least, p) => Math.min(least, p.seq), this.reached + 1);
    const pushed = Math.max(this.reached, this.resumed?.pushed ?? 0);
    return { from, pushed, ...(this.released > Number.NEGATIVE_INFINITY && { released: this.released }) };
  }

  private release(before: number): void {
    const { waiting } = this;
    if (waiting.length === 0) return;
    waiting.sort(compare);
    let n = 0;
    for (; n < waiting.length; n++) {
      const placed = waiting[n] as Placed;
      if (placed.event.seen >= before) break;
      this.visit(placed);
    }
    this.released = Math.max(this.released, before);
    this.waiting = n === waiting.length ? [] : waiting.slice(n);
  }
}
