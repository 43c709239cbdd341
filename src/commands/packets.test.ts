// What `catenary packets` finds is what tcpdump finds in the captures that the segments were made from.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openReader, segmentDigester } from '../capture/index.ts';
import { folders, openSigner, Segments } from '../evidence/index.ts';
import { systemClock } from '../lib/clock.ts';
import type { Result } from '../lib/fault.ts';
import { runMain } from './testing.ts';

const CAPTURES = ['day-00', 'day-03', 'day-31'].map((day) =>
  fileURLToPath(new URL(`../../test/golden/founding/${day}.pcap`, import.meta.url)),
);

function value<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? '' : result.fault.message);
  return result.value;
}

/** Packets as tcpdump shows them, times included. */
function tcpdump(file: string, filter: string): string[] {
  const { stdout, stderr, status } = spawnSync('tcpdump', ['-nn', '-tt', '-r', file, filter], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.split('\n').filter((line) => /^\d+\.\d+ /.test(line));
}

describe('packets: by filter and time', function () {
  this.timeout(60_000);
  let dir: string;
  let n = 0;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-query-'));
    const at = folders(dir);
    const segments = value(
      await Segments.open({
        ...{ dir: join(at.packets, 'eth0'), evidence: dir, signer: value(openSigner(at.keys)), clock: systemClock },
        digest: value(segmentDigester()),
        circumstances: { sensor: 's', interface: 'eth0', filter: '', snaplen: 0, software: 'x', config: '' },
      }),
    );
    const packets = { dir: join(at.packets, 'eth0'), epoch: segments.epoch, segmentSeconds: 3600 };
    const reader = value(openReader({ files: CAPTURES, kinds: [], packets }));
    for await (const drain of reader.drains())
      for (const closed of value(drain).segments) value(await segments.seal(closed));
    assert.ok(segments.list().length > 3);
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  const search = async (filter: string, ...more: string[]) => {
    const out = join(dir, `${n++}.pcapng`);
    const run = await runMain('packets', filter, '--dir', dir, '--out', out, ...more);
    const m = /^(\d+) packets, \d+ bytes, of (\d+) looked at in (\d+) of (\d+) segments; (\d+) bytes/.exec(run.stderr);
    const [packets = 0, candidates = 0, searched = 0, segments = 0] = (m ?? []).slice(1).map(Number);
    return { ...run, out, packets, candidates, searched, segments, lines: existsSync(out) ? tcpdump(out, '') : [] };
  };
  const expected = (filter: string): string[] => CAPTURES.flatMap((file) => tcpdump(file, filter));

  const all = () => expected('').length;
  /** A host and a port that are in the captures. */
  const someone = (): { host: string; port: string } => {
    const line = expected('tcp').find((l) => / IP \d+\.\d+\.\d+\.\d+\.\d+ > /.test(l)) ?? '';
    const [, host = '', port = ''] = /> (\d+\.\d+\.\d+\.\d+)\.(\d+):/.exec(line) ?? [];
    return { host, port };
  };

  it('the same packets as tcpdump finds, whatever the filter', async () => {
    const { host, port } = someone();
    const net = `${host.split('.').slice(0, 2).join('.')}.0.0/16`;
    const filters = [
      ...['', 'arp', 'tcp', 'udp port 53', 'port 67 or port 68', 'not port 53', 'tcp[tcpflags] & tcp-syn != 0'],
      ...[`host ${host}`, `host ${host} and port ${port}`, `src host ${host}`, `net ${net}`, `not host ${host}`],
      ...[`host ${host} and (port ${port} or arp)`, `port ${port} or host ${host} and udp`, 'greater 500', 'port 1'],
    ];
    for (const filter of filters) {
      const found = await search(filter);
      assert.equal(found.code, 0, found.stderr);
      assert.deepEqual(found.lines, expected(filter), filter);
      assert.equal(found.packets, found.lines.length, filter);
    }
  });

  it('what the index knows is looked up, and nothing else is looked at', async () => {
    const { host, port } = someone();
    const one = await search(`host ${host} and port ${port}`);
    assert.ok(one.packets > 0 && one.candidates < all() / 4, `${one.candidates} of ${all()}`);
    assert.ok(one.searched <= one.segments);
    const none = await search('tcp port 1 and host 192.0.2.77');
    assert.equal(none.packets, 0);
    // What belongs to no flow may have the address in it: ARP.
    assert.ok(none.candidates <= expected('not ip').length);
    assert.equal((await search('tcp')).candidates, all());
  });

  it('of a time: both ends count', async () => {
    const times = expected('').map((line) => line.split(' ')[0] as string);
    const [from, to] = [times[10] as string, times[40] as string];
    const found = await search('', '--since', from, '--until', to);
    assert.deepEqual(
      found.lines,
      expected('').filter(
        (line) => Number(line.split(' ')[0]) >= Number(from) && Number(line.split(' ')[0]) <= Number(to),
      ),
    );
    assert.ok(found.segments < 3);
  });

  it('without an index a segment is read from end to end', async () => {
    const { host } = someone();
    const filter = `host ${host}`;
    const at = join(folders(dir).packets, 'eth0');
    for (const name of readdirSync(at).filter((f) => f.endsWith('.idx'))) rmSync(join(at, name));
    const found = await search(filter);
    assert.deepEqual(found.lines, expected(filter));
    assert.equal(found.candidates, all());
  });

  it('who asked, for what and why is written down before anything is handed out', async () => {
    await search('udp port 53', '--reason', 'case 7');
    const last = readFileSync(join(dir, 'custody'), 'utf8').trimEnd().split('\n').at(-1) ?? '';
    assert.match(
      last,
      /"act":"view","actor":"[^"]+@[^"]+","what":"packets 'udp port 53' since= until=","reason":"case 7"/,
    );
  });

  it('mistakes are told, and nothing is written', async () => {
    const rows: readonly (readonly [args: string[], message: RegExp])[] = [
      [['port of call', '--dir', dir, '--out', join(dir, 'x')], /filter 'port of call'/],
      [['', '--dir', '/nonexistent', '--out', join(dir, 'x')], /is no evidence folder/],
      [['', '--dir', dir, '--out', dir], /is there already/],
      [['', '--dir', dir, '--out', join(dir, 'x'), '--since', 'yesterday'], /--since 'yesterday': is no time/],
      [['', '--dir', dir, '--out', join(dir, 'x'), '--until', '2026-13-01'], /--until '2026-13-01': is no time/],
    ];
    for (const [args, message] of rows) {
      const { code, stderr } = await runMain('packets', ...args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    }
    assert.ok(!existsSync(join(dir, 'x')));
  });
});
