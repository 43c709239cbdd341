// kerberos.log: Zeek 8's columns. Encryptions offered and used, proofs and options come among ours.
import { defineLog, ends, unless } from '../columns.ts';

/** Errors that Zeek leaves out: the client asks again. */
const DEMANDS = new Set(['NEEDED_PREAUTH', 'Need to use PA-ENC-TIMESTAMP/PA-PK-AS-REQ']);

/** A ticket that is shown to a service, and no question to the server that gives them. */
const isShown = (e: { request_type: string | null; success: boolean | null }): boolean =>
  e.request_type === null && e.success === null;

export const KERBEROS = defineLog(
  'kerberos',
  'kerberos',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('request_type', 'string'),
    col('client', 'string'),
    // Zeek says nothing of a ticket that another protocol carries.
    col('service', 'string', (e) => (isShown(e) ? null : e.service), 'unset', unless('service')),
    col('success', 'bool'),
    col('error_msg', 'string'),
    col('from', 'time'),
    col('till', 'time'),
    col('cipher', 'string'),
    col('forwardable', 'bool'),
    col('renewable', 'bool'),
  ],
  ['proto', 'ordinal'],
  // Zeek has one row a connection.
  (e) => e.ordinal > 1 || (e.error_msg !== null && DEMANDS.has(e.error_msg)),
  (draft) => {
    draft.ordinal = 1;
  },
);
