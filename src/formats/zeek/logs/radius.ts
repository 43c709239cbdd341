// radius.log: Zeek 8's columns. Who asked, and how the user proved itself, comes among ours.
import type { RadiusEvent } from '../../../schema/gen/events.gen.ts';
import { allDigits, defineLog, ends, unless } from '../columns.ts';

/** Zeek's arithmetic: the difference of two floating-point times, with what they round off. */
const timeAsDouble = (us: number): number => Math.floor(us / 1e6) + (us % 1e6) / 1e6;
const ttl = (e: RadiusEvent): string | number | null => {
  if (e.ttl === null) return null;
  const difference = timeAsDouble(e.ts + Math.round(e.ttl * 1e6)) - timeAsDouble(e.ts);
  return Number.isFinite(difference) ? allDigits(difference) : e.ttl;
};

export const RADIUS = defineLog(
  'radius',
  'radius',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('username', 'string'),
    col('mac', 'string'),
    // Zeek takes both from challenges alone.
    col('framed_addr', 'addr', 'challenge_addr'),
    col('tunnel_client', 'string'),
    col('connect_info', 'string'),
    col('reply_msg', 'string', 'challenge_msg'),
    col('result', 'string'),
    col('ttl', 'interval', ttl, 'unset', unless('ttl')),
    col('given_addr', 'addr', 'framed_addr'),
    col('answer_msg', 'string', 'reply_msg'),
  ],
  ['proto'],
  // Zeek has rows for access alone.
  (e) => e.code !== null && e.code !== 'access-request',
);
