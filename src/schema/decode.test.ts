import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Options, Unpackr } from 'msgpackr';
import { anyEvent, emptyEvent } from './any_event.test.ts';
import { DecodeError, Decoder, decodeBatch } from './decode.ts';
import { encodeBatch, encodeEvent, escapeText, unescapeText } from './encode.ts';
import type { KindName } from './gen/events.gen.ts';
import { FIELDS, KIND_IDS, structuresOf } from './gen/structures.gen.ts';
import { ipText } from './ip.ts';
import { encodeFields, RecordError } from './record.ts';

const KINDS = Object.keys(KIND_IDS) as KindName[];
const encodeAll = (kind: KindName, events: readonly Record<string, unknown>[]): Buffer =>
  Buffer.concat(events.map((e) => encodeFields(FIELDS[kind], e)));

const dns = { ...emptyEvent('dns'), orig_h: '192.0.2.1', orig_p: 64, resp_h: '2001:db8::53', resp_p: 53, proto: 17 };

describe('records', () => {
  for (const kind of KINDS) {
    it(`${kind}: what was encoded is decoded, alone and in a batch`, () => {
      fc.assert(
        fc.property(fc.array(anyEvent(kind), { maxLength: 4 }), (events) => {
          assert.deepEqual(decodeBatch(kind, encodeAll(kind, events)), events);
        }),
        { numRuns: 60 },
      );
    });

    it(`${kind}: msgpackr reads the same values from the same bytes`, () => {
      // Its types do not know 'auto'.
      const options = { structures: structuresOf(kind), int64AsType: 'auto' } as unknown as Options;
      const unpackr = new Unpackr(options);
      const ips = FIELDS[kind].filter((f) => f.type === 'ip');
      fc.assert(
        fc.property(fc.array(anyEvent(kind), { minLength: 1, maxLength: 4 }), (events) => {
          const read = unpackr.unpackMultiple(encodeAll(kind, events)) as Record<string, unknown>[];
          for (const event of read)
            for (const f of ips) {
              const v = event[f.name];
              if (Array.isArray(v)) event[f.name] = v.map((b: Uint8Array) => ipText(b));
              else if (v !== null) event[f.name] = ipText(v as Uint8Array);
            }
          assert.deepEqual(
            read.map((e) => ({ ...e })),
            events,
          );
        }),
        { numRuns: 60 },
      );
    });
  }

  it('decodes only the fields asked for', () => {
    fc.assert(
      fc.property(fc.array(anyEvent('http'), { maxLength: 4 }), (events) => {
        const some = new Decoder('http', ['orig_h', 'uri', 'resp_fuids', 'server']).decode(encodeAll('http', events));
        assert.deepEqual(
          some,
          events.map((e) => ({ orig_h: e.orig_h, uri: e.uri, resp_fuids: e.resp_fuids, server: e.server })),
        );
      }),
      { numRuns: 60 },
    );
    assert.throws(() => new Decoder('dns', ['uri' as 'query']), RangeError);
  });

  it('writes integer 64 so that it begins no record', () => {
    const bytes = encodeEvent('dns', { ...dns, Z: 64 });
    assert.equal(bytes.indexOf(Buffer.of(0xcc, 0x40)) > 0, true);
    assert.equal(decodeBatch('dns', bytes)[0]?.Z, 64);
    assert.equal(decodeBatch('dns', bytes)[0]?.orig_p, 64);
  });

  it('cuts at the caps, says so, and not below', () => {
    for (const [length, cut] of [
      [1023, false],
      [1024, false],
      [1025, true],
    ] as const) {
      const [event] = decodeBatch('dns', encodeEvent('dns', { ...dns, query: 'q'.repeat(length) }));
      assert.equal(event?.query?.length, Math.min(length, 1024));
      assert.equal(event?.cut, cut);
    }
    for (const [items, cut] of [
      [63, false],
      [64, false],
      [65, true],
    ] as const) {
      const answers = Array<string>(items).fill('192.0.2.1');
      const [event] = decodeBatch('dns', encodeEvent('dns', { ...dns, answers }));
      assert.equal(event?.answers.length, Math.min(items, 64));
      assert.equal(event?.cut, cut);
    }
  });

  it('cuts between characters and never inside an escape', () => {
    const cutTo = (query: string): string | null | undefined =>
      decodeBatch('dns', encodeEvent('dns', { ...dns, query }))[0]?.query;
    assert.equal(cutTo(`${'q'.repeat(1023)}ó`), 'q'.repeat(1023));
    assert.equal(cutTo(`${'q'.repeat(1023)}\\\\`), 'q'.repeat(1023));
    assert.equal(cutTo(`${'q'.repeat(1021)}\\xff`), 'q'.repeat(1021));
    assert.equal(cutTo(`${'q'.repeat(1020)}\\xff!`), `${'q'.repeat(1020)}\\xff`);
  });

  it('doubles a backslash that begins no escape', () => {
    const query = (text: string): string | null | undefined =>
      decodeBatch('dns', encodeEvent('dns', { ...dns, query: text }))[0]?.query;
    assert.equal(query('C:\\dir'), 'C:\\\\dir');
    assert.equal(query('C:\\\\dir'), 'C:\\\\dir');
    assert.equal(query('\\xzz'), '\\\\xzz');
    assert.equal(query('\\\\\\x'), '\\\\\\\\x');
    assert.equal(query('\\xff'), '\\xff');
  });

  it('escapes and unescapes', () => {
    assert.equal(escapeText('a\\b'), 'a\\\\b');
    assert.deepEqual(unescapeText('a\\\\b\\xffc\\\\xff'), Buffer.from('a\\b\xffc\\xff', 'latin1'));
    fc.assert(fc.property(fc.string(), (s) => assert.equal(Buffer.from(unescapeText(escapeText(s))).toString(), s)));
  });

  it('holds what a double holds and says when it had to cut', () => {
    const [event] = decodeBatch('dns', encodeEvent('dns', { ...dns, ts: 2 ** 60, rtt: Number.NaN }));
    assert.equal(event?.ts, Number.MAX_SAFE_INTEGER);
    assert.equal(event?.rtt, 0);
    assert.equal(event?.cut, true);
  });

  it('takes a missing optional field as unset and a missing list as empty', () => {
    const { query, answers, cut, ...rest } = dns;
    assert.deepEqual(decodeBatch('dns', encodeEvent('dns', rest)), [{ ...rest, query, answers, cut }]);
  });

  it("refuses a caller's bug", () => {
    const refuse = (more: Record<string, unknown>): void =>
      assert.throws(() => encodeFields(FIELDS.dns, { ...dns, ...more }), RecordError);
    refuse({ trans_id: 65536 });
    refuse({ trans_id: -1 });
    refuse({ trans_id: 1.5 });
    refuse({ trans_id: null });
    refuse({ ts: -1 });
    refuse({ orig_h: 'somewhere' });
    refuse({ uid: 'C1' });
    refuse({ answers: 'a' });
    refuse({ AA: 1 });
    refuse({ query: 7 });
  });

  it('refuses bytes that are no whole records', () => {
    const whole = encodeBatch('dns', [dns, dns]);
    assert.equal(decodeBatch('dns', whole).length, 2);
    assert.deepEqual(decodeBatch('dns', new Uint8Array(0)), []);
    for (let n = 1; n < whole.length; n++)
      if (n !== whole.length / 2) assert.throws(() => decodeBatch('dns', whole.subarray(0, n)), DecodeError);
    assert.throws(() => decodeBatch(255, whole), DecodeError);
    assert.deepEqual(decodeBatch(KIND_IDS.dns, whole), decodeBatch('dns', whole));
  });

  it('comes to an end on any bytes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...KINDS), fc.uint8Array({ maxLength: 400 }), (kind, bytes) => {
        try {
          decodeBatch(kind, Uint8Array.of(0x40, ...bytes));
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
    );
  });
});
