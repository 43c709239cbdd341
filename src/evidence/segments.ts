// The folder of segments: sealing what the decoder has closed, what a crash left, and retention by a byte budget.
//
//   EEEEEEEE-NNNNNNNN.pcapng .idx    by the decoder
//   EEEEEEEE-NNNNNNNN.manifest .sig  the seal; stays when the segment goes
//   tombstones                       one signed line for each segment that went
//
// A seal is over what lies on the disk: the decoder parses hostile bytes, and its word on hashes is not taken.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { syncFolder, writeDurably } from '../lib/durable.ts';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
import { custodyHead, record } from './custody.ts';
import { LeafLog } from './leaf_log.ts';
import { appendLine } from './lines.ts';
import { type Gap, type Manifest, manifestText, NOTHING_BEFORE, parseManifest, type Sealed } from './manifest.ts';
import { type Signer, sha256 } from './signer.ts';

/** A stretch of packet time that the decoder has ended (native/packets/writer.h). Times [ns], decimal digits. */
export interface Closed {
  readonly epoch: number;
  readonly n: number;
  /** '' when nothing could be kept. */
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly taken: number;
  readonly decoded: number;
  readonly written: number;
  readonly cutoff: number;
  readonly notKept: number;
  readonly ringPackets: number;
  readonly ringDrops: number;
}

/** What hashes a segment off this thread. Times [ns], decimal digits. */
export type Digester = (path: string) => Promise<{
  readonly sha256: string;
  readonly root: string;
  readonly bytes: number;
  readonly whole: number;
  readonly blocks: number;
  readonly packets: number;
  readonly first: string;
  readonly last: string;
  readonly error?: string;
}>;

/** What every manifest says of how packets were taken. */
export interface Circumstances {
  readonly sensor: string;
  readonly interface: string;
  readonly filter: string;
  readonly snaplen: number;
  readonly software: string;
  /** SHA-256 of the configuration. */
  readonly config: string;
}

export interface SegmentsOptions {
  readonly dir: string;
  /** The evidence folder, which has the custody log. */
  readonly evidence: string;
  readonly signer: Signer;
  readonly digest: Digester;
  readonly clock: Clock;
  readonly circumstances: Circumstances;
}

export interface SegmentFile {
  /** Its folder's name: an interface's. */
  readonly chain: string;
  /** EEEEEEEE-NNNNNNNN */
  readonly stem: string;
  readonly path: string;
  readonly bytes: number;
}

const STEM = /^(\d{8,10})-(\d{8,10})$/;
const stemOf = (epoch: number, n: number): string => `${String(epoch).padStart(8, '0')}-${String(n).padStart(8, '0')}`;
/** Numbers without a file that recovery says are lost; more were never sealed, and verification names the hole. */
const LOST_MAX = 10_000;
/** As many interfaces as a sensor may have, and the folder above them. */
const FOLDERS_MAX = 65;
export const TOMBSTONES = 'tombstones';

/** Names of `ending` in the folder without it, in the order of epoch and number. */
export function stemsOf(dir: string, ending: string): string[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith(ending) && STEM.test(name.slice(0, -ending.length)))
    .map((name) => name.slice(0, -ending.length))
    .sort();
}

/** Folders of segments: this one, and those of a sensor's interfaces below it. */
export function segmentFolders(dir: string): string[] {
  if (!existsSync(dir)) return [];
  const below = readdirSync(dir, { withFileTypes: true }).filter((e) => e.isDirectory());
  return [dir, ...below.map((e) => join(dir, e.name)).sort()].slice(0, FOLDERS_MAX);
}

export const segmentFiles = (dir: string): SegmentFile[] =>
  stemsOf(dir, '.pcapng').map((stem) => {
    const path = join(dir, `${stem}.pcapng`);
    return { chain: basename(dir), stem, path, bytes: statSync(path).size };
  });

export function readManifest(dir: string, stem: string): Sealed | undefined {
  return parseManifest(readFileSync(join(dir, `${stem}.manifest`), 'utf8'));
}

/** How often a segment that the disk does not give back is asked for, before it counts as lost. */
const READS_MAX = 3;
/** Stretches that wait for a disk that refuses: two months of minutes, six days of shedding. More are lost. */
export const PENDING_MAX = 100_000;
const DELETED = { act: 'delete', actor: 'sensor', reason: 'budget', sha256: '' } as const;
/** Less is how clocks are kept right [us]. */
const CLOCK_BACK_US = 1_000_000;

const UNKNOWN = { taken: 0, decoded: 0, written: 0, cutoff: 0, notKept: 0, ringPackets: 0, ringDrops: 0 };

/** The newest seal of a chain, for whoever countersigns it. */
export interface Head {
  readonly chain: string;
  readonly leaves: number;
  /** Of the RFC 6962 tree over the manifests, hex. */
  readonly root: string;
}

export class Segments {
  /** The folder's name. */
  readonly chain: string;
  private readonly o: SegmentsOptions;
  private readonly leaves: LeafLog;
  private currentEpoch: number;
  private prev: string;
  /** Packet time of the newest packet [ns], and wall time of the newest seal [us]. */
  private lastSeen: bigint;
  private lastSealed: number;
  private firstOfEpoch = true;
  private last: { epoch: number; n: number };
  /** Seals of this life, and how many of them `kept` knows; -1: it knows nothing yet. */
  private seals = 0;
  private sealsKept = -1;
  private kept: { count: number; bytes: number; first?: string | undefined; last?: string | undefined } = {
    count: 0,
    bytes: 0,
  };
  private readonly pending: Closed[] = [];
  private reads = 0;
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(options: SegmentsOptions, before: Sealed | undefined, leaves: LeafLog) {
    this.o = options;
    this.chain = basename(options.dir);
    this.leaves = leaves;
    this.currentEpoch = (before?.epoch ?? 0) + 1;
    this.prev = before?.hash ?? NOTHING_BEFORE;
    this.lastSeen = before?.last ?? 0n;
    this.lastSealed = before?.sealed ?? 0;
    this.last = { epoch: before?.epoch ?? 0, n: before?.n ?? 0 };
  }

  /** Of this life. */
  get epoch(): number {
    return this.currentEpoch;
  }

  get dir(): string {
    return this.o.dir;
  }

  get head(): Head {
    const { tree } = this.leaves;
    return { chain: this.chain, leaves: tree.leaves, root: tree.root().toString('hex') };
  }

  /** Of the newest seal; undefined before the first. */
  get newest(): string | undefined {
    return this.last.n === 0 ? undefined : stemOf(this.last.epoch, this.last.n);
  }

  /** Hashes of manifests as leaves of the chain's tree, hex. */
  leafHashes(from: number, count: number): string[] {
    return this.leaves.read(from, count);
  }

  /**
   * Opens the folder, makes it where it is missing, seals what a crash left unsealed, and begins a new epoch.
   * Errors: the folder cannot be used; a manifest is not ours.
   */
  static async open(options: SegmentsOptions): Promise<Result<Segments>> {
    const { dir } = options;
    try {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      const stems = stemsOf(dir, '.manifest');
      const last = stems.at(-1);
      const sealed = last === undefined ? undefined : readManifest(dir, last);
      if (last !== undefined && sealed === undefined)
        return failure('state_unusable', `${join(dir, last)}.manifest: is no manifest`, 'restore it, or move it away');
      const segments = new Segments(options, sealed, new LeafLog(dir, stems));
      const recovered = await segments.recover();
      return recovered.ok ? success(segments) : recovered;
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', dir, error) };
    }
  }

  private async recover(): Promise<Result<undefined>> {
    const { dir } = this.o;
    for (const name of readdirSync(dir)) {
      const stem = /^\.(\d{8,10}-\d{8,10})\.part$/.exec(name)?.[1];
      if (stem === undefined) {
        if (name.endsWith('.part')) unlinkSync(join(dir, name));
        continue;
      }
      const part = join(dir, name);
      const { whole, packets, error } = await this.o.digest(part);
      if (error !== undefined) return failure('state_unusable', `${part}: ${error}`, 'see the disk');
      if (packets === 0) unlinkSync(part);
      else {
        truncateSync(part, whole);
        renameSync(part, join(dir, `${stem}.pcapng`));
      }
    }
    // Deletion broke off between a segment and its index, or closing between its index and the segment.
    const segments = new Set(stemsOf(dir, '.pcapng'));
    for (const stem of stemsOf(dir, '.idx')) if (!segments.has(stem)) unlinkSync(join(dir, `${stem}.idx`));
    syncFolder(dir);
    const sealed = new Set(stemsOf(dir, '.manifest'));
    for (const { stem } of segmentFiles(dir).filter((s) => !sealed.has(s.stem))) {
      const [, e, n] = STEM.exec(stem) as RegExpExecArray;
      this.currentEpoch = Math.max(this.currentEpoch, Number(e) + 1);
      const closed = { epoch: Number(e), n: Number(n), name: `${stem}.pcapng`, from: '0', to: '0', ...UNKNOWN };
      const done = await this.sealNext(closed, true);
      if (!done.ok) return done;
    }
    this.firstOfEpoch = true;
    return success(undefined);
  }

  /**
   * Writes manifest and signature. Stretches are sealed in the order in which they were closed: one that the disk
   * refuses waits, and those behind it.
   */
  seal(closed: Closed): Promise<Result<undefined>> {
    if (this.pending.length < PENDING_MAX) this.pending.push(closed);
    return this.sealPending();
  }

  /** Tries again what waits for a disk that refused. */
  sealPending(): Promise<Result<undefined>> {
    const done = this.turn.then(async (): Promise<Result<undefined>> => {
      for (let next = this.pending[0]; next !== undefined; next = this.pending[0]) {
        const sealed = await this.sealNext(next);
        if (!sealed.ok) return sealed;
        this.pending.shift();
      }
      return success(undefined);
    });
    this.turn = done;
    return done;
  }

  /** Numbers between the last seal and this one are those of which a crash, or too long a wait, left nothing. */
  private async sealNext(closed: Closed, recovered = false): Promise<Result<undefined>> {
    const { epoch, n } = closed;
    const first = epoch === this.last.epoch ? this.last.n + 1 : 1;
    for (let lost = Math.max(first, n - LOST_MAX); lost < n; lost++) {
      const nothing = { epoch, n: lost, name: '', from: '0', to: '0', ...UNKNOWN };
      const done = this.write(nothing, NO_FILES, true);
      if (!done.ok) return done;
    }
    const found = await this.filesOf(closed);
    if (!found.ok) {
      if (++this.reads < READS_MAX && !recovered) return found;
      const done = this.write({ ...closed, name: '' }, NO_FILES, true);
      if (done.ok) this.reads = 0;
      return done;
    }
    this.reads = 0;
    return this.write(closed, found.value, recovered);
  }

  /** What a seal says of the files of a stretch, as they lie on the disk. */
  private async filesOf(closed: Closed): Promise<Result<SealedFiles>> {
    const { dir } = this.o;
    if (closed.name === '') return success(NO_FILES);
    const path = join(dir, closed.name);
    try {
      const about = await this.o.digest(path);
      if (about.error !== undefined) return failure('state_unusable', `${path}: ${about.error}`, 'see the disk');
      if (about.whole !== about.bytes)
        return failure('state_unusable', `${path}:${about.whole}: is no whole block`, 'the disk or the decoder failed');
      const files = [{ sha256: about.sha256, name: closed.name }];
      const index = closed.name.replace(/pcapng$/, 'idx');
      if (existsSync(join(dir, index))) files.push({ sha256: sha256(readFileSync(join(dir, index))), name: index });
      return success({ about, files });
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', path, error) };
    }
  }

  private write(closed: Closed, { about, files }: SealedFiles, recovered: boolean): Result<undefined> {
    const { dir, signer, clock, circumstances } = this.o;
    const stem = stemOf(closed.epoch, closed.n);
    const sealed = clock.wall();
    const custody = custodyHead(this.o.evidence);
    // Of what a crash left only the packets that are there are known.
    const written = recovered ? about.packets : closed.written;
    const manifest: Manifest = {
      ...circumstances,
      ...{ epoch: closed.epoch, n: closed.n, prev: this.prev, files, size: about.bytes, packets: about.packets },
      ...{ first: BigInt(about.first), last: BigInt(about.last), leaves: about.blocks, root: about.root },
      counters: {
        ...{ ring_packets: closed.ringPackets, ring_drops: closed.ringDrops, app_drops: 0, written },
        ...{ taken: recovered ? written : closed.taken, decoded: recovered ? written : closed.decoded },
        ...{ cutoff: closed.cutoff, not_kept: closed.notKept },
      },
      ...{ custody, sealed, recovered, gaps: this.gapsBefore(closed, recovered, sealed) },
    };
    const text = manifestText(manifest);
    try {
      // The signature first: a manifest without one is never seen.
      writeDurably(join(dir, `${stem}.sig`), signer.sign(text));
      writeDurably(join(dir, `${stem}.manifest`), text);
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', join(dir, stem), error) };
    }
    this.seals++;
    this.leaves.add(text);
    this.prev = sha256(text);
    this.firstOfEpoch = false;
    this.last = { epoch: closed.epoch, n: closed.n };
    this.lastSealed = sealed;
    const to = BigInt(closed.to) > manifest.last ? BigInt(closed.to) : manifest.last;
    if (to > this.lastSeen) this.lastSeen = to;
    return success(undefined);
  }

  private gapsBefore(closed: Closed, recovered: boolean, sealed: number): Gap[] {
    const gaps: Gap[] = [];
    const { lastSeen, lastSealed } = this;
    const from = BigInt(closed.from);
    if (this.firstOfEpoch && lastSeen > 0n && !recovered)
      gaps.push({ reason: 'restart', from: lastSeen, to: from > lastSeen ? from : lastSeen });
    if (closed.notKept > 0) gaps.push({ reason: 'shed', from, to: BigInt(closed.to) });
    if (recovered && closed.name === '') gaps.push({ reason: 'lost', from: lastSeen, to: from > 0n ? from : lastSeen });
    if (sealed < lastSealed - CLOCK_BACK_US)
      gaps.push({ reason: 'clock', from: BigInt(lastSealed) * 1000n, to: BigInt(sealed) * 1000n });
    return gaps;
  }

  /**
   * What the last retain() left, and the packet times of the first and the last packet in it [us].
   * Not the folder as it is now: to look there takes a system call a segment.
   */
  held(): { segments: number; bytes: number; oldest: number | null; latest: number | null } {
    const { count, bytes, first, last } = this.kept;
    const time = (stem: string | undefined, which: 'first' | 'last'): number | null => {
      const sealed = stem === undefined ? undefined : readManifest(this.o.dir, stem);
      return sealed === undefined ? null : Number(sealed[which] / 1000n);
    };
    return { segments: count, bytes, oldest: time(first, 'first'), latest: time(last, 'last') };
  }

  /** All that are sealed, oldest first. */
  list(): SegmentFile[] {
    const { dir } = this.o;
    return segmentFiles(dir).filter((s) => existsSync(join(dir, `${s.stem}.manifest`)));
  }

  /**
   * Deletes the oldest segments until the rest fits the budget. A manifest stays; a signed line says what went.
   * @param copyOut  called before a segment goes: whoever needs something of it takes it now; a fault keeps the segment
   * @param isHeld   packets of these times [ns] must not go: a legal hold
   */
  async retain(
    budgetBytes: number,
    copyOut: (s: SegmentFile) => Promise<Result<unknown>>,
    isHeld: (from: bigint, to: bigint) => boolean = () => false,
  ): Promise<Result<string[]>> {
    const { dir, signer, clock } = this.o;
    // To look at every segment takes two system calls each: not while none has come and all fitted.
    if (this.sealsKept === this.seals && this.kept.bytes <= budgetBytes) return success([]);
    // Others may come while it waits below.
    const { seals } = this;
    const files = this.list();
    let total = files.reduce((n, s) => n + s.bytes, 0);
    const gone = new Set<string>();
    for (const s of files) {
      if (total <= budgetBytes) break;
      const text = readFileSync(join(dir, `${s.stem}.manifest`), 'utf8');
      const sealed = parseManifest(text);
      if (sealed === undefined || isHeld(sealed.first, sealed.last)) continue;
      const copied = await copyOut(s);
      if (!copied.ok) return copied;
      const at = clock.wall();
      const what = `segment ${s.chain}/${s.stem}`;
      const said = record(this.o.evidence, signer, { ...DELETED, what }, at);
      if (!said.ok) return said;
      try {
        const manifest = sha256(text);
        const line = `tombstone v1 segment=${s.stem} manifest=${manifest} reason=budget at_us=${at}`;
        appendLine(join(dir, TOMBSTONES), `${line} sig=${signer.sign(line).toString('base64')}`);
        unlinkSync(s.path);
        if (existsSync(join(dir, `${s.stem}.idx`))) unlinkSync(join(dir, `${s.stem}.idx`));
      } catch (error) {
        return { ok: false, fault: systemFault('state_unusable', s.path, error) };
      }
      total -= s.bytes;
      gone.add(s.stem);
    }
    const rest = files.filter((f) => !gone.has(f.stem));
    this.kept = { count: rest.length, bytes: total, first: rest[0]?.stem, last: rest.at(-1)?.stem };
    this.sealsKept = seals;
    return success([...gone]);
  }
}

interface SealedFiles {
  readonly about: Omit<Awaited<ReturnType<Digester>>, 'whole' | 'sha256' | 'error'>;
  readonly files: readonly { readonly sha256: string; readonly name: string }[];
}
const NO_FILES: SealedFiles = {
  ...{ about: { root: sha256(''), bytes: 0, blocks: 0, packets: 0, first: '0', last: '0' }, files: [] },
};
