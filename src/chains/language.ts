// chain.yaml to a Rule, or to faults that say file, line, column and what to do. The words are those of the design:
// steps, by, bind, window, within, after, start, until, absent.
import { createHash } from 'node:crypto';
import { type Document, isMap, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import { techniqueFault } from '../schema/attack.ts';
import type { EntityClass } from '../schema/observation.ts';
import type { Name } from './cel.ts';
import { DAY } from './duration.ts';
import type { ChainFault } from './fault.ts';
import { Reader, type Vocabulary } from './reader.ts';
import type { Group, OnFull, Rule, Severity, Step, Upgrade } from './rule.ts';
import { readStep, type Variables } from './step.ts';

const WINDOW_MAX = 400 * DAY;
const STEPS_MAX = 16;
/** A bit of a partial each. */
const MEMBERS_MAX = 16;
const EACH_MAX = 64;
const PARTIALS_MAX = 100_000;
/** Chains over chains over chains: deeper, nobody can tell why it fired. */
export const DEPTH_MAX = 4;
export const CHAIN_KEYS: readonly string[] = [
  ...[
    'chain',
    'version',
    'title',
    'attack',
    'severity',
    'scope',
    'runs',
    'by',
    'window',
    'start',
    'on_full',
    'on_young',
  ],
  ...['limits', 'suppress', 'emit', 'upgrade', 'retro', 'steps', 'until', 'notes'],
];
export const RUNS = ['sensor', 'collector'] as const;
/** What sensors conclude. All else would need whose address it was at that sensor, and is most of what they send. */
const AT_COLLECTOR: ReadonlySet<string> = new Set(['signal', 'sighting', 'identity', 'alert']);
export const RETRO_KEYS: readonly string[] = ['intel', 'rule', 'backfill'];
export const GROUP_KEYS: readonly string[] = ['any_order', 'one_of', 'after', 'within', 'optional'];
export const SEVERITIES: readonly Severity[] = ['info', 'low', 'medium', 'high', 'critical'];
export const ON_FULL: readonly OnFull[] = ['reject-new', 'evict-oldest', 'evict-lowest-score'];
export const UPGRADES: readonly Upgrade[] = ['migrate', 'drain', 'drop'];
export const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

class ChainReader extends Reader {
  rule(root: YAMLMap, hash: string): Rule | undefined {
    this.keys(root, CHAIN_KEYS, 'a chain');
    const id = this.string(root, 'chain');
    if (id === undefined || !NAME.test(id))
      this.fault(this.get(root, 'chain') ?? root, 'a chain has a name', 'chain: lower-case-words');
    const window = this.time(root, 'window');
    if (this.get(root, 'window') === undefined) this.fault(root, 'the chain has no window', 'window: 60d, up to 400d');
    if (window !== undefined && window > WINDOW_MAX)
      this.fault(this.get(root, 'window'), 'window is longer than memory: 400d');
    const startText = this.string(root, 'start') ?? 'first';
    const each = /^each\((\d+)\)$/.exec(startText);
    const n = each === null ? 1 : Number(each[1]);
    if ((each === null && startText !== 'first' && startText !== 'last') || n < 1 || n > EACH_MAX) {
      this.fault(this.get(root, 'start'), `start is ${startText}`, `first, last or each(n) with n up to ${EACH_MAX}`);
    }
    const by = this.strings(root, 'by');
    if (by.length === 0) this.fault(this.get(root, 'by') ?? root, 'the chain joins on nothing', 'by: [victim]');
    const steps = this.steps(root, by);
    this.techniques(root);
    const limits = this.get(root, 'limits');
    const limit = isMap(limits) ? Number(limits.get('partials') ?? PARTIALS_MAX) : PARTIALS_MAX;
    if (!(Number.isInteger(limit) && limit > 0)) this.fault(limits, 'limits.partials is a whole number above 0');
    const suppress = this.time(root, 'suppress') ?? 0;
    const retro = this.retro(root, window);
    const version = Number(root.get('version') ?? 1);
    this.modelsAlone(root, steps?.steps ?? []);
    this.placed(root, [...(steps?.steps ?? []), ...(steps?.until ?? [])]);
    if (window !== undefined && steps !== undefined) this.reach(window, steps.groups);
    if (this.faults.length > 0 || id === undefined || window === undefined || steps === undefined) return undefined;
    return {
      ...{
        id,
        version,
        hash,
        shape: shapeOf(by, steps.groups, steps.trailing),
        text: this.text,
        title: this.string(root, 'title') ?? id,
      },
      attack: this.strings(root, 'attack'),
      severity: this.choice(root, 'severity', SEVERITIES, 'medium'),
      scope: this.choice(root, 'scope', ['sensor', 'fleet'], 'fleet'),
      runs: this.choice(root, 'runs', RUNS, 'sensor'),
      ...{ by, window, each: n, partialsMax: limit, suppress, retro, ...steps, file: this.file },
      start: each !== null ? 'each' : (startText as 'first' | 'last'),
      onFull: this.choice(root, 'on_full', ON_FULL, 'reject-new'),
      onYoung: this.choice(root, 'on_young', ['flag', 'wait', 'match'], 'flag'),
      upgrade: this.choice(root, 'upgrade', UPGRADES, 'migrate'),
      emit: this.choice(root, 'emit', ['alert', 'signal'], 'alert'),
      exports: exportsOf(steps.groups),
      depth: this.depth(root, steps.steps),
    };
  }

  /** What is applied to history, and how far back: without a word all of it, as far as memory reaches. */
  private retro(root: YAMLMap, window = 0): Rule['retro'] {
    const node = this.get(root, 'retro');
    if (node === undefined) return { intel: true, rule: true, backfill: WINDOW_MAX };
    if (!isMap(node)) {
      this.fault(node, 'retro is a map', 'retro: { intel: true, rule: true, backfill: 90d }');
      return { intel: true, rule: true, backfill: WINDOW_MAX };
    }
    this.keys(node, RETRO_KEYS, 'retro');
    const backfill = this.time(node, 'backfill') ?? WINDOW_MAX;
    const at = this.get(node, 'backfill');
    if (backfill > WINDOW_MAX) this.fault(at, 'backfill is longer than memory: 400d');
    if (backfill < window)
      this.fault(
        at,
        'backfill is shorter than the window: nothing that took so long would be found',
        `${window / DAY}d or more`,
      );
    const asked = (key: string): boolean => this.get(node, key) === undefined || this.truth(node, key);
    return { intel: asked('intel'), rule: asked('rule'), backfill };
  }

  private techniques(root: YAMLMap): void {
    const list = this.get(root, 'attack');
    for (const [i, technique] of this.strings(root, 'attack').entries()) {
      const wrong = techniqueFault(technique);
      if (wrong !== undefined && isSeq(list)) this.fault(list.items[i] as Node, wrong.message, wrong.hint);
    }
  }

  /** A score alone convicts nobody: something that happened has to be among the steps. */
  private modelsAlone(root: YAMLMap, steps: readonly Step[]): void {
    const came = steps.filter((s) => !s.absent);
    if (came.length > 0 && came.every((s) => s.own === 'model'))
      this.fault(this.get(root, 'steps'), 'all steps are models', 'add a step that is an event, a signal or intel');
  }

  /** Each chain is run in one place, so that nothing is told twice; and has there what its steps take. */
  private placed(root: YAMLMap, steps: readonly Step[]): void {
    const atCollector = this.choice(root, 'runs', RUNS, 'sensor') === 'collector';
    if (atCollector && this.get(root, 'scope') !== undefined && this.string(root, 'scope') === 'sensor')
      this.fault(this.get(root, 'scope'), 'a chain of one sensor runs there', 'scope: fleet, or runs: sensor');
    for (const { kind, topic, keep, place } of steps) {
      const taken = this.vocabulary.chains?.get(topic.startsWith('chain:') ? topic.slice('chain:'.length) : '');
      const say = (message: string, hint: string): void => void this.faults.push({ ...place, message, hint });
      if (!atCollector) {
        if (taken?.runs === 'collector') say('that chain has its end at the collector', 'runs: collector here too');
        continue;
      }
      if (!AT_COLLECTOR.has(kind))
        say(
          `the collector's chains do not take ${kind}`,
          'a signal, intel, chain, or event: identity; let a chain of the sensors take the event',
        );
      if (taken?.runs === 'sensor' && taken.emit === 'signal')
        say('of a chain that emits a signal sensors send that', 'emit: alert there');
      if (keep !== undefined)
        say('nothing is kept from the collector', 'let a chain of the sensors keep it, and take that chain');
    }
  }

  /** Least times add up: what may only come when the window is over never comes. */
  private reach(window: number, groups: readonly Group[]): void {
    let least = 0;
    for (const { steps, after, optional } of groups) {
      if (!optional) least += after;
      const [first] = steps as [Step];
      if (least + (optional ? after : 0) <= window) continue;
      this.faults.push({
        ...first.place,
        message: `step ${first.id} cannot be reached: it comes ${(least / DAY).toFixed(1)} days after the first at least`,
        hint: `the window is ${(window / DAY).toFixed(1)} days`,
      });
      return;
    }
    for (const { id, agg, place } of groups.slice(1).flatMap((g) => g.steps))
      if (agg !== undefined && agg.per > window)
        this.faults.push({ ...place, message: `step ${id} counts over more than the window`, hint: 'a shorter per' });
    for (const { steps, need } of groups) {
      const seen = new Set<string>();
      for (const { id, topic, requires, where, bind, agg, place } of need === 'one' ? steps : []) {
        const same = JSON.stringify([topic, requires, where?.terms.map((t) => t.text), bind, agg]);
        if (seen.has(same))
          this.faults.push({
            ...place,
            message: `step ${id} is never taken: an earlier one of the group asks the same`,
          });
        seen.add(same);
      }
    }
  }

  private depth(root: YAMLMap, steps: readonly Step[]): number {
    const { chains } = this.vocabulary;
    const below = steps.map((s) => (s.own === 'chain' ? (chains?.get(s.topic.slice('chain:'.length))?.depth ?? 0) : 0));
    const depth = 1 + Math.max(...below);
    if (depth > DEPTH_MAX)
      this.fault(this.get(root, 'steps'), `chains over chains ${depth} deep`, `${DEPTH_MAX} at most`);
    return depth;
  }

  private steps(
    root: YAMLMap,
    by: readonly string[],
  ): { steps: Step[]; groups: Group[]; trailing: Step | undefined; until: Step[] } | undefined {
    const list = this.get(root, 'steps');
    if (!isSeq(list) || list.items.length === 0 || list.items.length > STEPS_MAX)
      return this.fault(list ?? root, `a chain has 1 to ${STEPS_MAX} steps`);
    const variables: Variables = new Map();
    const earlier = new Map<string, Name>();
    const steps: Step[] = [];
    const groups: Group[] = [];
    let absent: Step[] = [];
    const one = (item: Node): Step | undefined => {
      const read = readStep(this, item, variables, earlier, false);
      if (read === undefined) return undefined;
      const { step, name } = read;
      if (earlier.has(step.id)) this.fault(item, `two steps are called ${step.id}`);
      if (!step.absent) earlier.set(step.id, name);
      this.boundBy(step, by, item);
      steps.push(step);
      return step;
    };
    for (const item of list.items as Node[]) {
      if (isMap(item) && (this.get(item, 'any_order') ?? this.get(item, 'one_of')) !== undefined) {
        const group = this.group(item, one);
        if (group === undefined) continue;
        groups.push({ ...group, absent });
        absent = [];
        continue;
      }
      const step = one(item);
      if (step?.absent) absent.push(step);
      if (step === undefined || step.absent) continue;
      const { after, within } = step;
      groups.push({
        steps: [step],
        need: 'all',
        optional: this.truth(item as YAMLMap, 'optional'),
        after,
        within,
        absent,
      });
      absent = [];
    }
    const [first, ...items] = list.items as Node[];
    if (steps[0]?.absent) this.fault(first, 'a chain cannot begin with an absence');
    if (groups[0]?.optional) this.fault(first, 'a chain cannot begin with an optional step', 'leave it out');
    const last = items.at(-1) ?? first;
    if (absent.length > 1) this.fault(last, 'one absence at the end', 'join them in one where');
    if (absent.length > 0 && absent.at(-1)?.lasting === undefined)
      this.fault(last, 'an absence at the end lasts for a time', 'for: 2d');
    if (groups.at(-1)?.optional)
      this.fault(last, 'the last step cannot be optional: the chain is finished without it', 'leave it out');
    const until: Step[] = [];
    const untilNode = this.get(root, 'until');
    for (const item of isSeq(untilNode) ? (untilNode.items as Node[]) : []) {
      const read = readStep(this, item, new Map(variables), new Map(), true);
      if (read === undefined) continue;
      this.boundBy(read.step, by, item);
      until.push(read.step);
    }
    return { steps, groups, trailing: absent[0], until };
  }

  /** `any_order: [...]` or `one_of: [...]`, with after, within and optional of its own. */
  private group(node: YAMLMap, one: (item: Node) => Step | undefined): Omit<Group, 'absent'> | undefined {
    this.keys(node, GROUP_KEYS, 'a group');
    const all = this.get(node, 'any_order');
    const list = all ?? this.get(node, 'one_of');
    if (all !== undefined && this.get(node, 'one_of') !== undefined)
      return this.fault(node, 'a group is any_order or one_of, not both');
    if (!isSeq(list) || list.items.length < 2 || list.items.length > MEMBERS_MAX)
      return this.fault(list, `a group has 2 to ${MEMBERS_MAX} steps`, 'any_order: [{ id: a, ... }, { id: b, ... }]');
    const after = this.time(node, 'after') ?? 0;
    const within = this.time(node, 'within') ?? Number.POSITIVE_INFINITY;
    if (after > within) this.fault(this.get(node, 'after'), 'after is longer than within: nothing can match');
    const optional = this.truth(node, 'optional');
    if (optional && all !== undefined)
      this.fault(this.get(node, 'optional'), 'any_order is not optional: half of it would be neither', 'one_of can be');
    const steps: Step[] = [];
    for (const item of list.items as Node[]) {
      const step = one(item);
      if (step === undefined) continue;
      for (const key of ['after', 'within', 'absent', 'optional'])
        if (isMap(item) && this.get(item, key) !== undefined)
          this.fault(this.get(item, key), `${key} belongs to the group`, 'write it beside any_order or one_of');
      steps.push({ ...step, after, within });
    }
    return { steps, need: all === undefined ? 'one' : 'all', optional, after, within };
  }

  private boundBy(step: Step, by: readonly string[], node: Node): void {
    for (const variable of by) {
      if (step.bind.some((b) => b.variable === variable && b.collect === undefined)) continue;
      this.fault(
        node,
        `step ${step.id} does not bind ${variable}, which the chain joins by`,
        `bind: { ${variable}: ${step.own}.FIELD }`,
      );
    }
  }
}

/** Steps and what they bind, without conditions and times: equal shapes have partials that fit each other. */
function shapeOf(by: readonly string[], groups: readonly Group[], trailing: Step | undefined): string {
  const step = ({ id, topic, bind, agg }: Step): unknown => [id, topic, bind, agg?.of];
  const shape = [by, groups.map((g) => [g.need, g.optional, g.steps.map(step)]), trailing && step(trailing)];
  return createHash('sha256').update(JSON.stringify(shape)).digest('hex').slice(0, 16);
}

/** What every finished one has bound: of a group that need not be met whole, nothing is certain. */
function exportsOf(groups: readonly Group[]): Map<string, EntityClass> {
  const out = new Map<string, EntityClass>();
  for (const { steps, need, optional } of groups) {
    if (optional) continue;
    for (const { variable, class: cls, collect } of steps.flatMap((s) => s.bind)) {
      const certain = need === 'all' || steps.every((s) => s.bind.some((b) => b.variable === variable));
      if (certain && collect === undefined) out.set(variable, cls);
    }
  }
  return out;
}

/** A chain's file, parsed and not yet judged. */
export interface ChainText {
  readonly file: string;
  readonly text: string;
  readonly doc: Document.Parsed;
  readonly lines: LineCounter;
  /** What it calls itself, and the chains that it takes as steps. */
  readonly name: string | undefined;
  readonly consumes: readonly string[];
}

export function parseChain(file: string, text: string): ChainText {
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines, strict: true, uniqueKeys: true });
  const consumes = new Set<string>();
  const look = (node: unknown): void => {
    if (isSeq(node)) node.items.forEach(look);
    if (!isMap(node)) return;
    const chain = node.get('chain');
    if (typeof chain === 'string') consumes.add(chain);
    for (const key of ['any_order', 'one_of']) look(node.get(key, true));
  };
  const root = doc.contents;
  if (isMap(root)) for (const key of ['steps', 'until']) look(root.get(key, true));
  const name = isMap(root) ? root.get('chain') : undefined;
  return { file, text, doc, lines, name: typeof name === 'string' ? name : undefined, consumes: [...consumes] };
}

/** Reads one chain. Either a rule or at least one fault. */
export function readParsed(parsed: ChainText, vocabulary: Vocabulary): { rule?: Rule; faults: ChainFault[] } {
  const { file, text, doc, lines } = parsed;
  const reader = new ChainReader(file, text, lines, vocabulary);
  for (const error of doc.errors) {
    const { line, col } = lines.linePos(error.pos[0]);
    reader.faults.push({ file, line, column: col, message: error.message.split('\n')[0] as string });
  }
  if (reader.faults.length > 0) return { faults: reader.faults };
  if (!isMap(doc.contents)) {
    reader.fault(doc.contents, 'a chain is a map', 'chain: a-name');
    return { faults: reader.faults };
  }
  // The text decides, not the file's name: the same chain anywhere has the same hash.
  const hash = createHash('sha256').update(JSON.stringify(doc.toJS())).digest('hex').slice(0, 16);
  const rule = reader.rule(doc.contents, hash);
  return rule === undefined ? { faults: reader.faults } : { rule, faults: reader.faults };
}

export const readChain = (
  file: string,
  text: string,
  vocabulary: Vocabulary = {},
): { rule?: Rule; faults: ChainFault[] } => readParsed(parseChain(file, text), vocabulary);
