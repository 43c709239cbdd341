import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import type { TextOutput } from '../../lib/output.ts';
import { anyEvent, emptyEvent } from '../../schema/any_event.test.ts';
import type { CatenaryEvent, KindName, X509Event } from '../../schema/gen/events.gen.ts';
import { EVE_KINDS, EveWriter, eveLine, flowId } from './eve.ts';
import { CERTIFICATES_MAX, Memory } from './memory.ts';
import { application } from './names.ts';
import { FLOW } from './records/flow.ts';
import { nameText } from './records/tls.ts';
import { RECORDS } from './records.ts';
import { stamp } from './time.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PROTOCOLS = join(ROOT, 'native/protocols');

// biome-ignore lint/suspicious/noExplicitAny: lines are looked into by name
type Line = Record<string, any>;

/** What the program writes of captures, which real programs made. */
function read(...args: readonly string[]): Line[] {
  const cli = ['--import', 'tsx', join(ROOT, 'src/cli.ts'), 'read', '-q', '--as', 'eve'];
  const text = execFileSync(process.execPath, [...cli, ...args], { cwd: ROOT, maxBuffer: 1 << 26 }).toString();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

const capture = (path: string): string => join(PROTOCOLS, path);
const captures = (): string[] =>
  readdirSync(PROTOCOLS, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.pcap'))
    .sort()
    .map(capture);

function linesOf<K extends KindName>(kind: K, event: object, memory = new Memory()): Line[] {
  const found = RECORDS.find((r) => r.kind === kind);
  assert.ok(found);
  const whole = { ...emptyEvent(kind), ...event } as unknown as CatenaryEvent;
  return found.lines(whole, memory).map((r) => JSON.parse(eveLine(r, null)));
}

const first = (kind: KindName, event: object): Line => linesOf(kind, event)[0] as Line;

/** The lines of one type that have this in their section. */
function section(lines: readonly Line[], type: string): Line[] {
  return lines.filter((line) => line.event_type === type).map((line) => line[type]);
}

describe('eve from captures', () => {
  it('flow, http and fileinfo of one connection have one flow_id', () => {
    const lines = read(capture('http/captures/executable.pcap'));
    const [http] = lines.filter((l) => l.event_type === 'http');
    const [file] = lines.filter((l) => l.event_type === 'fileinfo');
    const flow = lines.find((l) => l.event_type === 'flow' && l.flow_id === http?.flow_id);
    assert.ok(http && file && flow);
    assert.equal(file.flow_id, flow.flow_id);
    assert.equal(flow.app_proto, 'http');
    assert.equal(flow.proto, 'TCP');
    assert.equal(http.http.status, 200);
    assert.equal(http.http.protocol, 'HTTP/1.1');
    assert.deepEqual([file.src_ip, file.dest_ip], [http.dest_ip, http.src_ip]);
    assert.match(file.fileinfo.sha256, /^[0-9a-f]{64}$/);
    assert.equal(flow.flow.state, 'closed');
    assert.deepEqual(flow.tcp, { syn: true, fin: true, ack: true, state: 'closed' });
    assert.match(flow.timestamp, /^2026-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+0000$/);
    assert.ok(flow.flow.start <= http.timestamp && http.timestamp <= flow.flow.end);
  });

  it('dns: a question and an answer, by type', () => {
    const lines = section(read(capture('dns/captures/types.pcap')), 'dns');
    const [query, answer] = lines;
    assert.deepEqual(query, {
      version: 2,
      type: 'query',
      id: 27892,
      rrname: 'www.example.test',
      rrtype: 'A',
      opcode: 0,
    });
    assert.deepEqual(answer, {
      ...{ version: 2, type: 'answer', id: 27892, rrname: 'www.example.test', rrtype: 'A', opcode: 0, qr: true },
      ...{ flags: '8500', aa: true, rd: true, rcode: 'NOERROR' },
      answers: [{ rrtype: 'A', ttl: 300, rdata: '192.0.2.80' }],
      grouped: { A: ['192.0.2.80'] },
    });
    const of = (rrtype: string): Line => lines.find((l) => l.rrtype === rrtype && l.type === 'answer') ?? {};
    assert.deepEqual(of('SRV').answers, [{ rrtype: 'SRV', ttl: 300, srv: { name: 'sip.example.test' } }]);
    assert.deepEqual(of('CAA').answers, [{ rrtype: 'CAA', rdata: '128 issue ca.example' }]);
    assert.deepEqual(of('NS').grouped, { NS: ['ns1.example.test', 'ns2.example.test'] });
    assert.ok(lines.some((l) => l.rrname === 'WWW.Example.Test'));
  });

  it('tls has what its certificate says', () => {
    const [tls] = section(read(capture('tls/captures/client_certificate.pcap')), 'tls');
    assert.ok(tls);
    assert.deepEqual([tls.subject, tls.serial], ['O=Example, Ltd, CN=www.example.test', '01:AB']);
    assert.equal(tls.issuerdn, 'C=XX, O=Example, Ltd, CN=Example Root');
    assert.match(tls.fingerprint, /^(?:[0-9a-f]{2}:){19}[0-9a-f]{2}$/);
    assert.match(tls.notafter, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
    assert.equal(tls.client.subject, 'O=Example, Ltd, OU=#1 + more, CN=client');
    assert.equal(tls.version, 'TLS 1.2');
    assert.match(tls.ja3.hash, /^[0-9a-f]{32}$/);
  });

  it('other protocols', () => {
    const of = (path: string, type: string): Line => section(read(capture(path)), type)[0] ?? {};
    assert.equal(of('ssh/captures/key.pcap', 'ssh').client.proto_version, '2.0');
    assert.deepEqual(of('smtp/captures/plain.pcap', 'smtp').rcpt_to, ['<bob@example.org>', '<carol@example.org>']);
    assert.equal(of('kerberos/captures/refused.pcap', 'krb5').failed_request, 'KRB_AS_REQ');
    assert.equal(of('snmp/captures/get.pcap', 'snmp').community, 'public');
    assert.deepEqual(of('tftp/captures/missing.pcap', 'tftp'), { packet: 'read', file: 'none.txt', mode: 'netascii' });
    assert.equal(of('rdp/captures/rdp.pcap', 'rdp').client.client_name, 'DESK-7');
    assert.equal(of('dce_rpc/captures/tcp.pcap', 'dcerpc').response, 'RESPONSE');
    assert.equal(of('dhcp/captures/lease.pcap', 'dhcp').hostname, 'laptop-7');
    assert.equal(of('quic/captures/page.pcap', 'quic').sni, 'localhost');
  });

  it('smb: connection, share, file and the calls over its pipes', () => {
    const smb = section(read(capture('smb/captures/smb2.pcap'), capture('smb/captures/pipes.pcap')), 'smb');
    const by = (command: string): Line => smb.find((l) => l.command === command) ?? {};
    assert.equal(by('SMB2_COMMAND_NEGOTIATE_PROTOCOL').dialect, '2.0.2');
    assert.equal(by('SMB2_COMMAND_TREE_CONNECT').share, '\\\\198.51.100.2\\IPC$');
    assert.equal(by('SMB2_COMMAND_CREATE').filename, 'docs');
    assert.equal(smb.find((l) => l.dcerpc !== undefined)?.dcerpc.opnum, 21);
  });

  it('ftp_data stands on the data connection and names the file', () => {
    const lines = read(capture('ftp/captures/passive.pcap'));
    const [data] = lines.filter((l) => l.event_type === 'ftp_data' && l.ftp_data.filename === 'small.zip');
    assert.equal(data?.ftp_data.command, 'RETR');
    const flow = lines.find((l) => l.event_type === 'flow' && l.flow_id === data?.flow_id);
    assert.equal(flow?.app_proto, 'ftp-data');
  });
});

describe('eve', () => {
  it('flow_id: 51 bits, stable, another for another flow', () => {
    assert.equal(flowId('C0000000000Z'), flowId('C0000000000Z'));
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        assert.ok(Number.isSafeInteger(flowId(a)) && flowId(a) >= 0 && flowId(a) < 2 ** 51);
        assert.equal(flowId(a) === flowId(b), a === b);
      }),
    );
  });

  it('a flow in a tunnel, with two VLANs; ICMP has type and code', () => {
    const parents = ['C00000000001', 'C00000000002'];
    const line = first('conn', { proto: 1, orig_p: 8, resp_p: 0, vlan: 7, inner_vlan: 9, tunnel_parents: parents });
    assert.deepEqual(line.vlan, [7, 9]);
    assert.equal(line.parent_id, flowId('C00000000002'));
    assert.deepEqual([line.icmp_type, line.icmp_code, line.src_port, line.tcp], [8, 0, undefined, undefined]);
    assert.equal(line.proto, 'ICMP');
  });

  it('states of flows', () => {
    const state = (e: object): unknown => first('conn', { proto: 6, ...e }).flow.state;
    assert.deepEqual(
      ['S0', 'S1', 'S3', 'SF', 'REJ', 'OTH'].map((conn_state) => state({ conn_state })),
      ['new', 'established', 'established', 'closed', 'closed', 'new'],
    );
    assert.equal(state({ proto: 17, orig_pkts: 1 }), 'new');
    assert.equal(state({ proto: 17, orig_pkts: 1, resp_pkts: 1 }), 'established');
    assert.equal(first('conn', { proto: 6, orig_bytes: 9 }).app_proto, 'failed');
    assert.equal(first('conn', { proto: 6 }).app_proto, undefined);
  });

  it('one protocol of several', () => {
    const of = (...services: string[]): unknown[] => Object.values(application(services));
    assert.deepEqual(of('quic', 'tls'), ['quic', null]);
    assert.deepEqual(of('smtp', 'tls'), ['tls', 'smtp']);
    assert.deepEqual(of('dce_rpc', 'gssapi', 'ntlm', 'smb'), ['smb', null]);
    assert.deepEqual(of('krb_tcp'), ['krb5', null]);
    assert.deepEqual(of('syslog'), [null, null]);
  });

  it('arp, anomaly and stats', () => {
    assert.deepEqual(
      first('arp', { opcode: 2, sender_mac: '02:00:00:00:00:01', sender_ip: '192.0.2.1', target_ip: '192.0.2.2' }).arp,
      {
        ...{ hw_type: 'ethernet', proto_type: 'ipv4', opcode: 'reply', src_mac: '02:00:00:00:00:01' },
        ...{ src_ip: '192.0.2.1', dest_mac: '00:00:00:00:00:00', dest_ip: '192.0.2.2' },
      },
    );
    assert.deepEqual(first('weird', { name: 'dns_x', source: 'dns' }).anomaly, {
      ...{ app_proto: 'dns', type: 'applayer', event: 'dns_x', layer: 'proto_parser' },
    });
    assert.deepEqual(first('weird', { name: 'x', source: 'ipv4' }).anomaly, { type: 'decode', event: 'x' });
    const memory = new Memory();
    const minute = { ts: 0, seen: 60_000_000, packets: 5, kernel_received: 6, flows_created: 2 };
    linesOf('capture_stats', minute, memory);
    const [line] = linesOf('capture_stats', { ...minute, ts: 60_000_000, seen: 120_000_000 }, memory);
    assert.deepEqual(line?.stats, {
      uptime: 120,
      capture: { kernel_packets: 12, kernel_drops: 0 },
      decoder: { pkts: 10, bytes: 0, invalid: 0 },
      flow: { total: 4 },
    });
  });

  it('certificates: so many are remembered, the oldest goes', () => {
    const memory = new Memory();
    const shown = (n: number): X509Event => ({ ...emptyEvent('x509'), fingerprint: String(n) });
    for (let n = 0; n < CERTIFICATES_MAX; n++) memory.remember(shown(n));
    assert.ok(memory.certificate('0'));
    memory.remember(shown(CERTIFICATES_MAX));
    assert.equal(memory.certificate('0'), undefined);
    assert.ok(memory.certificate('1') && memory.certificate(String(CERTIFICATES_MAX)));
  });

  it('names of certificates in their own order', () => {
    assert.equal(nameText('CN=a,O=b\\\\, c,C=XX'), 'C=XX, O=b, c, CN=a');
    assert.equal(nameText('CN=a\\\\\\\\,O=b'), 'O=b, CN=a\\\\\\\\');
    assert.equal(nameText(''), '');
  });

  it('times', () => {
    assert.equal(stamp(1_700_000_000_000_001), '2023-11-14T22:13:20.000001+0000');
    assert.equal(stamp(Number.MAX_SAFE_INTEGER), '2255-06-05T23:47:34.740991+0000');
    assert.equal(stamp(0), '1970-01-01T00:00:00.000000+0000');
  });

  it('what traffic wrote comes back as it was, and cannot act on a terminal', () => {
    const uri = '/"\u001b[2J\u202e\\\\"\\xff\\\\x41\n';
    const event = { ...emptyEvent('http'), uri } as unknown as CatenaryEvent;
    let text = '';
    const output = { write: (more: string) => (text += more) } as unknown as TextOutput;
    new EveWriter(output, 'eth0').write('http', event);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    assert.doesNotMatch(text.slice(0, -1), /[\u0000-\u001f\u007f-\u009f\u202e]/);
    assert.equal(JSON.parse(text).http.url, '/"\u001b[2J\u202e\\"\\xff\\x41\n');
    assert.equal(JSON.parse(text).in_iface, 'eth0');
  });
});

/** Every field of a line, as the tables name them. */
function paths(value: unknown, at: string, into: Set<string>): void {
  if (Array.isArray(value)) for (const item of value) paths(item, `${at}[]`, into);
  else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) paths(item, at === '' ? key : `${at}.${key}`, into);
  else into.add(at);
}

describe('the tables of the README', () => {
  const COMMON = 'Every line';
  const tables = new Map<string, Map<string, string>>();
  let heading = '';
  for (const line of readFileSync(new URL('README.md', import.meta.url), 'utf8').split('\n')) {
    heading = /^## (.+)$/.exec(line)?.[1] ?? heading;
    const [, field, verdict, note] = /^\| (\S+) \| (\w+) \| ?(.*)\|$/.exec(line) ?? [];
    if (field === undefined || verdict === undefined) continue;
    const table = tables.get(heading) ?? new Map<string, string>();
    assert.match(verdict, /^(?:same|differs|absent)$/, field);
    assert.ok(verdict === 'same' || note?.trim() !== '', `${field}: say why`);
    assert.equal(table.has(field), false, `${heading}: ${field} is there twice`);
    table.set(field, verdict);
    tables.set(heading, table);
  }
  const written = new Map<string, Set<string>>();
  const take = (line: Line): void => {
    const type = String(line.event_type);
    const into = written.get(type) ?? new Set();
    paths(line, '', into);
    written.set(type, into);
  };

  before(() => {
    for (const line of read(...captures())) take(line);
    // In captures that follow each other back in time the clock stands still, and certificates have no place in it.
    for (const line of read(capture('tls/captures/client_certificate.pcap'))) take(line);
    // What no capture has.
    const ends = { uid: 'C0000000000Z', orig_h: '192.0.2.1', orig_p: 1, resp_h: '192.0.2.2', resp_p: 2, proto: 6 };
    const some: readonly (readonly [KindName, object])[] = [
      ['conn', { proto: 6, history: 'Rr', orig_gap_bytes: 1, resp_gap_bytes: 1, tunnel_parents: ['C1'], vlan: 1 }],
      ['conn', { proto: 1 }],
      ['arp', {}],
      ['capture_stats', {}],
      ['weird', { ...ends, source: 'dns' }],
      ['dns', { response_bytes: 1, response_flags: 0x8780, answers: ['x'], answer_types: [10], TTLs: [1] }],
      ['http', { location: 'https://example.test/', host_port: 8080, referrer: '/' }],
      ['dhcp', { uids: ['C0000000000Z'], relay_addr: '192.0.2.9', vlan: 3 }],
      ['smtp', { cc: ['a'], first_received: 'x' }],
    ];
    for (const [kind, event] of some) for (const line of linesOf(kind, event)) take(line);
    const memory = new Memory();
    linesOf('x509', { fingerprint: 'ab', san_dns: ['a.test'] }, memory);
    for (const line of linesOf('tls', { client_cert_chain_fps: ['ab'] }, memory)) take(line);
    const [flow] = FLOW.lines(emptyEvent('conn'), new Memory());
    assert.ok(flow);
    take(JSON.parse(eveLine(flow, 'eth0')));
  });

  it('every line of every event is JSON, and every field of it is in a table', () => {
    for (const kind of EVE_KINDS)
      fc.assert(
        fc.property(anyEvent(kind), (event) => {
          for (const line of linesOf(kind, event)) take(line);
        }),
        { numRuns: 60 },
      );
    for (const [type, fields] of written)
      for (const field of fields) {
        const verdict = tables.get(type)?.get(field) ?? tables.get(COMMON)?.get(field);
        assert.ok(verdict === 'same' || verdict === 'differs', `${type}: ${field} is ${verdict ?? 'not in the table'}`);
      }
  });

  it('every field that is not absent is written, by captures or by what they lack', () => {
    const all = new Set([...written.values()].flatMap((fields) => [...fields]));
    const wrong: string[] = [];
    for (const [type, table] of tables)
      for (const [field, verdict] of table) {
        const has = type === COMMON ? all.has(field) : written.get(type)?.has(field) === true;
        if (has !== (verdict !== 'absent')) wrong.push(`${type}: ${field}`);
      }
    assert.deepEqual(wrong, []);
  });
});
