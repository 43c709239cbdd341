// From the spool to the collector. Dials out, says hello, sends frames within the collector's credit, and moves the
// spool's cursor when they are durable there. After an outage what is new goes first, and the backlog beside it.
//
// Nothing is kept here that the spool does not have: whatever breaks, the connection ends, a pause follows, and the
// next one begins after the last acknowledgement.
import { WebSocket } from 'ws';
import type { Clock } from '../lib/clock.ts';
import { isBefore, type Position } from '../spool/log.ts';
import type { Spool, SpoolFrame } from '../spool/spool.ts';
import { SENSOR_PATH, SERVER_NAME } from '../wire/agreed.ts';
import {
  type Ack,
  decodeControl,
  encodeControl,
  headText,
  PROTOCOL,
  type Pull,
  type Receipt,
  type Refuse,
  SEALS_MAX,
  type Welcome,
} from '../wire/control.ts';
import { encodeFrame, isWireFault, MESSAGE_BYTES_MAX } from '../wire/frame.ts';
import type { NativeWire } from '../wire/native.ts';
import { type PullSource, PullsOut } from './pulls.ts';

export const PAUSE_MS = { first: 1000, max: 300_000 } as const;
export const PING_MS = 15_000;
export const DEAD_MS = 45_000;
/** From dialing to the welcome. */
export const DIAL_MS = 15_000;
/** A backlog of fewer frames is gone before anybody minds that it went first. */
export const LIVE_FIRST_FRAMES = 64;
/** Bytes that the socket has not taken yet, above which nothing more is compressed. */
const BUFFERED_BYTES_MAX = 2 << 20;

export interface ShipperOptions {
  readonly url: string;
  readonly sensor: string;
  readonly schema: number;
  readonly software: string;
  /** PEM, each. */
  readonly key: string;
  readonly certificate: string;
  readonly ca: string;
  readonly spool: Pick<Spool, 'epoch' | 'durable' | 'cursor' | 'advance' | 'read'>;
  readonly native: NativeWire;
  readonly clock: Clock;
  /** A whole number from 0 to n - 1: reconnecting sensors must not come in step. */
  readonly random: (n: number) => number;
  readonly onState?: (s: ShipState) => void;
  readonly seals?: SealSource;
  /** Packets that the collector may ask for; none when left out. */
  readonly pulls?: PullSource;
}

/** The chains of seals of a sensor, which the collector countersigns. */
export interface SealSource {
  /** Public half of the evidence key, PEM. */
  readonly key: string;
  /** How many manifests each has; those that are countersigned whole are left out. */
  heads(): readonly { readonly chain: string; readonly leaves: number; readonly countersigned: number }[];
  /** Hex; fewer than `count` at the end. */
  hashes(chain: string, from: number, count: number): string[];
  /** With the evidence key; base64. */
  sign(text: string): string;
  /** What the collector answered. */
  take(receipt: Receipt): void;
}

export type ShipState =
  | { readonly state: 'connecting' | 'connected' }
  | { readonly state: 'waiting'; readonly ms: number; readonly reason: string; readonly refusal?: Refuse['code'] };

export interface ShipCounters {
  frames: number;
  events: number;
  /** Of records, and on the wire. */
  bytes: number;
  wireBytes: number;
  /** Frames that were sent and not acknowledged before their connection ended. */
  resent: number;
  acks: number;
  connections: number;
  failures: number;
}

/** Full jitter: anywhere in a range that doubles [ms]. */
export function pauseMs(attempt: number, random: (n: number) => number): number {
  return 1 + random(Math.min(PAUSE_MS.max, PAUSE_MS.first * 2 ** Math.min(attempt, 20)));
}

export class Shipper {
  readonly counters: ShipCounters = {
    ...{ frames: 0, events: 0, bytes: 0, wireBytes: 0, resent: 0, acks: 0, connections: 0, failures: 0 },
  };
  private readonly options: ShipperOptions;
  private readonly stop = new AbortController();
  private link: Link | undefined;
  private running: Promise<void> | undefined;

  constructor(options: ShipperOptions) {
    this.options = options;
  }

  /** Frames that are sent and not acknowledged. */
  get underWay(): number {
    return this.link?.underWay ?? 0;
  }

  /** Has the collector countersign what was sealed since it did; else that waits for the next ping. */
  countersign(): void {
    this.link?.countersign();
  }

  start(): void {
    this.running ??= this.run();
  }

  private async run(): Promise<void> {
    const { clock, random, onState } = this.options;
    for (let attempt = 0; !this.stop.signal.aborted; attempt++) {
      onState?.({ state: 'connecting' });
      const link = new Link(this.options, this.counters);
      this.link = link;
      const stop = (): void => link.fail('stopped');
      this.stop.signal.addEventListener('abort', stop);
      const { reason, refusal } = await link.run();
      this.stop.signal.removeEventListener('abort', stop);
      this.counters.resent += link.underWay;
      this.link = undefined;
      if (this.stop.signal.aborted) return;
      this.counters.failures++;
      // A connection that has moved something was a good one.
      if (link.hasAcked) attempt = 0;
      const ms = Math.max(pauseMs(attempt, random), (refusal?.wait_s ?? 0) * 1000);
      onState?.({ state: 'waiting', ms, reason, ...(refusal && { refusal: refusal.code }) });
      await new Promise<void>((done) => {
        const alarm = clock.after(ms, done);
        this.stop.signal.addEventListener('abort', () => {
          alarm.cancel();
          done();
        });
      });
    }
  }

  /** What was not acknowledged stays in the spool. */
  async close(): Promise<void> {
    this.stop.abort();
    await this.running;
  }
}

interface UnderWay extends Position {
  readonly bytes: number;
}

/** One connection. */
class Link {
  hasAcked = false;
  private readonly options: ShipperOptions;
  private readonly counters: ShipCounters;
  private readonly ws: WebSocket;
  private readonly stop = new AbortController();
  private readonly backlog: UnderWay[] = [];
  private readonly live: UnderWay[] = [];
  private credit = { frames: 0, bytes: 0 };
  /** Pumps that wait for credit or for the socket. */
  private readonly waiters = new Set<() => void>();
  private ended: (r: { reason: string; refusal?: Refuse }) => void = () => undefined;
  private heardAt: number;
  private welcome: ((w: Welcome) => void) | undefined;
  /** Streams that have a frame and no credit for it. */
  private readonly waiting = new Set<readonly UnderWay[]>();
  private isBacklogDone = false;
  /** Chains of seals that an answer is due for. */
  private readonly asked = new Set<string>();
  private readonly pulls: PullsOut | undefined;

  constructor(options: ShipperOptions, counters: ShipCounters) {
    this.options = options;
    this.counters = counters;
    this.heardAt = options.clock.monotonic();
    this.ws = new WebSocket(new URL(SENSOR_PATH, options.url), {
      ...{ perMessageDeflate: false, maxPayload: MESSAGE_BYTES_MAX, handshakeTimeout: DIAL_MS, minVersion: 'TLSv1.3' },
      // The pinned authority proves the collector, at whatever address; its certificate has this one name.
      ...{ key: options.key, cert: options.certificate, ca: options.ca, servername: SERVER_NAME },
    });
    if (options.pulls !== undefined)
      this.pulls = new PullsOut(options.pulls, {
        send: (message) => this.ws.send(message, () => this.wake()),
        buffered: () => this.ws.bufferedAmount,
        change: () => this.change(),
      });
  }

  get underWay(): number {
    return this.backlog.length + this.live.length;
  }

  fail(reason: string, refusal?: Refuse): void {
    this.stop.abort();
    this.pulls?.end();
    this.ws.terminate();
    this.wake();
    this.ended({ reason, ...(refusal && { refusal }) });
  }

  /** To its end, whatever that is. */
  async run(): Promise<{ readonly reason: string; readonly refusal?: Refuse }> {
    const { ws } = this;
    const end = new Promise<{ reason: string; refusal?: Refuse }>((done) => {
      this.ended = done;
    });
    ws.on('error', (error) => this.fail(error.message));
    ws.on('unexpected-response', (_request, response) => this.fail(`the collector answers ${response.statusCode}`));
    ws.on('close', (code) => this.fail(`the connection ended (${code})`));
    ws.on('pong', () => this.heard());
    ws.on('message', (data) => {
      this.heard();
      this.receive(Buffer.isBuffer(data) ? data : Buffer.alloc(0));
    });
    ws.on('open', () => void this.talk().catch((error: Error) => this.fail(error.message)));
    const dial = this.options.clock.after(DIAL_MS, () => {
      if (this.credit.frames === 0) this.fail('no answer');
    });
    this.beat();
    const result = await end;
    dial.cancel();
    return result;
  }

  private heard(): void {
    this.heardAt = this.options.clock.monotonic();
  }

  /** A line that says nothing may be half open: only an answer tells. */
  private beat(): void {
    const { clock } = this.options;
    clock.after(PING_MS, () => {
      if (this.stop.signal.aborted) return;
      if (clock.monotonic() - this.heardAt >= DEAD_MS) this.fail(`nothing was heard for ${DEAD_MS / 1000} s`);
      else {
        if (this.ws.readyState === WebSocket.OPEN) this.ws.ping();
        this.countersign();
        this.beat();
      }
    });
  }

  private async talk(): Promise<void> {
    const { spool, sensor, schema, software } = this.options;
    const acked = spool.cursor('ship');
    const end = spool.durable;
    const isLong = acked.epoch < end.epoch || end.seq - acked.seq > LIVE_FIRST_FRAMES;
    const live = isLong ? { ...end } : null;
    const welcome = new Promise<Welcome>((done) => {
      this.welcome = done;
    });
    this.ws.send(
      encodeControl({
        t: 'hello',
        protocol: PROTOCOL,
        sensor,
        epoch: spool.epoch,
        schema,
        acked: { ...acked },
        live,
        software,
        pull: this.options.pulls?.isAllowed === true,
      }),
    );
    const { mark, live: isLive, frames, bytes } = await welcome;
    this.counters.connections++;
    this.options.onState?.({ state: 'connected' });
    this.credit = { frames, bytes };
    this.countersign();
    // It may hold more than we know of: an acknowledgement was on its way when the line broke.
    if (isBefore(acked, mark)) await spool.advance('ship', mark);
    const { signal } = this.stop;
    const from = isBefore(acked, mark) ? mark : acked;
    if (live === null || !isLive) return this.pump(spool.read(from, { signal }), false);
    await Promise.all([
      this.pump(spool.read(from, { to: live, signal }), false).then(() => {
        this.isBacklogDone = true;
      }),
      this.pump(spool.read(live, { signal }), true),
    ]);
  }

  private async pump(frames: AsyncIterable<SpoolFrame>, live: boolean): Promise<void> {
    const { native } = this.options;
    const lane = live ? this.live : this.backlog;
    for await (const frame of frames) {
      const message = await encodeFrame(native, { frame, after: frame.after, live });
      while (!this.maySend(lane, message.length)) {
        if (this.stop.signal.aborted) return;
        this.waiting.add(lane);
        await this.change();
        this.waiting.delete(lane);
      }
      if (this.stop.signal.aborted) return;
      lane.push({ epoch: frame.epoch, seq: frame.seq, bytes: message.length });
      this.counters.frames++;
      this.counters.events += frame.count;
      this.counters.bytes += frame.bytes.length;
      this.counters.wireBytes += message.length;
      this.ws.send(message, () => this.wake());
    }
  }

  private maySend(lane: readonly UnderWay[], bytes: number): boolean {
    if (this.ws.bufferedAmount > BUFFERED_BYTES_MAX) return false;
    const sum = (l: readonly UnderWay[]): number => l.reduce((n, u) => n + u.bytes, 0);
    const mine = sum(lane);
    // A frame that is larger than the window goes alone.
    if (this.underWay === 0) return true;
    if (this.underWay >= this.credit.frames) return false;
    if (sum(this.backlog) + sum(this.live) + bytes > this.credit.bytes) return false;
    // While both streams want the window each has half of it, so neither waits for the other to be done.
    const isWanted = this.waiting.has(lane === this.live ? this.backlog : this.live);
    if (!isWanted || lane.length === 0) return true;
    return lane.length < this.credit.frames / 2 && mine + bytes <= this.credit.bytes / 2;
  }

  private change(): Promise<void> {
    return new Promise((done) => this.waiters.add(done));
  }
  private wake(): void {
    const all = [...this.waiters];
    this.waiters.clear();
    for (const w of all) w();
  }

  private receive(message: Buffer): void {
    const m = decodeControl(
      message,
      this.credit.frames === 0 ? ['welcome', 'refuse'] : ['ack', 'credit', 'receipt', 'pull', 'more', 'drop', 'refuse'],
    );
    if (isWireFault(m)) this.fail(`the collector says something unknown: ${m.message}`);
    else if (m.t === 'refuse') this.fail(`${m.code}: ${m.reason}`, m);
    else if (m.t === 'welcome') {
      this.credit = { frames: m.frames, bytes: m.bytes };
      this.welcome?.(m);
    } else if (m.t === 'receipt') this.answered(m);
    else if (m.t === 'pull') this.pull(m);
    else if (m.t === 'more') this.pulls?.more(m.id, m.to);
    else if (m.t === 'drop') this.pulls?.drop(m.id);
    else if (m.t === 'credit') this.credit = { frames: m.frames, bytes: m.bytes };
    else this.acked(m);
    this.wake();
  }

  private pull(m: Pull): void {
    if (this.pulls === undefined) this.fail('the collector asks for packets, and was told that there are none');
    else void this.pulls.begin(m).catch((error: Error) => this.fail(error.message));
  }

  /** One question for each chain at a time; a chain that the collector refuses is not asked for again by this line. */
  countersign(): void {
    const { seals } = this.options;
    if (seals === undefined || this.credit.frames === 0) return;
    for (const { chain, countersigned } of seals.heads()) if (!this.asked.has(chain)) this.ask(chain, countersigned);
  }

  private ask(chain: string, from: number): void {
    const { seals, sensor } = this.options;
    if (seals === undefined || this.ws.readyState !== WebSocket.OPEN) return;
    const hashes = seals.hashes(chain, from, SEALS_MAX);
    const sig = seals.sign(headText({ sensor, chain, leaves: from + hashes.length, last: hashes.at(-1) ?? '' }));
    this.asked.add(chain);
    this.ws.send(encodeControl({ t: 'seals', chain, from, hashes, key: seals.key, sig }));
  }

  private answered(m: Receipt): void {
    const { seals } = this.options;
    if (seals === undefined || !this.asked.has(m.chain)) return;
    seals.take(m);
    if (m.fault !== '') return;
    this.asked.delete(m.chain);
    const leaves = seals.heads().find((h) => h.chain === m.chain)?.leaves ?? 0;
    if (m.leaves < leaves) this.ask(m.chain, m.leaves);
  }

  private acked({ mark, live }: Ack): void {
    const { spool } = this.options;
    this.counters.acks++;
    this.hasAcked = true;
    this.drop(this.backlog, mark);
    if (live !== null) this.drop(this.live, live);
    // What is live counts only when the backlog before it is done.
    const isReached = this.isBacklogDone && this.backlog.length === 0 && live !== null;
    const to = isReached && isBefore(mark, live) ? live : mark;
    if (isBefore(spool.cursor('ship'), to)) void spool.advance('ship', to);
  }

  private drop(lane: UnderWay[], to: Position): void {
    while (lane[0] !== undefined && !isBefore(to, lane[0])) lane.shift();
  }
}
