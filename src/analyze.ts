// The spine of `catenary analyze`: captures through the decoder and detection, to signals and alerts. It reads top to
// bottom as the run itself.
//
// With a state folder a run survives being killed: what detection knows, the place in the input and the lengths of the
// outputs are committed together, and the same command goes on from there. The next input is then the continuation of
// the same history.
import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { alertId } from './alerts/alert.ts';
import { alertLine } from './alerts/line.ts';
import { loadAddon } from './capture/addon.ts';
import { type Drain, type EventSource, openReader, type Summary } from './capture/index.ts';
import { inspectInputs, resultFaults, STDIN } from './commands/input_faults.ts';
import type { Surroundings } from './commands/surroundings.ts';
import type { Config } from './config/config.ts';
import { jsonLine } from './formats/json/json.ts';
import type { ZeekReader } from './formats/zeek/input/reader.ts';
import {
  EXIT,
  type ExitCode,
  FAULTS,
  type Fault,
  failure,
  faultLine,
  type Result,
  success,
  systemFault,
  worse,
} from './lib/fault.ts';
import { ContinuedFile, replaceFile } from './lib/output.ts';
import { Progress } from './lib/progress.ts';
import { passingKey, secretKey } from './lib/secret_key.ts';
import { safeText } from './lib/terminal.ts';
import { decodeBatch } from './schema/decode.ts';
import type { Finding } from './schema/finding.ts';
import type { Section } from './schema/observation.ts';
import { Merge } from './schema/order.ts';
import { Redactor } from './schema/redact.ts';
import { openStages, type Stages } from './stages.ts';

export interface AnalyzeRequest {
  /** Captures, "-" for standard input. */
  readonly files: readonly string[];
  /** The files are folders of Zeek's logs. */
  readonly from?: 'zeek' | undefined;
  readonly out: string;
  readonly config: Config;
  readonly filter?: string | undefined;
  readonly quiet: boolean;
}

/** A commit costs a sync of the disk: not more often than so many events, or so long [ms]. */
const COMMIT_EVENTS = 10_000;
const COMMIT_MS = 2000;

/** The place in the input that the state belongs to. */
interface Cursor {
  /** Which input: a digest of sizes and beginnings. */
  readonly input: string;
  /** Events taken of it. */
  readonly events: number;
  /** Length of signals.ndjson then. */
  readonly signalBytes: number;
  /** The input was read to its end. */
  readonly done: boolean;
  /** Latest `seen` so far [us]. */
  readonly newest: number;
}

const HEAD_BYTES = 1 << 16;

/** The same for the same captures, wherever they lie; undefined when nobody can tell, as with a pipe. */
async function inputDigest(files: readonly string[]): Promise<string | undefined> {
  const hash = createHash('sha256');
  for (const path of files) {
    if (path === STDIN) return undefined;
    const file = await open(path);
    try {
      const { size } = await file.stat();
      const head = Buffer.alloc(HEAD_BYTES);
      const { bytesRead } = await file.read(head, 0, HEAD_BYTES, 0);
      hash.update(`${size}\n`).update(head.subarray(0, bytesRead));
    } finally {
      await file.close();
    }
  }
  return hash.digest('hex').slice(0, 32);
}

/** When a capture begins, by its first packet; those that have none, or cannot be read, last. */
async function beginning(file: string): Promise<number> {
  const opened = openReader({ files: [file], kinds: [], packetsMax: 1 });
  if (!opened.ok) return Number.POSITIVE_INFINITY;
  for await (const _ of opened.value.drains());
  return opened.value.summary().firstTs || Number.POSITIVE_INFINITY;
}

/** Loaded when they are asked for: of a short run, starting is the most. */
async function openLogs(folders: readonly string[]): Promise<Result<ZeekReader>> {
  const { ZeekReader } = await import('./formats/zeek/input/reader.ts');
  return ZeekReader.open(folders);
}

/** One history, whatever the order in which a shell named its files. Standard input stays where it was named. */
async function inTimeOrder(files: readonly string[]): Promise<readonly string[]> {
  if (files.length < 2 || files.includes(STDIN)) return files;
  const begun = await Promise.all(files.map(async (file) => ({ file, at: await beginning(file) })));
  return begun.sort((a, b) => a.at - b.at).map(({ file }) => file);
}

/** Between the captures of a history nobody watched. Spans are in order of time. */
export class Watched {
  private spans: readonly { readonly firstTs: number; readonly lastTs: number }[] = [];

  update(summary: Summary): void {
    this.spans = summary.files.filter((f) => f.packets > 0);
  }

  /** Fraction of the time that some capture covers. */
  of(from: number, to: number): number {
    if (to <= from) return 1;
    let covered = 0;
    let reached = from;
    for (const { firstTs, lastTs } of this.spans) {
      const begin = Math.max(reached, firstTs);
      const end = Math.min(to, lastTs);
      if (end <= begin) continue;
      covered += end - begin;
      reached = end;
    }
    return covered / (to - from);
  }
}

/** Alerts of a run, each by its latest revision; kept in the state as they are written. */
class Alerts {
  private readonly section: Section;
  private readonly lines = new Map<string, string>();

  constructor(section: Section) {
    this.section = section;
    for (const [id, line] of section.entries()) this.lines.set(id, Buffer.from(line).toString());
  }

  clear(): void {
    for (const id of this.lines.keys()) this.section.remove(id);
    this.lines.clear();
  }

  take(finding: Finding): void {
    const id = alertId(finding);
    const line = alertLine(finding);
    this.lines.set(id, line);
    this.section.put(id, Buffer.from(line));
  }

  /** In order of detection. */
  get text(): string {
    const all = [...this.lines].map(([id, line]) => ({
      id,
      line,
      at: (JSON.parse(line) as { detected_ts: number }).detected_ts,
    }));
    all.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
    return all.map(({ line }) => `${line}\n`).join('');
  }

  get count(): number {
    return this.lines.size;
  }
}

class Run {
  events = 0;
  signals = 0;
  readonly alerts: Alerts;
  private readonly stages: Stages;
  private readonly request: AnalyzeRequest;
  private readonly world: Surroundings;
  private readonly input: string;
  private readonly skip: number;
  private readonly keep: number;
  private readonly after: number;
  private readonly pending: string[] = [];
  private readonly merge: Merge;
  private readonly redactor: Redactor;
  private frames = 0;
  private signalFile: ContinuedFile | undefined;
  private newest: number;
  private late: number | undefined;
  private committedEvents: number;
  private committedAt: number;

  /** @param key  for what the configuration hides */
  constructor(
    request: AnalyzeRequest,
    world: Surroundings,
    stages: Stages,
    input: string,
    before: Cursor | undefined,
    key: Uint8Array,
  ) {
    const resumed = before !== undefined && !before.done ? before : undefined;
    this.request = request;
    this.world = world;
    this.stages = stages;
    this.input = input;
    this.alerts = new Alerts(stages.state.section('alerts'));
    if (resumed === undefined) this.alerts.clear();
    this.skip = resumed?.events ?? 0;
    this.keep = resumed?.signalBytes ?? 0;
    this.newest = before?.newest ?? Number.NEGATIVE_INFINITY;
    this.after = resumed === undefined ? this.newest : Number.NEGATIVE_INFINITY;
    this.committedEvents = this.skip;
    this.committedAt = world.clock.monotonic();
    // Addresses stay: detection joins by them.
    this.redactor = new Redactor({ ...request.config.redact, address: 'keep' }, key);
    this.merge = new Merge(0, ({ kind, event, seq, index }) => {
      if (this.late !== undefined || ++this.events <= this.skip) return;
      if (event.seen < this.after) {
        this.late = event.seen;
        return;
      }
      if (this.events === 1) stages.memory.begin(event.seen);
      if (event.seen > this.newest) this.newest = event.seen;
      stages.detection.take(kind, event, `offline/0/${seq}/${index}`);
    });
  }

  say(signalLine: string): void {
    this.signals++;
    this.pending.push(signalLine);
  }

  /** To the end of the input, or to where `stopped` says so. */
  async pump(reader: EventSource, stopped: () => boolean, between: () => void): Promise<Result<undefined>> {
    for await (const drain of reader.drains(between)) {
      if (stopped()) return success(undefined);
      if (!drain.ok) return drain;
      this.take(drain.value);
      const written = await this.settle();
      if (!written.ok) return written;
    }
    if (stopped()) return success(undefined);
    this.merge.finish();
    // With a state the history goes on in the next input: what silence decides is decided then.
    if (this.request.config.state.dir === null) this.stages.detection.finish();
    return this.commit(true);
  }

  private take(drain: Drain): void {
    for (const { kind, bytes } of drain.batches)
      this.merge.push(kind, decodeBatch(kind, this.redactor.batch(kind, bytes)), ++this.frames);
    this.merge.settle();
  }

  /** What has been found goes out, even where the run ends early. */
  async close(): Promise<Result<undefined>> {
    if (this.late !== undefined) return success(undefined);
    const written = await this.write();
    const alerts = written.ok ? await replaceFile(join(this.request.out, 'alerts.ndjson'), this.alerts.text) : written;
    const closed = (await this.signalFile?.close()) ?? success(undefined);
    return alerts.ok ? closed : alerts;
  }

  private async write(): Promise<Result<undefined>> {
    if (this.late !== undefined) {
      const ends = new Date(this.after / 1000).toISOString();
      return failure(
        'state_unusable',
        `the input begins before ${ends}, where the history in ${this.request.config.state.dir} ends`,
        'name later captures, or another state.dir',
      );
    }
    if (this.signalFile === undefined) {
      const opened = await ContinuedFile.open(join(this.request.out, 'signals.ndjson'), this.keep);
      if (!opened.ok) return opened;
      this.signalFile = opened.value;
    }
    for (const line of this.pending) this.signalFile.write(`${line}\n`);
    this.pending.length = 0;
    return this.signalFile.settle();
  }

  private async settle(): Promise<Result<undefined>> {
    const written = await this.write();
    if (!written.ok || this.request.config.state.dir === null) return written;
    const isDue =
      this.events - this.committedEvents >= COMMIT_EVENTS ||
      (this.events > this.committedEvents && this.world.clock.monotonic() - this.committedAt >= COMMIT_MS);
    return isDue ? this.commit(false) : success(undefined);
  }

  private async commit(done: boolean): Promise<Result<undefined>> {
    const written = await this.write();
    if (!written.ok || this.request.config.state.dir === null) return written;
    const file = this.signalFile as ContinuedFile;
    const synced = await file.sync();
    if (!synced.ok) return synced;
    const { input, events, newest } = this;
    const cursor: Cursor = { input, events, signalBytes: file.bytes, done, newest };
    this.committedEvents = Math.max(events, this.skip);
    this.committedAt = this.world.clock.monotonic();
    return this.stages.commit(JSON.stringify(cursor));
  }
}

/**
 * The run ended, and perhaps nobody heard of it: it was killed after its last commit. The signals are on disk, the
 * alerts are in the state.
 */
async function sayAgain(request: AnalyzeRequest, stages: Stages, cursor: Cursor): Promise<Result<undefined>> {
  const file = await ContinuedFile.open(join(request.out, 'signals.ndjson'), cursor.signalBytes);
  if (!file.ok) return file;
  await file.value.close();
  return replaceFile(join(request.out, 'alerts.ndjson'), new Alerts(stages.state.section('alerts')).text);
}

/** Where the state stands, or why this input cannot go on from there. */
function resumeFrom(stages: Stages, input: string | undefined, dir: string | null): Result<Cursor | undefined> {
  if (stages.state.cursor === undefined) return success(undefined);
  const cursor = JSON.parse(stages.state.cursor) as Cursor;
  if (cursor.done || cursor.input === input) return success(cursor);
  return failure(
    'state_unusable',
    `${dir}: holds another analysis, which was broken off`,
    'run that one again to end it, or name another state.dir',
  );
}

const line = (label: string, n: number): string => `${label} ${n}\n`;

/** Runs it. What goes wrong is told on stderr; the answer is the exit code. */
export async function analyze(request: AnalyzeRequest, world: Surroundings): Promise<ExitCode> {
  const tell = (fault: Fault): void => {
    world.stderr.write(`${faultLine(fault)}\n`);
  };
  const stop = (fault: Fault): ExitCode => {
    tell(fault);
    return FAULTS[fault.code];
  };
  const addon = loadAddon();
  if (!addon.ok) return stop(addon.fault);
  const logs = request.from === 'zeek' ? await openLogs(request.files) : success(undefined);
  if (!logs.ok) return stop(logs.fault);
  const inputs = await inspectInputs(logs.value?.files.map(({ path }) => path) ?? request.files);
  try {
    await mkdir(request.out, { recursive: true });
  } catch (error) {
    return stop(systemFault('output_unwritable', request.out, error));
  }
  const files = logs.value === undefined ? await inTimeOrder(inputs.files) : inputs.files;
  const input = await inputDigest(files);

  const watched = new Watched();
  let run: Run | undefined;
  const opened = openStages(
    request.config,
    addon.value.Memory,
    {
      onConclusion: (kind, event) => {
        if (kind === 'signal') run?.say(jsonLine('signal', event));
      },
      onFinding: (finding) => run?.alerts.take(finding),
    },
    { coverage: (from, to) => watched.of(from, to) },
  );
  if (!opened.ok) return stop(opened.fault);
  const stages = opened.value;
  const before = resumeFrom(stages, input, request.config.state.dir);
  const reader: Result<EventSource> = !before.ok
    ? before
    : logs.value === undefined
      ? openReader({ files, kinds: stages.kinds, filter: request.filter })
      : success(logs.value.of(stages.kinds));
  if (!before.ok || !reader.ok) {
    stages.close();
    return stop((before.ok ? (reader as { fault: Fault }) : before).fault);
  }
  if (before.value?.done === true && before.value.input === input) {
    reader.value.stop();
    const again = await sayAgain(request, stages, before.value);
    stages.close();
    if (!again.ok) return stop(again.fault);
    if (!request.quiet) world.stderr.write('analysed before, to the end: nothing to do\n');
    return EXIT.ok;
  }
  const { dir } = request.config.state;
  const key = dir === null ? success(passingKey()) : secretKey(join(dir, 'keys', 'redact.key'));
  if (!key.ok) return stop(key.fault);
  run = new Run(request, world, stages, input ?? '', before.value, key.value);

  for (const notice of logs.value?.notices ?? []) world.stderr.write(`catenary: ${notice}\n`);
  const progress = new Progress(world.stderr, world.clock);
  let interrupted: ExitCode | undefined;
  const release = world.onInterrupt((code) => {
    interrupted = code;
  });
  const between = (): void => {
    const now = reader.value.summary();
    watched.update(now);
    if (progress.isDue())
      progress.draw({
        done: now.position,
        total: inputs.bytes,
        packets: now.packets,
        name: now.files.at(-1)?.path ?? '',
      });
  };
  const pumped = await run.pump(reader.value, () => interrupted !== undefined, between);
  const closed = await run.close();
  progress.erase();
  release();

  const summary = reader.value.summary();
  const faults = [...stages.faults, ...inputs.faults, ...(logs.value?.faults() ?? resultFaults(summary.files))];
  for (const r of [pumped, closed]) if (!r.ok) faults.push(r.fault);
  for (const fault of faults) tell(fault);
  if (!request.quiet) {
    const { keys, keysEvicted, pairsEvicted } = stages.memory.stats();
    world.stderr.write(
      [
        line(logs.value === undefined ? 'packets' : 'rows', summary.packets),
        ...(logs.value === undefined
          ? []
          : [line('lines left out', logs.value.refused), line('rows out of order', logs.value.outOfOrder)]),
        line('events', run.events),
        line('signals', run.signals),
        line('alerts', run.alerts.count),
        line('chains half-way', stages.chains.partials),
        line('memory keys', keys),
        ...(keysEvicted + pairsEvicted > 0
          ? [line('memory forgotten for want of room', keysEvicted + pairsEvicted)]
          : []),
        ...[...stages.chains.counts].map(([name, n]) => line(`chain ${safeText(name)}`, n)),
      ].join(''),
    );
  }
  stages.close();
  if (interrupted !== undefined) return interrupted;
  return faults.reduce<ExitCode>((code, fault) => worse(code, FAULTS[fault.code]), EXIT.ok);
}
