// A process of its own that keeps packets: reads a capture, seals what closes, keeps house, and says at the end what it
// was told. With `wait` the folder is a file system of its own, which is made larger then.
//
//   node --import tsx sealer.ts EVIDENCE CAPTURE [wait]
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { openReader, segmentDigester } from '../../src/capture/index.ts';
import { configSchema } from '../../src/config/schema.ts';
import { folders, keepHouse, openSigner, Segments } from '../../src/evidence/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Fault } from '../../src/lib/fault.ts';

const [dir = '', capture = '', wait] = process.argv.slice(2);
const at = folders(dir);
const faults: Fault[] = [];

function must<T>(r: { ok: true; value: T } | { ok: false; fault: Fault }): T {
  if (!r.ok) throw new Error(`${r.fault.message} (${r.fault.hint})`);
  return r.value;
}

const signer = must(openSigner(at.keys));
const segments = must(
  await Segments.open({
    ...{ dir: path.join(at.packets, 'eth0'), evidence: dir, signer, clock: systemClock },
    digest: must(segmentDigester()),
    circumstances: { sensor: 's', interface: 'eth0', filter: '', snaplen: 0, software: 'x', config: '' },
  }),
);
console.log('open');
const settings = { ...configSchema.parse({}).evidence, packets_mb: 1, files_mb: 0 };
const packets = { dir: path.join(at.packets, 'eth0'), epoch: segments.epoch, segmentBytes: 256 << 10 };
const reader = must(openReader({ files: [capture], kinds: [], packets }));
const counts = { closed: 0, taken: 0, written: 0, notKept: 0 };
for await (const drain of reader.drains())
  for (const closed of must(drain).segments) {
    counts.closed++;
    counts.taken += closed.taken;
    counts.written += closed.written;
    counts.notKept += closed.notKept;
    const sealed = await segments.seal(closed);
    if (!sealed.ok) faults.push(sealed.fault);
    const house = {
      dir,
      settings,
      signer,
      clock: systemClock,
      segments: [segments],
      leases: undefined,
      now: undefined,
    };
    faults.push(...(await keepHouse(house)));
  }
// The disk may have come back meanwhile.
for (let i = 0; i < 4; i++) {
  const rest = await segments.sealPending();
  if (!rest.ok) faults.push(rest.fault);
}
let recoveredMs = 0;
if (wait === 'wait') {
  execFileSync('mount', ['-o', 'remount,size=64m,nr_inodes=0', dir]);
  const begun = systemClock.monotonic();
  for (let isSealed = false; !isSealed; ) isSealed = (await segments.sealPending()).ok;
  recoveredMs = systemClock.monotonic() - begun;
}
console.log(JSON.stringify({ ...counts, recoveredMs, faults: faults.map((f) => f.message) }));
