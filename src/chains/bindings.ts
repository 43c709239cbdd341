// What a record is to a step: its fields, its variables, and the words that say why it fits.
import type { Matched } from '../schema/finding.ts';
import type { EntityClass, Memory, Observation } from '../schema/observation.ts';
import type { Bindings } from './cel.ts';
import type { Rule, Step } from './rule.ts';
import { Bound as Limit, shown, type Value } from './values.ts';

export interface BoundVariable {
  readonly class: EntityClass;
  readonly value: string;
  /** Of a variable that is a set: all of it; `value` is the first. */
  readonly values?: readonly string[];
}
export type Bound = Record<string, BoundVariable>;

export const keyOf = (rule: Rule, bound: Bound): string =>
  rule.by.map((name) => `${name}=${bound[name]?.value ?? ''}`).join('|');

export function fieldOf(obs: Observation, field: string): Value {
  const host = obs.hosts[field];
  if (host !== undefined) return host.id;
  return ((obs.event as unknown as Record<string, Value | undefined>)[field] ?? null) as Value;
}

/** The step's variables; undefined when one has no value in this record. Sets come of an aggregate. */
export function bindAll(step: Step, obs: Observation): Bound | undefined {
  const bound: Bound = {};
  for (const { variable, field, class: cls, collect } of step.bind) {
    if (collect !== undefined) continue;
    const value = fieldOf(obs, field);
    if (typeof value !== 'string' || value === '') return undefined;
    bound[variable] = { class: cls, value };
  }
  return bound;
}

/** Whether what a record binds agrees with what was bound before: the same value, or one of the set. */
export function joins(known: Readonly<Bound>, bound: Readonly<Bound>): boolean {
  for (const [name, { value }] of Object.entries(bound)) {
    const before = known[name];
    if (before === undefined) continue;
    if (before.values === undefined ? before.value !== value : !before.values.includes(value)) return false;
  }
  return true;
}

/** A set stays a set when a step has joined with it. */
export function merge(known: Readonly<Bound>, bound: Readonly<Bound>): Bound {
  const out: Bound = { ...known };
  for (const [name, b] of Object.entries(bound)) if (out[name]?.values === undefined) out[name] = b;
  return out;
}

/** A record by itself: what can be asked of it before it is known whom it concerns. */
export class OwnRecord implements Bindings {
  private obs: Observation | undefined;
  readonly memory: Memory;
  constructor(memory: Memory) {
    this.memory = memory;
  }
  of(obs: Observation): this {
    this.obs = obs;
    return this;
  }
  get at(): number {
    return (this.obs as Observation).seen;
  }
  field(_name: string, field: string): Value {
    return fieldOf(this.obs as Observation, field);
  }
  variable(): Value {
    return null;
  }
}

export function bindingsOf(
  step: Step,
  obs: Observation,
  bound: Bound,
  earlier: readonly Matched[],
  memory: Memory,
): Bindings {
  return {
    field: (name, field) => {
      if (name === step.own) return fieldOf(obs, field);
      const past = earlier.find((m) => m.step === name);
      return (past?.hosts[field] ?? past?.values[field] ?? null) as Value;
    },
    variable: (name) => bound[name]?.values ?? bound[name]?.value ?? '',
    memory,
    at: obs.seen,
  };
}

/** Each term with the values it compared; one that was not true says what it was. */
export function explainTerms(step: Step, bindings: Bindings): string[] {
  return (step.where?.terms ?? []).map((t) => {
    const verdict = t.evaluate(bindings);
    const values = t.parts.map((p) => `${p.text} is ${shownPart(p.evaluate(bindings), p.isTime)}`);
    const said = values.length === 0 ? t.text : `${t.text}, where ${values.join(', ')}`;
    return verdict === true ? said : `${said}: ${shown(verdict)}`;
  });
}

function shownPart(v: Value, isTime: boolean): string {
  const us = v instanceof Limit ? v.known : v;
  // Beyond that no calendar goes.
  if (!isTime || typeof us !== 'number' || Math.abs(us) > 8.64e18) return shown(v);
  return new Date(Math.floor(us / 1000)).toISOString();
}
