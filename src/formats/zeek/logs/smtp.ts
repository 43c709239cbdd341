// smtp.log: Zeek 8's columns. Logins and the URLs of a message come among ours.
import { defineLog, ends } from '../columns.ts';

export const SMTP = defineLog(
  'smtp',
  'smtp',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('trans_depth', 'count'),
    col('helo', 'string'),
    col('mailfrom', 'string'),
    col('rcptto', 'set[string]'),
    col('date', 'string'),
    col('from', 'string'),
    col('to', 'set[string]'),
    col('cc', 'set[string]'),
    col('reply_to', 'string'),
    col('msg_id', 'string'),
    col('in_reply_to', 'string'),
    col('subject', 'string'),
    col('x_originating_ip', 'addr'),
    col('first_received', 'string'),
    col('second_received', 'string'),
    col('last_reply', 'string'),
    col('path', 'vector[addr]'),
    col('user_agent', 'string'),
    col('tls', 'bool'),
    col('fuids', 'vector[string]', 'fuids', '(empty)'),
  ],
  ['proto'],
  // Zeek has rows for messages, but none where it missed the beginning or where TLS was taken off.
  (e) => !e.has_message || e.mid_stream || e.decrypted,
  (draft) => {
    draft.has_message ??= true;
  },
);
