// What a run of detection is made of: opened together from one configuration, committed together, closed together.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Chains, type Coverage } from './chains/engine.ts';
import { type ChainFault, faultText } from './chains/fault.ts';
import { findChains, loadChains } from './chains/folder.ts';
import type { Vocabulary } from './chains/reader.ts';
import type { Rule } from './chains/rule.ts';
import type { Config } from './config/config.ts';
import { Networks } from './config/networks.ts';
import { shippedSignals, signalsOf } from './declared.ts';
import { Detection, type Parts } from './detection.ts';
import { Entities } from './entities/entities.ts';
import { Intel } from './intel/intel.ts';
import { type Fault, type Result, success } from './lib/fault.ts';
import type { Finding, Keeper } from './schema/finding.ts';
import type { KindName } from './schema/gen/events.gen.ts';
import { checkSettings, Signals } from './signals/dispatch.ts';
import type { SignalDefinition } from './signals/signal.ts';
import { CoverageLedger } from './state/coverage.ts';
import { type LongMemory, type NativeMemoryClass, openMemory } from './state/memory.ts';
import { openState, type State } from './state/state.ts';

/** The chains that ship, beside dist/ and src/. */
export const SHIPPED_CHAINS = fileURLToPath(new URL('../appliance/chains', import.meta.url));

/** What entities and memory learn from, whatever chains ask for. */
const ALWAYS: readonly KindName[] = ['conn', 'conn_update', 'dns', 'http', 'tls', 'file', 'dhcp', 'arp', 'icmp'];
/** Conclusions: made on the way, never decoded. */
const CONCLUSIONS: ReadonlySet<KindName> = new Set(['signal', 'sighting', 'identity', 'alert']);

export const named = (all: readonly SignalDefinition[]): Vocabulary => ({ signals: new Set(all.map((d) => d.id)) });
/** Names that a chain may use, of what ships. */
export const vocabulary = (): Vocabulary => named(shippedSignals().definitions);

export interface Listeners {
  readonly onConclusion: Parts['onConclusion'];
  readonly onFinding: (finding: Finding) => void;
}

export interface Stages {
  readonly detection: Detection;
  readonly state: State;
  readonly memory: LongMemory;
  readonly chains: Chains;
  /** How many chains run. */
  readonly chainCount: number;
  readonly signals: Signals;
  readonly entities: Entities;
  /** What was watched, from coverage events. */
  readonly watched: CoverageLedger;
  /** Kinds to decode. */
  readonly kinds: readonly KindName[];
  /** What was left out and why: chains and lists with faults. The rest runs. */
  readonly faults: readonly Fault[];
  /** Everything, and the place in the input that it belongs to, durable when it returns success. */
  commit(cursor: string): Result<undefined>;
  /** What was not committed is gone. */
  close(): void;
}

/** A chain's fault as the program's: what, where, what to do. */
const asFault = ({ hint = '', ...f }: ChainFault): Fault => ({ code: 'content_invalid', message: faultText(f), hint });

/** What is wrong with the settings of signals, with their places. */
export function signalFaults(config: Config, definitions = signalsOf(config).definitions): Fault[] {
  return checkSettings(config.signals, definitions).map((text) => {
    const path = /^([\w.]+): /.exec(text)?.[1]?.split('.') ?? ['signals'];
    return { code: 'config_invalid', message: `${config.where(path)}: ${text}`, hint: '' };
  });
}

/** What packs bring besides what the configuration names. */
export interface Brought {
  /** Folders of chains. */
  readonly chains: readonly string[];
  /** Folders of signals in YAML. */
  readonly signals: readonly string[];
  /** Lists of indicators. */
  readonly intel: readonly string[];
  /** What they would have brought, and why not. */
  readonly faults: readonly Fault[];
}
const NOTHING: Brought = { chains: [], signals: [], intel: [], faults: [] };

/** A configuration as if it named what packs bring, but for their chains: those go before the shipped ones. */
const withBrought = (config: Config, { signals, intel }: Brought): Config => ({
  ...config,
  declared_signals: { ...config.declared_signals, dirs: [...config.declared_signals.dirs, ...signals] },
  intel: { ...config.intel, files: [...config.intel.files, ...intel] },
});

interface Content {
  readonly rules: readonly Rule[];
  readonly intel: Intel;
  readonly definitions: readonly SignalDefinition[];
  readonly faults: readonly Fault[];
}

/** The chains that the configuration names and packs bring, less what is wrong with them. */
function chainsOf(
  config: Config,
  brought: Brought,
  definitions: readonly SignalDefinition[],
): { readonly rules: readonly Rule[]; readonly faults: readonly Fault[] } {
  const shipped = config.chains.shipped ? [SHIPPED_CHAINS] : [];
  const found = findChains([...brought.chains, ...shipped, ...config.chains.dirs]);
  // A chain that a pack brings in a newer version takes the place of the shipped one.
  const yielding = new Set(findChains(brought.chains.length > 0 ? shipped : []).files);
  const { rules, faults, chainFaults } = loadChains(found.files, named(definitions), yielding);
  return { rules, faults: [...found.faults, ...faults, ...chainFaults.map(asFault)] };
}

/** Those that the collector runs. What is wrong with others is told by who runs them. */
export function collectorChains(config: Config): {
  readonly rules: readonly Rule[];
  readonly faults: readonly Fault[];
} {
  const { rules, faults } = chainsOf(config, NOTHING, signalsOf(config).definitions);
  return { rules: rules.filter((r) => r.runs === 'collector'), faults };
}

/** The chains, signals and lists that the configuration names and packs bring, less what is wrong with them. */
function loadContent(config: Config, brought: Brought): Content {
  const { definitions, faults: signalFiles } = signalsOf(config);
  const { rules, faults: chainFaults } = chainsOf(config, brought, definitions);
  const intel = new Intel();
  const intelFaults = intel.load(config.intel.files).map(
    ({ file, line, message, hint }): Fault => ({
      code: 'content_invalid',
      message: `${file}${line > 0 ? `:${line}` : ''}: ${message}`,
      hint,
    }),
  );
  return {
    ...{ rules, intel, definitions },
    faults: [...brought.faults, ...signalFiles, ...chainFaults, ...intelFaults],
  };
}

/** What is wrong with the chains, signals and lists that the configuration names. Reads them all, and runs nothing. */
export const contentFaults = (config: Config): readonly Fault[] => loadContent(config, NOTHING).faults;

export interface StageOptions {
  /** How much of a time was watched, where the ledger of the state does not know. */
  readonly coverage?: Coverage;
  /** Who keeps evidence, in the same state. */
  readonly keeper?: (state: State) => Keeper;
  readonly brought?: Brought;
  /** There is a collector that runs its own chains. Otherwise whoever runs is all there is, and runs them all. */
  readonly hasCollector?: boolean;
}

/** @param Native  the addon's memory */
export function openStages(
  configured: Config,
  Native: NativeMemoryClass,
  listeners: Listeners,
  options: StageOptions = {},
): Result<Stages> {
  const brought = options.brought ?? NOTHING;
  const config = withBrought(configured, brought);
  const { rules: all, intel, definitions, faults } = loadContent(config, brought);
  const [wrong] = signalFaults(config, definitions);
  if (wrong !== undefined) return { ok: false, fault: wrong };
  const rules = options.hasCollector === true ? all.filter((r) => r.runs === 'sensor') : all;

  const dir = config.state.dir ?? undefined;
  const opened = openState(dir);
  if (!opened.ok) return opened;
  const state = opened.value;
  const memoryDir = dir === undefined ? undefined : join(dir, 'memory');
  const budgetBytes = config.memory.budget_mb * 2 ** 20;
  const remembered = openMemory(
    Native,
    memoryDir === undefined ? { budgetBytes } : { dir: memoryDir, budgetBytes, position: state.sequence },
  );
  if (!remembered.ok) {
    state.close();
    return remembered;
  }
  const memory = remembered.value;
  const networks = new Networks(config.networks.local);
  const entities = new Entities({ networks, section: state.section('entities') });
  const signals = new Signals(memory, state.section('signals'), config.signals, definitions);
  const watched = new CoverageLedger(state.section('coverage'));
  const coverage = options.coverage ?? ((from, to) => watched.of(from, to));
  const chains = new Chains(rules, memory, state.section('chains'), {
    ...{ coverage, keeper: options.keeper?.(state) },
  });
  const detection = new Detection({ memory, entities, intel, signals, chains, ...listeners });
  const wanted = new Set([...ALWAYS, ...signals.wants(), ...intel.wants(), ...chains.wants]);
  return success({
    ...{ detection, state, memory, chains, signals, entities, watched, faults },
    chainCount: rules.length,
    kinds: [...wanted].filter((kind) => !CONCLUSIONS.has(kind)),
    commit(cursor) {
      entities.save();
      signals.save();
      chains.save();
      watched.save();
      const kept = memory.commit(state.sequence + 1);
      return kept.ok ? state.commit(cursor) : kept;
    },
    close() {
      memory.close();
      state.close();
    },
  });
}
