// Who may look: one password, set once with a code that the console's own terminal printed, and sessions that end.
//
//   first start     no password: a one-time code, good for FIRST_CODE_MS and WRONG_CODES_MAX mistakes
//   login           code and new password the first time, then the password; each costs a scrypt, two at once
//   session         32 random bytes in a cookie; here only their SHA-256: a copy of memory signs nobody in
//
// The file console.json has salt and scrypt of the password, mode 0600. Deleting it asks for a first code again.
import { createHash, randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
import { Gate } from './limits.ts';

export const PASSWORD_MIN = 12;
export const PASSWORD_MAX = 256;
export const FIRST_CODE_MS = 15 * 60_000;
export const WRONG_CODES_MAX = 10;
export const IDLE_MS = 30 * 60_000;
export const ABSOLUTE_MS = 12 * 3_600_000;
export const SESSIONS_MAX = 1000;

/** 128 MiB and about half a second: what one guess costs. */
const COST = { N: 2 ** 17, r: 8, p: 1 };
const SCRYPT: ScryptOptions = { ...COST, maxmem: 160 * 2 ** 20 };
const KEY_BYTES = 32;
/** Two at once, so that guessing takes neither the memory nor the threads that queries need. */
const SCRYPTS_MAX = 2;
const SCRYPTS_WAITING = 8;

/** Letters and digits that nobody takes for another. */
const CODE_LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';

export type Refusal = 'wrong' | 'expired' | 'password_short' | 'password_long' | 'busy';

/** Of a name that somebody gives himself, in characters. */
export const NAME_MAX = 64;

interface Session {
  /** As its owner said: it is claimed, for the history of alerts, and proves nothing. */
  readonly name: string;
  readonly created: number;
  used: number;
}

interface Credential {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

export interface AuthOptions {
  /** Where console.json is. */
  readonly dir: string;
  readonly clock: Clock;
  /** To be shown on the machine's own terminal, and nowhere else. */
  readonly onFirstCode: (code: string) => void;
  /** Sessions at once; beyond, the oldest ends. */
  readonly sessionsMax?: number;
}

const digest = (token: string): string => createHash('sha256').update(token).digest('base64url');

function same(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(digest(a)), Buffer.from(digest(b))];
  return timingSafeEqual(x, y);
}

/** 80 bits as four groups of four. */
function newCode(): string {
  const letters = [...randomBytes(16)].map((byte) => CODE_LETTERS[byte & 31]).join('');
  return letters.replace(/.{4}(?=.)/g, '$&-');
}

const derive = (password: string, salt: Buffer): Promise<Buffer> =>
  new Promise((done, fail) => {
    scrypt(password.normalize('NFC'), salt, KEY_BYTES, SCRYPT, (error, key) => (error ? fail(error) : done(key)));
  });

function parseCredential(text: string): Credential | undefined {
  try {
    const v = JSON.parse(text) as Record<string, unknown>;
    if (v.version !== 1 || v.N !== COST.N || v.r !== COST.r || v.p !== COST.p) return undefined;
    const salt = Buffer.from(String(v.salt), 'base64');
    const hash = Buffer.from(String(v.hash), 'base64');
    return salt.length === 16 && hash.length === KEY_BYTES ? { salt, hash } : undefined;
  } catch {
    return undefined;
  }
}

export class Auth {
  private readonly options: AuthOptions;
  private readonly file: string;
  private readonly gate = new Gate(SCRYPTS_MAX, SCRYPTS_WAITING);
  private readonly sessions = new Map<string, Session>();
  private credential: Credential | undefined;
  private code = '';
  private codeAt = 0;
  private wrongCodes = 0;

  private constructor(options: AuthOptions, credential: Credential | undefined) {
    this.options = options;
    this.file = join(options.dir, 'console.json');
    this.credential = credential;
    if (credential === undefined) this.renewCode();
  }

  static open(options: AuthOptions): Result<Auth> {
    const file = join(options.dir, 'console.json');
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return success(new Auth(options, undefined));
      return { ok: false, fault: systemFault('input_unreadable', file, error) };
    }
    const credential = parseCredential(text);
    if (credential === undefined)
      return failure('config_invalid', `${file}: is no password file`, 'delete it to set a password with a new code');
    return success(new Auth(options, credential));
  }

  /** No password was set yet. */
  get isFirst(): boolean {
    return this.credential === undefined;
  }

  private renewCode(): void {
    this.code = newCode();
    this.codeAt = this.options.clock.monotonic();
    this.wrongCodes = 0;
    this.options.onFirstCode(this.code);
  }

  /** @param code  only looked at when no password was set yet */
  async login(
    password: string,
    code: string,
    name = '',
  ): Promise<{ readonly token: string } | { readonly refusal: Refusal }> {
    if (password.length > PASSWORD_MAX) return { refusal: 'password_long' };
    if (this.credential === undefined) return this.first(password, code, name);
    const { salt, hash } = this.credential;
    const derived = await this.gate.run(() => derive(password, salt));
    if (derived === undefined) return { refusal: 'busy' };
    return timingSafeEqual(derived.value, hash) ? { token: this.open(name) } : { refusal: 'wrong' };
  }

  private async first(password: string, code: string, name: string): Promise<{ token: string } | { refusal: Refusal }> {
    if (this.options.clock.monotonic() - this.codeAt > FIRST_CODE_MS) {
      this.renewCode();
      return { refusal: 'expired' };
    }
    const typed = code.toUpperCase().replace(/[^A-Z0-9]/g, '');
    if (!same(typed, this.code.replaceAll('-', ''))) {
      if (++this.wrongCodes >= WRONG_CODES_MAX) this.renewCode();
      return { refusal: 'wrong' };
    }
    if (password.length < PASSWORD_MIN) return { refusal: 'password_short' };
    const salt = randomBytes(16);
    const derived = await this.gate.run(() => derive(password, salt));
    if (derived === undefined) return { refusal: 'busy' };
    // Of two at once with the right code the first is the one who set it.
    if (this.credential !== undefined) return { refusal: 'wrong' };
    const content = { version: 1, ...COST, salt: salt.toString('base64'), hash: derived.value.toString('base64') };
    const partial = `${this.file}.partial`;
    writeFileSync(partial, `${JSON.stringify(content)}\n`, { mode: 0o600, flush: true });
    renameSync(partial, this.file);
    this.credential = { salt, hash: derived.value };
    this.code = '';
    return { token: this.open(name) };
  }

  private open(name: string): string {
    const token = randomBytes(32).toString('base64url');
    const now = this.options.clock.monotonic();
    this.sessions.set(digest(token), { name, created: now, used: now });
    if (this.sessions.size > (this.options.sessionsMax ?? SESSIONS_MAX)) {
      const [oldest] = this.sessions.keys();
      this.sessions.delete(oldest as string);
    }
    return token;
  }

  /** Whether the token is of an open session; using it keeps it open for IDLE_MS, up to ABSOLUTE_MS in all. */
  check(token: string | undefined): boolean {
    if (token === undefined) return false;
    const key = digest(token);
    const session = this.sessions.get(key);
    if (session === undefined) return false;
    const now = this.options.clock.monotonic();
    if (now - session.used > IDLE_MS || now - session.created > ABSOLUTE_MS) {
      this.sessions.delete(key);
      return false;
    }
    session.used = now;
    return true;
  }

  /** What who holds an open session calls himself; '' when he did not say. */
  nameOf(token: string | undefined): string {
    return token === undefined ? '' : (this.sessions.get(digest(token))?.name ?? '');
  }

  logout(token: string | undefined): void {
    if (token !== undefined) this.sessions.delete(digest(token));
  }
}
