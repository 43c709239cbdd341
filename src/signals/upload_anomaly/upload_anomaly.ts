// A host sends much to a destination that hardly anybody here knows, and gets little back.
//
// What it sent and got is added up by destination and day. A nightly copy to the same far place is large and one-sided
// too; memory knows on how many days the host was there.
import type { ConnEvent, ConnUpdateEvent } from '../../schema/gen/events.gen.ts';
import type { Observation } from '../../schema/observation.ts';
import { ofFlow, outward, size } from '../flow.ts';
import { carriedCodec, FLOWS, Growth } from '../growth.ts';
import type { Codec } from '../keyed.ts';
import { pushRing } from '../recent.ts';
import { DAY, dayOf, defineSignal, type Emit, MINUTE } from '../signal.ts';

const MB = 1_000_000;
const TRAIL = 8;
/** A flow that sent less begins no row: most flows send a request. */
const NOTED = 100_000;

interface Target {
  day: number;
  up: number;
  down: number;
  told: number;
  uids: string[];
  refs: string[];
}

const codec: Codec<Target> = {
  pack: (t) => [t.day, t.up, t.down, t.told, t.uids, t.refs],
  unpack: (stored) => {
    const [day, up, down, told, uids, refs] = stored as [number, number, number, number, string[], string[]];
    return { day, up, down, told, uids, refs };
  },
};

export default defineSignal({
  id: 'upload_anomaly',
  version: 1,
  brief: 'A host sends much to a destination that few hosts know.',
  attack: ['T1041', 'T1048', 'T1567.002'],
  needs: ['conn', 'conn_update'],
  names: true,
  budget: { bytes: 65_000_000, holds: '32,768 pairs of host and destination with a day of bytes, 16,384 open flows' },
  settings: {
    /** Sent to one destination on one UTC day [MB]. */
    up_min_mb: 50,
    /** Of all bytes, those sent. */
    ratio_min: 0.8,
    hosts_max: 2,
    days: 30,
    /** On so many days before, and it is a habit. */
    habit_days: 5,
    targets_max: 32_768,
  },
  run({ settings, memory, names, keyed }) {
    const growth = new Growth(keyed('flows', FLOWS, carriedCodec));
    const targets = keyed('targets', { max: settings.targets_max, idle: 2 * DAY, grain: 5 * MINUTE }, codec);

    const look = (
      obs: Observation<'conn'> | Observation<'conn_update'>,
      event: ConnEvent | ConnUpdateEvent,
      emit: Emit,
    ): void => {
      const src = outward(obs);
      if (src === undefined || event.orig_bytes === null) return;
      const [up, down] = growth.take(obs, event);
      if (up === 0) return;
      const name = names.of(src.id, event.resp_h, obs.seen);
      const target = name ?? event.resp_h;
      const key = `${src.id}|${target}`;
      const day = dayOf(obs.seen);
      let e = targets.get(key, obs.seen);
      if (e === undefined) {
        if (up < NOTED) return;
        e = targets.add(key, { day, up: 0, down: 0, told: -1, uids: [], refs: [] }, obs.seen);
      }
      const t = e.value;
      targets.touch(e, obs.seen);
      if (t.day !== day) {
        t.day = day;
        t.up = 0;
        t.down = 0;
      }
      t.up += up;
      t.down += down;
      t.uids = pushRing(t.uids, event.uid, TRAIL);
      t.refs = pushRing(t.refs, obs.ref, TRAIL);
      if (t.up < settings.up_min_mb * MB || t.told === day) return;
      const ratio = t.up / (t.up + t.down);
      if (ratio < settings.ratio_min) return;
      const space = name === undefined ? 'addr' : 'domain';
      const hosts = memory.prevalence(space, target, settings.days, obs.seen);
      if (hosts > settings.hosts_max) return;
      const known = memory.look(space, target, src.id);
      // Touched today already: the day itself is no habit.
      const before = Math.max(0, known.days - 1);
      if (before >= settings.habit_days) return;
      t.told = day;
      const memoryDays = day - dayOf(known.since);
      const isYoung = memoryDays < settings.days;
      emit({
        ...ofFlow(obs),
        score: 0.6 + (before === 0 ? 0.2 : 0) - (isYoung ? 0.2 : 0),
        key,
        last: obs.seen,
        count: t.uids.length,
        dstName: name ?? null,
        uids: t.uids,
        refs: t.refs,
        features: { up: t.up, down: t.down, ratio, prevalence: hosts, days_before: before, memory_days: memoryDays },
        explanation:
          `Sent ${size(t.up)} to ${target} today and got ${size(t.down)}; ${hosts <= 1 ? 'no other host' : `${hosts} hosts`} ` +
          `contacted it in ${settings.days} days, and this one on ${before} days before.` +
          (isYoung ? ` Memory is only ${memoryDays} days old.` : ''),
      });
    };

    return { on: { conn: look, conn_update: look } };
  },
});
