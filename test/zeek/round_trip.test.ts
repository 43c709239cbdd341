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
          }
        }),
        { numRuns: 60 },
      );
    });
});
