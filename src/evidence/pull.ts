// Packets that the collector asks for: who asked, for what and why is in the custody log before the first byte goes,
// and what went, by its hash, after the last. A request is small work for a sensor that has better things to do: so
// many at once, so many an hour, so many bytes, by the index, a little at a time.
import { createHash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { failure, type Result, success } from '../lib/fault.ts';
import { flowNumber } from './blocks.ts';
import { folders } from './bundle.ts';
import { type KnownSeals, readSeals } from './chain.ts';
import { type Act, record } from './custody.ts';
import { copiesOf } from './leases.ts';
import { type Matcher, type QueryCounters, queryPackets, type SegmentsOfTime, segmentsOf } from './query.ts';
import type { Signer } from './signer.ts';

/** At once. */
export const PULLS_MAX = 2;
/** At once, and one more in so long [ms]. */
export const PULL_BURST = 30;
export const PULL_EVERY_MS = 20_000;
/** Read and sent before the sensor looks after its events again [bytes]. */
const BATCH_BYTES = 256 << 10;
const HOUR_MS = 3_600_000;

/** As the wire has it (src/wire/control.ts). Times [us], both included. */
export interface Asked {
  readonly uid: string;
  readonly filter: string;
  readonly from: number;
  readonly to: number;
  readonly actor: string;
  readonly reason: string;
  /** At most [bytes]. */
  readonly bytes: number;
}

export interface Answered {
  readonly fault: '' | 'denied' | 'busy' | 'rate' | 'filter' | 'cap' | 'stopped' | 'unreadable';
  readonly detail: string;
  readonly packets: number;
  readonly bytes: number;
  /** Of all bytes that were sent; '' when none were. */
  readonly sha256: string;
  readonly segments: number;
  readonly deleted: number;
  readonly cutoff: number;
  readonly notKept: number;
  readonly gaps: number;
}

export interface PullLimits {
  readonly isAllowed: boolean;
  /** Of one pull, and of an hour [bytes]. */
  readonly bytesMax: number;
  readonly hourBytesMax: number;
}

export interface PullsOptions {
  /** The evidence folder. */
  readonly dir: string;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly match: Matcher;
  /** As the configuration has them now. */
  readonly limits: () => PullLimits;
  /** Told of each that was served or refused. */
  readonly onPull: (asked: Asked, answered: Answered) => void;
}

/** An amount that comes back with time. */
class Allowance {
  private readonly clock: Clock;
  private used = 0;
  private at = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** What is left of `max`, all of which comes back in `ms`. */
  of(max: number, ms: number): number {
    const now = this.clock.monotonic();
    this.used = Math.max(0, this.used - ((now - this.at) / ms) * max);
    this.at = now;
    return max - this.used;
  }

  take(amount: number): void {
    this.used += amount;
  }
}

const NONE = { packets: 0, bytes: 0, sha256: '', segments: 0, deleted: 0, cutoff: 0, notKept: 0, gaps: 0 };
const refused = (fault: Answered['fault'], detail: string): Answered => ({ ...NONE, fault, detail });
const nanos = (us: number): bigint => BigInt(us) * 1000n;

/** For the custody log and for people. */
export const pullText = (a: Pick<Asked, 'uid' | 'filter' | 'from' | 'to'>): string =>
  `packets ${a.uid === '' ? '' : `of flow ${a.uid} `}'${a.filter}' since=${a.from} until=${a.to}`;

/** For the audit of the sensor. */
export function pullAudit(asked: Asked, { fault, detail, packets, bytes, sha256 }: Answered, sensor: string) {
  const isServed = fault === '' || fault === 'cap' || bytes > 0;
  const what = `${packets} packets, ${bytes} bytes${sha256 === '' ? '' : `, sha256 ${sha256}`}: ${pullText(asked)}`;
  return {
    ...{ action: 'packets', outcome: isServed ? 'done' : 'refused', reason: fault, actor: asked.actor.slice(0, 120) },
    ...{ address: '', target: sensor, detail: (isServed ? what : detail).slice(0, 500) },
  };
}

export class Pulls {
  private readonly o: PullsOptions;
  private readonly known: KnownSeals = new Map();
  private readonly requests: Allowance;
  private readonly hour: Allowance;
  private underWay = 0;

  constructor(options: PullsOptions) {
    this.o = options;
    this.requests = new Allowance(options.clock);
    this.hour = new Allowance(options.clock);
  }

  get isAllowed(): boolean {
    return this.o.limits().isAllowed;
  }

  /** @param send  waits until there is room for more; false: nobody wants it any more */
  async pull(asked: Asked, send: (bytes: Buffer) => Promise<boolean>): Promise<Answered> {
    const answered = this.refusal(asked) ?? (await this.serve(asked, send));
    this.o.onPull(asked, answered);
    return answered;
  }

  private refusal({ uid }: Asked): Answered | undefined {
    const { isAllowed, hourBytesMax } = this.o.limits();
    if (!isAllowed) return refused('denied', 'ship.pull is off in the configuration of the sensor');
    if (uid !== '' && flowNumber(uid) === undefined) return refused('filter', `'${uid}' is no uid of a flow`);
    if (this.underWay >= PULLS_MAX) return refused('busy', `${PULLS_MAX} others are being served`);
    if (this.requests.of(PULL_BURST, PULL_BURST * PULL_EVERY_MS) < 1)
      return refused('rate', `more than ${PULL_BURST} requests of late: the next in ${PULL_EVERY_MS / 1000} s`);
    if (this.hour.of(hourBytesMax, HOUR_MS) <= 0) return refused('rate', 'ship.pull_hour_mb is used up for now');
    return undefined;
  }

  private async serve(asked: Asked, send: (bytes: Buffer) => Promise<boolean>): Promise<Answered> {
    const { dir, signer, clock, limits } = this.o;
    this.underWay++;
    this.requests.take(1);
    try {
      const { bytesMax, hourBytesMax } = limits();
      const allowed = Math.min(asked.bytes, bytesMax, Math.floor(this.hour.of(hourBytesMax, HOUR_MS)));
      const act = { act: 'view', actor: `${asked.actor}, through the collector`, what: pullText(asked) } as const;
      const log = (more: Pick<Act, 'act' | 'sha256'>, what: string = act.what): Result<undefined> =>
        record(dir, signer, { ...act, reason: asked.reason, ...more, what }, clock.wall());
      const said = log({ act: 'view', sha256: '' });
      if (!said.ok) return refused('unreadable', said.fault.message);
      const of = new Sending(allowed, send);
      const time = segmentsOf(readSeals(folders(dir).packets, this.known), {
        from: nanos(asked.from),
        to: nanos(asked.to) + 999n,
      });
      const found = await this.search(asked, time, of);
      this.hour.take(of.bytes);
      const sha256 = of.bytes === 0 ? '' : of.hash.digest('hex');
      const sent = { packets: of.packets, bytes: of.bytes, sha256 };
      const lost = { deleted: time.gone, cutoff: time.cutoff, notKept: time.notKept, gaps: time.gaps };
      const counted = { ...sent, ...lost, segments: time.there.length };
      const handed = log({ act: 'export', sha256 }, `${act.what}: ${of.packets} packets, ${of.bytes} bytes`);
      if (!handed.ok) return { ...counted, fault: 'unreadable', detail: handed.fault.message };
      if (of.end !== undefined) return { ...counted, ...of.end };
      if (found.ok) return { ...counted, fault: '', detail: '' };
      const fault = found.fault.code === 'filter_invalid' ? 'filter' : 'unreadable';
      return { ...counted, fault, detail: found.fault.message };
    } finally {
      this.underWay--;
    }
  }

  /** Of one flow the copies of leases too: they are of segments that are gone. */
  private search(asked: Asked, time: SegmentsOfTime, of: Sending): Promise<Result<QueryCounters>> {
    const copies = asked.uid === '' ? [] : copiesOf(folders(this.o.dir).leases, asked.uid);
    const span = { from: nanos(asked.from), to: nanos(asked.to) + 999n };
    const flow = asked.uid === '' ? undefined : flowNumber(asked.uid);
    const question = { filter: asked.filter, span, flow, batchBytes: BATCH_BYTES };
    return queryPackets([...copies, ...time.there], question, this.o.match, (blocks, heads) => of.send(blocks, heads));
  }
}

/** What goes out, up to as much as may: whole blocks, so that what was sent is a file that can be read. */
class Sending {
  readonly hash = createHash('sha256');
  packets = 0;
  bytes = 0;
  end: Pick<Answered, 'fault' | 'detail'> | undefined;
  private readonly max: number;
  private readonly out: (bytes: Buffer) => Promise<boolean>;

  constructor(max: number, out: (bytes: Buffer) => Promise<boolean>) {
    this.max = max;
    this.out = out;
  }

  async send(blocks: readonly Buffer[], heads: number): Promise<Result<unknown>> {
    let room = this.max - this.bytes;
    let n = 0;
    for (; n < blocks.length && (blocks[n] as Buffer).length <= room; n++) room -= (blocks[n] as Buffer).length;
    const isAll = n === blocks.length;
    // A section without a packet says nothing.
    if (n > heads) {
      const bytes = Buffer.concat(blocks.slice(0, n));
      this.hash.update(bytes);
      this.bytes += bytes.length;
      this.packets += n - heads;
      if (!(await this.out(bytes))) this.end = { fault: 'stopped', detail: 'nobody wanted the rest' };
    }
    if (!isAll) this.end ??= { fault: 'cap', detail: `there is more than the ${this.max} bytes that may go` };
    return this.end === undefined ? success(undefined) : failure('output_unwritable', this.end.detail);
  }
}
