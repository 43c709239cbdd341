// Where people at the collector get packets of a sensor: asked for once, fetched to a file, told what came and what was
// not there, and given out from the file for a while. Who asked, for what and why, and the hash of what came are audit
// events; the sensor's custody log has the same.
//
//   DIR/NUMBER.pcapng    goes after a while, and when there are too many
import { createWriteStream, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../lib/clock.ts';
import { nothing, type Outcome, type Transfer, type Wanted } from './pulls.ts';
import type { Audit } from './session.ts';

/** At once, of all sensors. */
export const FETCHES_MAX = 8;
/** Files that are kept for whoever asked; the oldest goes. */
export const FETCHED_MAX = 32;
export const FETCHED_MS = 15 * 60_000;
/** Of one [bytes]. */
export const FETCH_BYTES_MAX = 1 << 30;

export interface PacketDeskOptions {
  readonly dir: string;
  readonly clock: Clock;
  readonly pull: (sensor: string, wanted: Wanted) => Transfer | Outcome;
  readonly audit: (a: Audit) => void;
  /** Numbers that cannot be guessed. */
  readonly newId: () => string;
}

/** What came. */
export interface Fetched extends Outcome {
  /** For `pathOf`; '' when there is nothing to give out. */
  readonly id: string;
}

export class PacketDesk {
  private readonly o: PacketDeskOptions;
  private readonly files = new Map<string, { readonly path: string; readonly until: number }>();
  private underWay = 0;

  constructor(options: PacketDeskOptions) {
    this.o = options;
    // What an earlier life fetched is nobody's.
    rmSync(options.dir, { recursive: true, force: true });
    mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  }

  /**
   * @param address  where the one who asks is; '' for this machine
   * @param signal   whoever asked does not wait any more
   */
  async fetch(sensor: string, wanted: Wanted, address: string, signal: AbortSignal): Promise<Fetched> {
    const { uid, filter, from, to, actor, reason } = wanted;
    const what = `${uid === '' ? '' : `flow ${uid} `}'${filter}' since=${from} until=${to}`;
    const about = { action: 'packets', actor, address, target: sensor };
    const why = reason === '' ? '' : `, for ${reason}`;
    this.o.audit({ ...about, outcome: 'asked', reason: '', detail: `${what}${why}`.slice(0, 500) });
    const fetched = await this.take(sensor, wanted, signal);
    const { fault, detail, packets, bytes, sha256 } = fetched;
    const isRefused = fetched.id === '' && fault !== '';
    const came = sha256 === '' ? detail : `${packets} packets, ${bytes} bytes, sha256 ${sha256}: ${what}`;
    this.o.audit({
      ...{ ...about, outcome: isRefused ? 'refused' : 'done', reason: fault, detail: came.slice(0, 500) },
    });
    return fetched;
  }

  private async take(sensor: string, wanted: Wanted, signal: AbortSignal): Promise<Fetched> {
    if (this.underWay >= FETCHES_MAX) return { ...nothing('busy', `${FETCHES_MAX} others are fetched`), id: '' };
    const transfer = this.o.pull(sensor, { ...wanted, bytes: Math.min(wanted.bytes, FETCH_BYTES_MAX) });
    if ('fault' in transfer) return { ...transfer, id: '' };
    this.underWay++;
    const id = this.o.newId();
    const path = join(this.o.dir, `${id}.pcapng`);
    const stop = (): void => transfer.stop();
    signal.addEventListener('abort', stop);
    try {
      await pipeline(transfer.bytes(), createWriteStream(path, { mode: 0o600, flags: 'wx' }));
      const outcome = await transfer.ended;
      // A whole part of what there is can be used; what broke off cannot.
      if (outcome.bytes > 0 && (outcome.fault === '' || outcome.fault === 'cap'))
        return { ...outcome, id: this.keep(id, path) };
      rmSync(path, { force: true });
      return { ...outcome, id: '' };
    } catch (error) {
      transfer.stop();
      rmSync(path, { force: true });
      return { ...nothing('unreadable', `the collector cannot write: ${(error as Error).message}`), id: '' };
    } finally {
      signal.removeEventListener('abort', stop);
      this.underWay--;
    }
  }

  /** The file that was fetched; undefined: there is none any more. */
  pathOf(id: string): string | undefined {
    this.tidy();
    return this.files.get(id)?.path;
  }

  private keep(id: string, path: string): string {
    this.files.set(id, { path, until: this.o.clock.monotonic() + FETCHED_MS });
    this.tidy();
    return id;
  }

  private tidy(): void {
    const now = this.o.clock.monotonic();
    for (const [id, { path, until }] of this.files) {
      if (until > now && this.files.size <= FETCHED_MAX) continue;
      rmSync(path, { force: true });
      this.files.delete(id);
    }
  }

  close(): void {
    for (const name of readdirSync(this.o.dir)) rmSync(join(this.o.dir, name), { force: true });
  }
}
