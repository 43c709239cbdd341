// A collector offers content packs to its sensors, over TLS, each asked for and taken by what its own box trusts.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import path from 'node:path';
import { isIn, publish, Rollout, readReports, rolloutDir, tidyRollout } from '../../src/collector/rollout.ts';
import { entry, packBy, pair } from '../../src/content/testing.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { fetchPack, offersOf, type PackSource } from '../../src/ship/content.ts';
import { collector, enrolled, type Running, until } from './link.ts';
import { folder, must, removeFolders } from './world.ts';

describe('a rollout', () => {
  const alice = pair();
  let c: Running;
  let dir: string;
  beforeEach(async () => {
    const home = await folder();
    dir = rolloutDir(home);
    c = await collector(home, { rollout: must(await Rollout.open(dir, systemClock, (f) => assert.fail(f.message))) });
  });
  afterEach(async () => {
    await c.stop();
    await removeFolders();
  });
  const sensor = async (name: string): Promise<PackSource> => ({
    url: c.url,
    ...(await enrolled(c, name, path.join(await folder(), 'keys'))),
  });
  const versions = async (s: PackSource): Promise<number[]> => must(await offersOf(s, [])).map((o) => o.version);

  it('goes to those whom it is meant for, byte for byte, and to more of them when it widens', async () => {
    const [one, two] = [await sensor('berlin-1'), await sensor('berlin-2')];
    assert.deepEqual(await versions(one), []);
    const bytes = packBy([alice]);
    must(await publish(dir, { name: 'base', version: 1, bytes }, { sensors: ['berlin-1'] }, 0));
    const [offer] = must(await offersOf(one, []));
    assert.ok(offer);
    assert.deepEqual(must(await fetchPack(one, offer)), bytes);
    assert.deepEqual(await versions(two), []);
    assert.match(
      (await fetchPack(two, offer)).ok ? '' : 'refused',
      /refused/,
      'nor does it get one that it was not offered',
    );
    must(await publish(dir, { name: 'base', version: 1, bytes }, { percent: 100 }, 0));
    assert.deepEqual(await versions(two), [1]);
    must(await publish(dir, { name: 'base', version: 2, bytes: packBy([alice], { version: 2 }) }, { percent: 100 }, 0));
    assert.deepEqual(await versions(two), [2]);
    assert.equal((await fetchPack(two, offer)).ok, false, 'the one before is gone');
  });

  it('a tenth is the same tenth, and among a fifth', () => {
    const sensors = Array.from({ length: 2000 }, (_, i) => `sensor-${i}`);
    const among = (percent: number): string[] => sensors.filter((s) => isIn({ percent }, 'base', s));
    const [tenth, fifth] = [among(10), among(20)];
    assert.ok(tenth.length > 140 && tenth.length < 260, `${tenth.length} of 2000`);
    assert.ok(tenth.every((s) => fifth.includes(s)));
    assert.equal(among(0).length, 0);
    assert.equal(among(100).length, 2000);
    assert.notDeepEqual(
      among(10),
      sensors.filter((s) => isIn({ percent: 10 }, 'other', s)),
      'nor are the first always the same ones',
    );
  });

  it('a stranger gets nothing, whatever it asks for; nor does a path lead out of the folder', async () => {
    must(await publish(dir, { name: 'base', version: 1, bytes: packBy([alice]) }, { percent: 100 }, 0));
    const known = await sensor('berlin-1');
    const status = (target: string, keys: Partial<PackSource>): Promise<number> =>
      new Promise((done, fail) => {
        const { port } = new URL(c.url);
        const { key, certificate: cert } = keys;
        const tls = { ca: known.ca, servername: 'catenary-collector', ...(key && { key }), ...(cert && { cert }) };
        const r = request({ host: '127.0.0.1', port, path: target, agent: false, ...tls }, (response) => {
          response.resume();
          done(response.statusCode ?? 0);
        });
        r.on('error', fail);
        r.end();
      });
    for (const target of ['/content', '/content/base/1']) assert.equal(await status(target, {}), 403);
    assert.equal(await status('/content/base/1', known), 200);
    for (const target of [
      '/content/base/2',
      '/content/base/../rollout.json',
      '/content/%2e%2e/1',
      '/contents',
      '/content/base',
    ])
      assert.equal(await status(target, known), 404, target);
  });

  it('what sensors run is written down, and an answer that is not what was offered is not taken', async () => {
    const one = await sensor('berlin-1');
    must(await publish(dir, { name: 'base', version: 1, bytes: packBy([alice]) }, { percent: 100 }, 0));
    const [offer] = must(await offersOf(one, [{ name: 'base', version: 7, trial: true }]));
    await until('the report is there', async () => must(await readReports(dir))['berlin-1']?.have === 'base:7:trial');
    assert.ok(offer);
    const file = path.join(dir, 'base-1.tar.gz');
    const bytes = readFileSync(file);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const fetched = await fetchPack(one, offer);
    assert.ok(!fetched.ok && /not what was offered/.test(fetched.fault.message));
  });

  it('packs that nobody offers any more, as a crash leaves them, are gone at the next start', async () => {
    must(
      await publish(
        dir,
        { name: 'base', version: 1, bytes: packBy([alice], {}, [entry('intel/l', 'a.example')]) },
        { percent: 0 },
        0,
      ),
    );
    writeFileSync(path.join(dir, 'base-9.tar.gz'), '');
    await tidyRollout(dir);
    assert.throws(() => readFileSync(path.join(dir, 'base-9.tar.gz')));
    assert.ok(readFileSync(path.join(dir, 'base-1.tar.gz')).length > 0);
  });
});
