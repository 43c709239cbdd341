// Faults planted on a box, all at once: each is found, with what to do; on the same box mended, none is.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { loadConfig } from '../config/config.ts';
import { systemClock } from '../lib/clock.ts';
import { trafficFindings } from '../setup/checks.ts';
import type { Finding } from '../setup/finding.ts';
import { StatusSocket, socketPath } from '../status/socket.ts';
import type { Status } from '../status/status.ts';
import { quiet, well } from '../status/testing.ts';
import { examine } from './doctor.ts';

/** Subject, and a word of what to do. */
const PLANTED: readonly (readonly [state: Finding['state'], subject: string, fix: string])[] = [
  ['FAIL', 'interface gone0', 'ip link'],
  ['warn', 'offloads of lo', 'catenary-tune@lo'],
  ['warn', 'ring of lo', 'ethtool -G lo rx 4096'],
  ['warn', 'silence of lo', 'an interface of its own'],
  ['warn', 'snaplen on lo', 'sensor.snaplen: 9022'],
  ['warn', 'interrupts of lo', 'irqbalance'],
  ['FAIL', 'promiscuous mode of lo', 'systemctl restart'],
  ['FAIL', 'kernel', 'modprobe af_packet'],
  ['warn', 'kernel', 'bpf_jit_enable=1'],
  ['warn', 'memory', 'memory.budget_mb'],
  ['FAIL', 'folder STATE', 'chmod 700 STATE'],
  ['warn', 'disk rate', 'evidence.cutoff_kb'],
  ['warn', 'days of packets', 'evidence.packets_mb: '],
  ['warn', 'certificate', 'renews it'],
  ['warn', 'drops of lo', 'a filter'],
  ['warn', 'drops before the kernel of lo', 'a larger ring'],
  ['warn', 'coverage of lo', 'catenary status'],
  ['FAIL', 'collector', 'that it runs'],
  ['FAIL', 'configuration', 'check the file'],
];

describe('catenary doctor, with faults planted', function () {
  this.timeout(30_000);
  const folder = mkdtempSync(join(tmpdir(), 'catenary-planted-'));
  const state = join(folder, 'state');
  const path = process.env.PATH ?? '';
  after(() => {
    process.env.PATH = path;
    rmSync(folder, { recursive: true });
  });
  const put = (file: string, text: string, mode = 0o644): void => {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), text, { mode });
  };
  const program = (name: string, prints: string): void => {
    put(`bin/${name}`, `#!/bin/sh\ncat <<'END'\n${prints}\nEND\n`);
    chmodSync(join(folder, 'bin', name), 0o755);
  };

  async function box(isWell: boolean): Promise<Finding[]> {
    for (const [key, value] of Object.entries({ type: '772', flags: '0x1049', address: '00:00:00:00:00:00' }))
      put(`sys/lo/${key}`, value);
    put('sys/lo/mtu', isWell ? '1500' : '9000');
    put('proc/net/route', `Iface Destination\n${isWell ? 'eth0' : 'lo'} 00000000\n`);
    put('proc/meminfo', `MemTotal: ${isWell ? 8 << 20 : 1 << 20} kB\n`);
    put('proc/sys/net/core/bpf_jit_enable', isWell ? '1' : '0');
    put('proc/interrupts', '  CPU0 CPU1\n 30: 1 1 PCI-MSI lo-rx-0\n 31: 1 1 PCI-MSI lo-rx-1\n');
    for (const n of ['30', '31']) put(`proc/irq/${n}/smp_affinity_list`, isWell ? n.slice(1) : '0');
    rmSync(join(folder, 'proc/net/packet'), { force: true });
    if (isWell) put('proc/net/packet', 'sk\n');
    program(
      'ethtool',
      `generic-receive-offload: ${isWell ? 'off' : 'on'}\nPre-set maximums:\nRX:\t4096\nCurrent\nRX:\t${isWell ? 4096 : 256}`,
    );
    program('ip', `1: lo: <UP> promiscuity ${isWell ? 1 : 0} minmtu 0`);
    process.env.PATH = [join(folder, 'bin'), path].join(delimiter);

    mkdirSync(join(state, 'ship'), { recursive: true });
    chmodSync(state, isWell ? 0o700 : 0o755);
    const days = isWell ? '30' : '2';
    const made = ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-subj', '/CN=s1', '-days', days];
    execFileSync('openssl', [...made, '-keyout', '/dev/null', '-out', join(state, 'ship/sensor.pem')], {
      stdio: 'pipe',
    });
    put(
      'catenary.yaml',
      [
        `sensor: { interfaces: [lo${isWell ? '' : ', gone0'}], filter: ip, snaplen: 8000 }`,
        'state: { dir: state }',
        `evidence: { packets_mb: ${isWell ? 10_240 : 16} }`,
        isWell ? '' : 'ship: { url: "wss://127.0.0.1:1" }\nintel: { files: [gone.csv] }',
      ].join('\n'),
    );
    const config = loadConfig(join(folder, 'catenary.yaml'));
    assert.ok(config.ok);
    const lo = isWell
      ? { ...quiet, name: 'lo', packets: 1e6, kernel_dropped: 99, interface_dropped: 0, bits_per_s: 8e4, coverage: 1 }
      : {
          ...quiet,
          name: 'lo',
          packets: 1e6,
          kernel_dropped: 900,
          interface_dropped: 5e5,
          bits_per_s: 1e12,
          coverage: 0.5,
        };
    const status: Status = { ...well, interfaces: [{ ...lo, ended: false }] };
    const socket = await StatusSocket.open({
      ...{ path: socketPath(state), metrics: null, tell: (fault) => assert.fail(fault.message) },
      status: () => status,
      async *frames() {},
      lineOf: () => '',
    });
    assert.ok(socket.ok);
    try {
      return await examine(config.value, { sys: join(folder, 'sys'), proc: join(folder, 'proc'), clock: systemClock });
    } finally {
      await socket.value.close();
    }
  }

  it(`${PLANTED.length} faults: each by its name, with what to do`, async () => {
    const findings = await box(false);
    for (const [how, subject, fix] of PLANTED) {
      const named = findings.filter((f) => f.subject === subject.replace('STATE', state));
      assert.ok(
        named.some((f) => f.state === how && f.fix.includes(fix.replace('STATE', state))),
        `${subject}: ${JSON.stringify(named)}`,
      );
    }
  });

  it('the same box, mended, has none of them', async () => {
    const findings = await box(true);
    const subjects = new Set(PLANTED.map(([, subject]) => subject.replace('STATE', state)));
    assert.deepEqual(
      findings.filter((f) => subjects.has(f.subject) && f.state !== 'ok'),
      [],
    );
  });

  it('what passes: no span port, one side of flows, packets twice, nothing at all', () => {
    const heard = {
      frames: 1000,
      bytes: 1e6,
      foreign: 900,
      vlans: new Map(),
      copies: 0,
      packets: 1000,
      flows: 50,
      oneWay: 2,
    };
    const told = (more: object) => trafficFindings('eth1', { ...heard, ...more }).filter((f) => f.state !== 'ok');
    assert.deepEqual(told({}), []);
    assert.match(told({ foreign: 3 })[0]?.reason ?? '', /no span port feeds it/);
    assert.match(told({ oneWay: 40 })[0]?.fix ?? '', /mirror both directions/);
    assert.match(told({ copies: 500 })[0]?.reason ?? '', /50 % of packets come twice/);
    assert.match(told({ frames: 0 })[0]?.fix ?? '', /check the cable/);
  });
});
