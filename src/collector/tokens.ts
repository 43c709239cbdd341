// One-time tokens for enrolment. A token says which collector it is of (the fingerprint of its authority) and is a
// secret of 256 bits; the collector keeps the secret's hash, the sensor's name it is for, and until when.
import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { SENSOR_NAME } from '../config/schema.ts';
import type { Clock } from '../lib/clock.ts';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
import { type Disk, nodeDisk, readSmall, replaceDurably } from '../spool/disk.ts';
import { OWN } from '../wire/agreed.ts';

export const TOKEN_MINUTES = 15;
/** Used ones are remembered for a while, so that a second use is told from a guess. */
const REMEMBER_US = 30 * 86_400e6;
export const TOKENS_MAX = 1024;
const FILE_BYTES_MAX = 1 << 20;

interface Kept {
  readonly hash: string;
  readonly sensor: string;
  /** Wall time [us]. */
  readonly expires: number;
  usedAt: number;
}

export type TokenRefusal = 'token_unknown' | 'token_used' | 'token_expired';

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export class Tokens {
  private readonly file: string;
  private readonly clock: Clock;
  private readonly disk: Disk;
  /** Uses wait for each other: of two at once only one is the first. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(dir: string, clock: Clock, disk: Disk = nodeDisk) {
    this.file = path.join(dir, 'tokens.json');
    this.clock = clock;
    this.disk = disk;
  }

  /** The file is read each time: the command that makes tokens is another process than the collector. */
  private async read(): Promise<Kept[]> {
    const bytes = await readSmall(this.disk, this.file, FILE_BYTES_MAX);
    const kept: unknown = bytes === undefined ? [] : JSON.parse(bytes.toString());
    if (!Array.isArray(kept)) throw new SyntaxError('not a list');
    return kept as Kept[];
  }
  private inTurn<T>(work: (kept: Kept[]) => Promise<Result<T>>): Promise<Result<T>> {
    const mine = this.turn.then(async () => {
      try {
        return await work(await this.read());
      } catch (error) {
        if (error instanceof SyntaxError)
          return failure('state_unusable', `${this.file}: ${error.message}`, 'delete it');
        return { ok: false as const, fault: systemFault('state_unusable', this.file, error) };
      }
    });
    this.turn = mine;
    return mine;
  }

  /** The secret of a new token for one sensor. */
  make(sensor: string, minutes = TOKEN_MINUTES): Promise<Result<string>> {
    if (!SENSOR_NAME.test(sensor) || OWN.has(sensor))
      return Promise.resolve(
        failure('usage', `'${sensor}' is no name of a sensor`, 'lower-case letters, digits and -'),
      );
    return this.inTurn(async (all) => {
      const now = this.clock.wall();
      const kept = all.filter((t) => Math.max(t.expires, t.usedAt) > now - REMEMBER_US);
      if (kept.length >= TOKENS_MAX)
        return failure('usage', `${kept.length} tokens are remembered`, 'wait, or delete the file');
      const secret = randomBytes(32).toString('base64url');
      kept.push({ hash: hashOf(secret), sensor, expires: now + minutes * 60e6, usedAt: 0 });
      await replaceDurably(this.disk, this.file, Buffer.from(JSON.stringify(kept)));
      return success(secret);
    });
  }

  /** The sensor a secret is for; it is used from then on, durably. */
  use(secret: string): Promise<Result<string | { readonly refusal: TokenRefusal; readonly sensor: string }>> {
    return this.inTurn<string | { readonly refusal: TokenRefusal; readonly sensor: string }>(async (kept) => {
      const hash = hashOf(secret);
      const token = kept.find((t) => t.hash === hash);
      const refused = (refusal: TokenRefusal) => success({ refusal, sensor: token?.sensor ?? '' });
      if (token === undefined) return refused('token_unknown');
      if (token.usedAt > 0) return refused('token_used');
      if (token.expires <= this.clock.wall()) return refused('token_expired');
      token.usedAt = this.clock.wall();
      await replaceDurably(this.disk, this.file, Buffer.from(JSON.stringify(kept)));
      return success(token.sensor);
    });
  }
}
