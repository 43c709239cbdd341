// SPINE 2: from events to findings, through entities, memory, signals and chains, in packet time.
//
// This is the middle of the second spine, and it reads as the path itself: an event says whose address is whose,
// becomes an
// observation, is remembered, is looked at by signals, and is matched by chains together with what the signals said.
// Nothing here waits, reads a clock or knows where events come from, so a file, a spool and a test run the same code.
import { createHash } from 'node:crypto';
import type { Finding } from './schema/finding.ts';
import type { CatenaryEvent, KindName, SignalEvent } from './schema/gen/events.gen.ts';
import { KIND_IDS } from './schema/gen/structures.gen.ts';
import { ENTITY_FIELDS, type HostRef, type Memory, type Observation } from './schema/observation.ts';
import { remember } from './schema/remember.ts';

/** What may come late: the watermark stays so far behind the newest event [us]. */
export const LATENESS = 30e6;

export interface Parts {
  readonly memory: Memory;
  readonly entities: {
    observe(kind: KindName, event: CatenaryEvent, ref: string): CatenaryEvent[];
    resolve(ip: string, at: number): HostRef;
  };
  readonly signals: {
    dispatch(obs: Observation): SignalEvent[];
    tick(watermark: number): SignalEvent[];
  };
  readonly chains: {
    feed(obs: Observation): Finding[];
    advance(watermark: number): Finding[];
  };
  readonly onSignal: (signal: SignalEvent) => void;
  readonly onFinding: (finding: Finding) => void;
}

export interface Incoming {
  readonly kind: KindName;
  readonly event: CatenaryEvent;
}

/**
 * One drain's events in their order: by `seen`, then kind, then content. A drain holds all events of its time, so sorting
 * each is sorting all.
 */
export function inOrder(drain: Incoming[]): Incoming[] {
  const hash = (i: Incoming): string => contentHash(i.kind, i.event);
  return drain.sort(
    (a, b) =>
      a.event.seen - b.event.seen ||
      KIND_IDS[a.kind] - KIND_IDS[b.kind] ||
      (hash(a) < hash(b) ? -1 : hash(a) > hash(b) ? 1 : 0),
  );
}

/** Of the record's values: the same on every machine and in every run. */
export function contentHash(kind: KindName, event: CatenaryEvent): string {
  return createHash('sha256').update(kind).update(JSON.stringify(event)).digest('hex').slice(0, 16);
}

/** A record as detection sees it. The hash is computed when somebody asks: most records match nothing. */
class Seen implements Observation {
  readonly kind: KindName;
  readonly event: never;
  readonly seen: number;
  readonly ref: string;
  readonly hosts: Readonly<Record<string, HostRef>>;
  private cached: string | undefined;
  constructor(kind: KindName, event: CatenaryEvent, ref: string, hosts: Readonly<Record<string, HostRef>>) {
    this.kind = kind;
    this.event = event as never;
    this.seen = event.seen;
    this.ref = ref;
    this.hosts = hosts;
  }
  get hash(): string {
    this.cached ??= contentHash(this.kind, this.event);
    return this.cached;
  }
}

export class Detection {
  private readonly parts: Parts;
  private newest = Number.NEGATIVE_INFINITY;
  private advanced = Number.NEGATIVE_INFINITY;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** One event, in order of `seen`. */
  take(kind: KindName, event: CatenaryEvent, ref: string): void {
    this.newest = Math.max(this.newest, event.seen);
    // Once a second of packet time is often enough: what is due does not change by being found later.
    if (this.newest - LATENESS > this.advanced + 1e6) this.advance(this.newest - LATENESS);
    for (const identity of this.parts.entities.observe(kind, event, ref))
      this.match(this.observation('identity', identity, ref));
    const obs = this.observation(kind, event, ref);
    remember(this.parts.memory, obs);
    for (const signal of this.parts.signals.dispatch(obs)) this.say(signal, ref);
    this.match(obs);
  }

  /** No more events come: what silence decides is decided. */
  finish(): void {
    this.advance(Number.POSITIVE_INFINITY);
  }

  private advance(watermark: number): void {
    this.advanced = watermark;
    for (const signal of this.parts.signals.tick(watermark)) this.say(signal, 'silence');
    for (const finding of this.parts.chains.advance(watermark)) this.parts.onFinding(finding);
  }

  private say(signal: SignalEvent, ref: string): void {
    this.parts.onSignal(signal);
    this.match(this.observation('signal', signal, ref));
  }

  private match(obs: Observation): void {
    for (const finding of this.parts.chains.feed(obs)) this.parts.onFinding(finding);
  }

  private observation(kind: KindName, event: CatenaryEvent, ref: string): Observation {
    const hosts: Record<string, HostRef> = {};
    for (const [name, field] of Object.entries(ENTITY_FIELDS[kind] ?? {})) {
      if (field.class !== 'host' || kind === 'signal' || kind === 'identity' || kind === 'sighting') continue;
      const address = (event as unknown as Record<string, unknown>)[field.from];
      if (typeof address === 'string') hosts[name] = this.parts.entities.resolve(address, event.seen);
    }
    return new Seen(kind, event, ref, hosts);
  }
}
