import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Watched } from './analyze.ts';
import type { Summary } from './capture/index.ts';
import { runMain } from './commands/testing.ts';

const CAPTURE = new URL('../native/protocols/http/captures/plain.pcap', import.meta.url).pathname;
const span = (firstTs: number, lastTs: number, packets = 1) => ({ path: 'x', packets, firstTs, lastTs });

describe('analyze: what was watched', () => {
  const watched = (...files: ReturnType<typeof span>[]): Watched => {
    const w = new Watched();
    w.update({ files } as unknown as Summary);
    return w;
  };
  it('is where captures stand in time', () => {
    const w = watched(span(100, 200), span(300, 400));
    assert.equal(w.of(100, 200), 1);
    assert.equal(w.of(100, 400), 200 / 300);
    assert.equal(w.of(200, 300), 0);
    assert.equal(w.of(150, 350), 0.5);
    assert.equal(w.of(0, 1000), 0.2);
  });
  it('counts no moment twice, and no capture without packets', () => {
    assert.equal(watched(span(0, 100), span(50, 60), span(50, 150)).of(0, 200), 0.75);
    assert.equal(watched(span(0, 0, 0)).of(0, 10), 0);
    assert.equal(watched().of(7, 7), 1);
  });
});

describe('catenary analyze', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'catenary-analyze-'));
  });
  after(() => rmSync(folder, { recursive: true }));
  const text = (out: string, name: string): string => readFileSync(join(folder, out, name), 'utf8');

  it('writes both files even when there is nothing to say', async () => {
    const { code, stdout, stderr } = await runMain('analyze', CAPTURE, '--out', join(folder, 'nothing'));
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '');
    assert.equal(text('nothing', 'alerts.ndjson'), '');
    assert.match(stderr, /^packets \d+\nevents \d+\nsignals \d+\nalerts 0\n/);
  });

  it('what is no capture is told, what is one is analysed, and the exit code says 1', async () => {
    const junk = join(folder, 'junk.pcap');
    writeFileSync(junk, 'this is no CAPTURE, whatever its name says');
    const { code, stderr } = await runMain('analyze', junk, CAPTURE, '--out', join(folder, 'junk'));
    assert.equal(code, 1);
    assert.match(stderr, /junk\.pcap: /);
    assert.match(stderr, /packets [1-9]/);
  });

  it('a chain with a fault is told with file, line and hint; the others run', async () => {
    const chain = join(folder, 'odd.yaml');
    writeFileSync(
      chain,
      'chain: odd\nwindow: 3d\nby: [v]\nsteps:\n  - { id: a, event: dns, where: dns.qery == "x" }\n',
    );
    const config = join(folder, 'odd-config.yaml');
    writeFileSync(config, 'chains: { dirs: [odd.yaml] }\n');
    const { code, stderr } = await runMain('analyze', CAPTURE, '--config', config, '--out', join(folder, 'odd'));
    assert.equal(code, 1);
    assert.match(stderr, /odd\.yaml:5:\d+: .*qery.*did you mean/);
    assert.match(stderr, /events [1-9]/);
  });

  it('a fault in the configuration: nothing is done', async () => {
    const config = join(folder, 'bad.yaml');
    writeFileSync(config, 'memory:\n  budget_mb: lots\n');
    const { code, stderr } = await runMain('analyze', CAPTURE, '--config', config, '--out', join(folder, 'bad'));
    assert.equal(code, 2);
    assert.match(stderr, /bad\.yaml:2:\d+: memory\.budget_mb: must be a number, not "lots"/);
    assert.throws(() => text('bad', 'alerts.ndjson'));
  });

  it('usage: no file, standard input twice, an output that cannot be', async () => {
    assert.equal((await runMain('analyze')).code, 2);
    assert.equal((await runMain('analyze', '-', '-')).code, 2);
    const { code, stderr } = await runMain('analyze', CAPTURE, '--out', '/dev/null/x');
    assert.equal(code, 1);
    assert.match(stderr, /not a directory/);
  });
});
