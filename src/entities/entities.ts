// Whose address is it? Answered from what says so: DHCP leases, ARP and IPv6 neighbour messages, kept as intervals of
// packet time. A laptop that moves keeps its id; two that had the same address one after the other never share one.
//
// The rules:
//   - Only addresses of the local networks are bound, and never by the Ethernet source of an IP packet: behind a
// gateway
//     every remote address has the gateway's.
//   - A DHCP ACK binds from the moment it was sent. ARP and neighbour messages bind when nobody holds the address, or
//     somebody whose lease is over or has been replaced by a newer one: while a lease holds, ARP of another machine is
//     counted as a conflict and changes nothing, because anybody on the wire can send it.
//   - A binding stays until another machine takes the address, the host releases or is refused it, or it has not been
//     heard of for HOLD. It outlives its lease: renewals are unicast and a sensor may miss them, but whoever gets the
//     address next is heard the same way as this one was.
//   - A MAC that claims more than HOST_ADDRESSES_MAX addresses within PROXY_WITHIN answers for others (proxy ARP): its
//     ARP and neighbour messages bind nothing from then on.
//   - An address that two machines hold in two VLANs at once is resolved by VLAN; without one it is nobody's.
import type {
  ArpEvent,
  CatenaryEvent,
  DhcpEvent,
  IcmpEvent,
  IdentityEvent,
  KindName,
} from '../schema/gen/events.gen.ts';
import type { HostRef, Section } from '../schema/observation.ts';
import {
  type Address,
  decodeAddress,
  encodeAddress,
  hostRef,
  type Interval,
  PAST_MAX,
  type Source,
  VLANS_MAX,
} from './intervals.ts';

const HOUR = 3600e6;
/** As long as anything remembers (chains.md: up to 400 days) [us]. */
export const HOLD = 400 * 24 * HOUR;
/** A lease whose length nobody told. RFC 2131 has none; an hour is a common default of servers [us]. */
export const LEASE_UNKNOWN = HOUR;
/** A laptop has a handful and its privacy addresses (RFC 8981: one a day for a week); a router that proxies, more. */
export const HOST_ADDRESSES_MAX = 32;
export const PROXY_WITHIN = HOUR;
export const PROXIES_MAX = 1024;
export const ADDRESSES_MAX = 1 << 16;
/** References made for addresses that nobody holds. */
const REFS_MAX = 1 << 16;

const CONFIDENCE: Readonly<Record<Source, number>> = { dhcp: 1, arp: 0.9, nd: 0.9 };
const MAC = /^[0-9a-f][02468ace](?::[0-9a-f]{2}){5}$/;
const NO_EVENTS: IdentityEvent[] = [];

export interface EntitiesOptions {
  /** The local networks. */
  readonly networks: { has(ip: string): boolean };
  /** Where bindings survive; read now, written by save(). */
  readonly section?: Section;
  readonly addressesMax?: number;
}

export interface EntitiesStats {
  readonly addresses: number;
  /** Addresses forgotten to make room: the one not heard of for longest. */
  readonly evicted: number;
  /** ARP or neighbour messages against a lease that holds. */
  readonly conflicts: number;
  readonly proxies: number;
}

/** What a record says, in one shape. */
interface Claim {
  readonly ip: string;
  readonly mac: string;
  readonly vlan: number | null;
  readonly source: Source;
  /** When it became true [us]. */
  readonly at: number;
  /** When it was told [us]. */
  readonly seen: number;
  readonly ref: string;
  readonly name: string | null;
  /** End of the lease [us]; 0 when it is none. */
  readonly lease: number;
}

export class Entities {
  private readonly networks: { has(ip: string): boolean };
  private readonly section: Section | undefined;
  private readonly addressesMax: number;
  /** In the order in which they were last heard of. */
  private readonly addresses = new Map<string, Address>();
  /** Open addresses by MAC. */
  private readonly held = new Map<string, Set<string>>();
  private readonly proxies = new Set<string>();
  private readonly changed = new Set<string>();
  private readonly refs = new Map<string, HostRef>();
  private order = 0;
  private evicted = 0;
  private conflicts = 0;

  constructor(options: EntitiesOptions) {
    this.networks = options.networks;
    this.section = options.section;
    this.addressesMax = options.addressesMax ?? ADDRESSES_MAX;
    if (this.section !== undefined) this.load(this.section);
  }

  /**
   * Learns from a record, in order of `seen`.
   * @returns what changed because of it, oldest first
   */
  observe(kind: KindName, event: CatenaryEvent, ref: string): IdentityEvent[] {
    if (kind === 'dhcp') return this.observeDhcp(event as DhcpEvent, ref);
    if (kind === 'arp') return this.observeArp(event as ArpEvent, ref);
    if (kind === 'icmp' && (event as IcmpEvent).target_mac !== null)
      return this.observeNeighbour(event as IcmpEvent, ref);
    return NO_EVENTS;
  }

  /** Whose address it was at `at`, as far as the records observed so far say. */
  resolve(ip: string, at: number, vlan?: number | null): HostRef {
    const address = this.addresses.get(ip);
    if (address === undefined) return this.unbound(ip);
    const [only] = address.open;
    // Nearly always: one holder, for long.
    if (only !== undefined && address.open.length === 1 && only.from <= at)
      return at - Math.max(only.confirmed, only.lease) > HOLD ? this.unbound(ip) : only.host;
    let then = [...address.past, ...address.open].filter((i) => i.from <= at && at < i.until);
    then = then.filter((i) => at - Math.max(i.confirmed, i.lease) <= HOLD);
    if (vlan !== undefined && then.some((i) => i.vlan === vlan)) then = then.filter((i) => i.vlan === vlan);
    let best = then[0];
    if (best === undefined) return this.unbound(ip);
    for (const i of then) if (i.from >= best.from) best = i;
    // Someone else was heard with it after the newest began: both are there.
    const { mac, from } = best;
    return then.some((i) => i.mac !== mac && i.confirmed > from) ? this.unbound(ip) : best.host;
  }

  /** Into the section: everything that changed since the last time. The state's commit makes it durable. */
  save(): void {
    const section = this.section;
    if (section === undefined) return;
    for (const ip of this.changed) {
      const address = this.addresses.get(ip);
      if (address === undefined) section.remove(`a/${ip}`);
      else section.put(`a/${ip}`, encodeAddress(address));
    }
    this.changed.clear();
    const rest = { order: this.order, evicted: this.evicted, conflicts: this.conflicts, proxies: [...this.proxies] };
    section.put('rest', Buffer.from(JSON.stringify(rest)));
  }

  stats(): EntitiesStats {
    const { evicted, conflicts } = this;
    return { addresses: this.addresses.size, evicted, conflicts, proxies: this.proxies.size };
  }

  private load(section: Section): void {
    const found: [string, Address][] = [];
    for (const [key, bytes] of section.entries()) {
      if (key.startsWith('a/')) found.push([key.slice(2), decodeAddress(bytes)]);
      if (key !== 'rest') continue;
      const rest = JSON.parse(Buffer.from(bytes).toString());
      this.order = rest.order;
      this.evicted = rest.evicted;
      this.conflicts = rest.conflicts;
      for (const mac of rest.proxies) this.proxies.add(mac);
    }
    found.sort(([, a], [, b]) => a.order - b.order);
    for (const [ip, address] of found) {
      this.addresses.set(ip, address);
      for (const i of address.open) this.heldBy(i.mac).add(ip);
    }
  }

  // ---- records to claims -------------------------------------------------------------------------------------------

  private observeDhcp(e: DhcpEvent, ref: string): IdentityEvent[] {
    const { mac } = e;
    if (mac === null || !MAC.test(mac)) return NO_EVENTS;
    const out: IdentityEvent[] = [];
    // The record is told when the transaction has been quiet; what it says was true with its last message.
    const at = Math.min(e.seen, e.ts + Math.round(e.duration * 1e6));
    let isBound = false;
    for (const type of e.msg_types) {
      if (type === 'ACK' && e.assigned_addr !== null) {
        // An ACK that was sent twice says nothing twice.
        if (isBound) continue;
        isBound = true;
        const lease = e.lease_time === null ? LEASE_UNKNOWN : e.lease_time * 1e6;
        const name = e.host_name ?? e.client_fqdn;
        const told = { ip: e.assigned_addr, mac, vlan: e.vlan, at, seen: e.seen, ref };
        this.claim({ ...told, source: 'dhcp', name, lease: at + lease }, out);
      } else if (type === 'RELEASE') {
        isBound = false;
        this.giveUp(e.client_addr, mac, at, e.seen, ref, out);
      } else if (type === 'DECLINE' || type === 'NAK') {
        this.giveUp(e.requested_addr ?? e.client_addr, mac, at, e.seen, ref, out);
      }
    }
    return out;
  }

  private observeArp(e: ArpEvent, ref: string): IdentityEvent[] {
    // A probe (RFC 5227 2.1.1) has no sender address yet: it asks, and is no claim.
    const told = { ip: e.sender_ip, mac: e.sender_mac, vlan: e.vlan, at: e.seen, seen: e.seen, ref };
    return this.hear({ ...told, source: 'arp', name: null, lease: 0 });
  }

  private observeNeighbour(e: IcmpEvent, ref: string): IdentityEvent[] {
    // RFC 4861 4.1 to 4.4: an advertisement (136) is about its target, the others about who sends them.
    const about = e.icmp_type === 136 ? e.target : e.icmp_type >= 133 && e.icmp_type <= 135 ? this.sender(e) : null;
    if (!e.v6 || about === null || e.target_mac === null) return NO_EVENTS;
    const told = { ip: about, mac: e.target_mac, vlan: e.vlan, at: e.seen, seen: e.seen, ref };
    return this.hear({ ...told, source: 'nd', name: null, lease: 0 });
  }

  private sender(e: IcmpEvent): string {
    return e.is_orig ? e.orig_h : e.resp_h;
  }

  private hear(c: Claim): IdentityEvent[] {
    if (this.proxies.has(c.mac)) return NO_EVENTS;
    // Nearly always: what is known already.
    const out: IdentityEvent[] = [];
    this.claim(c, out);
    return out;
  }

  // ---- the table ---------------------------------------------------------------------------------------------------

  private claim(c: Claim, out: IdentityEvent[]): void {
    if (!MAC.test(c.mac) || c.mac === '00:00:00:00:00:00' || !this.isBindable(c.ip)) return;
    const address = this.addresses.get(c.ip) ?? { open: [], past: [], order: 0 };
    const holder = address.open.find((i) => i.vlan === c.vlan);
    if (holder?.mac === c.mac) {
      this.confirm(holder, c, out);
    } else {
      if (holder !== undefined && c.source !== 'dhcp') {
        if (holder.isNewestLease && c.at < holder.lease) {
          this.conflicts++;
          return;
        }
        if (c.at < holder.from) return;
      }
      if (holder !== undefined && holder.source === 'dhcp' && c.at < holder.from) {
        // A lease that was over before it was told of.
        this.remember(address, this.interval(c, holder.from));
      } else {
        if (!this.makeRoom(c, out)) return;
        if (holder !== undefined) this.close(c.ip, address, holder, Math.max(c.at, holder.from), c, out);
        this.openFor(c, address, out);
      }
    }
    this.touch(c.ip, address);
  }

  private confirm(i: Interval, c: Claim, out: IdentityEvent[]): void {
    i.confirmed = Math.max(i.confirmed, c.at);
    if (c.source !== 'dhcp') return;
    const isNews = i.source !== 'dhcp' || (c.name !== null && c.name !== i.name);
    i.from = Math.min(i.from, c.at);
    i.lease = Math.max(i.lease, c.lease);
    i.source = 'dhcp';
    i.ref = c.ref;
    i.name = c.name ?? i.name;
    i.host = hostRef(i.mac, 'dhcp', c.ref, i.name);
    this.setNewestLease(i, c.ip);
    out.push(this.event(isNews ? 'changed' : 'renewed', c.ip, i, c.at, c));
  }

  private openFor(c: Claim, address: Address, out: IdentityEvent[]): void {
    if (address.open.length >= VLANS_MAX) {
      const oldest = address.open.reduce((a, b) => (b.confirmed < a.confirmed ? b : a));
      this.close(c.ip, address, oldest, Math.max(c.at, oldest.from), c, out);
    }
    const i = this.interval(c, Number.POSITIVE_INFINITY);
    address.open.push(i);
    this.heldBy(c.mac).add(c.ip);
    if (c.source === 'dhcp') this.setNewestLease(i, c.ip);
    out.push(this.event('opened', c.ip, i, c.at, c));
  }

  private close(
    ip: string,
    address: Address,
    i: Interval,
    at: number,
    c: Pick<Claim, 'seen' | 'ref' | 'source'>,
    out: IdentityEvent[],
  ): void {
    i.until = at;
    address.open = address.open.filter((o) => o !== i);
    if (!address.open.some((o) => o.mac === i.mac)) {
      const held = this.held.get(i.mac);
      held?.delete(ip);
      if (held?.size === 0) this.held.delete(i.mac);
    }
    this.remember(address, i);
    this.mark(ip);
    out.push(this.event('closed', ip, i, at, c));
  }

  private remember(address: Address, i: Interval): void {
    // One that never held at any moment would only push out one that did.
    if (i.until <= i.from) return;
    address.past.push(i);
    address.past.sort((a, b) => a.until - b.until);
    if (address.past.length > PAST_MAX) address.past.shift();
  }

  private giveUp(ip: string | null, mac: string, at: number, seen: number, ref: string, out: IdentityEvent[]): void {
    const address = ip === null ? undefined : this.addresses.get(ip);
    if (ip === null || address === undefined) return;
    for (const i of address.open.filter((o) => o.mac === mac && o.from <= at))
      this.close(ip, address, i, at, { seen, ref, source: 'dhcp' }, out);
  }

  /** Before a host gets one more address. False: this claim binds nothing. */
  private makeRoom(c: Claim, out: IdentityEvent[]): boolean {
    const held = this.held.get(c.mac);
    if (held === undefined || held.size < HOST_ADDRESSES_MAX || held.has(c.ip)) return true;
    const own = [...held].flatMap((ip) => {
      const address = this.addresses.get(ip) as Address;
      return address.open.filter((i) => i.mac === c.mac).map((i) => ({ ip, address, i }));
    });
    const oldest = own.reduce((a, b) => (b.i.confirmed < a.i.confirmed ? b : a));
    if (c.source === 'dhcp' || c.at - oldest.i.confirmed >= PROXY_WITHIN) {
      this.close(oldest.ip, oldest.address, oldest.i, Math.max(c.at, oldest.i.from), c, out);
      return true;
    }
    if (this.proxies.size >= PROXIES_MAX) this.proxies.delete(this.proxies.values().next().value as string);
    this.proxies.add(c.mac);
    for (const { ip, address, i } of own)
      if (i.source !== 'dhcp') this.close(ip, address, i, Math.max(c.at, i.from), c, out);
    return false;
  }

  private setNewestLease(i: Interval, ip: string): void {
    for (const other of this.held.get(i.mac) ?? []) {
      if (other === ip) continue;
      for (const o of this.addresses.get(other)?.open ?? []) {
        if (o.mac !== i.mac || !o.isNewestLease) continue;
        o.isNewestLease = false;
        this.mark(other);
      }
    }
    i.isNewestLease = true;
  }

  private touch(ip: string, address: Address): void {
    address.order = ++this.order;
    this.addresses.delete(ip);
    this.addresses.set(ip, address);
    this.mark(ip);
    if (this.addresses.size <= this.addressesMax) return;
    const [oldest, gone] = this.addresses.entries().next().value as [string, Address];
    this.addresses.delete(oldest);
    this.mark(oldest);
    this.evicted++;
    for (const i of gone.open) {
      const held = this.held.get(i.mac);
      held?.delete(oldest);
      if (held?.size === 0) this.held.delete(i.mac);
    }
  }

  /** To be saved, where there is somewhere to. */
  private mark(ip: string): void {
    if (this.section !== undefined) this.changed.add(ip);
  }

  private heldBy(mac: string): Set<string> {
    let held = this.held.get(mac);
    if (held === undefined) {
      held = new Set();
      this.held.set(mac, held);
    }
    return held;
  }

  /** Ours, and one that a machine can have. */
  private isBindable(ip: string): boolean {
    return ip !== '0.0.0.0' && ip !== '::' && ip !== '::1' && !ip.startsWith('127.') && this.networks.has(ip);
  }

  private unbound(ip: string): HostRef {
    let ref = this.refs.get(ip);
    if (ref === undefined) {
      ref = { id: `ip:${ip}`, local: this.networks.has(ip), evidence: 'address' };
      if (this.refs.size >= REFS_MAX) this.refs.clear();
      this.refs.set(ip, ref);
    }
    return ref;
  }

  private interval(c: Claim, until: number): Interval {
    const { mac, vlan, source, ref, name, lease } = c;
    return {
      ...{ mac, vlan, from: c.at, until, lease, isNewestLease: false, source, ref, name },
      ...{ confirmed: c.at, knownAt: c.seen, host: hostRef(mac, source, ref, name) },
    };
  }

  private event(
    change: string,
    addr: string,
    i: Interval,
    ts: number,
    by: Pick<Claim, 'seen' | 'ref' | 'source'>,
  ): IdentityEvent {
    return {
      ...{ ts, seen: by.seen, cut: false, host: i.host.id, change, addr, mac: i.mac, name: i.name },
      ...{ user: null, domain: null, source: by.source, from: i.from },
      ...{ until: i.until === Number.POSITIVE_INFINITY ? null : i.until, known_at: by.seen },
      ...{ confidence: CONFIDENCE[by.source], vlan: i.vlan, refs: [by.ref] },
    };
  }
}
