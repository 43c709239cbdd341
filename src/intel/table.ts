// All indicators of all lists, by what they are compared with. A table is built whole and never changed: a new
// version of a list makes a new table, and the old one is used until then.
import { ipBytes } from '../schema/ip.ts';
import { domainForm, type Indicator, type IndicatorType, prefixOf } from './indicator.ts';

type ByMatch = Map<string, Indicator[]>;
const NOTHING: readonly Indicator[] = [];

/** Answers kept for addresses and names, whatever they were: traffic asks about the same ones again and again. */
const ANSWERS_MAX = 65_536;

export class IndicatorTable {
  readonly size: number;
  private readonly exact = new Map<IndicatorType, ByMatch>();
  /** By length of the prefix in bits of the 128, longest first. */
  private readonly subnets: [number, ByMatch][] = [];
  private readonly urlHosts = new Set<string>();
  private readonly addresses = new Map<string, readonly Indicator[]>();
  private readonly names = new Map<string, readonly Indicator[]>();

  constructor(indicators: Iterable<Indicator>) {
    let size = 0;
    const byLength = new Map<number, ByMatch>();
    for (const i of indicators) {
      size++;
      let into = this.exact.get(i.type);
      let key = i.match;
      if (i.type === 'subnet') {
        const slash = key.indexOf('/');
        const length = Number(key.slice(0, slash));
        key = key.slice(slash + 1);
        into = byLength.get(length);
        if (into === undefined) {
          into = new Map();
          byLength.set(length, into);
        }
      } else if (into === undefined) {
        into = new Map();
        this.exact.set(i.type, into);
      }
      if (i.type === 'url') this.urlHosts.add(/^(?:\[[^\]]*\]|[^/:]*)/.exec(key)?.[0] ?? '');
      const found = into.get(key);
      if (found === undefined) into.set(key, [i]);
      else found.push(i);
    }
    this.size = size;
    this.subnets.push(...[...byLength].sort((a, b) => b[0] - a[0]));
  }

  has(type: IndicatorType): boolean {
    return type === 'subnet' ? this.subnets.length > 0 : this.exact.has(type);
  }

  /** Of hashes and fingerprints. */
  value(type: IndicatorType, value: string): readonly Indicator[] {
    return this.exact.get(type)?.get(value) ?? NOTHING;
  }

  /** The address itself, and every listed subnet it lies in, narrowest first. */
  address(text: string): readonly Indicator[] {
    let found = this.addresses.get(text);
    if (found !== undefined) return found;
    found = this.exact.get('addr')?.get(text) ?? NOTHING;
    const bytes = this.subnets.length > 0 ? ipBytes(text) : undefined;
    if (bytes !== undefined) {
      for (const [length, byPrefix] of this.subnets) {
        // A prefix of v6 that is shorter than ::ffff:0:0/96 is not about v4.
        if (length < 96 && !text.includes(':')) break;
        const nets = byPrefix.get(prefixOf(bytes, length));
        if (nets !== undefined) found = [...found, ...nets];
      }
    }
    return keep(this.addresses, text, found);
  }

  /** The name itself, and every listed name above it. */
  domain(text: string): readonly Indicator[] {
    const domains = this.exact.get('domain');
    if (domains === undefined) return NOTHING;
    let found = this.names.get(text);
    if (found !== undefined) return found;
    found = NOTHING;
    const name = domainForm(text);
    // No name has more labels than 127 (RFC 1035 2.3.4): what goes on longer is not walked to its end.
    for (let at = 0, labels = 0; at >= 0 && labels < 127; labels++) {
      const here = domains.get(name.slice(at));
      if (here !== undefined) found = found.length === 0 ? here : [...found, ...here];
      const dot = name.indexOf('.', at);
      at = dot < 0 ? -1 : dot + 1;
    }
    return keep(this.names, text, found);
  }

  /** Whether some listed URL is on this host: normalising one is dear. */
  hasUrlOn(host: string): boolean {
    return this.urlHosts.size > 0 && this.urlHosts.has(domainForm(host));
  }
}

/** Names a client makes up can be long and many: those are answered again rather than kept. */
const KEPT_LENGTH = 300;

function keep(
  answers: Map<string, readonly Indicator[]>,
  key: string,
  found: readonly Indicator[],
): readonly Indicator[] {
  if (key.length > KEPT_LENGTH) return found;
  if (answers.size >= ANSWERS_MAX) answers.clear();
  answers.set(key, found);
  return found;
}
