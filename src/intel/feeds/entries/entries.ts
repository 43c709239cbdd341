// Arrays of objects with a value each, as the abuse desks publish them: an array, an array under `data`, or arrays
// under the ids of entries.
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

/** Names of the value, the surest first, and the type that the name itself says. */
const VALUES: readonly (readonly [name: string, type: string])[] = [
  ...(['ioc', 'ioc_value', 'indicator', 'value'] as const).map((name) => [name, ''] as const),
  ...[['url', 'url'] as const, ['ip_address', 'ip'] as const, ['ip', 'ip'] as const, ['dst_ip', 'ip'] as const],
  ...[['domain', 'domain'] as const, ['hostname', 'domain'] as const, ['sha256_hash', 'sha256'] as const],
  ...[['sha256', 'sha256'] as const, ['sha1_hash', 'sha1'] as const, ['md5_hash', 'md5'] as const],
  ...[['ja3_md5', 'ja3'] as const, ['sha1', 'sha1'] as const, ['md5', 'md5'] as const],
];
const TYPES: Readonly<Record<string, string>> = {
  ...{ 'ip:port': 'ip', md5_hash: 'md5', sha1_hash: 'sha1', sha256_hash: 'sha256', payload_url: 'url' },
};

const isEntry = (o: Fields): boolean => VALUES.some(([name]) => textOf(o[name]) !== '');

function entriesOf(d: unknown): Fields[] {
  if (Array.isArray(d)) return objectsOf(d);
  if (!isFields(d)) return [];
  if (Array.isArray(d.data)) return objectsOf(d.data);
  return Object.values(d).flatMap((v) => objectsOf(v));
}

/** Times of these lists have a blank, and sometimes the zone in words. */
const timeText = (v: unknown): string => textOf(v).replace(/ UTC$/, 'Z');

function rowOf(o: Fields): FeedRow | Refused {
  const named = VALUES.find(([name]) => textOf(o[name]) !== '');
  const anchor = named === undefined ? '' : textOf(o[named[0]]);
  if (named === undefined) return { refused: 'an entry without a value', anchor };
  const said = (textOf(o.ioc_type) || textOf(o.type) || named[1]).toLowerCase();
  const type = TYPES[said] ?? said;
  const tags = Array.isArray(o.tags) ? o.tags.map(textOf) : textOf(o.tags).split(',');
  const words = [textOf(o.malware_printable) || textOf(o.malware), textOf(o.threat_type) || textOf(o.threat)];
  const level = o.confidence_level ?? o.confidence;
  return {
    anchor,
    row: {
      type,
      value: said === 'ip:port' ? anchor.replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1') : anchor,
      source: textOf(o.source) || textOf(o.reporter),
      confidence: textOf(level),
      valid_from: timeText(o.first_seen_utc ?? o.first_seen ?? o.dateadded),
      valid_until: timeText(o.valid_until ?? o.expires),
      tags: tagsOf([...tags, ...words].filter((t) => t !== '')),
      description: textOf(o.description) || words.filter((w) => w !== '').join(', '),
    },
  };
}

export default {
  id: 'entries',
  reads: (d) => entriesOf(d).some(isEntry),
  *rows(d) {
    for (const o of entriesOf(d)) yield rowOf(o);
  },
} satisfies FeedFormat as FeedFormat;
