// Which steps may care for a record: by what they consume, by values that they ask a field to have, to begin with, to
// end in or to reach, and by what they ask of the record itself. What a record costs then depends on the steps it
// satisfies, not on how many chains there are: steps that ask the same are asked once.
import type { Observation } from '../schema/observation.ts';
import { fieldOf, type OwnRecord } from './bindings.ts';
import type { Expression } from './cel.ts';
import type { IndexKey } from './index_keys.ts';
import type { Step } from './rule.ts';
import type { Value } from './values.ts';

interface Placed<T> {
  readonly item: T;
  /** The order in which it was added: the order in which it is told. */
  readonly order: number;
}

/** Steps that ask the same of the record itself. */
interface Group<T> {
  /** What it asks, as a text. */
  readonly key: string;
  readonly requires: Step['requires'];
  readonly own: Expression['own'];
  readonly placed: Placed<T>[];
  /** The record it was asked about last: a step under several keys is told once. */
  asked: number;
}

/** Groups by beginnings or ends of a text. */
class Affixes<T> {
  private readonly byText = new Map<string, Group<T>[]>();
  /** The lengths there are: each is one look-up. */
  private readonly lengths: number[] = [];
  private readonly atEnd: boolean;
  constructor(atEnd: boolean) {
    this.atEnd = atEnd;
  }
  list(affix: string): Group<T>[] {
    const known = this.byText.get(affix);
    if (known !== undefined) return known;
    const fresh: Group<T>[] = [];
    this.byText.set(affix, fresh);
    if (!this.lengths.includes(affix.length)) this.lengths.push(affix.length);
    return fresh;
  }
  visit(value: Value, take: (groups: readonly Group<T>[]) => void): void {
    if (typeof value !== 'string') return;
    for (const length of this.lengths) {
      if (length > value.length) continue;
      const groups = this.byText.get(this.atEnd ? value.slice(value.length - length) : value.slice(0, length));
      if (groups !== undefined) take(groups);
    }
  }
}

/** Groups by a number that the field must reach, the nearest to nothing first. */
class Bounds<T> {
  private readonly sorted: { readonly value: number; readonly groups: Group<T>[] }[] = [];
  /** 1: from the number on upwards; -1: downwards. */
  private readonly sign: 1 | -1;
  constructor(sign: 1 | -1) {
    this.sign = sign;
  }
  list(value: number): Group<T>[] {
    const known = this.sorted.find((s) => s.value === value);
    if (known !== undefined) return known.groups;
    const fresh = { value, groups: [] };
    this.sorted.push(fresh);
    this.sorted.sort((a, b) => this.sign * (a.value - b.value));
    return fresh.groups;
  }
  visit(value: Value, take: (groups: readonly Group<T>[]) => void): void {
    if (typeof value !== 'number') return;
    for (const bound of this.sorted) {
      if (this.sign * (bound.value - value) > 0) return;
      take(bound.groups);
    }
  }
}

interface Field<T> {
  readonly name: string;
  readonly is: Map<Value, Group<T>[]>;
  readonly above: Bounds<T>;
  readonly below: Bounds<T>;
  readonly begins: Affixes<T>;
  readonly ends: Affixes<T>;
}

interface Topic<T> {
  /** Steps of which no value is known. */
  readonly open: Group<T>[];
  readonly fields: Field<T>[];
}

const NONE: readonly never[] = [];
const groupKey = (step: Step): string => JSON.stringify([step.requires, step.where?.own?.text]);

export class Topics<T extends { readonly step: Step }> {
  private readonly topics = new Map<string, Topic<T>>();
  private readonly record: OwnRecord;
  private added = 0;
  private asked = 0;
  private found: Placed<T>[] = [];
  private readonly take = (groups: readonly Group<T>[]): void => {
    for (const group of groups) {
      if (group.asked === this.asked) continue;
      group.asked = this.asked;
      if (!this.fits(group)) continue;
      for (const placed of group.placed) this.found.push(placed);
    }
  };

  constructor(record: OwnRecord) {
    this.record = record;
  }

  add(item: T): void {
    const { step } = item;
    const topic: Topic<T> = this.topics.get(step.topic) ?? { open: [], fields: [] };
    this.topics.set(step.topic, topic);
    const placed: Placed<T> = { item, order: this.added++ };
    const key = groupKey(step);
    const keys = step.where?.keys;
    const lists = keys === undefined ? [topic.open] : keys.map((k) => listOf(topic, k));
    // Under all of its keys it is one group, or else another step's one that asks the same and has the same keys.
    const shared = lists.map((list) => list.find((g) => g.key === key));
    const [first] = shared;
    if (first !== undefined && shared.every((g) => g === first)) {
      first.placed.push(placed);
      return;
    }
    const group: Group<T> = { key, requires: step.requires, own: step.where?.own, placed: [placed], asked: 0 };
    for (const list of new Set(lists)) list.push(group);
  }

  has(topic: string): boolean {
    return this.topics.has(topic);
  }

  /** Those that `obs` satisfies as far as it alone can tell, in the order in which they were added. */
  of(obs: Observation): readonly Placed<T>[] {
    this.asked++;
    this.found = [];
    if (obs.kind === 'signal') {
      this.ask(this.topics.get(`signal:${(obs.event as { name: string }).name}`), obs);
      this.ask(this.topics.get('signal'), obs);
    } else if (obs.kind === 'alert') {
      this.ask(this.topics.get(`chain:${(obs.event as { chain: string }).chain}`), obs);
    } else {
      this.ask(this.topics.get(obs.kind), obs);
    }
    const { found } = this;
    if (found.length === 0) return NONE;
    return found.length === 1 ? found : found.sort((a, b) => a.order - b.order);
  }

  private ask(topic: Topic<T> | undefined, obs: Observation): void {
    if (topic === undefined) return;
    this.record.of(obs);
    this.take(topic.open);
    for (const { name, is, begins, ends, above, below } of topic.fields) {
      const value = fieldOf(obs, name);
      const same = is.get(value);
      if (same !== undefined) this.take(same);
      begins.visit(value, this.take);
      ends.visit(value, this.take);
      above.visit(value, this.take);
      below.visit(value, this.take);
    }
  }

  private fits({ requires, own }: Group<T>): boolean {
    for (const [field, value] of requires) if (this.record.field('', field) !== value) return false;
    return own === undefined || own.evaluate(this.record) === true;
  }
}

function listOf<T>(topic: Topic<T>, { field: name, test, value }: IndexKey): Group<T>[] {
  let field = topic.fields.find((f) => f.name === name);
  if (field === undefined) {
    field = {
      ...{ name, is: new Map(), begins: new Affixes(false), ends: new Affixes(true) },
      ...{ above: new Bounds(1), below: new Bounds(-1) },
    };
    topic.fields.push(field);
  }
  if (test === 'above' || test === 'below') return field[test].list(value as number);
  if (test !== 'is') return field[test].list(value as string);
  const known = field.is.get(value);
  if (known !== undefined) return known;
  const fresh: Group<T>[] = [];
  field.is.set(value, fresh);
  return fresh;
}
