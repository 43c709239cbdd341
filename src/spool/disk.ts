// What a log asks of a disk, few verbs, so that a test can let each of them fail once.
import { constants, type FileHandle, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';

export interface DiskFile {
  /** All of `buffers` at `position`, or an error; what is there then is unknown. */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /** Up to `into.length` bytes; how many. */
  read(into: Uint8Array, position: number): Promise<number>;
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface Disk {
  makeDir(dir: string): Promise<void>;
  /** Names of its files; empty when it is not there. */
  list(dir: string): Promise<string[]>;
  /** A new file; fails when it is there. */
  create(file: string): Promise<DiskFile>;
  open(file: string, mode: 'read' | 'write'): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(file: string): Promise<void>;
  /** Names in it are durable. */
  syncDir(dir: string): Promise<void>;
}

class NodeFile implements DiskFile {
  private readonly handle: FileHandle;
  constructor(handle: FileHandle) {
    this.handle = handle;
  }

  async write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    for (const b of buffers) {
      // write() may take less than it is given, where a disk is nearly full.
      for (let done = 0; done < b.length; ) {
        const { bytesWritten } = await this.handle.write(b, done, b.length - done, position + done);
        if (bytesWritten === 0) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' });
        done += bytesWritten;
      }
      position += b.length;
    }
  }
  async read(into: Uint8Array, position: number): Promise<number> {
    return (await this.handle.read(into, 0, into.length, position)).bytesRead;
  }
  sync(): Promise<void> {
    return this.handle.datasync();
  }
  truncate(size: number): Promise<void> {
    return this.handle.truncate(size);
  }
  async size(): Promise<number> {
    return (await this.handle.stat()).size;
  }
  close(): Promise<void> {
    return this.handle.close();
  }
}

export const nodeDisk: Disk = {
  async makeDir(dir) {
    const made = await mkdir(dir, { recursive: true, mode: 0o700 });
    // Each new folder is a name in the one above it.
    for (let d = dir; made !== undefined && d.length >= made.length; d = path.dirname(d))
      await this.syncDir(path.dirname(d));
  },
  async list(dir) {
    try {
      return await readdir(dir);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  },
  create: async (file) => new NodeFile(await open(file, 'wx+', 0o600)),
  open: async (file, mode) => new NodeFile(await open(file, mode === 'read' ? 'r' : 'r+')),
  rename,
  unlink,
  async syncDir(dir) {
    const handle = await open(dir, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

/** A small file, replaced whole: after a crash it is the old one or the new one. */
export async function replaceDurably(disk: Disk, file: string, bytes: Uint8Array): Promise<void> {
  const next = `${file}.next`;
  await disk.unlink(next).catch(() => undefined);
  const f = await disk.create(next);
  try {
    await f.write([bytes], 0);
    await f.sync();
  } finally {
    await f.close();
  }
  await disk.rename(next, file);
  await disk.syncDir(path.dirname(file));
}

/** All of a small file; undefined when it is not there or longer than `max`. */
export async function readSmall(disk: Disk, file: string, max: number): Promise<Buffer | undefined> {
  let f: DiskFile;
  try {
    f = await disk.open(file, 'read');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const into = Buffer.alloc(max + 1);
    const n = await f.read(into, 0);
    return n > max ? undefined : into.subarray(0, n);
  } finally {
    await f.close();
  }
}

export const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );
