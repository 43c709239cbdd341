// What one event is to detection: the record, where it stands in the input, and the hosts behind its addresses.
//
// Stages meet here: entities fill `hosts`, signals and chains read observations, nobody imports anybody.
import type { EventOf, KindName } from './gen/events.gen.ts';

/** Classes of things that chains join on (chains.md, Joins). */
export type EntityClass = 'host' | 'user' | 'domain' | 'file';

/** A host as known at the event's time. */
export interface HostRef {
  /** `mac:aa:bb:cc:dd:ee:ff` when a lease or an ARP binding says whose address it was, else `ip:192.0.2.7`. */
  readonly id: string;
  /** Inside the configured local networks. */
  readonly local: boolean;
  /** Which record said so: `dhcp REF`, `arp REF`, or `address` when nobody did. */
  readonly evidence: string;
  /** What the host calls itself (RFC 2132 3.14), when it has said so. */
  readonly name?: string | null;
}

export interface Observation<K extends KindName = KindName> {
  readonly kind: K;
  readonly event: EventOf[K];
  /** Packet time at which the record was complete [us]: order, windows and memory run on it. */
  readonly seen: number;
  /** `sensor/epoch/seq/index`, the place in the input log. */
  readonly ref: string;
  /** Of the record's values without `ref`: the same on every machine (16 hex digits). Ties are broken by it. */
  readonly hash: string;
  /** The host behind each field of ENTITY_FIELDS that holds an address, by the derived field's name. */
  readonly hosts: Readonly<Record<string, HostRef>>;
}

export interface EntityField {
  readonly class: EntityClass;
  /** The schema's field it is made from. A `host` made from an address is resolved; from a text it is the id itself. */
  readonly from: string;
}

const flow: Readonly<Record<string, EntityField>> = {
  orig_host: { class: 'host', from: 'orig_h' },
  resp_host: { class: 'host', from: 'resp_h' },
};

/** Fields of each kind that name an entity, under the name that `where` and `bind` use. */
export const ENTITY_FIELDS: Partial<Readonly<Record<KindName, Readonly<Record<string, EntityField>>>>> = {
  conn: flow,
  conn_update: flow,
  dns: { ...flow, query: { class: 'domain', from: 'query' } },
  http: { ...flow, host: { class: 'domain', from: 'host' }, username: { class: 'user', from: 'username' } },
  tls: { ...flow, server_name: { class: 'domain', from: 'server_name' } },
  icmp: flow,
  x509: flow,
  ssh: flow,
  ftp: { ...flow, user: { class: 'user', from: 'user' } },
  snmp: flow,
  ntp: flow,
  smtp: { ...flow, username: { class: 'user', from: 'username' } },
  pop3: { ...flow, user: { class: 'user', from: 'user' } },
  quic: { ...flow, server_name: { class: 'domain', from: 'server_name' } },
  socks: flow,
  websocket: flow,
  ntlm: { ...flow, username: { class: 'user', from: 'username' } },
  smb: flow,
  smb_file: flow,
  smb_mapping: flow,
  dce_rpc: flow,
  kerberos: { ...flow, client: { class: 'user', from: 'client' } },
  ldap: flow,
  ldap_search: flow,
  radius: { ...flow, username: { class: 'user', from: 'username' } },
  weird: flow,
  file: {
    rx_host: { class: 'host', from: 'rx_host' },
    tx_host: { class: 'host', from: 'tx_host' },
    sha256: { class: 'file', from: 'sha256' },
  },
  signal: {
    src_host: { class: 'host', from: 'src_host' },
    dst_host: { class: 'host', from: 'dst_host' },
    dst_name: { class: 'domain', from: 'dst_name' },
    sha256: { class: 'file', from: 'sha256' },
    user: { class: 'user', from: 'user' },
  },
  sighting: { host: { class: 'host', from: 'host' } },
  identity: { host: { class: 'host', from: 'host' }, user: { class: 'user', from: 'user' } },
};

/** What memory is asked about: each space has its own keys. */
export type Space = 'domain' | 'file' | 'addr' | 'ja4' | 'user_agent' | 'cert' | 'user';

/** What memory knows of a key, as of a time. */
export interface Recollection {
  /** Packet times [us]; undefined: never, as far back as `since`. */
  readonly first: number | undefined;
  readonly last: number | undefined;
  readonly count: number;
  /** Whole UTC days with at least one touch. */
  readonly days: number;
  /** Memory answers for this key from here on: the start of memory, or this key's last eviction [us]. */
  readonly since: number;
}

/**
 * Long memory (chains.md, Memory functions). Everything is as of the moment of the call in event order: touch first,
 * then look. Hosts are HostRef ids.
 */
export interface Memory {
  /** `key` was seen at `at` [us], by `host` when one is known. Also touches the pair (host, key). */
  touch(space: Space, key: string, at: number, host?: string): void;
  /** Of the key alone, or of the pair with `host`. */
  look(space: Space, key: string, host?: string): Recollection;
  /** How many hosts touched the key in the last `days` whole UTC days up to `at`: exact to 16, 17 for more. */
  prevalence(space: Space, key: string, days: number, at: number): number;
}

/** Durable state of one stage: buffered until State.commit(), then all sections and the cursor in one transaction. */
export interface Section {
  get(key: string): Uint8Array | undefined;
  put(key: string, value: Uint8Array): void;
  remove(key: string): void;
  /** Committed and buffered entries, by key. */
  entries(): Iterable<readonly [string, Uint8Array]>;
}
