// Filters of LDAP as Zeek writes them: an `and` or `or` has two parts, so one of three is one of two in one of two.

/** Index behind the part that begins at `from` with a parenthesis. */
function endOf(filter: string, from: number): number {
  let depth = 0;
  for (let i = from; i < filter.length; i++) {
    if (filter[i] === '(') depth++;
    else if (filter[i] === ')' && --depth === 0) return i + 1;
  }
  return filter.length;
}

/** RFC 4515 in, Zeek's form out. What is no whole filter (it was cut) stays. The decoder bounds its depth. */
export function pairwise(filter: string): string {
  const sign = filter[1];
  if (sign !== '&' && sign !== '|' && sign !== '!') return filter;
  const parts: string[] = [];
  let at = 2;
  while (filter[at] === '(') {
    const end = endOf(filter, at);
    parts.push(pairwise(filter.slice(at, end)));
    at = end;
  }
  const [first, second, ...more] = parts;
  if (at !== filter.length - 1 || filter[at] !== ')' || first === undefined) return filter;
  if (second === undefined) return `(${sign}${first})`;
  return more.reduce((left, part) => `(${sign}${left}${part})`, `(${sign}${first}${second})`);
}
