// A collector and sensors of one test: real TLS on loopback, real logs on disk.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { openAuthority } from '../../src/collector/authority.ts';
import { Listener, type ListenerOptions } from '../../src/collector/listener.ts';
import type { Audit } from '../../src/collector/session.ts';
import { Tokens } from '../../src/collector/tokens.ts';
import { Wal, type WalFrame, type WalOptions } from '../../src/collector/wal.ts';
import { Witness } from '../../src/collector/witness.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { enroll, type Identity, identityIn } from '../../src/ship/enroll.ts';
import { Shipper, type ShipperOptions } from '../../src/ship/shipper.ts';
import type { Spool } from '../../src/spool/spool.ts';
import { tokenText } from '../../src/wire/agreed.ts';
import { must, native, SCHEMA } from './world.ts';

export interface Running {
  readonly dir: string;
  readonly wal: Wal;
  readonly listener: Listener;
  readonly tokens: Tokens;
  readonly audits: Audit[];
  readonly url: string;
  token(sensor: string): Promise<string>;
  stop(): Promise<void>;
}

export async function collector(
  dir: string,
  more: Partial<ListenerOptions> = {},
  log: Partial<WalOptions> = {},
): Promise<Running> {
  const clock = more.clock ?? systemClock;
  const wal = must(
    await Wal.open({ dir: path.join(dir, 'wal'), crc32c: native.crc32c, clock: systemClock, groupMs: 5, ...log }),
  );
  const authority = must(await openAuthority(path.join(dir, 'keys')));
  const tokens = new Tokens(path.join(dir, 'keys'), clock);
  const audits: Audit[] = [];
  const witness = must(await Witness.open(path.join(dir, 'witness'), clock));
  const services = {
    wal,
    witness,
    native,
    clock,
    schemas: new Set([SCHEMA]),
    audit: (a: Audit) => void audits.push(a),
  };
  const listener = must(await Listener.open({ ...services, authority, tokens, host: '127.0.0.1', port: 0, ...more }));
  return {
    ...{ dir, wal, listener, tokens, audits, url: `wss://127.0.0.1:${listener.port}` },
    token: async (sensor) => tokenText(authority.fingerprint, must(await tokens.make(sensor))),
    async stop() {
      await listener.close();
      await wal.close();
    },
  };
}

export async function enrolled(c: Running, sensor: string, dir: string): Promise<Identity> {
  must(await enroll(c.url, await c.token(sensor), dir));
  return must(identityIn(dir));
}

export function shipper(
  url: string,
  sensor: string,
  keys: Identity,
  spool: Spool,
  more: Partial<ShipperOptions> = {},
): Shipper {
  const s = new Shipper({
    ...{ url, sensor, schema: SCHEMA, software: 'test', ...keys, spool, native, clock: systemClock },
    // The shortest pause that jitter can give.
    random: () => 0,
    ...more,
  });
  s.start();
  return s;
}

/** Waits for what is not told by a promise: looks again after each turn of the loop. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const begun = systemClock.monotonic(); !(await holds()); ) {
    if (systemClock.monotonic() - begun > 20_000) throw new Error(`never came: ${what}`);
    await new Promise<void>((done) => systemClock.after(2, done));
  }
}

/** Everything in a log, as the loader would take it. */
export async function drainWal(wal: Wal, framesMax = 7): Promise<WalFrame[]> {
  const all: WalFrame[] = [];
  for (;;) {
    const block = must(await wal.next(framesMax, 1 << 20));
    if (block === undefined) return all;
    all.push(...block.frames);
    must(await wal.done(block));
  }
}

export const sha = (b: Uint8Array): string => createHash('sha256').update(b).digest('hex');
