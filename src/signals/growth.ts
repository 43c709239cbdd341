// Bytes that a flow carried since its last record: a long flow is reported every five minutes with what it carried so
// far, and once more when it ends; nobody should count the same byte twice.
import type { ConnEvent, ConnUpdateEvent } from '../schema/gen/events.gen.ts';
import type { Observation } from '../schema/observation.ts';
import type { Codec, Keyed } from './keyed.ts';

export type Carried = readonly [up: number, down: number];

export const carriedCodec: Codec<Carried> = { pack: (c) => c, unpack: (stored) => stored as Carried };

/** Updates come every five minutes; a flow without one for an hour has ended unseen. */
export const FLOWS = { max: 16_384, idle: 3_600_000_000 } as const;

export class Growth {
  private readonly flows: Keyed<Carried>;

  /** @param flows  what open flows carried so far, by uid: `keyed('flows', FLOWS, carriedCodec)` */
  constructor(flows: Keyed<Carried>) {
    this.flows = flows;
  }

  /** Of the originator and of the responder, since the flow's record before this one. */
  take(obs: Observation<'conn'> | Observation<'conn_update'>, event: ConnEvent | ConnUpdateEvent): Carried {
    const now: Carried = [event.orig_bytes ?? 0, event.resp_bytes ?? 0];
    const isOpen = obs.kind === 'conn_update';
    // Nearly all flows end before their first update.
    if (!isOpen && this.flows.size === 0) return now;
    const e = this.flows.get(event.uid, obs.seen);
    if (e === undefined) {
      if (isOpen) this.flows.add(event.uid, now, obs.seen);
      return now;
    }
    const grown: Carried = [Math.max(0, now[0] - e.value[0]), Math.max(0, now[1] - e.value[1])];
    if (isOpen) {
      e.value = now;
      this.flows.touch(e, obs.seen);
    } else {
      this.flows.remove(e);
    }
    return grown;
  }
}
