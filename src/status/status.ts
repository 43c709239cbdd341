// How a sensor is, as numbers: what it hears, what it lost, what it holds, what waits. Answered on its socket as JSON,
// so the names are a contract; times are microseconds since the epoch, rates are of the last second or two.
import { statfsSync } from 'node:fs';
import type { Clock } from '../lib/clock.ts';
import type { Said } from '../lib/journal.ts';
import { decodeBatch } from '../schema/decode.ts';
import type { KindName } from '../schema/gen/events.gen.ts';

/** What a reader has counted since it was opened. */
export interface Counted {
  readonly packets: number;
  readonly bytes: number;
  readonly flows: number;
  readonly weirds: number;
  /** Packet time of the newest, 0 before the first [us]. */
  readonly lastTs: number;
  readonly flowsEvicted?: number;
  readonly kernelDropped?: number;
  readonly interfaceDropped?: number;
}

export interface InterfaceStatus {
  readonly name: string;
  readonly packets_per_s: number;
  readonly bits_per_s: number;
  /** Since the start. */
  readonly packets: number;
  readonly bytes: number;
  readonly flows: number;
  /** Flows ended early to make room. */
  readonly flows_evicted: number;
  readonly weirds: number;
  /** Packets that the ring, and the interface before it, had no room for. */
  readonly kernel_dropped: number;
  readonly interface_dropped: number;
  /** Of the newest packet. */
  readonly newest: number | null;
  /** Share of what passed in the minutes of the last hour that was seen, 0 to 1; null: no minute is whole yet. */
  readonly coverage: number | null;
  /** It is not heard any more. */
  readonly ended: boolean;
}

export interface Held {
  readonly bytes: number;
  readonly budget_bytes: number;
}

export interface Status {
  readonly sensor: string;
  readonly state: 'listening' | 'reading' | 'stopping';
  readonly started: number;
  readonly now: number;
  readonly interfaces: readonly InterfaceStatus[];
  readonly detection: {
    readonly events: number;
    readonly alerts: number;
    readonly chains: number;
    /** Chains begun and not finished. */
    readonly partials: number;
    /** Packet time up to which it has seen everything. */
    readonly newest: number | null;
    /** Batches in the spool that it has not taken. */
    readonly waiting: number;
  };
  readonly packets: Held & {
    readonly segments: number;
    /** Packet times of the first and the last. */
    readonly oldest: number | null;
    readonly latest: number | null;
  };
  readonly files: Held;
  readonly leases: Held & { readonly count: number };
  readonly spool: Held & {
    /** Batches that the collector has not acknowledged. */
    readonly waiting: number;
    /** Events given up to make room. */
    readonly shed_events: number;
  };
  readonly collector: { readonly state: string; readonly reason: string };
  /** Content packs that are used. */
  readonly content: readonly { readonly name: string; readonly version: number; readonly trial: boolean }[];
  readonly disk: { readonly free_bytes: number; readonly total_bytes: number } | null;
  readonly memory_bytes: number;
  /** What it said last. */
  readonly said: readonly Said[];
}

/** A rate over less would jump [ms]. */
const RATE_MS = 1000;
/** A reader comes by several times a second, on a silent wire too; a disk may hold it up for a while [ms]. */
const PATIENCE_MS = 30_000;
const HOUR_MINUTES = 60;
const NOTHING: Counted = { packets: 0, bytes: 0, flows: 0, weirds: 0, lastTs: 0 };
const STILL = { packets_per_s: 0, bits_per_s: 0 };

/** One interface, as it is sampled. */
export class Meter {
  readonly name: string;
  private readonly clock: Clock;
  private counted = NOTHING;
  private at: number;
  private rates = STILL;
  private hasEnded = false;
  /** What each worker measured of its share. */
  private readonly minutes = new Map<number, Map<number, number>>();

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.clock = clock;
    this.at = clock.monotonic();
  }

  /** To count costs a lock and some copying: not at every drain. */
  get isDue(): boolean {
    return this.clock.monotonic() - this.at >= RATE_MS;
  }

  /** It is read, or has ended in order: within PATIENCE_MS its reader has come by. */
  get isAlive(): boolean {
    return this.hasEnded || this.clock.monotonic() - this.at < PATIENCE_MS;
  }

  sample(counted: Counted): void {
    const now = this.clock.monotonic();
    const seconds = (now - this.at) / 1000;
    if (seconds > 0)
      this.rates = {
        packets_per_s: (counted.packets - this.counted.packets) / seconds,
        bits_per_s: ((counted.bytes - this.counted.bytes) * 8) / seconds,
      };
    this.at = now;
    this.counted = counted;
  }

  end(counted: Counted): void {
    this.sample(counted);
    this.rates = STILL;
    this.hasEnded = true;
  }

  /** Of a drain: what it says of coverage. Minutes come in order; those of an hour ago are forgotten. */
  watch({ kind, bytes }: { readonly kind: KindName; readonly bytes: Uint8Array }): void {
    if (kind !== 'coverage') return;
    for (const { protocol_class, minute, worker, measured } of decodeBatch(kind, bytes)) {
      if (protocol_class !== 'all') continue;
      const shares = this.minutes.get(minute) ?? new Map<number, number>();
      this.minutes.set(minute, shares.set(worker, measured));
    }
    for (const first of this.minutes.keys()) {
      if (this.minutes.size <= HOUR_MINUTES) break;
      this.minutes.delete(first);
    }
  }

  get status(): InterfaceStatus {
    const s = this.counted;
    const shares = [...this.minutes.values()].flatMap((m) => [...m.values()]);
    return {
      ...{ name: this.name, ...this.rates, packets: s.packets, bytes: s.bytes, flows: s.flows },
      ...{ flows_evicted: s.flowsEvicted ?? 0, weirds: s.weirds },
      ...{ kernel_dropped: s.kernelDropped ?? 0, interface_dropped: s.interfaceDropped ?? 0 },
      newest: s.lastTs > 0 ? s.lastTs : null,
      coverage: shares.length > 0 ? shares.reduce((a, b) => a + b, 0) / shares.length : null,
      ended: this.hasEnded,
    };
  }
}

interface Segments {
  readonly bytes: number;
  readonly segments: number;
  /** Packet times of the first and the last. */
  readonly oldest: number | null;
  readonly latest: number | null;
}

/** What all stores of packets hold together. */
export function packetsHeld(stores: readonly Segments[], budget_bytes: number): Status['packets'] {
  const times = (of: 'oldest' | 'latest'): number[] => stores.flatMap((s) => s[of] ?? []).sort((a, b) => a - b);
  return {
    ...{ bytes: stores.reduce((n, s) => n + s.bytes, 0), budget_bytes },
    segments: stores.reduce((n, s) => n + s.segments, 0),
    oldest: times('oldest')[0] ?? null,
    latest: times('latest').at(-1) ?? null,
  };
}

/** Room on the disk that a folder is on, for who is not root [bytes]; null: it does not say. */
export function diskOf(dir: string): Status['disk'] {
  try {
    const { bavail, blocks, bsize } = statfsSync(dir);
    return { free_bytes: bavail * bsize, total_bytes: blocks * bsize };
  } catch {
    return null;
  }
}
