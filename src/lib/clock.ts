// The one clock. Everything that needs the time, or to wait, is handed a Clock: tests hand in their own, and replaying
// a capture never depends on when it is done.

export interface Alarm {
  cancel(): void;
}

export interface Clock {
  /** Wall time [us since the epoch]. */
  wall(): number;
  /** Never goes back; for measuring [ms]. */
  monotonic(): number;
  /** Calls once after `ms`. Does not keep the process alive. */
  after(ms: number, then: () => void): Alarm;
}

export const systemClock: Clock = {
  wall: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
  monotonic: () => performance.now(),
  after(ms, then) {
    const timer = setTimeout(then, ms);
    // A browser's timer is a number, and keeps nothing alive.
    (timer as unknown as { unref?: () => void }).unref?.();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Resolves after `ms`, or when the signal says that nobody waits any more. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal?.aborted === true) {
      done();
      return;
    }
    const end = (): void => {
      alarm.cancel();
      signal?.removeEventListener('abort', end);
      done();
    };
    const alarm = clock.after(ms, end);
    signal?.addEventListener('abort', end);
  });
}

/** Alarms keep no process alive; a service that waits for them does. @returns  what lets it end again */
export function keepAlive(): () => void {
  const timer = setInterval(() => undefined, 2 ** 30);
  return () => clearInterval(timer);
}
