// Packets on their way to the collector that asked for them, beside the events. They go when the collector has room and
// the socket is nearly empty, so events, which may fill it much further, are never behind more than a few pieces.
import { encodeControl, type Pull, type Pulled } from '../wire/control.ts';
import { encodePiece, PIECE_BYTES_MAX } from '../wire/piece.ts';

/** Bytes that the socket has not taken yet, above which packets wait. */
export const PIECES_BUFFERED_MAX = 128 << 10;

/** Who has packets, and decides who gets which. */
export interface PullSource {
  readonly isAllowed: boolean;
  /** @param send  waits until there is room for more; false: nobody wants it any more */
  pull(asked: Pull, send: (bytes: Buffer) => Promise<boolean>): Promise<Omit<Pulled, 't' | 'id'>>;
}

export interface PullLine {
  send(message: Buffer): void;
  buffered(): number;
  /** Settles when either may have changed: what is buffered, or what the collector has room for. */
  change(): Promise<void>;
}

/** Those of one connection. */
export class PullsOut {
  private readonly source: PullSource;
  private readonly line: PullLine;
  /** How far the collector has room, by number of the pull [bytes]. */
  private readonly room = new Map<number, number>();
  private isOver = false;

  constructor(source: PullSource, line: PullLine) {
    this.source = source;
    this.line = line;
  }

  async begin(asked: Pull): Promise<void> {
    const { id } = asked;
    if (this.room.has(id)) return;
    this.room.set(id, asked.window);
    let offset = 0;
    const send = async (bytes: Buffer): Promise<boolean> => {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES_MAX) {
        const piece = bytes.subarray(at, at + PIECE_BYTES_MAX);
        while (!this.mayStop(id) && !this.maySend(id, offset + piece.length)) await this.line.change();
        if (this.mayStop(id)) return false;
        this.line.send(encodePiece({ id, offset, bytes: piece }));
        offset += piece.length;
      }
      return true;
    };
    const { detail, ...answered } = await this.source.pull(asked, send);
    this.room.delete(id);
    if (this.isOver) return;
    this.line.send(encodeControl({ t: 'pulled', id, ...answered, detail: detail.slice(0, 160) }));
  }

  more(id: number, to: number): void {
    const before = this.room.get(id);
    if (before !== undefined) this.room.set(id, Math.max(before, to));
  }

  drop(id: number): void {
    this.room.delete(id);
  }

  /** The connection is gone. */
  end(): void {
    this.isOver = true;
    this.room.clear();
  }

  private mayStop(id: number): boolean {
    return this.isOver || !this.room.has(id);
  }
  private maySend(id: number, to: number): boolean {
    return to <= (this.room.get(id) ?? 0) && this.line.buffered() <= PIECES_BUFFERED_MAX;
  }
}
