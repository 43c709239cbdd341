// A clock that tests turn by hand.
import type { Clock } from '../lib/clock.ts';

export class HandClock implements Clock {
  now = 0;
  wall(): number {
    return this.now * 1000;
  }
  monotonic(): number {
    return this.now;
  }
  after(): { cancel(): void } {
    return { cancel: () => undefined };
  }
}
