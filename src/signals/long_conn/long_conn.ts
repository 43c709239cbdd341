// A flow to the outside lasts for hours: a tunnel, a remote session, or a service that keeps its line open.
import type { ConnEvent, ConnUpdateEvent } from '../../schema/gen/events.gen.ts';
import type { Observation } from '../../schema/observation.ts';
import { duration, ofFlow, outward, size } from '../flow.ts';
import type { Codec } from '../keyed.ts';
import { DAY, dayOf, defineSignal, type Emit, SECOND } from '../signal.ts';

/** Hours, and what they are worth. */
const TIERS: readonly (readonly [hours: number, score: number])[] = [
  [1, 0.2],
  [4, 0.4],
  [8, 0.5],
  [12, 0.6],
];
const HOUR_S = 3600;
/** Younger than this memory cannot say that a destination is rare [days]. */
const MEMORY_DAYS = 7;

type Told = readonly [day: number, tier: number];
const codec: Codec<Told> = { pack: (t) => t, unpack: (stored) => stored as Told };

export default defineSignal({
  id: 'long_conn',
  version: 1,
  brief: 'A flow of a local host to the outside lasts for hours.',
  attack: ['T1071', 'T1572'],
  needs: ['conn', 'conn_update'],
  names: true,
  budget: { bytes: 4_000_000, holds: '16,384 pairs of host and destination, with the tier last told' },
  settings: {
    hours_min: 4,
    /** At most so many hosts know a rare destination. */
    hosts_max: 2,
    /** So many make it common. */
    common_hosts: 8,
    days: 30,
    score_min: 0.3,
    pairs_max: 16_384,
  },
  run({ settings, memory, names, keyed }) {
    const told = keyed('told', { max: settings.pairs_max, idle: 2 * DAY }, codec);

    const look = (
      obs: Observation<'conn'> | Observation<'conn_update'>,
      event: ConnEvent | ConnUpdateEvent,
      emit: Emit,
    ): void => {
      const lasted = event.duration ?? 0;
      if (lasted < settings.hours_min * HOUR_S) return;
      const src = outward(obs);
      if (src === undefined || (event.proto !== 6 && event.proto !== 17)) return;
      const tier = TIERS.findLastIndex(([hours]) => lasted >= hours * HOUR_S);
      const base = TIERS[tier]?.[1] ?? 0;
      const name = names.of(src.id, event.resp_h, obs.seen);
      const target = name ?? event.resp_h;
      const key = `${src.id}|${target}|${event.resp_p}`;
      const day = dayOf(obs.seen);
      const e = told.get(key, obs.seen);
      if (e !== undefined && e.value[0] === day && e.value[1] >= tier) return;
      const space = name === undefined ? 'addr' : 'domain';
      const hosts = memory.prevalence(space, target, settings.days, obs.seen);
      const memoryDays = day - dayOf(memory.look(space, target).since);
      const isRare = memoryDays >= MEMORY_DAYS && hosts <= settings.hosts_max;
      const isCommon = hosts >= settings.common_hosts;
      const score = base + (isRare ? 0.2 : 0) - (isCommon ? 0.3 : 0);
      if (score < settings.score_min) return;
      if (e === undefined) {
        told.add(key, [day, tier], obs.seen);
      } else {
        e.value = [day, tier];
        told.touch(e, obs.seen);
      }
      const up = event.orig_bytes ?? 0;
      const down = event.resp_bytes ?? 0;
      const isOpen = obs.kind === 'conn_update';
      emit({
        ...ofFlow(obs),
        score,
        key,
        first: event.ts,
        last: obs.seen,
        dstName: name ?? null,
        features: {
          hours: lasted / HOUR_S,
          up,
          down,
          prevalence: hosts,
          memory_days: memoryDays,
          open: isOpen ? 1 : 0,
        },
        explanation:
          `A flow to ${target}:${event.resp_p} ${isOpen ? 'is open for' : 'lasted'} ${duration(lasted * SECOND)} and carried ` +
          `${size(up)} out and ${size(down)} in; ${hosts > 16 ? 'more than 16' : hosts} hosts know the destination.`,
      });
    };

    return { on: { conn: look, conn_update: look } };
  },
});
