// What a step asks of a record alone, as a condition of the store's SQL: the same CEL, so that history is asked for the
// records that a chain could match and for few others.
//
// A condition may let more through than the step does, never less: who fetches asks the step again. So what SQL would
// answer differently (the order of texts, hosts that are resolved later) is left out where that lets more through,
// and all around it where it would not. An unset field is NULL, and satisfies no comparison but != there as here.
import { FIELDS, type FieldMeta } from '../schema/gen/structures.gen.ts';
import { ENTITY_FIELDS } from '../schema/observation.ts';
import type { Node } from './cel.ts';
import { EXECUTABLE_TYPES } from './functions.ts';
import type { Step } from './rule.ts';

export interface Condition {
  /** ClickHouse, with `{name: Type}` where values go. */
  readonly text: string;
  readonly parameters: Readonly<Record<string, string | number | readonly string[]>>;
  /** It lets through what the step does, and nothing else. */
  readonly isExact: boolean;
}

const TEXTS = new Set(['text', 'mac']);
const NUMBERS = new Set(['u8', 'u16', 'u32', 'u64', 'i64', 'f64', 'duration']);
const quoted = (name: string): string => `\`${name.replace(/[\\`]/g, '\\$&')}\``;

interface Operand {
  readonly sql: string;
  readonly type: 'text' | 'number' | 'bool';
}

/** Of one step, or of several that are joined by OR: parameters have names of their own. */
class SqlWriter {
  readonly parameters: Record<string, string | number | readonly string[]> = {};
  private readonly own: string;
  private readonly fields: ReadonlyMap<string, FieldMeta>;
  private readonly prefix: string;
  private count = 0;

  constructor(step: Step, prefix: string) {
    this.own = step.own;
    this.prefix = prefix;
    this.fields = new Map(FIELDS[step.kind].map((f) => [f.name, f]));
    // Made from an address when the record is looked at: no column.
    for (const [name, e] of Object.entries(ENTITY_FIELDS[step.kind] ?? {}))
      if (e.class === 'host' && this.fields.get(name)?.type === 'ip')
        (this.fields as Map<string, unknown>).delete(name);
  }

  bind(type: string, value: string | number | readonly string[]): string {
    const name = `${this.prefix}${this.count++}`;
    this.parameters[name] = value;
    return `{${name}: ${type}}`;
  }

  /** A condition with the same truth; undefined: SQL cannot say it. */
  exact(n: Node): string | undefined {
    switch (n.op) {
      case '&&':
      case '||': {
        const sides = (n.args as Node[]).map((a) => this.exact(a));
        if (sides.some((s) => s === undefined)) return undefined;
        return `(${sides.join(n.op === '&&' ? ' AND ' : ' OR ')})`;
      }
      case '!_': {
        const inner = this.exact(n.args as Node);
        return inner === undefined ? undefined : `NOT ${inner}`;
      }
      case '==':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=':
        return this.comparison(n);
      case 'in':
        return this.membership(n);
      case 'rcall':
        return this.method(n);
      case 'call': {
        const [name, args] = n.args as [string, Node[]];
        const of = name === 'is_executable' ? this.operand(args[0] as Node) : undefined;
        return of && `ifNull(${of.sql} IN ${this.bind('Array(String)', [...EXECUTABLE_TYPES])}, 0)`;
      }
      default: {
        const of = this.operand(n);
        return of?.type === 'bool' ? `ifNull(${of.sql}, 0)` : undefined;
      }
    }
  }

  /** A condition that is true wherever `n` is; undefined: none is known. */
  wide(n: Node): string | undefined {
    const same = this.exact(n);
    if (same !== undefined) return same;
    if (n.op !== '&&' && n.op !== '||') return undefined;
    const sides = (n.args as Node[]).map((a) => this.wide(a));
    const known = sides.filter((s) => s !== undefined);
    if (n.op === '||') return known.length === sides.length ? `(${known.join(' OR ')})` : undefined;
    return known.length === 0 ? undefined : `(${known.join(' AND ')})`;
  }

  private comparison(n: Node): string | undefined {
    const [l, r] = n.args as [Node, Node];
    const a = this.operand(l);
    const b = this.operand(r);
    if (a === undefined || b === undefined || a.type !== b.type) return undefined;
    if (n.op === '!=') return `ifNull(${a.sql} != ${b.sql}, isNull(${a.sql}) != isNull(${b.sql}))`;
    // Texts are ordered by code units here and by bytes there.
    if (n.op !== '==' && a.type !== 'number') return undefined;
    return `ifNull(${a.sql} ${n.op === '==' ? '=' : n.op} ${b.sql}, 0)`;
  }

  private membership(n: Node): string | undefined {
    const [l, r] = n.args as [Node, Node];
    const item = this.operand(l);
    if (item === undefined || item.type === 'bool' || r.op !== 'list') return undefined;
    const items = (r.args as Node[]).map((a) => this.operand(a)?.sql);
    if (items.length === 0 || items.some((i) => i === undefined)) return undefined;
    return `ifNull(${item.sql} IN (${items.join(', ')}), 0)`;
  }

  private method(n: Node): string | undefined {
    const [name, base, args] = n.args as [string, Node, Node[]];
    const s = this.operand(base);
    const t = this.operand(args[0] as Node);
    if (s?.type !== 'text' || t?.type !== 'text') return undefined;
    if (name === 'contains') return `ifNull(position(${s.sql}, ${t.sql}) > 0, 0)`;
    return `ifNull(${name}(${s.sql}, ${t.sql}), 0)`;
  }

  private operand(n: Node): Operand | undefined {
    if (n.op === 'value') {
      const v = typeof n.args === 'bigint' ? Number(n.args) : n.args;
      if (typeof v === 'string') return { sql: this.bind('String', v), type: 'text' };
      if (typeof v === 'number') return { sql: this.bind('Float64', v), type: 'number' };
      return typeof v === 'boolean' ? { sql: v ? 'true' : 'false', type: 'bool' } : undefined;
    }
    if (n.op === '-_') {
      const of = this.operand(n.args as Node);
      return of?.type === 'number' ? { sql: `(-${of.sql})`, type: 'number' } : undefined;
    }
    if (n.op !== '.') return undefined;
    const [base, name] = n.args as [Node, string];
    const f = base.op === 'id' && base.args === this.own ? this.fields.get(name) : undefined;
    return f === undefined ? undefined : this.column(f);
  }

  private column(f: FieldMeta): Operand | undefined {
    if (f.list) return undefined;
    const sql = quoted(f.name);
    if (f.type === 'bool') return { sql, type: 'bool' };
    if (TEXTS.has(f.type)) return { sql: `CAST(${sql}, 'Nullable(String)')`, type: 'text' };
    if (f.type === 'uid') return { sql: `toString(${sql})`, type: 'text' };
    // A mapped address is written here as IPv4 is.
    if (f.type === 'ip')
      return { sql: `replaceRegexpOne(toString(${sql}), '^::ffff:([0-9.]+)$', '\\\\1')`, type: 'text' };
    if (f.type === 'time') return { sql: `toFloat64(toUnixTimestamp64Micro(${sql}))`, type: 'number' };
    return NUMBERS.has(f.type) ? { sql: `toFloat64(${sql})`, type: 'number' } : undefined;
  }
}

/** What of a record's own a step asks for. @param prefix  of its parameters' names */
export function conditionOf(step: Step, prefix = 'p'): Condition {
  const writer = new SqlWriter(step, prefix);
  const parts: string[] = [];
  const [topic, name] = step.topic.split(':') as [string, string | undefined];
  if (topic === 'signal' && name !== undefined) parts.push(`name = ${writer.bind('String', name)}`);
  for (const [field, value] of step.requires) parts.push(`${quoted(field)} = ${writer.bind('String', value)}`);
  let isExact = true;
  for (const term of step.where?.ownSyntax ?? []) {
    const same = writer.exact(term);
    const text = same ?? writer.wide(term);
    isExact &&= same !== undefined;
    if (text !== undefined) parts.push(text);
  }
  return { text: parts.length === 0 ? '1' : parts.join(' AND '), parameters: writer.parameters, isExact };
}

/** Those of several steps of one kind: a record of any of them. */
export function conditionOfAny(steps: readonly Step[]): Condition {
  const all = steps.map((step, i) => conditionOf(step, `p${i}_`));
  return {
    text: all.map((c) => `(${c.text})`).join(' OR '),
    parameters: Object.assign({}, ...all.map((c) => c.parameters)),
    isExact: all.every((c) => c.isExact),
  };
}
