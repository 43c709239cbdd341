// Where chains lie: folders of folders, each with its chain.yaml. One with a fault is left out and told, the others
// load.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Fault, systemFault } from '../lib/fault.ts';
import type { ChainFault } from './fault.ts';
import { type ChainText, parseChain, readParsed } from './language.ts';
import type { Vocabulary } from './reader.ts';
import type { Rule } from './rule.ts';

const CHAIN_FILE = 'chain.yaml';
export const FILES_MAX = 10_000;
export const DEPTH_MAX = 8;

export interface ChainFiles {
  readonly files: string[];
  /** What could not be read, and paths without a chain. */
  readonly faults: Fault[];
}

/** The chains below a path, sorted: a folder that holds a chain.yaml is that chain, and its cases are no chains. */
function walk(path: string, found: ChainFiles, depth: number): void {
  try {
    if (!statSync(path).isDirectory()) {
      found.files.push(path);
      return;
    }
    const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    if (entries.some((e) => e.name === CHAIN_FILE)) {
      found.files.push(join(path, CHAIN_FILE));
      return;
    }
    for (const entry of entries) {
      if (found.files.length >= FILES_MAX) return;
      if (entry.isDirectory() && depth < DEPTH_MAX) walk(join(path, entry.name), found, depth + 1);
      else if (entry.isFile() && /\.ya?ml$/.test(entry.name)) found.files.push(join(path, entry.name));
    }
  } catch (error) {
    found.faults.push(systemFault('input_unreadable', path, error));
  }
}

/** The files of the chains at these paths, each once: a path is a chain's file, its folder, or a folder of chains. */
export function findChains(paths: readonly string[]): ChainFiles {
  const found: ChainFiles = { files: [], faults: [] };
  for (const path of paths) {
    const before = found.files.length + found.faults.length;
    walk(path, found, 0);
    if (found.files.length + found.faults.length === before)
      found.faults.push({ code: 'input_unreadable', message: `${path}: no chain in it`, hint: 'name a chain.yaml' });
  }
  return { files: [...new Set(found.files)], faults: found.faults };
}

/** Chains that `rule` takes as steps, and those that they take. */
export function below(rule: Rule, all: readonly Rule[]): Rule[] {
  const out = new Set<Rule>();
  const visit = ({ steps, until }: Rule): void => {
    for (const { topic } of [...steps, ...until]) {
      const taken = all.find((r) => topic === `chain:${r.id}`);
      if (taken === undefined || out.has(taken)) continue;
      out.add(taken);
      visit(taken);
    }
  };
  visit(rule);
  return [...out];
}

export interface LoadedChains {
  readonly rules: readonly Rule[];
  /** What is wrong in chains; theirs are left out of `rules`. */
  readonly chainFaults: readonly ChainFault[];
  /** What could not be read. */
  readonly faults: readonly Fault[];
}

/** Those that are taken as steps before those that take them. */
function inner(texts: readonly ChainText[]): ChainText[] {
  const byName = new Map(texts.map((t) => [t.name, t]));
  const out = new Set<ChainText>();
  const visiting = new Set<ChainText>();
  const visit = (t: ChainText): void => {
    if (out.has(t) || visiting.has(t)) return;
    visiting.add(t);
    for (const name of t.consumes) {
      const below = byName.get(name);
      if (below !== undefined) visit(below);
    }
    visiting.delete(t);
    out.add(t);
  };
  for (const t of texts) visit(t);
  return [...out];
}

/**
 * The rules of files, in their order, and those they take as steps before them. A name that is there already is a
 * fault of the later one, unless that is among `yielding`.
 */
export function loadChains(
  files: readonly string[],
  vocabulary: Vocabulary,
  yielding: ReadonlySet<string> = new Set(),
): LoadedChains {
  const rules = new Map<string, Rule>();
  const chainFaults: ChainFault[] = [];
  const faults: Fault[] = [];
  const texts: ChainText[] = [];
  for (const file of files) {
    try {
      texts.push(parseChain(file, readFileSync(file, 'utf8')));
    } catch (error) {
      faults.push(systemFault('input_unreadable', file, error));
    }
  }
  const order = inner(texts);
  for (const [i, { file, name, consumes }] of order.entries())
    for (const later of order.slice(i).filter((t) => t.name !== undefined && consumes.includes(t.name))) {
      const message = `${name} and ${later.name} take each other as steps`;
      chainFaults.push({ file, line: 1, column: 1, message, hint: 'let one of them take something else' });
    }
  for (const text of order) {
    const { rule, faults: wrong } = readParsed(text, { ...vocabulary, chains: rules });
    chainFaults.push(...wrong);
    if (rule === undefined || wrong.length > 0) continue;
    const other = rules.get(rule.id);
    if (other === undefined) {
      rules.set(rule.id, rule);
    } else if (!yielding.has(text.file)) {
      const message = `there is a chain ${rule.id} already, in ${other.file}`;
      chainFaults.push({ file: text.file, line: 1, column: 1, message, hint: 'give it another name' });
    }
  }
  return { rules: [...rules.values()], chainFaults, faults };
}
