// One line on a terminal that says how far a long run is, and leaves no trace. Where stderr is no terminal it is
// nothing: logs are not for watching.
import type { Clock } from './clock.ts';
import { clockText, countText } from './numbers.ts';
import { shortText } from './terminal.ts';

const DRAW_EVERY_MS = 100;
/** A run that is over sooner needs no bar. */
const FIRST_AFTER_MS = 500;
const BAR_CELLS = 24;
/** Where the terminal does not say, or says 0. */
const COLUMNS = 80;

export interface ProgressState {
  /** Done and to be done, in the same unit; `total` 0 when nobody knows. */
  readonly done: number;
  readonly total: number;
  readonly packets: number;
  /** What it is busy with. */
  readonly name: string;
}

/** The part of a TTY stream this needs. */
export interface Screen {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export function progressLine(state: ProgressState, elapsedMs: number, columns: number): string {
  const parts: string[] = [];
  const seconds = elapsedMs / 1000;
  if (state.total > 0) {
    const share = Math.min(1, state.done / state.total);
    const cells = Math.round(share * BAR_CELLS);
    parts.push(`[${'#'.repeat(cells)}${'.'.repeat(BAR_CELLS - cells)}]`, `${Math.floor(share * 100)} %`);
    if (share > 0.02 && share < 1) parts.push(`${clockText((seconds / share) * (1 - share))} left`);
  } else parts.push(clockText(seconds));
  parts.push(`${countText(state.packets)} packets`);
  if (seconds > 0) parts.push(`${countText(state.packets / seconds)}/s`);
  const line = parts.join('  ');
  const room = columns - 1 - line.length - 2;
  return room >= 8 ? `${line}  ${shortText(state.name, room)}` : line.slice(0, Math.max(0, columns - 1));
}

export class Progress {
  private readonly screen: Screen;
  private readonly clock: Clock;
  private readonly enabled: boolean;
  private readonly start: number;
  private next: number;
  private shown = false;

  constructor(screen: Screen, clock: Clock, enabled = true) {
    this.screen = screen;
    this.clock = clock;
    this.enabled = enabled && screen.isTTY === true;
    this.start = clock.monotonic();
    this.next = this.start + FIRST_AFTER_MS;
  }

  /** True when it is time for a new line: the caller asks before it pays for the state. */
  isDue(): boolean {
    return this.enabled && this.clock.monotonic() >= this.next;
  }

  draw(state: ProgressState): void {
    if (!this.enabled) return;
    const now = this.clock.monotonic();
    this.next = now + DRAW_EVERY_MS;
    this.shown = true;
    this.screen.write(`\r${progressLine(state, now - this.start, this.screen.columns || COLUMNS)}\x1b[K`);
  }

  /** Takes the line away; the next draw brings it back. */
  erase(): void {
    if (!this.shown) return;
    this.shown = false;
    this.screen.write('\r\x1b[K');
  }
}
