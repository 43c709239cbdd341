// The packs that a box has, in STATE/content: which one of each name is used, which came before it, and how far it may
// never go back. One process changes it, the sensor; whoever else has a pack for it puts it into the inbox.
//
//   inbox/                what is to be taken: packs, and back-NAME, which asks for the one before
//   NAME/VERSION/         a pack, unpacked
//   index.json            the rest
//
// A new pack is on trial: for a while it is watched, and when the sensor does badly with it, the one before comes back
// by itself. A pack that was sent back is not taken again; a newer one is.
import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, rm, unlink } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { type Fault, failure, type Result, success, systemFault } from '../lib/fault.ts';
import type { Entry } from '../lib/tar.ts';
import { nodeDisk, replaceDurably } from '../spool/disk.ts';
import { readJsonFile } from '../spool/json_file.ts';
import { PACK_NAME } from '../wire/agreed.ts';
import { type Pack, packHash, packId, readEntries, readPack, trusted, usable } from './pack.ts';
import type { Trust } from './trust.ts';

const INDEX_BYTES_MAX = 1 << 20;
const PACKS_MAX = 64;
const RETURNED_MAX = 16;
/** A sensor that was started so often while a pack is on trial does not come to rest with it. */
export const STARTS_MAX = 3;
const BACK = 'back-';

const trialSchema = z.strictObject({
  /** Wall time [us]. */
  since: z.number(),
  until: z.number(),
  starts: z.int(),
});
const shelvedSchema = z.strictObject({
  /** The highest version ever used, and the SHA-256 of its manifest. */
  floor: z.int(),
  hash: z.string(),
  current: z.int().nullable(),
  previous: z.int().nullable(),
  trial: trialSchema.nullable(),
  /** Sent back, the latest last. */
  returned: z.array(z.strictObject({ version: z.int(), at: z.number(), why: z.string().max(512) })),
});
export type Shelved = z.output<typeof shelvedSchema>;
const indexSchema = z.record(z.string().regex(PACK_NAME), shelvedSchema);

/** What the packs that are used give. */
export interface Content {
  /** Folders of chains. */
  readonly chains: readonly string[];
  /** Folders of signals in YAML. */
  readonly signals: readonly string[];
  /** Lists of indicators. */
  readonly intel: readonly string[];
  /** Policies, in the order of their packs' names. */
  readonly policies: readonly string[];
}

export interface ShelfOptions {
  /** STATE/content */
  readonly dir: string;
  readonly trust: Trust;
  /** Of this program. */
  readonly version: string;
  /** How long a new pack is watched [us]. */
  readonly trial: number;
  /** Wall time [us]. */
  readonly now: () => number;
  /** What is wrong with what an unpacked pack holds, before it is used; it lies in this folder. */
  readonly check: (dir: string) => readonly Fault[];
}

/** Something that was done, for the audit and the journal. */
export interface ShelfAct {
  readonly action: 'content_taken' | 'content_returned' | 'content_settled' | 'content_refused';
  readonly pack: string;
  readonly why: string;
}

export class Shelf {
  private readonly options: ShelfOptions;
  private index = new Map<string, Shelved>();

  private constructor(options: ShelfOptions) {
    this.options = options;
  }

  /** Reads what is there; nothing is changed, and what is no longer as it was signed is not in content(). */
  static async open(options: ShelfOptions): Promise<Result<Shelf>> {
    const shelf = new Shelf(options);
    const file = path.join(options.dir, 'index.json');
    const read = await readJsonFile(file, indexSchema, INDEX_BYTES_MAX, 'remove it, and install the packs again');
    if (!read.ok) return read;
    if (read.value !== undefined) shelf.index = new Map(Object.entries(read.value));
    return success(shelf);
  }

  /** By name. */
  get packs(): ReadonlyMap<string, Shelved> {
    return this.index;
  }

  /** Folder of a version, and whether it is still what was signed. */
  private readShelved(name: string, version: number): Result<Pack> {
    const { dir, trust } = this.options;
    const at = path.join(dir, name, String(version));
    const entries = entriesBelow(at);
    if (!entries.ok) return entries;
    const pack = readEntries(entries.value, `${name}-${version}`);
    return pack.ok ? trusted(pack.value, trust) : pack;
  }

  /** What the current packs hold, each as it was signed; for one that is not, the one before it. */
  content(): Content & { readonly faults: readonly Fault[] } {
    const faults: Fault[] = [];
    const chains: string[] = [];
    const signals: string[] = [];
    const intel: string[] = [];
    const policies: string[] = [];
    for (const [name, { current, previous }] of [...this.index].sort(([a], [b]) => (a < b ? -1 : 1))) {
      for (const version of [current, previous]) {
        if (version === null) continue;
        const pack = this.readShelved(name, version);
        if (!pack.ok) {
          faults.push(pack.fault);
          continue;
        }
        const at = path.join(this.options.dir, name, String(version));
        const names = pack.value.files.map((f) => f.name);
        if (names.some((n) => n.startsWith('chains/'))) chains.push(path.join(at, 'chains'));
        if (names.some((n) => n.startsWith('signals/'))) signals.push(path.join(at, 'signals'));
        intel.push(...names.filter((n) => n.startsWith('intel/')).map((n) => path.join(at, n)));
        if (names.includes('policy.yaml')) policies.push(path.join(at, 'policy.yaml'));
        break;
      }
    }
    return { chains, signals, intel, policies, faults };
  }

  /** Unpacks, checks and uses a pack from now on, on trial. A pack that is there already is no act. */
  async take(bytes: Uint8Array, what: string): Promise<Result<ShelfAct | undefined>> {
    const { trust, version: program, now, dir, check } = this.options;
    const read = readPack(bytes, what);
    if (!read.ok) return read;
    const pack = trusted(read.value, trust);
    if (!pack.ok) return pack;
    const fit = usable(pack.value, now(), program);
    if (!fit.ok) return fit;
    const { name, version } = pack.value.manifest;
    const id = packId(pack.value.manifest);
    const before = this.index.get(name);
    if (before !== undefined && version <= before.floor) {
      const isSame = version === before.floor && packHash(pack.value) === before.hash;
      const wasReturned = before.returned.some((r) => r.version === version);
      if (isSame && !wasReturned) return success(undefined);
      return failure(
        'content_invalid',
        wasReturned ? `${id}: was tried and sent back` : `${id}: is not newer than ${name}-${before.floor}`,
        'give the next one a higher version',
      );
    }
    if (before === undefined && this.index.size >= PACKS_MAX)
      return failure('content_invalid', `${id}: there are ${PACKS_MAX} packs already`, 'remove one');
    try {
      const folder = await this.unpack(pack.value);
      const faults = check(folder);
      if (faults.length > 0) {
        await rm(folder, { recursive: true, force: true });
        const more = faults.length > 1 ? `, and ${faults.length - 1} more` : '';
        return failure('content_invalid', `${id}: ${faults[0]?.message}${more}`, faults[0]?.hint ?? '');
      }
      await this.write(name, {
        ...{ floor: version, hash: packHash(pack.value), current: version, previous: before?.current ?? null },
        ...{ trial: { since: now(), until: now() + this.options.trial, starts: 0 } },
        returned: before?.returned ?? [],
      });
      await this.tidy(name);
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', path.join(dir, name), error) };
    }
    return success({ action: 'content_taken', pack: id, why: `signed by ${pack.value.signers.join(', ')}` });
  }

  /** The one before is used again, or none. */
  async giveBack(name: string, why: string): Promise<Result<ShelfAct>> {
    const before = this.index.get(name);
    if (before === undefined || before.current === null)
      return failure('content_invalid', `${name}: no such pack is used`);
    const returned = [...before.returned, { version: before.current, at: this.options.now(), why: why.slice(0, 512) }];
    try {
      await this.write(name, {
        ...{ ...before, current: before.previous, previous: null, trial: null },
        returned: returned.slice(-RETURNED_MAX),
      });
      await this.tidy(name);
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', path.join(this.options.dir, name), error) };
    }
    return success({ action: 'content_returned', pack: `${name}-${before.current}`, why });
  }

  /** Names of packs that are being watched. */
  get onTrial(): string[] {
    return [...this.index].flatMap(([name, s]) => (s.trial === null ? [] : [name]));
  }

  /** The sensor starts: a pack with which it has done so too often is sent back before it is used. */
  async begin(): Promise<Result<ShelfAct[]>> {
    const acts: ShelfAct[] = [];
    for (const [name, s] of this.index) {
      if (s.trial === null) continue;
      const starts = s.trial.starts + 1;
      if (starts > STARTS_MAX) {
        const back = await this.giveBack(name, `the sensor was started ${starts} times while it was on trial`);
        if (!back.ok) return back;
        acts.push(back.value);
        continue;
      }
      const written = await this.keep(name, { ...s, trial: { ...s.trial, starts } });
      if (!written.ok) return written;
    }
    return success(acts);
  }

  /** Packs whose trial is over stay. */
  async settle(): Promise<Result<ShelfAct[]>> {
    const acts: ShelfAct[] = [];
    for (const [name, s] of this.index) {
      if (s.trial === null || this.options.now() < s.trial.until) continue;
      const written = await this.keep(name, { ...s, trial: null });
      if (!written.ok) return written;
      acts.push({ action: 'content_settled', pack: `${name}-${s.current}`, why: 'its trial is over' });
    }
    return success(acts);
  }

  /** What lies in the inbox is taken, or refused, and gone. */
  async takeInbox(): Promise<{ readonly acts: ShelfAct[]; readonly faults: Fault[] }> {
    const inbox = path.join(this.options.dir, 'inbox');
    const [acts, faults]: [ShelfAct[], Fault[]] = [[], []];
    let names: string[] = [];
    try {
      names = (await readdir(inbox)).filter((n) => !n.endsWith('.next')).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { acts, faults };
      return { acts, faults: [systemFault('state_unusable', inbox, error)] };
    }
    for (const name of names) {
      const at = path.join(inbox, name);
      const asked = name.startsWith(BACK) ? name.slice(BACK.length) : undefined;
      const back = asked !== undefined && PACK_NAME.test(asked) ? asked : undefined;
      try {
        const done =
          back === undefined ? await this.take(await readFile(at), name) : await this.giveBack(back, 'as was asked');
        if (!done.ok) {
          faults.push(done.fault);
          acts.push({ action: 'content_refused', pack: name, why: done.fault.message });
        } else if (done.value !== undefined) acts.push(done.value);
        await unlink(at);
      } catch (error) {
        faults.push(systemFault('state_unusable', at, error));
      }
    }
    return { acts, faults };
  }

  private async unpack(pack: Pack): Promise<string> {
    const { dir } = this.options;
    const { name, version } = pack.manifest;
    const folder = path.join(dir, name, String(version));
    const next = path.join(dir, name, `.${version}.next`);
    await rm(next, { recursive: true, force: true });
    const signed = pack.signatures.map(({ id, bytes }) => ({ name: `signatures/${id}.sig`, bytes }));
    for (const entry of [{ name: 'manifest.json', bytes: pack.manifestBytes }, ...signed, ...pack.files]) {
      const file = path.join(next, entry.name);
      await nodeDisk.makeDir(path.dirname(file));
      await replaceDurably(nodeDisk, file, entry.bytes);
    }
    await rm(folder, { recursive: true, force: true });
    await nodeDisk.rename(next, folder);
    await nodeDisk.syncDir(path.join(dir, name));
    return folder;
  }

  private async keep(name: string, shelved: Shelved): Promise<Result<undefined>> {
    try {
      await this.write(name, shelved);
      return success(undefined);
    } catch (error) {
      return { ok: false, fault: systemFault('state_unusable', this.options.dir, error) };
    }
  }

  private async write(name: string, shelved: Shelved): Promise<void> {
    const next = new Map(this.index).set(name, shelved);
    await nodeDisk.makeDir(this.options.dir);
    const text = `${JSON.stringify(Object.fromEntries(next), undefined, 1)}\n`;
    await replaceDurably(nodeDisk, path.join(this.options.dir, 'index.json'), Buffer.from(text));
    this.index = next;
  }

  /** What neither is used nor came before goes. */
  private async tidy(name: string): Promise<void> {
    const s = this.index.get(name);
    const folder = path.join(this.options.dir, name);
    for (const version of await readdir(folder))
      if (version !== String(s?.current) && version !== String(s?.previous))
        await rm(path.join(folder, version), { recursive: true, force: true });
  }
}

/** All files below, with the names that an archive would have. */
export function entriesBelow(dir: string): Result<Entry[]> {
  const entries: Entry[] = [];
  try {
    for (const found of readdirSync(dir, { withFileTypes: true, recursive: true })) {
      const at = path.join(found.parentPath, found.name);
      if (found.isDirectory()) continue;
      if (!found.isFile()) return failure('content_invalid', `${at}: is neither a file nor a folder`);
      entries.push({ name: path.relative(dir, at), bytes: readFileSync(at) });
    }
  } catch (error) {
    return { ok: false, fault: systemFault('content_invalid', dir, error) };
  }
  return success(entries.sort((a, b) => (a.name < b.name ? -1 : 1)));
}

/** Puts a pack where the sensor takes it from, or asks for the one before. Durable when it returns. */
export async function putInInbox(dir: string, name: string, bytes: Uint8Array): Promise<Result<undefined>> {
  const inbox = path.join(dir, 'inbox');
  try {
    await nodeDisk.makeDir(inbox);
    await replaceDurably(nodeDisk, path.join(inbox, name), bytes);
    return success(undefined);
  } catch (error) {
    return { ok: false, fault: systemFault('output_unwritable', inbox, error) };
  }
}

export const inboxName = (pack: Pack['manifest']): string => `${packId(pack)}.tar.gz`;
