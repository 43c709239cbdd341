// A key that this machine makes for itself at first use, readable by its owner alone.
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { failure, type Result, success, systemFault } from './fault.ts';

const BYTES = 32;

/** One for this run alone. */
export const passingKey = (): Buffer => randomBytes(BYTES);

/** The key in the file, which is made with it where it is missing. */
export function secretKey(path: string): Result<Buffer> {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (!existsSync(path)) {
      const next = `${path}.${process.pid}.next`;
      writeFileSync(next, randomBytes(BYTES), { mode: 0o600, flush: true });
      try {
        linkSync(next, path);
      } catch (error) {
        // Another process was faster.
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      } finally {
        unlinkSync(next);
      }
    }
    const key = readFileSync(path);
    if (key.length !== BYTES) return failure('state_unusable', `${path}: is no key of ${BYTES} bytes`, 'restore it');
    chmodSync(path, 0o600);
    return success(key);
  } catch (error) {
    return { ok: false, fault: systemFault('state_unusable', path, error) };
  }
}
