import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskFinding, interfaceFinding } from './doctor.ts';
import { runMain } from './testing.ts';

describe('catenary doctor', function () {
  this.timeout(20_000);
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'catenary-doctor-'));
  });
  after(() => rmSync(folder, { recursive: true }));
  const withConfig = async (text: string) => {
    const file = join(folder, 'catenary.yaml');
    writeFileSync(file, text);
    return runMain('doctor', '--config', file);
  };

  it('says what is well, one line each', async () => {
    const { code, stdout } = await withConfig('sensor: { interfaces: [lo] }\nstate: { dir: state }\n');
    assert.match(stdout, /^ok {3}decoder: libpcap/m);
    assert.match(stdout, /^ok {3}openssl: OpenSSL \d/m);
    assert.match(stdout, /^ok {3}configuration: .*catenary\.yaml$/m);
    assert.match(stdout, /^(?:ok|warn) +disk: .* GiB free, up to /m);
    assert.match(stdout, /^(?:ok|warn) +clock: /m);
    // Without the rights of root the loopback cannot be captured from, and that is said.
    if (process.getuid?.() === 0) {
      assert.match(stdout, /^ok {3}interface lo: up, capture works/m);
      assert.equal(code, 0);
    } else assert.match(stdout, /^FAIL interface lo: .*CAP_NET_RAW/m);
  });

  it('an interface that is not there, is down, has no carrier: why, and what to do', async () => {
    const sys = join(folder, 'sys');
    const put = (name: string, flags: string, state: string): void => {
      mkdirSync(join(sys, name), { recursive: true });
      writeFileSync(join(sys, name, 'flags'), `${flags}\n`);
      writeFileSync(join(sys, name, 'operstate'), `${state}\n`);
    };
    put('down0', '0x1002', 'down');
    put('dark0', '0x1003', 'down');
    const told = async (name: string): Promise<string> => {
      const { state, reason, fix } = await interfaceFinding(name, sys);
      return `${state} ${reason} (${fix})`;
    };
    assert.equal(await told('gone0'), "FAIL is not there (see 'ip link' for its name)");
    assert.equal(await told('down0'), 'FAIL is down (ip link set down0 up)');
    assert.match(await told('dark0'), /^FAIL has no carrier/);
  });

  it('a disk is judged against the budgets: one byte less, and enough', () => {
    const mib = 2 ** 20;
    assert.equal(diskFinding('disk', '/x', 10, 10 * mib).state, 'ok');
    const short = diskFinding('disk', '/x', 10, 10 * mib - 1);
    assert.deepEqual([short.state, short.fix], ['warn', 'lower the budgets, or make room']);
  });

  it('a collector and a store that are not there fail; one that answers is well', async () => {
    const server = createServer((_request, response) => response.end('Ok.\n'));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const good = await withConfig(`collector: { store_url: "http://127.0.0.1:${port}" }\n`);
    assert.match(good.stdout, /^ok {3}store: .*: answers$/m);
    await new Promise((done) => server.close(done));
    const bad = await withConfig(
      `collector: { store_url: "http://127.0.0.1:${port}" }\nship: { url: "wss://127.0.0.1:${port}" }\n`,
    );
    assert.match(bad.stdout, /^FAIL store: .*ECONNREFUSED \(check the address, and that it runs\)$/m);
    assert.match(bad.stdout, /^FAIL collector: .*ECONNREFUSED/m);
    assert.equal(bad.code, 1);
  });

  it('a sensor without a folder, and chains with faults, fail', async () => {
    writeFileSync(join(folder, 'odd.yaml'), 'chain: odd\n');
    const { code, stdout } = await withConfig('sensor: { interfaces: [gone0] }\nchains: { dirs: [odd.yaml] }\n');
    assert.equal(code, 1);
    assert.match(stdout, /^FAIL configuration: .*odd\.yaml:1:\d+: /m);
    assert.match(stdout, /^FAIL interface gone0: is not there/m);
    assert.match(stdout, /^FAIL disk: state\.dir is null/m);
  });
});
