// fileinfo.
import type { FileEvent } from '../../../schema/gen/events.gen.ts';
import { applicationName } from '../names.ts';
import { defineKind, record } from '../record.ts';

const FTP_DATA = 'ftp-data';

function state(e: FileEvent): string {
  if (e.total_bytes !== null && e.seen_bytes + e.missing_bytes < e.total_bytes) return 'TRUNCATED';
  return e.missing_bytes > 0 || e.timedout ? 'TRUNCATED' : 'CLOSED';
}

export const FILEINFO = defineKind('file', (e, memory) => {
  const app_proto = applicationName(e.source);
  const given = { time: e.ts + Math.round(e.duration * 1_000_000), fromResponder: !e.is_orig };
  const fileinfo = {
    filename: e.filename ?? e.url,
    magic: e.mime_type,
    gaps: e.missing_bytes > 0,
    state: state(e),
    md5: e.md5,
    sha1: e.sha1,
    sha256: e.sha256,
    stored: e.extracted !== null,
    size: e.seen_bytes,
  };
  if (app_proto === FTP_DATA) memory.transferred(e);
  return [record('fileinfo', e, { app_proto, fileinfo }, given)];
});
