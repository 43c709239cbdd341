// What steps of chains hold: a lease on a flow's packets and a file, from the match until the partial dies, or as
// long as the step asked for, or, once there is an alert, as the alert.
//
// A lease does not pin segments. It copies its flow out when a segment goes: a flow of 10 kB would else keep 256 MiB,
// and what leases cost could not be capped. Until then nothing is written twice.
//
//   DIR/UID-LEASE.CHAIN.STEM.pcapng .proof    of one segment: the flow's blocks unchanged, and the proof that they are
//                                             in the segment's tree, which nobody can make once the segment is gone
//
// A copy is written whole or not at all: after a crash the segment is there still, or the copy is. Copies count against
// one budget; a lease that finds it used up goes on with what it has, and says so.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from '../lib/durable.ts';
import { type Result, success, systemFault } from '../lib/fault.ts';
import type { Keeper, KeepPackets } from '../schema/finding.ts';
import type { Section } from '../schema/observation.ts';
import { flowNumber, inMemory } from './blocks.ts';
import {
  ALWAYS,
  type Section as Extract,
  extract,
  pcapngOf,
  proofIn,
  type SegmentTree,
  type Trees,
  treeOf,
} from './extract.ts';
import { blocksProof } from './proof.ts';
import { Index } from './segment_index.ts';
import type { SegmentFile } from './segments.ts';
import { sha256 } from './signer.ts';

/** At once; as many flows as the decoder can hold. */
export const LEASES_MAX = 65_536;
const COPY = /^(C\w{11})-([0-9a-f]{32})\.(.{1,64})\.(\d{8,10}-\d{8,10})\.(?:pcapng|proof)$/;

export interface LeaseRequest {
  readonly partial: string;
  readonly step: string;
  readonly uid: string | null;
  /** Packet times of the record [us]. */
  readonly firstTs: number;
  readonly lastTs: number;
  readonly sha256: string | null;
  readonly packets: KeepPackets | undefined;
  /** Packet time [us]. */
  readonly until: number;
  /** Lasts until then whatever becomes of the partial. */
  readonly fixed?: boolean;
}

export interface Lease extends LeaseRequest {
  readonly id: string;
  /** The alert that has it, when there is one. */
  readonly alert: string | null;
  /** Packets copied out of segments that went. */
  readonly copied: number;
  /** Why something of it is missing for good; '' when nothing is. */
  readonly reason: string;
}

/** Who takes packets: lifts the cutoff of a flow, and puts it back. */
export interface Holder {
  hold(uid: string): boolean;
  release(uid: string): boolean;
}

export interface LeasesOptions {
  /** For copies. */
  readonly dir: string;
  /** Durable. */
  readonly section: Section;
  /** For all copies [bytes]. */
  readonly budgetBytes: number;
  readonly holder: Holder;
  readonly trees: Trees;
  readonly leasesMax?: number;
}

export class Leases {
  /** What was refused or lost, by reason. */
  readonly counts = new Map<string, number>();
  private readonly o: LeasesOptions;
  private readonly leases = new Map<string, Lease>();
  private readonly byPartial = new Map<string, Set<string>>();
  /** Leases on a flow: its cutoff stays lifted while there is one. */
  private readonly byUid = new Map<string, number>();
  /** Files of copies by lease, and their bytes. */
  private readonly copies = new Map<string, Map<string, number>>();
  private used = 0;

  constructor(options: LeasesOptions) {
    this.o = options;
    mkdirSync(options.dir, { recursive: true, mode: 0o700 });
    for (const [id, bytes] of options.section.entries()) {
      const lease = JSON.parse(Buffer.from(bytes).toString()) as Lease;
      this.enter({ ...lease, id });
    }
    // A copy whose lease was never committed, or is gone: nobody would count it.
    for (const name of readdirSync(options.dir)) {
      const path = join(options.dir, name);
      const id = COPY.exec(name)?.[2];
      if (id !== undefined && this.leases.has(id)) this.countCopy(id, name, statSync(path).size);
      else if (/\.(?:pcapng|proof|part)$/.test(name)) unlinkSync(path);
    }
  }

  get size(): number {
    return this.leases.size;
  }

  /** Of copies. */
  get bytes(): number {
    return this.used;
  }

  /** Taken again, a lease lasts as long as the longer of both. False: there are too many; counted. */
  take(request: LeaseRequest): boolean {
    const id = sha256(JSON.stringify([request.partial, request.step, request.uid, request.sha256])).slice(0, 32);
    const before = this.leases.get(id);
    if (before !== undefined) {
      const until = Math.max(before.until, request.until);
      this.put({ ...before, until, lastTs: Math.max(before.lastTs, request.lastTs) });
      return true;
    }
    if (this.leases.size >= (this.o.leasesMax ?? LEASES_MAX)) {
      this.count('leases_refused');
      return false;
    }
    if (request.uid !== null && flowNumber(request.uid) === undefined) return false;
    const lease = { ...request, id, alert: null, copied: 0, reason: '' };
    this.enter(lease);
    this.put(lease);
    return true;
  }

  /** Asks the holder for every flow again: for a decoder that is younger than the leases. */
  holdAgain(): void {
    for (const uid of this.byUid.keys()) if (!this.o.holder.hold(uid)) this.count('holds_refused');
  }

  /** As chains tell it: a step's own length of lease holds whatever becomes of the partial. */
  keeper(): Keeper {
    return {
      take: (partial, matched, keep, until) => {
        const hash = matched.values.sha256;
        for (const uid of flowsOf(matched.uid, matched.values.uids))
          this.take({
            ...{ partial, step: matched.step, uid, firstTs: matched.ts, lastTs: matched.seen },
            ...{ sha256: keep.file && typeof hash === 'string' ? hash : null, packets: keep.packets },
            until: keep.lease === undefined ? until : matched.seen + keep.lease,
            fixed: keep.lease !== undefined,
          });
      },
      release: (partial) => this.release(partial),
    };
  }

  /** The partial died without an alert: what it held goes. Leases of an alert stay. */
  release(partial: string): void {
    for (const id of [...(this.byPartial.get(partial) ?? [])]) if (this.isEndable(id)) this.drop(id);
  }

  /** The partial became an alert: its leases are the alert's. */
  confirm(partial: string, alertId: string): void {
    for (const id of this.byPartial.get(partial) ?? []) {
      const lease = this.leases.get(id);
      if (lease !== undefined) this.put({ ...lease, alert: alertId });
    }
  }

  /** Ends what has run out, unless an alert has it. @param now  packet time [us] */
  expire(now: number): void {
    for (const lease of [...this.leases.values()]) if (lease.alert === null && lease.until < now) this.drop(lease.id);
  }

  ofAlert(alertId: string): Lease[] {
    return [...this.leases.values()].filter((lease) => lease.alert === alertId);
  }

  /** Hashes of files that must stay. */
  files(): Set<string> {
    return new Set([...this.leases.values()].flatMap((lease) => (lease.sha256 === null ? [] : [lease.sha256])));
  }

  /** Paths of copies of a flow's packets. */
  copiesOf(uid: string): string[] {
    return copiesOf(this.o.dir, uid);
  }

  /** A segment is about to go: what leases hold of it is copied out of it. */
  async copyOut(segment: SegmentFile): Promise<Result<undefined>> {
    // Most leases have nothing in a segment: its index, in memory, says so without a read for each.
    const indexPath = segment.path.replace(/\.pcapng$/, '.idx');
    let index: Index | undefined;
    try {
      if (existsSync(indexPath)) index = Index.open(inMemory(readFileSync(indexPath)));
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', indexPath, error) };
    }
    let tree: SegmentTree | undefined;
    for (const lease of [...this.leases.values()]) {
      const uid = flowOf(lease);
      const flow = uid === null ? undefined : flowNumber(uid);
      if (flow === undefined || lease.packets === undefined) continue;
      if (index !== undefined && index.placesOf(flow)?.length === 0) continue;
      // The last packets of a flow are known when it has ended; until then the last of each segment are kept.
      const first = lease.packets === 'flow' ? 0 : Math.max(0, lease.packets.first - lease.copied);
      const keep = lease.packets === 'flow' ? lease.packets : { first, last: lease.packets.last };
      const found = extract(flow, [], [segment.path], ALWAYS, keep);
      if (!found.ok) return found;
      const { damage, sections } = found.value;
      if (damage !== undefined) this.put({ ...lease, reason: damage });
      if (found.value.packets === 0) continue;
      if (tree === undefined) {
        const made = await treeOf(this.o.trees, segment.path);
        if (!made.ok) return made;
        tree = made.value;
      }
      // It may have ended while the tree was made.
      const still = this.leases.get(lease.id);
      if (still === undefined) continue;
      const copied = this.copy(still, segment, sections, tree);
      if (!copied.ok) return copied;
    }
    return success(undefined);
  }

  private copy(lease: Lease, segment: SegmentFile, sections: readonly Extract[], tree: SegmentTree): Result<undefined> {
    const stem = `${lease.uid}-${lease.id}.${segment.chain}.${segment.stem}`;
    const proofs = sections.map((s) => proofIn(tree, s));
    const files = [
      // The proof first: a copy is there with it or not at all.
      [`${stem}.proof`, Buffer.from(blocksProof(proofs, (name) => name))],
      [`${stem}.pcapng`, pcapngOf(sections)],
    ] as const;
    const before = this.copies.get(lease.id)?.has(`${stem}.pcapng`) === true;
    const bytes = files.reduce((n, [, content]) => n + content.length, 0);
    if (!before && this.used + bytes > this.o.budgetBytes) {
      this.count('copies_over_budget');
      this.put({ ...lease, reason: 'the budget of leases was used up' });
      return success(undefined);
    }
    for (const [name, content] of files) {
      const path = join(this.o.dir, name);
      try {
        writeDurably(path, content);
      } catch (error) {
        return { ok: false, fault: systemFault('state_unusable', path, error) };
      }
      this.countCopy(lease.id, name, content.length);
    }
    const packets = sections.reduce((n, s) => n + s.packets.length, 0);
    this.put({ ...lease, copied: lease.copied + (before ? 0 : packets) });
    return success(undefined);
  }

  private countCopy(id: string, name: string, bytes: number): void {
    const files = this.copies.get(id) ?? new Map<string, number>();
    this.used += bytes - (files.get(name) ?? 0);
    this.copies.set(id, files.set(name, bytes));
  }

  private enter(lease: Lease): void {
    this.leases.set(lease.id, lease);
    const ids = this.byPartial.get(lease.partial) ?? new Set();
    this.byPartial.set(lease.partial, ids.add(lease.id));
    const uid = flowOf(lease);
    if (uid === null) return;
    const n = this.byUid.get(uid) ?? 0;
    this.byUid.set(uid, n + 1);
    if (n === 0 && !this.o.holder.hold(uid)) this.count('holds_refused');
  }

  private put(lease: Lease): void {
    this.leases.set(lease.id, lease);
    this.o.section.put(lease.id, Buffer.from(JSON.stringify(lease)));
  }

  private drop(id: string): void {
    const lease = this.leases.get(id);
    if (lease === undefined) return;
    this.leases.delete(id);
    this.o.section.remove(id);
    const ids = this.byPartial.get(lease.partial);
    ids?.delete(id);
    if (ids?.size === 0) this.byPartial.delete(lease.partial);
    for (const [name, bytes] of this.copies.get(id) ?? []) {
      const path = join(this.o.dir, name);
      if (existsSync(path)) unlinkSync(path);
      this.used -= bytes;
    }
    this.copies.delete(id);
    const uid = flowOf(lease);
    if (uid === null) return;
    const n = (this.byUid.get(uid) ?? 1) - 1;
    if (n > 0) this.byUid.set(uid, n);
    else {
      this.byUid.delete(uid);
      this.o.holder.release(uid);
    }
  }

  private isEndable(id: string): boolean {
    const lease = this.leases.get(id);
    return lease !== undefined && lease.alert === null && lease.fixed !== true;
  }

  private count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}

/** Of a record: its own flow, or those that a signal was made from; one that names none is kept for its file. */
function flowsOf(uid: string | null, uids: unknown): (string | null)[] {
  if (uid !== null) return [uid];
  const named = Array.isArray(uids) ? uids.filter((u): u is string => typeof u === 'string') : [];
  return named.length > 0 ? [...new Set(named)] : [null];
}

/** The flow whose packets a lease holds. */
const flowOf = (lease: LeaseRequest): string | null => (lease.packets === undefined ? null : lease.uid);

/** Paths of copies of a flow's packets, in order. Those of one lease are enough: one that began later has less. */
export function copiesOf(dir: string, uid: string): string[] {
  if (!existsSync(dir)) return [];
  const byLease = new Map<string, { paths: string[]; bytes: number }>();
  for (const name of readdirSync(dir).sort()) {
    const [, of, id] = COPY.exec(name) ?? [];
    if (of !== uid || id === undefined || !name.endsWith('.pcapng')) continue;
    const mine = byLease.get(id) ?? { paths: [], bytes: 0 };
    mine.paths.push(join(dir, name));
    mine.bytes += statSync(join(dir, name)).size;
    byLease.set(id, mine);
  }
  const [most] = [...byLease.values()].sort((a, b) => b.bytes - a.bytes);
  return most?.paths ?? [];
}
