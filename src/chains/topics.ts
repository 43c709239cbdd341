// Which steps may care for a record: by its kind or signal, and by a value that a step asks one field to have. What a
// record costs then depends on the steps it could match, not on how many chains there are.
import type { Observation } from '../schema/observation.ts';
import { fieldOf } from './bindings.ts';
import type { Value } from './cel.ts';
import type { Step } from './rule.ts';

interface Placed<T> {
  readonly item: T;
  /** The order in which it was added: the order in which it is told. */
  readonly order: number;
}

interface Topic<T> {
  /** Steps that ask for no single value. */
  readonly open: Placed<T>[];
  readonly byField: Map<string, Map<Value, Placed<T>[]>>;
}

const NONE: readonly never[] = [];

export class Topics<T extends { readonly step: Step }> {
  private readonly topics = new Map<string, Topic<T>>();
  private added = 0;

  add(item: T): void {
    const { step } = item;
    const name = step.signal === undefined ? step.kind : `signal:${step.signal}`;
    const topic: Topic<T> = this.topics.get(name) ?? { open: [], byField: new Map() };
    this.topics.set(name, topic);
    const placed: Placed<T> = { item, order: this.added++ };
    // A truth splits records in two; a text or a number picks a few.
    const asked = [...(step.where?.equals ?? [])].find(([, v]) => typeof v !== 'boolean');
    if (asked === undefined) {
      topic.open.push(placed);
      return;
    }
    const [field, value] = asked;
    const values = topic.byField.get(field) ?? new Map<Value, Placed<T>[]>();
    topic.byField.set(field, values);
    const list = values.get(value);
    if (list === undefined) values.set(value, [placed]);
    else list.push(placed);
  }

  /** Those that may care for `obs`, in the order in which they were added. */
  of(obs: Observation): readonly Placed<T>[] {
    if (obs.kind !== 'signal') return this.in(this.topics.get(obs.kind), obs);
    const named = this.in(this.topics.get(`signal:${(obs.event as { name: string }).name}`), obs);
    const any = this.in(this.topics.get('signal'), obs);
    if (any.length === 0) return named;
    return named.length === 0 ? any : merged([named, any]);
  }

  private in(topic: Topic<T> | undefined, obs: Observation): readonly Placed<T>[] {
    if (topic === undefined) return NONE;
    let found: (readonly Placed<T>[])[] | undefined;
    for (const [field, values] of topic.byField) {
      const list = values.get(fieldOf(obs, field));
      if (list === undefined) continue;
      found ??= topic.open.length === 0 ? [] : [topic.open];
      found.push(list);
    }
    if (found === undefined) return topic.open;
    return found.length === 1 ? (found[0] as readonly Placed<T>[]) : merged(found);
  }
}

const merged = <T>(lists: readonly (readonly Placed<T>[])[]): Placed<T>[] =>
  lists.flat().sort((a, b) => a.order - b.order);
