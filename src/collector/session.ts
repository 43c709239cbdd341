// One sensor's connection: hello, welcome, then frames, each validated before a byte of it is kept, and acknowledged
// when it is durable. Whatever is wrong ends this connection with a reason, and touches no other.
import type { Clock } from '../lib/clock.ts';
import type { EventInput } from '../schema/encode.ts';
import type { NativeTransposition } from '../schema/transposition.ts';
import { isBefore, type Position } from '../spool/log.ts';
import { decodeControl, encodeControl, type Hello, PROTOCOL, type Refusal, type Seals } from '../wire/control.ts';
import { decodeFrame, isWireFault, MESSAGE, MESSAGE_BYTES_MAX } from '../wire/frame.ts';
import type { NativeWire } from '../wire/native.ts';
import { decodePiece } from '../wire/piece.ts';
import { nothing, type Outcome, PullsIn, type Transfer, type Wanted } from './pulls.ts';
import type { Wal } from './wal.ts';
import type { Witness } from './witness.ts';

export type Audit = Omit<EventInput<'audit'>, 'ts' | 'seen'>;

export interface CollectorServices {
  readonly wal: Wal;
  readonly witness: Witness;
  readonly native: NativeWire & Pick<NativeTransposition, 'checkFrames'>;
  readonly clock: Clock;
  /** Schemas whose records mean what ours do. */
  readonly schemas: ReadonlySet<number>;
  readonly audit: (a: Audit) => void;
}

export interface Credit {
  /** What one sensor may have under way. */
  readonly frames: number;
  readonly bytes: number;
}

/** What a session needs of a socket. */
export interface Line {
  readonly address: string;
  send(message: Buffer): void;
  /** Says no more, and ends it when what was sent is out. */
  end(): void;
}

export interface SessionCounters {
  frames: number;
  bytes: number;
  events: number;
  duplicates: number;
  /** Numbers that the sensor said are lost. */
  lost: number;
}

export class Session {
  readonly sensor: string;
  readonly counters: SessionCounters = { frames: 0, bytes: 0, events: 0, duplicates: 0, lost: 0 };
  epoch = 0;
  private readonly services: CollectorServices;
  private readonly line: Line;
  private readonly credit: Credit;
  /** Of another connection of the same sensor, which this one replaces. */
  private readonly claim: (s: Session) => Promise<void>;
  private queue: Promise<void> = Promise.resolve();
  private pendingFrames = 0;
  private pendingBytes = 0;
  private acks: Promise<unknown> = Promise.resolve();
  private hello: Hello | undefined;
  /** Taken, and durable, of each stream. */
  private head: Position = { epoch: 0, seq: 0 };
  private liveHead: Position | undefined;
  private durable: Position = { epoch: 0, seq: 0 };
  private liveDurable: Position | null = null;
  private isAckDue = false;
  isOver = false;
  private hasWrongSeals = false;
  private readonly pulls: PullsIn;

  /** @param sensor  as the certificate says */
  constructor(services: CollectorServices, sensor: string, line: Line, credit: Credit, claim: Session['claim']) {
    this.services = services;
    this.sensor = sensor;
    this.line = line;
    this.credit = credit;
    this.claim = claim;
    this.pulls = new PullsIn((message) => this.line.send(message));
  }

  get isWelcome(): boolean {
    return this.hello !== undefined;
  }

  /** A message as it came. Messages are handled one after another. */
  receive(message: Buffer): void {
    if (this.isOver) return;
    if (message[0] === MESSAGE.piece && this.hello !== undefined) {
      this.takePiece(message);
      return;
    }
    this.pendingFrames++;
    this.pendingBytes += message.length;
    // One more than the credit, for the hello; a frame of the largest size may stand over the limit of bytes.
    if (this.pendingFrames > this.credit.frames + 1 || this.pendingBytes > this.credit.bytes + MESSAGE_BYTES_MAX) {
      this.refuse('credit', `${this.pendingFrames} messages of ${this.pendingBytes} bytes are under way`);
      return;
    }
    this.queue = this.queue.then(async () => {
      if (this.isOver) return;
      if (this.hello === undefined) await this.greet(message);
      else if (message[0] === MESSAGE.frame) await this.take(message);
      else await this.control(message);
      if (this.hello !== undefined && message[0] !== MESSAGE.frame) this.release(message.length);
    });
  }

  private release(bytes: number): void {
    this.pendingFrames--;
    this.pendingBytes -= bytes;
  }

  private async greet(message: Buffer): Promise<void> {
    const hello = decodeControl(message, ['hello']);
    if (isWireFault(hello)) return this.refuse('protocol', `hello: ${hello.message}`);
    const { marks } = this.services.wal;
    const { sensor, epoch, schema, acked } = hello;
    if (hello.protocol !== PROTOCOL)
      return this.refuse('protocol', `protocol ${hello.protocol}; here it is ${PROTOCOL}`);
    if (sensor !== this.sensor) return this.refuse('identity', `the certificate is ${this.sensor}'s, not ${sensor}'s`);
    if (!this.services.schemas.has(schema))
      return this.refuse('schema', `schema ${schema} is not known here: update one of us`);
    if (acked.epoch > epoch || (hello.live !== null && hello.live.epoch !== epoch))
      return this.refuse('protocol', 'positions of an epoch that is not there yet');
    const latest = marks.latest(sensor);
    // A copy of a disk, or a snapshot put back: its numbers have been used for other frames.
    if (epoch < latest) return this.refuse('epoch_rollback', `epoch ${epoch} after ${latest}: enrol the sensor again`);
    this.epoch = epoch;
    await this.claim(this);
    if (this.isOver) return;
    const held = marks.mark(sensor, acked.epoch);
    if (marks.knows(sensor, acked.epoch) && held < acked.seq)
      this.audit(
        'connect',
        'done',
        `frames ${held + 1} to ${acked.seq} of epoch ${acked.epoch} were acknowledged and are not here`,
      );
    marks.assume(sensor, acked);
    this.head = acked.epoch === 0 ? acked : { epoch: acked.epoch, seq: marks.mark(sensor, acked.epoch) };
    this.durable = this.head;
    const live = hello.live !== null && marks.mayBranch(sensor, epoch);
    if (live && hello.live !== null) this.liveHead = hello.live;
    this.hello = hello;
    this.line.send(encodeControl({ t: 'welcome', mark: this.head, live, ...this.credit }));
  }

  /** Packets of this sensor, for somebody here; or why it has none for us. */
  pull(wanted: Wanted): Transfer | Outcome {
    if (this.hello?.pull !== true) return nothing('denied', 'the sensor does not let the collector have packets');
    return this.pulls.begin(wanted);
  }

  /** They have a window of their own, and wait for nothing that frames wait for. */
  private takePiece(message: Buffer): void {
    const piece = decodePiece(message);
    const wrong = isWireFault(piece) ? piece.message : this.pulls.take(piece);
    if (wrong !== undefined) this.refuse('order', wrong);
  }

  private async control(message: Buffer): Promise<void> {
    const said = decodeControl(message, ['seals', 'pulled']);
    if (isWireFault(said)) return this.refuse('order', `a frame is due: ${said.message}`);
    if (said.t === 'seals') return this.countersign(said);
    const wrong = this.pulls.end(said);
    if (wrong !== undefined) this.refuse('order', wrong);
  }

  /** The head of a chain of seals. What does not fit is said, and written down once: events are taken all the same. */
  private async countersign(seals: Seals): Promise<void> {
    const { witness } = this.services;
    const { leaves, receipt, fault, detail } = await witness.countersign(this.sensor, seals);
    if (this.isOver) return;
    if (fault !== undefined && !this.hasWrongSeals) {
      this.hasWrongSeals = true;
      this.audit('countersign', 'refused', detail ?? '', fault);
    }
    const { text = '', sig } = receipt ?? {};
    const answer = {
      leaves,
      text,
      sig: sig?.toString('base64') ?? '',
      key: witness.publicKey,
      fault: fault ?? ('' as const),
    };
    this.line.send(encodeControl({ t: 'receipt', chain: seals.chain, ...answer }));
  }

  private async take(message: Buffer): Promise<void> {
    const { native, schemas, wal } = this.services;
    const sent = await decodeFrame(native, message);
    if (this.isOver) return;
    if (isWireFault(sent)) return this.refuse('frame', `${sent.code}: ${sent.message}`);
    const { frame: f, after, live } = sent;
    const name = `frame ${f.epoch}/${f.seq}`;
    if (!schemas.has(f.schema)) return this.refuse('schema', `${name}: schema ${f.schema} is not known here`);
    if (f.epoch > this.epoch) return this.refuse('order', `${name} in epoch ${this.epoch}`);
    const head = live ? this.liveHead : this.head;
    if (head === undefined) return this.refuse('order', `${name}: there is no live stream`);
    if (f.epoch < head.epoch || (live && f.epoch !== head.epoch))
      return this.refuse('order', `${name} after ${head.epoch}/${head.seq}`);
    // A new life begins at 0, or at what is held of it.
    const reached = f.epoch === head.epoch ? head.seq : wal.marks.mark(this.sensor, f.epoch);
    const position = { epoch: f.epoch, seq: f.seq };
    if (!wal.marks.has(this.sensor, position)) {
      if (after > reached) return this.refuse('gap', `${name} follows ${after}, and here is all to ${reached}`);
      if (f.seq <= reached) return this.refuse('order', `${name} after ${reached}`);
    }
    const [checked] = await native.checkFrames(f.kind, [f]);
    if (this.isOver || checked === undefined) return;
    if (checked.fault !== undefined) {
      const { field, reason, offset } = checked.fault;
      return this.refuse('records', `${name}, record ${checked.records} at byte ${offset}: ${field} ${reason}`);
    }
    if (checked.records !== f.count)
      return this.refuse('records', `${name}: ${checked.records} records, not ${f.count}`);
    if (checked.seenMin !== f.firstSeen || checked.seenMax !== f.lastSeen)
      return this.refuse('records', `${name}: its records' times are not those of its head`);
    if (live && isBefore(head, position)) this.liveHead = position;
    else if (isBefore(this.head, position)) this.head = position;
    const isKnown = wal.marks.has(this.sensor, position);
    const stored = isKnown ? undefined : wal.append(this.sensor, sent);
    if (isKnown) this.counters.duplicates++;
    else {
      this.counters.frames++;
      this.counters.bytes += message.length;
      this.counters.events += f.count;
      this.counters.lost += f.seq - Math.max(reached, after) - 1;
    }
    // In the order of the stream: an acknowledgement speaks for all before it.
    this.acks = Promise.all([stored, this.acks]).then(([written]) => {
      if (written !== undefined && !written.ok) {
        const isFull = /no space|quota/.test(written.fault.message);
        this.refuse(isFull ? 'disk_full' : 'storage', `the collector cannot write: ${written.fault.message}`, 10);
      }
      if (!this.isOver) this.acknowledge(position, live, message.length);
    });
  }

  private acknowledge(at: Position, live: boolean, bytes: number): void {
    this.release(bytes);
    if (live) {
      if (this.liveDurable === null || isBefore(this.liveDurable, at)) this.liveDurable = at;
    } else if (isBefore(this.durable, at)) this.durable = at;
    if (this.isAckDue) return;
    // Those of one group are acknowledged together.
    this.isAckDue = true;
    setImmediate(() => {
      this.isAckDue = false;
      if (!this.isOver) this.line.send(encodeControl({ t: 'ack', mark: this.durable, live: this.liveDurable }));
    });
  }

  /** Ends the connection, and says why to both sides. */
  refuse(code: Refusal, reason: string, waitS = 0): void {
    if (this.isOver) return;
    this.isOver = true;
    this.pulls.over();
    this.audit(this.hello === undefined ? 'connect' : 'frame', 'refused', reason, code);
    this.line.send(encodeControl({ t: 'refuse', code, reason: reason.slice(0, 500), wait_s: waitS }));
    this.line.end();
  }

  private audit(action: string, outcome: string, detail: string, reason = ''): void {
    const { address } = this.line;
    const target = this.sensor;
    this.services.audit({ action, outcome, reason, actor: this.sensor, address, target, detail: detail.slice(0, 500) });
  }

  /** Nothing of this session is on its way to the log any more. */
  async finished(): Promise<void> {
    this.isOver = true;
    this.pulls.over();
    await this.queue;
    await this.acks;
  }
}
