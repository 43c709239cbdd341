// The one place that loads the native side, and what it promises. Its own half is native/addon/addon.cc.
import { createRequire } from 'node:module';
import { failure, type Result, success } from '../lib/fault.ts';
import type { NativeTransposition } from '../schema/transposition.ts';
import type { NativeMemoryClass } from '../state/memory.ts';

export interface NativeOptions {
  /** Read one after another as one history; "-" is standard input. */
  files?: readonly string[];
  /** Or live from here. */
  interface?: string;
  /** BPF text; compiled for each link type when its first packet comes. */
  filter?: string;
  /** Kinds to encode, by number. None of them: []; all of them: left out. */
  kinds?: readonly number[];
  flowsMax?: number;
  /** Ends in order after so many. */
  packetsMax?: number;
  snaplen?: number;
}

export interface NativeBatch {
  readonly kind: number;
  readonly count: number;
  /** Of its events [us]. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Where its records are in the drain's buffer [bytes]. */
  readonly offset: number;
  readonly length: number;
}

/** All events since the drain before, one batch a kind. No batches: there was only progress. */
export interface NativeDrain {
  readonly buffer: ArrayBuffer;
  readonly batches: readonly NativeBatch[];
}

export interface FileResult {
  readonly path: string;
  readonly packets: number;
  /** Packet times of its earliest and latest packet, 0 before the first [us]. */
  readonly firstTs: number;
  readonly lastTs: number;
  /** Why it could not be read to its end. */
  readonly error?: string;
}

export interface Summary {
  readonly packets: number;
  /** On the wire. */
  readonly bytes: number;
  /** Of those, in the capture: less when a snap length cut. */
  readonly capturedBytes: number;
  readonly flows: number;
  /** Ended early to make room. */
  readonly flowsEvicted?: number;
  /** By kind, those that were not encoded included. */
  readonly events: Readonly<Record<string, number>>;
  readonly weirds: number;
  /** Begun so far. */
  readonly files: readonly FileResult[];
  /** Packet times, 0 before the first packet [us]. */
  readonly firstTs: number;
  readonly lastTs: number;
  /** Bytes of all files consumed. */
  readonly position: number;
  readonly kernelReceived?: number;
  readonly kernelDropped?: number;
  readonly interfaceDropped?: number;
}

export interface NativeReader {
  /** Decodes on a worker thread until there is a drain; null at the end. */
  next(): Promise<NativeDrain | null>;
  /** Waits for a next() that is under way. */
  summary(): Summary;
  /** Finish early: open flows are ended and handed over, then null. */
  stop(): void;
}

export interface Versions {
  readonly addon?: string;
  readonly libpcap: string;
  readonly schema?: number;
}

export interface Addon extends NativeTransposition {
  readonly Reader: new (options: NativeOptions) => NativeReader;
  readonly Memory: NativeMemoryClass;
  version(): Versions;
}

// From src/capture and from dist/capture alike.
const ADDON_PATH = '../../build/cmake/Release/catenary.node';

let loaded: Addon | undefined;

/** The addon, loaded when first asked for: --help and a wrong option work without it. */
export function loadAddon(): Result<Addon> {
  if (loaded !== undefined) return success(loaded);
  try {
    loaded = createRequire(import.meta.url)(ADDON_PATH) as Addon;
    return success(loaded);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'MODULE_NOT_FOUND')
      return failure('addon_missing', 'the native decoder is not built', "run 'make build'");
    // A library it needs is absent, or it was built for another Node: the loader's first line says which.
    if (code === 'ERR_DLOPEN_FAILED')
      return failure(
        'addon_mismatch',
        `the native decoder does not load: ${message.split('\n')[0]}`,
        "run 'make build'",
      );
    throw error;
  }
}
