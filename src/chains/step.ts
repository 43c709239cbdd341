// A step of a chain, as its author wrote it, to what the engine runs.
import { isMap, isScalar, type Node, type Scalar, type YAMLMap } from 'yaml';
import type { Keep } from '../schema/finding.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import { FIELDS } from '../schema/gen/structures.gen.ts';
import { ENTITY_FIELDS, type EntityClass } from '../schema/observation.ts';
import { CHAIN_FIELDS, compileValue, compileWhere, type Name, type Scope } from './cel.ts';
import { didYouMean } from './fault.ts';
import type { Reader } from './reader.ts';
import type { Agg, Bind, Step } from './rule.ts';

const KEEP_PACKETS_MAX = 10_000;
const KEEP_ENDS = /^(?:first\((\d{1,6})\)(?:, *last\((\d{1,6})\))?|last\((\d{1,6})\))$/;
/** Values of a set; a step that joins with it looks through them. */
export const COLLECT_MAX = 64;
const COLLECT = /^collect\(([^,()]+)(?:, *(\d{1,6}))?\)$/;
/** What `distinct` counts is counted exactly, so it is kept. */
export const DISTINCT_MAX = 256;

export const CONSUMES = ['event', 'signal', 'model', 'intel', 'chain'] as const;
export type Consumes = (typeof CONSUMES)[number];
export const STEP_KEYS: readonly string[] = [
  ...['id', ...CONSUMES, 'where', 'bind', 'agg', 'after', 'within'],
  ...['absent', 'for', 'require_coverage', 'keep', 'optional'],
];
export const AGG_KEYS = ['count', 'distinct', 'sum', 'avg', 'rate', 'per', 'gte', 'min_n'];
const AGGS = ['count', 'distinct', 'sum', 'avg', 'rate'] as const;
/** Forms of an indicator that `intel` can ask for (schema, sighting.indicator_type). */
export const INDICATORS = [
  ...['any', 'addr', 'subnet', 'domain', 'url', 'file_hash', 'ja3', 'ja4', 'cert_hash', 'email', 'user_agent'],
];

/** What was bound so far: what later steps must agree with, and may use. */
export interface Variable {
  readonly class: EntityClass;
  /** A set of values. */
  readonly many: boolean;
}
export type Variables = Map<string, Variable>;

type Source = Pick<Step, 'kind' | 'own' | 'topic' | 'requires'> & {
  /** What may be bound of it. */
  readonly entities: Readonly<Record<string, { readonly class: EntityClass }>>;
  readonly name: Name;
};

/** What the step consumes: exactly one of event, signal, model, intel and chain. */
function sourceOf(r: Reader, map: YAMLMap): Source | undefined {
  const [word, ...others] = CONSUMES.filter((c) => r.get(map, c) !== undefined);
  if (word === undefined || others.length > 0)
    return r.fault(
      map,
      'a step consumes one thing',
      'event: file, signal: beacon, model: dga, intel: domain or chain: NAME',
    );
  const value = r.string(map, word);
  if (value === undefined) return undefined;
  const at = r.get(map, word);
  const of = (kind: KindName, topic: string, requires: Source['requires'] = []): Source => ({
    ...{ kind, own: word === 'event' ? kind : word, topic, requires },
    ...{ entities: ENTITY_FIELDS[kind] ?? {}, name: { kind } },
  });
  switch (word) {
    case 'event':
      if (value === 'alert') return r.fault(at, 'an alert is no event', 'chain: NAME takes what a chain has finished');
      if (!(value in FIELDS))
        return r.fault(at, `there is no event ${value}`, didYouMean(value, Object.keys(FIELDS)).hint);
      return of(value as KindName, value);
    case 'signal': {
      const { signals } = r.vocabulary;
      if (signals && !signals.has(value))
        return r.fault(at, `there is no signal ${value}`, didYouMean(value, signals).hint);
      return of('signal', `signal:${value}`);
    }
    case 'model':
      return of('signal', `signal:${value}`, [['source', 'model']]);
    case 'intel':
      if (!INDICATORS.includes(value))
        return r.fault(at, `there is no indicator ${value}`, didYouMean(value, INDICATORS).hint);
      return of('sighting', 'sighting', value === 'any' ? [] : [['indicator_type', value]]);
    case 'chain': {
      const head = r.vocabulary.chains?.get(value);
      if (head === undefined)
        return r.fault(at, `there is no chain ${value}`, didYouMean(value, r.vocabulary.chains?.keys() ?? []).hint);
      return {
        ...{ kind: 'alert', own: 'chain', topic: `chain:${value}`, requires: [] },
        entities: Object.fromEntries([...head.exports].map(([name, cls]) => [name, { class: cls }])),
        name: { chain: value, variables: head.exports },
      };
    }
  }
}

function binds(r: Reader, map: YAMLMap, source: Source, known: Variables, hasAgg: boolean): Bind[] {
  const node = r.get(map, 'bind');
  if (node === undefined) return [];
  const { own, entities } = source;
  if (!isMap(node)) {
    r.fault(node, 'bind is a map of variables to fields', 'bind: { victim: file.rx_host }');
    return [];
  }
  const out: Bind[] = [];
  for (const { key, value } of node.items) {
    const variable = String((key as Scalar).value);
    const text = isScalar(value) ? String(value.value) : '';
    const set = COLLECT.exec(text);
    const from = set?.[1]?.trim() ?? text;
    const [name, field] = from.split('.');
    const entity = name === own && field !== undefined && Object.hasOwn(entities, field) ? entities[field] : undefined;
    if (entity === undefined || field === undefined) {
      const names = Object.keys(entities).map((f) => `${own}.${f}`);
      const hint = didYouMean(from, names).hint ?? `one of ${names.join(', ')}`;
      r.fault(value as Node, `${from} is no host, user, domain or file of ${own}`, hint);
      continue;
    }
    const collect = set === null ? undefined : Number(set[2]);
    if (collect !== undefined && !(collect >= 1 && collect <= COLLECT_MAX)) {
      r.fault(value as Node, 'a set has a most of values', `collect(${from}, 16), up to ${COLLECT_MAX}`);
      continue;
    }
    if (collect !== undefined && !hasAgg) {
      r.fault(
        value as Node,
        'only what an aggregate counts can be collected',
        'give the step an agg, or bind one value',
      );
      continue;
    }
    if (CHAIN_FIELDS.has(variable)) {
      r.fault(key as Node, `${variable} is what every finished chain has`, 'give the variable another name');
      continue;
    }
    const before = known.get(variable);
    if (before !== undefined && before.class !== entity.class) {
      r.fault(value as Node, `${variable} is a ${before.class} in an earlier step and a ${entity.class} here`);
      continue;
    }
    if (before !== undefined && collect !== undefined) {
      r.fault(value as Node, `${variable} is bound already: a set has a name of its own`);
      continue;
    }
    if (before === undefined) known.set(variable, { class: entity.class, many: collect !== undefined });
    out.push({ variable, field, class: entity.class, collect });
  }
  return out;
}

/** `agg: { distinct: dns.query, per: 1h, gte: 40 }`: an expression on the step's own record, or true for records. */
function aggregate(r: Reader, map: YAMLMap, source: Source, absent: boolean): Agg | undefined {
  const node = r.get(map, 'agg');
  if (node === undefined) return undefined;
  if (!isMap(node)) return r.fault(node, 'agg is a map', 'agg: { count: true, per: 10m, gte: 50 }');
  if (absent) return r.fault(node, 'what must not come is not counted', 'leave agg out');
  r.keys(node, AGG_KEYS, 'agg');
  const [of, ...others] = AGGS.filter((a) => r.get(node, a) !== undefined);
  if (of === undefined || others.length > 0) return r.fault(node, `agg has one of ${AGGS.join(', ')}`);
  const at = r.get(node, of) as Scalar;
  const records = at.value === true;
  if (records && of !== 'count' && of !== 'rate')
    return r.fault(at, `${of} is of something`, `${of}: ${source.own}.FIELD`);
  if (of === 'count' && !records) return r.fault(at, 'count is of records', 'count: true, or distinct: FIELD');
  const scope: Scope = new Map([[source.own, source.name]]);
  const typed = records ? undefined : r.expression(node, of, (text) => compileValue(text, scope));
  const wanted = of === 'distinct' ? ['text', 'number'] : ['number'];
  if (typed !== undefined && !wanted.includes(typed.type))
    r.fault(at, `${of} is of a ${wanted.join(' or a ')}, and ${String(at.value)} is a ${typed.type}`);
  const per = r.time(node, 'per');
  const gte = r.number(node, 'gte');
  const minN = r.number(node, 'min_n') ?? 1;
  if (r.get(node, 'per') === undefined) r.fault(node, 'agg has a period', 'per: 1h');
  if (r.get(node, 'gte') === undefined) r.fault(node, 'agg says from how much on the step is met', 'gte: 50');
  if (of === 'distinct' && gte !== undefined && !(gte >= 1 && gte <= DISTINCT_MAX))
    r.fault(r.get(node, 'gte'), `distinct is exact to ${DISTINCT_MAX}`, `gte: ${DISTINCT_MAX} at most`);
  if (!(Number.isInteger(minN) && minN >= 1)) r.fault(r.get(node, 'min_n'), 'min_n is a whole number above 0');
  if (per === undefined || gte === undefined) return undefined;
  return { of, value: typed?.run, text: records ? 'records' : String(at.value), per, gte, minN };
}

/** `keep: { file: content, packets: flow, lease: 90d }`, or packets: "first(20),last(5)". */
function keepOf(r: Reader, step: YAMLMap, source: Source, absent: boolean): Keep | undefined {
  const node = r.get(step, 'keep');
  if (node === undefined) return undefined;
  if (absent) return r.fault(node, 'an absent step has nothing to keep', 'leave keep out');
  if (source.own === 'chain') return r.fault(node, 'what its steps keep is kept with it', 'leave keep out');
  if (!isMap(node)) return r.fault(node, 'keep is a map', 'keep: { packets: flow }');
  r.keys(node, ['file', 'packets', 'lease'], 'keep');
  const file = r.string(node, 'file');
  if (file !== undefined && file !== 'content') r.fault(r.get(node, 'file'), `file is ${file}`, 'content');
  if (file !== undefined && source.entities.sha256 === undefined)
    r.fault(r.get(node, 'file'), `${source.own} names no file`, 'leave file out');
  const text = r.string(node, 'packets');
  const ends = text === undefined ? null : KEEP_ENDS.exec(text);
  const first = Number(ends?.[1] ?? 0);
  const last = Number(ends?.[2] ?? ends?.[3] ?? 0);
  if (text !== undefined && text !== 'flow' && (ends === null || first + last < 1 || first + last > KEEP_PACKETS_MAX))
    r.fault(
      r.get(node, 'packets'),
      `packets is ${text}`,
      `flow, or first(20), last(5), or both: up to ${KEEP_PACKETS_MAX} packets`,
    );
  const packets = text === undefined || text === 'flow' ? text : { first, last };
  return { file: file === 'content', packets: packets as Keep['packets'], lease: r.time(node, 'lease') };
}

/** @param earlier  records of steps before, by the steps' ids */
export function readStep(
  r: Reader,
  node: Node,
  variables: Variables,
  earlier: ReadonlyMap<string, Name>,
  isUntil: boolean,
): { step: Step; name: Name } | undefined {
  if (!isMap(node)) return r.fault(node, 'a step is a map');
  r.keys(node, STEP_KEYS, 'a step');
  const source = sourceOf(r, node);
  if (source === undefined) return undefined;
  const { kind, own, topic, requires, name } = source;
  const absent = r.truth(node, 'absent');
  if (isUntil && r.get(node, 'agg') !== undefined) r.fault(r.get(node, 'agg'), 'until is one record', 'leave agg out');
  const agg = aggregate(r, node, source, absent);
  const bind = binds(r, node, source, variables, agg !== undefined);
  const scope = new Map<string, Name>([[own, name]]);
  for (const [v, { class: cls, many }] of variables) scope.set(v, { class: cls, many });
  for (const [id, n] of earlier) scope.set(id, n);
  const coverage = r.get(node, 'require_coverage') as Scalar | undefined;
  const requireCoverage = coverage === undefined ? 0.99 : Number(coverage.value);
  if (!(requireCoverage >= 0 && requireCoverage <= 1)) r.fault(coverage, 'require_coverage is between 0 and 1');
  const after = r.time(node, 'after') ?? 0;
  const within = r.time(node, 'within') ?? Number.POSITIVE_INFINITY;
  if (after > within) r.fault(r.get(node, 'after'), 'after is longer than within: nothing can match');
  const id = r.string(node, 'id') ?? (isUntil ? 'until' : '');
  if (id === '') r.fault(node, 'a step has an id', 'id: drop');
  const lasting = r.time(node, 'for');
  if (lasting !== undefined && !absent) r.fault(r.get(node, 'for'), 'for belongs to an absent step');
  const step: Step = {
    ...{ id, kind, own, topic, requires, bind, agg, after, within, absent, lasting, requireCoverage },
    ...{ place: r.place(node), keep: keepOf(r, node, source, absent) },
    where: r.expression(node, 'where', (text) => compileWhere(text, scope, own)),
  };
  return { step, name };
}
