// What tests of delivery share: the real addon, folders that go, a disk that fails when told to.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadAddon } from '../../src/capture/addon.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Result } from '../../src/lib/fault.ts';
import { encodeBatch } from '../../src/schema/encode.ts';
import { KIND_IDS } from '../../src/schema/gen/structures.gen.ts';
import { type Disk, type DiskFile, nodeDisk } from '../../src/spool/disk.ts';
import type { Spool, SpoolBatch, SpoolFrame, SpoolOptions } from '../../src/spool/spool.ts';

export function must<T>(r: Result<T>): T {
  if (!r.ok) throw new Error(`${r.fault.code}: ${r.fault.message} (${r.fault.hint})`);
  return r.value;
}

export const native = must(loadAddon());
export const SCHEMA = 1;

const folders: string[] = [];
export async function folder(): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'catenary-delivery-'));
  folders.push(dir);
  return dir;
}
export async function removeFolders(): Promise<void> {
  for (const dir of folders.splice(0)) await rm(dir, { recursive: true, force: true });
}

/** A weird whose name is `name`, at second `n`. */
export function weird(n: number, name = `frame_${n}`, extra = ''): SpoolBatch {
  const at = 1_700_000_000_000_000 + n * 1_000_000;
  const bytes = encodeBatch('weird', [
    { ts: at, seen: at, name, addl: extra === '' ? null : extra, source: 'dns', notice: false, count: 1 },
  ]);
  return { kind: KIND_IDS.weird, count: 1, firstSeen: at, lastSeen: at, bytes };
}

export const spoolOptions = (dir: string, more: Partial<SpoolOptions> = {}): SpoolOptions => ({
  ...{ dir, sensor: 'berlin-1', schema: SCHEMA, budgetBytes: 64 << 20, crc32c: native.crc32c, clock: systemClock },
  ...more,
});

/** All that is durable now. */
export async function readAll(spool: Spool, from = { epoch: 0, seq: 0 }): Promise<SpoolFrame[]> {
  const frames: SpoolFrame[] = [];
  for await (const f of spool.read(from, { to: spool.durable })) frames.push(f);
  return frames;
}

/** The real disk, never waited for: for tests that open hundreds of spools and cut no power. */
export const unsyncedDisk: Disk = { ...faultyDisk(() => undefined, false), syncDir: async () => undefined };

/** The real disk, with one verb failing when `failing` says so. */
export function faultyDisk(failing: (verb: string, file: string) => string | undefined, isSynced = true): Disk {
  const check = (verb: string, file: string): void => {
    const code = failing(verb, file);
    if (code !== undefined) throw Object.assign(new Error(code), { code, syscall: verb });
  };
  const wrap = (f: DiskFile, file: string): DiskFile => ({
    async write(buffers, position) {
      check('write', file);
      await f.write(buffers, position);
    },
    read: (into, position) => f.read(into, position),
    async sync() {
      check('sync', file);
      if (isSynced) await f.sync();
    },
    truncate: (size) => f.truncate(size),
    size: () => f.size(),
    close: () => f.close(),
  });
  return {
    ...nodeDisk,
    async create(file) {
      check('create', file);
      return wrap(await nodeDisk.create(file), file);
    },
    open: async (file, mode) => wrap(await nodeDisk.open(file, mode), file),
    async unlink(file) {
      check('unlink', file);
      await nodeDisk.unlink(file);
    },
  };
}
