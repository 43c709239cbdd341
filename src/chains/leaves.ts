// The parts of a condition whose values a person wants to see beside it.
import type { Node } from './cel.ts';
import { FUNCTIONS } from './functions.ts';

/** Fields, variables and calls, left to right. */
export function leaves(n: Node): Node[] {
  if (n.op === '.' || n.op === 'id') return [n];
  const args = n.op === 'value' ? [] : [n.args].flat(2);
  const inner = args.filter((a) => typeof a === 'object' && a !== null).flatMap((a) => leaves(a as Node));
  return n.op === 'call' ? [n, ...inner] : inner;
}

const TIME_FIELDS = ['ts', 'seen', 'first', 'last', 'known_at'];

/** Whether the value of a leaf is a packet time. */
export function isTime(n: Node): boolean {
  const [first, second] = n.args as [unknown, unknown];
  if (n.op === 'call') return first === 'first_seen' || first === 'last_seen';
  return n.op === '.' && TIME_FIELDS.includes(second as string);
}

/** Whether it asks nothing but the record called `own`: what it says is the same for every partial. */
export function isOwn(n: Node, own: string): boolean {
  return leaves(n).every((leaf) => {
    const [first] = leaf.args as [unknown];
    if (leaf.op === 'call') return FUNCTIONS.get(first as string)?.memory === false;
    return leaf.op === '.' && (first as Node).args === own;
  });
}
