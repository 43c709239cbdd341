import assert from 'node:assert/strict';
import { decodeBatch } from '../schema/decode.ts';
import { encodeEvent } from '../schema/encode.ts';
import type { Finding, Matched } from '../schema/finding.ts';
import { alertId, canonical, fitText, mainHost, toAlert } from './alert.ts';
import { alertLine } from './line.ts';
import { toSignal } from './signal.ts';
import { dateText, isoTime, spanText } from './times.ts';

const DAY = 86_400e6;
const T0 = 1_700_006_400e6;
const SHA = 'ab'.repeat(32);

const drop: Matched = {
  ...{
    step: 'drop',
    kind: 'file',
    ref: 's1/1/1/0',
    hash: '1111111111111111',
    ts: T0,
    seen: T0 + 5,
    uid: 'C0000000000Z',
  },
  values: {
    ...{ ts: T0, seen: T0 + 5, filename: 'setup.exe', mime_type: 'application/x-dosexec', seen_bytes: 9000 },
    ...{ sha256: SHA, rx_host: '10.1.0.7', tx_host: '203.0.113.9', host: 'files.example', source: 'http' },
  },
  cut: false,
  hosts: { rx_host: 'mac:02:00:00:00:00:07', tx_host: 'ip:203.0.113.9' },
  hostNames: { 'mac:02:00:00:00:00:07': 'laptop-7' },
  why: ['is_executable(file.mime_type)'],
};
const beacon: Matched = {
  ...{ step: 'beacon', kind: 'signal', ref: 's1/9/1/0', hash: '2222222222222222', ts: T0 + 31 * DAY },
  ...{ seen: T0 + 31 * DAY, uid: null, cut: false, hosts: {}, hostNames: {}, why: ['signal.score >= 0.8'] },
  values: {
    ...{ name: 'beacon', score: 0.9, src_host: 'mac:02:00:00:00:00:07', src_ip: '10.1.0.9', dst_name: 'c2.example' },
    ...{ dst_ip: '198.51.100.2', dst_port: 443, explanation: '61 contacts, one every 60 s.' },
  },
};
const finding: Finding = {
  rule: {
    ...{ id: 'sleeper', hash: '8899aabbccddeeff', version: 2, title: 'Sleeper', severity: 'high' },
    ...{ attack: ['T1105'], scope: 'fleet', emit: 'alert' },
  },
  ...{
    status: 'issued',
    revision: 1,
    key: 'victim=mac:02:00:00:00:00:07',
    starts: [drop.hash],
    steps: [drop, beacon],
    others: [],
    partials: [],
  },
  bound: {
    victim: { class: 'host', value: 'mac:02:00:00:00:00:07' },
    sha: { class: 'file', value: SHA },
    c2: { class: 'domain', value: 'c2.example' },
  },
  ...{ flags: [], issued: T0 + 31 * DAY, at: T0 + 31 * DAY },
};

describe('alerts: the record', () => {
  it('is a valid record of the schema, whole', () => {
    const alert = toAlert(finding);
    assert.deepEqual(decodeBatch('alert', encodeEvent('alert', alert)), [alert]);
    assert.equal(alert.cut, false);
  });

  it('of a chain that pages nobody it is a signal, whole, the same for the same finding', () => {
    const signal = toSignal(finding);
    assert.deepEqual(decodeBatch('signal', encodeEvent('signal', signal)), [signal]);
    assert.deepEqual(
      [signal.name, signal.source, signal.phase, signal.src_host, signal.dst_name, signal.sha256, signal.score],
      ['sleeper', 'chain', 'once', 'mac:02:00:00:00:00:07', 'c2.example', SHA, 0.9],
    );
    assert.equal(toSignal({ ...finding, partials: ['elsewhere/9'] }).id, signal.id);
    const extended = toSignal({ ...finding, status: 'extended', revision: 2 });
    assert.equal(extended.phase, 'continues');
    assert.notEqual(extended.id, signal.id);
  });

  it('lists what was bound and what the records hold', () => {
    const alert = toAlert(finding);
    assert.deepEqual(alert.entities, ['c2=domain:c2.example', `sha=file:${SHA}`, 'victim=host:mac:02:00:00:00:00:07']);
    assert.deepEqual(alert.hosts, ['mac:02:00:00:00:00:07']);
    assert.deepEqual(alert.addrs, ['10.1.0.7', '10.1.0.9', '198.51.100.2', '203.0.113.9']);
    assert.deepEqual(alert.names, ['c2.example']);
    assert.deepEqual(alert.hashes, [SHA]);
    assert.deepEqual(alert.step_ids, ['drop', 'beacon']);
    assert.deepEqual(alert.step_uids, ['C0000000000Z', '']);
  });

  it('its id follows rule, key and starts, and nothing else', () => {
    const id = alertId(finding);
    assert.match(id, /^[0-9a-f]{16}$/);
    assert.equal(alertId({ ...finding, revision: 2, status: 'extended', steps: [], at: 1 } as Finding), id);
    assert.notEqual(alertId({ ...finding, key: 'victim=mac:b' }), id);
    assert.notEqual(alertId({ ...finding, starts: ['3333333333333333'] }), id);
    assert.notEqual(alertId({ ...finding, rule: { ...finding.rule, hash: 'ff' } }), id);
  });

  it('young memory lowers the severity by one step, info stays', () => {
    const young = (severity: Finding['rule']['severity']): string =>
      toAlert({ ...finding, rule: { ...finding.rule, severity }, flags: ['young_memory'] }).severity;
    assert.deepEqual(
      ['info', 'low', 'medium', 'high', 'critical'].map((s) => young(s as never)),
      [...['info', 'info', 'low', 'medium', 'high']],
    );
    assert.equal(toAlert(finding).severity, 'high');
  });

  it('confidence is the weakest signal, less for each reservation', () => {
    assert.equal(toAlert(finding).confidence, 0.9);
    assert.equal(toAlert({ ...finding, flags: ['blind'] }).confidence, 0.675);
    assert.equal(toAlert(finding).score, 76);
  });

  it('the story names host, file, hash, source, days and domain', () => {
    assert.equal(
      toAlert(finding).story,
      'On 2023-11-15 00:00:00 UTC, laptop-7 (mac:02:00:00:00:00:07, 10.1.0.7) received "setup.exe", of type application/x-dosexec, ' +
        `9000 bytes, sha256 ${SHA}, from files.example (203.0.113.9) over http. ` +
        '31 days later (2023-12-16 00:00:00 UTC), mac:02:00:00:00:00:07 (10.1.0.9) showed beacon towards c2.example:443, ' +
        'score 0.9: 61 contacts, one every 60 s.',
    );
  });

  it('tells other starts with their files, and reservations', () => {
    const other: Matched = { ...drop, hash: 'b', seen: T0 + DAY, values: { ...drop.values, sha256: 'ee'.repeat(32) } };
    const twice = { ...finding, starts: [drop.hash, 'b'], others: [[other]], flags: ['blind', 'young_memory'] };
    const { story, hashes, step_ids } = toAlert(twice);
    assert.match(story, /It may as well have begun on 2023-11-16 00:00:00 UTC: laptop-7 .* sha256 eeee/);
    assert.deepEqual(hashes, [SHA, 'ee'.repeat(32)].sort());
    assert.deepEqual(step_ids, ['drop', 'beacon', 'drop']);
    const line = JSON.parse(alertLine(twice)) as { other_starts: { record: { sha256: string } }[][]; sha256: string[] };
    assert.equal(line.other_starts[0]?.[0]?.record.sha256, 'ee'.repeat(32));
    assert.deepEqual(line.sha256, hashes);
    assert.match(story, /did not see all/);
    assert.match(story, /one step lower/);
  });

  it('stays inside the caps of the schema: one below, at, and above', () => {
    for (const n of [15, 16, 17]) {
      const alert = toAlert({ ...finding, starts: Array.from({ length: n }, (_, i) => `s${i}`) });
      assert.equal(alert.starts.length, Math.min(n, 16));
      assert.equal(alert.cut, n > 16);
      encodeEvent('alert', alert);
    }
    for (const n of [255, 256, 257]) {
      const alert = toAlert({ ...finding, rule: { ...finding.rule, title: 'x'.repeat(n) } });
      assert.equal(alert.title.length, Math.min(n, 256));
      encodeEvent('alert', alert);
    }
  });

  it('a text from traffic can neither break the line nor hide', () => {
    const nasty = { ...drop, values: { ...drop.values, filename: 'a\u202egpj.exe\n' } };
    const { story } = toAlert({ ...finding, steps: [nasty, beacon] });
    assert.match(story, /"a\\u\{202e\}gpj\.exe\\x0a"/);
  });

  it('fitText never cuts a character in half', () => {
    assert.deepEqual(
      [2, 3, 4, 5].map((n) => fitText('aéé', n)),
      ['a', 'aé', 'aé', 'aéé'],
    );
  });

  it('the main host is the first variable joined by', () => {
    assert.equal(mainHost(finding), 'mac:02:00:00:00:00:07');
    const byFile = { ...finding, key: `sha=${SHA}` };
    assert.equal(mainHost(byFile), 'mac:02:00:00:00:00:07');
  });
});

describe('alerts: comparing and printing', () => {
  it('canonical form is the same from another place in the log', () => {
    const moved = { ...finding, steps: finding.steps.map((m) => ({ ...m, ref: `x/${m.ref}`, uid: null })) };
    assert.equal(canonical(toAlert(moved)), canonical(toAlert(finding)));
    assert.notEqual(canonical(toAlert({ ...finding, at: finding.at + 1 })), canonical(toAlert(finding)));
    const names = Object.keys(JSON.parse(canonical(toAlert(finding))));
    assert.deepEqual(names, [...names].sort());
  });

  it('a line carries chain, host, bound values, every record and the reasons', () => {
    const line = JSON.parse(alertLine(finding));
    assert.deepEqual(Object.keys(line).slice(0, 7), ['id', 'revision', 'status', 'chain', 'severity', 'title', 'host']);
    assert.equal(line.host, 'mac:02:00:00:00:00:07');
    assert.deepEqual(line.bound, { c2: 'c2.example', sha: SHA, victim: 'mac:02:00:00:00:00:07' });
    assert.deepEqual([line.sha256, line.domains], [[SHA], ['c2.example']]);
    assert.equal(line.first, '2023-11-15T00:00:00.000005Z');
    assert.equal(line.first_ts, 1_700_006_400.000005);
    assert.equal(line.steps[0].record.ts, 1_700_006_400);
    assert.equal(line.steps[0].record.filename, 'setup.exe');
    assert.deepEqual(line.steps[1].why, ['signal.score >= 0.8']);
    assert.equal(line.explanation, toAlert(finding).story);
    assert.equal('user' in line, false);
  });

  it('a line does not depend on the order in which variables were bound', () => {
    const bound = Object.fromEntries(Object.entries(finding.bound).reverse());
    assert.equal(alertLine({ ...finding, bound }), alertLine(finding));
  });

  it('a line is one line that a terminal only prints', () => {
    const nasty = { ...drop, values: { ...drop.values, filename: 'a\u202eb\n\u009b' } };
    const text = alertLine({ ...finding, steps: [nasty] });
    assert.doesNotMatch(text, /[\n\u009b\u202e]/);
    assert.equal(JSON.parse(text).steps[0].record.filename, 'a\u202eb\n\u009b');
  });

  it('times and lengths of time', () => {
    assert.equal(isoTime(T0 + 1), '2023-11-15T00:00:00.000001Z');
    assert.equal(isoTime(-1), '1969-12-31T23:59:59.999999Z');
    assert.equal(isoTime(9e18), '9000000000000000000 us');
    assert.equal(dateText(T0), '2023-11-15 00:00:00 UTC');
    assert.deepEqual([DAY, 31.26 * DAY, 5400e6, 61e6, 1e6, 10].map(spanText), [
      ...['1 day', '31.3 days', '1.5 hours', '1 minute', '1 second', 'at once'],
    ]);
  });
});
