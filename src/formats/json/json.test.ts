import assert from 'node:assert/strict';
import fc from 'fast-check';
import { anyEvent } from '../../schema/any_event.test.ts';
import type { CatenaryEvent, DhcpEvent, IcmpEvent, KindName, WeirdEvent } from '../../schema/gen/events.gen.ts';
import { FIELDS, KIND_IDS } from '../../schema/gen/structures.gen.ts';
import { jsonLine } from './json.ts';

const KINDS = Object.keys(KIND_IDS) as KindName[];

const weird: WeirdEvent = {
  ...{ ts: 1700000000000001, seen: 1700000001250001, cut: false, name: 'dns_name_pointer_loop', addl: 'offset 12' },
  ...{ source: 'dns', notice: false, count: 1, uid: 'C0000000000Z', orig_h: '192.0.2.1', orig_p: 49152 },
  ...{ resp_h: '2001:db8::53', resp_p: 53, proto: 17, vlan: null },
};

describe('json lines', () => {
  it('kind, then the fields of the schema; unset ones are left out', () => {
    assert.equal(
      jsonLine('weird', weird),
      '{"kind":"weird","ts":1700000000.000001,"seen":1700000001.250001,"cut":false,"name":"dns_name_pointer_loop",' +
        '"addl":"offset 12","source":"dns","notice":false,"count":1,"uid":"C0000000000Z","orig_h":"192.0.2.1",' +
        '"orig_p":49152,"resp_h":"2001:db8::53","resp_p":53,"proto":17}',
    );
  });

  it('what traffic wrote is escaped, and can be undone', () => {
    const line = jsonLine('weird', { ...weird, addl: 'C:\\\\x\\xff\u001b[2J"\u202e' });
    assert.ok(line.includes('"addl":"C:\\\\\\\\x\\\\xff\\u001b[2J\\"\\u202e"'), line);
  });

  it('lists without items are there; durations have no noise', () => {
    const dhcp = {
      ...{ ts: 1, seen: 2, cut: true, uids: [], client_addr: null, server_addr: null, mac: null, host_name: null },
      ...{ client_fqdn: null, domain: null, requested_addr: null, assigned_addr: null, lease_time: 3600 },
      ...{ client_message: null, server_message: null, msg_types: ['REQUEST', 'ACK'], duration: 0.1 + 0.2 },
    } as unknown as DhcpEvent;
    const rest = Object.fromEntries(FIELDS.dhcp.map((f) => [f.name, f.list ? [] : f.optional ? null : 0]));
    const line = jsonLine('dhcp', { ...rest, ...dhcp });
    assert.ok(line.startsWith('{"kind":"dhcp","ts":0.000001,"seen":0.000002,"cut":true,"uids":[],"lease_time":3600,'));
    assert.ok(line.includes('"msg_types":["REQUEST","ACK"],"duration":0.3,'), line);
  });

  it('a double that is none does not break the line', () => {
    const icmp = Object.fromEntries(FIELDS.icmp.map((f) => [f.name, f.optional ? null : 0])) as unknown as IcmpEvent;
    for (const entropy of [Number.NaN, Number.POSITIVE_INFINITY])
      assert.equal(JSON.parse(jsonLine('icmp', { ...icmp, entropy })).entropy, null);
  });

  it('a conn has its community id', () => {
    const conn = Object.fromEntries(FIELDS.conn.map((f) => [f.name, f.list ? [] : f.optional ? null : 0]));
    const tuple = { orig_h: '128.232.110.120', orig_p: 34855, resp_h: '66.35.250.204', resp_p: 80, proto: 6 };
    const line = jsonLine('conn', { ...conn, ...tuple } as unknown as CatenaryEvent);
    assert.ok(line.endsWith(',"community_id":"1:LQU9qZlK+B5F3KDmev6m5PMibrg="}'), line);
  });

  for (const kind of KINDS)
    it(`${kind}: every event is one line that parses to its fields`, () => {
      fc.assert(
        fc.property(anyEvent(kind), (event) => {
          const line = jsonLine(kind, event as unknown as CatenaryEvent);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
          assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f]/);
          const read = JSON.parse(line) as Record<string, unknown>;
          assert.equal(Object.keys(read)[0], 'kind');
          for (const f of FIELDS[kind]) {
            const [was, is] = [(event as Record<string, unknown>)[f.name], read[f.name]];
            if (was === null) assert.equal(f.name in read, false);
            else if (['time', 'duration', 'f64'].includes(f.type)) assert.equal(typeof is, typeof (f.list ? [] : 0));
            else assert.deepEqual(is, was, f.name);
          }
        }),
        { numRuns: 60 },
      );
    });
});
