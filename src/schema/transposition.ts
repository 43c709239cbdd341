// Records to columns: what the store asks of the native side (native/addon/store.cc). Only src/capture loads the addon,
// so a spine hands this in.

/** A batch of one kind as one numbered frame of a sensor's log. */
export interface LogFrame {
  readonly sensor: string;
  readonly epoch: number;
  readonly seq: number;
  /** Records in `bytes`. */
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** What is wrong with a frame's records; offset in bytes from its start. */
export interface RecordFault {
  readonly reason: string;
  /** Empty where no field is concerned. */
  readonly field: string;
  readonly offset: number;
}

export interface CheckedFrame {
  /** Good records; those before the fault when there is one. */
  readonly records: number;
  /** Over those records [us]; 0 when there are none. */
  readonly seenMin: number;
  readonly seenMax: number;
  readonly fault?: RecordFault;
}

/** One ClickHouse Native block of one kind in the making. Calls wait for the one before. */
export interface NativeTransposer {
  /**
   * Appends frames on a worker thread, in order. A faulty frame leaves nothing, and is told.
   * The bytes must stay as they are until the promise settles.
   */
  add(frames: readonly LogFrame[]): Promise<readonly CheckedFrame[]>;
  /** Distinct names so far whose registered domains finish() wants, in the order they came. */
  names(): string[];
  /** The block, and an empty one begins. `domains`: of each of names(), '' where it has none. */
  finish(domains: readonly string[]): Promise<{ readonly block: ArrayBuffer; readonly rows: number }>;
}

export interface NativeTransposition {
  /** @param kind  its number */
  readonly Transposer: new (
    kind: number,
  ) => NativeTransposer;
  /** Validates on a worker thread; nothing is kept. */
  checkFrames(kind: number, frames: readonly Pick<LogFrame, 'bytes'>[]): Promise<readonly CheckedFrame[]>;
}
