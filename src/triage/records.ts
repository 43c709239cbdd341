// What was decided, as records of the store.
import type { TriageEvent } from '../schema/gen/events.gen.ts';
import type { Act } from './acts.ts';

const NOTHING: Omit<TriageEvent, 'ts' | 'seen' | 'act'> = {
  ...{ cut: false, number: 0, alert: '', actor: '', address: '', verdict: '', text: '', entry: 0, twin_of: '' },
  ...{ chain: '', entity: '', value: '', on_sensor: '', until: null, prev: '' },
};

/** The same for the same act, whenever it is made. */
export function recordOf({ n, at, act, alert, actor, address, text, verdict, entry, allow, prev }: Act): TriageEvent {
  return {
    ...{ ...NOTHING, ts: at, seen: at, act, number: n, alert, actor, address, text, prev },
    ...{ verdict: verdict ?? '', entry: entry ?? (act === 'allow' ? n : 0) },
    ...(allow === undefined
      ? {}
      : { chain: allow.chain, entity: allow.entity, value: allow.value, on_sensor: allow.sensor, until: allow.until }),
  };
}

/** An alert that an entry holds back. @param at  wall time [us] */
export const heldRecord = (alert: string, entry: { n: number; reason: string }, at: number): TriageEvent => ({
  ...{ ...NOTHING, ts: at, seen: at, act: 'held', alert, actor: 'allow-list', entry: entry.n, text: entry.reason },
});

/** An alert that tells what another sensor's alert tells. */
export const twinRecord = (alert: string, twinOf: string, sensor: string, at: number): TriageEvent => ({
  ...{ ...NOTHING, ts: at, seen: at, act: 'twin', alert, actor: 'collector', twin_of: twinOf, on_sensor: sensor },
});
