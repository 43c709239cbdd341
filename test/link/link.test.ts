// The mirror link, live: real clients talk in the lab while `catenary read` listens at the mirror port. Every packet
// that the interface counted was taken or counted as dropped, and every request that the servers' own logs know is an
// event, once. Needs root and the lab's programs; says what is missing where it is skipped.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { skip } from '../skip.ts';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const LAB = path('../../appliance/demo/lab.sh');
/** About so long the clients talk, one request after the other: with the sensor's start and end [ms]. */
const PATIENCE = 120_000;

interface Record {
  readonly [field: string]: unknown;
}
const lines = (file: string): string[] => readFileSync(file, 'utf8').split('\n').filter(Boolean);
const records = (file: string): Record[] => lines(file).map((line) => JSON.parse(line) as Record);

/** What both sides say of the same thing, in an order of its own. */
const sorted = (rows: readonly (readonly unknown[])[]): string[] => rows.map((row) => row.join(' ')).sort();

describe('the mirror link', function () {
  this.timeout(PATIENCE);
  let out = '';
  before(function () {
    const check = spawnSync(LAB, ['check'], { encoding: 'utf8' });
    if (check.status !== 0) skip(this, check.stdout.trim().split('\n').join('; '));
    out = mkdtempSync(join(tmpdir(), 'catenary-link-'));
    const { status, stderr } = spawnSync(LAB, ['run', path('talk.sh'), out, path('../../dist/cli.js')], {
      encoding: 'utf8',
      timeout: PATIENCE,
    });
    assert.equal(status, 0, stderr);
  });
  after(() => {
    if (out !== '') rmSync(out, { recursive: true, force: true });
  });

  it('took or counted every packet that the mirror interface counted', () => {
    const counted = Number(readFileSync(join(out, 'rx_packets'), 'utf8'));
    const stats = records(join(out, 'events/capture_stats.ndjson'));
    const summary = readFileSync(join(out, 'summary'), 'utf8');
    const said = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(summary)?.[1] ?? Number.NaN);
    assert.ok(counted > 500, `${counted} packets are no test`);
    assert.ok(stats.length > 0);
    assert.equal(said('packets') + said('kernel dropped'), counted, summary);
  });

  it('has every request of the web server’s log, once', () => {
    const served = records(join(out, 'access.log')).filter((r) => r.scheme === 'http');
    const seen = records(join(out, 'events/http.ndjson'));
    assert.ok(served.length > 50, `${served.length} requests are no test`);
    assert.deepEqual(
      sorted(seen.map((r) => [r.orig_h, r.orig_p, r.method, r.host, r.uri, r.status_code])),
      sorted(served.map((r) => [r.ip, r.port, r.method, r.host, r.uri, r.status])),
    );
  });

  it('has every handshake behind a request by HTTPS', () => {
    const served = records(join(out, 'access.log')).filter((r) => r.scheme === 'https');
    const seen = records(join(out, 'events/tls.ndjson'));
    assert.ok(served.length > 20, `${served.length} requests are no test`);
    assert.deepEqual(
      sorted(seen.map((r) => [r.orig_h, r.orig_p, r.server_name])),
      sorted(served.map((r) => [r.ip, r.port, r.host])),
    );
  });

  it('has every query of the DNS server’s log, once', () => {
    const asked = lines(join(out, 'dnsmasq.log')).flatMap((line) => {
      const m = /: \d+ ([\d.]+)\/(\d+) query\[(\w+)\] (\S+) from /.exec(line);
      return m === null ? [] : [m.slice(1)];
    });
    const seen = records(join(out, 'events/dns.ndjson'));
    assert.ok(asked.length > 50, `${asked.length} queries are no test`);
    assert.deepEqual(sorted(seen.map((r) => [r.orig_h, r.orig_p, r.qtype_name, r.query])), sorted(asked));
  });

  it('leaves no interface', () => {
    const links = spawnSync('ip', ['-brief', 'link'], { encoding: 'utf8' }).stdout;
    assert.doesNotMatch(links, new RegExp(readFileSync(join(out, 'mirror'), 'utf8').trim()));
  });
});
