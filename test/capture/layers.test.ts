// What real programs send of the layers beside TCP and UDP, read by the native core: captures beside the layers, made
// by the scripts there.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { skip } from '../skip.ts';
import { NATIVE } from './veth.ts';

type Event = { readonly kind: string } & Readonly<Record<string, unknown>>;

const capture = (name: string): string => fileURLToPath(new URL(`../../native/${name}`, import.meta.url));
function read(name: string): Event[] {
  const lines = execFileSync(NATIVE, ['read', capture(name), '--json'], { encoding: 'utf8' })
    .trim()
    .split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Event);
}
const of = (events: readonly Event[], kind: string): Event[] => events.filter((e) => e.kind === kind);

describe('layers, as real programs send them', () => {
  before(function () {
    if (!existsSync(NATIVE)) skip(this, 'catenary-native is not built');
  });

  it('LLDP and CDP: what lldpd says of itself', () => {
    const [lldp] = of(read('decode/lldp/captures/lldpd.pcap'), 'neighbour');
    assert.equal(lldp?.protocol, 'lldp');
    assert.equal(lldp?.hw_src_mac, '02:00:00:00:00:01');
    assert.equal(lldp?.system_description, 'Debian test switch');
    assert.ok((lldp?.management_addresses as string[] | undefined)?.includes('192.0.2.7'));
    assert.equal(lldp?.port_description, 'here');
    const [cdp] = of(read('decode/cdp/captures/lldpd.pcap'), 'neighbour');
    assert.equal(cdp?.protocol, 'cdp');
    assert.equal(cdp?.platform, 'virtual');
    assert.equal(cdp?.port_id, 'here');
    assert.deepEqual(cdp?.management_addresses, ['192.0.2.7']);
    assert.equal(cdp?.system_name, lldp?.system_name);
  });

  it('IGMP: the groups of a host, in three versions', () => {
    const events = read('decode/igmp/captures/groups.pcap');
    const groups = (version: number): unknown[] =>
      [
        ...new Set(
          of(events, 'igmp')
            .filter((e) => e.version === version)
            .map((e) => e.group),
        ),
      ].sort();
    for (const version of [1, 2, 3]) {
      assert.deepEqual(groups(version), ['232.1.1.1', '239.1.2.3', '239.255.255.250'], `version ${version}`);
    }
    assert.ok(of(events, 'igmp').some((e) => e.name === 'leave'));
    const [from] = of(events, 'igmp').filter((e) => e.group === '232.1.1.1' && e.version === 3);
    assert.deepEqual(from?.sources, ['192.0.2.9']);
    assert.deepEqual(of(events, 'weird'), []);
  });

  it('SCTP: an association that ends in order, and one that nobody takes', () => {
    const events = read('decode/sctp/captures/daytime.pcap');
    const flows = of(events, 'conn').filter((e) => e.proto === 132);
    const served = flows.find((e) => e.resp_p === 13);
    assert.equal(served?.conn_state, 'SF');
    assert.ok((served?.resp_bytes as number) > 20, 'the time of day');
    assert.deepEqual(of(events, 'weird'), []);
    assert.equal(flows.find((e) => e.resp_p === 14)?.conn_state, 'S0');
  });

  it('MPTCP: both ends agree', () => {
    const [flow] = of(read('decode/tcp/captures/mptcp.pcap'), 'conn');
    assert.equal(flow?.mptcp, 'capable');
    assert.deepEqual(flow?.service, ['http']);
  });

  it('WireGuard: a handshake', () => {
    const events = read('protocols/wireguard/captures/ping.pcap');
    const [asked, answered] = of(events, 'wireguard');
    assert.equal(asked?.message, 'handshake_initiation');
    assert.equal(answered?.message, 'handshake_response');
    assert.equal(answered?.receiver_index, asked?.sender_index);
    assert.deepEqual(of(events, 'conn')[0]?.service, ['wireguard']);
  });
});
