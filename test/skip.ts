// A test that cannot run here says why, where the tally's reader sees it.
import { execFileSync } from 'node:child_process';
import { storeLibrary } from '../src/store/launcher.ts';

export function skip(test: Mocha.Context, why: string): never {
  console.log(`      skipped: ${why}`);
  return test.skip();
}

/** Makes the folder a disk of so much room, as mount has it ("4m"), or skips. @returns  what takes it away again */
export function smallDisk(test: Mocha.Context, dir: string, size: string): () => void {
  if (process.getuid?.() !== 0) skip(test, 'needs root, for a disk of its own');
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', dir], { stdio: 'ignore' });
  } catch {
    skip(test, 'may not mount a disk of its own');
  }
  return () => void execFileSync('umount', [dir]);
}

/** The store comes with an optional package: there is none for every platform. */
export function needStore(test: Mocha.Context): void {
  if (storeLibrary() === undefined) skip(test, 'the package with the store is not installed');
}
