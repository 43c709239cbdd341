// SPINE 2, live: frames of the input log in, what was found out again, and the state that survives.
//
// The log is the one input: a frame is numbered and durable before it comes here, so that after a crash the same
// frames come again and nothing is concluded twice or forgotten. What is concluded goes back into the log as
// frames of its own kinds, before the state that says so is committed: so it is never lost. What a crash makes
// detection conclude again is in the log already, behind the place where the state stands, and is not said twice.
import { toAlert } from './alerts/alert.ts';
import type { Result } from './lib/fault.ts';
import { decodeBatch } from './schema/decode.ts';
import { encodeBatches } from './schema/encode.ts';
import type { Finding } from './schema/finding.ts';
import type { AlertEvent, CatenaryEvent, CoverageEvent, EventOf, KindName } from './schema/gen/events.gen.ts';
import { KIND_IDS } from './schema/gen/structures.gen.ts';
import { contentHash, Merge, type MergeCursor, type Placed } from './schema/order.ts';
import type { Position } from './spool/log.ts';
import type { Stages } from './stages.ts';

/** Workers of one sensor may be apart by so much packet time [us]. */
export const SLACK = 2e6;
const SEQ_BITS = 2 ** 32;

/** Positions as numbers that grow: 2^21 lives of 2^32 frames. */
export const numberOf = ({ epoch, seq }: Position): number => epoch * SEQ_BITS + seq;
export const positionOf = (n: number): Position => ({ epoch: Math.floor(n / SEQ_BITS), seq: n % SEQ_BITS });

export interface LiveFrame extends Position {
  readonly kind: KindName;
  readonly bytes: Uint8Array;
}

/** What detection says, on its way into the log. */
export interface Conclusions {
  readonly kind: KindName;
  readonly count: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly bytes: Uint8Array;
}

/** Made here, and not looked at again when they come by in the log. */
const CONCLUDED: ReadonlySet<KindName> = new Set(['signal', 'sighting', 'identity', 'alert']);

/** The same whenever it is concluded again. Places in the log are the same too: the frames are. */
const keyOf = (kind: KindName, event: CatenaryEvent): string => `${kind} ${contentHash(kind, event)}`;

export interface Evidence {
  /** What was taken for these partials is the alert's now. */
  confirm(partials: readonly string[], alert: AlertEvent): void;
}

export class Live {
  /** Events given to detection. */
  events = 0;
  alerts = 0;
  /** Latest packet time seen [us]; undefined before the first event. */
  newest: number | undefined;
  private readonly sensor: string;
  private readonly stages: Stages;
  private readonly evidence: Evidence | undefined;
  private readonly merge: Merge;
  private lastKind = 0;
  private readonly wanted: ReadonlySet<KindName>;
  private readonly said = new Map<KindName, CatenaryEvent[]>();
  /** In the log since the state was committed: what will be concluded again. */
  private readonly spoken = new Set<string>();

  constructor(sensor: string, stages: Stages, evidence?: Evidence) {
    this.sensor = sensor;
    this.stages = stages;
    this.evidence = evidence;
    this.wanted = new Set([...stages.kinds, 'coverage']);
    const { cursor } = stages.state;
    this.merge = new Merge(
      SLACK,
      (p) => this.visit(p),
      cursor === undefined ? undefined : (JSON.parse(cursor) as MergeCursor),
    );
  }

  /** Frames are to be given from here on; undefined: from the log's beginning. */
  get from(): Position | undefined {
    return this.stages.state.cursor === undefined ? undefined : positionOf(this.merge.cursor.from);
  }

  /** Every event before was given to detection [us]; undefined before the first. */
  get heardUntil(): number | undefined {
    return this.merge.cursor.released;
  }

  /** Whether this frame, and so all before it, was given here. */
  hasSeen(position: Position): boolean {
    return this.merge.reached >= numberOf(position);
  }

  /** The next frame of the log. */
  take(frame: LiveFrame): void {
    const events =
      this.wanted.has(frame.kind) && !CONCLUDED.has(frame.kind) ? decodeBatch(frame.kind, frame.bytes) : [];
    // A drain is a frame a kind, in the order of their numbers: what its last kind says may be as old as what its first
    // did. Where the numbers begin anew another drain begins, and what was before is whole.
    const number = KIND_IDS[frame.kind];
    if (!CONCLUDED.has(frame.kind)) {
      if (number <= this.lastKind) this.merge.settle();
      this.lastKind = number;
    }
    this.merge.push(frame.kind, events, numberOf(frame));
  }

  /** No more frames come in this history: a replay's end. What silence would decide stays open. */
  finish(): void {
    this.merge.finish();
  }

  /** Frames that an earlier life left behind `from`, before any of them is taken: their conclusions stand. */
  stands(frame: Pick<LiveFrame, 'kind' | 'bytes'>): void {
    if (!CONCLUDED.has(frame.kind)) return;
    for (const event of decodeBatch(frame.kind, frame.bytes)) this.spoken.add(keyOf(frame.kind, event));
  }

  /** Conclusions since the last call, in batches that fit a frame: to be durable in the log before commit(). */
  conclusions(): Conclusions[] {
    const out = [...this.said].flatMap(([kind, events]): Conclusions[] => encodeBatches(kind, events as never));
    this.said.clear();
    return out;
  }

  /** The state, and the place in the log it belongs to. */
  commit(): Result<undefined> {
    return this.stages.commit(JSON.stringify(this.merge.cursor));
  }

  /** A signal of the stages, a finding of the chains: to be said. */
  say<K extends KindName>(kind: K, event: EventOf[K]): boolean {
    if (this.spoken.size > 0 && this.spoken.delete(keyOf(kind, event))) return false;
    const list = this.said.get(kind);
    if (list === undefined) this.said.set(kind, [event]);
    else list.push(event);
    return true;
  }

  /** False: it was said in an earlier life. */
  find(finding: Finding): boolean {
    const alert = toAlert(finding);
    this.alerts++;
    this.evidence?.confirm(finding.partials, alert);
    return this.say('alert', alert);
  }

  private visit({ kind, event, seq, index }: Placed): void {
    const at = positionOf(seq);
    this.newest = Math.max(this.newest ?? event.seen, event.seen);
    // Of the first life; later ones go on with the same memory.
    if (this.events++ === 0) this.stages.memory.begin(event.seen);
    if (kind === 'coverage') this.stages.watched.observe(event as CoverageEvent);
    this.stages.detection.take(kind, event, `${this.sensor}/${at.epoch}/${at.seq}/${index}`);
  }
}
