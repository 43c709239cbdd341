import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Networks } from '../config/networks.ts';
import type { ArpEvent, DhcpEvent, IcmpEvent, IdentityEvent } from '../schema/gen/events.gen.ts';
import type { Section } from '../schema/observation.ts';
import { openState } from '../state/state.ts';
import { Entities, type EntitiesOptions, HOLD, HOST_ADDRESSES_MAX, PROXY_WITHIN } from './entities.ts';
import { PAST_MAX, VLANS_MAX } from './intervals.ts';

const S = 1e6;
const HOUR = 3600 * S;
const DAY = 24 * HOUR;
const t0 = 1_700_000_000 * S;
const networks = new Networks();

const mac = (n: number): string =>
  `02:00:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`;
const id = (n: number): string => `mac:${mac(n)}`;
const [A, B, C] = [1, 2, 3] as const;

class World {
  readonly entities: Entities;
  private n = 0;
  constructor(options: Partial<EntitiesOptions> = {}) {
    this.entities = new Entities({ networks, ...options });
  }
  private ref(): string {
    return `s/1/1/${this.n++}`;
  }
  dhcp(host: number, ip: string | null, at: number, more: Partial<DhcpEvent> = {}): IdentityEvent[] {
    const event: DhcpEvent = {
      ...{ ts: at, seen: at, cut: false, uids: [], client_addr: null, server_addr: '10.0.0.1', mac: mac(host) },
      ...{
        host_name: null,
        client_fqdn: null,
        domain: null,
        requested_addr: null,
        assigned_addr: ip,
        lease_time: 86400,
      },
      ...{ client_message: null, server_message: null, msg_types: ['REQUEST', 'ACK'], duration: 0 },
      ...{
        client_software: null,
        server_software: null,
        trans_id: 1,
        client_id: null,
        param_list: [],
        relay_addr: null,
      },
      ...{ circuit_id: null, agent_remote_id: null, subscriber_id: null, routers: [], dns_servers: [], vlan: null },
      ...more,
    };
    return this.entities.observe('dhcp', event, this.ref());
  }
  arp(host: number | string, ip: string, at: number, vlan: number | null = null): IdentityEvent[] {
    const own = typeof host === 'string' ? host : mac(host);
    const event: ArpEvent = {
      ...{ ts: at, seen: at, cut: false, opcode: 2, hw_src_mac: own, hw_dst_mac: own, sender_mac: own, sender_ip: ip },
      ...{ target_mac: own, target_ip: ip, gratuitous: true, vlan },
    };
    return this.entities.observe('arp', event, this.ref());
  }
  nd(host: number, type: number, source: string, target: string | null, at: number): IdentityEvent[] {
    const event: IcmpEvent = {
      ...{
        ts: at,
        seen: at,
        cut: false,
        uid: 'C',
        orig_h: source,
        orig_p: type,
        resp_h: 'ff02::1',
        resp_p: 0,
        proto: 58,
      },
      ...{ vlan: null, icmp_type: type, icmp_code: 0, name: '', v6: true, is_orig: true, payload_bytes: 24, id: null },
      ...{
        seq: null,
        entropy: null,
        quoted_orig_h: null,
        quoted_orig_p: null,
        quoted_resp_h: null,
        quoted_resp_p: null,
      },
      ...{ quoted_proto: null, gateway: null, target, target_mac: mac(host), next_mtu: null, quoted_uid: null },
    };
    return this.entities.observe('icmp', event, this.ref());
  }
  at(ip: string, at: number, vlan?: number): string {
    return this.entities.resolve(ip, at, vlan).id;
  }
}

const told = (events: IdentityEvent[]): string[] => events.map((e) => `${e.change} ${e.host} ${e.addr}`);

describe('entities', () => {
  it('an address that nobody claimed is itself, local or not', () => {
    const w = new World();
    assert.deepEqual(w.entities.resolve('10.0.0.5', t0), { id: 'ip:10.0.0.5', local: true, evidence: 'address' });
    assert.deepEqual(w.entities.resolve('198.51.100.7', t0), {
      id: 'ip:198.51.100.7',
      local: false,
      evidence: 'address',
    });
    assert.equal(w.entities.resolve('not an address', t0).local, false);
  });

  it('a lease names the host from its ACK on', () => {
    const w = new World();
    const events = w.dhcp(A, '10.0.0.5', t0, { duration: 2.5, seen: t0 + 12 * S, host_name: 'laptop' });
    assert.deepEqual(told(events), [`opened ${id(A)} 10.0.0.5`]);
    const [e] = events as [IdentityEvent];
    assert.deepEqual(
      [e.from, e.known_at, e.until, e.name, e.source, e.confidence],
      [t0 + 2.5 * S, t0 + 12 * S, null, 'laptop', 'dhcp', 1],
    );
    assert.deepEqual(e.refs, ['s/1/1/0']);
    assert.equal(w.at('10.0.0.5', t0 + 2.4 * S), 'ip:10.0.0.5');
    assert.deepEqual(w.entities.resolve('10.0.0.5', t0 + 2.5 * S), {
      id: id(A),
      local: true,
      evidence: 'dhcp s/1/1/0',
      name: 'laptop',
    });
  });

  it('only an ACK binds', () => {
    const w = new World();
    for (const msg_types of [['DISCOVER', 'OFFER'], ['REQUEST'], ['REQUEST', 'NAK'], ['INFORM']])
      assert.deepEqual(w.dhcp(A, '10.0.0.5', t0, { msg_types }), []);
    assert.deepEqual(w.dhcp(A, null, t0, { msg_types: ['INFORM', 'ACK'], client_addr: '10.0.0.5' }), []);
    assert.deepEqual(w.dhcp(A, '10.0.0.5', t0, { mac: null }), []);
    assert.equal(w.at('10.0.0.5', t0), 'ip:10.0.0.5');
  });

  it('two laptops that had the same address never join', () => {
    const w = new World();
    w.dhcp(A, '10.0.0.5', t0);
    const events = w.dhcp(B, '10.0.0.5', t0 + 30 * DAY);
    assert.deepEqual(told(events), [`closed ${id(A)} 10.0.0.5`, `opened ${id(B)} 10.0.0.5`]);
    assert.equal(events[0]?.until, t0 + 30 * DAY);
    assert.equal(w.at('10.0.0.5', t0 + 30 * DAY - 1), id(A));
    assert.equal(w.at('10.0.0.5', t0 + 30 * DAY), id(B));
  });

  it('one laptop with six addresses is one host, and stays it when it moves', () => {
    const w = new World();
    w.dhcp(A, '10.0.0.5', t0);
    for (const ip of ['10.1.0.5', '192.168.3.4']) w.dhcp(A, ip, t0 + DAY);
    w.arp(A, '172.16.0.9', t0 + DAY);
    w.nd(A, 136, 'fe80::5', 'fe80::5', t0 + DAY);
    w.nd(A, 135, 'fd00::5', 'fd00::1', t0 + DAY);
    for (const ip of ['10.0.0.5', '10.1.0.5', '192.168.3.4', '172.16.0.9', 'fe80::5', 'fd00::5'])
      assert.equal(w.at(ip, t0 + 2 * DAY), id(A), ip);
    assert.equal(w.at('fd00::1', t0 + 2 * DAY), 'ip:fd00::1');
  });

  it('the gateway never becomes the hosts behind it', () => {
    const w = new World();
    assert.deepEqual(w.arp(9, '198.51.100.7', t0), []);
    assert.deepEqual(w.dhcp(9, '198.51.100.8', t0), []);
    assert.deepEqual(w.nd(9, 136, 'fe80::1', '2001:db8::7', t0), []);
    assert.equal(w.at('198.51.100.7', t0), 'ip:198.51.100.7');
    assert.equal(w.entities.stats().addresses, 0);
  });

  it('neighbour messages are about who sends them, advertisements about their target', () => {
    const w = new World();
    w.nd(A, 133, 'fe80::a', null, t0);
    w.nd(B, 134, 'fe80::b', null, t0);
    w.nd(C, 136, 'fe80::c', 'fd00::c', t0);
    w.nd(7, 137, 'fe80::b', 'fd00::7', t0); // a redirect tells of somebody else
    w.nd(8, 135, '::', 'fd00::8', t0); // a probe asks
    assert.deepEqual(
      ['fe80::a', 'fe80::b', 'fd00::c', 'fe80::c', 'fd00::7', 'fd00::8'].map((ip) => w.at(ip, t0)),
      [id(A), id(B), id(C), 'ip:fe80::c', 'ip:fd00::7', 'ip:fd00::8'],
    );
  });

  it('what no machine can have, or be, binds nothing', () => {
    const w = new World();
    for (const ip of ['0.0.0.0', '127.0.0.1', '::', '::1']) assert.deepEqual(w.arp(A, ip, t0), []);
    for (const m of ['ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '00:00:00:00:00:00', '', '02:00:00:00:00'])
      assert.deepEqual(w.arp(m, '10.0.0.5', t0), []);
    assert.equal(w.entities.stats().addresses, 0);
  });

  it('while a lease holds, ARP of another machine changes nothing', () => {
    const w = new World();
    w.dhcp(A, '10.0.0.5', t0);
    assert.deepEqual(w.arp(B, '10.0.0.5', t0 + DAY - 1), []);
    assert.equal(w.entities.stats().conflicts, 1);
    assert.equal(w.at('10.0.0.5', t0 + DAY), id(A));
    assert.deepEqual(told(w.arp(B, '10.0.0.5', t0 + DAY)), [`closed ${id(A)} 10.0.0.5`, `opened ${id(B)} 10.0.0.5`]);
  });

  it('a lease that its host has replaced stands against nobody', () => {
    const w = new World();
    w.dhcp(A, '10.0.0.5', t0);
    w.dhcp(A, '10.0.0.6', t0 + HOUR);
    assert.equal(w.at('10.0.0.5', t0 + 2 * HOUR), id(A));
    w.arp(B, '10.0.0.5', t0 + 2 * HOUR);
    w.arp(B, '10.0.0.6', t0 + 2 * HOUR);
    assert.equal(w.at('10.0.0.5', t0 + 2 * HOUR), id(B));
    assert.equal(w.at('10.0.0.6', t0 + 2 * HOUR), id(A));
  });

  it('a binding outlives a lease whose renewal was not seen, but not HOLD', () => {
    const w = new World();
    w.dhcp(A, '10.0.0.5', t0);
    w.arp(B, '10.0.0.6', t0);
    assert.equal(w.at('10.0.0.5', t0 + 60 * DAY), id(A));
    assert.equal(w.at('10.0.0.6', t0 + HOLD), id(B));
    assert.equal(w.at('10.0.0.6', t0 + HOLD + 1), 'ip:10.0.0.6');
    assert.equal(w.at('10.0.0.5', t0 + HOLD + DAY), id(A));
    assert.equal(w.at('10.0.0.5', t0 + HOLD + DAY + 1), 'ip:10.0.0.5');
  });

  it('a release, a decline or a refusal ends it', () => {
    for (const [type, field] of [
      ['RELEASE', 'client_addr'],
      ['DECLINE', 'requested_addr'],
      ['NAK', 'requested_addr'],
    ] as const) {
      const w = new World();
      w.dhcp(A, '10.0.0.5', t0);
      assert.deepEqual(w.dhcp(B, null, t0 + HOUR, { msg_types: [type], [field]: '10.0.0.5' }), []);
      const events = w.dhcp(A, null, t0 + HOUR, { msg_types: [type], [field]: '10.0.0.5' });
      assert.deepEqual(told(events), [`closed ${id(A)} 10.0.0.5`]);
      assert.equal(w.at('10.0.0.5', t0 + HOUR), 'ip:10.0.0.5');
      assert.equal(w.at('10.0.0.5', t0 + HOUR - 1), id(A));
    }
  });

  it('says renewed, changed and nothing where nothing is new', () => {
    const w = new World();
    assert.deepEqual(told(w.arp(A, '10.0.0.5', t0)), [`opened ${id(A)} 10.0.0.5`]);
    assert.deepEqual(w.arp(A, '10.0.0.5', t0 + 1), []);
    assert.deepEqual(told(w.dhcp(A, '10.0.0.5', t0 + 2, { msg_types: ['REQUEST', 'ACK', 'ACK'] })), [
      `changed ${id(A)} 10.0.0.5`,
    ]);
    assert.deepEqual(told(w.dhcp(A, '10.0.0.5', t0 + 3)), [`renewed ${id(A)} 10.0.0.5`]);
    assert.deepEqual(told(w.dhcp(A, '10.0.0.5', t0 + 4, { host_name: 'new' })), [`changed ${id(A)} 10.0.0.5`]);
    assert.equal(w.entities.resolve('10.0.0.5', t0).evidence, 'dhcp s/1/1/4');
  });

  it('a record that comes late is put where it belongs', () => {
    const w = new World();
    w.dhcp(B, '10.0.0.5', t0 + DAY);
    assert.deepEqual(w.dhcp(A, '10.0.0.5', t0, { seen: t0 + DAY + S }), []);
    assert.equal(w.at('10.0.0.5', t0 + 1), id(A));
    assert.equal(w.at('10.0.0.5', t0 + DAY), id(B));
    assert.deepEqual(w.arp(A, '10.0.0.5', t0 + DAY - 1), []);
    assert.equal(w.at('10.0.0.5', t0 + DAY + 1), id(B));
  });

  it('the same address in two VLANs is two hosts, and nobody’s without a VLAN', () => {
    const w = new World();
    w.arp(A, '10.0.0.5', t0, 10);
    w.arp(B, '10.0.0.5', t0 + 1, 20);
    w.arp(A, '10.0.0.5', t0 + 2, 10);
    assert.equal(w.at('10.0.0.5', t0 + 3, 10), id(A));
    assert.equal(w.at('10.0.0.5', t0 + 3, 20), id(B));
    assert.equal(w.at('10.0.0.5', t0 + 3), 'ip:10.0.0.5');
    // Not heard again since the other came: moved, not doubled.
    w.arp(C, '10.0.0.6', t0, 10);
    w.arp(B, '10.0.0.6', t0 + 1, 20);
    assert.equal(w.at('10.0.0.6', t0 + 2), id(B));
    // The same host's lease seen on its way to the server.
    w.dhcp(A, '10.0.0.7', t0, { vlan: 10 });
    w.dhcp(A, '10.0.0.7', t0, { vlan: 99 });
    assert.equal(w.at('10.0.0.7', t0 + 1), id(A));
  });

  it('a machine that answers for a whole network is believed no more', () => {
    for (const n of [HOST_ADDRESSES_MAX - 1, HOST_ADDRESSES_MAX, HOST_ADDRESSES_MAX + 1]) {
      const w = new World();
      for (let i = 0; i < n; i++) w.arp(A, `10.0.1.${i}`, t0 + i);
      const isProxy = n > HOST_ADDRESSES_MAX;
      assert.equal(w.entities.stats().proxies, isProxy ? 1 : 0);
      assert.equal(w.at('10.0.1.0', t0 + n), isProxy ? 'ip:10.0.1.0' : id(A));
      assert.equal(
        w.arp(A, '10.0.2.1', t0 + n).some((e) => e.change === 'opened'),
        n < HOST_ADDRESSES_MAX,
      );
    }
  });

  it('privacy addresses, one a day, push out the oldest', () => {
    const w = new World();
    for (let d = 0; d <= HOST_ADDRESSES_MAX; d++) w.nd(A, 135, `fd00::${d + 1}`, 'fd00::ffff', t0 + d * PROXY_WITHIN);
    assert.equal(w.entities.stats().proxies, 0);
    const now = t0 + (HOST_ADDRESSES_MAX + 1) * PROXY_WITHIN;
    assert.equal(w.at('fd00::1', now), 'ip:fd00::1');
    assert.equal(w.at('fd00::2', now), id(A));
  });

  it('closed intervals and VLANs of an address are bounded', () => {
    const w = new World();
    for (let i = 0; i <= PAST_MAX + 1; i++) w.dhcp(10 + i, '10.0.0.5', t0 + i * DAY);
    assert.equal(w.at('10.0.0.5', t0 + DAY - 1), 'ip:10.0.0.5');
    assert.equal(w.at('10.0.0.5', t0 + DAY), id(11));
    for (let v = 0; v <= VLANS_MAX; v++) w.arp(50 + v, '10.0.0.9', t0 + v, v);
    assert.equal(w.at('10.0.0.9', t0 + 100, 1), id(51));
    assert.notEqual(w.at('10.0.0.9', t0 + 100, 0), id(50));
  });

  it('the table is bounded, and says what it forgot', () => {
    for (const n of [99, 100, 101]) {
      const w = new World({ addressesMax: 100 });
      for (let i = 0; i < n; i++) w.arp(i, `10.0.0.${i}`, t0 + i);
      assert.equal(w.entities.stats().addresses, Math.min(n, 100));
      assert.equal(w.entities.stats().evicted, n > 100 ? 1 : 0);
      assert.equal(w.at('10.0.0.0', t0 + n), n > 100 ? 'ip:10.0.0.0' : id(0));
    }
  });

  it('survives in its section, order of eviction included', () => {
    const state = openState(undefined);
    assert.ok(state.ok);
    const section: Section = state.value.section('entities');
    const w = new World({ section, addressesMax: 4 });
    w.dhcp(A, '10.0.0.1', t0, { host_name: 'a' });
    w.dhcp(B, '10.0.0.2', t0);
    w.arp(C, '10.0.0.3', t0);
    w.dhcp(B, '10.0.0.1', t0 + DAY);
    w.arp(B, '10.0.0.9', t0 + DAY);
    w.arp(C, '10.0.0.3', t0 + DAY);
    w.entities.save();
    const again = new World({ section, addressesMax: 4 });
    for (const x of [w, again]) {
      assert.equal(x.at('10.0.0.1', t0 + 1), id(A));
      x.arp(7, '10.0.0.7', t0 + 2 * DAY); // pushes out .2, the one not heard of for longest
      x.arp(A, '10.0.0.1', t0 + DAY + 1); // B's lease holds
      assert.deepEqual(
        ['.1', '.2', '.3', '.9', '.7'].map((ip) => x.at(`10.0.0${ip}`, t0 + 3 * DAY)),
        [id(B), 'ip:10.0.0.2', id(C), id(B), id(7)],
      );
    }
    assert.deepEqual(again.entities.stats(), w.entities.stats());
    w.entities.save();
    assert.equal(new World({ section }).at('10.0.0.2', t0 + 3 * DAY), 'ip:10.0.0.2');
  });

  it('whatever honest hosts do, every address is at every time whose it was', () => {
    // A server that leases an address again only when the lease is over, or released; hosts that announce what they
    // hold.
    const step = fc.record({
      do: fc.constantFrom('lease', 'arp', 'release', 'restart', 'arp'),
      host: fc.integer({ min: 1, max: 4 }),
      ip: fc.integer({ min: 1, max: 3 }),
      pause: fc.integer({ min: 1, max: 20 * 3600 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const state = openState(undefined);
        assert.ok(state.ok);
        const section = state.value.section('entities');
        let w = new World({ section });
        const holder = new Map<string, { host: number; until: number }>();
        const truth: { ip: string; from: number; host: number | undefined }[] = [];
        let now = t0;
        for (const s of steps) {
          now += s.pause * S;
          const ip = `10.0.0.${s.ip}`;
          const h = holder.get(ip);
          const isHeld = h !== undefined && now < h.until;
          if (s.do === 'lease' && (!isHeld || h.host === s.host)) {
            w.dhcp(s.host, ip, now);
            holder.set(ip, { host: s.host, until: now + DAY });
            truth.push({ ip, from: now, host: s.host });
          } else if (s.do === 'arp' && h !== undefined) {
            w.arp(h.host, ip, now);
          } else if (s.do === 'release' && isHeld) {
            w.dhcp(h.host, null, now, { msg_types: ['RELEASE'], client_addr: ip });
            holder.delete(ip);
            truth.push({ ip, from: now, host: undefined });
          } else if (s.do === 'restart') {
            w.entities.save();
            w = new World({ section });
          }
          for (let a = 1; a <= 3; a++) {
            const own = truth.filter((t) => t.ip === `10.0.0.${a}`);
            const last = own.at(-1);
            const want = last?.host === undefined ? `ip:10.0.0.${a}` : id(last.host);
            assert.equal(w.at(`10.0.0.${a}`, now), want);
            // And the moment before the last change, as long as closed intervals are kept.
            const previous = own.at(-2);
            if (last === undefined) continue;
            const was = previous?.host === undefined ? `ip:10.0.0.${a}` : id(previous.host);
            assert.equal(w.at(`10.0.0.${a}`, last.from - 1), was);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
