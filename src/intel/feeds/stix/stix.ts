// STIX 2.1 bundles, and the envelopes of TAXII 2.1: indicators whose pattern is a choice of values.
//
// STIX 2.1 9 (patterning): `[a:b = 'v' OR c:d = 'w'] OR [e:f IN ('x', 'y')]`. What a single value cannot satisfy (AND,
// FOLLOWEDBY, LIKE, NOT, qualifiers) is refused with its reason: half of it would be another indicator.
import {
  type FeedFormat,
  type FeedRow,
  type Fields,
  isFields,
  objectsOf,
  type Refused,
  tagsOf,
  textOf,
} from '../../feed.ts';

/** Object paths, without quotes, to what they are here. */
const PATHS: Readonly<Record<string, string>> = {
  ...{ 'ipv4-addr:value': 'ip', 'ipv6-addr:value': 'ip', 'domain-name:value': 'domain', 'url:value': 'url' },
  ...{ 'email-addr:value': 'email', 'email-message:from_ref.value': 'email', 'file:name': 'file_name' },
  ...{ 'file:hashes.SHA-256': 'sha256', 'file:hashes.SHA-1': 'sha1', 'file:hashes.MD5': 'md5' },
  ...{ 'file:hashes.SHA256': 'sha256', 'file:hashes.SHA1': 'sha1' },
  ...{ 'x509-certificate:hashes.SHA-256': 'cert', 'x509-certificate:hashes.SHA-1': 'cert' },
  ...{ 'network-traffic:dst_ref.value': 'ip', 'network-traffic:src_ref.value': 'ip' },
  'network-traffic:extensions.http-request-ext.request_header.User-Agent': 'user_agent',
};

const PATTERN_MAX = 64 * 1024;
/** A quoted text, an operator or bracket, or a word such as an object path. */
const TOKEN = /\s*(?:'((?:[^'\\]|\\.)*)'|([[\](),=])|([A-Za-z0-9_:.'-]+))/y;

type Token = { readonly text: string } | { readonly word: string };
const isWord = (t: Token | undefined, word: string): boolean => t !== undefined && 'word' in t && t.word === word;

function tokensOf(pattern: string): Token[] | undefined {
  const out: Token[] = [];
  // `hashes.'SHA-256'` and `hashes."SHA-256"` are one path.
  const text = pattern.trim().replace(/\.(?:'([A-Za-z0-9-]+)'|"([A-Za-z0-9-]+)")/g, '.$1$2');
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const m = TOKEN.exec(text);
    if (m === null) return undefined;
    if (m[1] !== undefined) out.push({ text: m[1].replace(/\\(.)/g, '$1') });
    else out.push({ word: (m[2] ?? m[3]) as string });
  }
  return out;
}

/** Paths and values of a pattern, or why it has none. Cost: linear in its length. */
export function valuesOf(pattern: string): readonly (readonly [path: string, value: string])[] | string {
  if (pattern.length > PATTERN_MAX) return `a pattern of more than ${PATTERN_MAX} characters`;
  const tokens = tokensOf(pattern);
  if (tokens === undefined) return 'a pattern that cannot be read';
  const out: [string, string][] = [];
  let at = 0;
  const take = (): Token | undefined => tokens[at++];
  const listed = (path: string): string | undefined => {
    const t = take();
    if (t === undefined || !('text' in t)) return `${path} is compared with something other than a text`;
    out.push([path, t.text]);
    return undefined;
  };
  const comparison = (): string | undefined => {
    const path = take();
    if (path === undefined || !('word' in path) || !path.word.includes(':')) return 'a pattern that is no comparison';
    const operator = take();
    if (isWord(operator, '=')) return listed(path.word);
    if (!isWord(operator, 'IN')) return `a comparison other than = and IN of ${path.word}`;
    if (!isWord(take(), '(')) return 'IN without a list';
    for (;;) {
      const wrong = listed(path.word);
      if (wrong !== undefined) return wrong;
      const next = take();
      if (isWord(next, ')')) return undefined;
      if (!isWord(next, ',')) return 'a list that does not end';
    }
  };
  for (;;) {
    if (!isWord(take(), '[')) return 'a pattern that does not begin with [';
    for (;;) {
      const wrong = comparison();
      if (wrong !== undefined) return wrong;
      const next = take();
      if (isWord(next, ']')) break;
      if (!isWord(next, 'OR')) return 'a pattern that is more than a choice of values';
    }
    const next = take();
    if (next === undefined) return out;
    if (!isWord(next, 'OR')) return 'a pattern that is more than a choice of values';
  }
}

function* rowsOf(o: Fields): Iterable<FeedRow | Refused> {
  const anchor = textOf(o.id) || textOf(o.pattern);
  if (o.revoked === true) return;
  if ((textOf(o.pattern_type) || 'stix') !== 'stix') {
    yield { refused: `a pattern in ${textOf(o.pattern_type)}, which is not read`, anchor };
    return;
  }
  const values = valuesOf(textOf(o.pattern));
  if (typeof values === 'string') {
    yield { refused: values, anchor };
    return;
  }
  const labels = [o.labels, o.indicator_types].flatMap((l) => (Array.isArray(l) ? l.map(textOf) : []));
  for (const [path, value] of values) {
    const type = PATHS[path];
    if (type === undefined) {
      yield { refused: `${path} is not compared with anything here`, anchor };
      continue;
    }
    const confidence = typeof o.confidence === 'number' ? String(o.confidence / 100) : '';
    yield {
      anchor,
      row: {
        ...{ type, value, confidence, valid_from: textOf(o.valid_from), valid_until: textOf(o.valid_until) },
        ...{ tags: tagsOf(labels), description: textOf(o.description) || textOf(o.name) },
      },
    };
  }
}

const objectsIn = (d: unknown): Fields[] => objectsOf(isFields(d) ? d.objects : d);

export default {
  id: 'stix',
  reads: (d) =>
    (isFields(d) &&
      Array.isArray(d.objects) &&
      (d.type === 'bundle' || objectsIn(d).some((o) => 'spec_version' in o))) ||
    (Array.isArray(d) && objectsIn(d).some((o) => o.type === 'indicator' && 'pattern' in o)),
  *rows(d) {
    for (const o of objectsIn(d)) if (o.type === 'indicator') yield* rowsOf(o);
  },
} satisfies FeedFormat as FeedFormat;
