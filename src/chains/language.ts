// chain.yaml to a Rule, or to faults that say file, line, column and what to do.
//
// Nothing is guessed: an unknown key, field, signal or unit is a fault, and a chain with a fault is left out while
// the others load. The words are those of the design: steps, by, bind, window, within, after, start, until, absent.
import { createHash } from 'node:crypto';
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type Scalar, type YAMLMap } from 'yaml';
import type { Keep } from '../schema/finding.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import { FIELDS } from '../schema/gen/structures.gen.ts';
import { ENTITY_FIELDS, type EntityClass } from '../schema/observation.ts';
import { CelFault, compileWhere, type Expression, type Name } from './cel.ts';
import { DAY, duration } from './duration.ts';
import { type ChainFault, didYouMean, type Place } from './fault.ts';
import type { Bind, Group, Rule, Severity, Step } from './rule.ts';

const WINDOW_MAX = 400 * DAY;
const STEPS_MAX = 16;
/** A bit of a partial each. */
const MEMBERS_MAX = 16;
const EACH_MAX = 64;
const PARTIALS_MAX = 100_000;
const KEEP_PACKETS_MAX = 10_000;
const KEEP_ENDS = /^(?:first\((\d{1,6})\)(?:, *last\((\d{1,6})\))?|last\((\d{1,6})\))$/;
const CHAIN_KEYS = [
  'chain',
  'version',
  'title',
  'attack',
  'severity',
  'scope',
  'by',
  'window',
  'start',
  'on_full',
  'on_young',
  'limits',
  'suppress',
  'steps',
  'until',
  'notes',
];
const STEP_KEYS = [
  'id',
  'event',
  'signal',
  'where',
  'bind',
  'after',
  'within',
  'absent',
  'for',
  'require_coverage',
  'keep',
  'optional',
];
const GROUP_KEYS = ['any_order', 'one_of', 'after', 'within', 'optional'];
const LATER = ['agg', 'emit', 'retro'];
const SEVERITIES: readonly Severity[] = ['info', 'low', 'medium', 'high', 'critical'];

export interface Vocabulary {
  /** Names of the signals that exist; undefined: any name will do. */
  readonly signals?: ReadonlySet<string>;
}

class Reader {
  readonly faults: ChainFault[] = [];
  private readonly file: string;
  private readonly lines: LineCounter;
  private readonly text: string;
  private readonly vocabulary: Vocabulary;
  constructor(file: string, text: string, lines: LineCounter, vocabulary: Vocabulary) {
    this.file = file;
    this.text = text;
    this.lines = lines;
    this.vocabulary = vocabulary;
  }

  place(node: Node | null | undefined): Place {
    const { line, col } = this.lines.linePos(node?.range?.[0] ?? 0);
    return { file: this.file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }
  fault(node: Node | null | undefined, message: string, hint?: string): undefined {
    this.faults.push({ ...this.place(node), message, ...(hint === undefined ? {} : { hint }) });
    return undefined;
  }

  get(map: YAMLMap, key: string): Node | undefined {
    return (map.get(key, true) as Node | undefined) ?? undefined;
  }
  keys(map: YAMLMap, known: readonly string[], what: string): void {
    for (const { key } of map.items) {
      const name = String((key as Scalar).value);
      if (known.includes(name)) continue;
      if (LATER.includes(name)) this.fault(key as Node, `${name} is not supported yet`, 'leave it out');
      else this.fault(key as Node, `${what} has no ${name}`, didYouMean(name, known).hint);
    }
  }
  string(map: YAMLMap, key: string): string | undefined {
    const node = this.get(map, key);
    if (node === undefined) return undefined;
    if (isScalar(node) && typeof node.value === 'string') return node.value;
    return this.fault(node, `${key} is a text`);
  }
  time(map: YAMLMap, key: string): number | undefined {
    const text = this.string(map, key);
    if (text === undefined) return undefined;
    const us = duration(text);
    return (
      us ??
      this.fault(this.get(map, key), `${key}: ${text} is no length of time`, 'a number and s, m, h, d or w: 30m, 7d')
    );
  }
  strings(map: YAMLMap, key: string): string[] {
    const node = this.get(map, key);
    if (node === undefined) return [];
    if (isSeq(node)) {
      const values = node.items.map((i) => (isScalar(i) && typeof i.value === 'string' ? i.value : undefined));
      if (values.every((v) => v !== undefined)) return values as string[];
    }
    this.fault(node, `${key} is a list of texts`);
    return [];
  }
  choice<T extends string>(map: YAMLMap, key: string, known: readonly T[], otherwise: T): T {
    const text = this.string(map, key);
    if (text === undefined || known.includes(text as T)) return (text as T) ?? otherwise;
    this.fault(this.get(map, key), `${key} is ${text}`, `one of ${known.join(', ')}`);
    return otherwise;
  }

  /** A `where`, with faults placed inside its scalar. */
  where(map: YAMLMap, scope: ReadonlyMap<string, Name>, own: string): Expression | undefined {
    const text = this.string(map, 'where');
    if (text === undefined) return undefined;
    try {
      return compileWhere(text, scope, own);
    } catch (error) {
      if (!(error instanceof CelFault)) throw error;
      const node = this.get(map, 'where') as Scalar;
      const base = node.range?.[0] ?? 0;
      // A plain scalar starts where its text does; a quoted or folded one a little later: find the offset's
      // neighbourhood.
      const near = text.slice(error.offset, error.offset + 12).split('\n')[0] ?? '';
      const found = this.text.indexOf(near, base);
      const { line, col } = this.lines.linePos(found < 0 ? base : found);
      this.faults.push({
        ...{ file: this.file, line, column: col, message: error.message },
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
      return undefined;
    }
  }

  binds(map: YAMLMap, kind: KindName, known: Map<string, EntityClass>): Bind[] {
    const node = this.get(map, 'bind');
    if (node === undefined) return [];
    if (!isMap(node)) {
      this.fault(node, 'bind is a map of variables to fields', 'bind: { victim: file.rx_host }');
      return [];
    }
    const fields = ENTITY_FIELDS[kind] ?? {};
    const out: Bind[] = [];
    for (const { key, value } of node.items) {
      const variable = String((key as Scalar).value);
      const from = isScalar(value) ? String(value.value) : '';
      const [own, field] = from.split('.');
      const entity = own === kind && field !== undefined ? fields[field] : undefined;
      if (entity === undefined || field === undefined) {
        const names = Object.keys(fields).map((f) => `${kind}.${f}`);
        this.fault(
          value as Node,
          `${from} is no host, user, domain or file of ${kind}`,
          didYouMean(from, names).hint ?? `one of ${names.join(', ')}`,
        );
        continue;
      }
      const before = known.get(variable);
      if (before !== undefined && before !== entity.class) {
        this.fault(value as Node, `${variable} is a ${before} in an earlier step and a ${entity.class} here`);
        continue;
      }
      known.set(variable, entity.class);
      out.push({ variable, field, class: entity.class });
    }
    return out;
  }

  /** `keep: { file: content, packets: flow, lease: 90d }`, or packets: "first(20),last(5)". */
  keep(step: YAMLMap, kind: KindName, absent: boolean): Keep | undefined {
    const node = this.get(step, 'keep');
    if (node === undefined) return undefined;
    if (absent) return this.fault(node, 'an absent step has nothing to keep', 'leave keep out');
    if (!isMap(node)) return this.fault(node, 'keep is a map', 'keep: { packets: flow }');
    this.keys(node, ['file', 'packets', 'lease'], 'keep');
    const file = this.string(node, 'file');
    if (file !== undefined && file !== 'content') this.fault(this.get(node, 'file'), `file is ${file}`, 'content');
    if (file !== undefined && ENTITY_FIELDS[kind]?.sha256 === undefined)
      this.fault(this.get(node, 'file'), `${kind} names no file`, 'leave file out');
    const text = this.string(node, 'packets');
    const ends = text === undefined ? null : KEEP_ENDS.exec(text);
    const first = Number(ends?.[1] ?? 0);
    const last = Number(ends?.[2] ?? ends?.[3] ?? 0);
    if (text !== undefined && text !== 'flow' && (ends === null || first + last < 1 || first + last > KEEP_PACKETS_MAX))
      this.fault(
        this.get(node, 'packets'),
        `packets is ${text}`,
        `flow, or first(20), last(5), or both: up to ${KEEP_PACKETS_MAX} packets`,
      );
    const packets = text === undefined || text === 'flow' ? text : { first, last };
    return { file: file === 'content', packets: packets as Keep['packets'], lease: this.time(node, 'lease') };
  }

  step(
    node: Node,
    variables: Map<string, EntityClass>,
    earlier: ReadonlyMap<string, KindName>,
    isUntil: boolean,
  ): Step | undefined {
    if (!isMap(node)) return this.fault(node, 'a step is a map');
    this.keys(node, STEP_KEYS, 'a step');
    const event = this.string(node, 'event');
    const signal = this.string(node, 'signal');
    if ((event === undefined) === (signal === undefined))
      return this.fault(node, 'a step consumes one event or one signal', 'event: file, or signal: beacon');
    if (event !== undefined && !(event in FIELDS))
      return this.fault(
        this.get(node, 'event'),
        `there is no event ${event}`,
        didYouMean(event, Object.keys(FIELDS)).hint,
      );
    if (signal !== undefined && this.vocabulary.signals && !this.vocabulary.signals.has(signal)) {
      return this.fault(
        this.get(node, 'signal'),
        `there is no signal ${signal}`,
        didYouMean(signal, this.vocabulary.signals).hint,
      );
    }
    const kind = (event ?? 'signal') as KindName;
    const bind = this.binds(node, kind, variables);
    const scope = new Map<string, Name>([[kind, { kind }]]);
    for (const [name, cls] of variables) scope.set(name, { class: cls });
    for (const [id, k] of earlier) scope.set(id, { kind: k });
    const absentNode = this.get(node, 'absent');
    const absent = absentNode !== undefined && (absentNode as Scalar).value === true;
    if (absentNode !== undefined && typeof (absentNode as Scalar).value !== 'boolean')
      this.fault(absentNode, 'absent is true or false');
    const coverage = this.get(node, 'require_coverage') as Scalar | undefined;
    const requireCoverage = coverage === undefined ? 0.99 : Number(coverage.value);
    if (!(requireCoverage >= 0 && requireCoverage <= 1)) this.fault(coverage, 'require_coverage is between 0 and 1');
    const after = this.time(node, 'after') ?? 0;
    const within = this.time(node, 'within') ?? Number.POSITIVE_INFINITY;
    if (after > within) this.fault(this.get(node, 'after'), 'after is longer than within: nothing can match');
    const id = this.string(node, 'id') ?? (isUntil ? 'until' : '');
    if (id === '') this.fault(node, 'a step has an id', 'id: drop');
    const lasting = this.time(node, 'for');
    if (lasting !== undefined && !absent) this.fault(this.get(node, 'for'), 'for belongs to an absent step');
    return {
      ...{ id, kind, signal, bind, after, within, absent, lasting, requireCoverage, place: this.place(node) },
      keep: this.keep(node, kind, absent),
      where: this.where(node, scope, kind),
    };
  }

  rule(root: YAMLMap, hash: string): Rule | undefined {
    this.keys(root, CHAIN_KEYS, 'a chain');
    const id = this.string(root, 'chain');
    if (id === undefined || !/^[a-z0-9][a-z0-9-]{0,63}$/.test(id))
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
    for (const technique of this.strings(root, 'attack')) {
      if (!/^T\d{4}(\.\d{3})?$/.test(technique))
        this.fault(this.get(root, 'attack'), `${technique} is no ATT&CK technique`, 'T1071 or T1071.001');
    }
    const limits = this.get(root, 'limits');
    const limit = isMap(limits) ? Number(limits.get('partials') ?? PARTIALS_MAX) : PARTIALS_MAX;
    if (!(Number.isInteger(limit) && limit > 0)) this.fault(limits, 'limits.partials is a whole number above 0');
    const suppress = this.time(root, 'suppress') ?? 0;
    const version = Number(root.get('version') ?? 1);
    if (this.faults.length > 0 || id === undefined || window === undefined || steps === undefined) return undefined;
    return {
      ...{ id, version, hash, title: this.string(root, 'title') ?? id, attack: this.strings(root, 'attack') },
      severity: this.choice(root, 'severity', SEVERITIES, 'medium'),
      scope: this.choice(root, 'scope', ['sensor', 'fleet'], 'fleet'),
      ...{ by, window, each: n, partialsMax: limit, suppress, ...steps, file: this.file },
      start: each !== null ? 'each' : (startText as 'first' | 'last'),
      onFull: this.choice(root, 'on_full', ['reject-new', 'evict-oldest'], 'reject-new'),
      onYoung: this.choice(root, 'on_young', ['flag', 'wait', 'match'], 'flag'),
    };
  }

  private steps(
    root: YAMLMap,
    by: readonly string[],
  ): { steps: Step[]; groups: Group[]; trailing: Step | undefined; until: Step[] } | undefined {
    const list = this.get(root, 'steps');
    if (!isSeq(list) || list.items.length === 0 || list.items.length > STEPS_MAX)
      return this.fault(list ?? root, `a chain has 1 to ${STEPS_MAX} steps`);
    const variables = new Map<string, EntityClass>();
    const earlier = new Map<string, KindName>();
    const steps: Step[] = [];
    const groups: Group[] = [];
    let absent: Step[] = [];
    const one = (item: Node): Step | undefined => {
      const step = this.step(item, variables, earlier, false);
      if (step === undefined) return undefined;
      if (earlier.has(step.id)) this.fault(item, `two steps are called ${step.id}`);
      if (!step.absent) earlier.set(step.id, step.kind);
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
      groups.push({ steps: [step], need: 'all', optional: this.optional(item as YAMLMap), after, within, absent });
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
      const step = this.step(item, new Map(variables), new Map(), true);
      if (step === undefined) continue;
      this.boundBy(step, by, item);
      until.push(step);
    }
    return { steps, groups, trailing: absent[0], until };
  }

  private optional(map: YAMLMap): boolean {
    const node = this.get(map, 'optional');
    if (node !== undefined && typeof (node as Scalar).value !== 'boolean')
      this.fault(node, 'optional is true or false');
    return (node as Scalar | undefined)?.value === true;
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
    const optional = this.optional(node);
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
      if (step.bind.some((b) => b.variable === variable)) continue;
      this.fault(
        node,
        `step ${step.id} does not bind ${variable}, which the chain joins by`,
        `bind: { ${variable}: ${step.kind}.FIELD }`,
      );
    }
  }
}

/** Reads one chain. Either a rule or at least one fault. */
export function readChain(
  file: string,
  text: string,
  vocabulary: Vocabulary = {},
): { rule?: Rule; faults: ChainFault[] } {
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines, strict: true, uniqueKeys: true });
  const reader = new Reader(file, text, lines, vocabulary);
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
