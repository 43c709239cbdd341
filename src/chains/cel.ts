// `where`: CEL, checked against the schema when the chain loads and compiled to closures.
//
// The library parses; types and evaluation are ours, because an unknown field must be an error with a line and a
// column, memory has a third answer beside true and false (values.ts), and numbers are numbers here. An unset field
// satisfies no comparison but !=.
import { parse } from '@marcbachmann/cel-js';
import type { KindName } from '../schema/gen/events.gen.ts';
import { FIELDS } from '../schema/gen/structures.gen.ts';
import { ENTITY_FIELDS, type EntityClass, type Memory, type Space } from '../schema/observation.ts';
import { didYouMean } from './fault.ts';
import { FUNCTIONS } from './functions.ts';
import { conjuncts, type IndexKey, indexKeys } from './index_keys.ts';
import { isOwn, isTime, leaves } from './leaves.ts';
import { Bound, compareBound, MIRRORED, not, UNKNOWN, type Value } from './values.ts';

export type Type = 'number' | 'text' | 'bool' | 'list of number' | 'list of text';

/** A name that `where` may use: a record, a finished chain with its variables, or a bound variable. */
export type Name =
  | { readonly kind: KindName }
  | { readonly chain: string; readonly variables: ReadonlyMap<string, EntityClass> }
  | { readonly class: EntityClass; readonly many?: boolean };
type ChainName = Extract<Name, { readonly chain: string }>;
export type Scope = ReadonlyMap<string, Name>;

/** What an expression is evaluated in. */
export interface Bindings {
  /** Field `field` of the record named `name`: the step's own under what it consumes, earlier ones under their ids. */
  field(name: string, field: string): Value;
  variable(name: string): Value;
  readonly memory: Memory;
  /** `seen` of the record that is looked at [us]. */
  readonly at: number;
}

export interface Expression {
  readonly evaluate: (b: Bindings) => Value;
  /** Those conjuncts that ask nothing but the step's own record, and their text; undefined: none. */
  readonly own: { readonly text: string; readonly evaluate: (b: Bindings) => Value } | undefined;
  /** The others; undefined: none. */
  readonly rest: ((b: Bindings) => Value) | undefined;
  /** A record that satisfies it has one of these; undefined: that cannot be said. */
  readonly keys: readonly IndexKey[] | undefined;
  /** The syntax of `own`, a conjunct each, for what compiles it otherwise. */
  readonly ownSyntax: readonly Node[];
  /** The conjuncts, with their text, for explaining. */
  readonly terms: readonly Term[];
}

export interface Part {
  readonly text: string;
  readonly evaluate: (b: Bindings) => Value;
  /** Its number is a packet time. */
  readonly isTime: boolean;
}
export interface Term {
  readonly text: string;
  readonly evaluate: (b: Bindings) => Value;
  /** The fields, variables and answers of memory that it compares. */
  readonly parts: readonly Part[];
}

export class CelFault extends Error {
  /** Where in the expression, from 0. */
  readonly offset: number;
  readonly hint: string | undefined;
  constructor(message: string, offset: number, hint?: string) {
    super(message);
    this.offset = offset;
    this.hint = hint;
  }
}

export interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly start: number;
  readonly end: number;
}
/** An expression that was checked. */
export interface Typed {
  readonly type: Type;
  readonly run: (b: Bindings) => Value;
  readonly constant?: string | number | boolean;
  readonly field?: { readonly name: string; readonly field: string };
  readonly class?: EntityClass;
  /** Where memory keeps it. */
  readonly space?: Space;
}

const TEXTS = new Set(['ip', 'uid', 'mac', 'text']);
const SPACE_OF_CLASS: Partial<Readonly<Record<EntityClass, Space>>> = { domain: 'domain', file: 'file', user: 'user' };
const SPACE_OF_FIELD: Readonly<Record<string, Space>> = {
  ja4: 'ja4',
  user_agent: 'user_agent',
  fingerprint: 'cert',
  resp_h: 'addr',
  orig_h: 'addr',
  dst_ip: 'addr',
};

/** Where memory keeps what a field holds; undefined: nowhere. */
export function spaceOf(kind: KindName, field: string): Space | undefined {
  const entity = ENTITY_FIELDS[kind]?.[field];
  return (entity && SPACE_OF_CLASS[entity.class]) ?? SPACE_OF_FIELD[field];
}

function fieldTypes(kind: KindName): ReadonlyMap<string, Type> {
  const types = new Map<string, Type>();
  for (const f of FIELDS[kind]) {
    const base = f.type === 'bool' ? 'bool' : TEXTS.has(f.type) ? 'text' : 'number';
    types.set(f.name, f.list ? (base === 'text' ? 'list of text' : 'list of number') : base);
  }
  for (const name of Object.keys(ENTITY_FIELDS[kind] ?? {})) types.set(name, 'text');
  return types;
}
const TYPES = new Map(Object.keys(FIELDS).map((k) => [k as KindName, fieldTypes(k as KindName)]));

/** What a finished chain has beside its variables. */
export const CHAIN_FIELDS: ReadonlyMap<string, Type> = new Map([
  ['chain', 'text'],
  ['title', 'text'],
  ['ts', 'number'],
  ['seen', 'number'],
  ['first', 'number'],
  ['last', 'number'],
  ['severity', 'text'],
  ['flags', 'list of text'],
]);

export const fieldType = (kind: KindName, field: string): Type | undefined => TYPES.get(kind)?.get(field);
export const fieldNames = (kind: KindName): Iterable<string> => TYPES.get(kind)?.keys() ?? [];

class Compiler {
  private readonly text: string;
  private readonly scope: Scope;
  constructor(text: string, scope: Scope) {
    this.text = text;
    this.scope = scope;
  }

  node(n: Node): Typed {
    switch (n.op) {
      case 'value':
        return this.constant(n);
      case 'id':
        return this.variable(n);
      case '.':
        return this.field(n);
      case 'list':
        return this.list(n);
      case '&&':
      case '||':
        return this.logic(n);
      case '!_':
        return this.negation(n);
      case '-_':
        return this.minus(n);
      case '==':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=':
        return this.comparison(n);
      case '+':
      case '-':
      case '*':
      case '/':
        return this.arithmetic(n);
      case 'in':
        return this.membership(n);
      case '?:':
        return this.choice(n);
      case 'call':
        return this.call(n);
      case 'rcall':
        return this.method(n);
      default:
        throw this.fault(`${n.op} is not part of where`, n);
    }
  }

  fault(message: string, n: Node, hint?: string): CelFault {
    return new CelFault(message, n.start, hint);
  }
  expect(t: Typed, type: Type, n: Node): Typed {
    if (t.type !== type) throw this.fault(`${this.source(n)} is a ${t.type}, not a ${type}`, n);
    return t;
  }
  source(n: Node): string {
    return this.text.slice(n.start, n.end);
  }

  private constant(n: Node): Typed {
    const v = typeof n.args === 'bigint' ? Number(n.args) : n.args;
    if (typeof v === 'string') return { type: 'text', run: () => v, constant: v };
    if (typeof v === 'number') return { type: 'number', run: () => v, constant: v };
    if (typeof v === 'boolean') return { type: 'bool', run: () => v, constant: v };
    throw this.fault(`${this.source(n)} has a type that where does not know`, n);
  }

  private variable(n: Node): Typed {
    const name = n.args as string;
    const known = this.scope.get(name);
    if (known === undefined)
      throw this.fault(`nothing is called ${name} here`, n, didYouMean(name, this.scope.keys()).hint);
    if (!('class' in known)) throw this.fault(`${name} is a whole record`, n, `name one of its fields: ${name}.ts`);
    if (known.many) return { type: 'list of text', run: (b) => b.variable(name) };
    const space = SPACE_OF_CLASS[known.class];
    return {
      type: 'text',
      run: (b) => b.variable(name),
      class: known.class,
      ...(space === undefined ? {} : { space }),
    };
  }

  private field(n: Node): Typed {
    const [base, field] = n.args as [Node, string];
    if (base.op !== 'id') throw this.fault('fields have no fields of their own', n);
    const name = base.args as string;
    const known = this.scope.get(name);
    if (known === undefined)
      throw this.fault(`nothing is called ${name} here`, base, didYouMean(name, this.scope.keys()).hint);
    if ('class' in known) throw this.fault(`${name} is a bound ${known.class}: it has no fields`, n);
    if ('variables' in known) return this.chainField(n, name, field, known);
    const type = fieldType(known.kind, field);
    if (type === undefined) {
      throw this.fault(`${known.kind} has no field ${field}`, n, didYouMean(field, fieldNames(known.kind)).hint);
    }
    const entity = ENTITY_FIELDS[known.kind]?.[field];
    const space = spaceOf(known.kind, field);
    return {
      type,
      run: (b) => b.field(name, field),
      field: { name, field },
      ...(entity === undefined ? {} : { class: entity.class }),
      ...(space === undefined ? {} : { space }),
    };
  }

  private chainField(n: Node, name: string, field: string, { chain, variables }: ChainName): Typed {
    const run = (b: Bindings): Value => b.field(name, field);
    const cls = variables.get(field);
    if (cls !== undefined) {
      const space = SPACE_OF_CLASS[cls];
      return { type: 'text', run, field: { name, field }, class: cls, ...(space === undefined ? {} : { space }) };
    }
    const type = CHAIN_FIELDS.get(field);
    if (type !== undefined) return { type, run, field: { name, field } };
    const known = [...variables.keys(), ...CHAIN_FIELDS.keys()];
    throw this.fault(`${chain} has no variable ${field}`, n, didYouMean(field, known).hint);
  }

  private list(n: Node): Typed {
    const items = (n.args as Node[]).map((a) => this.node(a));
    const type = items[0]?.type ?? 'text';
    if (type !== 'text' && type !== 'number') throw this.fault('a list holds texts or numbers', n);
    items.forEach((item, i) => {
      if (item.constant === undefined || item.type !== type) {
        throw this.fault('a list holds constants of one type', (n.args as Node[])[i] ?? n);
      }
    });
    const values = items.map((item) => item.constant as string | number);
    return { type: type === 'text' ? 'list of text' : 'list of number', run: () => values };
  }

  private logic(n: Node): Typed {
    const [a, b] = (n.args as [Node, Node]).map((x) => this.expect(this.node(x), 'bool', x).run) as [
      Typed['run'],
      Typed['run'],
    ];
    const decisive = n.op === '||';
    const run = (x: Bindings): Value => {
      const left = a(x);
      if (left === decisive) return decisive;
      const right = b(x);
      if (right === decisive) return decisive;
      return left === UNKNOWN || right === UNKNOWN ? UNKNOWN : !decisive;
    };
    return { type: 'bool', run };
  }

  private negation(n: Node): Typed {
    const inner = this.expect(this.node(n.args as Node), 'bool', n.args as Node);
    return { type: 'bool', run: (b) => not(inner.run(b)) };
  }

  private minus(n: Node): Typed {
    const inner = this.expect(this.node(n.args as Node), 'number', n.args as Node);
    const run = (b: Bindings): Value => {
      const v = inner.run(b);
      return typeof v === 'number' ? -v : v;
    };
    return { type: 'number', run, ...(typeof inner.constant === 'number' ? { constant: -inner.constant } : {}) };
  }

  private pair(n: Node): [Typed, Typed] {
    const [l, r] = n.args as [Node, Node];
    const a = this.node(l);
    const b = this.node(r);
    if (a.type !== b.type) {
      throw this.fault(
        `${this.source(l)} is a ${a.type} and ${this.source(r)} a ${b.type}: they cannot be compared`,
        n,
      );
    }
    return [a, b];
  }

  private comparison(n: Node): Typed {
    const [a, b] = this.pair(n);
    if (n.op !== '==' && n.op !== '!=' && a.type !== 'number' && a.type !== 'text') {
      throw this.fault(`a ${a.type} has no order`, n);
    }
    this.checkPrevalence(n);
    const compare: Readonly<Record<string, (x: never, y: never) => boolean>> = {
      '==': (x, y) => x === y,
      '!=': (x, y) => x !== y,
      '<': (x, y) => x < y,
      '<=': (x, y) => x <= y,
      '>': (x, y) => x > y,
      '>=': (x, y) => x >= y,
    };
    const holds = compare[n.op] as (x: unknown, y: unknown) => boolean;
    const run = (x: Bindings): Value => {
      const l = a.run(x);
      const r = b.run(x);
      if (l === UNKNOWN || r === UNKNOWN) return UNKNOWN;
      if (l === null || r === null) return n.op === '!=' && l !== r;
      if (l instanceof Bound) return typeof r === 'number' ? compareBound(n.op, l, r) : UNKNOWN;
      if (r instanceof Bound) return typeof l === 'number' ? compareBound(MIRRORED[n.op] ?? n.op, r, l) : UNKNOWN;
      return holds(l, r);
    };
    return { type: 'bool', run };
  }

  // Memory counts hosts exactly to 16: a larger threshold would compare with a guess.
  private checkPrevalence(n: Node): void {
    const [l, r] = n.args as [Node, Node];
    for (const [call, limit] of [
      [l, r],
      [r, l],
    ] as const) {
      if (call.op === 'call' && (call.args as [string])[0] === 'prevalence' && typeof limit.args === 'bigint') {
        if (limit.args > 16n)
          throw this.fault('prevalence is exact to 16 hosts only', limit, 'use a threshold of at most 16');
      }
    }
  }

  private arithmetic(n: Node): Typed {
    const [l, r] = n.args as [Node, Node];
    const a = this.expect(this.node(l), 'number', l).run;
    const b = this.expect(this.node(r), 'number', r).run;
    const run = (x: Bindings): Value => {
      const p = a(x);
      const q = b(x);
      if (p === UNKNOWN || q === UNKNOWN || p instanceof Bound || q instanceof Bound) return UNKNOWN;
      if (typeof p !== 'number' || typeof q !== 'number') return null;
      const v = n.op === '+' ? p + q : n.op === '-' ? p - q : n.op === '*' ? p * q : p / q;
      return Number.isFinite(v) ? v : null;
    };
    return { type: 'number', run };
  }

  private membership(n: Node): Typed {
    const [l, r] = n.args as [Node, Node];
    const item = this.node(l);
    const list = this.node(r);
    if (list.type !== `list of ${item.type}`) {
      throw this.fault(`${this.source(r)} is a ${list.type}, which holds no ${item.type}`, n);
    }
    const run = (b: Bindings): Value => {
      const v = item.run(b);
      const all = list.run(b);
      return Array.isArray(all) && v !== null && all.includes(v as never);
    };
    return { type: 'bool', run };
  }

  private choice(n: Node): Typed {
    const [c, l, r] = n.args as [Node, Node, Node];
    const condition = this.expect(this.node(c), 'bool', c).run;
    const a = this.node(l);
    const b = this.expect(this.node(r), a.type, r);
    const run = (x: Bindings): Value => {
      const v = condition(x);
      return v === UNKNOWN ? UNKNOWN : v === true ? a.run(x) : b.run(x);
    };
    return { type: a.type, run };
  }

  private method(n: Node): Typed {
    const [name, base, args] = n.args as [string, Node, Node[]];
    const known: Readonly<Record<string, (s: string, t: string) => boolean>> = {
      startsWith: (s, t) => s.startsWith(t),
      endsWith: (s, t) => s.endsWith(t),
      contains: (s, t) => s.includes(t),
    };
    const test = known[name];
    if (test === undefined) throw this.fault(`texts have no ${name}()`, n, didYouMean(name, Object.keys(known)).hint);
    if (args.length !== 1) throw this.fault(`${name} takes one text`, n);
    const s = this.expect(this.node(base), 'text', base).run;
    const t = this.expect(this.node(args[0] as Node), 'text', args[0] as Node).run;
    const run = (b: Bindings): Value => {
      const p = s(b);
      const q = t(b);
      return typeof p === 'string' && typeof q === 'string' && test(p, q);
    };
    return { type: 'bool', run };
  }

  private call(n: Node): Typed {
    const [name, args] = n.args as [string, Node[]];
    const known = FUNCTIONS.get(name);
    if (known === undefined)
      throw this.fault(`there is no function ${name}`, n, didYouMean(name, FUNCTIONS.keys()).hint);
    const [least, most] = known.takes;
    if (args.length < least || args.length > most) {
      const wanted = least === most ? least : `${least} or ${most}`;
      throw this.fault(`${name} takes ${wanted} values, not ${args.length}`, n);
    }
    return known.compile(
      this,
      args,
      args.map((a) => this.node(a)),
    );
  }
}

function partsOf(compiler: Compiler, term: Node): Part[] {
  const parts = new Map<string, Part>();
  for (const leaf of leaves(term)) {
    const text = compiler.source(leaf);
    const typed = compiler.node(leaf);
    // A call that only says true or false says no more than the term does.
    if (leaf.op === 'call' && typed.type === 'bool') continue;
    parts.set(text, { text, evaluate: typed.run, isTime: isTime(leaf) });
  }
  return [...parts.values()];
}

/** @throws CelFault with the offset in `text` */
function syntaxOf(text: string): Node {
  try {
    return parse(text).ast as unknown as Node;
  } catch (error) {
    const at = (error as { node?: { pos?: number } }).node?.pos;
    const message = (error instanceof Error ? error.message : String(error)).split('\n')[0] as string;
    throw new CelFault(`it cannot be read: ${message}`, at ?? 0);
  }
}

/** All of them, by Kleene's rules, stopping at the first that does not hold. */
function all(terms: readonly Typed['run'][]): Typed['run'] | undefined {
  const [only] = terms;
  if (terms.length < 2) return only;
  return (b) => {
    let verdict: Value = true;
    for (const term of terms) {
      const v = term(b);
      if (v === UNKNOWN) verdict = UNKNOWN;
      else if (v !== true) return false;
    }
    return verdict;
  };
}

/**
 * Checks and compiles one `where`.
 * @param own  the name of the step's own record
 * @throws CelFault with the offset in `text`
 */
export function compileWhere(text: string, scope: Scope, own: string): Expression {
  const root = syntaxOf(text);
  const compiler = new Compiler(text, scope);
  const whole = compiler.node(root);
  if (whole.type !== 'bool') throw new CelFault(`where is a ${whole.type}, not a condition`, root.start);
  const parts = conjuncts(root);
  const ownParts = parts.filter((part) => isOwn(part, own));
  const runs = (nodes: readonly Node[]): Typed['run'][] => nodes.map((n) => compiler.node(n).run);
  const ownRun = all(runs(ownParts));
  return {
    evaluate: whole.run,
    own: ownRun && { text: ownParts.map((n) => compiler.source(n)).join(' && '), evaluate: ownRun },
    rest: all(runs(parts.filter((part) => !isOwn(part, own)))),
    keys: indexKeys(root, own),
    ownSyntax: ownParts,
    terms: parts.map((part) => ({
      ...{ text: compiler.source(part), evaluate: compiler.node(part).run, parts: partsOf(compiler, part) },
    })),
  };
}

/**
 * Checks and compiles what is not a condition but a value.
 * @throws CelFault with the offset in `text`
 */
export function compileValue(text: string, scope: Scope): Typed {
  return new Compiler(text, scope).node(syntaxOf(text));
}
