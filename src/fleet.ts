// SPINE 3, chains of several sensors: what all concluded, in one order, through the engine that each of them runs.
//
//   frames of the collector's log ─ waiting ─ (watermark) ─ memory ─ chains ─ outbox ─ the collector's log, as FLEET
//
// A record waits until no sensor that is heard can send an older one, so the order is that of `seen`, however frames of
// sensors come between each other. What waits, the engine's state, what was concluded and is not in the log yet, and
// which frames were taken: one commit, before the log lets go of the frames. A block that comes again after a crash is
// known by its frames' numbers; a conclusion that the log has is known by its own.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Packr, Unpackr } from 'msgpackr';
import { Fitting, toAlert } from './alerts/alert.ts';
import { toSignal } from './alerts/signal.ts';
import { Chains } from './chains/engine.ts';
import type { Rule } from './chains/rule.ts';
import { Marks } from './collector/marks.ts';
import type { WalFrame } from './collector/wal.ts';
import { type Clock, pause } from './lib/clock.ts';
import { type Result, success, systemFault } from './lib/fault.ts';
import { decodeBatch } from './schema/decode.ts';
import type { Finding } from './schema/finding.ts';
import { SCHEMA } from './schema/fingerprint.ts';
import type { AlertEvent, CatenaryEvent, KindName, SignalEvent } from './schema/gen/events.gen.ts';
import { KIND_IDS, KIND_NAMES } from './schema/gen/structures.gen.ts';
import type { Memory, Observation, Section } from './schema/observation.ts';
import { contentHash } from './schema/order.ts';
import { type LongMemory, type NativeMemoryClass, openMemory } from './state/memory.ts';
import { openState, type State } from './state/state.ts';
import { OWN } from './wire/agreed.ts';

/** What a sensor concludes may come so much later than what it sees [us]. */
export const FLEET_LATENESS = 600e6;
/** Who says nothing for so long does not hold the others, however our clock is set [ms]. */
export const SILENCE_MS = 600_000;
/** A sensor's clock may be ahead of ours by so much; what it says beyond moves no watermark [us]. */
const AHEAD = 300e6;
/** Records that wait for their turn, at some 2 KiB; of one sensor a quarter, so that it crowds out nobody. */
export const WAITING_MAX = 200_000;
/** RFC 1035 2.3.4: no name is longer. */
const NAME_MAX = 253;
const TAKEN: ReadonlySet<KindName> = new Set(['signal', 'sighting', 'identity', 'alert']);
const NUMBER_DIGITS = 16;
/** After so much of a block others get their turn: sensors are to be answered meanwhile. */
const TURN_BYTES = 1 << 20;
const NEWS_MS = 600_000;

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
const pack = (value: Waiting | Said): Uint8Array => packr.pack(value);

interface Waiting {
  readonly kind: KindName;
  readonly event: CatenaryEvent;
  readonly seen: number;
  /** Alike wherever the record is read again: ties are broken by it, then by the place. */
  readonly hash: string;
  readonly ref: string;
}

/** What was concluded, as a record of the store. */
export type Said =
  | { readonly kind: 'alert'; readonly event: AlertEvent }
  | { readonly kind: 'signal'; readonly event: SignalEvent };

/** A stream of one sensor: what is new goes beside a backlog, and is hours ahead of it. */
interface Lane {
  /** What it has told of, to here [us]. */
  readonly newest: number;
  /** When it was last heard, by the clock that never goes back [ms]. */
  readonly heard: number;
}

interface Cursor {
  readonly epoch: number;
  readonly said: number;
  /** null: nothing has been handed on. */
  readonly watermark: number | null;
  readonly lanes: readonly (readonly [string, number])[];
  readonly marks: unknown;
}

export interface FleetOptions {
  /** Made if it is not there. */
  readonly dir: string;
  readonly rules: readonly Rule[];
  /** The addon's memory. */
  readonly Native: NativeMemoryClass;
  readonly memoryBytes: number;
  readonly clock: Clock;
  readonly waitingMax?: number;
  /** The latest life of our stream that the log knows, and how much of a life it has. */
  readonly latest: () => number;
  readonly forwarded: (epoch: number) => number;
  /** One conclusion, as the next frame of its stream; durable when it says success. */
  readonly forward: (epoch: number, n: number, said: Said) => Promise<Result<unknown>>;
}

const laneOf = (sensor: string, live: boolean): string => `${sensor}${live ? '/live' : ''}`;
const outKey = (n: number): string => String(n).padStart(NUMBER_DIGITS, '0');

function compare(a: Waiting, b: Waiting): number {
  const by = a.seen - b.seen || KIND_IDS[a.kind] - KIND_IDS[b.kind];
  if (by !== 0) return by;
  const [x, y] = a.hash === b.hash ? [a.ref, b.ref] : [a.hash, b.hash];
  return x < y ? -1 : x > y ? 1 : 0;
}

/**
 * A sensor's alert as the chains above it see it: the record that the sensor's own engine would give them. Later
 * revisions say more of what was finished already.
 */
function finishedOf(alert: AlertEvent, ref: string): Waiting | undefined {
  if (alert.revision !== 1) return undefined;
  const seen = alert.could_have_detected_at ?? alert.seen;
  const { ts, chain, title, severity, flags, first, last } = alert;
  const variables = alert.entities.flatMap((text) => {
    const m = /^([^=]+)=[a-z]+:(.*)$/s.exec(text);
    return m === null ? [] : [[m[1] as string, m[2] as string] as const];
  });
  const event = { ...Object.fromEntries(variables), ts, seen, chain, title, severity, flags, first, last };
  return { kind: 'alert', event: event as never, seen, hash: alert.id, ref };
}

/** Memory of what conclusions name: who among all sensors' hosts had to do with it. */
function remember(memory: Memory, { kind, event, seen }: Waiting): void {
  if (kind !== 'signal') return;
  const { src_host, dst_host, dst_name, sha256 } = event as SignalEvent;
  const host = src_host ?? dst_host ?? undefined;
  const name = dst_name?.toLowerCase().replace(/\.$/, '') ?? '';
  if (name !== '' && name.length <= NAME_MAX) memory.touch('domain', name, seen, host);
  if (sha256) memory.touch('file', sha256, seen, host);
}

const sensorOf = ({ ref }: { readonly ref: string }): string => ref.slice(0, ref.indexOf('/'));
/** The sensors whose records are among the steps. */
const sensorsOf = (finding: Finding): string[] => [
  ...new Set([...finding.steps, ...finding.others.flat()].map(sensorOf)),
];

function saidOf(finding: Finding): Said {
  const by = ` Sensors: ${sensorsOf(finding).sort().join(', ')}.`;
  if (finding.rule.emit === 'signal') {
    const event = toSignal(finding);
    const f = new Fitting('signal');
    return { kind: 'signal', event: { ...event, explanation: f.text('explanation', event.explanation + by) } };
  }
  const event = toAlert(finding);
  const f = new Fitting('alert');
  const story = f.text('story', event.story + by);
  return { kind: 'alert', event: { ...event, story, cut: event.cut || f.cut } };
}

export class Fleet {
  /** Records that came after their turn. They can begin a chain, and end none that has gone by. */
  late = 0;
  /** Records whose turn came early, because too many waited. */
  early = 0;
  /** Records that were not taken: from the future, or too many of one sensor. */
  refused = 0;
  readonly chains: Chains;
  private readonly o: FleetOptions;
  private readonly state: State;
  private readonly memory: LongMemory;
  private readonly kept: Section;
  private readonly outbox: Section;
  private readonly marks: Marks;
  private readonly lanes = new Map<string, Lane>();
  private readonly epoch: number;
  private readonly waitingMax: number;
  private waiting: Waiting[] = [];
  private readonly waitingOf = new Map<string, number>();
  private out = new Map<number, Said>();
  private said: number;
  /** Nothing older is waited for [us]. */
  private watermark: number;
  private dirty = false;
  private told = { at: Number.NEGATIVE_INFINITY, counts: [0, 0, 0] };

  private constructor(options: FleetOptions, state: State, memory: LongMemory) {
    this.o = options;
    this.waitingMax = options.waitingMax ?? WAITING_MAX;
    this.state = state;
    this.memory = memory;
    this.kept = state.section('fleet-waiting');
    this.outbox = state.section('fleet-out');
    // Where a sensor was blind is not known here: of an absence nobody can say more than that.
    this.chains = new Chains(options.rules, memory, state.section('chains'), { coverage: () => 0 });
    const cursor = state.cursor === undefined ? undefined : (JSON.parse(state.cursor) as Cursor);
    // A state that was lost begins another life: numbers of the old one are in the store.
    this.epoch = cursor?.epoch ?? options.latest() + 1;
    this.said = cursor?.said ?? 0;
    this.watermark = cursor?.watermark ?? Number.NEGATIVE_INFINITY;
    this.marks = Marks.from(cursor?.marks ?? []);
    const heard = options.clock.monotonic();
    for (const [name, newest] of cursor?.lanes ?? []) this.lanes.set(name, { newest, heard });
    for (const [, bytes] of this.kept.entries()) this.wait(unpackr.unpack(bytes) as Waiting);
    for (const [key, bytes] of this.outbox.entries()) this.out.set(Number(key), unpackr.unpack(bytes) as Said);
  }

  static open(options: FleetOptions): Result<Fleet> {
    try {
      mkdirSync(options.dir, { recursive: true, mode: 0o700 });
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', options.dir, error) };
    }
    const state = openState(options.dir);
    if (!state.ok) return state;
    const memory = openMemory(options.Native, {
      ...{ dir: join(options.dir, 'memory'), budgetBytes: options.memoryBytes, position: state.value.sequence },
    });
    if (memory.ok) return success(new Fleet(options, state.value, memory.value));
    state.value.close();
    return memory;
  }

  /** Whether there is something to go on with, though no chain asks for it any more. */
  static isBegun = (dir: string): boolean => existsSync(join(dir, 'state.mdb'));

  /** Frames of the log, the same ones again until it says success. */
  async came(frames: readonly WalFrame[]): Promise<Result<undefined>> {
    let bytes = 0;
    for (const frame of frames) {
      this.take(frame);
      bytes += frame.bytes.length;
      if (bytes < TURN_BYTES) continue;
      bytes = 0;
      await pause(this.o.clock, 0);
    }
    return this.turn();
  }

  /** What nobody can come before any more is matched; what was concluded is written down, once. */
  async turn(): Promise<Result<undefined>> {
    this.release();
    const kept = this.commit();
    return kept.ok ? this.forward() : kept;
  }

  /** What was late, early or not taken since it was last told, every ten minutes at most. */
  news(): string | undefined {
    const now = this.o.clock.monotonic();
    const counts = [this.late, this.early, this.refused];
    const more = counts.map((n, i) => n - (this.told.counts[i] as number));
    if (more.every((n) => n === 0) || now < this.told.at + NEWS_MS) return undefined;
    this.told = { at: now, counts };
    return `chains of several sensors: ${more[0]} records were late, ${more[1]} matched early, ${more[2]} not taken`;
  }

  close(): void {
    this.memory.close();
    this.state.close();
  }

  private take(frame: WalFrame): void {
    const { sensor, epoch, seq, after, live } = frame;
    if (OWN.has(sensor) || this.marks.has(sensor, { epoch, seq })) return;
    this.marks.take(sensor, epoch, after, seq, live);
    this.dirty = true;
    const now = this.o.clock.wall();
    const name = laneOf(sensor, live);
    const newest = Math.min(frame.lastSeen, now + AHEAD);
    const before = this.lanes.get(name)?.newest ?? newest;
    this.lanes.set(name, { newest: Math.max(before, newest), heard: this.o.clock.monotonic() });
    const kind = KIND_NAMES[frame.kind];
    if (kind === undefined || !TAKEN.has(kind) || frame.schema !== SCHEMA) return;
    decodeBatch(kind, frame.bytes).forEach((event, index) => {
      const ref = `${sensor}/${epoch}/${seq}/${index}`;
      const record =
        kind === 'alert'
          ? finishedOf(event as AlertEvent, ref)
          : { kind, event, seen: event.seen, hash: contentHash(kind, event), ref };
      if (record === undefined) return;
      const isCrowd = (this.waitingOf.get(sensor) ?? 0) >= this.waitingMax / 4;
      if (isCrowd || record.seen > now + AHEAD) {
        this.refused++;
        return;
      }
      this.wait(record);
      this.kept.put(ref, pack(record));
    });
  }

  private wait(record: Waiting): void {
    this.waiting.push(record);
    this.waitingOf.set(sensorOf(record), (this.waitingOf.get(sensorOf(record)) ?? 0) + 1);
  }

  private release(): void {
    const now = this.o.clock.monotonic();
    let least = Number.POSITIVE_INFINITY;
    for (const [name, { newest, heard }] of this.lanes) {
      if (now - heard <= SILENCE_MS) least = Math.min(least, newest);
      // It is as new as any when it comes back.
      else if (this.lanes.delete(name)) this.dirty = true;
    }
    const to = least === Number.POSITIVE_INFINITY ? this.watermark : Math.max(this.watermark, least - FLEET_LATENESS);
    const moved = to > this.watermark;
    this.waiting.sort(compare);
    const tooMany = this.waiting.length - this.waitingMax;
    let n = 0;
    for (; n < this.waiting.length; n++) {
      const record = this.waiting[n] as Waiting;
      if (record.seen >= to && n >= tooMany) break;
      if (record.seen >= to) this.early++;
      this.match(record);
    }
    if (n > 0) this.waiting = this.waiting.slice(n);
    if (moved) {
      this.watermark = Math.max(this.watermark, to);
      for (const finding of this.chains.advance(to)) this.found(finding);
    }
    this.dirty ||= n > 0 || moved;
  }

  private match(record: Waiting): void {
    this.kept.remove(record.ref);
    const others = (this.waitingOf.get(sensorOf(record)) ?? 1) - 1;
    if (others > 0) this.waitingOf.set(sensorOf(record), others);
    else this.waitingOf.delete(sensorOf(record));
    this.memory.begin(record.seen);
    // The engine is told how late it is by the records, not by how they were cut into calls.
    if (record.seen >= this.watermark) {
      this.watermark = record.seen;
      for (const finding of this.chains.advance(record.seen)) this.found(finding);
    } else this.late++;
    remember(this.memory, record);
    const obs: Observation = { ...record, event: record.event as never, hosts: {} };
    for (const finding of this.chains.feed(obs)) this.found(finding);
  }

  private found(finding: Finding): void {
    const said = saidOf(finding);
    this.said++;
    this.out.set(this.said, said);
    this.outbox.put(outKey(this.said), pack(said));
  }

  private commit(): Result<undefined> {
    if (!this.dirty) return success(undefined);
    this.chains.save();
    const cursor: Cursor = {
      ...{ epoch: this.epoch, said: this.said, marks: this.marks },
      watermark: Number.isFinite(this.watermark) ? this.watermark : null,
      lanes: [...this.lanes].map(([name, { newest }]) => [name, newest]),
    };
    const kept = this.memory.commit(this.state.sequence + 1);
    const done = kept.ok ? this.state.commit(JSON.stringify(cursor)) : kept;
    this.dirty = !done.ok;
    return done;
  }

  /** In order of their numbers. What the log has is struck out with the next commit. */
  private async forward(): Promise<Result<undefined>> {
    for (const [n, said] of [...this.out].sort(([a], [b]) => a - b)) {
      if (n > this.o.forwarded(this.epoch)) {
        const written = await this.o.forward(this.epoch, n, said);
        if (!written.ok) return written;
      }
      this.out.delete(n);
      this.outbox.remove(outKey(n));
      this.dirty = true;
    }
    return success(undefined);
  }
}
