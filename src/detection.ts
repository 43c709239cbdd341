// SPINE 2: from events to findings, through entities, memory, intelligence, signals and chains, in packet time.
//
// It reads as the path itself: an event says whose address is whose, becomes an observation, is remembered, is compared
// with indicators, is looked at by signals, and is matched by chains together with what was said of it. Nothing here
// waits, reads a clock or knows where events come from, so a file, a spool and a test run the same code.
import { toSignal } from './alerts/signal.ts';
import type { Finding } from './schema/finding.ts';
import type {
  CatenaryEvent,
  EventOf,
  FlowEnvelope,
  IdentityEvent,
  KindName,
  SightingEvent,
  SignalEvent,
} from './schema/gen/events.gen.ts';
import { ENTITY_FIELDS, type HostRef, type Memory, type Observation } from './schema/observation.ts';
import { contentHash } from './schema/order.ts';
import { remember } from './schema/remember.ts';

/** What may come late: the watermark stays so far behind the newest event [us]. */
export const LATENESS = 30e6;

export type Conclusion = 'identity' | 'sighting' | 'signal';

export interface Parts {
  readonly memory: Memory;
  readonly entities: {
    observe(kind: KindName, event: CatenaryEvent, ref: string): IdentityEvent[];
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
  /** What was concluded besides findings: whose address it was, what was on a list, what a signal says. */
  readonly onConclusion: <K extends Conclusion>(kind: K, event: EventOf[K]) => void;
  readonly onFinding: (finding: Finding) => void;
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
    for (const identity of this.parts.entities.observe(kind, event, ref)) {
      this.parts.onConclusion('identity', identity);
      this.match(this.observation('identity', identity, ref));
    }
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
    for (const finding of this.parts.chains.advance(watermark)) this.found(finding);
  }

  private sight(sighting: SightingEvent, ref: string): void {
    this.parts.onConclusion('sighting', sighting);
    const obs = this.observation('sighting', sighting, ref);
    for (const signal of this.parts.signals.dispatch(obs)) this.say(signal, ref);
    this.match(obs);
  }

  private say(signal: SignalEvent, ref: string): void {
    this.parts.onConclusion('signal', signal);
    this.match(this.observation('signal', signal, ref));
  }

  private match(obs: Observation): void {
    for (const finding of this.parts.chains.feed(obs)) this.found(finding);
  }

  /** Chains that take it as a step have it already. */
  private found(finding: Finding): void {
    if (finding.rule.emit === 'alert') this.parts.onFinding(finding);
    else this.parts.onConclusion('signal', toSignal(finding));
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
