// SPINE 3, what is decided about alerts: people's acts from console and command line into the log of acts, from there
// into the collector's log and the store; and, of each alert that comes, whether an entry of the allow-list holds it
// back, or another sensor has told the same.
//
// An act counts when the log of acts has it; the store follows. Each is a frame of a stream of its own, numbered as the
// acts are, so that what the collector's log has of the stream says which is next, over any crash.
import type { Audit } from './collector/session.ts';
import type { WalFrame } from './collector/wal.ts';
import { type Fault, type Result, success } from './lib/fault.ts';
import { decodeBatch } from './schema/decode.ts';
import type { TriageEvent } from './schema/gen/events.gen.ts';
import { KIND_IDS } from './schema/gen/structures.gen.ts';
import type { Queries } from './store/query.ts';
import type { Act, Request, Who } from './triage/acts.ts';
import { fits } from './triage/allow.ts';
import { heldRecord, recordOf, twinRecord } from './triage/records.ts';
import type { Triage } from './triage/triage.ts';
import { COLLECTOR, TRIAGE } from './wire/agreed.ts';

const MARKS_MAX = 256;
/** Open alerts that a new entry is held against. */
const OPEN_MAX = 1000;

export interface DeskOptions {
  readonly triage: Triage;
  readonly queries: Pick<Queries, 'alerts' | 'twinOf'>;
  readonly now: () => number;
  /** Acts that the collector's log has. */
  readonly forwarded: () => number;
  /** One act, as the next frame of their stream; durable when it says success. */
  readonly forward: (n: number, event: TriageEvent) => Promise<Result<unknown>>;
  /** Records of the collector's own. */
  readonly write: (events: readonly TriageEvent[]) => Promise<Result<unknown>>;
  readonly audit: (a: Audit) => void;
  readonly tell: (fault: Fault) => void;
}

/** What an act is called where it is audited. */
const AUDITED = (act: Act['act']): string => (act === 'allow' || act === 'disallow' ? act : `alert_${act}`);

export class Desk {
  private readonly o: DeskOptions;
  /** Written down lately, and perhaps not in the store yet. */
  private marks: { readonly alert: string; readonly act: 'held' | 'twin' }[] = [];

  constructor(options: DeskOptions) {
    this.o = options;
  }

  get triage(): Triage {
    return this.o.triage;
  }
  /** What the store may not know yet. */
  get recent(): readonly { readonly alert: string; readonly act: string }[] {
    return [...this.o.triage.recent, ...this.marks];
  }

  /** @param alsoOpen  a new entry also holds back what is new now and fits */
  async act(request: Request, who: Who, alsoOpen = false): Promise<Result<Act>> {
    const done = this.o.triage.do(request, who);
    if (!done.ok) return done;
    const act = done.value;
    this.o.audit({
      ...{ action: AUDITED(act.act), outcome: 'done', reason: '', actor: who.actor, address: who.address },
      ...{ target: act.alert === '' ? `entry ${act.entry ?? act.n}` : act.alert, detail: act.text.slice(0, 500) },
    });
    await this.forward();
    if (alsoOpen && act.allow !== undefined) {
      const held = await this.holdOpen(act.n);
      if (!held.ok) this.o.tell(held.fault);
    }
    return done;
  }

  private async holdOpen(n: number): Promise<Result<unknown>> {
    const entry = this.o.triage.entry(n);
    if (entry === undefined) return success(undefined);
    const asked = { state: ['new'], limit: OPEN_MAX, recent: this.recent };
    const found = await this.o.queries.alerts(entry.chain === '' ? asked : { ...asked, chain: entry.chain });
    if (!found.ok) return found;
    const fitting = found.value.filter(({ event, ref }) => fits(entry, event, ref.split('/')[0] ?? ''));
    return this.mark(fitting.map(({ event }) => heldRecord(event.id, entry, this.o.now())));
  }

  /** Acts that the collector's log has not yet, of this process and of others. */
  async forward(): Promise<void> {
    const { triage } = this.o;
    const read = triage.refresh();
    if (!read.ok) this.o.tell(read.fault);
    for (let n = this.o.forwarded() + 1; n <= triage.acts.length; n++) {
      const act = triage.acts[n - 1] as Act;
      const written = await this.o.forward(n, recordOf(act));
      if (!written.ok) return this.o.tell(written.fault);
    }
  }

  /** Alerts that have come to the store. What cannot be asked holds nothing back: it is shown. */
  async came(frames: readonly Pick<WalFrame, 'kind' | 'sensor' | 'bytes'>[]): Promise<void> {
    for (const { kind, sensor, bytes } of frames) {
      if (kind !== KIND_IDS.alert || sensor === COLLECTOR || sensor === TRIAGE) continue;
      for (const alert of decodeBatch('alert', bytes)) {
        if (this.marks.some((m) => m.alert === alert.id)) continue;
        const entry = this.o.triage.holding(alert, sensor);
        if (entry !== undefined) {
          await this.mark([heldRecord(alert.id, entry, this.o.now())]);
          continue;
        }
        const twin = await this.o.queries.twinOf(alert, this.marks);
        if (!twin.ok) this.o.tell(twin.fault);
        else if (twin.value !== undefined) await this.mark([twinRecord(alert.id, twin.value, sensor, this.o.now())]);
      }
    }
  }

  private async mark(events: readonly TriageEvent[]): Promise<Result<unknown>> {
    if (events.length === 0) return success(undefined);
    const written = await this.o.write(events);
    if (!written.ok) this.o.tell(written.fault);
    else {
      const marks = events.map(({ alert, act }) => ({ alert, act: act as 'held' | 'twin' }));
      this.marks = [...this.marks, ...marks].slice(-MARKS_MAX);
    }
    return written;
  }
}
