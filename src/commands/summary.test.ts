import assert from 'node:assert/strict';
import { NOTHING_READ, summaryText } from './summary.ts';

describe('summary', () => {
  it('is a value a line', () => {
    const s = { ...NOTHING_READ, packets: 60, bytes: 5687, capturedBytes: 5687, flows: 5, events: { conn: 5, dns: 2 } };
    assert.equal(
      summaryText(s, { seconds: 0.003, peakMemoryBytes: 61_400_000 }),
      'packets 60\nbytes 5687\nflows 5\nevents 7\n  conn 5\n  dns 2\nrate 20000 packets/s (50.000 us a packet)\npeak memory 62 MB\n',
    );
  });

  it('of nothing, divides nothing', () => {
    assert.equal(
      summaryText(NOTHING_READ, { seconds: 0, peakMemoryBytes: 0 }),
      'packets 0\nbytes 0\nflows 0\nevents 0\nrate 0 packets/s (0.000 us a packet)\npeak memory 0 MB\n',
    );
  });

  it('names losses only where there are any', () => {
    const s = { ...NOTHING_READ, bytes: 100, capturedBytes: 60, flowsEvicted: 1, kernelReceived: 9, kernelDropped: 0 };
    const text = summaryText({ ...s, interfaceDropped: 2 }, { seconds: 1, peakMemoryBytes: 0 });
    for (const line of [
      'captured bytes 60',
      'flows evicted 1',
      'kernel received 9',
      'kernel dropped 0',
      'interface dropped 2',
    ])
      assert.ok(text.split('\n').includes(line), line);
  });
});
