// The mirror link with everything behind it: what the interface and the servers' own logs counted is what the
// collector's store has. Needs root, the lab's programs and the store; says what is missing where it is skipped.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Status } from '../../src/status/status.ts';
import { needStore, skip } from '../skip.ts';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const LAB = path('../../appliance/demo/lab.sh');
const PATIENCE = 180_000;

describe('the mirror link, to the store', function () {
  this.timeout(PATIENCE);
  let out = '';
  before(function () {
    const check = spawnSync(LAB, ['check'], { encoding: 'utf8' });
    const why = check.status === 0 ? '' : check.stdout.trim().split('\n').join('; ');
    if (why !== '') skip(this, why);
    needStore(this);
    out = mkdtempSync(join(tmpdir(), 'catenary-whole-'));
    const { status, stderr } = spawnSync(LAB, ['run', path('whole.sh'), out, path('../..')], {
      encoding: 'utf8',
      timeout: PATIENCE,
    });
    assert.equal(status, 0, stderr);
  });
  after(() => {
    if (out !== '') rmSync(out, { recursive: true, force: true });
  });

  it('what was counted on the way in is what the store has', () => {
    const counts = JSON.parse(readFileSync(join(out, 'counts.json'), 'utf8')) as Record<string, number>;
    const lines = (file: string): string[] => readFileSync(join(out, file), 'utf8').split('\n').filter(Boolean);
    const served = lines('access.log').map((line) => JSON.parse(line) as { scheme: string });
    const asked = lines('dnsmasq.log').filter((line) => / query\[/.test(line));
    assert.ok(asked.length > 50 && served.length > 50, 'a talk of some length');
    assert.equal(
      (counts.packets as number) + (counts.dropped as number),
      Number(readFileSync(join(out, 'rx_packets'), 'utf8')),
    );
    const status = JSON.parse(readFileSync(join(out, 'status.json'), 'utf8')) as Status;
    const [mirror] = status.interfaces;
    assert.equal(
      (mirror?.packets ?? 0) + (mirror?.kernel_dropped ?? 0) + (mirror?.interface_dropped ?? 0),
      (counts.packets as number) + (counts.dropped as number),
      'status says what the interface counted',
    );
    assert.deepEqual([status.collector.state, status.detection.chains > 0, mirror?.ended], ['connected', true, false]);
    const told = lines('tail.ndjson').map((line) => JSON.parse(line) as { kind: string });
    assert.equal(told.filter((e) => e.kind === 'http').length, counts.http, 'tail misses nothing when it is read');
    assert.equal(counts.conn, counts.flows, 'a conn for each flow that was begun');
    assert.equal(counts.http, served.filter((s) => s.scheme === 'http').length);
    assert.equal(counts.dns, asked.length);
    assert.ok((counts.tls as number) > 0);
    assert.equal(counts.lost, 0, 'no minute of the ledger lost any');
  });
});
