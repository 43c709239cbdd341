// Seals time-stamped by an authority of the test's own, which is openssl behind a socket; verify.sh checks them.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Stamper } from '../../src/evidence/index.ts';
import { REPLY_BYTES_MAX, STAMP_EVERY_MS, STAMP_RETRY_MS } from '../../src/evidence/timestamps.ts';
import { makeWorld, must, TestClock, type World } from './world.ts';

const CONFIG = (dir: string): string => `
[tsa]
default_tsa = own
[own]
dir = ${dir}
serial = ${dir}/serial
crypto_device = builtin
signer_cert = ${dir}/tsa.pem
certs = ${dir}/ca.pem
signer_key = ${dir}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
`;

describe('evidence: times by somebody else', function () {
  this.timeout(60_000);
  let dir: string;
  let world: World;
  let server: Server;
  let url = '';
  /** What the authority does with a request. */
  let answer: (query: Buffer) => { status?: number; body: Buffer };

  const openssl = (...args: string[]): Buffer =>
    execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  const reply = (query: Buffer): Buffer => {
    writeFileSync(path.join(dir, 'query'), query);
    return openssl('ts', '-reply', '-config', 'tsa.conf', '-queryfile', 'query');
  };

  before(async () => {
    dir = mkdtempSync(path.join(tmpdir(), 'catenary-stamp-'));
    writeFileSync(path.join(dir, 'tsa.conf'), CONFIG(dir));
    writeFileSync(path.join(dir, 'serial'), '01\n');
    writeFileSync(
      path.join(dir, 'tsa.ext'),
      'extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n',
    );
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test authority', '-days', '2');
    openssl('req', ...key, '-keyout', 'tsa.key', '-out', 'tsa.csr', '-subj', '/CN=test time-stamps');
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'tsa.ext', '-days', '2'];
    openssl('x509', '-req', '-in', 'tsa.csr', ...by, '-out', 'tsa.pem');
    openssl('req', '-x509', ...key, '-keyout', 'other.key', '-out', 'other.pem', '-subj', '/CN=another', '-days', '2');
    world = await makeWorld(path.join(dir, 'world'), { segments: 4, packetsPerSegment: 4, from: 2, to: 3 });
    server = createServer((asked, res) => {
      const parts: Buffer[] = [];
      asked.on('data', (part: Buffer) => parts.push(part));
      asked.on('end', () => {
        const { status = 200, body } = answer(Buffer.concat(parts));
        res.writeHead(status, { 'content-type': 'application/timestamp-reply' }).end(body);
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  after(() => {
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const chain = (n: number) => ({ chain: 'mirror0', dir: world.packets, newest: world.stems()[n] });
  const stampOf = (n: number): string => path.join(world.packets, `${world.stems()[n]}.tsr`);
  const verify = (bundle: string, ...more: string[]) =>
    spawnSync('sh', [path.join(bundle, 'verify.sh'), world.fingerprint, ...more], { encoding: 'utf8' });

  it('what is no good is not kept, and is asked for again', async () => {
    const rows: readonly (readonly [say: typeof answer, message: RegExp])[] = [
      [() => ({ status: 503, body: Buffer.alloc(0) }), /answers 503/],
      [() => ({ body: Buffer.from('nonsense that is long enough') }), /no reply of a time-stamping authority/],
      [() => ({ body: Buffer.alloc(REPLY_BYTES_MAX + 1, 0x30) }), /a reply of more than/],
      // Version 9 is no version: openssl says no.
      [
        (q) => ({ body: reply(Buffer.concat([q.subarray(0, 4), Buffer.of(9), q.subarray(5)])) }),
        /refused, with status 2/,
      ],
    ];
    const clock = new TestClock();
    const stamper = new Stamper({ url, clock });
    for (const [i, [say, message]] of rows.entries()) {
      answer = say;
      clock.monotonic = () => i * STAMP_RETRY_MS;
      const done = await stamper.stamp(chain(3));
      assert.ok(!done.ok && message.test(done.fault.message), done.ok ? 'was taken' : done.fault.message);
      assert.ok(!existsSync(stampOf(3)));
    }
    // The reply to another's request.
    let first: Buffer | undefined;
    answer = (q) => {
      first ??= reply(q);
      return { body: first };
    };
    assert.ok((await new Stamper({ url, clock }).stamp(chain(0))).ok);
    const again = await new Stamper({ url, clock }).stamp(chain(1));
    assert.ok(!again.ok && /to another request/.test(again.fault.message));
    rmSync(stampOf(0));
    const away = await new Stamper({ url: 'http://127.0.0.1:9/', clock }).stamp(chain(1));
    assert.ok(!away.ok && /timestamp_url/.test(away.fault.message));
  });

  it('once an hour a chain', async () => {
    const clock = new TestClock();
    answer = (q) => ({ body: reply(q) });
    const stamper = new Stamper({ url, clock });
    assert.equal(must(await stamper.stamp(chain(0))), true);
    for (const [ms, isDue] of [
      [STAMP_EVERY_MS - 1, false],
      [STAMP_EVERY_MS, true],
    ] as const) {
      clock.monotonic = () => ms;
      assert.equal(must(await stamper.stamp(chain(1))), isDue);
    }
    rmSync(stampOf(0));
    rmSync(stampOf(1));
  });

  it('a bundle has the first that speaks for all of its seals, and verify.sh checks it by the authority alone', async () => {
    answer = (q) => ({ body: reply(q) });
    assert.equal(must(await new Stamper({ url, clock: new TestClock() }).stamp(chain(3))), true);
    const bundle = await world.export('stamped');
    const ca = path.join(dir, 'ca.pem');
    const good = verify(bundle, ca);
    assert.equal(good.status, 0, good.stdout + good.stderr);
    assert.match(good.stdout, /^time: manifests\/\S+-00000004\.manifest was there at \w+ +\d+ [\d:.]+ \d{4} GMT$/m);
    const unchecked = verify(bundle);
    assert.equal(unchecked.status, 0, unchecked.stdout);
    assert.match(unchecked.stdout, /^not checked: the time-stamp manifests\/\S+\.tsr/m);
    const other = verify(bundle, path.join(dir, 'other.pem'));
    assert.equal(other.status, 1);
    assert.match(other.stdout, /^FAILED manifests\/\S+\.tsr: is no time-stamp of this manifest by this authority$/m);
    // Of another manifest: signed by the authority all the same.
    const kept = readFileSync(stampOf(3));
    rmSync(stampOf(3));
    assert.equal(must(await new Stamper({ url, clock: new TestClock() }).stamp(chain(2))), true);
    writeFileSync(stampOf(3), readFileSync(stampOf(2)));
    rmSync(stampOf(2));
    const swapped = await world.export('swapped');
    writeFileSync(stampOf(3), kept);
    assert.equal(verify(swapped, ca).status, 1);
    mkdirSync(path.join(dir, 'elsewhere'), { recursive: true });
    const relative = spawnSync('sh', [path.join(bundle, 'verify.sh'), world.fingerprint, '../ca.pem'], {
      ...{ encoding: 'utf8', cwd: path.join(dir, 'elsewhere') },
    });
    assert.equal(relative.status, 0, relative.stdout);
  });
});
