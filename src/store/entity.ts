// What the store knows of one host, address, name or file: since when, until when, how often, and with whom.
//
// An address is answered from address_day, which has a row a day and peer; the others from the kinds that name them.
import { type Result, success } from '../lib/fault.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import { ipBytes } from '../schema/ip.ts';
import { escapeText } from '../schema/record.ts';
import type { Asker, Parameters } from './asker.ts';
import { type Identities, identitiesOf } from './identities.ts';
import { addressText } from './rows.ts';
import { mapped } from './search.ts';
import { quoted } from './tables.ts';

export interface Entity {
  readonly class: 'address' | 'host' | 'domain' | 'file';
  /** An address, a host's id, a registered domain or full name, a hash. */
  readonly value: string;
}

export interface Peer {
  readonly value: string;
  readonly count: number;
}

export interface EntitySummary {
  /** Packet times [us]. */
  readonly first: number;
  readonly last: number;
  /** Records that name it; for an address its finished flows. */
  readonly count: number;
  /** UTC days on which it was seen. */
  readonly days: number;
  readonly sensors: readonly string[];
  /** Of the flows of an address: payload [bytes]. */
  readonly sentBytes: number | undefined;
  readonly receivedBytes: number | undefined;
  /** By kind; of an address only conn. */
  readonly counts: Readonly<Partial<Record<KindName, number>>>;
  /** Who dealt with it most: the other address, for a domain or file the host that asked. */
  readonly peers: readonly Peer[];
}

export const PEERS_MAX = 20;
const SENSORS_MAX = 100;

/** Kind, the condition, and the other side. */
type Place = readonly [KindName, string, string];

/** Where a domain or a file is named. */
const NAMED: Readonly<Record<'domain' | 'file', readonly Place[]>> = {
  domain: (
    [
      ['dns', 'query'],
      ['http', 'host'],
      ['tls', 'server_name'],
    ] as const
  ).map(([kind, name]) => [kind, `registered_domain = {value: String} OR ${name} = {value: String}`, 'orig_host']),
  file: [
    ['file', 'sha256 = {value: String} OR sha1 = {value: String} OR md5 = {value: String}', 'toString(rx_host)'],
    ['signal', 'sha256 = {value: String}', `ifNull(src_host, '')`],
  ],
};

/** A host takes part under its own name, or under an address that was its own at that time. */
const placesOf = (identities: Identities): Place[] =>
  (['conn', 'conn_update', 'dns', 'http', 'tls', 'icmp'] as const).map((kind) => {
    const is = (end: 'orig' | 'resp'): string =>
      [`${end}_host = {value: String}`, identities.holds(`${end}_h`) ?? []].flat().join(' OR ');
    return [kind, `${is('orig')} OR ${is('resp')}`, `if(${is('orig')}, resp_host, orig_host)`];
  });

export async function entity(asker: Asker, which: Entity): Promise<Result<EntitySummary | undefined>> {
  const { value } = which;
  switch (which.class) {
    case 'address':
      return ipBytes(value) === undefined ? success(undefined) : address(asker, value);
    case 'host':
      return host(asker, value);
    default:
      return named(asker, NAMED[which.class], { value: escapeText(value.toLowerCase()) });
  }
}

async function address(asker: Asker, text: string): Promise<Result<EntitySummary | undefined>> {
  const parameters: Parameters = { addr: mapped(text) };
  const from = `FROM ${quoted(asker.database)}.address_day WHERE addr = {addr: IPv6}`;
  const sums = await asker.rows(
    `SELECT toUnixTimestamp64Micro(min(first)), toUnixTimestamp64Micro(max(last)), sum(flows), uniqExact(day),
       arraySort(groupUniqArray(${SENSORS_MAX})(toString(sensor))), sum(sent_bytes), sum(received_bytes) ${from}`,
    parameters,
  );
  if (!sums.ok) return sums;
  const [first, last, count, days, sensors, sent, received] = sums.value[0] ?? [];
  if (Number(count ?? 0) === 0) return success(undefined);
  const peers = await asker.rows(
    `SELECT toString(peer), sum(flows) AS n ${from} GROUP BY peer ORDER BY n DESC, peer LIMIT ${PEERS_MAX}`,
    parameters,
  );
  if (!peers.ok) return peers;
  return success({
    ...{ first: Number(first), last: Number(last), count: Number(count), days: Number(days) },
    ...{ sensors: sensors as string[], sentBytes: Number(sent), receivedBytes: Number(received) },
    ...{ counts: { conn: Number(count) }, peers: peersOf(peers.value) },
  });
}

async function host(asker: Asker, value: string): Promise<Result<EntitySummary | undefined>> {
  const identities = await identitiesOf(asker, value);
  return identities.ok
    ? named(asker, placesOf(identities.value), { value, ...identities.value.parameters })
    : identities;
}

async function named(
  asker: Asker,
  places: readonly Place[],
  parameters: Parameters,
): Promise<Result<EntitySummary | undefined>> {
  const each = places.map(
    ([kind, where, peer]) =>
      `SELECT '${kind}' AS kind, ts, seen, toString(sensor) AS sensor, ${peer} AS peer
       FROM ${quoted(asker.database)}.${quoted(kind)} WHERE ${where}`,
  );
  const all = `(${each.join(' UNION ALL ')})`;
  const sums = await asker.rows(
    `SELECT kind, toUnixTimestamp64Micro(min(ts)), toUnixTimestamp64Micro(max(seen)), count(),
       groupUniqArray(toDate(seen)), groupUniqArray(${SENSORS_MAX})(sensor) FROM ${all} GROUP BY kind ORDER BY kind`,
    parameters,
  );
  if (!sums.ok) return sums;
  if (sums.value.length === 0) return success(undefined);
  const peers = await asker.rows(
    `SELECT peer, count() AS n FROM ${all} WHERE peer != '' GROUP BY peer ORDER BY n DESC, peer LIMIT ${PEERS_MAX}`,
    parameters,
  );
  if (!peers.ok) return peers;
  const rows = sums.value;
  const unique = (i: number): string[] => [...new Set(rows.flatMap((row) => row[i] as string[]))].sort();
  return success({
    first: Math.min(...rows.map((row) => Number(row[1]))),
    last: Math.max(...rows.map((row) => Number(row[2]))),
    count: rows.reduce((n, row) => n + Number(row[3]), 0),
    days: unique(4).length,
    sensors: unique(5).slice(0, SENSORS_MAX),
    ...{ sentBytes: undefined, receivedBytes: undefined },
    counts: Object.fromEntries(rows.map((row) => [row[0], Number(row[3])])),
    peers: peersOf(peers.value),
  });
}

const peersOf = (rows: readonly (readonly unknown[])[]): Peer[] =>
  rows.map(([value, n]) => ({ value: addressText(String(value)), count: Number(n) }));
