import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { emptyEvent } from '../schema/any_event.test.ts';
import type { EventOf, KindName } from '../schema/gen/events.gen.ts';
import { ipText } from '../schema/ip.ts';
import type { HostRef, Observation } from '../schema/observation.ts';
import { formOf, inferType, urlForm } from './indicator.ts';
import { Intel } from './intel.ts';
import { FAULTS_MAX, fieldsOf, LINE_MAX, listFaultText, parseList, timeOf } from './parse.ts';
import { IndicatorTable } from './table.ts';

const NOW = 1_700_006_400e6;
const US: HostRef = { id: 'mac:02:00:00:00:00:07', local: true, evidence: 'dhcp r' };
const THEM: HostRef = { id: 'ip:198.51.100.7', local: false, evidence: 'address' };

function seen<K extends KindName>(kind: K, own: Partial<EventOf[K]>, at = NOW): Observation<K> {
  const event = {
    ...emptyEvent(kind),
    ts: at,
    seen: at,
    orig_h: '10.0.0.7',
    resp_h: '198.51.100.7',
    ...own,
  } as EventOf[K];
  const hosts = kind === 'file' ? { rx_host: US, tx_host: THEM } : { orig_host: US, resp_host: THEM };
  return { kind, event, seen: at, ref: 's1/1/1/1', hash: 'aa', hosts };
}
function intel(...lists: string[]): Intel {
  const own = new Intel();
  const faults = own.replace(lists.map((text, i) => [`list-${i}.csv`, text] as const));
  assert.deepEqual(faults, []);
  return own;
}
const hits = (own: Intel, obs: Observation): string[] =>
  own.observe(obs).map((s) => `${s.indicator_type} ${s.indicator} ${s.where}`);

const SHA = 'ab'.repeat(32);

describe('indicators of mail, programs and files', () => {
  const own = intel(
    [
      'email,Evil@Sender.example',
      'user_agent,Loader/1.0',
      'hassh,b12d2871a1189eff20364cf5333619ee',
      'file_name,C:\\temp\\Stage2.exe',
    ].join('\n'),
  );
  it('meet the records that name them', () => {
    assert.deepEqual(hits(own, seen('smtp', { from: 'Boss <evil@sender.example>', rcptto: ['a@b.example'] })), [
      'email Evil@Sender.example smtp.from',
    ]);
    assert.deepEqual(hits(own, seen('smtp', { mailfrom: 'evil@sender.example' })), [
      'email Evil@Sender.example smtp.mailfrom',
    ]);
    assert.deepEqual(hits(own, seen('http', { user_agent: 'Loader/1.0' })), ['user_agent Loader/1.0 http.user_agent']);
    const hassh = { hassh_server: 'b12d2871a1189eff20364cf5333619ee' };
    assert.deepEqual(hits(own, seen('ssh', hassh)), [`hassh ${hassh.hassh_server} ssh.hassh_server`]);
    assert.deepEqual(hits(own, seen('file', { filename: 'in\\\\stage2.EXE' })), [
      'file_name C:\\temp\\Stage2.exe file.filename',
    ]);
  });
  it('and no others', () => {
    assert.deepEqual(hits(own, seen('smtp', { from: 'Evil@sender.example.org', mailfrom: '' })), []);
    assert.deepEqual(hits(own, seen('http', { user_agent: 'Loader/1.0 (X)' })), []);
    assert.deepEqual(hits(own, seen('file', { filename: 'mystage2.exe' })), []);
  });
  it('that say nothing are refused', () => {
    for (const line of ['email,nobody', 'user_agent,ab', 'file_name,a.b', 'hassh,abc'])
      assert.equal(parseList(line, 'a.csv', 'a').indicators.length, 0, line);
  });
});

describe('lists of indicators', () => {
  it('of one value a line say their types by looks', () => {
    const text = [
      '# a comment',
      '',
      '198.51.100.7',
      '2001:DB8::1  # a remark',
      '198.51.100.0/24',
      'Evil.Example.',
      '*.evil.example',
      'hxxp://evil[.]example/a?b=c#d',
      'evil.example/path',
      SHA.toUpperCase(),
      'd41d8cd98f00b204e9800998ecf8427e',
      't13d1516h2_8daaf6152771_e5627efa2ab1',
    ].join('\r\n');
    const { indicators, faults, lines } = parseList(text, 'a.txt', 'a');
    assert.deepEqual(faults, []);
    assert.equal(lines, 10);
    assert.deepEqual(
      indicators.map((i) => [i.type, i.type === 'subnet' ? '' : i.match]),
      [
        ['addr', '198.51.100.7'],
        ['addr', '2001:db8::1'],
        ['subnet', ''],
        ['domain', 'evil.example'],
        ['domain', 'evil.example'],
        ['url', 'evil.example/a?b=c'],
        ['url', 'evil.example/path'],
        ['file_hash', SHA],
        ['file_hash', 'd41d8cd98f00b204e9800998ecf8427e'],
        ['ja4', 't13d1516h2_8daaf6152771_e5627efa2ab1'],
      ],
    );
  });

  it('with columns have sources, confidence, times and tags', () => {
    const standard = parseList(
      'domain,c2.example,feed-a,0.9,2024-01-31,loader;c2\nip,198.51.100.7',
      'a.csv',
      'a',
    ).indicators;
    assert.deepEqual(standard[0], {
      type: 'domain',
      text: 'c2.example',
      match: 'c2.example',
      source: 'feed-a',
      confidence: 0.9,
      validFrom: undefined,
      validUntil: 1_706_659_200e6,
      tags: ['loader', 'c2'],
      description: undefined,
    });
    assert.deepEqual([standard[1]?.source, standard[1]?.confidence], ['a', 0.5]);
    const named = parseList(
      'value,description,valid_from,confidence\nc2.example,"a ""panel"", old",1700000000,75',
      'b.csv',
      'b',
    );
    const [i] = named.indicators;
    assert.deepEqual([i?.description, i?.validFrom, i?.confidence], ['a "panel", old', 1_700_000_000e6, 0.75]);
    const zeek = parseList(
      '#fields\tindicator\tindicator_type\tmeta.source\nc2.example\tIntel::DOMAIN\tfeed',
      'z.dat',
      'z',
    );
    assert.deepEqual([zeek.indicators[0]?.type, zeek.indicators[0]?.source, zeek.faults], ['domain', 'feed', []]);
  });

  it('that are wrong say where, why and what to do', () => {
    const wrong = [
      ['what is this', "a.csv:1: cannot tell what 'what is this' is (say its type: TYPE,VALUE)"],
      [
        'colour,red',
        'a.csv:1: no such type: colour (ip, cidr, domain, url, email, sha256, sha1, md5, cert, ja3, ja4, hassh, user_agent, file_name)',
      ],
      ['ip,999.1.1.1', 'a.csv:1: 999.1.1.1 is no address (correct the line or remove it)'],
      ['cidr,10.0.0.0/33', 'a.csv:1: 10.0.0.0/33 is no subnet (correct the line or remove it)'],
      ['cidr,0.0.0.0/0', 'a.csv:1: 0.0.0.0/0 is a subnet wider than /8 (correct the line or remove it)'],
      [
        'co.uk',
        'a.csv:1: co.uk is a public suffix: it would match every name below it (correct the line or remove it)',
      ],
      ['domain,a..b', 'a.csv:1: a..b is no domain name (correct the line or remove it)'],
      ['sha256,abc', 'a.csv:1: abc is no MD5, SHA-1 or SHA-256 in hex (correct the line or remove it)'],
      ['domain,c2.example,s,high', 'a.csv:1: confidence is no number (0 to 1, or 0 to 100)'],
      ['domain,c2.example,s,1,soon', 'a.csv:1: valid_until is no time (as 2026-01-31 or 2026-01-31T12:00:00Z)'],
    ];
    for (const [line = '', said] of wrong) {
      const { faults, indicators } = parseList(line, 'a.csv', 'a');
      assert.deepEqual([faults.map(listFaultText), indicators.length], [[said], 0]);
    }
  });

  for (const n of [2, 3, 4]) {
    it(`${n} lines with room for 3`, () => {
      const text = Array.from({ length: n }, (_, i) => `c${i}.example`).join('\n');
      const { indicators, faults } = parseList(text, 'a', 'a', 3);
      assert.deepEqual([indicators.length, faults.length], [Math.min(n, 3), n > 3 ? 1 : 0]);
    });
    it(`a line ${n - 3} longer than allowed`, () => {
      const line = `c2.example #${'x'.repeat(LINE_MAX)}`.slice(0, LINE_MAX + n - 3);
      assert.equal(parseList(line, 'a', 'a').faults.length, n > 3 ? 1 : 0);
    });
    it(`${FAULTS_MAX + n - 3} wrong lines`, () => {
      assert.equal(parseList('?\n'.repeat(FAULTS_MAX + n - 3), 'a', 'a').faults.length, FAULTS_MAX + n - 3);
    });
  }

  it('are read whatever they hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const { indicators, faults, lines } = parseList(text, 'a', 'a');
        assert.ok(indicators.length + faults.length === lines || faults.length > 0);
        new IndicatorTable(indicators);
      }),
    );
    assert.deepEqual(fieldsOf('"a', ','), ['a']);
    assert.deepEqual(fieldsOf('a,"b,c",d', ','), ['a', 'b,c', 'd']);
  });

  it('have times in UTC unless they say otherwise', () => {
    assert.equal(timeOf('2024-01-31'), timeOf('2024-01-31T00:00:00Z'));
    assert.equal(timeOf('2024-01-31 01:00:00+01:00'), timeOf('2024-01-31'));
    for (const none of ['', '2024', '2024-13-01', 'soon']) assert.equal(timeOf(none), undefined);
  });
});

describe('intel', () => {
  it('finds each type where it can be', () => {
    const own = intel(
      [
        ...[
          '198.51.100.7',
          '198.51.100.0/24',
          'evil.example',
          'http://files.example:8080/a%7Eb',
          SHA,
          `sha1,${'c'.repeat(40)}`,
        ],
        ...[`cert,${'d'.repeat(64)}`, `ja3,${'e'.repeat(32)}`, 't13d1516h2_8daaf6152771_e5627efa2ab1'],
      ].join('\n'),
    );
    assert.deepEqual(hits(own, seen('conn', {})), [
      'addr 198.51.100.7 conn.resp_h',
      'subnet 198.51.100.0/24 conn.resp_h',
    ]);
    assert.deepEqual(hits(own, seen('dns', { query: 'a.b.evil.example' })), ['domain evil.example dns.query']);
    const answer = { query: 'x.example', answers: ['www.evil.example', '198.51.100.9'], answer_types: [5, 1] };
    assert.deepEqual(hits(own, seen('dns', answer)), [
      'domain evil.example dns.answers',
      'subnet 198.51.100.0/24 dns.answers',
    ]);
    const request = { host: 'Files.example', host_port: 8080, uri: '/x/../a~b' };
    assert.deepEqual(hits(own, seen('http', request)), ['url http://files.example:8080/a%7Eb http.uri']);
    const hello = { server_name: 'evil.example', ja3: 'e'.repeat(32), ja4: 't13d1516h2_8daaf6152771_e5627efa2ab1' };
    assert.equal(hits(own, seen('tls', { ...hello, cert_chain_fps: ['d'.repeat(64)] })).length, 4);
    assert.deepEqual(hits(own, seen('file', { sha256: SHA, sha1: 'c'.repeat(40) })), [
      `file_hash ${SHA} file.sha256`,
      `file_hash ${'c'.repeat(40)} file.sha1`,
    ]);
    const certificate = { sha1: 'f'.repeat(40), host_cert: true, san_dns: ['*.evil.example', 'fine.example'] };
    assert.deepEqual(hits(own, seen('x509', certificate)), ['domain evil.example x509.san_dns']);
  });

  it('is quiet about what only looks alike', () => {
    const own = intel('evil.example\n198.51.100.7\n198.51.101.0/24\nhttp://files.example/a\n2001:db8::/32');
    for (const query of ['notevil.example', 'evil.example.org', 'example', 'evil-example', ''])
      assert.deepEqual(hits(own, seen('dns', { query })), []);
    assert.deepEqual(hits(own, seen('conn', { resp_h: '198.51.100.70' })), []);
    assert.deepEqual(hits(own, seen('conn', { resp_h: '198.51.102.0' })), []);
    assert.deepEqual(hits(own, seen('conn', { resp_h: '2001:db9::1' })), []);
    assert.deepEqual(hits(own, seen('http', { host: 'files.example', uri: '/A' })), []);
    assert.deepEqual(hits(own, seen('http', { host: 'files.example', uri: '/a?x' })), []);
    assert.deepEqual(hits(new Intel(), seen('conn', {})), []);
  });

  it('goes by packet time', () => {
    const own = intel('value,valid_from,valid_until\nevil.example,2023-11-01,2023-12-01');
    const at = (day: string): number => hits(own, seen('dns', { query: 'evil.example' }, timeOf(day))).length;
    assert.deepEqual(['2023-10-31', '2023-11-01', '2023-11-30T23:59:59', '2023-12-01'].map(at), [0, 1, 1, 0]);
  });

  it('makes one sighting of what several lists say', () => {
    const own = intel('domain,evil.example,b,0.4,,x', 'domain,EVIL.example,a,0.8,,y;x');
    const [s, ...more] = own.observe(seen('dns', { query: 'www.evil.example', uid: 'C00000000001' }));
    assert.equal(more.length, 0);
    assert.deepEqual(
      [s?.sources, s?.confidence, s?.tags, s?.indicator, s?.observed, s?.host, s?.ref, s?.known_at],
      [['a', 'b'], 0.8, ['x', 'y'], 'EVIL.example', 'www.evil.example', US.id, 's1/1/1/1', NOW],
    );
    assert.match(s?.id ?? '', /^[0-9a-f]{16}$/);
    const again = own.observe({ ...seen('dns', { query: 'www.evil.example', uid: 'C00000000001' }), ref: 's2/9/9/9' });
    assert.equal(again[0]?.id, s?.id);
  });

  it('finds every subnet an address lies in, as a naive search does', () => {
    const octets = fc.uint8Array({ minLength: 4, maxLength: 4 });
    const net = fc.tuple(octets, fc.integer({ min: 8, max: 32 }));
    const bits = (b: Uint8Array): string => [...b].map((x) => x.toString(2).padStart(8, '0')).join('');
    fc.assert(
      fc.property(fc.array(net, { maxLength: 12 }), octets, fc.nat({ max: 11 }), (nets, other, pick) => {
        const near = nets[pick];
        const address =
          near === undefined ? other : Uint8Array.from([near[0][0], near[0][1], other[2], other[3]] as number[]);
        const own = intel(nets.map(([b, n]) => `${b.join('.')}/${n}`).join('\n'));
        const found = new Set(
          own.observe(seen('conn', { orig_h: '::', resp_h: address.join('.') })).map((s) => s.indicator),
        );
        const naive = nets.filter(([b, n]) => bits(b).slice(0, n) === bits(address).slice(0, n));
        const masked = (t: string): string => (formOf('subnet', t) as { match: string }).match;
        assert.deepEqual(
          new Set([...found].map(masked)),
          new Set(naive.map(([b, n]) => masked(`${b.join('.')}/${n}`))),
        );
      }),
    );
    const v6 = intel('2001:db8::/33\n2001:db8::1\n::ffff:192.0.2.0/120');
    assert.equal(
      v6.observe(seen('conn', { resp_h: ipText(Uint8Array.from([0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), 1])) }))
        .length,
      2,
    );
    assert.equal(v6.observe(seen('conn', { resp_h: '192.0.2.9' })).length, 1);
  });

  it('keeps the last good content of a list that went bad', () => {
    const folder = mkdtempSync(join(tmpdir(), 'catenary-intel-'));
    try {
      const file = join(folder, 'feed.txt');
      writeFileSync(file, 'evil.example\n');
      const own = new Intel();
      assert.deepEqual(own.load([file]), []);
      const isKnown = (): boolean => hits(own, seen('dns', { query: 'evil.example' })).length === 1;
      assert.equal(own.observe(seen('dns', { query: 'evil.example' }))[0]?.sources[0], 'feed');
      writeFileSync(file, '<html>\n<body>503</body>\nother.example\n');
      const faults = own.load([file]);
      assert.match(
        listFaultText(faults.at(-1) as never),
        /2 of 3 lines are wrong: not taken \(its last good content stays in use\)$/,
      );
      assert.ok(isKnown());
      rmSync(file);
      assert.match(
        listFaultText(own.load([file])[0] as never),
        /feed\.txt: cannot be read: ENOENT \(its last good content stays/,
      );
      assert.ok(isKnown());
      // One bad line among good ones costs that line only.
      writeFileSync(file, 'evil.example\nb.example\nc.example\n?\n');
      assert.deepEqual(
        own.load([file]).map((f) => f.line),
        [4],
      );
      assert.ok(isKnown());
      own.load([]);
      assert.ok(!isKnown() && own.size === 0 && own.wants().size === 0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('URLs', () => {
  it('have one spelling', () => {
    const same = [
      'http://Evil.Example/a/b',
      'http://evil.example:80/a/./b',
      'https://evil.example:443/a/b',
      'evil.example/a/b#c',
    ];
    for (const url of [...same, 'http://u:p@evil.example/%61/x/../b']) assert.equal(urlForm(url), 'evil.example/a/b');
    assert.equal(urlForm('http://evil.example'), 'evil.example/');
    assert.equal(urlForm('http://evil.example/%2f'), 'evil.example/%2F');
    for (const none of ['ftp://a.example/', 'http://', 'http://[', `http://a.example/${'a'.repeat(2100)}`])
      assert.equal(urlForm(none), undefined);
    assert.equal(inferType('evil.example/a'), 'url');
  });
});
