// Frames of sensors' logs into the store, each exactly once.
//
// load() turns a list of frames into one insert a kind (or a few, by size), each under a token made from the numbers of
// its frames, and last writes down which frames are in. Whatever dies in between, the same list again does the rest:
//   - frames that are written down are left out;
//   - an insert that was done is known by its token, and dropped by the server;
//   - an insert that was not is done.
// So the caller's part is to come back with the same list, in the same order, until load() says success: the
// collector's log keeps the boundaries of its lists for that. Inside one call what fails is tried again by itself.
//
// What cannot be stored (records that are not of their kind, a stranger's schema) is refused: it is written to
// refused_frames with the reason, counts as handled, and the rest goes on. Whether a frame is refused depends on the
// frame alone, so that the inserts of a retry are the same bytes.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import { getDomain } from 'tldts';
import type { Clock } from '../lib/clock.ts';
import { failure, type Result, success } from '../lib/fault.ts';
import { KIND_NAMES } from '../schema/gen/structures.gen.ts';
import type { LogFrame, NativeTransposition } from '../schema/transposition.ts';
import { connect, reasonOf, type StoreAccess } from './access.ts';
import { type Backoff, pauseOf } from './backoff.ts';
import { type Range, Ranges } from './ranges.ts';
import { quoted } from './tables.ts';

export interface Frame extends LogFrame {
  /** Number of the kind of all its records. */
  readonly kind: number;
  /** Number of the schema they were written by. */
  readonly schema: number;
}

export interface Refusal {
  readonly sensor: string;
  readonly epoch: number;
  /** Frames first..last; one frame unless they never came. */
  readonly first: number;
  readonly last: number;
  /** 0: never came. */
  readonly kind: number;
  readonly reason: string;
}

export interface LoadReport {
  readonly frames: number;
  readonly rows: number;
  /** Bytes of the blocks that were inserted. */
  readonly bytes: number;
  readonly inserts: number;
  /** Frames that were in the store already, or twice in the list. */
  readonly duplicates: number;
  readonly refused: readonly Refusal[];
  /** Requests that had to be sent again. */
  readonly retries: number;
}

export interface LoaderOptions {
  readonly access: StoreAccess;
  readonly native: NativeTransposition;
  readonly clock: Clock;
  /** Numbers of the schemas whose records mean what ours do. */
  readonly schemas: ReadonlySet<number>;
}

export const FRAMES_MAX = 16_384;
export const FRAMES_BYTES_MAX = 64 * 2 ** 20;
/** Of one insert: a block of this many rows is tens of megabytes. */
export const INSERT_ROWS_MAX = 65_536;
export const INSERT_BYTES_MAX = 16 * 2 ** 20;
/** Between a frame's first record and its last: each day is a part to write. */
export const SPAN_DAYS_MAX = 400;
export const SENSOR_BYTES_MAX = 64;
/** Logs whose ranges are kept at hand; others are asked for again. */
export const LOGS_MAX = 4096;
/** About a minute in all: a server that restarts comes back within it. */
const PAUSE: Backoff = { first: 50, max: 10_000 };
const ATTEMPTS_MAX = 14;

const DAY_US = 86_400e6;
const INSERT_SETTINGS: ClickHouseSettings = {
  async_insert: 0,
  insert_deduplicate: 1,
  // Without it a crash between a table and the view behind it would leave the view without its rows for good.
  deduplicate_blocks_in_dependent_materialized_views: 1,
  // The table's partition key bounds them.
  max_partitions_per_insert_block: '0',
};

/** Why a frame can never be stored, by what is written on it; undefined when it may be. */
function misfit(f: Frame, schemas: ReadonlySet<number>): string | undefined {
  if (!schemas.has(f.schema)) return `schema ${f.schema} is not known here`;
  if (KIND_NAMES[f.kind] === undefined) return `no kind has number ${f.kind}`;
  if (!(Number.isSafeInteger(f.count) && f.count >= 1)) return `a count of ${f.count}`;
  return undefined;
}

const isWhole = (n: number): boolean => Number.isSafeInteger(n) && n >= 1;

interface Log {
  readonly sensor: string;
  readonly epoch: number;
  readonly ranges: Ranges;
}

interface Tally {
  frames: number;
  rows: number;
  bytes: number;
  inserts: number;
  duplicates: number;
  retries: number;
  refused: Refusal[];
}

export class Loader {
  private readonly options: LoaderOptions;
  private readonly client: ClickHouseClient;
  private readonly logs = new Map<string, Log>();
  private tail: Promise<unknown> = Promise.resolve();
  private isClosed = false;

  constructor(options: LoaderOptions) {
    this.options = options;
    this.client = connect(options.access, options.access.writer);
  }

  /**
   * Stores what is not stored yet. Calls wait for each other.
   * @param frames  at most FRAMES_MAX and FRAMES_BYTES_MAX; the bytes stay untouched until the promise settles
   * @returns       success: all of it is durable, or refused and written down. A failure: come back with the same list.
   * @throws        RangeError for a list too large, or a sensor, epoch or seq that is none: the caller's mistake
   */
  load(frames: readonly Frame[]): Promise<Result<LoadReport>> {
    let bytes = 0;
    for (const f of frames) {
      bytes += f.bytes.length;
      if (!isWhole(f.epoch) || !isWhole(f.seq))
        throw new RangeError(`frame ${f.epoch}/${f.seq}: epoch and seq begin at 1`);
      if (f.sensor === '' || Buffer.byteLength(f.sensor) > SENSOR_BYTES_MAX || /[^\w.:-]/.test(f.sensor))
        throw new RangeError(`${JSON.stringify(f.sensor)} is no sensor's name`);
    }
    if (frames.length > FRAMES_MAX || bytes > FRAMES_BYTES_MAX)
      throw new RangeError(`${frames.length} frames of ${bytes} bytes: at most ${FRAMES_MAX} of ${FRAMES_BYTES_MAX}`);
    const turn = this.tail.then(() => this.loadNow(frames));
    this.tail = turn.catch(() => undefined);
    return turn;
  }

  /** Which frames of a log are in the store. */
  async ranges(sensor: string, epoch: number): Promise<Result<readonly Range[]>> {
    const tally = newTally();
    const found = await this.logsOf([{ sensor, epoch }], tally);
    return found.ok ? success((found.value[0] as Log).ranges.all) : found;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.tail;
    await this.client.close();
  }

  private async loadNow(frames: readonly Frame[]): Promise<Result<LoadReport>> {
    const tally = newTally();
    const pairs = new Map<string, Frame>();
    for (const f of frames) pairs.set(keyOf(f), f);
    const found = await this.logsOf([...pairs.values()], tally);
    if (!found.ok) return found;
    const logs = new Map(found.value.map((log) => [keyOf(log), log]));

    const fresh: Frame[] = [];
    const listed = new Set<string>();
    for (const f of frames) {
      const key = `${keyOf(f)}/${f.seq}`;
      if (listed.has(key) || logs.get(keyOf(f))?.ranges.has(f.seq)) tally.duplicates++;
      else fresh.push(f);
      listed.add(key);
    }
    for (const [kind, list] of byKind(fresh, this.options.schemas, tally)) {
      const stored = await this.loadKind(kind, list, tally);
      if (!stored.ok) return stored;
    }
    const written = await this.writeDown(fresh, logs, tally);
    return written.ok ? success(tally) : written;
  }

  private async loadKind(kind: number, frames: readonly Frame[], tally: Tally): Promise<Result<undefined>> {
    const checked = await this.options.native.checkFrames(kind, frames);
    const good: Frame[] = [];
    frames.forEach((f, i) => {
      const c = checked[i];
      if (c === undefined) return;
      if (c.fault !== undefined) {
        const where = c.fault.field === '' ? '' : `${c.fault.field}: `;
        tally.refused.push(refusal(f, `record ${c.records} at byte ${c.fault.offset}: ${where}${c.fault.reason}`));
      } else if (c.records !== f.count) {
        tally.refused.push(refusal(f, `${c.records} records, not the ${f.count} it says`));
      } else if (c.seenMax - c.seenMin > SPAN_DAYS_MAX * DAY_US) {
        tally.refused.push(refusal(f, `its records are more than ${SPAN_DAYS_MAX} days apart`));
      } else good.push(f);
    });
    for (const group of inserts(good)) {
      const stored = await this.insert(kind, group, tally);
      if (!stored.ok) return stored;
    }
    return success(undefined);
  }

  private async insert(kind: number, frames: readonly Frame[], tally: Tally): Promise<Result<undefined>> {
    const transposer = new this.options.native.Transposer(kind);
    await transposer.add(frames);
    const domains = transposer.names().map((name) => getDomain(name) ?? '');
    const { block, rows } = await transposer.finish(domains);
    const bytes = Buffer.from(block);
    const table = KIND_NAMES[kind] as string;
    const sent = await this.patiently(tally, async () => {
      const { stream } = await this.client.exec({
        query: `INSERT INTO ${this.table(table)} FORMAT Native`,
        values: Readable.from([bytes], { objectMode: false }),
        clickhouse_settings: { ...INSERT_SETTINGS, insert_deduplication_token: tokenOf(kind, frames) },
      });
      for await (const _ of stream);
    });
    if (!sent.ok) return sent;
    tally.frames += frames.length;
    tally.rows += rows;
    tally.bytes += bytes.length;
    tally.inserts++;
    return success(undefined);
  }

  /** Refused frames first: once a number is in a range nobody asks about it again. */
  private async writeDown(fresh: readonly Frame[], logs: Map<string, Log>, tally: Tally): Promise<Result<undefined>> {
    const grown = new Map<string, Range & { readonly sensor: string; readonly epoch: number }>();
    const next = new Map<string, Log>();
    for (const f of fresh) {
      const key = keyOf(f);
      // A copy: what a failure leaves half done must not be believed by the next call.
      const log = next.get(key) ?? { ...(logs.get(key) as Log), ranges: new Ranges(logs.get(key)?.ranges.all) };
      next.set(key, log);
      const { sensor, epoch } = log;
      const put = (r: Range): void => void grown.set(`${key}/${r.first}`, { sensor, epoch, ...r });
      put(log.ranges.add(f.seq));
      const lost = log.ranges.giveUp();
      if (lost === undefined) continue;
      tally.refused.push({ sensor, epoch, ...lost, kind: 0, reason: 'never came, and the log has too many holes' });
      put(log.ranges.all[0] as Range);
    }
    if (grown.size === 0) return success(undefined);
    const values = (rows: readonly object[]) => ({ values: rows, format: 'JSONEachRow' as const });
    if (tally.refused.length > 0) {
      const refused = await this.patiently(tally, () =>
        this.client.insert({
          ...{ table: this.table('refused_frames'), ...values(tally.refused) },
          clickhouse_settings: { ...INSERT_SETTINGS, insert_deduplication_token: hashOf(tally.refused) },
        }),
      );
      if (!refused.ok) return refused;
    }
    const written = await this.patiently(tally, () =>
      this.client.insert({
        ...{ table: this.table('loaded_frames'), ...values([...grown.values()]) },
        clickhouse_settings: { async_insert: 0 },
      }),
    );
    if (!written.ok) return written;
    for (const [key, log] of next) this.remember(key, log);
    return success(undefined);
  }

  /** Ranges of each pair, in its order; asked of the store where they are not at hand. */
  private async logsOf(
    pairs: readonly { readonly sensor: string; readonly epoch: number }[],
    tally: Tally,
  ): Promise<Result<Log[]>> {
    const missing = pairs.filter((p) => !this.logs.has(keyOf(p)));
    const rows = new Map<string, Range[]>(missing.map((p) => [keyOf(p), []]));
    if (missing.length > 0) {
      const asked = await this.patiently(tally, async () => {
        const answer = await this.client.query({
          query: `SELECT sensor, epoch, first, max(last) AS last FROM ${this.table('loaded_frames')}
            WHERE sensor IN {sensors: Array(String)} AND epoch IN {epochs: Array(UInt64)}
            GROUP BY sensor, epoch, first`,
          query_params: {
            sensors: [...new Set(missing.map((p) => p.sensor))],
            epochs: [...new Set(missing.map((p) => p.epoch))],
          },
          format: 'JSONEachRow',
        });
        return answer.json<{ sensor: string; epoch: string; first: string; last: string }>();
      });
      if (!asked.ok) return asked;
      for (const r of asked.value)
        rows.get(`${r.sensor}/${r.epoch}`)?.push({ first: Number(r.first), last: Number(r.last) });
    }
    return success(
      pairs.map((p) => {
        const key = keyOf(p);
        const log = this.logs.get(key) ?? {
          ...{ sensor: p.sensor, epoch: p.epoch },
          ranges: new Ranges(rows.get(key)),
        };
        this.remember(key, log);
        return log;
      }),
    );
  }

  private remember(key: string, log: Log): void {
    this.logs.delete(key);
    this.logs.set(key, log);
    if (this.logs.size > LOGS_MAX) this.logs.delete(this.logs.keys().next().value as string);
  }

  private table(name: string): string {
    return `${quoted(this.options.access.database)}.${quoted(name)}`;
  }

  /** Once more after a pause, while that can help. The request is the same each time. */
  private async patiently<T>(tally: Tally, request: () => Promise<T>): Promise<Result<T>> {
    for (let attempt = 0; ; attempt++) {
      try {
        return success(await request());
      } catch (error) {
        if (attempt + 1 >= ATTEMPTS_MAX || this.isClosed || !mayPass(error))
          return failure('store_unusable', `store at ${this.options.access.url}: ${reasonOf(error)}`);
        tally.retries++;
        await new Promise<void>((done) => this.options.clock.after(pauseOf(attempt, PAUSE), done));
      }
    }
  }
}

/** What the server says to the same request every time, whatever it is given. */
const LASTING = new Set(['UNKNOWN_TABLE', 'UNKNOWN_DATABASE', 'ACCESS_DENIED', 'AUTHENTICATION_FAILED']);
const mayPass = (error: unknown): boolean => !LASTING.has((error as { type?: string }).type ?? '');

const newTally = (): Tally => ({
  ...{ frames: 0, rows: 0, bytes: 0, inserts: 0, duplicates: 0, retries: 0 },
  refused: [],
});

const keyOf = (f: { readonly sensor: string; readonly epoch: number }): string => `${f.sensor}/${f.epoch}`;
const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

/** The same frames, the same token; other frames, another. */
const tokenOf = (kind: number, frames: readonly Frame[]): string =>
  hashOf([kind, ...frames.map((f) => [f.sensor, f.epoch, f.seq, f.count, f.bytes.length])]);

const refusal = (f: Frame, reason: string): Refusal => ({
  ...{ sensor: f.sensor, epoch: f.epoch, first: f.seq, last: f.seq, kind: f.kind },
  reason: reason.slice(0, 500),
});

/** In the order of the kinds' numbers, so that it does not depend on which came first. */
function byKind(frames: readonly Frame[], schemas: ReadonlySet<number>, tally: Tally): [number, Frame[]][] {
  const kinds = new Map<number, Frame[]>();
  for (const f of frames) {
    const reason = misfit(f, schemas);
    if (reason !== undefined) {
      // A column of 32 bits takes it, whatever it said.
      const kind = Number.isSafeInteger(f.kind) && f.kind >= 0 ? Math.min(f.kind, 0xffffffff) : 0;
      tally.refused.push(refusal({ ...f, kind }, reason));
      continue;
    }
    if (!kinds.has(f.kind)) kinds.set(f.kind, []);
    kinds.get(f.kind)?.push(f);
  }
  return [...kinds].sort(([a], [b]) => a - b);
}

/** Runs of frames for one insert each; a frame is never parted. */
export function inserts<F extends Pick<Frame, 'count' | 'bytes'>>(frames: readonly F[]): F[][] {
  const groups: F[][] = [];
  let rows = 0;
  let bytes = 0;
  for (const f of frames) {
    rows += f.count;
    bytes += f.bytes.length;
    if (groups.length === 0 || rows > INSERT_ROWS_MAX || bytes > INSERT_BYTES_MAX) {
      groups.push([]);
      rows = f.count;
      bytes = f.bytes.length;
    }
    groups.at(-1)?.push(f);
  }
  return groups;
}
