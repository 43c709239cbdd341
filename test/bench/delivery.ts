// What delivery costs, over real TLS and real disks: a capture's own batches, numbered, spooled, sent, validated,
// logged, acknowledged. `node --import tsx test/bench/delivery.ts [CAPTURE] [TIMES]`; without one the founding story.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openReader } from '../../src/capture/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { KIND_IDS, KIND_NAMES } from '../../src/schema/gen/structures.gen.ts';
import { Spool, type SpoolBatch } from '../../src/spool/spool.ts';
import { encodeFrame } from '../../src/wire/frame.ts';
import { collector, enrolled, shipper, until } from '../delivery/link.ts';
import { must, native, SCHEMA, spoolOptions } from '../delivery/world.ts';
import { buildWorld } from '../founding/world.ts';

const made = await mkdtemp(path.join(tmpdir(), 'catenary-bench-'));
const [capture = path.join(made, 'founding.pcap'), times = '3'] = process.argv.slice(2);
if (process.argv[2] === undefined) await writeFile(capture, buildWorld({}).pcap);
console.log('\ndelivery, from the spool over TLS to the synced log');
const batches: SpoolBatch[] = [];
for await (const drain of must(openReader({ files: [capture] })).drains()) {
  for (const { kind, count, bytes } of must(drain).batches) {
    const number = KIND_IDS[kind];
    const [checked] = await native.checkFrames(number, [{ bytes }]);
    const { seenMin: firstSeen = 0, seenMax: lastSeen = 0 } = checked ?? {};
    batches.push({ kind: number, count, firstSeen, lastSeen, bytes });
  }
}

// Bytes an event: as records, and as frames on the wire.
const sizes = new Map<number, { events: number; bytes: number; wire: number }>();
for (const b of batches) {
  const frame = { ...b, epoch: 1, seq: 1, schema: SCHEMA, crc: native.crc32c(b.bytes) };
  const message = await encodeFrame(native, { frame, after: 0, live: false });
  const s = sizes.get(b.kind) ?? { events: 0, bytes: 0, wire: 0 };
  s.events += b.count;
  s.bytes += b.bytes.length;
  s.wire += message.length;
  sizes.set(b.kind, s);
}
for (const [kind, s] of [...sizes].sort((a, b) => b[1].events - a[1].events))
  console.log(
    `${(KIND_NAMES[kind] ?? '').padEnd(14)} ${String(s.events).padStart(9)} events` +
      ` ${(s.bytes / s.events).toFixed(1).padStart(7)} B a record ${(s.wire / s.events).toFixed(1).padStart(7)} B on the wire`,
  );

const dir = await mkdtemp(path.join(tmpdir(), 'catenary-bench-'));
const c = await collector(path.join(dir, 'collector'), {}, { groupMs: 50 });
const keys = await enrolled(c, 'bench', path.join(dir, 'keys'));
const spool = must(
  await Spool.open(spoolOptions(path.join(dir, 'spool'), { sensor: 'bench', budgetBytes: 8 * 2 ** 30 })),
);
const begun = systemClock.monotonic();
let [frames, events, bytes] = [0, 0, 0];
for (let i = 0; i < Number(times); i++) {
  for (let at = 0; at < batches.length; at += 64) {
    const group = batches.slice(at, at + 64);
    for (const r of await Promise.all(group.map((b) => spool.append(b)))) must(r);
    for (const b of group) {
      frames++;
      events += b.count;
      bytes += b.bytes.length;
    }
  }
}
const spooled = systemClock.monotonic();
const s = shipper(c.url, 'bench', keys, spool);
await until('all is acknowledged', () => spool.cursor('ship').seq >= spool.durable.seq);
const done = systemClock.monotonic();
const rate = (ms: number): string =>
  `${((frames / ms) * 1000).toFixed(0)} frames/s, ${(bytes / ms / 1000).toFixed(1)} MB/s of records, ${(events / ms / 1000).toFixed(2)} M events/s`;
console.log(`spool, synced:   ${rate(spooled - begun)}`);
console.log(`spool to log:    ${rate(done - spooled)}`);
console.log(
  `wire: ${(s.counters.wireBytes / 1e6).toFixed(1)} MB for ${(bytes / 1e6).toFixed(1)} MB; ${s.counters.acks} acknowledgements`,
);
await s.close();
await spool.close();
await c.stop();
await rm(dir, { recursive: true });
