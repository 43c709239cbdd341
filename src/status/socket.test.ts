import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause, systemClock } from '../lib/clock.ts';
import { encodeBatch } from '../schema/encode.ts';
import { KIND_IDS } from '../schema/gen/structures.gen.ts';
import { ask, type Frames, StatusSocket, socketPath } from './socket.ts';
import { well } from './testing.ts';

const weird = { ts: 1, seen: 2, cut: false, name: 'x', addl: 'y'.repeat(200), source: 'dns', notice: false, count: 1 };
const frameOf = (kind: 'weird' | 'gap', n: number): Frames => ({
  kind: KIND_IDS[kind],
  bytes:
    kind === 'weird'
      ? encodeBatch(kind, Array(n).fill(weird))
      : encodeBatch(kind, Array(n).fill({ ts: 1, seen: 2, reason: 'down', lane: 'log', epoch: 1, ...NONE })),
});
const NONE = { first: 0, last: 0, frames: 0, events: 0, bytes: 0 };

describe("a sensor's socket", () => {
  let dir = '';
  let socket: StatusSocket | undefined;
  let given: AsyncIterable<Frames>;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-status-'));
    given = (async function* () {})();
  });
  afterEach(async () => {
    await socket?.close();
    socket = undefined;
    rmSync(dir, { recursive: true, force: true });
  });
  const open = async (): Promise<void> => {
    const opened = await StatusSocket.open({
      ...{ path: socketPath(dir), status: () => well, frames: () => given, metrics: null },
      tell: (fault) => assert.fail(fault.message),
      lineOf: (kind, event) => JSON.stringify({ kind, ...event }),
    });
    assert.ok(opened.ok);
    socket = opened.value;
  };
  const status = (path: string, method = 'GET'): Promise<number> =>
    new Promise((done) => {
      request({ socketPath: socketPath(dir), path, method }, (answer) => {
        answer.resume();
        done(answer.statusCode ?? 0);
      }).end();
    });

  it('is for whoever may read the folder, also where an earlier life left one', async () => {
    writeFileSync(socketPath(dir), '');
    chmodSync(socketPath(dir), 0o666);
    await open();
    assert.equal(statSync(socketPath(dir)).mode & 0o777, 0o600);
    assert.ok(statSync(socketPath(dir)).isSocket());
  });

  it('answers what it is asked and nothing else', async () => {
    await open();
    assert.equal(await status('/status'), 200);
    assert.equal(await status('/metrics'), 200);
    assert.equal(await status('/status', 'POST'), 405);
    assert.equal(await status('/'), 404);
    for (const kind of ['dsn', 'toString', '__proto__', '']) assert.equal(await status(`/events?kinds=${kind}`), 400);
  });

  it('a place for Prometheus that cannot be had is told, and the socket is there', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const told: string[] = [];
    const opened = await StatusSocket.open({
      ...{ path: socketPath(dir), status: () => well, frames: () => given, lineOf: () => '' },
      metrics: `127.0.0.1:${(taken.address() as AddressInfo).port}`,
      tell: (fault) => told.push(fault.message),
    });
    taken.close();
    assert.ok(opened.ok);
    socket = opened.value;
    assert.match(told.join(), /^status\.metrics: 127\.0\.0\.1:\d+: EADDRINUSE$/);
    assert.equal(await status('/status'), 200);
  });

  it('events: the kinds that were asked for, a line each; all when none was named', async () => {
    given = (async function* () {
      yield frameOf('weird', 3);
      yield frameOf('gap', 2);
    })();
    await open();
    const answer = await ask(socketPath(dir), '/events?kinds=gap,dns');
    assert.ok(answer.ok);
    const text = Buffer.concat(await answer.value.toArray()).toString();
    assert.deepEqual(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).kind),
      ['gap', 'gap'],
    );
  });

  it('an asker that does not read holds up itself alone, and is forgotten when it goes', async () => {
    let made = 0;
    let isOver = false;
    given = (async function* () {
      try {
        for (; made < 1000; made++) yield frameOf('weird', 200);
      } finally {
        isOver = true;
      }
    })();
    await open();
    const answer = await ask(socketPath(dir), '/events');
    assert.ok(answer.ok);
    await pause(systemClock, 300);
    const before = made;
    assert.ok(before < 1000, 'it waits for its reader');
    await pause(systemClock, 100);
    assert.equal(made, before);
    assert.equal(await status('/status'), 200);
    answer.value.destroy();
    for (let i = 0; i < 100 && !isOver; i++) await pause(systemClock, 10);
    assert.ok(isOver);
  });
});
