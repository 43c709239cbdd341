// ntp.log: Zeek 8's columns, for the modes that tell the time. Control and private messages, which Zeek logs elsewhere,
// are rows here when all are asked for, with what they say among our columns.
import type { NtpEvent } from '../../../schema/gen/events.gen.ts';
import { allDigits, defineLog, ends, unless } from '../columns.ts';

/** Modes above it are control and private. */
const BROADCAST = 5;

const HEADER_BYTES = 48;
/** Of an authenticator: what lies further before the end are extension fields to Zeek (RFC 7822 7.5.1.4). */
const SHORT_AUTHENTICATOR_BYTES = 24;

/**
 * What Zeek cannot parse and has no row for: authenticators longer than RFC 7822 knew (SHA-256, those of Windows
 * domains), and extension fields without one behind them (NTS, RFC 8915).
 */
const isBeyondItsParser = (e: NtpEvent): boolean =>
  e.bytes - HEADER_BYTES > SHORT_AUTHENTICATOR_BYTES && (e.num_exts === 0 || e.key_id === null);

/** Zeek's no time is the beginning of 1970, and what lies before that is below zero. */
const time = (us: number | null): string => ((us ?? 0) / 1e6).toFixed(6);

/** A clock is more precise than a millionth. */
const interval = (s: number | null): string | null => (s === null ? null : allDigits(s));

export const NTP = defineLog(
  'ntp',
  'ntp',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('version', 'count'),
    col('mode', 'count'),
    col('stratum', 'count'),
    col('poll', 'interval', (e) => interval(e.poll), 'unset', unless('poll')),
    col('precision', 'interval', (e) => interval(e.precision), 'unset', unless('precision')),
    col('root_delay', 'interval', (e) => interval(e.root_delay), 'unset', unless('root_delay')),
    col('root_disp', 'interval', (e) => interval(e.root_disp), 'unset', unless('root_disp')),
    col('ref_id', 'string'),
    col('ref_time', 'time', (e) => (e.mode > BROADCAST ? null : time(e.ref_time)), 'unset', unless('ref_time', 0)),
    col('org_time', 'time', (e) => (e.mode > BROADCAST ? null : time(e.org_time)), 'unset', unless('org_time', 0)),
    col('rec_time', 'time', (e) => (e.mode > BROADCAST ? null : time(e.rec_time)), 'unset', unless('rec_time', 0)),
    col('xmt_time', 'time', (e) => (e.mode > BROADCAST ? null : time(e.xmt_time)), 'unset', unless('xmt_time', 0)),
    col('num_exts', 'count'),
  ],
  ['proto'],
  (e) => e.mode > BROADCAST || isBeyondItsParser(e),
);
