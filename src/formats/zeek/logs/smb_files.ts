// smb_files.log: Zeek 8's columns. How a file was opened, and with which access, comes among ours.
import { defineLog, ends, unless } from '../columns.ts';

const FILE_OPEN = 'SMB::FILE_OPEN';
const PIPE_OPEN = 'SMB::PIPE_OPEN';

export const SMB_FILES = defineLog(
  'smb_files',
  'smb_file',
  (col) => [
    col('ts', 'time'),
    col('uid', 'string'),
    ...ends(col),
    col('fuid', 'string'),
    col(
      'action',
      'enum',
      (e) => (e.version === 1 && e.action === PIPE_OPEN ? FILE_OPEN : e.action),
      'unset',
      unless('action'),
    ),
    // In version 1 Zeek has no path when it writes the row.
    col('path', 'string', (e) => (e.version === 1 ? null : e.path), 'unset', unless('path')),
    col('name', 'string'),
    col('size', 'count'),
    col('prev_name', 'string'),
    col('times.modified', 'time', 'modified'),
    col('times.accessed', 'time', 'accessed'),
    col('times.created', 'time', 'created'),
    col('times.changed', 'time', 'changed'),
  ],
  ['proto', 'version'],
  // Zeek's log leaves out pipes of version 2, and has no name for what version 1 deletes or renames.
  (e) => (e.version === 1 ? e.action !== FILE_OPEN && e.action !== PIPE_OPEN : e.action === PIPE_OPEN),
);
