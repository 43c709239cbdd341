// A sensor's life for spool.test.ts: appends until it is killed, and tells each position that it was promised.
// node --import tsx spool_child.ts DIR; a line of output: epoch, seq, name of the event.
import { writeSync } from 'node:fs';
import { Spool } from '../../src/spool/spool.ts';
import { must, spoolOptions, weird } from './world.ts';

const spool = must(await Spool.open(spoolOptions(process.argv[2] as string, { segmentBytes: 2048 })));
for (let n = 0; ; n += 3) {
  const written = await Promise.all(
    [n, n + 1, n + 2].map(async (i) => {
      const name = `e${spool.epoch}_${i}`;
      return { name, at: must(await spool.append(weird(i, name, 'x'.repeat(i % 97)))) };
    }),
  );
  writeSync(1, written.map(({ name, at }) => `${at.epoch} ${at.seq} ${name}\n`).join(''));
}
