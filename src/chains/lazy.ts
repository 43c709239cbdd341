// A chain run over history instead of along with it: nothing is kept open, and the answer is the same.
//
// The rarest step that every match needs is the anchor: whoever never had it cannot have finished the chain. For the
// keys that had it, all that the chain's steps could match is fetched, memory is made of what was seen of the values
// they name, and the engine runs over that, in order. What it costs depends on how often the rarest step happens.
//
// So chains complete backwards: new intelligence, a new text or a new model is applied to what has been, for the keys
// it concerns, at the time at which it would have been seen (retro).
import type { Finding } from '../schema/finding.ts';
import type { Observation } from '../schema/observation.ts';
import { bindAll, fieldOf, keyOf, OwnRecord } from './bindings.ts';
import { PlainMemory, PlainSection } from './cases.ts';
import { spaceOf } from './cel.ts';
import { Chains, type Coverage } from './engine.ts';
import { type History, type Key, nameOf, recall, type Span } from './history.ts';
import type { Rule, Step } from './rule.ts';
import { Topics } from './topics.ts';

export interface LazyOptions {
  /** Chains that the rule takes as steps. */
  readonly others?: readonly Rule[];
  readonly coverage?: Coverage;
  /** What was not known when it happened, at the time of what it is about; in order of `seen`. */
  readonly late?: readonly Observation[];
  /** Only keys that these records concern; undefined: of what is late, or all. */
  readonly about?: readonly Observation[];
}

const allSteps = ({ steps, until }: Rule): Step[] => [...steps, ...until];

/** The group that a match cannot do without and that least often happens: its steps. */
async function anchorOf(rule: Rule, history: History, span: Span): Promise<readonly Step[]> {
  let best: { readonly steps: readonly Step[]; readonly count: number } | undefined;
  for (const { steps, optional, need } of rule.groups) {
    if (optional) continue;
    // Of several that must all come each is one by itself; of one_of it is any.
    for (const candidate of need === 'all' ? steps.map((s) => [s]) : [steps]) {
      const counts = await Promise.all(candidate.map((s) => history.count(s, span)));
      const count = counts.reduce((a, b) => a + b, 0);
      if (best === undefined || count < best.count) best = { steps: candidate, count };
    }
  }
  return best?.steps ?? [];
}

/** Keys for which a record could be one of these steps. */
class Keys {
  private readonly rule: Rule;
  private readonly topics: Topics<{ readonly step: Step }>;
  constructor(rule: Rule, steps: readonly Step[]) {
    this.rule = rule;
    this.topics = new Topics(new OwnRecord(new PlainMemory(0)));
    for (const step of steps) this.topics.add({ step });
  }
  of(obs: Observation): string[] {
    return this.topics.of(obs).flatMap(({ item }) => {
      const bound = bindAll(item.step, obs);
      return bound === undefined ? [] : [keyOf(this.rule, bound)];
    });
  }
}

/** Values of these records that memory keeps something about. */
export function keysOfMemory(records: readonly Observation[]): Key[] {
  const keys = new Map<string, Key>();
  for (const obs of records) {
    const names = [...Object.keys(obs.event), ...Object.keys(obs.hosts)];
    for (const name of names) {
      const space = spaceOf(obs.kind, name);
      const value = space === undefined ? null : fieldOf(obs, name);
      if (space === undefined || typeof value !== 'string' || value === '') continue;
      const key = { space, key: value };
      keys.set(nameOf(key), key);
    }
  }
  return [...keys.values()];
}

/** In the one order of `seen`; of one moment, those of `a` first. */
function merged(a: readonly Observation[], b: readonly Observation[]): Observation[] {
  return [...a, ...b].sort((x, y) => x.seen - y.seen);
}

/** What the chain would have found along with history, of the keys that are concerned. */
export async function lazily(rule: Rule, history: History, span: Span, options: LazyOptions = {}): Promise<Finding[]> {
  const { others = [], late = [], about = options.late } = options;
  const anchors = about ?? (await history.records(await anchorOf(rule, history, span), span));
  const steps = about === undefined ? rule.groups.flatMap((g) => g.steps) : allSteps(rule);
  const anchorKeys = new Keys(rule, steps);
  const keys = new Set(anchors.flatMap((obs) => anchorKeys.of(obs)));
  // A finished chain is no record of history: whoever takes one is run over all of it.
  const isWhole = others.length > 0;
  if (keys.size === 0 && !isWhole) return [];
  const all = [rule, ...others].flatMap(allSteps).filter((s) => s.own !== 'chain');
  const own = new Keys(rule, all);
  const found = await history.records(all, span);
  const records = merged(found, late).filter((obs) => isWhole || own.of(obs).some((key) => keys.has(key)));

  const touches = await history.touches(keysOfMemory(records), span.to);
  const memory = new PlainMemory(history.since);
  const chains = new Chains([rule, ...others], memory, new PlainSection(), { coverage: options.coverage });
  const findings: Finding[] = [];
  let t = 0;
  for (const obs of records) {
    findings.push(...chains.advance(obs.seen));
    // The record itself is remembered before anything looks at it, and so is what came with it.
    t = recall(memory, touches, t, obs.seen);
    findings.push(...chains.feed(obs));
  }
  findings.push(...chains.advance(span.to));
  return findings.filter((f) => f.rule.id === rule.id);
}

/** The same, told as what it is: found by looking back, when `knownAt` was known [us]. */
export async function retro(
  rule: Rule,
  history: History,
  span: Span,
  knownAt: number,
  options: LazyOptions = {},
): Promise<Finding[]> {
  const findings = await lazily(rule, history, span, options);
  return findings.map((f) => ({ ...f, retro: { knownAt } }));
}
