// What a collector holds of each sensor's log: which frames of each epoch are durable here. It has no window: a number
// once taken is known for as long as its epoch is.
//
// Of an epoch there is one range that began at what the sensor had acknowledged before, and grows: its end is the mark.
// Beside it stand ranges of live streams, until the backlog reaches them.
import type { Position } from '../spool/log.ts';

/** Ranges of one epoch; a sensor that would make more sends its backlog first. */
export const RANGES_MAX = 64;
/** Epochs of one sensor that are remembered: a spool seldom holds more lives than that. */
export const EPOCHS_MAX = 64;
export const SENSORS_MAX = 16_384;

interface Range {
  first: number;
  last: number;
}

interface Epoch {
  /** Everything to here is held, or was declared lost or acknowledged before by the sensor. */
  mark: number;
  /** Above the mark, apart from it and from each other, ascending. */
  ranges: Range[];
}

export class Marks {
  private readonly sensors = new Map<string, Map<number, Epoch>>();

  /** The latest epoch a sensor has had frames or a hello in; 0: it is not known. */
  latest(sensor: string): number {
    return Math.max(0, ...(this.sensors.get(sensor)?.keys() ?? []));
  }

  knows(sensor: string, epoch: number): boolean {
    return this.sensors.get(sensor)?.has(epoch) ?? false;
  }

  /** Frames to here are held without a hole. */
  mark(sensor: string, epoch: number): number {
    return this.sensors.get(sensor)?.get(epoch)?.mark ?? 0;
  }

  has(sensor: string, { epoch, seq }: Position): boolean {
    const e = this.sensors.get(sensor)?.get(epoch);
    return e !== undefined && (seq <= e.mark || e.ranges.some((r) => r.first <= seq && seq <= r.last));
  }

  /** Whether one more live stream can be remembered. */
  mayBranch(sensor: string, epoch: number): boolean {
    return (this.sensors.get(sensor)?.get(epoch)?.ranges.length ?? 0) < RANGES_MAX - 1;
  }

  /** Frames after+1..seq of an epoch are held, or declared lost. A backlog's frame moves the mark to itself. */
  take(sensor: string, epoch: number, after: number, seq: number, live: boolean): void {
    const e = this.epochOf(sensor, epoch);
    // A backlog's session has been let in at `after`: what is before it is not awaited any more.
    if (!live && e.mark < after) e.mark = after;
    e.ranges.push({ first: after + 1, last: seq });
    e.ranges.sort((a, b) => a.first - b.first);
    const merged: Range[] = [];
    for (const r of e.ranges) {
      const last = merged.at(-1);
      if (r.first <= e.mark + 1) e.mark = Math.max(e.mark, r.last);
      else if (last !== undefined && r.first <= last.last + 1) last.last = Math.max(last.last, r.last);
      else merged.push(r);
    }
    e.ranges = merged;
  }

  /** The sensor says that it need not send what is before: it was acknowledged, by whomever. */
  assume(sensor: string, { epoch, seq }: Position): void {
    if (epoch > 0) this.take(sensor, epoch, seq, seq, false);
  }

  private epochOf(sensor: string, epoch: number): Epoch {
    let epochs = this.sensors.get(sensor);
    if (epochs === undefined) {
      epochs = new Map();
      this.sensors.set(sensor, epochs);
      // The one that was new longest ago. Its store still knows what it has.
      if (this.sensors.size > SENSORS_MAX) this.sensors.delete(this.sensors.keys().next().value as string);
    }
    let e = epochs.get(epoch);
    if (e === undefined) {
      e = { mark: 0, ranges: [] };
      epochs.set(epoch, e);
      if (epochs.size > EPOCHS_MAX) epochs.delete(Math.min(...epochs.keys()));
    }
    return e;
  }

  toJSON(): object {
    return [...this.sensors].map(([sensor, epochs]) => [
      sensor,
      [...epochs].map(([epoch, e]) => [epoch, e.mark, ...e.ranges.flatMap((r) => [r.first, r.last])]),
    ]);
  }

  /** @param json  what toJSON made; our own file, whose CRC has been checked */
  static from(json: unknown): Marks {
    const marks = new Marks();
    for (const [sensor, epochs] of json as [string, number[][]][]) {
      for (const [epoch = 0, mark = 0, ...bounds] of epochs) {
        const e = marks.epochOf(sensor, epoch);
        e.mark = mark;
        for (let i = 0; i + 1 < bounds.length; i += 2)
          e.ranges.push({ first: bounds[i] as number, last: bounds[i + 1] as number });
      }
    }
    return marks;
  }
}
