// The founding case: an executable comes in, sleeps for a month, phones home. One alert; and none for what only looks
// like it. Whole runs of the real command over 63 days of packets of 24 hosts.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { program } from './packets.ts';
import { alertsIn, analyzed, linesOf, start, textOf, worldAt } from './run.ts';
import type { Story } from './world.ts';

const DROPPER = createHash('sha256').update(program('the dropper', 9000)).digest('hex');
const PCAP_HEADER = 24;

/** One capture as several, cut between packets; each has the first one's header. */
function pieces(file: string, n: number): Buffer[] {
  const bytes = readFileSync(file);
  const cuts = [PCAP_HEADER];
  for (let at = PCAP_HEADER; at < bytes.length; at += 16 + bytes.readUInt32LE(at + 8))
    if (at >= (cuts.length * bytes.length) / n) cuts.push(at);
  cuts.push(bytes.length);
  const header = bytes.subarray(0, PCAP_HEADER);
  return cuts.slice(1).map((end, i) => Buffer.concat([header, bytes.subarray(cuts[i], end)]));
}

describe('the founding case', function () {
  this.timeout(60_000);
  let folder = '';
  let whole = '';
  let capture = '';
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'catenary-founding-'));
    whole = join(folder, 'whole');
    capture = worldAt(folder, 'founding', {}).file;
    await analyzed(whole, capture);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('is one alert that names host, file and domain, with the records of both days', () => {
    const alerts = alertsIn(whole);
    assert.equal(alerts.length, 1);
    const [alert] = alerts as [(typeof alerts)[0]];
    assert.equal(alert.chain, 'dropper-dormant-beacon');
    assert.deepEqual([alert.host, alert.host_name], ['mac:02:10:00:00:00:17', 'laptop-7']);
    assert.deepEqual(alert.sha256, [DROPPER]);
    assert.deepEqual(alert.domains, ['telemetry-sync.badcdn.example']);
    assert.equal(alert.bound.c2, 'telemetry-sync.badcdn.example');
    assert.deepEqual(
      alert.steps.map((s) => [s.step, s.kind]),
      [
        ['drop', 'file'],
        ['beacon', 'signal'],
        ['continues', 'signal'],
      ],
    );
    assert.equal(alert.steps[0]?.record.url, 'http://files.invoice-portal.example/invoice_2231.exe');
    assert.match(alert.detected_at, /^2023-12-28T/, 'on the first day of the beacon');
    assert.deepEqual(alert.flags, ['young_memory'], 'the chain asks for 90 days, and there are 63');
    assert.match(alert.explanation, /laptop-7 .*received .* 30\.9 days later .* contacts with telemetry-sync/);
  });

  it('is the same bytes when it is run again', async () => {
    await analyzed(join(folder, 'again'), capture);
    for (const file of ['alerts.ndjson', 'signals.ndjson'])
      assert.equal(textOf(join(folder, 'again'), file), textOf(whole, file));
  });

  it('is the same bytes from several captures, in whatever order they are named', async () => {
    const files = pieces(capture, 5).map((bytes, i) => {
      const file = join(folder, `piece-${i}.pcap`);
      writeFileSync(file, bytes);
      return file;
    });
    await analyzed(join(folder, 'pieces'), ...files.reverse());
    for (const file of ['alerts.ndjson', 'signals.ndjson'])
      assert.equal(textOf(join(folder, 'pieces'), file), textOf(whole, file));
  });

  it('is the same alerts from two processes that see half of the hosts each', async () => {
    const hosts = Array.from({ length: 24 }, (_, i) => `ether host 02:10:00:00:00:${(i + 16).toString(16)}`);
    const halves = [0, 1].map((half) => hosts.filter((_, i) => i % 2 === half).join(' or '));
    const outs = halves.map((_, half) => join(folder, `half-${half}`));
    await Promise.all(halves.map((filter, half) => analyzed(outs[half] as string, capture, '--filter', filter)));
    assert.deepEqual(outs.flatMap((out) => linesOf(out)).sort(), linesOf(whole).sort());
  });

  const quiet: Record<string, Story> = {
    'nobody beacons': { beacon: 'nobody' },
    'no executable came': { drop: false },
    'another host beacons': { beacon: 'other' },
    'the beacon comes on day 3': { dormancy: 3 },
    'the domain was visited for weeks before': { visitedBefore: true },
    'the address was leased to a second laptop, which beacons': { releasedToAnother: true },
  };
  for (const [name, story] of Object.entries(quiet)) {
    it(`is no alert when ${name}`, async () => {
      const out = join(folder, name.replace(/\W+/g, '-'));
      assert.deepEqual(await analyzed(out, worldAt(folder, 'look-alike', story).file), []);
      assert.ok(linesOf(out, 'signals.ndjson').length > 1000, 'life went on');
    });
  }

  it('is one alert when the victim moves twice by DHCP', async () => {
    const alerts = await analyzed(join(folder, 'moves'), worldAt(folder, 'moves', { moves: 2 }).file);
    assert.deepEqual(
      alerts.map((a) => [a.host, a.host_name]),
      [['mac:02:10:00:00:00:17', 'laptop-7']],
    );
    const [drop, beacon] = alerts[0]?.steps ?? [];
    assert.notEqual(drop?.record.rx_host, beacon?.record.src_ip, 'from another address than the one that fetched it');
  });

  it('goes on in the next captures when there is a state', async () => {
    const files = pieces(capture, 3).map((bytes, i) => {
      const file = join(folder, `month-${i}.pcap`);
      writeFileSync(file, bytes);
      return file;
    });
    const config = join(folder, 'months.yaml');
    writeFileSync(config, 'state: { dir: months }\n');
    const found: number[] = [];
    for (const [i, file] of files.entries())
      found.push((await analyzed(join(folder, `month-${i}`), file, '--config', config)).length);
    assert.deepEqual(found, [0, 0, 1], 'the executable came in the first, the beacon in the last');
    const last = join(folder, 'month-2');
    const before = textOf(last);
    rmSync(join(last, 'alerts.ndjson'));
    assert.equal((await analyzed(last, files[2] as string, '--config', config)).length, 1, 'said again');
    assert.equal(textOf(last), before);
    const { code, stderr } = await start([files[0] as string, '--config', config, '--out', join(folder, 'late')]).ended;
    assert.equal(code, 1);
    assert.match(stderr, /begins before 2024-01-16T.* where the history in .*months ends \(name later captures/);
  });
});
