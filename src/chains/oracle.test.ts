// An oracle for groups of steps: chains as an author would write them, and a naive walk of each start by itself over
// all that follows. The engine's tests and the simulation hold to it.

export const WINDOW = 30;

export interface Spec {
  readonly need: 'single' | 'any_order' | 'one_of';
  /** What each of its steps asks for: a letter. */
  readonly letters: readonly string[];
  readonly optional: boolean;
  readonly after: number;
  readonly within: number | undefined;
  /** A letter that must not come before it. */
  readonly absent: string | undefined;
}

export const single = (letter: string, more: Partial<Spec> = {}): Spec => ({
  ...{ need: 'single', letters: [letter], optional: false, after: 0, within: undefined, absent: undefined },
  ...more,
});
export const group = (need: 'any_order' | 'one_of', letters: string, more: Partial<Spec> = {}): Spec => ({
  ...single(''),
  ...{ need, letters: [...letters] },
  ...more,
});

/** As an author would write it. */
export function textOf(specs: readonly Spec[], more = ''): string {
  let n = 0;
  const step = (letter: string, rest = ''): string =>
    `{ id: s${n++}, event: dns, where: 'dns.query == "${letter}"', bind: { h: dns.orig_host }${rest} }`;
  const lines = specs.flatMap(({ need, letters, optional, after, within, absent }) => {
    const before = absent === undefined ? [] : [`  - ${step(absent, ', absent: true')}`];
    const times = [
      ...(after > 0 ? [`after: ${after}d`] : []),
      ...(within === undefined ? [] : [`within: ${within}d`]),
      ...(optional ? ['optional: true'] : []),
    ];
    if (need === 'single') return [...before, `  - ${step(letters[0] as string, times.map((t) => `, ${t}`).join(''))}`];
    const members = letters.map((l) => step(l)).join(', ');
    return [...before, `  - ${need}: [${members}]`, ...times.map((t) => `    ${t}`)];
  });
  return `chain: groups\nwindow: ${WINDOW}d\nby: [h]\nstart: each(64)\n${more}steps:\n${lines.join('\n')}\n`;
}

export interface Seen {
  readonly at: number;
  readonly letter: string;
}
/** When the chain that begins with `input[start]` is finished, or undefined. */
export function walk(specs: readonly Spec[], input: readonly Seen[], start: number): number | undefined {
  const { at: first } = input[start] as Seen;
  const left = (spec: Spec): Set<number> => new Set(spec.letters.keys());
  let at = 0;
  let base = first;
  let unmet = left(specs[0] as Spec);
  let begun = false;
  let barred = new Set<number>();
  const open = (): number[] => {
    const out = [at];
    for (let g = at; !begun && specs[g]?.optional && g + 1 < specs.length; g++) out.push(g + 1);
    return out;
  };
  for (let i = start; i < input.length; i++) {
    const { at: now, letter } = input[i] as Seen;
    if (now - first > WINDOW) return undefined;
    const reachable = open();
    // Too late for everything that could come: the chain is dead, whatever follows.
    if (reachable.every((g) => now - base > ((specs[g] as Spec).within ?? Number.POSITIVE_INFINITY))) return undefined;
    let matched = false;
    for (const g of reachable) {
      const spec = specs[g] as Spec;
      // What stays away stays away from the end of the group before on, until the next begins.
      if (!begun || g === at) {
        if (spec.absent === letter && now > base && !(begun && g !== at)) {
          if (g === at && !spec.optional) return undefined;
          barred.add(g);
        }
      }
      const member = spec.letters.findIndex((l, m) => l === letter && (g !== at || unmet.has(m)));
      if (member < 0 || barred.has(g)) continue;
      if (now - base < spec.after || now - base > (spec.within ?? Number.POSITIVE_INFINITY)) continue;
      if (g !== at) unmet = left(spec);
      at = g;
      unmet.delete(member);
      begun = true;
      barred = new Set();
      matched = true;
      if (spec.need === 'one_of' || unmet.size === 0) {
        base = now;
        at++;
        begun = false;
        if (at === specs.length) return now;
        unmet = left(specs[at] as Spec);
      }
      break;
    }
    if (i === start && !matched) return undefined;
  }
  return undefined;
}
