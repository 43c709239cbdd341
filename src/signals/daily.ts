// What is not to be said of the same thing twice on one UTC day. It is a table of the signal's own, `told`.
import { dayCodec, firstToday } from './keyed.ts';
import { type Context, DAY, dayOf, type Settings } from './signal.ts';

/**
 * @param max  keys remembered; the one longest untouched goes
 * @returns    true the first time for a key on the day of `now` [us]
 */
export function onceADay(keyed: Context<Settings>['keyed'], max: number): (key: string, now: number) => boolean {
  const told = keyed('told', { max, idle: 2 * DAY }, dayCodec);
  return (key, now) => firstToday(told, key, dayOf(now), now);
}
