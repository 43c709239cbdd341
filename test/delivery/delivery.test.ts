import assert from 'node:assert/strict';
import path from 'node:path';
import { Spool } from '../../src/spool/spool.ts';
import { collector, drainWal, enrolled, type Running, sha, shipper, until } from './link.ts';
import { folder, must, readAll, removeFolders, spoolOptions, weird } from './world.ts';

const open = async (dir: string, more = {}): Promise<Spool> => must(await Spool.open(spoolOptions(dir, more)));
const isAt = (spool: Spool) => () => {
  const { epoch, seq } = spool.cursor('ship');
  return epoch === spool.durable.epoch && seq >= spool.durable.seq;
};

describe('delivery', () => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const clean of cleanups.splice(0).reverse()) await clean();
    await removeFolders();
  });
  const started = async (...args: Parameters<typeof collector>): Promise<Running> => {
    const c = await collector(...args);
    cleanups.push(() => c.stop());
    return c;
  };

  it('the whole way: a token, a certificate, frames, acknowledgements, the log, blocks for the store', async () => {
    const c = await started(await folder());
    const dir = await folder();
    const keys = await enrolled(c, 'berlin-1', path.join(dir, 'keys'));
    const spool = await open(path.join(dir, 'spool'));
    for (let i = 0; i < 20; i++) must(await spool.append(weird(i)));
    const s = shipper(c.url, 'berlin-1', keys, spool);
    await until('all is acknowledged', isAt(spool));
    for (let i = 20; i < 30; i++) must(await spool.append(weird(i)));
    await until('what came later is acknowledged', isAt(spool));
    const sent = await readAll(spool, { epoch: 0, seq: 0 });
    assert.equal(s.counters.frames, 30);
    assert.equal(s.counters.events, 30);
    await s.close();
    await spool.close();
    const stored = await drainWal(c.wal);
    assert.deepEqual(
      stored.map((f) => [f.sensor, f.epoch, f.seq, f.kind, f.count, sha(f.bytes)]),
      sent.map((f) => ['berlin-1', f.epoch, f.seq, f.kind, f.count, sha(f.bytes)]),
    );
    assert.equal(c.wal.marks.mark('berlin-1', 1), 30);
    assert.deepEqual(c.audits.map((a) => [a.action, a.outcome]), [['enroll', 'done']]);
  });
});
