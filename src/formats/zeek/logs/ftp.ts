// ftp.log: Zeek 8's columns. Zeek has rows for the commands that move files or say where they go; we have all.
import { defineLog, ends, unless } from '../columns.ts';

const LOGGED = new Set(['APPE', 'DELE', 'RETR', 'STOR', 'STOU', 'ACCT', 'PORT', 'PASV', 'EPRT', 'EPSV']);

export const FTP = defineLog(
  'ftp',
  'ftp',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('user', 'string', (e) => e.user ?? '<unknown>', 'unset', unless('user', '<unknown>')),
    col('password', 'string'),
    col('command', 'string'),
    col('arg', 'string'),
    // Zeek says so where it looked and found nothing.
    col(
      'mime_type',
      'string',
      (e) => e.mime_type ?? (e.is_typed ? '<unknown>' : null),
      'unset',
      (type: string, draft) => {
        draft.is_typed = true;
        unless('mime_type', '<unknown>')(type as never, draft);
      },
    ),
    col('file_size', 'count'),
    col('reply_code', 'count'),
    col('reply_msg', 'string'),
    col('data_channel.passive', 'bool', 'passive'),
    col('data_channel.orig_h', 'addr', 'data_orig_h'),
    col('data_channel.resp_h', 'addr', 'data_resp_h'),
    col('data_channel.resp_p', 'port', 'data_resp_p'),
    col('fuid', 'string'),
  ],
  ['proto', 'is_typed'],
  (e) => !LOGGED.has(e.command),
);
