// The folder of carved files (native/files/store.h): one by its hash, checked, and retention by a byte budget.
import { createCipheriv, pbkdf2Sync } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type Result, success, systemFault } from '../lib/fault.ts';
import { sha256 } from './signer.ts';

/** Published: it keeps a file from being opened by accident, it keeps no secret. */
export const PASSWORD = 'infected';
/** As openssl enc -pbkdf2 has it. */
const ITERATIONS = 10_000;

export type Content = { readonly bytes: Buffer } | { readonly missing: string };

/** A file by its hash, when it is there and still itself. */
export function contentOf(dir: string, hash: string): Content {
  if (!/^[0-9a-f]{64}$/.test(hash)) return { missing: 'has no hash' };
  const path = join(dir, hash.slice(0, 2), hash);
  if (!existsSync(path)) return { missing: 'was not kept' };
  const bytes = readFileSync(path);
  return sha256(bytes) === hash ? { bytes } : { missing: 'is damaged on the disk' };
}

/** As `openssl enc -aes-256-cbc -pbkdf2 -pass pass:infected` writes it; the salt is the content's, so is the result. */
export function encrypted(bytes: Buffer): Buffer {
  const salt = Buffer.from(sha256(bytes), 'hex').subarray(0, 8);
  const derived = pbkdf2Sync(PASSWORD, salt, ITERATIONS, 48, 'sha256');
  const cipher = createCipheriv('aes-256-cbc', derived.subarray(0, 32), derived.subarray(32));
  return Buffer.concat([Buffer.from('Salted__'), salt, cipher.update(bytes), cipher.final()]);
}

export interface FileKeepers {
  /** Hashes that leases hold. */
  readonly leased: ReadonlySet<string>;
  /** A file of this time [us] must not go: a legal hold. */
  readonly isHeld: (at: number) => boolean;
  /** Before it goes; a fault keeps it. */
  readonly onDelete: (name: string) => Result<unknown>;
}

/**
 * Deletes the oldest files until the rest fits the budget.
 * @returns  how many went, and the bytes of those that stayed
 */
export function retainFiles(
  dir: string,
  budgetBytes: number,
  keepers: FileKeepers,
): Result<{ gone: number; bytes: number }> {
  try {
    const files = readdirSync(dir, { withFileTypes: true })
      .filter((e) => e.isDirectory() && /^(?:[0-9a-f]{2}|partial)$/.test(e.name))
      .flatMap((e) => readdirSync(join(dir, e.name)).map((name) => ({ name, path: join(dir, e.name, name) })))
      .map((f) => ({ ...f, stat: statSync(f.path) }))
      .sort((a, b) => a.stat.mtimeMs - b.stat.mtimeMs || (a.path < b.path ? -1 : 1));
    let total = files.reduce((n, f) => n + f.stat.size, 0);
    let gone = 0;
    for (const f of files) {
      if (total <= budgetBytes) break;
      if (keepers.leased.has(f.name) || keepers.isHeld(f.stat.mtimeMs * 1000)) continue;
      const said = keepers.onDelete(f.name);
      if (!said.ok) return said;
      unlinkSync(f.path);
      total -= f.stat.size;
      gone++;
    }
    return success({ gone, bytes: total });
  } catch (error) {
    return { ok: false, fault: systemFault('state_unusable', dir, error) };
  }
}
