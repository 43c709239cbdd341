// Long memory as detection sees it, over the addon's table. native/memory has what it keeps and how it survives.
//
// The constructor of the native class is handed in by a spine: only src/capture loads the addon.
import { failure, type Result, success } from '../lib/fault.ts';
import type { Memory, Recollection, Space } from '../schema/observation.ts';

/** native/addon/memory.cc. */
export interface NativeMemory {
  touch(space: number, key: string, at: number, host?: string): void;
  /** Fills the array that the constructor was given: first, last, count, days, since. */
  look(space: number, key: string, host?: string): void;
  prevalence(space: number, key: string, days: number, at: number): number;
  begin(at: number): void;
  /** What went wrong, or undefined. */
  commit(position: number): string | undefined;
  position(): number;
  stats(): MemoryStats;
  close(): void;
}

export interface MemoryStats {
  readonly keys: number;
  readonly pairs: number;
  /** Forgotten to make room, since memory began. */
  readonly keysEvicted: number;
  readonly pairsEvicted: number;
  readonly bytes: number;
  readonly diskBytes: number;
}

export interface MemoryOptions {
  /** Made if it is not there; its parent must be. Without one memory ends with the process. */
  readonly dir?: string;
  readonly budgetBytes?: number;
  /** State.sequence: memory goes back to that commit, or says that it cannot. Without it, to its last. */
  readonly position?: number;
}

export type NativeMemoryClass = new (options: MemoryOptions, answer: Float64Array) => NativeMemory;

/** Numbers on disk: appended to, never changed. */
const SPACES: Readonly<Record<Space, number>> = {
  domain: 0,
  file: 1,
  addr: 2,
  ja4: 3,
  user_agent: 4,
  cert: 5,
  user: 6,
};

export class LongMemory implements Memory {
  private readonly native: NativeMemory;
  private readonly answer = new Float64Array(5);

  /** @throws Error when the folder cannot be used; openMemory() makes it a fault. */
  constructor(Native: NativeMemoryClass, options: MemoryOptions = {}) {
    this.native = new Native(options, this.answer);
  }

  /** Memory answers from here on, unless it did before: the first event's time, whether it touches anything or not. */
  begin(at: number): void {
    this.native.begin(at);
  }

  touch(space: Space, key: string, at: number, host?: string): void {
    this.native.touch(SPACES[space], key, at, host);
  }

  look(space: Space, key: string, host?: string): Recollection {
    this.native.look(SPACES[space], key, host);
    const [first = 0, last = 0, count = 0, days = 0, since = 0] = this.answer;
    const never = count === 0;
    return { first: never ? undefined : first, last: never ? undefined : last, count, days, since };
  }

  prevalence(space: Space, key: string, days: number, at: number): number {
    return this.native.prevalence(SPACES[space], key, days, at);
  }

  /** Durable when it returns success. Call it with state.sequence + 1, and state.commit() right after. */
  commit(position: number): Result<undefined> {
    const fault = this.native.commit(position);
    return fault === undefined
      ? success(undefined)
      : failure('state_unusable', fault, 'see free space and who owns it');
  }

  get position(): number {
    return this.native.position();
  }

  stats(): MemoryStats {
    return this.native.stats();
  }

  /** What was not committed is gone. */
  close(): void {
    this.native.close();
  }
}

export function openMemory(Native: NativeMemoryClass, options: MemoryOptions = {}): Result<LongMemory> {
  try {
    return success(new LongMemory(Native, options));
  } catch (error) {
    if (!(error instanceof Error) || error instanceof TypeError) throw error;
    return failure(
      'state_unusable',
      error.message,
      'name another folder, or remove both memory and state to begin anew',
    );
  }
}
