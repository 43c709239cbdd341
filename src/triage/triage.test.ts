import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeBatch } from '../schema/decode.ts';
import { encodeEvent } from '../schema/encode.ts';
import type { AlertEvent } from '../schema/gen/events.gen.ts';
import { type Request, TEXT_BYTES_MAX } from './acts.ts';
import { ENTRIES_MAX, fits } from './allow.ts';
import { heldRecord, recordOf, twinRecord } from './records.ts';
import { Triage } from './triage.ts';

const DAY = 86_400e6;
const ID = '0011223344556677';
const anna = { actor: 'anna', address: '192.0.2.7' };
const scope = { chain: 'c', entity: '', value: '', sensor: '' };

const alert = (more: Partial<AlertEvent> = {}): AlertEvent =>
  ({
    ...{ id: ID, chain: 'c', entities: ['victim=host:mac:aa', 'c2=domain:c2.example'], hosts: ['mac:aa'] },
    ...{ users: ['bob'], names: ['c2.example', 'x=y.example'], hashes: ['ab'], addrs: ['192.0.2.1'], ...more },
  }) as AlertEvent;

describe('triage', () => {
  let dir = '';
  let now = 1_700_000_000e6;
  const clock = { wall: () => now, monotonic: () => 0, after: () => ({ cancel: () => undefined }) };
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-triage-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const open = (max?: number): Triage => {
    const opened = Triage.open(dir, clock, max);
    assert.ok(opened.ok);
    return opened.value;
  };
  const say = (triage: Triage, request: Partial<Request>): string => {
    const done = triage.do({ alert: ID, text: 'why', ...request } as Request, anna);
    return done.ok ? `${done.value.n}` : done.fault.message;
  };
  const allow = (triage: Triage, more: object = {}): string =>
    say(triage, { act: 'allow', days: 30, ...scope, ...more } as Partial<Request>);

  it('an alert is acknowledged once, closed once with verdict and reason, and reopened', () => {
    const triage = open();
    assert.equal(say(triage, { act: 'ack' }), '1');
    assert.match(say(triage, { act: 'ack' }), /acknowledged already/);
    assert.match(say(triage, { act: 'close', verdict: 'perhaps' }), /no verdict/);
    assert.match(say(triage, { act: 'close', verdict: 'false', text: '' }), /has a reason/);
    assert.equal(say(triage, { act: 'close', verdict: 'false' }), '2');
    assert.match(say(triage, { act: 'close', verdict: 'true' }), /closed already/);
    assert.match(say(triage, { act: 'ack' }), /is closed/);
    assert.equal(say(triage, { act: 'note' }), '3', 'a closed one may be annotated');
    assert.equal(say(triage, { act: 'reopen' }), '4');
    assert.equal(say(triage, { act: 'close', verdict: 'benign' }), '5');
  });

  it('texts and names: at the limit, and one above', () => {
    const triage = open();
    assert.equal(say(triage, { act: 'note', text: 'é'.repeat(TEXT_BYTES_MAX / 2) }), '1');
    assert.match(say(triage, { act: 'note', text: `${'é'.repeat(TEXT_BYTES_MAX / 2)}x` }), /longer than/);
    for (const [actor, ok] of [
      ['x'.repeat(64), true],
      ['x'.repeat(65), false],
      [' ', false],
    ] as const)
      assert.equal(triage.do({ act: 'note', alert: ID, text: 'x' }, { actor, address: '' }).ok, ok);
    // As long and as hostile as all of it can be is still a line.
    const worst = {
      text: '\u0001'.repeat(2000),
      entity: `host:${'\u0001'.repeat(295)}`,
      value: `file:${'"'.repeat(595)}`,
    };
    assert.match(allow(triage, worst), /^\d+$/);
  });

  it('all is there again after a restart, with who and when', () => {
    say(open(), { act: 'ack' });
    now += DAY;
    allow(open());
    const again = open();
    assert.deepEqual(
      again.of(ID).map((a) => [a.n, a.act, a.actor, a.address]),
      [
        [1, 'ack', 'anna', '192.0.2.7'],
        [2, 'allow', 'anna', '192.0.2.7'],
      ],
    );
    assert.deepEqual(again.faults, []);
    assert.equal(again.entries()[0]?.until, now + 30 * DAY);
  });

  it('an entry holds what fits all of it, until it ends or is taken off', () => {
    const triage = open();
    allow(triage, { entity: 'host:mac:aa', value: 'domain:c2.example', alert: '' });
    const other = { id: 'ffffffffffffffff' };
    assert.equal(triage.holding(alert(other), 's1')?.n, 1);
    assert.equal(triage.holding(alert({ ...other, chain: 'd' }), 's1'), undefined);
    assert.equal(triage.holding(alert({ ...other, entities: [], hosts: [] }), 's1'), undefined);
    now += 30 * DAY - 1;
    assert.equal(triage.holding(alert(other), 's1')?.n, 1);
    now += 1;
    assert.equal(triage.holding(alert(other), 's1'), undefined, 'it has ended');
    allow(triage, { alert: '' });
    assert.equal(triage.holding(alert(other), 's1')?.n, 2);
    assert.match(say(triage, { act: 'disallow', entry: 1 }), /no entry 1/);
    assert.equal(say(triage, { act: 'disallow', entry: 2 }), '3');
    assert.equal(triage.holding(alert(other), 's1'), undefined);
    assert.deepEqual(
      triage.everyEntry().map((e) => [e.n, e.removed?.actor]),
      [
        [2, 'anna'],
        [1, undefined],
      ],
    );
  });

  it('what somebody has decided about an alert himself stands, whatever the list says', () => {
    const triage = open();
    allow(triage, { alert: '' });
    say(triage, { act: 'note' });
    assert.equal(triage.holding(alert(), 's1')?.n, 1, 'a note decides nothing');
    say(triage, { act: 'reopen' });
    assert.equal(triage.holding(alert(), 's1'), undefined);
  });

  it('scopes: classes, sensors, and what would hold back too much', () => {
    const triage = open();
    for (const [name, value, ok] of [
      ['value', 'user:bob', true],
      ['value', 'file:ab', true],
      ['value', 'address:192.0.2.1', true],
      ['value', 'domain:x=y.example', true],
      ['value', 'domain:c2', false],
      ['entity', 'host:mac:a', false],
    ] as const)
      assert.equal(fits({ ...scope, [name]: value }, alert(), 's1'), ok, value);
    assert.equal(fits({ ...scope, sensor: 's1' }, alert(), 's2'), false);
    assert.match(allow(triage, { chain: '', entity: 'host:mac:aa' }), /names a chain, or a value/);
    for (const odd of ['planet:mars', 'host', 'host:', ':x', '__proto__:x'])
      assert.match(allow(triage, { value: odd }), /CLASS:VALUE/, odd);
    assert.match(allow(triage, { value: `file:${'x'.repeat(596)}` }), /longer than 600/);
    assert.match(allow(triage, { sensor: 'a b' }), /no name of a sensor/);
    assert.match(allow(triage, { days: 0 }), /ends/);
    assert.match(allow(triage, { days: Number.NaN }), /ends/);
  });

  it('so many entries, and not one more; so many acts, and not one more', function () {
    this.timeout(60_000);
    const triage = open();
    for (let i = 0; i < ENTRIES_MAX; i++) assert.equal(allow(triage, { alert: '' }), `${i + 1}`);
    assert.match(allow(triage), /has 1000 entries/);
    say(triage, { act: 'disallow', entry: 7 });
    assert.match(allow(triage), /^\d+$/);
    assert.match(say(open(1002), { act: 'note' }), /has 1002 lines/);
  });

  it('as records of the store: whole, and the same for the same act', () => {
    const triage = open();
    allow(triage, { entity: 'host:mac:aa' });
    say(triage, { act: 'close', verdict: 'benign' });
    const records = [
      ...triage.acts.map(recordOf),
      heldRecord(ID, { n: 1, reason: 'why' }, now),
      twinRecord(ID, ID, 's', now),
    ];
    for (const r of records) assert.deepEqual(decodeBatch('triage', encodeEvent('triage', r)), [r]);
    assert.deepEqual(open().acts.map(recordOf), records.slice(0, 2));
  });
});
