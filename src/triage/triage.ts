// The life of alerts at the collector: what people say of them, and the allow-list that follows from it.
//
//   acts         DIR/acts, lines chained by their hashes (lib/chained_log.ts): what counts, and the audit trail
//   held, twin   what the list, and other sensors' alerts, say of an alert that comes: decided when it comes, and
//                written down by the spine beside the acts, in the store
//
// A sensor goes on to conclude and to keep evidence whatever is decided here: nobody is silenced at the source, an
// older sensor needs to know nothing of it, and what was held back by mistake is there.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ChainedLog } from '../lib/chained_log.ts';
import type { Clock } from '../lib/clock.ts';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
import type { AlertEvent } from '../schema/gen/events.gen.ts';
import { type Act, actOf, type Request, type Who } from './acts.ts';
import { ENTRIES_MAX, type Entry, fits } from './allow.ts';

/** A person who decides something every minute does so for four months. */
export const ACTS_MAX = 200_000;
/** Those that the store may not have yet: beside what it says. */
const RECENT_MAX = 256;

export class Triage {
  /** In their order. */
  readonly acts: Act[] = [];
  private readonly log: ChainedLog<Act>;
  private readonly clock: Clock;
  private readonly byAlert = new Map<string, Act[]>();
  private readonly entriesByNumber = new Map<number, Entry & { removed?: Act }>();

  private constructor(log: ChainedLog<Act>, clock: Clock) {
    this.log = log;
    this.clock = clock;
  }

  /** @param dir  made when it is not there */
  static open(dir: string, clock: Clock, actsMax = ACTS_MAX): Result<Triage> {
    try {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', dir, error) };
    }
    const triage = new Triage(new ChainedLog<Act>(join(dir, 'acts'), actsMax), clock);
    const read = triage.refresh();
    return read.ok ? success(triage) : read;
  }

  /** What is wrong with the log: lines that were changed, taken out or put in. */
  get faults(): readonly string[] {
    return this.log.faults;
  }

  /** What others have written since. */
  refresh(): Result<readonly Act[]> {
    const read = this.log.read();
    if (read.ok) this.learn(read.value);
    return read;
  }

  of(alert: string): readonly Act[] {
    return this.byAlert.get(alert) ?? [];
  }

  get recent(): readonly Act[] {
    return this.acts.slice(-RECENT_MAX);
  }

  /** Durable when it returns. */
  do(request: Request, who: Who): Result<Act> {
    const written = this.log.append((before) => {
      this.learn(before);
      const now = this.clock.wall();
      const of = 'alert' in request ? this.of(request.alert) : [];
      if (request.act === 'allow' && this.entries().length >= ENTRIES_MAX)
        return failure('usage', `the allow-list has ${ENTRIES_MAX} entries`, 'take off what is not needed any more');
      return actOf(request, who, now, of, (n) => this.entries().some((e) => e.n === n));
    });
    if (!written.ok) return written;
    const act = written.value.at(-1) as Act;
    // Those before it were learnt on the way.
    this.learn([act]);
    return success(act);
  }

  /** That hold alerts back now, the newest first. */
  entries(): Entry[] {
    const now = this.clock.wall();
    return [...this.entriesByNumber.values()].filter((e) => e.removed === undefined && e.until > now).reverse();
  }

  /** All there ever were, the newest first. */
  everyEntry(): (Entry & { readonly removed?: Act })[] {
    return [...this.entriesByNumber.values()].reverse();
  }

  entry(n: number): Entry | undefined {
    return this.entriesByNumber.get(n);
  }

  /** By which an alert is held back that comes now; the oldest. What somebody has decided about it himself stands. */
  holding(alert: AlertEvent, sensor: string): Entry | undefined {
    if (this.of(alert.id).some((a) => a.act !== 'note' && a.act !== 'allow')) return undefined;
    return this.entries()
      .reverse()
      .find((e) => fits(e, alert, sensor));
  }

  private learn(acts: readonly Act[]): void {
    for (const act of acts) {
      if (this.acts.length > 0 && act.n <= (this.acts.at(-1) as Act).n) continue;
      this.acts.push(act);
      if (act.alert !== '') {
        const list = this.byAlert.get(act.alert);
        if (list === undefined) this.byAlert.set(act.alert, [act]);
        else list.push(act);
      }
      if (act.allow !== undefined) {
        const { n, alert, actor, at, text, allow } = act;
        this.entriesByNumber.set(n, { ...allow, n, alert, actor, from: at, reason: text });
      }
      const entry = act.entry === undefined ? undefined : this.entriesByNumber.get(act.entry);
      if (entry !== undefined) entry.removed = act;
    }
  }
}
