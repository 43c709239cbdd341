import assert from 'node:assert/strict';
import type { NtpEvent } from '../../../schema/gen/events.gen.ts';
import { FIELDS } from '../../../schema/gen/structures.gen.ts';
import { jsonRow, tsvRow } from '../zeek.ts';
import { NTP } from './ntp.ts';

const event = {
  ...Object.fromEntries(FIELDS.ntp.map((f) => [f.name, null])),
  ...{ uid: 'C0000000000Z', orig_h: '192.0.2.1', resp_h: '192.0.2.2' },
  ...{ ts: 1e15, mode: 3, stratum: 2, poll: 64, precision: 2 ** -20, root_delay: 0.0462799072265625, root_disp: 0 },
  ...{
    ref_time: 1559262748073649,
    org_time: null,
    rec_time: -2208988763000000,
    xmt_time: null,
    num_exts: 0,
    bytes: 48,
    key_id: null,
  },
} as unknown as NtpEvent;

const cell = (name: string, e: NtpEvent): string | undefined =>
  tsvRow(NTP)(e as never)
    .split('\t')
    .at(NTP.columns.findIndex((c) => c.name === name));

describe('zeek ntp.log', () => {
  it('an interval has all its digits, without an exponent', () => {
    assert.equal(cell('poll', event), '64');
    assert.equal(cell('precision', event), '0.00000095367431640625');
    assert.equal(cell('root_delay', event), '0.0462799072265625');
    assert.equal(cell('precision', { ...event, precision: null }), '-');
    assert.match(jsonRow(NTP)(event as never), /"precision":0\.00000095367431640625,/);
  });

  it('a time before 1970 is below zero, and no time is 1970', () => {
    assert.equal(cell('ref_time', event), '1559262748.073649');
    assert.equal(cell('org_time', event), '0.000000');
    assert.equal(cell('rec_time', event), '-2208988763.000000');
  });

  it('what Zeek cannot parse is beyond it', () => {
    const beyond = (bytes: number, num_exts: number, key_id: number | null): boolean =>
      NTP.beyondZeek({ ...event, bytes, num_exts, key_id } as never);
    assert.equal(beyond(48, 0, null), false);
    assert.equal(beyond(72, 0, 1), false);
    assert.equal(beyond(76, 0, 1), true);
    assert.equal(beyond(120, 0, 1), true);
    assert.equal(beyond(332, 2, null), true);
    assert.equal(beyond(96, 1, 1), false);
  });

  it('control and private messages are no rows of Zeek’s', () => {
    for (let mode = 1; mode <= 7; mode++) assert.equal(NTP.beyondZeek({ ...event, mode } as never), mode > 5);
    assert.equal(cell('xmt_time', { ...event, mode: 6 }), '-');
  });
});
