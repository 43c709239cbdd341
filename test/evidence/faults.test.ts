// A disk that refuses: each call that the sealer makes fails once, as a failing device, a full one and a read-only one
// do; and a real file system that is full. Packets are taken all the same, what was not kept is counted and is a record
// in the chain, and when there is room again everything is sealed.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { segmentDigester } from '../../src/capture/index.ts';
import { folders, verifySegments } from '../../src/evidence/index.ts';
import { skip } from '../skip.ts';
import { writeCapture } from './capture.ts';
import { buildRecorder } from './images.ts';
import { must } from './world.ts';

/** Of each errno: as many calls, evenly spread, after an offset that SEED turns. */
const CALLS = Number(process.env.CALLS ?? 3);
const SEED = Number(process.env.SEED ?? 1);
const PACKETS = 3000;
const SEALER = new URL('sealer.ts', import.meta.url).pathname;

interface Said {
  readonly closed: number;
  readonly taken: number;
  readonly written: number;
  readonly notKept: number;
  readonly faults: readonly string[];
}

describe('evidence: a disk that refuses', function () {
  this.timeout(0);
  let dir: string;
  let capture: string;
  let recorder: string;

  before(() => {
    dir = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'catenary-faults-'));
    capture = path.join(dir, 'made.pcap');
    writeCapture(capture);
    recorder = buildRecorder(dir);
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  const run = (evidence: string, env: Readonly<Record<string, string>>) => {
    const r = spawnSync(process.execPath, ['--import', 'tsx', SEALER, evidence, capture], {
      ...{ encoding: 'utf8' as const, env: { ...process.env, ...env } },
    });
    const last = r.stdout.trimEnd().split('\n').at(-1) ?? '';
    return { ...r, said: last.startsWith('{') ? (JSON.parse(last) as Said) : undefined };
  };

  /** Every stretch has its seal, every packet is in one or counted, and what was not kept is a record. */
  const check = async (evidence: string, said: Said, where: string): Promise<void> => {
    const packets = path.join(folders(evidence).packets, 'eth0');
    const verdict = must(await verifySegments(packets, folders(evidence).keys, must(segmentDigester())));
    assert.deepEqual(verdict.faults, [], where);
    const seals = readdirSync(packets)
      .filter((name) => name.startsWith('00000001-') && name.endsWith('.manifest'))
      .map((name) => readFileSync(path.join(packets, name), 'utf8'));
    assert.equal(seals.length, said.closed, where);
    const value = (text: string, key: string): number => Number(new RegExp(`^${key}=(\\d+)$`, 'm').exec(text)?.[1]);
    const lost = seals.filter((text) => /^gap=lost /m.test(text)).length;
    const taken = seals.reduce((n, text) => n + value(text, 'taken'), 0);
    if (lost === 0) assert.equal(taken, PACKETS, where);
    for (const text of seals) {
      assert.equal(
        value(text, 'taken'),
        value(text, 'written') + value(text, 'cutoff') + value(text, 'not_kept'),
        where,
      );
      assert.equal(value(text, 'packets'), value(text, 'written'), where);
      if (value(text, 'not_kept') > 0) assert.match(text, /^gap=shed from=\d+ to=\d+$/m, where);
    }
  };

  it('each call fails once: capture goes on, and what is lost is a record', async () => {
    const dry = path.join(dir, 'dry');
    mkdirSync(dry);
    // As many calls as there are before a failure changes anything.
    const all = Number(
      run(dry, { LD_PRELOAD: recorder, RECORD_DIR: dry, FAIL_AT: '1000000000', COUNT: '1' }).stderr.match(
        /calls (\d+)/,
      )?.[1],
    );
    assert.ok(all > 300, `${all} calls`);
    let survived = 0;
    for (const error of ['EIO', 'ENOSPC', 'EROFS'] as const)
      for (let i = 0; i < CALLS; i++) {
        const at = 1 + ((Math.floor((i * all) / CALLS) + SEED * 7) % all);
        const where = `call ${at} of ${all} fails with ${error}`;
        const evidence = path.join(dir, 'evidence');
        rmSync(evidence, { recursive: true, force: true });
        mkdirSync(evidence);
        const fail = { FAIL_AT: String(at), FAIL_ERRNO: String(constants.errno[error]) };
        const first = run(evidence, { LD_PRELOAD: recorder, RECORD_DIR: evidence, ...fail });
        if (!first.stdout.startsWith('open\n')) {
          // It said why it does not start; whoever starts it again finds nothing broken.
          assert.match(
            first.stderr,
            /Error: .*: (?:the device failed|no space left|the file system is read-only|Input)/,
            where,
          );
          const again = run(evidence, {});
          assert.equal(again.said?.faults.length, 0, `${where}: ${again.stderr}`);
          continue;
        }
        survived++;
        assert.ok(first.said !== undefined, `${where}: ${first.stderr}`);
        assert.equal(first.said.taken, PACKETS, where);
        assert.equal(first.said.written + first.said.notKept, PACKETS, where);
        await check(evidence, first.said, where);
      }
    assert.ok(survived > 0);
  });

  it('a real file system that is full, and has room again: sealed within 10 s', async function () {
    if (spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'true']).status !== 0)
      skip(this, 'may not have mounts of its own');
    const evidence = path.join(dir, 'mount');
    mkdirSync(evidence);
    // Half of what the budget allows; and it is made larger when the sealer says that it is done and waits.
    const script =
      'mount -t tmpfs -o size=600k,nr_inodes=40 none "$1" && "$2" --import tsx "$3" "$1" "$4" wait; ' +
      'cp -r "$1" "$1.kept"';
    const args = ['--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh'];
    const { stdout, stderr } = spawnSync('unshare', [...args, evidence, process.execPath, SEALER, capture], {
      encoding: 'utf8',
    });
    const out = stdout + stderr;
    const last = stdout.trimEnd().split('\n').at(-1) ?? '';
    assert.ok(last.startsWith('{'), out);
    const said = JSON.parse(last) as Said & { recoveredMs: number };
    assert.equal(said.taken, PACKETS);
    assert.ok(said.notKept > 0 && said.written > 0, out);
    assert.ok(
      said.faults.some((f) => /no space left/.test(f)),
      out,
    );
    assert.ok(said.recoveredMs < 10_000, out);
    await check(`${evidence}.kept`, said, 'full');
  });
});
