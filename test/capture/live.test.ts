// Live capture on interfaces of its own: what comes and goes, grows and overflows is counted to the packet.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause, systemClock } from '../../src/lib/clock.ts';
import { skip } from '../skip.ts';
import { CLI, ended, frame, jsonLines, Output, pcapOf, until, Veth, whyNot } from './veth.ts';

interface Stats {
  readonly packets: number;
  readonly kernel_received: number;
  readonly kernel_dropped: number;
  readonly ring_waiting: number;
  readonly decoded: number;
  readonly app_dropped: number;
  readonly filtered?: number;
  readonly if_received: number;
}
interface Covered {
  readonly protocol_class: string;
  readonly measured: number;
  readonly lost_packets: number;
  readonly reasons: readonly string[];
}

const said = (summary: string, name: string): number =>
  Number(new RegExp(`^${name} ([\\d.]+)`, 'm').exec(summary)?.[1] ?? 0);

describe('live capture', function () {
  this.timeout(60_000);
  let folder = '';
  let veth: Veth;
  before(function () {
    const why = whyNot();
    if (why !== undefined) skip(this, why);
    folder = mkdtempSync(join(tmpdir(), 'catenary-capture-'));
    veth = new Veth(`ctycap${process.pid}`);
  });
  after(() => {
    veth?.remove();
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  const capture = (name: string, n: number, size = 10): string => {
    const file = join(folder, `${name}.pcap`);
    const flow = { src: '10.0.0.1', dst: '10.0.0.2', sport: 4000, dport: 9, size };
    writeFileSync(file, pcapOf(Array.from({ length: n }, () => frame(flow))));
    return file;
  };
  const listen = async (...args: string[]) => {
    const child = veth.start(process.execPath, [CLI, 'read', '-i', veth.b, ...args], 'ignore');
    const stderr = new Output(child.stderr);
    await veth.heard(1);
    await pause(systemClock, 300);
    return {
      /** In order; the summary. */
      end: async (): Promise<string> => {
        child.kill('SIGTERM');
        await ended(child);
        return stderr.text;
      },
      child,
    };
  };

  it('an interface goes down, comes up, goes away and comes back: each packet that could come is there', async () => {
    const hundred = capture('hundred', 100);
    const reader = await listen('--as', 'json');
    assert.equal(veth.send(hundred), 100);
    veth.ip('link', 'set', veth.b, 'down');
    await pause(systemClock, 1000);
    veth.ip('link', 'set', veth.b, 'up');
    await pause(systemClock, 500);
    assert.equal(veth.send(hundred), 100);
    veth.ip('link', 'del', veth.a);
    await pause(systemClock, 1000);
    veth.plug();
    await veth.heard(1);
    await pause(systemClock, 300);
    assert.equal(veth.send(hundred), 100);
    const summary = await reader.end();
    assert.equal(said(summary, 'packets'), 300, summary);
    const down = said(summary, 'interface down');
    assert.ok(down > 1.5 && down < 5, `${down} s down`);
  });

  it('what the ring cannot hold is counted: sent is taken and dropped, and all of it is in the ledger', async () => {
    // More than the ring of 64 MiB holds while nobody takes anything out.
    const many = capture('many', 60_000, 1400);
    const out = join(folder, 'loss');
    const reader = await listen('--as', 'json', '--out', out, '--filter', 'udp port 9');
    const before = veth.received();
    // The reader itself, a child of ip(8) that is replaced by it.
    reader.child.kill('SIGSTOP');
    const sent = veth.send(many);
    reader.child.kill('SIGCONT');
    const summary = await reader.end();
    const stats = jsonLines<Stats>(join(out, 'capture_stats.ndjson'));
    const sum = (field: keyof Stats): number => stats.reduce((n, s) => n + (s[field] ?? 0), 0);
    assert.equal(veth.received() - before, sent);
    assert.ok(sum('kernel_dropped') > 1000, `${sum('kernel_dropped')} dropped are no test`);
    assert.equal(sum('kernel_received'), sent);
    let waiting = 0;
    for (const s of stats) {
      assert.equal(s.kernel_received + waiting, s.packets + s.kernel_dropped + s.ring_waiting);
      assert.equal(s.packets, s.decoded + s.app_dropped);
      waiting = s.ring_waiting;
    }
    assert.equal(waiting, 0, 'the ring was emptied');
    assert.equal(sum('if_received'), sent);
    assert.equal(said(summary, 'packets') + said(summary, 'kernel dropped'), sent);
    const rows = jsonLines<Covered>(join(out, 'coverage.ndjson')).filter((row) => row.protocol_class === 'all');
    assert.equal(
      rows.reduce((n, row) => n + row.lost_packets, 0),
      sum('kernel_dropped'),
    );
    assert.ok(rows.some((row) => row.reasons.includes('kernel_dropped') && row.measured < 0.99));
  });

  it('what a filter refuses is told as an estimate, and is no loss', async () => {
    const out = join(folder, 'filtered');
    const reader = await listen('--as', 'json', '--out', out, '--filter', 'udp port 10');
    veth.send(join(folder, 'hundred.pcap'));
    await reader.end();
    const [stats] = jsonLines<Stats>(join(out, 'capture_stats.ndjson'));
    assert.deepEqual([stats?.kernel_received, stats?.packets, stats?.filtered], [0, 0, 100]);
  });

  it('times of an adapter that has none: one line that says so', async () => {
    const config = join(folder, 'clock.yaml');
    writeFileSync(
      config,
      `sensor: { name: s1, interfaces: [${veth.b}], clock: adapter }\nstate: { dir: clock }\nchains: { shipped: false }\n`,
    );
    const child = veth.start(process.execPath, [CLI, 'sensor', '--config', config], 'ignore');
    const stderr = new Output(child.stderr);
    await until(() => /the adapter gives packets no time \(see 'ethtool -T b0'/.test(stderr.text), stderr.text);
    child.kill('SIGTERM');
    await ended(child);
  });

  it('a pipe: events come while the writer lives', async () => {
    const arp = join(folder, 'arp.pcap');
    const who = 'ffffffffffff02000000000108060001080006040001020000000001' + '0a0000010000000000000a000002';
    writeFileSync(arp, pcapOf([Buffer.from(who, 'hex')]));
    const tcpdump = veth.start('tcpdump', ['-i', veth.b, '-U', '-w', '-']);
    const reader = veth.start(process.execPath, [CLI, 'read', '-', '--kinds', 'arp', '-q'], 'pipe', 'pipe');
    tcpdump.stdout?.pipe(reader.stdin as NodeJS.WritableStream);
    const stdout = new Output(reader.stdout);
    await veth.heard(1);
    veth.send(arp);
    await until(() => /^\{"kind":"arp",.*"sender_ip":"10.0.0.1"/.test(stdout.text), 'no event');
    assert.equal(reader.exitCode, null);
    tcpdump.kill('SIGTERM');
    assert.equal(await ended(reader), 0);
  });

  it('a folder of captures that grow is read as they grow', async () => {
    const dir = join(folder, 'growing');
    mkdirSync(dir);
    const flow = (sport: number) => frame({ src: '10.0.0.1', dst: '10.0.0.2', sport, dport: 9 });
    const bytes = pcapOf([flow(1), flow(2)]);
    writeFileSync(join(dir, 't9'), bytes);
    const child = veth.start(process.execPath, [CLI, 'read', '--follow', dir, '--as', 'none', '--count', '6']);
    const stdout = new Output(child.stdout);
    await pause(systemClock, 1000);
    appendFileSync(join(dir, 't9'), bytes.subarray(24));
    writeFileSync(join(dir, 't10'), bytes.subarray(0, 30));
    await pause(systemClock, 500);
    appendFileSync(join(dir, 't10'), bytes.subarray(30));
    await ended(child);
    assert.equal(said(stdout.text, 'packets'), 6, stdout.text);
  });
});
