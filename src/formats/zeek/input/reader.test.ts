import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { decodeBatch } from '../../../schema/decode.ts';
import type { CatenaryEvent, ConnEvent, DnsEvent, FileEvent, HttpEvent } from '../../../schema/gen/events.gen.ts';
import { LINE_MAX } from './lines.ts';
import { ZeekReader } from './reader.ts';
import { uidOf } from './values.ts';

const HEADER = [
  '#separator \\x09',
  '#set_separator\t,',
  '#empty_field\t(empty)',
  '#unset_field\t-',
  '#path\tconn',
  '#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tlocal_orig',
  '#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tbool',
];
const ROW = '1700000000.000001\tCJmawI18M1PHifXSK9\t192.0.2.1\t4000\t192.0.2.2\t443\ttcp\thttp,ssl\t1.5\t10\tT';
const withTs = (s: number): string => ROW.replace('1700000000.000001', `${s}.000000`);
const object = (fields: object): string =>
  JSON.stringify({ ts: 1700000000.5, uid: 'CX', 'id.orig_h': '192.0.2.1', 'id.resp_h': '192.0.2.2', ...fields });

describe('zeek logs as input', () => {
  let root = '';
  let count = 0;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'catenary-zeek-input-'));
  });
  after(() => rmSync(root, { recursive: true }));

  function folder(files: Readonly<Record<string, string | Buffer>>): string {
    const dir = join(root, `logs-${++count}`);
    mkdirSync(dir);
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, name)), { recursive: true });
      writeFileSync(join(dir, name), content);
    }
    return dir;
  }

  async function read(files: Readonly<Record<string, string | Buffer>>) {
    const dir = folder(files);
    const opened = await ZeekReader.open([dir]);
    assert.ok(opened.ok);
    const reader = opened.value;
    // As what takes drains has them: kinds one by one, in order of time over all.
    const events: CatenaryEvent[] = [];
    let last = Number.NEGATIVE_INFINITY;
    for await (const drain of reader.drains()) {
      assert.ok(drain.ok);
      const here = drain.value.batches.flatMap(({ kind, bytes }) => [...decodeBatch(kind, bytes)] as CatenaryEvent[]);
      here.sort((a, b) => a.seen - b.seen);
      for (const event of here) {
        assert.ok(event.seen >= last, 'drains follow each other in time');
        last = event.seen;
      }
      events.push(...here);
    }
    const faults = reader.faults().map(({ message }) => message.replace(`${dir}/`, ''));
    return { events, faults, reader };
  }
  const log = (...rows: string[]): string => `${[...HEADER, ...rows].join('\n')}\n`;

  it('a row of a tab-separated log is a record', async () => {
    const { events, faults } = await read({ 'conn.log': log(ROW, '#close\t2023-11-14-22-13-24') });
    assert.deepEqual(faults, []);
    const [conn] = events as [ConnEvent];
    assert.equal(conn.ts, 1_700_000_000_000_001);
    assert.deepEqual([conn.seen, conn.last], [conn.ts + 1_500_000, conn.ts + 1_500_000], 'complete when it had ended');
    assert.deepEqual(conn.service, ['http', 'tls']);
    assert.deepEqual([conn.proto, conn.ip_proto, conn.orig_bytes, conn.resp_bytes], [6, 6, 10, null]);
    assert.equal(conn.local_orig, true);
    assert.match(conn.uid, /^C[0-9A-Za-z]{11}$/);
    assert.equal(conn.uid, uidOf('CJmawI18M1PHifXSK9'), 'always the same');
  });

  it('a JSON line is one too; times as numbers and as ISO 8601; _write_ts is when it was complete', async () => {
    const rows = [
      object({ host: 'www.example:8080', _path: 'http', _write_ts: 1700000007 }),
      object({ ts: '2023-11-14T22:13:21.123456Z', host: '[2001:db8::1]' }),
    ];
    const { events, faults } = await read({ 'json_streaming_http.log': `${rows.join('\n')}\n` });
    assert.deepEqual(faults, []);
    const [second, first] = events as [HttpEvent, HttpEvent];
    assert.deepEqual([first.host, first.host_port, first.seen], ['www.example', 8080, 1_700_000_007_000_000]);
    assert.deepEqual([second.host, second.host_port, second.ts], ['[2001:db8::1]', null, 1_700_000_001_123_456]);
  });

  it('other separators, another word for unset, and CRLF', async () => {
    const text = [
      '#separator ;',
      '#set_separator;|',
      '#empty_field;EMPTY',
      '#unset_field;NONE',
      '#path;dns',
      '#fields;ts;uid;id.orig_h;id.resp_h;proto;query;answers;rcode',
      '1700000000.0;CX;192.0.2.1;192.0.2.2;udp;a.example;192.0.2.3|b\\x7cc;NONE',
      '1700000001.0;CX;192.0.2.1;192.0.2.2;udp;EMPTY;EMPTY;3',
    ];
    const { events, faults } = await read({ 'dns.log': text.join('\r\n') });
    assert.deepEqual(faults, []);
    const [a, b] = events as [DnsEvent, DnsEvent];
    assert.deepEqual([a.query, a.answers, a.rcode], ['a.example', ['192.0.2.3', 'b|c'], null]);
    assert.deepEqual([b.query, b.answers, b.rcode], ['', [], 3]);
  });

  it('files of older versions name hosts and flows in sets', async () => {
    const row = {
      fuid: 'F1',
      tx_hosts: ['192.0.2.2'],
      rx_hosts: ['192.0.2.1'],
      conn_uids: ['CX', 'CY'],
      is_orig: false,
    };
    const text = JSON.stringify({ ts: 1700000000, source: 'HTTP', ...row });
    const { events, faults } = await read({ 'files.log': text });
    assert.deepEqual(faults, []);
    const [file] = events as [FileEvent];
    assert.deepEqual([file.orig_h, file.resp_h, file.uid], ['192.0.2.1', '192.0.2.2', uidOf('CX')]);
    assert.deepEqual([file.tx_host, file.source, file.direction], ['192.0.2.2', 'http', 'download']);
  });

  it('an archive: folders of days, compressed, named by hours, is one history', async () => {
    const { events, faults, reader } = await read({
      '2023-11-15/conn.00:00:00-01:00:00.log.gz': gzipSync(log(withTs(1700090000))),
      '2023-11-14/conn.23:00:00-00:00:00.log.gz': gzipSync(log(withTs(1700003600))),
      '2023-11-14/conn.2023-11-14-22-00-00.log': log(withTs(1700000000)),
      '2023-11-14/dns.22:00:00-23:00:00.log': object({ ts: 1700002000, proto: 'udp' }),
    });
    assert.deepEqual(faults, []);
    assert.deepEqual(
      events.map((e) => Math.floor(e.ts / 1e6)),
      [1700000000, 1700002000, 1700003600, 1700090000],
    );
    const { files, events: counted } = reader.summary();
    assert.deepEqual(counted, { conn: 3, dns: 1 });
    assert.deepEqual(
      files.map(({ firstTs }) => firstTs),
      files.map(({ firstTs }) => firstTs).toSorted((a, b) => a - b),
    );
  });

  it('rows out of order by no more than ten minutes are put in order; later ones count from when they came', async () => {
    const near = await read({ 'conn.log': log(withTs(1700000500), withTs(1700000000), withTs(1700000900)) });
    assert.deepEqual(
      near.events.map((e) => e.ts / 1e6),
      [1700000000, 1700000500, 1700000900],
    );
    assert.equal(near.reader.outOfOrder, 0);
    // As many rows as to be sure that the first pieces were handed on.
    const many = Array.from({ length: 3000 }, (_, i) => withTs(1700000000 + i));
    const far = await read({ 'conn.log': log(...many, withTs(1699990000)) });
    assert.equal(far.reader.outOfOrder, 1);
    const late = far.events.find((e) => e.ts === 1699990000e6) as CatenaryEvent;
    assert.ok(late.seen >= 1700002000e6, 'its time is its own, its turn is not');
    assert.equal(far.events.length, 3001);
  });

  it('every line that cannot be used is told with its place and counted; the others are read', async () => {
    const bad = {
      columns: `${ROW}\tmore`,
      few: 'a\tb',
      address: ROW.replace('192.0.2.1', '192.0.2.777'),
      port: ROW.replace('4000', '70000'),
      time: ROW.replace('1700000000.000001', '-'),
      never: ROW.replace('1700000000.000001', '99999999999.0'),
      bool: ROW.replace(/T$/, 'maybe'),
      count: ROW.replace('\t10\t', '\t-1\t'),
      transport: ROW.replace('\ttcp\t', '\tunknown_transport\t'),
      json: '{"ts": 1',
      nested: '{"ts": {"toString": 1}, "id.orig_h": {"toString": 1}}',
    };
    const { events, faults, reader } = await read({ 'conn.log': log(ROW, ...Object.values(bad), ROW) });
    assert.equal(events.length, 2);
    assert.equal(reader.refused, 11);
    const line = HEADER.length + 2;
    assert.deepEqual(faults, [
      `conn.log:${line}: 12 columns instead of 11`,
      `conn.log:${line + 1}: 2 columns instead of 11`,
      `conn.log:${line + 2}: id.orig_h: "192.0.2.777" is no addr`,
      `conn.log:${line + 3}: id.orig_p: "70000" is no port`,
      `conn.log:${line + 4}: it has no ts`,
      `conn.log:${line + 5}: ts: "99999999999.0" is no time`,
      `conn.log:${line + 6}: local_orig: "maybe" is no bool`,
      `conn.log:${line + 7}: orig_bytes: "-1" is no count`,
      `conn.log:${line + 8}: it has no proto`,
      `conn.log:${line + 9}: is no JSON`,
      'conn.log: 11 lines cannot be used, of which the first 10 are told',
    ]);
  });

  it('a line of a mebibyte is read, a longer one is skipped, NULs are characters', async () => {
    const long = (n: number): string => {
      const text = object({ query: '', proto: 'udp' });
      return text.replace('"query":""', `"query":"${'q'.repeat(n - text.length)}"`);
    };
    const nul = object({ query: 'a\0b', proto: 'udp' });
    const lines = [long(LINE_MAX), long(LINE_MAX + 1), nul, long(3 * LINE_MAX), '\0'.repeat(100), nul];
    const { events, faults } = await read({ 'dns.log': lines.join('\n') });
    assert.deepEqual(faults, [
      'dns.log:2: it is longer than 1 MiB',
      'dns.log:4: it is longer than 1 MiB',
      'dns.log:5: no #fields before it',
    ]);
    const [first, second] = events as [DnsEvent, DnsEvent];
    assert.equal(events.length, 3);
    assert.deepEqual([first.cut, /^q+$/.test(first.query ?? '')], [true, true], 'cut where a record ends');
    assert.match(second.query ?? '', /^a.b$/s);
  });

  it('a header that contradicts itself or its file is told, and its rows are not guessed', async () => {
    const twice = log(ROW).replace('\tuid\t', '\tts\t');
    const other = log(ROW).replace('#path\tconn', '#path\tdns');
    const types = log(ROW).replace('\tinterval\t', '\t');
    assert.match(
      (await read({ 'conn.log': twice })).faults.join('\n'),
      /:6: #fields names a column twice\n.*:8: no #f/,
    );
    assert.match(
      (await read({ 'conn.log': other })).faults.join('\n'),
      /:5: #path is "dns", and .* says conn\n.*:8: no #f/,
    );
    assert.match((await read({ 'conn.log': types })).faults.join('\n'), /:7: #types has 10 .* 11\n.*:8: no #f/);
    const missing = log(ROW).replaceAll('id.orig_h', 'someone');
    assert.match((await read({ 'conn.log': missing })).faults.join('\n'), /:8: it has no id.orig_h/);
  });

  it('a compressed file that breaks off is read as far as it goes', async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => withTs(1700000000 + i));
    const whole = gzipSync(log(...rows));
    const { events, faults } = await read({ 'conn.log.gz': whole.subarray(0, whole.length / 2) });
    assert.ok(events.length > 1000 && events.length < rows.length, String(events.length));
    assert.deepEqual(faults, ['conn.log.gz: unexpected end of file']);
  });

  it('logs that nothing can be made of are named once', async () => {
    const files = { 'a/stats.log': 'x', 'b/stats.log': 'x', 'conn.log': log(ROW), 'x509.log': '', 'notes.txt': '' };
    assert.deepEqual((await read(files)).reader.notices, [
      'stats.log: not read, no kind of event can be made of it',
      'x509.log: not read, no kind of event can be made of it',
    ]);
  });
});
