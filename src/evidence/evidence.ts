// What a sensor's evidence needs from time to time: stretches sealed that a disk refused, leases that have run out
// ended, packets and files within their budgets, and nothing deleted that somebody holds.
import type { ConfigValues } from '../config/schema.ts';
import type { Clock } from '../lib/clock.ts';
import { type Fault, type Result, success } from '../lib/fault.ts';
import { folders } from './bundle.ts';
import { record } from './custody.ts';
import { retainFiles } from './files.ts';
import { isHeld, readHolds } from './holds.ts';
import type { Leases } from './leases.ts';
import type { Segments } from './segments.ts';
import type { Signer } from './signer.ts';
import type { Stamper } from './timestamps.ts';

export interface Kept {
  readonly dir: string;
  readonly settings: ConfigValues['evidence'];
  readonly signer: Signer;
  readonly clock: Clock;
  /** Of each interface. */
  readonly segments: readonly Segments[];
  readonly leases: Leases | undefined;
  /** Packet time: what is replayed is as old as its packets [us]. */
  readonly now: number | undefined;
  /** Who has heads of chains time-stamped; nobody when left out. */
  readonly stamper?: Stamper | undefined;
  /** Bytes of the files that stay. */
  readonly onFiles?: (bytes: number) => void;
}

const MIB = 2 ** 20;

/** @returns  what did not work: a fault stops nothing but itself */
export async function keepHouse(k: Kept): Promise<Fault[]> {
  const faults: Fault[] = [];
  const tell = (r: Result<unknown>): void => {
    if (!r.ok) faults.push(r.fault);
  };
  for (const s of k.segments) tell(await s.sealPending());
  for (const s of k.segments) if (k.stamper !== undefined) tell(await k.stamper.stamp(s));
  if (k.now !== undefined) k.leases?.expire(k.now);
  const holds = readHolds(k.dir);
  if (!holds.ok) return [...faults, holds.fault];
  const budget = (k.settings.packets_mb * MIB) / Math.max(1, k.segments.length);
  const isHeldTime = (from: bigint, to: bigint): boolean =>
    isHeld(holds.value, Number(from / 1000n), Number(to / 1000n));
  for (const s of k.segments)
    tell(await s.retain(budget, async (gone) => (await k.leases?.copyOut(gone)) ?? success(undefined), isHeldTime));
  if (k.settings.files_mb === 0) return faults;
  const act = { act: 'delete', actor: 'sensor', reason: 'budget', sha256: '' } as const;
  const files = retainFiles(folders(k.dir).files, k.settings.files_mb * MIB, {
    leased: k.leases?.files() ?? new Set(),
    isHeld: (at) => isHeld(holds.value, at, at),
    onDelete: (name) => record(k.dir, k.signer, { ...act, what: `file ${name}` }, k.clock.wall()),
  });
  tell(files);
  if (files.ok) k.onFiles?.(files.value.bytes);
  return faults;
}
