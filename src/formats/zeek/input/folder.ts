// Which files of a folder are logs, and of which kind: conn.log, conn.log.gz, conn.2026-03-01-12-00-00.log, as Zeek's
// archive has them conn.12:00:00-13:00:00.log.gz in a folder a day, and json_streaming_conn.log.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../columns.ts';
import { LOGS } from '../logs.ts';

/** Folders in folders: an archive has one level. */
const DEPTH_MAX = 4;
/** A folder with more is no folder of logs. */
export const FILES_MAX = 100_000;

const NAME = /^(?:json_streaming_)?([a-z0-9_]+)(?:[.][0-9:.+-]+)?[.](?:log|json|ndjson)(?:[.]gz)?$/;
/** Its rows name no flow and no host, and a record of a certificate has both. */
const NO_FLOW = 'x509';
const OF_PATH = new Map(LOGS.filter(({ path }) => path !== NO_FLOW).map((log) => [log.path, log]));

export interface LogFile {
  readonly path: string;
  readonly log: Log;
  readonly bytes: number;
}

export interface Found {
  readonly files: readonly LogFile[];
  /** Logs that no kind of ours comes from: their names, each once, sorted. */
  readonly unknown: readonly string[];
}

/** @throws the system's error when the folder cannot be read */
export async function logsIn(folder: string): Promise<Found> {
  const files: LogFile[] = [];
  const unknown = new Set<string>();
  const walk = async (dir: string, depth: number): Promise<void> => {
    const entries = await readdir(dir, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) {
        if (depth < DEPTH_MAX) await walk(path, depth + 1);
        continue;
      }
      const name = NAME.exec(entry.name)?.[1];
      // What a folder of logs links to elsewhere is followed, as zeekctl links the day that is running.
      const s = name === undefined ? undefined : await stat(path).catch(() => undefined);
      if (name === undefined || s?.isFile() !== true || files.length >= FILES_MAX) continue;
      const log = OF_PATH.get(name);
      if (log === undefined) unknown.add(name);
      else files.push({ path, log, bytes: s.size });
    }
  };
  await walk(folder, 1);
  return { files, unknown: [...unknown].sort() };
}
