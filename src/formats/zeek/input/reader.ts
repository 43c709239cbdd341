// A folder of Zeek's logs as what a capture is to the rest of the program: batches of events in the order in which they
// were complete, a drain at a time.
//
// A merge of lanes, one an open file. A file is opened when the merge comes near its first row and closed behind its
// last, so an archive of months has a day's files open.

import { type Fault, type Result, success, systemFault } from '../../../lib/fault.ts';
import { encodeBatches } from '../../../schema/encode.ts';
import type { CatenaryEvent, KindName } from '../../../schema/gen/events.gen.ts';
import { type LogFile, logsIn } from './folder.ts';
import { DISORDER, Lane, type LaneEvents } from './lane.ts';

/** Rows of a drain. */
const DRAIN_ROWS = 4096;
/** Lines of a file that are told one by one; the rest of them is counted. */
const TOLD_MAX = 10;

type Batch = ReturnType<typeof encodeBatches>[number];
export interface LogDrain {
  readonly batches: readonly Batch[];
  readonly segments: readonly [];
}

interface FileSpan {
  readonly path: string;
  /** Rows, here. */
  packets: number;
  firstTs: number;
  lastTs: number;
}

/** What a run of it saw, in the form of a capture's; a row counts as a packet there. */
export interface LogSummary {
  readonly packets: number;
  readonly bytes: number;
  readonly capturedBytes: number;
  readonly flows: number;
  readonly events: Readonly<Record<string, number>>;
  readonly weirds: number;
  readonly files: readonly FileSpan[];
  readonly firstTs: number;
  readonly lastTs: number;
  readonly position: number;
}

interface Waiting extends LogFile {
  /** Of its first row [us]. */
  readonly begins: number;
}

const SILENT: LaneEvents = { unusable: () => undefined, bytes: () => undefined, broken: () => undefined };

/** When its first row was complete; undefined: it has none. */
async function beginning({ path, log }: LogFile): Promise<number | undefined> {
  const lane = new Lane(path, log, SILENT);
  try {
    return await lane.firstSeen();
  } finally {
    await lane.close();
  }
}

export class ZeekReader {
  /** To be read, of the kinds that were asked for. */
  files: readonly LogFile[];
  /** What goes without a fault, but not without a word: logs that are not read. */
  readonly notices: readonly string[];
  private readonly unusable = new Map<string, number>();
  private readonly told: Fault[] = [];
  private readonly spans = new Map<string, FileSpan>();
  private readonly counts = new Map<string, number>();
  private rows = 0;
  private late = 0;
  private position = 0;
  private latest = 0;
  private stopped = false;

  private constructor(files: readonly LogFile[], notices: readonly string[]) {
    this.files = files;
    this.notices = notices;
  }

  /** Only these kinds. Before drains(). */
  of(kinds: readonly KindName[]): this {
    this.files = this.files.filter(({ log }) => kinds.includes(log.kind));
    return this;
  }

  /** @param kinds  to hand over; all when left out */
  static async open(folders: readonly string[], kinds?: readonly KindName[]): Promise<Result<ZeekReader>> {
    const files: LogFile[] = [];
    const unknown = new Set<string>();
    for (const folder of folders) {
      try {
        const found = await logsIn(folder);
        files.push(...found.files);
        for (const name of found.unknown) unknown.add(name);
      } catch (error) {
        return { ok: false, fault: systemFault('input_unreadable', folder, error) };
      }
    }
    if (files.length === 0) {
      const message = `${folders.join(', ')}: no log of Zeek's that we know`;
      return {
        ok: false,
        fault: { code: 'input_unreadable', message, hint: 'conn.log, dns.log.gz, ... belong there' },
      };
    }
    const notices = [...unknown].sort().map((name) => `${name}.log: not read, no kind of event can be made of it`);
    const reader = new ZeekReader(files, notices);
    return success(kinds === undefined ? reader : reader.of(kinds));
  }

  stop(): void {
    this.stopped = true;
  }

  /** What was wrong with the files, once drains() has ended. */
  faults(): Fault[] {
    const more = [...this.unusable]
      .filter(([, n]) => n > TOLD_MAX)
      .map(([path, n]): Fault => {
        const message = `${path}: ${n} lines cannot be used, of which the first ${TOLD_MAX} are told`;
        return { code: 'input_undecodable', message, hint: 'the other lines were read' };
      });
    return [...this.told, ...more];
  }

  /** Rows that cannot be used. */
  get refused(): number {
    return [...this.unusable.values()].reduce((sum, n) => sum + n, 0);
  }

  /** Rows further out of order than is put right: they count as complete when their turn came. */
  get outOfOrder(): number {
    return this.late;
  }

  summary(): LogSummary {
    const files = [...this.spans.values()];
    return {
      ...{
        packets: this.rows,
        bytes: this.position,
        capturedBytes: this.position,
        flows: this.counts.get('conn') ?? 0,
      },
      ...{ events: Object.fromEntries([...this.counts].sort()), weirds: this.counts.get('weird') ?? 0, files },
      ...{ firstTs: files[0]?.firstTs ?? 0, lastTs: this.latest, position: this.position },
    };
  }

  async *drains(between?: () => void): AsyncGenerator<Result<LogDrain>> {
    const waiting = await this.inTimeOrder();
    const open: Lane[] = [];
    let reached = Number.NEGATIVE_INFINITY;
    try {
      for (;;) {
        const drained = new Map<KindName, CatenaryEvent[]>();
        let n = 0;
        for (; n < DRAIN_ROWS && !this.stopped; n++) {
          const lane = await this.nextLane(open, waiting);
          if (lane === undefined) break;
          const at = lane.next as number;
          const { kind, event } = lane.shift();
          // What an earlier file should have had stays behind what has been handed over.
          if (at < reached) this.late++;
          reached = Math.max(reached, at);
          const placed = event.seen === reached ? event : { ...event, seen: reached };
          const events = drained.get(kind);
          if (events === undefined) drained.set(kind, [placed]);
          else events.push(placed);
          this.count(lane.path, kind, reached);
        }
        if (n === 0) return;
        between?.();
        yield success({
          batches: [...drained].flatMap(([kind, events]) => encodeBatches(kind, events as never)),
          segments: [],
        });
      }
    } finally {
      for (const lane of open) await this.closeLane(lane);
    }
  }

  private count(path: string, kind: string, at: number): void {
    this.rows++;
    this.latest = at;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    const span = this.spans.get(path);
    if (span === undefined) this.spans.set(path, { path, packets: 1, firstTs: at, lastTs: at });
    else {
      span.packets++;
      span.lastTs = at;
    }
  }

  /** Latest first: the next one is the last. Files without a row are read at the end: there may be lines to tell. */
  private async inTimeOrder(): Promise<Waiting[]> {
    const waiting: Waiting[] = [];
    for (const file of this.files) {
      try {
        waiting.push({ ...file, begins: (await beginning(file)) ?? Number.POSITIVE_INFINITY });
      } catch (error) {
        this.tellBroken(file.path, error);
      }
    }
    return waiting.sort((a, b) => b.begins - a.begins || (a.path < b.path ? 1 : -1));
  }

  /** The lane whose row is next; undefined at the end. */
  private async nextLane(open: Lane[], waiting: Waiting[]): Promise<Lane | undefined> {
    for (;;) {
      let first: Lane | undefined;
      for (let i = open.length - 1; i >= 0; i--) {
        const lane = open[i] as Lane;
        if (!lane.isReady) await lane.fill();
        if (lane.next === undefined) {
          open.splice(i, 1);
          await this.closeLane(lane);
        } else if (first === undefined || lane.next <= (first.next as number)) first = lane;
      }
      const file = waiting.at(-1);
      if (file === undefined || (first !== undefined && file.begins > (first.next as number) + DISORDER)) return first;
      waiting.pop();
      open.push(
        new Lane(file.path, file.log, {
          unusable: (path, line, why) => this.tellUnusable(path, line, why),
          bytes: (n) => {
            this.position += n;
          },
          broken: (path, error) => this.tellBroken(path, error),
        }),
      );
    }
  }

  private async closeLane(lane: Lane): Promise<void> {
    this.late += lane.late;
    await lane.close();
  }

  private tellUnusable(path: string, line: number, why: string): void {
    const n = (this.unusable.get(path) ?? 0) + 1;
    this.unusable.set(path, n);
    if (n <= TOLD_MAX)
      this.told.push({ code: 'input_undecodable', message: `${path}:${line}: ${why}`, hint: 'left out' });
  }

  private tellBroken(path: string, error: unknown): void {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code.startsWith('Z_')) {
      const message = `${path}: ${(error as Error).message}`;
      this.told.push({ code: 'input_undecodable', message, hint: 'the file is damaged; what stands before was read' });
    } else this.told.push(systemFault('input_unreadable', path, error));
  }
}
