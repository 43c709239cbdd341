// The lab goes away whole, however it ends: by the end of its command, by a signal, by kill -9.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { skip } from '../skip.ts';

const LAB = fileURLToPath(new URL('../../appliance/demo/lab.sh', import.meta.url));
/** The kernel takes namespaces down after their last process; looked at so often, a tenth of a second apart. */
const LOOKS = 100;

const links = (): string => spawnSync('ip', ['-brief', 'link'], { encoding: 'utf8' }).stdout;
const processesOf = (folder: string): string[] =>
  spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((args) => args.includes(folder));

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let look = 0; look < LOOKS; look++) {
    if (holds()) return;
    spawnSync('sleep', ['0.1']);
  }
  assert.fail(what);
}

describe('the end of the lab', function () {
  this.timeout(60_000);
  let folder = '';
  before(function () {
    const check = spawnSync(LAB, ['check'], { encoding: 'utf8' });
    if (check.status !== 0) skip(this, check.stdout.trim().split('\n').join('; '));
    folder = mkdtempSync(join(tmpdir(), 'catenary-teardown-'));
  });
  after(() => {
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  it('has the exit code of its command', () => {
    const { status } = spawnSync(LAB, ['run', 'sh', '-c', 'exit 7'], { env: { ...process.env, TMPDIR: folder } });
    assert.equal(status, 7);
    assert.deepEqual(readdirSync(folder), []);
  });

  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGKILL', null],
  ] as const)
    it(`leaves no process and no interface after ${signal}`, async () => {
      const lab = spawn(LAB, ['run', 'sh', '-c', 'echo "$LAB_MIRROR $LAB_DIR"; exec sleep 300'], {
        env: { ...process.env, TMPDIR: folder },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = new Promise<number | null>((done) => lab.on('exit', (status) => done(status)));
      const said = await new Promise<string>((done) => lab.stdout.once('data', (bytes) => done(String(bytes))));
      const [mirror, dir] = said.trim().split(' ') as [string, string];
      assert.ok(links().includes(mirror) && processesOf(dir).length > 1, 'it is up');
      lab.kill(signal);
      assert.equal(await ended, code);
      await until(`${mirror} is still there`, () => !links().includes(mirror));
      await until('processes are still there', () => processesOf(dir).length === 0);
      assert.equal(existsSync(dir), signal === 'SIGKILL', 'only kill -9 leaves the folder of logs');
    });
});
