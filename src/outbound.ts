// A sensor's line to its collector: what is in the spool goes, seals are countersigned, packets that people there ask
// for are looked up. It dials out; nothing here listens.
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { loadAddon } from './capture/addon.ts';
import { packetMatcher } from './capture/index.ts';
import type { Config } from './config/config.ts';
import { type Answered, type Asked, type Heads, Pulls, pullAudit, type Signer } from './evidence/index.ts';
import { type Clock, pause } from './lib/clock.ts';
import { type Result, success } from './lib/fault.ts';
import type { Journal } from './lib/journal.ts';
import type { Conclusions } from './live.ts';
import { encodeBatch } from './schema/encode.ts';
import { SCHEMA } from './schema/fingerprint.ts';
import { identityIn } from './ship/enroll.ts';
import { Shipper, type ShipState } from './ship/shipper.ts';
import { isBefore } from './spool/log.ts';
import type { Spool } from './spool/spool.ts';

const MIB = 2 ** 20;

export interface OutboundOptions {
  /** As it is now: a reload changes it. */
  readonly config: () => Config;
  /** STATE */
  readonly dir: string;
  readonly name: string;
  readonly spool: Spool;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly heads: Heads | undefined;
  readonly signer: Signer | undefined;
  /** Into the spool. */
  readonly say: (batch: Conclusions) => Promise<unknown>;
}

export class Outbound {
  private readonly o: OutboundOptions;
  private shipper: Shipper | undefined;
  private state: ShipState | undefined;
  private told = '';

  private constructor(options: OutboundOptions) {
    this.o = options;
  }

  /** From where the collector has acknowledged; with the certificate that enrolment made. Idle without a collector. */
  static open(options: OutboundOptions): Result<Outbound> {
    const outbound = new Outbound(options);
    const { url } = options.config().ship;
    if (url === null) return success(outbound);
    const addon = loadAddon();
    if (!addon.ok) return addon;
    const identity = identityIn(join(options.dir, 'ship'));
    if (!identity.ok) return identity;
    const { name, spool, clock, heads } = options;
    const pulls = outbound.pulls();
    outbound.shipper = new Shipper({
      ...{ url, sensor: name, schema: SCHEMA, software: 'catenary' },
      ...(heads === undefined ? {} : { seals: heads }),
      ...(pulls === undefined ? {} : { pulls }),
      ...{ ...identity.value, spool, native: addon.value, clock, random: randomInt },
      onState: (s) => outbound.note(s),
    });
    outbound.shipper.start();
    return success(outbound);
  }

  get status(): { readonly state: string; readonly reason: string } {
    const { state } = this;
    return { state: state?.state ?? 'connecting', reason: state?.state === 'waiting' ? state.reason : '' };
  }

  countersign(): void {
    this.shipper?.countersign();
  }

  private note(s: ShipState): void {
    this.state = s;
    const text = s.state === 'waiting' ? `collector: ${s.reason}` : `collector: ${s.state}`;
    // A collector that is away for a night is one line, not thousands.
    if (text !== this.told && s.state !== 'connecting') this.o.journal.say(text, 'collector');
    this.told = s.state === 'connecting' ? this.told : text;
  }

  /** Packets that people at the collector ask for, as far as the configuration lets them. */
  private pulls(): Pulls | undefined {
    const match = packetMatcher();
    const { dir, signer, clock, config } = this.o;
    if (signer === undefined || !match.ok) return undefined;
    return new Pulls({
      ...{ dir, signer, clock, match: match.value },
      limits: () => {
        const { pull, pull_mb, pull_hour_mb } = config().ship;
        return { isAllowed: pull, bytesMax: pull_mb * MIB, hourBytesMax: pull_hour_mb * MIB };
      },
      onPull: (asked, answered) => void this.sayPulled(asked, answered),
    });
  }

  /** As the collector's own audit says it, and from the other end. */
  private async sayPulled(asked: Asked, answered: Answered): Promise<void> {
    const now = this.o.clock.wall();
    const said = { ...pullAudit(asked, answered, this.o.name), ts: now, seen: now };
    this.o.journal.say(`packets for ${asked.actor} at the collector: ${said.outcome}, ${said.detail}`, 'fetched');
    await this.o.say({ kind: 'audit', count: 1, firstSeen: now, lastSeen: now, bytes: encodeBatch('audit', [said]) });
  }

  /** What the collector has not taken within `ms` waits in the spool for the next start. */
  async rest(ms: number): Promise<void> {
    if (this.shipper === undefined) return;
    const all = this.o.spool.durable;
    const end = this.o.clock.monotonic() + ms;
    while (isBefore(this.o.spool.cursor('ship'), all) && this.o.clock.monotonic() < end) await pause(this.o.clock, 20);
    await this.shipper.close();
  }
}
