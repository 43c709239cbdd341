// What the chain engine hands to alerts: a chain that has finished, or an alert that goes on.
import type { EntityClass } from './observation.ts';

/** One matched step, kept so that the story outlives every retention. */
export interface Matched {
  readonly step: string;
  readonly kind: string;
  readonly ref: string;
  readonly hash: string;
  /** Packet times [us]. */
  readonly ts: number;
  readonly seen: number;
  readonly uid: string | null;
  /** The record's own values, at most KEPT_BYTES of them as JSON; `cut` says that some are missing. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly cut: boolean;
  /** Derived host fields as resolved at the event's time. */
  readonly hosts: Readonly<Record<string, string>>;
  /** What these hosts called themselves then, by id; those that said nothing are not there. */
  readonly hostNames: Readonly<Record<string, string>>;
  /** The terms of `where` with the values that made them true. */
  readonly why: readonly string[];
}

/** Of each flow that a step names: all its packets, or so many from its beginning and its end. */
export type KeepPackets = 'flow' | { readonly first: number; readonly last: number };

/** What a step wants kept of what it matched (chains.md, keep). */
export interface Keep {
  /** The content of the file. */
  readonly file: boolean;
  readonly packets: KeepPackets | undefined;
  /** For so long after the match [us]; undefined: as long as the chain may still finish, and then as the alert. */
  readonly lease: number | undefined;
}

/**
 * Who keeps evidence: told at each match, in event order, and when a chain has died without an alert. A finding names
 * the partials it came of; what was taken for them is then the alert's.
 */
export interface Keeper {
  /** @param until  packet time at which the chain ends unless it goes on [us] */
  take(partial: string, matched: Matched, keep: Keep, until: number): void;
  release(partial: string): void;
}

export interface Finding {
  readonly rule: {
    readonly id: string;
    readonly hash: string;
    readonly version: number;
    readonly title: string;
    readonly severity: 'info' | 'low' | 'medium' | 'high' | 'critical';
    readonly attack: readonly string[];
    readonly scope: 'sensor' | 'fleet';
    readonly emit: 'alert' | 'signal';
  };
  readonly status: 'issued' | 'extended';
  readonly revision: number;
  readonly key: string;
  /** All starts that this record completed, oldest first: content hashes. */
  readonly starts: readonly string[];
  /** The steps of the oldest start. */
  readonly steps: readonly Matched[];
  /** Of the other starts, oldest first: the steps before the record that completed them all. */
  readonly others: readonly (readonly Matched[])[];
  /** What keepers knew it as, before it was one: a partial for each start. */
  readonly partials: readonly string[];
  /** Bound variables: class and value. */
  readonly bound: Readonly<
    Record<string, { readonly class: EntityClass; readonly value: string; readonly values?: readonly string[] }>
  >;
  readonly flags: readonly string[];
  /** Packet times of the first revision and of this one [us]. */
  readonly issued: number;
  readonly at: number;
  /** Found by looking back, when this was known [us]: `issued` is when it would have been found, had it been known. */
  readonly retro?: { readonly knownAt: number };
}
