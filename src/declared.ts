// Signals that are written in YAML: found, read and compiled with the conditions of chains, which are another stage's.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OwnRecord } from './chains/bindings.ts';
import { CelFault, compileWhere } from './chains/cel.ts';
import type { Config } from './config/config.ts';
import { type Fault, systemFault } from './lib/fault.ts';
import { ConditionFault, type Conditions, type DeclaredFault, readDeclared } from './signals/declared.ts';
import { ALL } from './signals/gen/all.gen.ts';
import type { SignalDefinition } from './signals/signal.ts';

/** The signals that ship as files, beside dist/ and src/. */
export const SHIPPED_SIGNALS = fileURLToPath(new URL('../appliance/signals', import.meta.url));

const FILE = 'signal.yaml';
const FILES_MAX = 1000;

/** Conditions as chains have them: the event is called by the name of its kind. */
export const conditions: Conditions = {
  compile(text, kind) {
    try {
      const { evaluate } = compileWhere(text, new Map([[kind, { kind }]]), kind);
      return (memory) => {
        const record = new OwnRecord(memory);
        // What memory cannot answer is no reason to say something.
        return (obs) => evaluate(record.of(obs)) === true;
      };
    } catch (error) {
      if (error instanceof CelFault) throw new ConditionFault(error.message, error.hint ?? '');
      throw error;
    }
  },
};

export interface LoadedSignals {
  /** Those in code and those in files, by id. */
  readonly definitions: readonly SignalDefinition[];
  /** What was left out, and why. */
  readonly faults: readonly Fault[];
}

const asFault = (f: DeclaredFault): Fault => ({
  code: 'content_invalid',
  message: `${f.file}:${f.line}:${f.column}: ${f.message}`,
  hint: f.hint,
});

/** The files of a folder of signals, each in a folder of its own, sorted. */
function filesIn(dir: string, faults: Fault[]): string[] {
  try {
    const entries = readdirSync(dir, { withFileTypes: true });
    const names = entries.filter((e) => e.isDirectory()).map((e) => e.name);
    if (entries.some((e) => e.name === FILE)) return [join(dir, FILE)];
    return names
      .sort()
      .slice(0, FILES_MAX)
      .map((n) => join(dir, n, FILE));
  } catch (error) {
    faults.push(systemFault('input_unreadable', dir, error));
    return [];
  }
}

/**
 * Signals in code, and those of the folders. One with a fault is left out and told, the others are there; a name that
 * is taken is a fault of the later one.
 */
export function loadSignals(dirs: readonly string[]): LoadedSignals {
  const faults: Fault[] = [];
  const byId = new Map(ALL.map((d) => [d.id, d]));
  for (const file of dirs.flatMap((dir) => filesIn(dir, faults))) {
    try {
      const { definition, faults: wrong } = readDeclared(file, readFileSync(file, 'utf8'), conditions);
      faults.push(...wrong.map(asFault));
      if (definition === undefined) continue;
      if (byId.has(definition.id)) {
        const message = `${file}:1:1: there is a signal ${definition.id} already`;
        faults.push({ code: 'content_invalid', message, hint: 'give it another name' });
      } else byId.set(definition.id, definition);
    } catch (error) {
      faults.push(systemFault('input_unreadable', file, error));
    }
  }
  const definitions = [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return { definitions, faults };
}

let shipped: LoadedSignals | undefined;

/** Those that come with Catenary: read once, for who only needs their names. */
export function shippedSignals(): LoadedSignals {
  shipped ??= loadSignals([SHIPPED_SIGNALS]);
  return shipped;
}

/** Those that a configuration names. */
export function signalsOf(config: Config): LoadedSignals {
  const { shipped: isShipped, dirs } = config.declared_signals;
  if (isShipped && dirs.length === 0) return shippedSignals();
  return loadSignals([...(isShipped ? [SHIPPED_SIGNALS] : []), ...dirs]);
}
