// All of it together, for a spine: opened from the configuration before the decoder is, fed with the segments that the
// decoder closes, and holding what chains ask for.
//
//   const evidence = await openEvidence({...});
//   const reader = openReader({ ..., packets: evidence.packets, carve: evidence.carve });
//   evidence.attach(reader);
//   for each drain: await evidence.take(drain.segments, packetTime);
import { mkdirSync } from 'node:fs';
import type { ConfigValues } from '../config/schema.ts';
import type { Clock } from '../lib/clock.ts';
import { type Fault, type Result, success, systemFault } from '../lib/fault.ts';
import type { Section } from '../schema/observation.ts';
import { folders } from './bundle.ts';
import type { Trees } from './extract.ts';
import { retainFiles } from './files.ts';
import { type Holder, Leases } from './leases.ts';
import { type Circumstances, type Closed, type Digester, Segments } from './segments.ts';
import { openSigner, type Signer } from './signer.ts';

export interface EvidenceOptions {
  readonly dir: string;
  readonly settings: ConfigValues['evidence'];
  readonly section: Section;
  readonly digest: Digester;
  readonly trees: Trees;
  readonly clock: Clock;
  readonly circumstances: Circumstances;
}

/** What the decoder is told (src/capture has the same shapes). */
interface PacketSettings {
  readonly dir: string;
  readonly epoch: number;
  readonly segmentBytes: number;
  readonly segmentSeconds: number;
  readonly cutoffBytes: number;
}
interface CarveSettings {
  readonly dir: string;
  readonly maxBytes: number;
  readonly sourceBytesMax: number;
}

const MIB = 2 ** 20;

/** Passes on what leases ask for, once there is a decoder: leases are older than it. */
class LateHolder implements Holder {
  private readonly waiting = new Set<string>();
  private holder: Holder | undefined;

  hold(uid: string): boolean {
    if (this.holder !== undefined) return this.holder.hold(uid);
    this.waiting.add(uid);
    return true;
  }

  release(uid: string): boolean {
    this.waiting.delete(uid);
    return this.holder?.release(uid) ?? true;
  }

  attach(holder: Holder): void {
    this.holder = holder;
    for (const uid of this.waiting) holder.hold(uid);
    this.waiting.clear();
  }
}

export class Evidence {
  readonly signer: Signer;
  readonly segments: Segments;
  readonly leases: Leases;
  /** For the decoder; undefined: the configuration keeps none. */
  readonly packets: PacketSettings | undefined;
  readonly carve: CarveSettings | undefined;
  private readonly o: EvidenceOptions;
  private readonly holder: LateHolder;

  constructor(o: EvidenceOptions, signer: Signer, segments: Segments) {
    const { settings: s } = o;
    const at = folders(o.dir);
    this.o = o;
    this.signer = signer;
    this.segments = segments;
    this.holder = new LateHolder();
    const budgetBytes = s.leases_mb * MIB;
    const { section, trees } = o;
    this.leases = new Leases({ dir: at.leases, section, trees, budgetBytes, holder: this.holder });
    if (s.packets_mb > 0)
      this.packets = {
        ...{ dir: at.packets, epoch: segments.epoch, segmentBytes: s.segment_mb * MIB },
        ...{ segmentSeconds: s.segment_s, cutoffBytes: s.cutoff_kb * 1024 },
      };
    if (s.files_mb > 0) this.carve = { dir: at.files, maxBytes: s.file_max_mb * MIB, sourceBytesMax: s.files_mb * MIB };
  }

  /** The decoder that obeys leases from here on. */
  attach(reader: Holder): void {
    this.holder.attach(reader);
  }

  /**
   * Seals what the decoder has closed and keeps packets and files within their budgets.
   * @param now  packet time [us]
   * @returns    what did not work: a fault stops nothing but itself
   */
  async take(closed: readonly Closed[], now: number): Promise<Fault[]> {
    const faults: Fault[] = [];
    for (const c of closed) {
      const sealed = await this.segments.seal(c);
      if (!sealed.ok) faults.push(sealed.fault);
    }
    this.leases.expire(now);
    if (closed.length === 0) return faults;
    const { settings } = this.o;
    const kept = [
      await this.segments.retain(settings.packets_mb * MIB, (s) => this.leases.copyOut(s)),
      ...(this.carve === undefined ? [] : [retainFiles(this.carve.dir, settings.files_mb * MIB, this.leases.files())]),
    ];
    for (const k of kept) if (!k.ok) faults.push(k.fault);
    return faults;
  }
}

/** Errors: the folder, the key or what lies there cannot be used. */
export async function openEvidence(o: EvidenceOptions): Promise<Result<Evidence>> {
  const at = folders(o.dir);
  try {
    for (const dir of [at.packets, at.files, at.leases]) mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    return { ok: false, fault: systemFault('state_unusable', o.dir, error) };
  }
  const signer = openSigner(at.keys);
  if (!signer.ok) return signer;
  const { digest, clock, circumstances } = o;
  const segments = await Segments.open({ dir: at.packets, signer: signer.value, digest, clock, circumstances });
  return segments.ok ? success(new Evidence(o, signer.value, segments.value)) : segments;
}
