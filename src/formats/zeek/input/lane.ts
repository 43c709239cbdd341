// One file as a lane of a merge: its rows in order of when each was complete. Zeek writes a row when it gives up a
// flow, so rows of a file are out of order by as long as that takes: a lane reads ahead by so much, and no further.
import type { Log } from '../columns.ts';
import { linesOf } from './lines.ts';
import { type Row, RowReader } from './rows.ts';

/** How far rows of a file may be out of order: Zeek waits five minutes for TCP [us]. */
export const DISORDER = 600e6;
/** What a lane holds at most to put them in order: rows, and characters of their lines. */
const ROWS_MAX = 65_536;
const CHARACTERS_MAX = 4 << 20;

export interface LaneEvents {
  unusable(path: string, line: number, why: string): void;
  bytes(n: number): void;
  /** The file broke off. */
  broken(path: string, error: unknown): void;
}

interface Held extends Row {
  readonly seen: number;
  readonly size: number;
}

export class Lane {
  readonly path: string;
  /** Rows that came too late to be put in order: they count as complete when they came. */
  late = 0;
  private readonly lines: AsyncGenerator<readonly { number: number; text: string | undefined }[]>;
  private readonly rows: RowReader;
  private readonly events: LaneEvents;
  /** In order, from `at` on. */
  private held: Held[] = [];
  private at = 0;
  private size = 0;
  private ended = false;
  private given = Number.NEGATIVE_INFINITY;

  constructor(path: string, log: Log, events: LaneEvents) {
    this.path = path;
    this.events = events;
    this.rows = new RowReader(log);
    this.lines = linesOf(path, (n) => events.bytes(n));
  }

  /** When its next row was complete; undefined: there is none any more. Valid after fill(). */
  get next(): number | undefined {
    const first = this.held[this.at];
    return first === undefined ? undefined : Math.max(first.seen, this.given);
  }

  /** Nothing that is still to be read belongs before the next row. */
  get isReady(): boolean {
    if (this.ended) return true;
    const rows = this.held.length - this.at;
    if (rows === 0) return false;
    const span = (this.held.at(-1) as Held).seen - (this.held[this.at] as Held).seen;
    return span > DISORDER || rows >= ROWS_MAX || this.size >= CHARACTERS_MAX;
  }

  /** Of its first row; undefined: there is none. Nothing else of the lane is to be used then. */
  async firstSeen(): Promise<number | undefined> {
    while (this.held.length === 0 && !this.ended) await this.read();
    return this.held[0]?.seen;
  }

  async fill(): Promise<void> {
    while (!this.isReady) await this.read();
  }

  private async read(): Promise<void> {
    let piece: Awaited<ReturnType<typeof this.lines.next>>;
    try {
      piece = await this.lines.next();
    } catch (error) {
      this.events.broken(this.path, error);
      this.ended = true;
      return;
    }
    if (piece.done === true) this.ended = true;
    else for (const line of piece.value) this.take(line.number, line.text);
  }

  private take(number: number, text: string | undefined): void {
    const row = text === undefined ? { why: 'it is longer than 1 MiB' } : this.rows.take(text);
    if (row === undefined) return;
    if ('why' in row) {
      this.events.unusable(this.path, number, row.why);
      return;
    }
    const { seen } = row.event;
    if (seen < this.given) this.late++;
    const size = (text as string).length;
    this.size += size;
    const held = { ...row, seen, size };
    // From behind: most rows belong there.
    let low = this.at;
    let high = this.held.length;
    if (high > low && (this.held[high - 1] as Held).seen <= seen) low = high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.held[middle] as Held).seen <= seen) low = middle + 1;
      else high = middle;
    }
    this.held.splice(low, 0, held);
  }

  /** The next row, and it is gone from here. Only where there is one. */
  shift(): Row {
    const row = this.held[this.at++] as Held;
    this.size -= row.size;
    this.given = Math.max(row.seen, this.given);
    if (this.at === this.held.length) [this.held, this.at] = [[], 0];
    else if (this.at > 4096 && this.at * 2 > this.held.length) [this.held, this.at] = [this.held.slice(this.at), 0];
    return row;
  }

  async close(): Promise<void> {
    this.ended = true;
    await this.lines.return(undefined);
  }
}
