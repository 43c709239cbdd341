// Durable state of detection: what every stage keeps, and the place in the input it belongs to, in one transaction.
//
// A stage reads and writes its Section at any time; writes wait in memory. commit() puts all sections' writes and the
// cursor into LMDB at once and returns when they are on disk: after a crash the sections stand exactly where the cursor
// says, so replaying what comes after it loses nothing and does nothing twice.
//
// With long memory beside it (src/state/memory.ts), a spine commits
//     memory.commit(state.sequence + 1); state.commit(cursor);
// and opens memory at `position: state.sequence`: a crash between the two leaves memory a commit ahead, and it goes
// back.
import { closeSync, mkdirSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { type Key, open, type RootDatabase } from 'lmdb';
import { failure, type Result, success, systemFault } from '../lib/fault.ts';
import type { Section } from '../schema/observation.ts';

/** What the sections' encodings are called together. A change that an older program would misread raises it. */
export const STATE_VERSION = 2;
/** UTF-8 bytes; LMDB's own limit is 1978 for section and key together. */
export const KEY_BYTES_MAX = 1024;
/** A value over this is a mistake of ours: a table in one value is rewritten whole at every change. */
export const VALUE_BYTES_MAX = 16 << 20;
const SECTION_NAME = /^[a-z][a-z0-9_.-]{0,63}$/;
const LONE_SURROGATE = /\p{Surrogate}/u;
/** Address space, not memory: LMDB maps the file. */
const MAP_BYTES = 64 * 2 ** 30;

export interface State {
  /** The same object for the same name. */
  section(name: string): Section;
  /** Of the last commit, undefined before the first. */
  readonly cursor: string | undefined;
  /** Commits so far, over all runs. */
  readonly sequence: number;
  /** Everything put and removed since the last one, and the cursor: durable on success, or all still there. */
  commit(cursor: string): Result<undefined>;
  /** What was not committed is gone. */
  close(): void;
}

/** Where committed entries are: LMDB, or a map for runs that keep nothing. */
interface Backing {
  get(section: string, key: string): Uint8Array | undefined;
  /** By key, in the order of UTF-8 bytes. */
  entries(section: string): Iterable<readonly [string, Uint8Array]>;
  write(changes: readonly Change[], meta: Meta): void;
  close(): void;
}

interface Meta {
  readonly version: number;
  readonly sequence: number;
  readonly cursor: string | undefined;
}

type Change = readonly [section: string, key: string, value: Uint8Array | undefined];

const byteOrder = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

function checkKey(key: string): void {
  // A lone surrogate has no UTF-8: it would come back as another key.
  if (
    key.length === 0 ||
    key.length > KEY_BYTES_MAX ||
    Buffer.byteLength(key) > KEY_BYTES_MAX ||
    LONE_SURROGATE.test(key)
  )
    throw new RangeError(`a key has 1 to ${KEY_BYTES_MAX} bytes of UTF-8, not ${Buffer.byteLength(key)}`);
}

/** One section's writes that wait for the commit, before what is committed. */
class BufferedSection implements Section {
  private readonly name: string;
  private readonly backing: Backing;
  /** undefined: to be removed. */
  readonly pending = new Map<string, Uint8Array | undefined>();

  constructor(name: string, backing: Backing) {
    this.name = name;
    this.backing = backing;
  }

  get(key: string): Uint8Array | undefined {
    checkKey(key);
    return this.pending.has(key) ? this.pending.get(key) : this.backing.get(this.name, key);
  }

  put(key: string, value: Uint8Array): void {
    checkKey(key);
    if (value.length > VALUE_BYTES_MAX) throw new RangeError(`a value has at most ${VALUE_BYTES_MAX} bytes`);
    // A copy: encoders hand out views of a buffer that they go on writing to.
    this.pending.set(key, Uint8Array.prototype.slice.call(value));
  }

  remove(key: string): void {
    checkKey(key);
    this.pending.set(key, undefined);
  }

  *entries(): Iterable<readonly [string, Uint8Array]> {
    // Two runs in the same order, merged. What waits is copied first: the caller may put and remove as it walks. What
    // is committed changes only with a commit, and can be more than memory holds.
    const waiting = [...this.pending].sort(([a], [b]) => byteOrder(a, b));
    let w = 0;
    for (const entry of this.backing.entries(this.name)) {
      while (w < waiting.length && byteOrder((waiting[w] as [string, unknown])[0], entry[0]) < 0) {
        const [key, value] = waiting[w++] as [string, Uint8Array | undefined];
        if (value !== undefined) yield [key, value];
      }
      const next = waiting[w];
      if (next?.[0] !== entry[0]) yield entry;
    }
    for (; w < waiting.length; w++) {
      const [key, value] = waiting[w] as [string, Uint8Array | undefined];
      if (value !== undefined) yield [key, value];
    }
  }
}

class BufferedState implements State {
  private readonly backing: Backing;
  private readonly sections = new Map<string, BufferedSection>();
  private meta: Meta;

  constructor(backing: Backing, meta: Meta) {
    this.backing = backing;
    this.meta = meta;
  }

  get cursor(): string | undefined {
    return this.meta.cursor;
  }

  get sequence(): number {
    return this.meta.sequence;
  }

  section(name: string): Section {
    if (!SECTION_NAME.test(name)) throw new RangeError(`${name} is no name of a section`);
    let section = this.sections.get(name);
    if (section === undefined) {
      section = new BufferedSection(name, this.backing);
      this.sections.set(name, section);
    }
    return section;
  }

  commit(cursor: string): Result<undefined> {
    const changes: Change[] = [];
    for (const [name, section] of this.sections)
      for (const [key, value] of section.pending) changes.push([name, key, value]);
    const meta: Meta = { version: STATE_VERSION, sequence: this.meta.sequence + 1, cursor };
    try {
      this.backing.write(changes, meta);
    } catch (error) {
      // LMDB's errors are the system's: no space, read-only. The writes wait for another try.
      return failure('state_unusable', `state: ${(error as Error).message}`, 'see free space and who owns it');
    }
    for (const section of this.sections.values()) section.pending.clear();
    this.meta = meta;
    return success(undefined);
  }

  close(): void {
    this.backing.close();
  }
}

function mapBacking(): Backing {
  const sections = new Map<string, Map<string, Uint8Array>>();
  return {
    get: (section, key) => sections.get(section)?.get(key),
    entries: (section) => [...(sections.get(section) ?? [])].sort(([a], [b]) => byteOrder(a, b)),
    write(changes) {
      for (const [section, key, value] of changes) {
        let map = sections.get(section);
        if (map === undefined) {
          map = new Map();
          sections.set(section, map);
        }
        if (value === undefined) map.delete(key);
        else map.set(key, value);
      }
    },
    close: () => {},
  };
}

/** Keys are `name NUL key`: names have no NUL, so a section is a range, in the order of its keys' bytes. */
const META_KEY = Buffer.from('\0meta');
const lmdbKey = (section: string, key: string): Buffer => Buffer.from(`${section}\0${key}`);

function lmdbBacking(db: RootDatabase<Buffer, Key>): Backing {
  return {
    get: (section, key) => db.get(lmdbKey(section, key)),
    *entries(section) {
      const start = lmdbKey(section, '');
      const end = Buffer.from(`${section}\x01`);
      for (const { key, value } of db.getRange({ start, end }))
        yield [(key as Buffer).toString('utf8', start.length), value];
    },
    write(changes, meta) {
      db.transactionSync(() => {
        for (const [section, key, value] of changes) {
          if (value === undefined) db.removeSync(lmdbKey(section, key));
          else db.putSync(lmdbKey(section, key), Buffer.from(value.buffer, value.byteOffset, value.length));
        }
        db.putSync(META_KEY, Buffer.from(JSON.stringify(meta)));
      });
    },
    close() {
      void db.close();
    },
  };
}

/** Where LMDB's magic number stands in its two first pages. LMDB takes a file's word for its layout, and crashes. */
const MAGIC_AT = [24, 4096 + 24];
const MAGIC = 0xbeefc0de;

/** Nothing yet, or something that LMDB wrote. */
function looksWhole(file: string): boolean {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
  const head = Buffer.alloc(8192);
  const n = readSync(fd, head, 0, head.length, 0);
  closeSync(fd);
  return n === 0 || (n === head.length && MAGIC_AT.every((at) => head.readUInt32LE(at) === MAGIC));
}

/** Without a folder: state of this process only, with the same behaviour otherwise. */
export function openState(dir: string | undefined): Result<State> {
  const fresh: Meta = { version: STATE_VERSION, sequence: 0, cursor: undefined };
  if (dir === undefined) return success(new BufferedState(mapBacking(), fresh));
  const file = path.join(dir, 'state.mdb');
  const hint = 'it was not written by this program, or is damaged';
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (!looksWhole(file)) return failure('state_unusable', `${file}: is no state`, hint);
  } catch (error) {
    return { ok: false, fault: systemFault('state_unusable', dir, error) };
  }
  let db: RootDatabase<Buffer, Key>;
  let meta: Meta = fresh;
  try {
    // Without overlappingSync a commit is on disk when it returns; with it, some time later.
    db = open<Buffer, Key>({
      path: file,
      encoding: 'binary',
      keyEncoding: 'binary',
      mapSize: MAP_BYTES,
      overlappingSync: false,
      commitDelay: 0,
    });
    const stored = db.get(META_KEY);
    if (stored !== undefined) meta = JSON.parse(stored.toString()) as Meta;
  } catch (error) {
    return failure('state_unusable', `${file}: ${(error as Error).message}`, hint);
  }
  if (meta.version > STATE_VERSION) {
    void db.close();
    return failure(
      'state_unusable',
      `${file}: state of version ${meta.version}, this program reads up to ${STATE_VERSION}`,
      'use the newer program, or name another folder',
    );
  }
  return success(new BufferedState(lmdbBacking(db), meta));
}
