// One address and who held it when: the record that entities keep, and how it stands in the durable section.
import { Packr } from 'msgpackr';
import type { HostRef } from '../schema/observation.ts';

export type Source = 'dhcp' | 'arp' | 'nd';

/** [from, until) of one (address, VLAN): `mac` held it. Times are packet time [us]. */
export interface Interval {
  readonly mac: string;
  readonly vlan: number | null;
  from: number;
  /** Infinity while open. */
  until: number;
  /** When the lease ends; 0 without one. */
  lease: number;
  /** Whether `lease` is the host's newest: an older one of the same host no longer stands against anybody. */
  isNewestLease: boolean;
  source: Source;
  /** The record that says so. */
  ref: string;
  name: string | null;
  /** Last time that a record said so. */
  confirmed: number;
  /** Packet time of the record that told first: valid from `from`, but known only since. */
  readonly knownAt: number;
  /** Made once, handed out for every event. */
  host: HostRef;
}

export interface Address {
  /** One a VLAN. */
  open: Interval[];
  /** Closed, oldest first. */
  past: Interval[];
  /** Grows whenever the address is heard of: evictions take the smallest. */
  order: number;
}

/** Closed intervals an address keeps: for records that come late, and long flows that began before a move. */
export const PAST_MAX = 8;
/** VLANs in which one address is held at once. */
export const VLANS_MAX = 8;

export const hostRef = (mac: string, source: Source, ref: string, name: string | null): HostRef => ({
  id: `mac:${mac}`,
  local: true,
  evidence: `${source} ${ref}`,
  name,
});

const packr = new Packr({ useRecords: false });

type Row = [string, number | null, number, number, number, boolean, Source, string, string | null, number, number];

const toRow = (i: Interval): Row => [
  ...([i.mac, i.vlan, i.from, i.until, i.lease, i.isNewestLease] as const),
  ...([i.source, i.ref, i.name, i.confirmed, i.knownAt] as const),
];

function fromRow(row: Row): Interval {
  const [mac, vlan, from, until, lease, isNewestLease, source, ref, name, confirmed, knownAt] = row;
  const host = hostRef(mac, source, ref, name);
  return { mac, vlan, from, until, lease, isNewestLease, source, ref, name, confirmed, knownAt, host };
}

export const encodeAddress = (a: Address): Uint8Array =>
  packr.pack([a.order, a.open.map((i) => toRow(i)), a.past.map((i) => toRow(i))]);

export function decodeAddress(bytes: Uint8Array): Address {
  const [order, open, past] = packr.unpack(bytes) as [number, Row[], Row[]];
  return { order, open: open.map(fromRow), past: past.map(fromRow) };
}
