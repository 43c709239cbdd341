// A chain as the engine runs it: everything checked, every `where` compiled.

import type { Keep } from '../schema/finding.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import type { EntityClass } from '../schema/observation.ts';
import type { Bindings, Expression } from './cel.ts';
import type { Place } from './fault.ts';
import type { Value } from './values.ts';

export type Severity = 'info' | 'low' | 'medium' | 'high' | 'critical';
export type OnFull = 'reject-new' | 'evict-oldest' | 'evict-lowest-score';
/** What becomes of open partials when the chain's text has changed. */
export type Upgrade = 'migrate' | 'drain' | 'drop';

export interface Bind {
  readonly variable: string;
  readonly field: string;
  readonly class: EntityClass;
  /** The variable is the set of the values that an aggregate counted, this many at most; undefined: one value. */
  readonly collect: number | undefined;
}

/** The step is met when so much has come within a sliding period. */
export interface Agg {
  readonly of: 'count' | 'distinct' | 'sum' | 'avg' | 'rate';
  /** What is counted, summed or averaged; undefined: records. */
  readonly value: ((b: Bindings) => Value) | undefined;
  /** As its author wrote it, for the story. */
  readonly text: string;
  /** [us] */
  readonly per: number;
  readonly gte: number;
  /** An average of fewer records says nothing. */
  readonly minN: number;
}

export interface Step {
  readonly id: string;
  /** The kind of what it consumes; of finished chains: alert. */
  readonly kind: KindName;
  /** What `where` calls the step's own record: its kind, or signal, model, intel, chain. */
  readonly own: string;
  /** Where an index finds it: the kind, `signal:NAME` or `chain:NAME`. */
  readonly topic: string;
  /** What a record must say besides, to be of that topic. */
  readonly requires: readonly (readonly [field: string, value: string])[];
  readonly where: Expression | undefined;
  readonly bind: readonly Bind[];
  readonly agg: Agg | undefined;
  /** Least and most time since the step before [us]. */
  readonly after: number;
  readonly within: number;
  /** Nothing like this may come between its neighbours, or for `lasting` after the last step. */
  readonly absent: boolean;
  readonly lasting: number | undefined;
  readonly requireCoverage: number;
  readonly keep: Keep | undefined;
  readonly place: Place;
}

/** What comes next: one step, several in any order, or one of several. */
export interface Group {
  readonly steps: readonly Step[];
  readonly need: 'all' | 'one';
  /** The chain goes on without it, too. */
  readonly optional: boolean;
  /** Least and most time since the group before, or since the first match in the first group [us]. */
  readonly after: number;
  readonly within: number;
  /** What must not come since the group before. */
  readonly absent: readonly Step[];
}

export interface Rule {
  readonly id: string;
  readonly version: number;
  /** Of all that it says. */
  readonly hash: string;
  /** Of its steps and what they bind: partials of another text with the same shape fit this one. */
  readonly shape: string;
  /** What it was read from: a chain that was changed is read again for as long as its partials run. */
  readonly text: string;
  readonly title: string;
  readonly attack: readonly string[];
  readonly severity: Severity;
  readonly scope: 'sensor' | 'fleet';
  /** Who runs it: each sensor over its own traffic, or the collector over what all of them concluded. */
  readonly runs: 'sensor' | 'collector';
  readonly by: readonly string[];
  readonly window: number;
  readonly start: 'first' | 'last' | 'each';
  /** Starts kept per key with `each`. */
  readonly each: number;
  readonly onFull: OnFull;
  readonly onYoung: 'flag' | 'wait' | 'match';
  readonly upgrade: Upgrade;
  /** What a finished one is: an alert, or a signal that pages nobody. Other chains may take either as a step. */
  readonly emit: 'alert' | 'signal';
  readonly partialsMax: number;
  /** After an alert none for the same key for so long; 0: no such rest [us]. */
  readonly suppress: number;
  /** Whether later intelligence, or this text where it is new, is applied to history; and how far back [us]. */
  readonly retro: { readonly intel: boolean; readonly rule: boolean; readonly backfill: number };
  readonly groups: readonly Group[];
  /** Nothing like this for `lasting` after the last group. */
  readonly trailing: Step | undefined;
  /** Of all groups, and absences, in the order of the text. */
  readonly steps: readonly Step[];
  readonly until: readonly Step[];
  /** Variables that every finished one has: what a chain that takes it as a step may bind. */
  readonly exports: ReadonlyMap<string, EntityClass>;
  /** 1, and one more than the deepest chain among its steps. */
  readonly depth: number;
  readonly file: string;
}
