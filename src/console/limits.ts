// How often, and how many at once: what keeps one visitor from being everybody's outage.
import type { Clock } from '../lib/clock.ts';

export interface Rate {
  /** So many at once. */
  readonly burst: number;
  /** One more comes back in so long [ms]. */
  readonly everyMs: number;
  /** Keys remembered; the one that asked longest ago is forgotten first. */
  readonly keysMax: number;
}

interface Bucket {
  left: number;
  at: number;
}

/** A token bucket a key. Cost: O(1). */
export class Rates {
  private readonly buckets = new Map<string, Bucket>();
  private readonly clock: Clock;
  private readonly rate: Rate;

  constructor(clock: Clock, rate: Rate) {
    this.clock = clock;
    this.rate = rate;
  }

  /** Takes one. @returns 0, or in how long the next may come [ms] */
  take(key: string): number {
    const { burst, everyMs, keysMax } = this.rate;
    const now = this.clock.monotonic();
    const bucket = this.buckets.get(key) ?? { left: burst, at: now };
    bucket.left = Math.min(burst, bucket.left + (now - bucket.at) / everyMs);
    bucket.at = now;
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    if (this.buckets.size > keysMax) {
      const [oldest] = this.buckets.keys();
      this.buckets.delete(oldest as string);
    }
    if (bucket.left < 1) return Math.ceil((1 - bucket.left) * everyMs);
    bucket.left -= 1;
    return 0;
  }

  get size(): number {
    return this.buckets.size;
  }
}

/** At most `running` at once, at most `waiting` behind them, in order. */
export class Gate {
  private readonly running: number;
  private readonly waiting: number;
  private busy = 0;
  private readonly queue: (() => void)[] = [];

  constructor(running: number, waiting: number) {
    this.running = running;
    this.waiting = waiting;
  }

  /** @returns undefined when there is no room to wait: the task was not begun */
  async run<T>(task: () => Promise<T>): Promise<{ readonly value: T } | undefined> {
    if (this.busy >= this.running) {
      if (this.queue.length >= this.waiting) return undefined;
      // Whoever leaves hands its place on, so that nobody overtakes.
      await new Promise<void>((go) => this.queue.push(go));
    } else {
      this.busy++;
    }
    try {
      return { value: await task() };
    } finally {
      const next = this.queue.shift();
      if (next === undefined) this.busy--;
      else next();
    }
  }
}

/** Whose it is: IPv4 as it is, IPv6 by its /64, which one visitor can have all of. */
export function visitor(address: string | undefined): string {
  const text = (address ?? '').replace(/^::ffff:(?=\d+\.)/, '');
  if (!text.includes(':')) return text;
  const [head = '', tail] = text.split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const all = [...groups, ...Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill('0'), ...rest];
  return `${all.slice(0, 4).join(':')}::/64`;
}
