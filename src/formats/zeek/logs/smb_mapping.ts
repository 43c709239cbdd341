// smb_mapping.log: Zeek 8's columns. Whether the share demands encryption comes among ours.
import { defineLog, ends } from '../columns.ts';

export const SMB_MAPPING = defineLog(
  'smb_mapping',
  'smb_mapping',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('path', 'string'),
    col('service', 'string'),
    col('native_file_system', 'string'),
    col('share_type', 'string'),
  ],
  ['proto'],
);
