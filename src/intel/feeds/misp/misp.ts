// MISP events: exports of the interface (`response`), of the API (`Event`) and the files of a feed.
//
// MISP core format (draft-dulaunoy-misp-core-format) 2.4: an attribute with `to_ids` is meant to be looked for; the
// others are what its author found worth writing down, and are no indicators.
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

const TYPES: Readonly<Record<string, string>> = {
  ...{ 'ip-src': 'ip', 'ip-dst': 'ip', domain: 'domain', hostname: 'domain', url: 'url', uri: 'url', link: 'url' },
  ...{ md5: 'md5', sha1: 'sha1', sha256: 'sha256', filename: 'file_name', 'user-agent': 'user_agent' },
  ...{ email: 'email', 'email-src': 'email', 'email-dst': 'email', 'x509-fingerprint-sha256': 'cert' },
  ...{
    'x509-fingerprint-sha1': 'cert',
    'ja3-fingerprint-md5': 'ja3',
    'hassh-md5': 'hassh',
    'hasshserver-md5': 'hassh',
  },
};
/** Types of two values: which of them are indicators. A port is none, and a name of a hash is only its name. */
const PAIRS: Readonly<Record<string, readonly (string | undefined)[]>> = {
  ...{ 'domain|ip': ['domain', 'ip'], 'ip-dst|port': ['ip', undefined], 'ip-src|port': ['ip', undefined] },
  ...{ 'hostname|port': ['domain', undefined], 'filename|md5': [undefined, 'md5'] },
  ...{ 'filename|sha1': [undefined, 'sha1'], 'filename|sha256': [undefined, 'sha256'] },
};

const eventsOf = (d: unknown): Fields[] => {
  const list = isFields(d) && Array.isArray(d.response) ? d.response : Array.isArray(d) ? d : [d];
  return objectsOf(list).flatMap((e) => (isFields(e.Event) ? [e.Event] : []));
};

function* rowsOf(event: Fields, a: Fields): Iterable<FeedRow | Refused> {
  if (a.to_ids !== true && a.to_ids !== '1' && a.to_ids !== 1) return;
  if (a.deleted === true) return;
  const anchor = textOf(a.uuid) || textOf(a.value);
  const type = textOf(a.type);
  const value = textOf(a.value);
  const pair = PAIRS[type];
  const types = pair ?? [TYPES[type]];
  if (types.every((t) => t === undefined)) {
    yield { refused: `attributes of type ${type.slice(0, 40)} are not compared with anything here`, anchor };
    return;
  }
  const values = pair === undefined ? [value] : value.split('|');
  const owner = isFields(event.Orgc) ? textOf(event.Orgc.name) : '';
  const tags = [...objectsOf(event.Tag), ...objectsOf(a.Tag)].map((t) => textOf(t.name));
  for (const [i, t] of types.entries()) {
    if (t === undefined) continue;
    yield {
      anchor,
      row: {
        ...{ type: t, value: values[i] ?? '', source: owner, valid_from: textOf(a.first_seen) },
        // When it was seen last is no end of its being bad.
        ...{ tags: tagsOf(tags), description: textOf(a.comment) || textOf(event.info) },
      },
    };
  }
}

export default {
  id: 'misp',
  reads: (d) => eventsOf(d).length > 0,
  *rows(d) {
    for (const event of eventsOf(d)) {
      const inObjects = objectsOf(event.Object).flatMap((o) => objectsOf(o.Attribute));
      for (const a of [...objectsOf(event.Attribute), ...inObjects]) yield* rowsOf(event, a);
    }
  },
} satisfies FeedFormat as FeedFormat;
