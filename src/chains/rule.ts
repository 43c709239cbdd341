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
  readonly steps: readonly Step[];
  readonly until: readonly Step[];
  readonly file: string;
}
