// What a record is to a step: its fields, its variables, and the words that say why it fits.
import type { Matched } from '../schema/finding.ts';
import type { EntityClass, Memory, Observation } from '../schema/observation.ts';
import { type Bindings, Bound as Limit, shown, type Value } from './cel.ts';
import type { Rule, Step } from './rule.ts';

export type Bound = Record<string, { class: EntityClass; value: string }>;

export const keyOf = (rule: Rule, bound: Bound): string =>
  rule.by.map((name) => `${name}=${bound[name]?.value ?? ''}`).join('|');

export function fieldOf(obs: Observation, field: string): Value {
  const host = obs.hosts[field];
  if (host !== undefined) return host.id;
  return ((obs.event as unknown as Record<string, Value | undefined>)[field] ?? null) as Value;
}

/** The step's variables; undefined when one has no value in this record. */
export function bindAll(step: Step, obs: Observation): Bound | undefined {
  const bound: Bound = {};
  for (const { variable, field, class: cls } of step.bind) {
    const value = fieldOf(obs, field);
    if (typeof value !== 'string' || value === '') return undefined;
    bound[variable] = { class: cls, value };
  }
  return bound;
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
      if (name === step.kind) return fieldOf(obs, field);
      const past = earlier.find((m) => m.step === name);
      return (past?.hosts[field] ?? past?.values[field] ?? null) as Value;
    },
    variable: (name) => bound[name]?.value ?? '',
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
