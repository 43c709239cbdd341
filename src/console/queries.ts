// What the console asks the store. The store has it as it is; a spine passes it in, so that neither knows the other.
import type { Result } from '../lib/fault.ts';
import type { EventOf, KindName } from '../schema/gen/events.gen.ts';

export interface StoredEvent<K extends KindName = KindName> {
  readonly kind: K;
  /** sensor/epoch/seq/index. */
  readonly ref: string;
  readonly event: EventOf[K];
  /** What the collector added: community_id, orig_host, resp_host, registered_domain. */
  readonly added: Readonly<Record<string, string>>;
}

export interface StoredAlert extends StoredEvent<'alert'> {
  readonly state: string;
}

export interface AlertsQuestion {
  readonly state?: readonly string[];
  /** Acts that the store may not know yet. */
  readonly recent?: readonly { readonly alert: string; readonly act: string }[];
  readonly severity?: readonly string[];
  readonly status?: readonly string[];
  readonly chain?: string;
  readonly host?: string;
  /** A domain, a file's hash, as in the alert's lists. */
  readonly name?: string;
  readonly hash?: string;
  readonly sensor?: string;
  readonly order?: 'score' | 'newest';
  readonly limit?: number;
  readonly offset?: number;
}

export interface AlertDetail {
  readonly alert: StoredEvent<'alert'>;
  /** Oldest first. */
  readonly revisions: readonly StoredEvent<'alert'>[];
  readonly steps: readonly {
    readonly step: string;
    readonly ref: string;
    /** [us] */
    readonly at: number;
    readonly uid: string;
    readonly story: string;
    /** Undefined when the record has left the store. */
    readonly event: StoredEvent | undefined;
  }[];
}

export type Form = 'address' | 'uid' | 'mac' | 'hash' | 'community' | 'host' | 'name' | 'contains';

export interface SearchQuestion {
  readonly text: string;
  /** Packet times [us], from inclusive, to exclusive. */
  readonly from: number;
  readonly to: number;
  readonly kinds?: readonly KindName[];
  readonly form?: Form;
  readonly limit?: number;
  readonly buckets?: number;
}

export interface SearchAnswer {
  readonly form: Form;
  /** Newest first. */
  readonly events: readonly StoredEvent[];
  readonly counts: Readonly<Partial<Record<KindName, number>>>;
  /** Width of a column [us]; empty columns are left out. */
  readonly width: number;
  readonly histogram: readonly { readonly kind: KindName; readonly at: number; readonly count: number }[];
}

export type EntityClass = 'address' | 'host' | 'domain' | 'file';

export interface EntitySummary {
  /** [us] */
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** UTC days on which it was seen. */
  readonly days: number;
  readonly sensors: readonly string[];
  /** [bytes] */
  readonly sentBytes: number | undefined;
  readonly receivedBytes: number | undefined;
  readonly counts: Readonly<Partial<Record<KindName, number>>>;
  readonly peers: readonly { readonly value: string; readonly count: number }[];
}

export interface SensorState {
  readonly sensor: string;
  /** Packet time of its latest statistics [us]. */
  readonly lastSeen: number | undefined;
  /** When they came to the store [s]. */
  readonly lastStored: number | undefined;
  readonly packets: number;
  readonly kernelDropped: number;
  readonly interfaceDropped: number;
  readonly appDropped: number;
  readonly eventsDropped: number;
  readonly gapBytes: number;
  readonly frames: number;
  readonly refusedFrames: number;
  readonly missingFrames: number;
}

/** Every answer has an end in time; one that takes longer is a fault with a hint. */
export interface Queries {
  alerts(question: AlertsQuestion): Promise<Result<StoredAlert[]>>;
  /** Of each state, whatever state is asked for. */
  alertCounts(question: AlertsQuestion): Promise<Result<Record<string, number>>>;
  /** Of each entry of the allow-list: how many alerts, and when the last came [us]. */
  heldBack(): Promise<Result<ReadonlyMap<number, { readonly count: number; readonly last: number }>>>;
  /** What the collector wrote down about these alerts: held back by what, twin of which. */
  marksOf(ids: readonly string[]): Promise<Result<StoredEvent<'triage'>[]>>;
  sensorsOf(ids: readonly string[]): Promise<Result<ReadonlyMap<string, readonly string[]>>>;
  alert(id: string): Promise<Result<AlertDetail | undefined>>;
  events(refs: readonly { readonly ref: string; readonly seen?: number }[]): Promise<Result<Map<string, StoredEvent>>>;
  search(question: SearchQuestion): Promise<Result<SearchAnswer>>;
  entity(which: { readonly class: EntityClass; readonly value: string }): Promise<Result<EntitySummary | undefined>>;
  /** Losses of the packet times asked for [us]. */
  sensors(from?: number, to?: number): Promise<Result<SensorState[]>>;
}
