// What is written with --as zeek and read back is the same, in the fields that Zeek's logs have: over every capture
// that the protocols keep.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { openReader } from '../../src/capture/index.ts';
import type { Log } from '../../src/formats/zeek/columns.ts';
import { ZeekReader } from '../../src/formats/zeek/input/reader.ts';
import { RowReader } from '../../src/formats/zeek/input/rows.ts';
import { LOGS } from '../../src/formats/zeek/logs.ts';
import { jsonRow, tsvHeader, tsvRow, ZEEK_KINDS, ZeekWriter } from '../../src/formats/zeek/zeek.ts';
import { anyEvent } from '../../src/schema/any_event.test.ts';
import { decodeBatch } from '../../src/schema/decode.ts';
import { encodeEvent } from '../../src/schema/encode.ts';
import type { CatenaryEvent, KindName } from '../../src/schema/gen/events.gen.ts';
import { FIELDS } from '../../src/schema/gen/structures.gen.ts';

const PROTOCOLS = new URL('../../native/protocols/', import.meta.url).pathname;
const CAPTURES = readdirSync(PROTOCOLS, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.pcap'))
  .sort();
/** Rows of these name no flow, and a record cannot be without. */
const UNREAD: ReadonlySet<KindName> = new Set(['x509']);

async function eventsOf(capture: string): Promise<[KindName, CatenaryEvent][]> {
  const reader = openReader({ files: [join(PROTOCOLS, capture)], kinds: ZEEK_KINDS });
  assert.ok(reader.ok);
  return drained(reader.value);
}

async function drained(reader: {
  drains(): AsyncGenerator<{ ok: boolean; value?: { batches: readonly { kind: KindName; bytes: Uint8Array }[] } }>;
}): Promise<[KindName, CatenaryEvent][]> {
  const out: [KindName, CatenaryEvent][] = [];
  for await (const drain of reader.drains())
    for (const { kind, bytes } of drain.value?.batches ?? [])
      for (const event of decodeBatch(kind, bytes)) out.push([kind, event]);
  return out;
}

/**
 * Not of records that traffic never makes: a transport that is not that of the packet, a host with colons of its own, a
 * file without a direction, a clock's precision below twenty digits, Zeek's arithmetic on a negative time to live.
 */
const INEXACT: ReadonlySet<string> = new Set(['conn', 'http', 'files', 'ntp', 'radius']);

const close = (a: unknown, b: unknown): boolean =>
  typeof a === 'number' && typeof b === 'number' ? Math.abs(a - b) <= 1e-6 : a === b;

/** Of the fields that a column shows as they are. */
function assertSame(log: Log, before: CatenaryEvent, after: CatenaryEvent): void {
  for (const { field } of log.columns) {
    if (field === undefined) continue;
    const [a, b] = [before, after].map((e) => (e as unknown as Record<string, unknown>)[field]);
    const [as, bs] = [a, b].map((v) => (Array.isArray(v) ? v : [v]));
    const isSame = as?.length === bs?.length && (as as unknown[]).every((v, i) => close(v, bs?.[i]));
    assert.ok(isSame, `${log.path} ${field}: ${JSON.stringify(a)} became ${JSON.stringify(b)}`);
  }
}

describe('zeek logs, written and read back', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'catenary-zeek-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('finds the captures', () => assert.ok(CAPTURES.length > 60, String(CAPTURES.length)));

  for (const isJson of [false, true])
    for (const capture of CAPTURES)
      it(`${capture}${isJson ? ', as JSON' : ''}: the same events, and the same rows again`, async () => {
        const dir = mkdtempSync(join(folder, 'logs-'));
        const written = (await eventsOf(capture)).filter(([kind]) => !UNREAD.has(kind));
        const writer = new ZeekWriter(dir, isJson, true);
        for (const [kind, event] of written) writer.write(kind, event);
        await writer.close();
        if (written.length === 0) return;
        const reader = await ZeekReader.open([dir]);
        assert.ok(reader.ok);
        const read = await drained(reader.value);
        assert.deepEqual(reader.value.faults(), []);
        assert.equal(read.length, written.length);
        for (const log of LOGS) {
          const [before, after] = [written, read].map((all) => {
            const rows = all.filter(([kind]) => kind === log.kind).map(([, event]) => event);
            const row = isJson ? jsonRow(log) : tsvRow(log);
            return rows.map((event) => ({ event, text: row(event) })).sort((a, b) => (a.text < b.text ? -1 : 1));
          }) as [{ event: CatenaryEvent; text: string }[], { event: CatenaryEvent; text: string }[]];
          assert.deepEqual(
            after.map(({ text }) => text),
            before.map(({ text }) => text),
          );
          for (const [i, { event }] of before.entries()) assertSame(log, event, after[i]?.event as CatenaryEvent);
        }
      });

  // A list of one empty text is written as an empty list is, by Zeek too; and a zero has a sign in a double alone.
  const plain = (row: string): string => row.replaceAll('(empty)', '-').replaceAll(/-0(\.0+)?(?=[\t\n,])/g, '0$1');
  for (const log of LOGS.filter(({ kind }) => !UNREAD.has(kind)))
    it(`${log.path}: any event's row is read to an event that has the same row`, () => {
      const fields = FIELDS[log.kind];
      fc.assert(
        fc.property(anyEvent(log.kind), (event) => {
          for (const [row, header] of [
            [tsvRow(log), tsvHeader(log, 0)],
            [jsonRow(log), ''],
          ] as const) {
            const reader = new RowReader(log);
            for (const line of header.split('\n')) assert.equal(reader.take(line), undefined);
            const text = row(event as never);
            const read = reader.take(text.slice(0, -1));
            // Times past what a record holds, and flows without a number for their transport.
            if (read === undefined || 'why' in read) continue;
            assert.equal(
              fields.every((f) => f.name in read.event),
              true,
            );
            encodeEvent(log.kind, read.event as never);
            // Past 2240 a double of JSON has no microseconds left.
            if (header !== '' && !INEXACT.has(log.path)) assert.equal(plain(row(read.event)), plain(text));
          }
        }),
        { numRuns: 60 },
      );
    });

  // What a column may hold when somebody means harm, or wrote it with another program.
  const odd = fc.oneof(
    fc.constantFrom<unknown>('', '-', '(empty)', 'T', '0', '-1', '1e999', '1700000000.5', '99999999999999999999'),
    fc.constantFrom<unknown>(
      '192.0.2.1',
      '::',
      '1:2:3',
      'tcp',
      'icmp',
      'unknown_transport',
      '__proto__',
      '\\',
      '\\xff',
    ),
    fc.constantFrom<unknown>(0, -1, 1.5, 1e300, Number.MAX_SAFE_INTEGER, 1700000000.25, true, false, null),
    fc.constantFrom<unknown>([], [null], [['a']], ['192.0.2.1'], {}, { toString: 1 }, [1, 2.5]),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  );
  for (const log of LOGS)
    it(`${log.path}: whatever its columns hold, a line is a record or is told`, () => {
      const names = log.columns.map(({ name }) => name);
      const sound = { ts: 1700000000, uid: 'CX', 'id.orig_h': '192.0.2.1', 'id.resp_h': '192.0.2.2' };
      fc.assert(
        fc.property(fc.dictionary(fc.constantFrom(...names, '_write_ts'), odd, { maxKeys: 6 }), (given) => {
          const reader = new RowReader(log);
          const read = [reader.take(JSON.stringify({ ...sound, proto: 'udp', ...given }))];
          const cells = Object.entries({ ...sound, ...given });
          reader.take(`#fields\t${cells.map(([name]) => name).join('\t')}`);
          const text = cells.map(([, value]) => String(typeof value === 'object' ? '-' : value));
          read.push(reader.take(text.join('\t')));
          for (const row of read) {
            if (row === undefined) continue;
            if ('why' in row) assert.ok(row.why.length < 200, row.why);
            else encodeEvent(log.kind, row.event as never);
          }
        }),
        { numRuns: 300 },
      );
    });
});
