// What is wrong in a chain, said to its author: where, what, and what to do.

export interface Place {
  readonly file: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

export interface ChainFault extends Place {
  readonly message: string;
  readonly hint?: string;
}

export function faultText(f: ChainFault): string {
  return `${f.file}:${f.line}:${f.column}: ${f.message}${f.hint === undefined ? '' : ` (${f.hint})`}`;
}

/** The name nearest to `wrong`, if one is near enough to be what was meant. */
export function nearest(wrong: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(wrong.length / 3)) + 1;
  for (const name of known) {
    const d = distance(wrong, name);
    if (d < least) {
      least = d;
      best = name;
    }
  }
  return best;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

export const didYouMean = (wrong: string, known: Iterable<string>): { hint?: string } => {
  const near = nearest(wrong, known);
  return near === undefined ? {} : { hint: `did you mean ${near}?` };
};
