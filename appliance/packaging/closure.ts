// What of node_modules a package carries: the closure of what runs, by the lock file, as Node would resolve it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of package-lock.json, version 3: what is read of an entry. */
export interface Locked {
  readonly version: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
export type Lock = Readonly<Record<string, Locked>>;

/** Dependencies of the build: `npm ci` makes the addon with them, and nothing that runs asks for them. */
const BUILD_ONLY = new Set(['cmake-js', 'node-addon-api']);

export const readLock = (folder: string): Lock =>
  (JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as { packages: Lock }).packages;

/** Where Node finds `name` from the package at `from`: beside it, or in a node_modules above. '' is the project. */
function resolve(lock: Lock, from: string, name: string): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const path = `${at === '' ? '' : `${at}/`}node_modules/${name}`;
    if (lock[path] !== undefined) return path;
    if (at === '') return undefined;
  }
}

/**
 * Paths of packages, sorted: what `roots` need, and what that needs. Optional ones only where they are installed, which
 * is where their platform is this one.
 * @param root  the folder that has node_modules
 */
export function closure(lock: Lock, root: string, roots: readonly string[]): string[] {
  const found = new Set<string>();
  const visit = (from: string, name: string, isOptional: boolean): void => {
    const path = resolve(lock, from, name);
    if (path === undefined || !existsSync(join(root, path, 'package.json'))) {
      if (isOptional) return;
      throw new Error(`${name}, which ${from === '' ? 'the project' : from} needs, is not installed: run 'make build'`);
    }
    if (found.has(path)) return;
    found.add(path);
    const { dependencies = {}, optionalDependencies = {} } = lock[path] as Locked;
    // npm lists optional ones among the others too.
    for (const below of Object.keys({ ...dependencies, ...optionalDependencies }))
      visit(path, below, below in optionalDependencies);
  };
  for (const name of roots) visit('', name, false);
  return [...found].sort();
}

/** What the sensor's code asks for, and what the collector needs beyond: the store's library. */
export function rootsOf(lock: Lock): { readonly sensor: string[]; readonly store: string[] } {
  const { dependencies = {}, optionalDependencies = {} } = lock[''] as Locked;
  return {
    sensor: Object.keys(dependencies).filter((name) => !BUILD_ONLY.has(name)),
    store: Object.keys(optionalDependencies),
  };
}
