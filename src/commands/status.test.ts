import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause, systemClock } from '../lib/clock.ts';
import { encodeBatch } from '../schema/encode.ts';
import { KIND_IDS } from '../schema/gen/structures.gen.ts';
import { StatusSocket, socketPath } from '../status/socket.ts';
import { well } from '../status/testing.ts';
import { runIn } from './testing.ts';

describe('catenary status and tail', () => {
  let dir = '';
  let config = '';
  let socket: StatusSocket | undefined;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-status-'));
    config = join(dir, 'box.yaml');
    writeFileSync(config, 'state: { dir: . }\n');
  });
  afterEach(async () => {
    await socket?.close();
    socket = undefined;
    rmSync(dir, { recursive: true, force: true });
  });
  const open = async (): Promise<void> => {
    const lost = { first: 1, last: 2, frames: 2, events: 9, bytes: 99 };
    const gap = { ts: 1, seen: 2, reason: 'budget', lane: 'flow', epoch: 1, ...lost };
    const opened = await StatusSocket.open({
      ...{ path: socketPath(dir), status: () => well, lineOf: (kind, event) => JSON.stringify({ kind, ...event }) },
      ...{ metrics: null, tell: (fault) => assert.fail(fault.message) },
      frames: async function* () {
        yield { kind: KIND_IDS.gap, bytes: encodeBatch('gap', [gap, gap]) };
      },
    });
    assert.ok(opened.ok);
    socket = opened.value;
  };

  it('status: a screen, or JSON', async () => {
    await open();
    const { code, stdout } = await runIn({}, 'status', '--config', config);
    assert.equal(code, 0);
    assert.match(stdout, /^sensor berlin-1, listening/);
    assert.deepEqual(JSON.parse((await runIn({}, 'status', '--config', config, '--json')).stdout), well);
  });

  it('status at a terminal: drawn anew until Ctrl-C, and then the terminal as it was', async () => {
    await open();
    let interrupt = (): void => undefined;
    const onInterrupt = (handler: (code: 130) => void) => {
      interrupt = () => handler(130);
      return () => undefined;
    };
    const running = runIn({ stdoutIsTerminal: true, onInterrupt }, 'status', '--config', config);
    await pause(systemClock, 1300);
    interrupt();
    const { code, stdout } = await running;
    assert.equal(code, 130);
    assert.equal(stdout.split('\u001b[H').length - 1, 2, 'one at once, one after a second');
    assert.ok(
      stdout.startsWith('\u001b[?1049h\u001b[?25l') && stdout.includes('\u001b[?25h\u001b[?1049lsensor berlin-1'),
    );
  });

  it('tail: what was asked for, as it came', async () => {
    await open();
    const { code, stdout } = await runIn({}, 'tail', '--config', config);
    assert.equal(code, 0);
    assert.equal(stdout.match(/^\{"kind":"gap",.*\}$/gm)?.length, 2);
    assert.equal((await runIn({}, 'tail', '--config', config, '--kinds', 'dns')).stdout, '');
    assert.match((await runIn({}, 'tail', '--config', config, '--kinds', 'dsn')).stderr, /'dsn' is no kind/);
  });

  it('where no sensor runs it says so', async () => {
    for (const command of ['status', 'tail']) {
      const { code, stderr } = await runIn({}, command, '--config', config);
      assert.equal(code, 1);
      assert.match(stderr, /^catenary: .*status\.sock: no sensor answers \(/);
    }
    writeFileSync(config, '');
    assert.match((await runIn({}, 'status', '--config', config)).stderr, /state\.dir is null/);
  });
});
