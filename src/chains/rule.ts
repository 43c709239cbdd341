// A chain as the engine runs it: everything checked, every `where` compiled.

import type { Keep } from '../schema/finding.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import type { EntityClass } from '../schema/observation.ts';
import type { Expression } from './cel.ts';
import type { Place } from './fault.ts';

export type Severity = 'info' | 'low' | 'medium' | 'high' | 'critical';
export type OnFull = 'reject-new' | 'evict-oldest';

export interface Bind {
  readonly variable: string;
  readonly field: string;
  readonly class: EntityClass;
}

export interface Step {
  readonly id: string;
  readonly kind: KindName;
  /** The signal's name where the step consumes one. */
  readonly signal: string | undefined;
  readonly where: Expression | undefined;
  readonly bind: readonly Bind[];
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
  readonly hash: string;
  readonly title: string;
  readonly attack: readonly string[];
  readonly severity: Severity;
  readonly scope: 'sensor' | 'fleet';
  readonly by: readonly string[];
  readonly window: number;
  readonly start: 'first' | 'last' | 'each';
  /** Starts kept per key with `each`. */
  readonly each: number;
  readonly onFull: OnFull;
  readonly onYoung: 'flag' | 'wait' | 'match';
  readonly partialsMax: number;
  /** After an alert none for the same key for so long; 0: no such rest [us]. */
  readonly suppress: number;
  readonly groups: readonly Group[];
  /** Nothing like this for `lasting` after the last group. */
  readonly trailing: Step | undefined;
  /** Of all groups, and absences, in the order of the text. */
  readonly steps: readonly Step[];
  readonly until: readonly Step[];
  readonly file: string;
}
