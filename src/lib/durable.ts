// What is written here is there after a power cut: the bytes synced, and then the name.
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Names in it are durable. */
export function syncFolder(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** There whole, or not at all, and for good. */
export function writeDurably(path: string, bytes: Uint8Array | string, mode = 0o600): void {
  const part = `${path}.part`;
  const fd = openSync(part, 'w', mode);
  try {
    const whole = Buffer.from(bytes);
    // write() may take less than it is given, where a disk is nearly full.
    for (let done = 0; done < whole.length; ) done += writeSync(fd, whole, done);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(part, path);
  syncFolder(dirname(path));
}
