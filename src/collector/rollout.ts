// Which content pack goes to which sensors: COLLECTOR/content holds the packs, rollout.json says how far each has come,
// reports.json what sensors said they run. `catenary content publish` writes the first two, the collector the third.
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { readdir, unlink } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { type Fault, type Result, success, systemFault } from '../lib/fault.ts';
import { nodeDisk, replaceDurably } from '../spool/disk.ts';
import { readJsonFile } from '../spool/json_file.ts';
import { CONTENT_PATH, PACK_NAME } from '../wire/agreed.ts';

const FILE_BYTES_MAX = 8 << 20;
/** What a sensor says of itself. */
const HAVE_MAX = 4096;
const SENSORS_MAX = 4096;
/** Reports are written so often at most [ms]. */
const WRITE_MS = 2000;

const stageSchema = z.union([
  z.strictObject({ percent: z.int().min(0).max(100) }),
  z.strictObject({ sensors: z.array(z.string()).max(SENSORS_MAX) }),
]);
export type Stage = z.output<typeof stageSchema>;
const publishedSchema = z.strictObject({
  version: z.int(),
  size: z.int(),
  sha256: z.string(),
  /** Whom it goes to. */
  to: stageSchema,
  /** Wall time [us]. */
  at: z.number(),
});
export type Published = z.output<typeof publishedSchema>;
const rolloutSchema = z.record(z.string().regex(PACK_NAME), publishedSchema);
const reportsSchema = z.record(z.string(), z.strictObject({ at: z.number(), have: z.string().max(HAVE_MAX) }));
export type Reports = z.output<typeof reportsSchema>;

export const rolloutDir = (collectorDir: string): string => path.join(collectorDir, 'content');

/** A sensor's place in every rollout of a name, 0 to 99: who was among the first stays among them when it widens. */
export const placeIn = (name: string, sensor: string): number =>
  createHash('sha256').update(`${name}\0${sensor}`).digest().readUInt32BE(0) % 100;

export const isIn = (to: Stage, name: string, sensor: string): boolean =>
  'percent' in to ? placeIn(name, sensor) < to.percent : to.sensors.includes(sensor);

const packFile = (dir: string, name: string, version: number): string => path.join(dir, `${name}-${version}.tar.gz`);
const rolloutFile = (dir: string): string => path.join(dir, 'rollout.json');
const reportsFile = (dir: string): string => path.join(dir, 'reports.json');

async function readJson<T>(file: string, schema: z.ZodType<T>, none: T): Promise<Result<T>> {
  const read = await readJsonFile(file, schema, FILE_BYTES_MAX, 'remove it, and publish again');
  return read.ok ? success(read.value ?? none) : read;
}

export const readRollout = (dir: string): Promise<Result<Record<string, Published>>> =>
  readJson(rolloutFile(dir), rolloutSchema, {});
export const readReports = (dir: string): Promise<Result<Reports>> => readJson(reportsFile(dir), reportsSchema, {});

/** Puts a pack, or only how far it goes, where the collector finds it. */
export async function publish(
  dir: string,
  pack: { readonly name: string; readonly version: number; readonly bytes: Uint8Array },
  to: Stage,
  now: number,
): Promise<Result<undefined>> {
  const before = await readRollout(dir);
  if (!before.ok) return before;
  const { name, version, bytes } = pack;
  try {
    await nodeDisk.makeDir(dir);
    await replaceDurably(nodeDisk, packFile(dir, name, version), bytes);
    const published = {
      ...{ version, size: bytes.length, to, at: now, sha256: createHash('sha256').update(bytes).digest('hex') },
    };
    const text = `${JSON.stringify({ ...before.value, [name]: published }, undefined, 1)}\n`;
    await replaceDurably(nodeDisk, rolloutFile(dir), Buffer.from(text));
    const old = before.value[name]?.version;
    if (old !== undefined && old !== version) await unlink(packFile(dir, name, old)).catch(() => undefined);
    return success(undefined);
  } catch (error) {
    return { ok: false, fault: systemFault('output_unwritable', dir, error) };
  }
}

/** The published pack's bytes, for whoever widens its stage. */
export function publishedBytes(dir: string, name: string, version: number): Result<Buffer> {
  const file = packFile(dir, name, version);
  try {
    return success(readFileSync(file));
  } catch (error) {
    return { ok: false, fault: systemFault('input_unreadable', file, error) };
  }
}

export class Rollout {
  private readonly dir: string;
  private readonly clock: Clock;
  private readonly onFault: (fault: Fault) => void;
  private readonly reports: Map<string, Reports[string]>;
  private packs: Record<string, Published> = {};
  private stamp = '';
  private isWriting = false;

  private constructor(dir: string, clock: Clock, onFault: (fault: Fault) => void, reports: Reports) {
    this.dir = dir;
    this.clock = clock;
    this.onFault = onFault;
    this.reports = new Map(Object.entries(reports));
  }

  static async open(dir: string, clock: Clock, onFault: (fault: Fault) => void): Promise<Result<Rollout>> {
    const reports = await readReports(dir);
    return reports.ok ? success(new Rollout(dir, clock, onFault, reports.value)) : reports;
  }

  /** A sensor asks: what it is to run, or a pack. */
  async answer(sensor: string, target: string, response: ServerResponse): Promise<void> {
    await this.refresh();
    const { pathname, searchParams } = new URL(target, 'https://collector');
    const none = (): void => void response.writeHead(404, { connection: 'close', 'content-length': 0 }).end();
    if (pathname === CONTENT_PATH) {
      this.note(sensor, searchParams.get('have') ?? '');
      const packs = Object.entries(this.packs)
        .filter(([name, p]) => isIn(p.to, name, sensor))
        .map(([name, { version, size, sha256 }]) => ({ name, version, size, sha256 }));
      const text = JSON.stringify({ packs });
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
      response.writeHead(200, { ...headers, connection: 'close' }).end(text);
      return;
    }
    const asked = pathname.startsWith(`${CONTENT_PATH}/`) ? pathname.slice(CONTENT_PATH.length + 1).split('/') : [];
    const [name = '', version = ''] = asked;
    const published = new Map(Object.entries(this.packs)).get(name);
    if (
      asked.length !== 2 ||
      published === undefined ||
      String(published.version) !== version ||
      !isIn(published.to, name, sensor)
    )
      return none();
    const file = createReadStream(packFile(this.dir, name, published.version));
    file.on('error', () => (response.headersSent ? response.destroy() : none()));
    file.on('open', () => response.writeHead(200, { 'content-length': published.size, connection: 'close' }));
    file.pipe(response);
  }

  /** Rollouts are changed by another process: its file is read again when it is another one. */
  private async refresh(): Promise<void> {
    let stamp = '';
    try {
      const { mtimeMs, ino } = statSync(rolloutFile(this.dir));
      stamp = `${mtimeMs}/${ino}`;
    } catch {
      // Nothing was published yet.
      this.packs = {};
    }
    if (stamp === '' || stamp === this.stamp) return;
    const read = await readRollout(this.dir);
    if (!read.ok) return this.onFault(read.fault);
    this.packs = read.value;
    this.stamp = stamp;
  }

  private note(sensor: string, have: string): void {
    if (!this.reports.has(sensor) && this.reports.size >= SENSORS_MAX) return;
    this.reports.set(sensor, { at: this.clock.wall(), have: have.slice(0, HAVE_MAX) });
    if (this.isWriting) return;
    this.isWriting = true;
    this.clock.after(WRITE_MS, () => void this.write());
  }

  private async write(): Promise<void> {
    this.isWriting = false;
    try {
      await nodeDisk.makeDir(this.dir);
      const text = `${JSON.stringify(Object.fromEntries(this.reports), undefined, 1)}\n`;
      await replaceDurably(nodeDisk, reportsFile(this.dir), Buffer.from(text));
    } catch (error) {
      this.onFault(systemFault('output_unwritable', this.dir, error));
    }
  }
}

/** Names of pack files that nobody offers any more are left by a crash: gone at the next start. */
export async function tidyRollout(dir: string): Promise<void> {
  const rollout = await readRollout(dir);
  if (!rollout.ok) return;
  const kept = new Set(Object.entries(rollout.value).map(([name, p]) => path.basename(packFile(dir, name, p.version))));
  for (const name of await readdir(dir).catch(() => []))
    if (name.endsWith('.tar.gz') && !kept.has(name)) await unlink(path.join(dir, name)).catch(() => undefined);
}
