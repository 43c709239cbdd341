// The one place that loads the native side, and what it promises. Its own half is native/addon/addon.cc.
import { createRequire } from 'node:module';
import { failure, type Result, success } from '../lib/fault.ts';
import type { NativeTransposition } from '../schema/transposition.ts';
import type { NativeMemoryClass } from '../state/memory.ts';
import type { NativeWire } from '../wire/native.ts';

export interface NativeOptions {
  /** Read one after another as one history; "-" is standard input. */
  files?: readonly string[];
  /** Or all captures in this folder, and on as they grow. */
  folder?: string;
  /** Or live from here. */
  interface?: string;
  /** BPF text; compiled for each link type when its first packet comes. */
  filter?: string;
  /** Kinds to encode, by number. None of them: []; all of them: left out. */
  kinds?: readonly number[];
  flowsMax?: number;
  /** A flow's time is up by the newest packet, as in Zeek, not by its own. */
  endsLateFlows?: boolean;
  /** Ends in order after so many. */
  packetsMax?: number;
  snaplen?: number;
  /** Of the kernel's ring [MiB]. */
  bufferMb?: number;
  promiscuous?: boolean;
  /** Times by the adapter; an adapter that has none is a fault. */
  adapterClock?: boolean;
  /** Where packets are kept; not at all when left out. */
  packets?: PacketOptions;
  /** Where the content of files is kept; nowhere when left out. */
  carve?: CarveOptions;
}

/** Files kept beside hashing (native/files/store.h). */
export interface CarveOptions {
  /** Exists. */
  readonly dir: string;
  /** A longer file is not kept. */
  readonly maxBytes?: number;
  /** Written for one protocol within a day of packet time. */
  readonly sourceBytesMax?: number;
  /** Only these types. */
  readonly mimes?: readonly string[];
}

export interface CarveCounters {
  readonly kept: number;
  readonly keptBytes: number;
  readonly tooLong: number;
  readonly overBudget: number;
  readonly tooManyOpen: number;
  readonly refused: number;
  readonly unwanted: number;
}

/** Packets kept beside decoding (native/packets). */
export interface PacketOptions {
  /** Exists. */
  readonly dir: string;
  /** Of this life of the process, and the number of its first segment. */
  readonly epoch?: number;
  readonly firstN?: number;
  readonly segmentBytes?: number;
  readonly segmentSeconds?: number;
  /** IP bytes kept of each flow; 0: all. */
  readonly cutoffBytes?: number;
  /** Of one segment's index; a full one begins the next segment. */
  readonly indexPlacesMax?: number;
}

/** A stretch of packet time that has ended, with its file, if anything could be kept. */
export interface NativeSegment {
  readonly epoch: number;
  readonly n: number;
  /** Of the file in the folder of packets; '' without one. */
  readonly name: string;
  readonly bytes: number;
  readonly hasIndex: boolean;
  /** Packet times of the packets taken [ns], as decimal digits. */
  readonly from: string;
  readonly to: string;
  /** taken = decoded = written + cutoff + notKept. */
  readonly taken: number;
  readonly decoded: number;
  readonly written: number;
  readonly cutoff: number;
  readonly notKept: number;
  readonly ringPackets: number;
  readonly ringDrops: number;
  /** Why packets were shed, or '' */
  readonly error: string;
}

/** What a seal says of a segment's file. */
export interface NativeDigest {
  readonly sha256: string;
  /** Of the RFC 6962 tree over the blocks. */
  readonly root: string;
  readonly bytes: number;
  /** Of those, in whole blocks from the start: what the hashes are of. */
  readonly whole: number;
  readonly blocks: number;
  readonly packets: number;
  /** Packet times [ns], as decimal digits. */
  readonly first: string;
  readonly last: string;
  readonly error?: string;
}

/** The RFC 6962 tree over the blocks of a segment. */
export interface NativeTree {
  /** Of each whole block in the file, ascending: the leaves. */
  readonly offsets: Uint32Array;
  /** Hashes of 32 bytes, level by level from the leaves to the root. */
  readonly nodes: Buffer;
  readonly error?: string;
}

/** Which packets of a segment pass a filter. */
export interface NativeMatches {
  /** 1 for each that does, in the order asked. */
  readonly passed: Buffer;
  readonly bytesRead: number;
  /** The filter does not compile, or the file is not as its index says. */
  readonly error?: string;
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
  /** Ended since the drain before; left out when none has. */
  readonly segments?: readonly NativeSegment[];
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

/** What a decoder has counted. */
export interface Counted {
  readonly packets: number;
  /** On the wire. */
  readonly bytes: number;
  readonly flows: number;
  /** Ended early to make room. */
  readonly flowsEvicted?: number;
  readonly weirds: number;
  /** Packet time of the newest, 0 before the first [us]. */
  readonly lastTs: number;
  readonly kernelDropped?: number;
  readonly interfaceDropped?: number;
}

export interface Summary extends Counted {
  /** Of the bytes, those in the capture: less when a snap length cut. */
  readonly capturedBytes: number;
  /** By kind, those that were not encoded included. */
  readonly events: Readonly<Record<string, number>>;
  /** Begun so far. */
  readonly files: readonly FileResult[];
  /** Of the earliest packet, 0 before it [us]. */
  readonly firstTs: number;
  /** Bytes of all files consumed. */
  readonly position: number;
  readonly kernelReceived?: number;
  /** How long the interface was down or away [s]. */
  readonly down?: number;
  /** Flows whose cutoff could not be lifted: too many are held. */
  readonly holdsRefused?: number;
  /** Of files, where they are kept. */
  readonly carved?: CarveCounters;
}

export interface NativeReader {
  /** Decodes on a worker thread until there is a drain; null at the end. */
  next(): Promise<NativeDrain | null>;
  /** Waits for a next() that is under way. */
  summary(): Summary;
  /** Finish early: open flows are ended and handed over, then null. */
  stop(): void;
  /** All packets of the flow are kept from now on, whatever the cutoff. False: no uid, or too many wait. */
  hold(uid: string): boolean;
  release(uid: string): boolean;
}

/** The sensor's end of a channel from a capture process (native/worker). */
export interface NativeChannel {
  /** To be inherited by the process. */
  fd(): number;
  /** The next message, copied and checked; null: there is none; a text: what is wrong with it. */
  take(): Promise<{ readonly type: number; readonly drain: NativeDrain } | string | null>;
  /** What it has counted in this life, by its own word, and how often it has come by to say so. */
  counted(): Counted & { readonly turns: number };
  /** The flow that was being parsed when the process was last heard of. */
  crumb(): { readonly key: string; readonly text: string } | null;
}

export interface Versions {
  readonly addon?: string;
  readonly libpcap: string;
  readonly schema?: number;
}

export interface Addon extends NativeTransposition, NativeWire {
  readonly Reader: new (options: NativeOptions) => NativeReader;
  /** @param epoch  of the packets that the process will keep */
  readonly Channel: new (
    epoch: number,
  ) => NativeChannel;
  readonly Memory: NativeMemoryClass;
  /** Throws where a pattern or a rule means nothing. */
  readonly Hunt: new (options: {
    readonly patterns: readonly { readonly name: string; readonly regex: string }[];
    /** Of YARA; not looked for when left out. */
    readonly rules?: string;
    readonly hitsMax?: number;
  }) => NativeHunt;
  /** Reads a segment and hashes it, off this thread. */
  digestSegment(path: string): Promise<NativeDigest>;
  /** @param offsets  of blocks; linktypes of the segment's interfaces. Off this thread. */
  matchPackets(path: string, filter: string, offsets: Uint32Array, linktypes: Uint32Array): Promise<NativeMatches>;
  treeOfSegment(path: string): Promise<NativeTree>;
  /** A datagram to a socket of AF_UNIX, "@name" for an abstract one. False: it was not sent. */
  notify(socket: string, text: string): boolean;
  version(): Versions;
}

/** Something found in what packets carry (native/hunt/hunt.h). */
export interface NativeHit {
  readonly pattern: string;
  readonly uid: string;
  /** Packet time at which it was complete [us]. */
  readonly ts: number;
  /** 16 bytes, as src/schema/ip.ts reads them. */
  readonly origH: Uint8Array;
  readonly respH: Uint8Array;
  readonly origP: number;
  readonly respP: number;
  readonly proto: number;
  readonly isOrig: boolean;
  /** Else `offset` counts in one packet's payload. */
  readonly isStream: boolean;
  readonly offset: number;
  readonly length: number;
  readonly excerpt: Uint8Array;
}

/** Since the hunt began, but `hits`, which are new. */
export interface NativeFound {
  readonly hits: readonly NativeHit[];
  /** As many were found as may be. */
  readonly isFull: boolean;
  readonly packets: number;
  readonly bytes: number;
  /** Windows that ended early for lack of memory, bytes missing in streams, windows that rules took too long for. */
  readonly early: number;
  readonly lost: number;
  readonly slow: number;
  readonly error?: string;
}

/** One call at a time; off this thread. */
export interface NativeHunt {
  /** @param offsets  of its packets; all of them when left out */
  segment(path: string, filter: string, offsets?: Uint32Array): Promise<NativeFound>;
  finish(): Promise<NativeFound>;
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
