// What an index can know of a `where`: values that its own record must have. A record that has none of them cannot
// satisfy it, so the step is never asked.
import type { Node } from './cel.ts';
import { EXECUTABLE_TYPES } from './functions.ts';

/** The field is this, begins with it, ends in it, or is a number not below or not above it. */
export interface IndexKey {
  readonly field: string;
  readonly test: 'is' | 'begins' | 'ends' | 'above' | 'below';
  readonly value: string | number;
}

/** A step under more keys than that is asked about every record instead. */
const KEYS_MAX = 64;
const METHODS: Readonly<Record<string, IndexKey['test']>> = { startsWith: 'begins', endsWith: 'ends' };

/** Conjuncts of an expression, left to right. */
export function conjuncts(n: Node): Node[] {
  return n.op === '&&' ? (n.args as Node[]).flatMap(conjuncts) : [n];
}

const fieldOf = (n: Node, own: string): string | undefined => {
  if (n.op !== '.') return undefined;
  const [base, field] = n.args as [Node, string];
  return base.op === 'id' && base.args === own ? field : undefined;
};

/** A truth picks half of all records: no key. */
function constantOf(n: Node): string | number | undefined {
  if (n.op !== 'value') return undefined;
  const value = typeof n.args === 'bigint' ? Number(n.args) : n.args;
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}

const key = (field: string, test: IndexKey['test'], value: string | number | undefined): IndexKey[] | undefined =>
  value === undefined || value === '' ? undefined : [{ field, test, value }];

/** The empty text is what an unset field looks like in some records, and is indexed like any other. */
const is = (field: string, value: string | number | undefined): IndexKey[] | undefined =>
  value === undefined ? undefined : [{ field, test: 'is', value }];

/** A whole text picks fewest, then a piece of one; a number may be that of most records (rcode == 0). */
const RANKS: Readonly<Record<IndexKey['test'], number>> = { is: 0, begins: 1, ends: 1, above: 3, below: 3 };
const rank = ({ test, value }: IndexKey): number => (test === 'is' && typeof value === 'number' ? 2 : RANKS[test]);
function better(a: IndexKey[] | undefined, b: IndexKey[] | undefined): IndexKey[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const cost = (keys: IndexKey[]): number => keys.length + KEYS_MAX * Math.max(...keys.map(rank));
  return cost(b) < cost(a) ? b : a;
}

/** `field > 5`, or `5 < field`: an index finds those that are equal, too. */
function bounds(n: Node, own: string, test: 'above' | 'below'): IndexKey[] | undefined {
  const [l, r] = n.args as [Node, Node];
  const isTurned = fieldOf(l, own) === undefined;
  const field = fieldOf(isTurned ? r : l, own);
  const value = constantOf(isTurned ? l : r);
  const turned = test === 'above' ? 'below' : 'above';
  return field === undefined || typeof value !== 'number'
    ? undefined
    : [{ field, test: isTurned ? turned : test, value }];
}

/** A record that satisfies `n` has at least one of these; undefined: nothing can be said. */
export function indexKeys(n: Node, own: string): IndexKey[] | undefined {
  const keys = keysOf(n, own);
  return keys === undefined || keys.length > KEYS_MAX ? undefined : keys;
}

function keysOf(n: Node, own: string): IndexKey[] | undefined {
  switch (n.op) {
    case '&&':
      return (n.args as Node[]).map((a) => indexKeys(a, own)).reduce(better);
    case '||': {
      const sides = (n.args as Node[]).map((a) => indexKeys(a, own));
      return sides.every((s) => s !== undefined) ? (sides as IndexKey[][]).flat() : undefined;
    }
    case '==': {
      const [l, r] = n.args as [Node, Node];
      const [field, constant] = fieldOf(l, own) === undefined ? [fieldOf(r, own), l] : [fieldOf(l, own), r];
      return field === undefined ? undefined : is(field, constantOf(constant));
    }
    case '>':
    case '>=':
      return bounds(n, own, 'above');
    case '<':
    case '<=':
      return bounds(n, own, 'below');
    case 'in': {
      const [item, list] = n.args as [Node, Node];
      const field = fieldOf(item, own);
      if (field === undefined || list.op !== 'list') return undefined;
      const keys = (list.args as Node[]).map((v) => is(field, constantOf(v)));
      return keys.every((k) => k !== undefined) ? (keys as IndexKey[][]).flat() : undefined;
    }
    case 'rcall': {
      const [name, base, args] = n.args as [string, Node, Node[]];
      const field = fieldOf(base, own);
      const test = METHODS[name];
      if (field === undefined || test === undefined) return undefined;
      return key(field, test, constantOf(args[0] as Node));
    }
    case 'call': {
      const [name, args] = n.args as [string, Node[]];
      const field = name === 'is_executable' ? fieldOf(args[0] as Node, own) : undefined;
      return field === undefined ? undefined : [...EXECUTABLE_TYPES].map((value) => ({ field, test: 'is', value }));
    }
    default:
      return undefined;
  }
}
