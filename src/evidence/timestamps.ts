// Times by somebody else (RFC 3161): an authority signs the hash of a chain's newest manifest, and since each manifest
// names the one before, that all of the chain up to it was there then. It learns a hash, and nothing of what was kept.
//
//   DIR/STEM.tsr    its reply, as it came; verify.sh gives it to `openssl ts -verify`
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { writeDurably } from '../lib/durable.ts';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
import type { Segments } from './segments.ts';

/** From one to the next of a chain [ms]; one that failed is asked for again after so long. */
export const STAMP_EVERY_MS = 3_600_000;
export const STAMP_RETRY_MS = 60_000;
const ANSWER_MS = 10_000;
export const REPLY_BYTES_MAX = 64 << 10;
const NONCE_BYTES = 8;

const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  if (body.length > 127) throw new RangeError('a length of more than one byte');
  return Buffer.concat([Buffer.of(tag, body.length), body]);
};
/** id-sha256, 2.16.840.1.101.3.4.2.1, and its absent parameters. */
const SHA256 = Buffer.from('300d06096086480165030402010500', 'hex');

/** A TimeStampReq (2.4.1) for a SHA-256, that wants the authority's certificate in the reply. */
export function stampRequest(hash: Uint8Array, nonce: Uint8Array): Buffer {
  const version = der(2, Buffer.of(1));
  // In front a bit that is no sign, and no zero that could be left out.
  const number = der(2, Buffer.concat([Buffer.of(1), nonce]));
  return der(0x30, version, der(0x30, SHA256, der(4, hash)), number, der(1, Buffer.of(0xff)));
}

/** Why a TimeStampResp (2.4.2) is none for this; whether its signature is good is for whoever knows the authority. */
export function replyFault(reply: Buffer, hash: Uint8Array, nonce: Uint8Array): string | undefined {
  // A sequence, whose first member is a sequence, whose first member is the status: 0 granted, 1 with changes.
  const head = (at: number): number =>
    (reply[at + 1] as number) < 0x80 ? at + 2 : at + 2 + ((reply[at + 1] as number) & 0x7f);
  if (reply.length < 16 || reply[0] !== 0x30 || reply[head(0)] !== 0x30) return 'no reply of a time-stamping authority';
  const status = reply.subarray(head(head(0)), head(head(0)) + 3);
  if (status[0] !== 2 || status[1] !== 1) return 'no reply of a time-stamping authority';
  if (status[2] !== 0 && status[2] !== 1) return `refused, with status ${status[2]}`;
  return reply.includes(Buffer.from(hash)) && reply.includes(Buffer.from(nonce))
    ? undefined
    : 'a reply to another request';
}

export interface StamperOptions {
  /** Where requests are sent, by HTTP. */
  readonly url: string;
  readonly clock: Clock;
}

export class Stamper {
  private readonly o: StamperOptions;
  /** When the next may be asked for, by chain, monotonic time [ms]. */
  private readonly due = new Map<string, number>();

  constructor(options: StamperOptions) {
    this.o = options;
  }

  /** Of the newest seal of a chain, when it is time for one. A fault hinders nothing: it is tried again. */
  async stamp({ chain, dir, newest }: Pick<Segments, 'chain' | 'dir' | 'newest'>): Promise<Result<boolean>> {
    const { clock } = this.o;
    const now = clock.monotonic();
    if (newest === undefined || now < (this.due.get(chain) ?? Number.NEGATIVE_INFINITY)) return success(false);
    this.due.set(chain, now + STAMP_RETRY_MS);
    const path = join(dir, `${newest}.tsr`);
    try {
      if (existsSync(path)) return success(false);
      const hash = createHash('sha256')
        .update(readFileSync(join(dir, `${newest}.manifest`)))
        .digest();
      const nonce = randomBytes(NONCE_BYTES);
      const asked = await this.ask(stampRequest(hash, nonce));
      if (!asked.ok) return asked;
      const wrong = replyFault(asked.value, hash, nonce);
      if (wrong !== undefined) return this.fault(wrong);
      writeDurably(path, asked.value);
      this.due.set(chain, now + STAMP_EVERY_MS);
      return success(true);
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', path, error) };
    }
  }

  private async ask(request: Buffer): Promise<Result<Buffer>> {
    try {
      const answer = await fetch(this.o.url, {
        ...{ method: 'POST', headers: { 'content-type': 'application/timestamp-query' }, body: request },
        ...{ redirect: 'error', signal: AbortSignal.timeout(ANSWER_MS) },
      });
      if (!answer.ok) return this.fault(`answers ${answer.status}`);
      const parts: Buffer[] = [];
      let size = 0;
      for await (const part of answer.body ?? []) {
        size += part.length;
        if (size > REPLY_BYTES_MAX) return this.fault(`a reply of more than ${REPLY_BYTES_MAX} bytes`);
        parts.push(Buffer.from(part));
      }
      return success(Buffer.concat(parts));
    } catch (error) {
      return this.fault(
        (error as Error).cause instanceof Error ? ((error as Error).cause as Error).message : String(error),
      );
    }
  }

  private fault(what: string): Result<never> {
    return failure('state_unusable', `evidence.timestamp_url: ${what}`, 'it is asked again in a minute');
  }
}
