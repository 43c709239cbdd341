// smb_mapping.log: Zeek 8's columns. Whether the share demands encryption comes among ours.
import { defineLog } from '../columns.ts';

export const SMB_MAPPING = defineLog(
  'smb_mapping',
  'smb_mapping',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    col('id.orig_h', 'addr', 'orig_h'),
    col('id.orig_p', 'port', 'orig_p'),
    col('id.resp_h', 'addr', 'resp_h'),
    col('id.resp_p', 'port', 'resp_p'),
    col('path', 'string'),
    col('service', 'string'),
    col('native_file_system', 'string'),
    col('share_type', 'string'),
  ],
  ['proto'],
);
