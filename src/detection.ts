// SPINE 2: from events to findings, through entities, memory, intelligence, signals and chains, in packet time.
//
// It reads as the path itself: an event says whose address is whose, becomes an observation, is remembered, is compared
// with indicators, is looked at by signals, and is matched by chains together with what was said of it. Nothing here
// waits, reads a clock or knows where events come from, so a file, a spool and a test run the same code.
import { createHash } from 'node:crypto';
import type { Finding } from './schema/finding.ts';
import type { CatenaryEvent, FlowEnvelope, KindName, SightingEvent, SignalEvent } from './schema/gen/events.gen.ts';
import { KIND_IDS } from './schema/gen/structures.gen.ts';
import { ENTITY_FIELDS, type HostRef, type Memory, type Observation } from './schema/observation.ts';
import { remember } from './schema/remember.ts';

/** What may come late: the watermark stays so far behind the newest event [us]. */
export const LATENESS = 30e6;

export interface Parts {
  readonly memory: Memory;
  readonly entities: {
    observe(kind: KindName, event: CatenaryEvent, ref: string): CatenaryEvent[];
    /** Whose address it was at `at` [us], on this VLAN when it is known. */
    resolve(ip: string, at: number, vlan?: number | null): HostRef;
  };
  readonly intel: {
    observe(obs: Observation): SightingEvent[];
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

interface Incoming {
  readonly kind: KindName;
  readonly event: CatenaryEvent;
  /** Computed for ties alone. */
  hash: string;
}

/**
 * Events in the one order that holds for any cut into drains and on any machine: by `seen`, then kind, then content.
 * They come in order of `seen`; those of one moment wait until the next moment has come.
 */
export class Ordered {
  private readonly visit: (kind: KindName, event: CatenaryEvent) => void;
  private waiting: Incoming[] = [];

  constructor(visit: (kind: KindName, event: CatenaryEvent) => void) {
    this.visit = visit;
  }

  push(kind: KindName, event: CatenaryEvent): void {
    const [first] = this.waiting;
    if (first !== undefined && first.event.seen !== event.seen) this.flush();
    this.waiting.push({ kind, event, hash: '' });
  }

  /** No more events of this moment come. */
  flush(): void {
    const { waiting } = this;
    if (waiting.length === 0) return;
    this.waiting = [];
    if (waiting.length > 1) {
      for (const i of waiting) i.hash = contentHash(i.kind, i.event);
      waiting.sort((a, b) => KIND_IDS[a.kind] - KIND_IDS[b.kind] || (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0));
    }
    for (const { kind, event } of waiting) this.visit(kind, event);
  }
}

/** Where in a run's input other records lie: no part of what a record says. */
const PLACES = { signal: 'refs', sighting: 'ref' } as Partial<Readonly<Record<KindName, string>>>;

/** Of the record's values: the same on every machine and in every run. */
export function contentHash(kind: KindName, event: CatenaryEvent): string {
  const place = PLACES[kind];
  const text = place === undefined ? JSON.stringify(event) : JSON.stringify({ ...event, [place]: undefined });
  return createHash('sha256').update(kind).update(text).digest('hex').slice(0, 16);
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
    for (const sighting of this.parts.intel.observe(obs)) this.sight(sighting, ref);
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

  private sight(sighting: SightingEvent, ref: string): void {
    const obs = this.observation('sighting', sighting, ref);
    for (const signal of this.parts.signals.dispatch(obs)) this.say(signal, ref);
    this.match(obs);
  }

  private say(signal: SignalEvent, ref: string): void {
    this.parts.onSignal(signal);
    this.match(this.observation('signal', signal, ref));
  }

  private match(obs: Observation): void {
    for (const finding of this.parts.chains.feed(obs)) this.parts.onFinding(finding);
  }

  private observation(kind: KindName, event: CatenaryEvent, ref: string): Observation {
    const addressed = ADDRESSED[kind];
    if (addressed === undefined) return new Seen(kind, event, ref, NOBODY);
    const hosts: Record<string, HostRef> = {};
    const values = event as unknown as Record<string, unknown>;
    const { vlan } = event as FlowEnvelope;
    for (const [name, from] of addressed) {
      const address = values[from];
      // When the flow began: a record can be complete hours later, when the address is somebody else's.
      if (typeof address === 'string') hosts[name] = this.parts.entities.resolve(address, event.ts, vlan);
    }
    return new Seen(kind, event, ref, hosts);
  }
}

const NOBODY: Readonly<Record<string, HostRef>> = {};

/** Derived host fields that are made from an address. In conclusions the host is a text already. */
const ADDRESSED: Partial<Record<KindName, (readonly [name: string, from: string])[]>> = {};
for (const [kind, fields] of Object.entries(ENTITY_FIELDS)) {
  if (kind === 'signal' || kind === 'identity' || kind === 'sighting') continue;
  ADDRESSED[kind as KindName] = Object.entries(fields).flatMap(([name, f]) =>
    f.class === 'host' ? [[name, f.from] as const] : [],
  );
}
