// A collector's log for delivery.test.ts: goes on from the mark of its sensor until it is killed, and tells each frame
// that it would acknowledge. node --import tsx wal_child.ts DIR; a line of output: sensor/epoch/seq, hash.
import { writeSync } from 'node:fs';
import path from 'node:path';
import { Wal } from '../../src/collector/wal.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { sha } from './link.ts';
import { must, native, SCHEMA, weird } from './world.ts';

const dir = path.join(process.argv[2] as string, 'wal');
const wal = must(await Wal.open({ dir, crc32c: native.crc32c, clock: systemClock, groupMs: 1, segmentBytes: 2048 }));
for (let seq = wal.marks.mark('berlin-1', 1) + 1; ; seq += 3) {
  const lines = await Promise.all(
    [seq, seq + 1, seq + 2].map(async (n) => {
      const b = weird(n, `frame_${n}`, 'x'.repeat(n % 83));
      const frame = { ...b, epoch: 1, seq: n, schema: SCHEMA, crc: native.crc32c(b.bytes) };
      must(await wal.append('berlin-1', { frame, after: n - 1, live: false }));
      return `berlin-1/1/${n} ${sha(b.bytes)}\n`;
    }),
  );
  writeSync(1, lines.join(''));
}
