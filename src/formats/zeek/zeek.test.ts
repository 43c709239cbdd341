import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { TextOutput } from '../../lib/output.ts';
import { anyEvent } from '../../schema/any_event.test.ts';
import type {
  CatenaryEvent,
  ConnEvent,
  DnsEvent,
  FileEvent,
  HttpEvent,
  KindName,
  TlsEvent,
  WeirdEvent,
  X509Event,
} from '../../schema/gen/events.gen.ts';
import { FIELDS, WEIRDS } from '../../schema/gen/structures.gen.ts';
import { LOGS } from './logs.ts';
import { ZEEK_WEIRDS } from './weird_names.ts';
import { jsonRow, kindOfLog, tsvRow, ZEEK_KINDS, ZeekWriter } from './zeek.ts';

class MemoryOutput implements TextOutput {
  closed = false;
  fault = undefined;
  text = '';
  write(text: string): void {
    assert.equal(this.closed, false);
    this.text += text;
  }
  async settle(): Promise<void> {}
  async close(): Promise<void> {
    this.closed = true;
  }
}

/** An event with nothing in it but what is given. */
function bare<T>(kind: KindName, given: Partial<T>): T {
  const zero = { text: '', ip: '192.0.2.1', uid: 'C0000000000Z', mac: '', bool: false } as Record<string, unknown>;
  const fields = FIELDS[kind].map((f) => [f.name, f.list ? [] : f.optional ? null : (zero[f.type] ?? 0)]);
  return { ...Object.fromEntries(fields), ...given } as T;
}

const tuple = { orig_h: '128.232.110.120', orig_p: 34855, resp_h: '66.35.250.204', resp_p: 80, proto: 6 };
const conn = bare<ConnEvent>('conn', {
  ...{ ts: 1700000000000001, seen: 1700000004380000, ...tuple, service: ['http', 'tls'], duration: 0.061 },
  ...{ orig_bytes: 208, resp_bytes: 28, conn_state: 'SF', local_orig: false, history: 'ShADadFf', orig_pkts: 7 },
  ...{ orig_ip_bytes: 488, resp_pkts: 5, resp_ip_bytes: 228, ip_proto: 6, end_reason: 'closed' },
});

function columnOf(kind: KindName, event: unknown, name: string): string | undefined {
  const log = LOGS.find((l) => l.kind === kind);
  assert.ok(log);
  const cells = tsvRow(log)(event as CatenaryEvent)
    .trimEnd()
    .split('\t');
  return cells[log.columns.findIndex((c) => c.name === name)];
}

/** In conn.log for a flow, or said by another column. */
const UNSHOWN: Partial<Record<KindName, readonly string[]>> = {
  conn: ['first', 'last'],
  x509: ['orig_h', 'orig_p', 'resp_h', 'resp_p', 'proto', 'vlan'],
  file: ['proto', 'vlan'],
  http: ['proto'],
  ntp: ['proto'],
  quic: ['proto'],
  socks: ['proto'],
  websocket: ['proto'],
  smtp: ['proto'],
  snmp: ['proto'],
  ssh: ['proto'],
  ftp: ['proto'],
  tls: ['proto'],
  weird: ['proto'],
  smb_file: ['proto', 'version'],
  smb_mapping: ['proto'],
  // What Zeek does not say of an exchange that no token ended.
  ntlm: ['proto', 'success', 'success_in_token', 'ordinal', 'superseded'],
  dce_rpc: ['proto', 'is_answered'],
  // A ticket that is shown has no service there.
  kerberos: ['proto', 'ordinal', 'service'],
  // Of binds alone.
  ldap: ['proto', 'object', 'argument'],
  ldap_search: ['proto'],
  radius: ['proto'],
  rdp: ['proto'],
};

describe('zeek logs', () => {
  it('a log begins and ends as Zeek’s, in packet time', async () => {
    const made = new Map<string, MemoryOutput>();
    const writer = new ZeekWriter('logs', false, false, (path) => {
      const out = new MemoryOutput();
      made.set(path, out);
      return out;
    });
    writer.write('conn', conn);
    writer.write('conn', { ...conn, seen: 1700000065000000 });
    writer.write('arp', conn);
    await writer.close();
    assert.deepEqual([...made.keys()], ['logs/conn.log']);
    const out = made.get('logs/conn.log');
    assert.equal(out?.closed, true);
    const lines = out?.text.split('\n') ?? [];
    assert.deepEqual(lines.slice(0, 6), [
      '#separator \\x09',
      '#set_separator\t,',
      '#empty_field\t(empty)',
      '#unset_field\t-',
      '#path\tconn',
      '#open\t2023-11-14-22-13-24',
    ]);
    assert.ok(
      lines[6]?.startsWith(
        '#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\t' +
          'conn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\t' +
          'tunnel_parents\tip_proto\tcommunity_id\tvlan\t',
      ),
    );
    assert.ok(
      lines[7]?.startsWith(
        '#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tbool\tbool\tcount\t' +
          'string\tcount\tcount\tcount\tcount\tset[string]\tcount\tstring\tcount\t',
      ),
    );
    assert.ok(
      lines[8]?.startsWith(
        '1700000000.000001\tC0000000000Z\t128.232.110.120\t34855\t66.35.250.204\t80\ttcp\thttp,ssl\t0.061000\t208\t28\tSF\tF\t-\t0\t' +
          'ShADadFf\t7\t488\t5\t228\t-\t6\t1:LQU9qZlK+B5F3KDmev6m5PMibrg=\t-\t',
      ),
    );
    assert.deepEqual(lines.slice(10), ['#close\t2023-11-14-22-14-25', '']);
    const width = (i: number): number => (lines[i] as string).split('\t').length;
    assert.deepEqual([7, 8, 9].map(width), [width(6), width(6) - 1, width(6) - 1]);
  });

  it('rows that Zeek has no rule for are written only when asked for', async () => {
    const rows = async (all: boolean): Promise<number> => {
      const out = new MemoryOutput();
      const writer = new ZeekWriter('.', true, all, () => out);
      const dns = bare<DnsEvent>('dns', { resp_p: 53 });
      writer.write('dns', dns);
      writer.write('dns', { ...dns, resp_p: 443 });
      writer.write('http', bare<HttpEvent>('http', { mid_stream: true }));
      writer.write('tls', bare<TlsEvent>('tls', { mid_stream: true }));
      writer.write('tls', bare<TlsEvent>('tls', { mid_stream: false }));
      await writer.close();
      return out.text.split('\n').length - 1;
    };
    assert.equal(await rows(false), 2);
    assert.equal(await rows(true), 5);
  });

  it('as JSON: the same names, unset ones left out, no header', async () => {
    const out = new MemoryOutput();
    const writer = new ZeekWriter('.', true, false, () => out);
    writer.write('conn', conn);
    await writer.close();
    assert.ok(
      out.text.startsWith(
        '{"ts":1700000000.000001,"uid":"C0000000000Z","id.orig_h":"128.232.110.120","id.orig_p":34855,' +
          '"id.resp_h":"66.35.250.204","id.resp_p":80,"proto":"tcp","service":"http,ssl","duration":0.061,',
      ),
      out.text,
    );
    assert.ok(out.text.endsWith('"end_reason":"closed"}\n'), out.text);
  });

  it('protocols by Zeek’s names', () => {
    const rows: readonly (readonly [proto: number, name: string])[] = [
      [1, 'icmp'],
      [6, 'tcp'],
      [17, 'udp'],
      [58, 'icmp'],
      [2, 'unknown_transport'],
      [255, 'unknown_transport'],
    ];
    for (const [proto, name] of rows) assert.equal(columnOf('conn', { ...conn, proto }, 'proto'), name);
  });

  it('services by Zeek’s names, none is unset', () => {
    assert.equal(columnOf('conn', { ...conn, service: [] }, 'service'), '-');
    assert.equal(columnOf('conn', { ...conn, proto: 17, service: ['tls'] }, 'service'), 'dtls');
    assert.equal(columnOf('conn', { ...conn, service: ['dns'] }, 'service'), 'dns');
    assert.equal(columnOf('conn', { ...conn, history: '' }, 'history'), '-');
  });

  it('answers and their times to live are vectors', () => {
    const dns = bare<DnsEvent>('dns', { answers: ['TXT 3 a,b', '192.0.2.1'], TTLs: [300, 60], proto: 17 });
    assert.equal(columnOf('dns', dns, 'answers'), 'TXT 3 a\\x2cb,192.0.2.1');
    assert.equal(columnOf('dns', dns, 'TTLs'), '300.000000,60.000000');
    assert.equal(columnOf('dns', bare<DnsEvent>('dns', {}), 'answers'), '-');
    assert.equal(columnOf('dns', bare<DnsEvent>('dns', { query: '' }), 'query'), '(empty)');
  });

  it('a client without a certificate is told from a server without one', () => {
    const fps = ['a'.repeat(64)];
    assert.equal(columnOf('tls', bare<TlsEvent>('tls', {}), 'client_cert_chain_fps'), '-');
    assert.equal(columnOf('tls', bare<TlsEvent>('tls', { cert_chain_fps: fps }), 'client_cert_chain_fps'), '(empty)');
    const both = bare<TlsEvent>('tls', { cert_chain_fps: fps, client_cert_chain_fps: fps });
    assert.equal(columnOf('tls', both, 'client_cert_chain_fps'), fps[0]);
  });

  it('a host keeps its port', () => {
    const http = bare<HttpEvent>('http', { host: '[::1]', host_port: 8080 });
    assert.equal(columnOf('http', http, 'host'), '[::1]:8080');
    assert.equal(columnOf('http', { ...http, host_port: null }, 'host'), '[::1]');
    assert.equal(columnOf('http', { ...http, host: null }, 'host'), '-');
  });

  it('a handshake nobody could read has an empty history', () => {
    assert.equal(columnOf('tls', bare<TlsEvent>('tls', {}), 'ssl_history'), '(empty)');
  });

  it('files say their source in capitals', () => {
    assert.equal(columnOf('file', bare<FileEvent>('file', { source: 'http' }), 'source'), 'HTTP');
    assert.equal(columnOf('file', bare<FileEvent>('file', { source: 'tls' }), 'source'), 'SSL');
    const file = bare<FileEvent>('file', { analyzers: ['md5', 'sha1'] });
    assert.equal(columnOf('file', file, 'analyzers'), 'MD5,SHA1');
    assert.equal(columnOf('file', bare<FileEvent>('file', {}), 'analyzers'), '(empty)');
  });

  it('weirds have Zeek’s name where Zeek has one, and ours beside it', () => {
    const weird = bare<WeirdEvent>('weird', { name: 'tcp_syn_seq_jump', source: 'tcp', uid: null, orig_h: null });
    assert.equal(columnOf('weird', weird, 'name'), 'SYN_seq_jump');
    assert.equal(columnOf('weird', weird, 'source'), 'TCP');
    assert.equal(columnOf('weird', weird, 'own_name'), 'tcp_syn_seq_jump');
    assert.equal(columnOf('weird', weird, 'uid'), '-');
    const ours = { ...weird, name: 'tcp_overlap_conflict' };
    assert.equal(columnOf('weird', ours, 'name'), 'tcp_overlap_conflict');
  });

  it('every name with a twin is a weird of ours', () => {
    for (const name of ZEEK_WEIRDS.keys()) assert.ok(name in WEIRDS, name);
  });

  it('a certificate that never ends says so to the second', () => {
    const x509 = { certificate_not_valid_after: 1790000000000000 };
    assert.equal(columnOf('x509', bare<X509Event>('x509', x509), 'certificate.not_valid_after'), '1790000000.000000');
    const never = bare<X509Event>('x509', { ...x509, certificate_not_valid_after_s: 253402300799 });
    assert.equal(columnOf('x509', never, 'certificate.not_valid_after'), '253402300799.000000');
  });

  it('a kind by its log’s name', () => {
    assert.equal(kindOfLog('ssl'), 'tls');
    assert.equal(kindOfLog('files'), 'file');
    assert.equal(kindOfLog('tls'), undefined);
    assert.equal(new Set(ZEEK_KINDS).size, LOGS.length);
  });

  for (const log of LOGS) {
    it(`${log.path}: columns have one name each`, () => {
      const names = log.columns.map((c) => c.name);
      assert.equal(new Set(names).size, names.length);
    });

    it(`${log.path}: changing a field of a ${log.kind} changes the row, but for those of the flow and the envelope`, () => {
      const event = bare<Record<string, unknown>>(log.kind, {});
      const row = tsvRow(log);
      const other = { text: 'x', ip: '203.0.113.9', uid: 'CZZZZZZZZZZZ', mac: '00:00:00:00:00:01', bool: true };
      for (const f of FIELDS[log.kind]) {
        if (UNSHOWN[log.kind]?.includes(f.name) || f.name === 'seen' || f.name === 'cut') continue;
        const value = (other as Record<string, unknown>)[f.type] ?? 17;
        assert.notEqual(row({ ...event, [f.name]: f.list ? [value] : value } as never), row(event as never), f.name);
      }
    });

    it(`${log.path}: any event is one row of its columns, and one object`, () => {
      const row = tsvRow(log);
      const object = jsonRow(log);
      fc.assert(
        fc.property(anyEvent(log.kind), (event) => {
          const text = row(event as never);
          assert.equal(text.indexOf('\n'), text.length - 1);
          assert.equal(text.split('\t').length, log.columns.length);
          for (const cell of text.trimEnd().split('\t')) assert.ok(!['undefined', 'null', 'NaN'].includes(cell), cell);
          const read = JSON.parse(object(event as never)) as Record<string, unknown>;
          for (const name of Object.keys(read))
            assert.ok(
              log.columns.some((c) => c.name === name),
              name,
            );
        }),
        { numRuns: 60 },
      );
    });
  }
});
