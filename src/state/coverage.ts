// What was watched, by the minute, as far back as chains look: a byte a minute, a day an entry. A minute nobody wrote
// down is blind: "it did not happen" is true only where somebody was looking (design: absence has three values).
import type { CoverageEvent } from '../schema/gen/events.gen.ts';
import type { Section } from '../schema/observation.ts';

const MINUTE = 60e6;
const MINUTES = 1440;
/** As far back as a chain's window can reach. */
export const DAYS_MAX = 400;
/** Steps of a measured share; a byte has room for them and for "blind". */
const STEPS = 254;
const BLIND = 255;

const keyOf = (day: number): string => String(day).padStart(6, '0');

export class CoverageLedger {
  private readonly section: Section;
  private readonly days = new Map<number, Uint8Array>();
  private readonly changed = new Set<number>();

  constructor(section: Section) {
    this.section = section;
    for (const [key, bytes] of section.entries())
      if (bytes.length === MINUTES) this.days.set(Number(key), bytes.slice());
  }

  /** Of several interfaces the worst counts: what one of them missed was missed. */
  observe(event: CoverageEvent): void {
    if (event.protocol_class !== 'all') return;
    const minute = Math.floor(event.minute / MINUTE);
    const day = Math.floor(minute / MINUTES);
    const bytes = this.dayOf(day);
    const at = minute - day * MINUTES;
    // Rounded down: a loss of one packet in a million is a loss.
    const share = Math.floor(Math.min(1, Math.max(0, event.measured)) * STEPS);
    const known = bytes[at] as number;
    bytes[at] = known === BLIND ? share : Math.min(known, share);
    this.changed.add(day);
  }

  /** Mean share of the time from..to [us] that was watched; whole minutes count by how much of them lies between. */
  of(from: number, to: number): number {
    if (to <= from) return 1;
    let watched = 0;
    const last = Math.ceil(to / MINUTE);
    for (let minute = Math.floor(from / MINUTE); minute < last; minute++) {
      const day = Math.floor(minute / MINUTES);
      const bytes = this.days.get(day);
      if (bytes === undefined) {
        minute = (day + 1) * MINUTES - 1;
        continue;
      }
      const share = bytes[minute - day * MINUTES] as number;
      if (share === BLIND) continue;
      const length = Math.min(to, (minute + 1) * MINUTE) - Math.max(from, minute * MINUTE);
      watched += (share / STEPS) * length;
    }
    return watched / (to - from);
  }

  save(): void {
    for (const day of this.changed) {
      const bytes = this.days.get(day);
      if (bytes === undefined) this.section.remove(keyOf(day));
      else this.section.put(keyOf(day), bytes);
    }
    this.changed.clear();
  }

  private dayOf(day: number): Uint8Array {
    let bytes = this.days.get(day);
    if (bytes === undefined) {
      bytes = new Uint8Array(MINUTES).fill(BLIND);
      this.days.set(day, bytes);
      if (this.days.size > DAYS_MAX) {
        const oldest = Math.min(...this.days.keys());
        this.days.delete(oldest);
        this.changed.add(oldest);
      }
    }
    return bytes;
  }
}
