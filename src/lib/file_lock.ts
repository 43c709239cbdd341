// Two processes, one file: whoever changes it does so alone.
import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';

/** Whoever writes is done in a fraction of this [ms]. */
const LOCK_MS = 2000;
const LOCK_STEP_MS = 10;

/** Runs `work` while PATH.lock is ours. A lock whose process is gone is none. */
export function locked<R>(path: string, work: () => R): R {
  const lock = `${path}.lock`;
  const wait = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; ; waited += LOCK_STEP_MS) {
    try {
      const fd = openSync(lock, 'wx', 0o600);
      writeSync(fd, String(process.pid));
      closeSync(fd);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (isAbandoned(lock) || waited >= LOCK_MS) remove(lock);
      else Atomics.wait(wait, 0, 0, LOCK_STEP_MS);
    }
  }
  try {
    return work();
  } finally {
    remove(lock);
  }
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    // Somebody took it for abandoned first.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function isAbandoned(lock: string): boolean {
  try {
    const pid = Number(readFileSync(lock, 'utf8'));
    // Empty: its owner is about to write its number.
    if (pid > 0) process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
