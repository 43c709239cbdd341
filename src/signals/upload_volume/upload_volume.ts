// A host sends more to the outside in a day than it ever does.
//
// Its history are the totals of its last 30 days, as they were: a quantile of 30 numbers needs no estimate. Days on
// which it sent nothing count as nothing, so that a machine that was off for a month is not judged by its last day.
import type { ConnEvent, ConnUpdateEvent } from '../../schema/gen/events.gen.ts';
import type { Observation } from '../../schema/observation.ts';
import { ofFlow, outward, size } from '../flow.ts';
import { carriedCodec, FLOWS, Growth } from '../growth.ts';
import type { Codec } from '../keyed.ts';
import { pushRing } from '../recent.ts';
import { DAY, dayOf, defineSignal, type Emit, MINUTE } from '../signal.ts';
import { quantile, sortSmall } from '../stats.ts';

const MB = 1_000_000;
const DAYS = 30;
const work = new Float64Array(DAYS);

interface Host {
  day: number;
  up: number;
  told: number;
  /** Totals of the days before, oldest first [bytes]. */
  days: number[];
}

const codec: Codec<Host> = {
  pack: (h) => [h.day, h.up, h.told, h.days],
  unpack: (stored) => {
    const [day, up, told, days] = stored as [number, number, number, number[]];
    return { day, up, told, days };
  },
};

/** Closes the days up to `day`. */
function turn(h: Host, day: number): void {
  if (h.day === day) return;
  h.days = pushRing(h.days, h.up, DAYS);
  const off = Math.min(DAYS, day - h.day - 1);
  for (let i = 0; i < off; i++) h.days = pushRing(h.days, 0, DAYS);
  h.day = day;
  h.up = 0;
}

export default defineSignal({
  id: 'upload_volume',
  version: 1,
  brief: 'A host sends more to the outside in a day than in any of its last thirty.',
  attack: ['T1041', 'T1048', 'T1030'],
  needs: ['conn', 'conn_update'],
  budget: { bytes: 15_000_000, holds: '16,384 hosts with the totals of 30 days, 16,384 open flows' },
  settings: {
    /** Times the 0.99 quantile of its own days. */
    factor: 4,
    /** And at least so much [MB]. */
    up_min_mb: 200,
    /** Days of history, or nothing is known. */
    days_min: 7,
    hosts_max: 16_384,
  },
  run({ settings, keyed }) {
    const growth = new Growth(keyed('flows', FLOWS, carriedCodec));
    const hosts = keyed('hosts', { max: settings.hosts_max, idle: 2 * DAYS * DAY, grain: 5 * MINUTE }, codec);

    const look = (
      obs: Observation<'conn'> | Observation<'conn_update'>,
      event: ConnEvent | ConnUpdateEvent,
      emit: Emit,
    ): void => {
      const src = outward(obs);
      if (src === undefined || event.orig_bytes === null) return;
      const [up] = growth.take(obs, event);
      if (up === 0) return;
      const day = dayOf(obs.seen);
      const e = hosts.get(src.id, obs.seen) ?? hosts.add(src.id, { day, up: 0, told: -1, days: [] }, obs.seen);
      const h = e.value;
      hosts.touch(e, obs.seen);
      turn(h, day);
      h.up += up;
      if (h.up < settings.up_min_mb * MB || h.told === day || h.days.length < settings.days_min) return;
      for (let i = 0; i < h.days.length; i++) work[i] = h.days[i] as number;
      sortSmall(work, h.days.length);
      const usual = quantile(work, h.days.length, 0.99);
      if (h.up < settings.factor * usual) return;
      h.told = day;
      const times = h.up / Math.max(1, usual);
      emit({
        ...ofFlow(obs),
        score: 0.5 + 0.1 * Math.min(3, Math.log10(times)),
        key: src.id,
        last: obs.seen,
        dstPort: null,
        features: { up: h.up, usual, times, days: h.days.length },
        explanation:
          `Sent ${size(h.up)} to the outside today, ${times < 1000 ? times.toFixed(1) : 'over 1000'} times what it sends on ` +
          `its busiest days (${size(Math.round(usual))}, of ${h.days.length} days); the last was to ${event.resp_h}.`,
      });
    };

    return { on: { conn: look, conn_update: look } };
  },
});
