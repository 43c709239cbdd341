// The search box: one text, looked for where a value of its form can stand, in all kinds at once.
//
//   address     every address field, and texts that are exactly it (DNS answers)
//   uid, mac    fields of that type
//   hash        32, 40 or 64 hex digits: text fields that are looked up by
//   community   community_id
//   host        a host's id: as a name, and flows of the addresses that were its own at that time
//   name        text fields that are looked up by, exactly, and registered domains
//   contains    the same text fields, anywhere in them: when `name` found nothing, or when it is asked for
//
// Exact questions are answered by skip indexes; `contains` reads the columns, within the time the reader has.
import { type Result, success } from '../lib/fault.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import { FIELDS, type FieldMeta } from '../schema/gen/structures.gen.ts';
import { TABLES } from '../schema/gen/tables.gen.ts';
import { ipBytes } from '../schema/ip.ts';
import { escapeText } from '../schema/record.ts';
import type { Asker, Parameters } from './asker.ts';
import { hasEnds, type Identities, identitiesOf } from './identities.ts';
import { eventsOfKind, PLACE, type Place, placeOf, type StoredEvent, timeOf } from './rows.ts';
import { columnName, KINDS, quoted } from './tables.ts';

export type Form = 'address' | 'uid' | 'mac' | 'hash' | 'community' | 'host' | 'name' | 'contains';

export interface SearchQuestion {
  readonly text: string;
  /** Packet times [us], from inclusive, to exclusive. */
  readonly from: number;
  readonly to: number;
  /** All when left out. */
  readonly kinds?: readonly KindName[];
  /** Rather than what the text looks like. */
  readonly form?: Form;
  /** Most events; their newest. */
  readonly limit?: number;
  /** Most columns of the histogram. */
  readonly buckets?: number;
}

export interface SearchAnswer {
  readonly form: Form;
  /** Newest first. */
  readonly events: readonly StoredEvent[];
  /** By kind, all that match, however many are shown. */
  readonly counts: Readonly<Partial<Record<KindName, number>>>;
  /** Width of a column [us]; columns without a match are left out. Their `at` is when they begin [us]. */
  readonly width: number;
  readonly histogram: readonly { readonly kind: KindName; readonly at: number; readonly count: number }[];
}

export const TEXT_BYTES_MAX = 1024;
export const LIMIT_MAX = 1000;
export const BUCKETS_MAX = 400;
const LIMIT = 100;
const BUCKETS = 60;
const HASH_BYTES = new Set([32, 40, 64]);

/** What a text looks like. */
export function formOf(text: string): Form {
  if (ipBytes(text) !== undefined) return 'address';
  if (/^C[0-9A-Za-z]{11}$/.test(text)) return 'uid';
  if (/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(text)) return 'mac';
  if (/^(?:mac|ip|name):\S+$/.test(text)) return 'host';
  if (/^1:[A-Za-z0-9+/]{27}=$/.test(text)) return 'community';
  if (/^[0-9a-f]+$/i.test(text) && HASH_BYTES.has(text.length)) return 'hash';
  return 'name';
}

const isLookedUp = (f: FieldMeta): boolean => f.type === 'text' && f.index;
const any = (conditions: readonly string[]): string | undefined =>
  conditions.length === 0 ? undefined : conditions.join(' OR ');
const equals = (f: FieldMeta, value: string): string =>
  f.list ? `has(${quoted(f.name)}, ${value})` : `${quoted(f.name)} = ${value}`;

/** Where a value of this form can stand in a kind; undefined when nowhere. */
function condition(kind: KindName, form: Form, identities?: Identities): string | undefined {
  const fields = FIELDS[kind];
  const columns = new Set(TABLES[kind].columns.map(columnName));
  const texts = fields.filter(isLookedUp);
  switch (form) {
    case 'address':
      return any([
        ...fields.filter((f) => f.type === 'ip').map((f) => equals(f, '{address: IPv6}')),
        ...texts.filter((f) => f.cap >= 39).map((f) => equals(f, '{text: String}')),
      ]);
    case 'uid':
      return any(fields.filter((f) => f.type === 'uid').map((f) => equals(f, 'toFixedString({text: String}, 12)')));
    case 'mac':
      return any(fields.filter((f) => f.type === 'mac').map((f) => equals(f, '{mac: String}')));
    case 'community':
      return columns.has('community_id') ? 'community_id = {text: String}' : undefined;
    case 'hash':
      // x509 writes serial numbers in upper case, everything else in lower.
      return any(texts.flatMap((f) => [equals(f, '{lower: String}'), equals(f, '{upper: String}')]));
    case 'host':
      return any(
        [
          condition(kind, 'name') ?? [],
          ...(hasEnds(kind) ? [identities?.holds('orig_h') ?? [], identities?.holds('resp_h') ?? []] : []),
        ].flat(),
      );
    case 'name': {
      const domain = columns.has('registered_domain') ? ['registered_domain = {lower: String}'] : [];
      return any([...texts.flatMap((f) => [equals(f, '{text: String}'), equals(f, '{lower: String}')]), ...domain]);
    }
    case 'contains':
      return any(
        texts.map((f) => {
          const found = (value: string): string => `positionCaseInsensitiveUTF8(${value}, {text: String}) > 0`;
          return f.list ? `arrayExists(v -> ${found('v')}, ${quoted(f.name)})` : found(`ifNull(${quoted(f.name)}, '')`);
        }),
      );
  }
}

/**
 * @throws RangeError for a text that is empty or too long, a time that ends before it begins, or a limit that is none:
 *         the caller checks what a person typed
 */
export async function search(asker: Asker, question: SearchQuestion): Promise<Result<SearchAnswer>> {
  const { text, from, to, limit = LIMIT, buckets = BUCKETS } = question;
  const between = (n: number, max: number): boolean => Number.isInteger(n) && n >= 1 && n <= max;
  if (text === '' || Buffer.byteLength(text) > TEXT_BYTES_MAX)
    throw new RangeError('search: a text of 1 to 1024 bytes');
  if (!between(limit, LIMIT_MAX) || !between(buckets, BUCKETS_MAX)) throw new RangeError('search: limit or buckets');
  if (!(Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && from < to))
    throw new RangeError('search: from is before to');
  const form = question.form ?? formOf(text);
  const answer = await searchAs(asker, form, { ...question, limit, buckets });
  const isText = form === 'name' || form === 'host';
  if (!answer.ok || !isText || question.form !== undefined || answer.value.events.length > 0) return answer;
  return searchAs(asker, 'contains', { ...question, limit, buckets });
}

type Whole = SearchQuestion & { readonly limit: number; readonly buckets: number };

async function searchAs(asker: Asker, form: Form, q: Whole): Promise<Result<SearchAnswer>> {
  const width = Math.max(1, Math.ceil((q.to - q.from) / q.buckets));
  // Records hold text with its backslashes doubled.
  const text = escapeText(q.text);
  const identities = form === 'host' ? await identitiesOf(asker, q.text) : undefined;
  if (identities?.ok === false) return identities;
  const parameters: Parameters = {
    ...identities?.value.parameters,
    ...{ text, lower: text.toLowerCase(), upper: text.toUpperCase(), mac: text.toLowerCase().replaceAll('-', ':') },
    ...{ address: form === 'address' ? mapped(q.text) : '::', from: q.from, to: q.to, width },
  };
  const wheres = new Map<KindName, string>();
  for (const kind of q.kinds ?? KINDS) {
    const where = condition(kind, form, identities?.value);
    if (where !== undefined) wheres.set(kind, `seen >= ${timeOf('from')} AND seen < ${timeOf('to')} AND (${where})`);
  }
  if (wheres.size === 0) return success({ form, events: [], counts: {}, width, histogram: [] });
  const table = (kind: KindName): string => `${quoted(asker.database)}.${quoted(kind)}`;

  const columns = [...wheres].map(
    ([kind, where]) => `SELECT '${kind}' AS out_kind,
      intDiv(toUnixTimestamp64Micro(seen) - {from: Int64}, {width: Int64}) AS out_bucket, count() AS out_n
      FROM ${table(kind)} WHERE ${where} GROUP BY out_bucket`,
  );
  const counted = await asker.rows(
    `SELECT out_kind, out_bucket, out_n FROM (${columns.join(' UNION ALL ')}) ORDER BY out_kind, out_bucket
     LIMIT ${q.buckets * wheres.size}`,
    parameters,
  );
  if (!counted.ok) return counted;
  const counts: Partial<Record<KindName, number>> = {};
  const histogram = counted.value.map(([kind, bucket, n]) => {
    const name = kind as KindName;
    counts[name] = (counts[name] ?? 0) + Number(n);
    return { kind: name, at: q.from + Number(bucket) * width, count: Number(n) };
  });

  const newest = [...wheres]
    .filter(([kind]) => counts[kind] !== undefined)
    .map(
      ([kind, where]) =>
        `SELECT * FROM (SELECT '${kind}' AS out_kind, ${PLACE.replace(/^sensor/, 'toString(sensor) AS sensor')} AS out_at
         FROM ${table(kind)} WHERE ${where} ORDER BY seen DESC LIMIT {limit: UInt32})`,
    );
  if (newest.length === 0) return success({ form, events: [], counts, width, histogram });
  const found = await asker.rows(
    `SELECT out_kind, sensor, frame_epoch, frame_seq, frame_index, out_at FROM (${newest.join(' UNION ALL ')})
     ORDER BY out_at DESC, out_kind, sensor, frame_epoch, frame_seq, frame_index LIMIT {limit: UInt32}`,
    { ...parameters, limit: q.limit },
  );
  if (!found.ok) return found;
  const events = await inOrder(
    asker,
    found.value.map(([kind, ...row]) => ({ kind: kind as KindName, place: placeOf(row) })),
  );
  return events.ok ? success({ form, events: events.value, counts, width, histogram }) : events;
}

/** The events at places of known kinds, in their order. */
async function inOrder(
  asker: Asker,
  wanted: readonly { readonly kind: KindName; readonly place: Place }[],
): Promise<Result<StoredEvent[]>> {
  const byRef = new Map<string, StoredEvent>();
  for (const kind of new Set(wanted.map((w) => w.kind))) {
    const places = wanted.filter((w) => w.kind === kind).map((w) => w.place);
    const events = await eventsOfKind(asker, kind, places);
    if (!events.ok) return events;
    for (const e of events.value) byRef.set(`${kind} ${e.ref}`, e);
  }
  return success(
    wanted.flatMap(({ kind, place: p }) => byRef.get(`${kind} ${p.sensor}/${p.epoch}/${p.seq}/${p.index}`) ?? []),
  );
}

/** As an IPv6 parameter is read: IPv4 in its mapped form. */
export const mapped = (text: string): string => (text.includes(':') ? text : `::ffff:${text}`);
