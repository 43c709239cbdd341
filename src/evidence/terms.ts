// What the index can say about a BPF filter (pcap-filter(7)): which addresses and ports the flow of a packet must have
// for it to pass. Never too much: what is not understood asks for nothing, and then every packet of the time is looked
// at. libpcap has the last word on each packet.
//
// `and` and `or` have one precedence and associate to the left there, so they do here.

/** Terms of an index, both included (native/packets/index.h); `any`: no term is asked for. */
export type Plan =
  | { readonly is: 'any' }
  | { readonly is: 'term'; readonly low: bigint; readonly high: bigint }
  | { readonly is: 'and' | 'or'; readonly left: Plan; readonly right: Plan };

const ANY: Plan = { is: 'any' };
const PORT = 1n << 56n;
const IP4 = 4n << 56n;
const IP6 = 6n << 56n;
const VALUE = (1n << 56n) - 1n;
/** Longer filters are scanned for: nesting is bounded by it too. */
export const TOKENS_MAX = 1000;

/** What may stand before a primitive's kind and changes nothing about its terms. */
const QUALIFIERS = new Set(['ip', 'ip6', 'tcp', 'udp', 'sctp', 'src', 'dst']);

const term = (low: bigint, high = low): Plan => ({ is: 'term', low, high });
const both = (is: 'and' | 'or', left: Plan, right: Plan): Plan => {
  if (left.is === 'any' || right.is === 'any') return is === 'or' ? ANY : left.is === 'any' ? right : left;
  return { is, left, right };
};

function ip4(text: string): bigint | undefined {
  const m = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  const parts = m?.slice(1).map(Number) ?? [];
  if (parts.length === 0 || parts.some((p) => p > 255)) return undefined;
  return parts.reduce((n, p) => n * 256n + BigInt(p), 0n);
}

function ip6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (!/^[0-9a-fA-F:]{2,39}$/.test(text) || halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...tail];
  if (groups.some((g) => !/^[0-9a-fA-F]{1,4}$/.test(g))) return undefined;
  return groups.reduce((n, g) => n * 65_536n + BigInt(`0x${g}`), 0n);
}

function host(text: string): Plan {
  const four = ip4(text);
  if (four !== undefined) return term(IP4 | four);
  const six = ip6(text);
  return six === undefined ? ANY : term(IP6 | (((six >> 64n) ^ (six & ((1n << 64n) - 1n))) & VALUE));
}

function net(text: string): Plan {
  const m = /^([\d.]+)\/(\d{1,2})$/.exec(text);
  const base = m === null ? undefined : ip4(m[1] as string);
  const bits = Number(m?.[2]);
  if (base === undefined || bits > 32) return ANY;
  const size = 1n << BigInt(32 - bits);
  const low = base - (base % size);
  return term(IP4 | low, IP4 | (low + size - 1n));
}

function ports(text: string): Plan {
  const m = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const [low, high] = [Number(m?.[1]), Number(m?.[2] ?? m?.[1])];
  return m === null || high > 65_535 || low > high ? ANY : term(PORT | BigInt(low), PORT | BigInt(high));
}

const KINDS: ReadonlyMap<string, (text: string) => Plan> = new Map([
  ...([
    ['host', host],
    ['net', net],
    ['port', ports],
    ['portrange', ports],
  ] as const),
]);

function primitive(words: readonly string[]): Plan {
  const rest = words.slice(words.findIndex((w) => !QUALIFIERS.has(w)));
  const [kind = '', value = '', ...more] = rest;
  return more.length > 0 || value === '' ? ANY : (KINDS.get(kind)?.(value) ?? ANY);
}

const JOINS: ReadonlyMap<string, 'and' | 'or'> = new Map([
  ...([
    ['and', 'and'],
    ['&&', 'and'],
    ['or', 'or'],
    ['||', 'or'],
  ] as const),
]);

export function planOf(filter: string): Plan {
  const tokens = filter.match(/[()!]|&&|\|\||[^\s()!&|]+|[&|]/g) ?? [];
  if (tokens.length > TOKENS_MAX) return ANY;
  let at = 0;
  const operand = (): Plan => {
    const token = tokens[at];
    if (token === 'not' || token === '!') {
      at++;
      // What must not be says nothing of what must.
      operand();
      return ANY;
    }
    if (token === '(') {
      at++;
      const inside = expression();
      if (tokens[at] === ')') at++;
      return inside;
    }
    const words: string[] = [];
    for (let t = token; t !== undefined && t !== '(' && t !== ')' && !JOINS.has(t); t = tokens[++at]) words.push(t);
    return primitive(words);
  };
  const expression = (): Plan => {
    let plan = operand();
    for (;;) {
      const join = JOINS.get(tokens[at] ?? '');
      if (join === undefined) return plan;
      at++;
      plan = both(join, plan, operand());
    }
  };
  const plan = expression();
  // Something is left that has no place here: libpcap will say what.
  return at === tokens.length ? plan : ANY;
}
