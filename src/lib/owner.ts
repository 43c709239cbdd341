// A service's folder is its user's. What root does in there for it, it does as that user: what it writes can then be
// read by the service, and a link that the service put there leads root nowhere.
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** As the owner of `dir`, or of the nearest folder above that is there; as whoever we are, where that is not root. */
export async function asOwnerOf<T>(dir: string, act: () => Promise<T>): Promise<T> {
  let at = dir;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  const { uid, gid } = statSync(at);
  if (process.geteuid?.() !== 0 || uid === 0) return act();
  // Files are made with these; the group first, while it may still be set.
  process.setegid?.(gid);
  process.seteuid?.(uid);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}
