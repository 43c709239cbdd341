import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interfaces, offloadsOf, ringOf } from './interfaces.ts';

describe('setup: interfaces', () => {
  const folder = mkdtempSync(join(tmpdir(), 'catenary-interfaces-'));
  after(() => rmSync(folder, { recursive: true }));
  const put = (file: string, text: string): void => {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), text);
  };

  it('Ethernet and loopback, with the one that the box is managed over', () => {
    const device = (name: string, type: number, flags: string, more: Record<string, string> = {}): void => {
      const lines = { type: String(type), flags, address: '02:00:00:00:00:01', mtu: '1500', ...more };
      for (const [key, value] of Object.entries(lines)) put(`sys/${name}/${key}`, `${value}\n`);
    };
    device('eth0', 1, '0x1003', { carrier: '1', speed: '1000' });
    device('eth1', 1, '0x1083', { carrier: '0', speed: '-1' });
    device('eth2', 1, '0x1002');
    device('tun0', 65534, '0x1003');
    put('proc/net/route', 'Iface\tDestination\tGateway\neth0\t00000000\t0100000A\neth1\t0000000A\t00000000\n');
    const found = interfaces(join(folder, 'sys'), join(folder, 'proc'));
    assert.deepEqual(
      found.map((i) => [i.name, i.isUp, i.hasCarrier, i.speed, i.answers, i.isRoute]),
      [
        ['eth0', true, true, 1000, true, true],
        ['eth1', true, false, undefined, false, false],
        ['eth2', false, undefined, undefined, true, false],
      ],
    );
  });

  it("what ethtool prints: offloads that can be set, the ring's two sizes", () => {
    const offloads = offloadsOf(
      'Features for eth1:\ngeneric-receive-offload: on\n\ttx-checksum-ipv4: off [fixed]\nlarge-receive-offload: off [fixed]\n',
    );
    assert.deepEqual([...offloads], [['generic-receive-offload', true]]);
    const ring = (max: string, now: string): string =>
      `Ring parameters for eth1:\nPre-set maximums:\nRX:\t\t${max}\nTX:\t\t4096\nCurrent hardware settings:\nRX:\t\t${now}\nTX:\t\t512\n`;
    assert.deepEqual(ringOf(ring('4096', '512')), { now: 512, max: 4096 });
    assert.equal(ringOf(ring('n/a', 'n/a')), undefined);
    assert.equal(ringOf(''), undefined);
  });
});
