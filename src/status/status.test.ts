import assert from 'node:assert/strict';
import { systemClock } from '../lib/clock.ts';
import { encodeBatch } from '../schema/encode.ts';
import { screenLines } from './screen.ts';
import { type Counted, diskOf, Meter, type Status } from './status.ts';
import { quiet, well } from './testing.ts';

const none: Counted = { packets: 0, bytes: 0, flows: 0, weirds: 0, lastTs: 0 };

describe("a sensor's status", () => {
  describe('an interface', () => {
    const metered = (): { meter: Meter; later: (ms: number) => void } => {
      let now = 0;
      const meter = new Meter('eth1', { ...systemClock, monotonic: () => now });
      return {
        meter,
        later: (ms) => {
          now += ms;
        },
      };
    };

    it('rates are of the time between two samples, and none once it has ended', () => {
      const { meter, later } = metered();
      assert.equal(meter.isDue, false);
      later(1000);
      assert.equal(meter.isDue, true);
      meter.sample({ ...none, packets: 100, bytes: 10_000 });
      later(2000);
      meter.sample({ ...none, packets: 500, bytes: 110_000, kernelDropped: 3, lastTs: 7 });
      const { packets_per_s, bits_per_s, packets, kernel_dropped, newest } = meter.status;
      assert.deepEqual([packets_per_s, bits_per_s, packets, kernel_dropped, newest], [200, 400_000, 500, 3, 7]);
      later(1000);
      meter.end({ ...none, packets: 501 });
      assert.deepEqual([meter.status.packets_per_s, meter.status.packets, meter.status.ended], [0, 501, true]);
    });

    it('coverage is of the last sixty minutes, over all protocols', () => {
      const { meter } = metered();
      assert.equal(meter.status.coverage, null);
      const minute = (n: number, measured: number, protocol_class = 'all', worker = 0) => ({
        ...{ ts: n * 60e6, seen: n * 60e6, interface: 'eth1', protocol_class, minute: n * 60e6, measured },
        ...{ packets: 1, lost_packets: 0, reasons: [], worker, watched: 60 },
      });
      const cover = (...events: ReturnType<typeof minute>[]): void =>
        meter.watch({ kind: 'coverage', bytes: encodeBatch('coverage', events) });
      cover(minute(0, 0));
      assert.equal(meter.status.coverage, 0);
      cover(...Array.from({ length: 59 }, (_, i) => minute(i + 1, 1)), minute(59, 0, 'dns'));
      assert.equal(meter.status.coverage, 59 / 60);
      cover(minute(60, 1));
      assert.equal(meter.status.coverage, 1);
      cover(minute(61, 1), minute(61, 0.5, 'all', 1));
      assert.equal(meter.status.coverage, 60.5 / 61);
    });
  });

  it('a disk that is not there has no room to tell of', () => {
    assert.equal(diskOf('/nonexistent'), null);
    const disk = diskOf('/');
    assert.ok(disk !== null && disk.total_bytes > disk.free_bytes);
  });

  describe('on a screen', () => {
    const shown = (more: Partial<Status>): string => screenLines({ ...well, ...more }).join('\n');

    it('all is well', () => {
      assert.equal(
        shown({}),
        `sensor berlin-1, listening, up 3 d 4:00:00, 2026-01-31 12:00 UTC

INTERFACE   PACKETS/S   BITS/S   PACKETS    FLOWS   LOST   SEEN, LAST HOUR
eth1           81.2 k    412 M    1.23 G   4.57 M      0             100 %

detection  12.3 M events, 30 chains, 1.20 k partials, 1 alert, newest 2 s ago
packets    8.00 GB of 10.0 GB, back to 2026-01-28 12:00, room for 3.8 days at this rate
files      120 MB of 2.00 GB
leases     12, copies 34.0 MB of 4.00 GB
spool      12.0 MB of 4.00 GB
collector  connected
disk       63.0 GB free of 252 GB
memory     142 MB

11:00:00  collector: connected`,
      );
    });

    it('a loss is never rounded away, neither is a minute that was not seen', () => {
      const lossy = { ...quiet, packets: 99_999_999, kernel_dropped: 1, coverage: 0.99999 };
      const row = shown({ interfaces: [quiet, lossy] }).split('\n')[4] as string;
      assert.match(row, / 1 \(0\.0 %\) +99\.99 %$/);
      assert.match(shown({ interfaces: [{ ...quiet, ended: true }] }), /eth1 +ended /);
    });

    it('what is behind, waits or was given up is said', () => {
      assert.match(
        shown({ detection: { ...well.detection, waiting: 5, newest: well.now - 3600e6 } }),
        /5 batches to go, newest 2026-01-31 11:00$/m,
      );
      assert.match(
        shown({
          collector: { state: 'waiting', reason: 'refused: who are you' },
          spool: { ...well.spool, waiting: 1500, shed_events: 1 },
        }),
        /spool .*, 1 event given up\ncollector +waiting \(refused: who are you\), 1\.50 k batches wait for it/,
      );
      assert.match(shown({ collector: { state: 'none', reason: '' } }), /none: alerts stay on this box/);
      assert.match(shown({ packets: { ...well.packets, budget_bytes: 0 } }), /packets +none are kept/);
      assert.match(shown({ disk: null }), /disk +unknown/);
    });

    it('nothing that was said can act on the terminal, or be wider than it', () => {
      const said = [{ at: well.now, text: `\u001b[2J\n${'x'.repeat(500)}` }];
      for (const line of screenLines({
        ...well,
        sensor: '\u202e\u0007',
        said,
        interfaces: [{ ...quiet, name: '\r' }],
      })) {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
        assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u202e]/);
        assert.ok(line.length <= 110, line);
      }
    });
  });
});
