// What a service says as it runs: a line each on standard error, with the time, for whoever keeps logs. The last ones
// stay in memory too, for whoever asks how it is.
import type { Clock } from './clock.ts';
import { type Fault, faultLine } from './fault.ts';
import { safeText } from './terminal.ts';

const KEPT = 8;

export interface Said {
  /** Wall time [us]. */
  readonly at: number;
  /** As it was given: to be made safe by whoever shows it. */
  readonly text: string;
}

export class Journal {
  private readonly clock: Clock;
  private readonly out: { write(text: string): unknown };
  private readonly kept: Said[] = [];

  constructor(clock: Clock, out: { write(text: string): unknown }) {
    this.clock = clock;
    this.out = out;
  }

  /** The last few, oldest first. */
  get latest(): readonly Said[] {
    return this.kept;
  }

  say(text: string): void {
    const at = this.clock.wall();
    this.kept.push({ at, text });
    if (this.kept.length > KEPT) this.kept.shift();
    this.out.write(`${new Date(at / 1000).toISOString()} ${safeText(text)}\n`);
  }

  tell(fault: Fault): void {
    this.say(faultLine(fault));
  }
}
