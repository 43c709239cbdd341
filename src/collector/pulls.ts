// Packets that somebody at the collector wants from a sensor, while they come. The sensor is an enrolled stranger: what
// it sends is taken in order, up to as much as there was room for and as was asked for, and checked against the hash
// that it says.
import { createHash } from 'node:crypto';
import { type Drop, encodeControl, type More, type Pull, type Pulled } from '../wire/control.ts';
import type { Piece } from '../wire/piece.ts';

/** At once, of one sensor. */
export const PULLS_MAX = 4;
/** Under way and not taken by whoever wants it [bytes]. */
export const PULL_WINDOW = 1 << 20;

/** Times [us], both included. */
export type Wanted = Pick<Pull, 'uid' | 'filter' | 'from' | 'to' | 'actor' | 'reason' | 'bytes'>;

export type Outcome = Omit<Pulled, 't' | 'id'>;

/** Nothing came, and why. */
export const nothing = (fault: Pulled['fault'], detail: string): Outcome => ({
  ...{ fault, detail, packets: 0, bytes: 0, sha256: '', segments: 0, deleted: 0, cutoff: 0, notKept: 0, gaps: 0 },
});

/** One pull: its bytes, to be taken once, and then how it ended. */
export class Transfer {
  readonly id: number;
  readonly ended: Promise<Outcome>;
  private readonly send: (m: More | Drop) => void;
  private readonly bytesMax: number;
  private readonly hash = createHash('sha256');
  private readonly pieces: Buffer[] = [];
  private arrived = 0;
  private taken = 0;
  private room = PULL_WINDOW;
  private outcome: Outcome | undefined;
  private settle: (o: Outcome) => void = () => undefined;
  private wake: () => void = () => undefined;

  constructor(id: number, bytesMax: number, send: Transfer['send']) {
    this.id = id;
    this.bytesMax = bytesMax;
    this.send = send;
    this.ended = new Promise((done) => {
      this.settle = done;
    });
  }

  /** @returns  what is wrong with the piece: the sensor breaks the rules */
  take({ offset, bytes }: Piece): string | undefined {
    if (offset !== this.arrived) return `a piece at ${offset}, and here is all to ${this.arrived}`;
    const to = offset + bytes.length;
    if (to > this.room || to > this.bytesMax) return `a piece to ${to}, and there was room to ${this.room}`;
    this.arrived = to;
    if (this.outcome !== undefined) return undefined;
    this.hash.update(bytes);
    this.pieces.push(bytes);
    this.wake();
    return undefined;
  }

  end(said: Outcome): void {
    if (this.outcome !== undefined) return;
    const isAll = said.bytes === this.arrived && (said.bytes === 0 || said.sha256 === this.hash.digest('hex'));
    // Cut off on the way, it is what it is; otherwise a sensor that says another hash than it sent is not believed.
    const isCut = said.fault === 'stopped';
    this.outcome =
      isAll || isCut ? said : { ...said, fault: 'unreadable', detail: 'what came is not what the sensor says it sent' };
    this.settle(this.outcome);
    this.wake();
  }

  /** Nobody wants the rest. */
  stop(): void {
    if (this.outcome !== undefined) return;
    this.send({ t: 'drop', id: this.id });
    this.pieces.length = 0;
    this.end(nothing('stopped', 'nobody wanted the rest'));
  }

  async *bytes(): AsyncGenerator<Buffer> {
    for (;;) {
      const piece = this.pieces.shift();
      if (piece === undefined) {
        if (this.outcome !== undefined) return;
        await new Promise<void>((done) => {
          this.wake = done;
        });
        continue;
      }
      yield piece;
      this.taken += piece.length;
      const room = this.taken + PULL_WINDOW;
      if (this.outcome !== undefined || room - this.room < PULL_WINDOW / 2) continue;
      this.room = room;
      this.send({ t: 'more', id: this.id, to: room });
    }
  }
}

/** Those of one connection. */
export class PullsIn {
  private readonly send: (message: Buffer) => void;
  private readonly open = new Map<number, Transfer>();
  private last = 0;

  constructor(send: (message: Buffer) => void) {
    this.send = send;
  }

  begin(wanted: Wanted): Transfer | Outcome {
    if (this.open.size >= PULLS_MAX) return nothing('busy', `${PULLS_MAX} others are fetched from this sensor`);
    const id = ++this.last;
    const transfer = new Transfer(id, wanted.bytes, (m) => this.send(encodeControl(m)));
    this.open.set(id, transfer);
    this.send(encodeControl({ t: 'pull', id, ...wanted, window: PULL_WINDOW }));
    return transfer;
  }

  /** @returns  what is wrong: the sensor breaks the rules */
  take(piece: Piece): string | undefined {
    const transfer = this.open.get(piece.id);
    return transfer === undefined ? `a piece of pull ${piece.id}, which nobody asked for` : transfer.take(piece);
  }

  end({ t: _, id, ...outcome }: Pulled): string | undefined {
    const transfer = this.open.get(id);
    if (transfer === undefined) return `the end of pull ${id}, which nobody asked for`;
    this.open.delete(id);
    transfer.end(outcome);
    return undefined;
  }

  /** The connection is gone. */
  over(): void {
    for (const transfer of this.open.values())
      transfer.end(nothing('stopped', 'the connection to the sensor ended on the way'));
    this.open.clear();
  }
}
