// Chains that did not fire: those that ended short, and those that are still open, the nearest first.
import type { Partial } from './partial.ts';
import type { Rule } from './rule.ts';

const KEPT_MAX = 256;

export type Reason = 'expired' | 'absent' | 'until' | 'full' | 'evicted' | 'suppressed';

export interface NearMiss {
  readonly rule: string;
  readonly key: string;
  readonly matched: readonly string[];
  readonly missing: string;
  readonly first: number;
  readonly ended: number;
  readonly reason: Reason;
}

/** A partial that is still open, as a person is told of it. */
export interface Open {
  readonly rule: string;
  readonly key: string;
  readonly matched: readonly string[];
  /** Steps of the rule that have to come. */
  readonly of: number;
  readonly missing: string;
  /** Packet times [us]. */
  readonly first: number;
  readonly last: number;
  readonly deadline: number;
  readonly flags: readonly string[];
}

/** What `p` waits for, in words. */
export function missingOf(rule: Rule | undefined, p: Readonly<Partial>): string {
  const group = rule?.groups[p.next];
  const unmet = group?.steps.filter((_, i) => (p.met & (1 << i)) === 0).map((s) => s.id) ?? [];
  return unmet.join(group?.need === 'one' ? ' or ' : ' and ') || 'absence';
}

/** Steps that a whole chain has: of one_of one, of optional ones none. */
const length = (rule: Rule): number =>
  rule.groups.reduce((n, g) => n + (g.optional ? 0 : g.need === 'one' ? 1 : g.steps.length), 0) +
  (rule.trailing === undefined ? 0 : 1);

export function openOf(rule: Rule, p: Readonly<Partial>): Open {
  const own = new Set(rule.steps.map((s) => s.id));
  const matched = p.steps.map((s) => s.step).filter((id) => own.has(id));
  const { rule: id, key, first, last, deadline, flags } = p;
  return { rule: id, key, matched, of: length(rule), missing: missingOf(rule, p), first, last, deadline, flags };
}

const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'];

/** Nearest to an alert first: by the share of steps, then by how bad it would be, then the oldest. */
export function ranked(open: readonly (readonly [Rule, Open])[]): Open[] {
  const share = ({ matched, of }: Open): number => matched.length / of;
  return [...open]
    .sort(
      ([r, a], [s, b]) =>
        share(b) - share(a) ||
        SEVERITIES.indexOf(s.severity) - SEVERITIES.indexOf(r.severity) ||
        a.first - b.first ||
        (a.key < b.key ? -1 : 1),
    )
    .map(([, o]) => o);
}

/** The last ones, and how often each limit or end took a partial: `rule reason`. */
export class NearMisses {
  readonly last: NearMiss[] = [];
  readonly counts = new Map<string, number>();

  count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
  add(miss: NearMiss): void {
    this.count(`${miss.rule} ${miss.reason}`);
    this.last.push(miss);
    if (this.last.length > KEPT_MAX) this.last.shift();
  }
}
