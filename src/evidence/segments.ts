// The folder of segments: sealing what the decoder has closed, what a crash left, and retention by a byte budget.
//
//   EEEEEEEE-NNNNNNNN.pcapng .idx    by the decoder
//   EEEEEEEE-NNNNNNNN.manifest .sig  the seal; stays when the segment goes
//   tombstones                       one signed line for each segment that went
//
// A seal is over what lies on the disk: the decoder parses hostile bytes, and its word on hashes is not taken.
import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
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
  readonly signer: Signer;
  readonly digest: Digester;
  readonly clock: Clock;
  readonly circumstances: Circumstances;
}

export interface SegmentFile {
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
    return { stem, path, bytes: statSync(path).size };
  });

/** There whole, or not at all. */
export function writeDurably(path: string, bytes: Uint8Array | string, mode = 0o600): void {
  const part = `${path}.part`;
  const fd = openSync(part, 'w', mode);
  try {
    writeSync(fd, Buffer.from(bytes));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(part, path);
}

export function readManifest(dir: string, stem: string): Sealed | undefined {
  return parseManifest(readFileSync(join(dir, `${stem}.manifest`), 'utf8'));
}

export class Segments {
  readonly epoch: number;
  private readonly o: SegmentsOptions;
  private head: string;
  private lastSeen: bigint;
  private firstOfEpoch = true;
  private last: { epoch: number; n: number };
  private kept: { count: number; bytes: number; first?: string | undefined; last?: string | undefined } = {
    count: 0,
    bytes: 0,
  };

  private constructor(
    options: SegmentsOptions,
    epoch: number,
    head: string,
    lastSeen: bigint,
    last: { epoch: number; n: number },
  ) {
    this.o = options;
    this.epoch = epoch;
    this.head = head;
    this.lastSeen = lastSeen;
    this.last = last;
  }

  /**
   * Opens the folder, makes it where it is missing, seals what a crash left unsealed, and begins a new epoch.
   * Errors: the folder cannot be used; a manifest is not ours.
   */
  static async open(options: SegmentsOptions): Promise<Result<Segments>> {
    const { dir } = options;
    try {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      const last = stemsOf(dir, '.manifest').at(-1);
      const sealed = last === undefined ? undefined : readManifest(dir, last);
      if (last !== undefined && sealed === undefined)
        return failure('state_unusable', `${join(dir, last)}.manifest: is no manifest`, 'restore it, or move it away');
      const segments = new Segments(
        options,
        (sealed?.epoch ?? 0) + 1,
        sealed?.hash ?? NOTHING_BEFORE,
        sealed?.last ?? 0n,
        { epoch: sealed?.epoch ?? 0, n: sealed?.n ?? 0 },
      );
      const recovered = await segments.recover();
      return recovered.ok ? success(recovered.value) : recovered;
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', dir, error) };
    }
  }

  private async recover(): Promise<Result<Segments>> {
    const { dir } = this.o;
    for (const name of readdirSync(dir)) {
      const stem = /^\.(\d{8,10}-\d{8,10})\.part$/.exec(name)?.[1];
      if (stem === undefined) {
        if (name.endsWith('.part')) unlinkSync(join(dir, name));
        continue;
      }
      const part = join(dir, name);
      const { whole, packets } = await this.o.digest(part);
      if (packets === 0) unlinkSync(part);
      else {
        truncateSync(part, whole);
        renameSync(part, join(dir, `${stem}.pcapng`));
      }
    }
    const sealed = new Set(stemsOf(dir, '.manifest'));
    let epoch = this.epoch;
    for (const { stem } of segmentFiles(dir).filter((s) => !sealed.has(s.stem))) {
      const [, e, n] = STEM.exec(stem) as RegExpExecArray;
      epoch = Math.max(epoch, Number(e) + 1);
      const unknown = { taken: 0, decoded: 0, written: 0, cutoff: 0, notKept: 0, ringPackets: 0, ringDrops: 0 };
      // Numbers of which a crash left nothing.
      const first = Number(e) === this.last.epoch ? this.last.n + 1 : 1;
      for (let lost = Math.max(first, Number(n) - LOST_MAX); lost < Number(n); lost++) {
        const done = await this.seal({ epoch: Number(e), n: lost, name: '', from: '0', to: '0', ...unknown }, true);
        if (!done.ok) return done;
      }
      const closed = { epoch: Number(e), n: Number(n), name: `${stem}.pcapng`, from: '0', to: '0', ...unknown };
      const done = await this.seal(closed, true);
      if (!done.ok) return done;
    }
    return success(new Segments(this.o, epoch, this.head, this.lastSeen, this.last));
  }

  /**
   * Writes manifest and signature. Segments are sealed in the order in which they were closed.
   * @returns  the manifest's own SHA-256: the chain's head, to be told to others
   */
  async seal(closed: Closed, recovered = false): Promise<Result<string>> {
    const { dir, signer, clock, circumstances } = this.o;
    const stem = stemOf(closed.epoch, closed.n);
    try {
      const gaps: Gap[] = [];
      const from = BigInt(closed.from);
      if (this.firstOfEpoch && this.lastSeen > 0n && !recovered)
        gaps.push({ reason: 'restart', from: this.lastSeen, to: from > this.lastSeen ? from : this.lastSeen });
      if (closed.notKept > 0) gaps.push({ reason: 'shed', from, to: BigInt(closed.to) });
      if (recovered && closed.name === '') gaps.push({ reason: 'lost', from: this.lastSeen, to: this.lastSeen });
      const files: { sha256: string; name: string }[] = [];
      let about = { root: sha256(''), bytes: 0, blocks: 0, packets: 0, first: '0', last: '0' };
      if (closed.name !== '') {
        const path = join(dir, closed.name);
        const d = await this.o.digest(path);
        if (d.error !== undefined) return failure('state_unusable', `${path}: ${d.error}`, 'see the disk');
        if (d.whole !== d.bytes)
          return failure('state_unusable', `${path}:${d.whole}: is no whole block`, 'the disk or the decoder failed');
        about = d;
        files.push({ sha256: d.sha256, name: closed.name });
        const index = `${stem}.idx`;
        if (existsSync(join(dir, index))) files.push({ sha256: sha256(readFileSync(join(dir, index))), name: index });
      }
      // Of what a crash left only the packets that are there are known.
      const written = recovered ? about.packets : closed.written;
      const manifest: Manifest = {
        ...circumstances,
        ...{ epoch: closed.epoch, n: closed.n, prev: this.head, files, size: about.bytes, packets: about.packets },
        ...{ first: BigInt(about.first), last: BigInt(about.last), leaves: about.blocks, root: about.root },
        counters: {
          ...{ ring_packets: closed.ringPackets, ring_drops: closed.ringDrops, app_drops: 0, written },
          ...{ taken: recovered ? written : closed.taken, decoded: recovered ? written : closed.decoded },
          ...{ cutoff: closed.cutoff, not_kept: closed.notKept },
        },
        ...{ sealed: clock.wall(), recovered, gaps },
      };
      const text = manifestText(manifest);
      // The signature first: a manifest without one is never seen.
      writeDurably(join(dir, `${stem}.sig`), signer.sign(text));
      writeDurably(join(dir, `${stem}.manifest`), text);
      this.head = sha256(text);
      this.firstOfEpoch = false;
      this.last = { epoch: closed.epoch, n: closed.n };
      const to = BigInt(closed.to) > manifest.last ? BigInt(closed.to) : manifest.last;
      if (to > this.lastSeen) this.lastSeen = to;
      return success(this.head);
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', join(dir, stem), error) };
    }
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
   * @param held     segments that must not go: a legal hold
   */
  retain(
    budgetBytes: number,
    copyOut: (s: SegmentFile) => Result<unknown>,
    held: ReadonlySet<string> = new Set(),
  ): Result<string[]> {
    const { dir, signer, clock } = this.o;
    const files = this.list();
    let total = files.reduce((n, s) => n + s.bytes, 0);
    const gone: string[] = [];
    for (const s of files) {
      if (total <= budgetBytes) break;
      if (held.has(s.stem)) continue;
      const copied = copyOut(s);
      if (!copied.ok) return copied;
      try {
        const manifest = sha256(readFileSync(join(dir, `${s.stem}.manifest`)));
        const line = `tombstone v1 segment=${s.stem} manifest=${manifest} reason=budget at_us=${clock.wall()}`;
        appendFileSync(join(dir, TOMBSTONES), `${line} sig=${signer.sign(line).toString('base64')}\n`, {
          mode: 0o600,
          flush: true,
        });
        unlinkSync(s.path);
        if (existsSync(join(dir, `${s.stem}.idx`))) unlinkSync(join(dir, `${s.stem}.idx`));
      } catch (error) {
        return { ok: false, fault: systemFault('state_unusable', s.path, error) };
      }
      total -= s.bytes;
      gone.push(s.stem);
    }
    const rest = files.filter((f) => !gone.includes(f.stem));
    this.kept = { count: rest.length, bytes: total, first: rest[0]?.stem, last: rest.at(-1)?.stem };
    return success(gone);
  }
}
