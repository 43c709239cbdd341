import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAddon } from '../../src/capture/addon.ts';
import { pause, systemClock } from '../../src/lib/clock.ts';
import { Supervisor } from '../../src/status/supervisor.ts';

/** What a service manager has: a datagram socket, read by a program that has them. */
const MANAGER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace('@', '\\0', 1))
print('bound', flush=True)
while True: print(s.recv(4096).decode(), flush=True)
`;

describe('status: the service manager', () => {
  const addon = loadAddon();
  if (!addon.ok) throw new Error(addon.fault.message);
  const { notify } = addon.value;
  const folder = mkdtempSync(join(tmpdir(), 'catenary-notify-'));
  after(() => rmSync(folder, { recursive: true }));

  const managed = async (address: string, run: (heard: () => string) => Promise<void>): Promise<void> => {
    const manager = spawn('python3', ['-c', MANAGER, address], { stdio: ['ignore', 'pipe', 'inherit'] });
    let heard = '';
    manager.stdout.on('data', (text) => {
      heard += text;
    });
    while (!heard.includes('bound')) await once(manager.stdout, 'data');
    await run(() => heard.replace('bound\n', ''));
    manager.kill();
  };

  for (const address of [join(folder, 'notify'), `@catenary-notify-${process.pid}`])
    it(`hears that it is ready, and that it is well, at ${address.startsWith('@') ? 'a name' : 'a path'}`, () =>
      managed(address, async (heard) => {
        let well = true;
        const it = new Supervisor({
          ...{ clock: systemClock, environment: { NOTIFY_SOCKET: address, WATCHDOG_USEC: '40000' }, send: notify },
          isWell: () => well,
        });
        it.ready();
        await pause(systemClock, 200);
        const told = heard().split('\n');
        assert.equal(told[0], 'READY=1');
        assert.ok(told.filter((t) => t === 'WATCHDOG=1').length >= 3, heard());
        // What hangs is not vouched for.
        well = false;
        await pause(systemClock, 50);
        const before = heard();
        await pause(systemClock, 200);
        assert.equal(heard(), before);
        it.stopping();
        it.close();
        await pause(systemClock, 50);
        assert.ok(heard().endsWith('STOPPING=1\n'));
      }));

  it('nobody who asked hears nothing; an address that is none, or where nobody is, is no harm', () => {
    const said: string[] = [];
    const send = (_: string, text: string): boolean => said.push(text) > 0;
    new Supervisor({ clock: systemClock, environment: {}, send, isWell: () => true }).ready();
    assert.deepEqual(said, []);
    // sun_path has 108 bytes, unix(7).
    for (const bad of ['', '@', 'relative', `/${'x'.repeat(108)}`, join(folder, 'nobody')])
      assert.equal(notify(bad, 'READY=1'), false);
    assert.ok(!existsSync(join(folder, 'nobody')));
  });
});
