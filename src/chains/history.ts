// What has happened, asked again: by chains that are run over history (lazy.ts). A store answers from its tables, a
// test from a list; both say the same.
import type { KindName } from '../schema/gen/events.gen.ts';
import type { Memory, Observation, Recollection, Space } from '../schema/observation.ts';
import { remember } from '../schema/remember.ts';
import { OwnRecord } from './bindings.ts';
import { PlainMemory } from './cases.ts';
import type { Step } from './rule.ts';
import { Topics } from './topics.ts';

/** Packet times [us], from inclusive, to exclusive. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface Key {
  readonly space: Space;
  readonly key: string;
}

export interface Touch extends Key {
  readonly at: number;
  readonly host: string | undefined;
}

export interface History {
  /** Since when it knows what happened [us]: memory answers from there on. */
  readonly since: number;
  /** How many records satisfy what the step asks of the record alone. */
  count(step: Step, span: Span): Promise<number>;
  /** Records that satisfy what some of the steps ask of the record alone, each once, in the one order. */
  records(steps: readonly Step[], span: Span): Promise<Observation[]>;
  /** What memory was touched with, of these keys, before `to`; in order of time. */
  touches(keys: readonly Key[], to: number): Promise<Touch[]>;
}

/** Writes down what memory is touched with, and remembers nothing. */
export class Touches implements Memory {
  readonly all: Touch[] = [];
  touch(space: Space, key: string, at: number, host?: string): void {
    this.all.push({ space, key, at, host });
  }
  look(): Recollection {
    return { first: undefined, last: undefined, count: 0, days: 0, since: 0 };
  }
  prevalence(): number {
    return 0;
  }
}

/** Touches `memory` with what was until `until`, from the `at`th on; the first that is later. */
export function recall(memory: Memory, touches: readonly Touch[], at: number, until: number): number {
  let t = at;
  for (let touch = touches[t]; touch !== undefined && touch.at <= until; touch = touches[++t])
    memory.touch(touch.space, touch.key, touch.at, touch.host);
  return t;
}

export const nameOf = ({ space, key }: Key): string => `${space}\0${key}`;

/** Over a list of observations, in order of `seen`. */
export class ListHistory implements History {
  readonly since: number;
  private readonly all: readonly Observation[];
  constructor(all: readonly Observation[], since: number) {
    this.all = all;
    this.since = since;
  }
  async count(step: Step, span: Span): Promise<number> {
    return (await this.records([step], span)).length;
  }
  async records(steps: readonly Step[], { from, to }: Span): Promise<Observation[]> {
    const topics = new Topics<{ readonly step: Step }>(new OwnRecord(new PlainMemory(0)));
    for (const step of steps) topics.add({ step });
    return this.all.filter((obs) => obs.seen >= from && obs.seen < to && topics.of(obs).length > 0);
  }
  async touches(keys: readonly Key[], to: number): Promise<Touch[]> {
    const wanted = new Set(keys.map(nameOf));
    const touches = new Touches();
    for (const obs of this.all) if (obs.seen < to) remember(touches, obs);
    return touches.all.filter((t) => wanted.has(nameOf(t)));
  }
}

/** Kinds that memory learns from. */
export const REMEMBERED: readonly KindName[] = ['conn', 'conn_update', 'dns', 'tls', 'http', 'file'];
