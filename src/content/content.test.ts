import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Fault, Result } from '../lib/fault.ts';
import { tarOf } from '../lib/tar.ts';
import { Health } from './health.ts';
import { CONTENT_BYTES_MAX, isOlder, manifestOf, packOf, readPack, trusted } from './pack.ts';
import { putInInbox, Shelf, type ShelfOptions, STARTS_MAX } from './shelf.ts';
import { entry, NEW_YEAR, packBy, pair, trustIn } from './testing.ts';
import { loadTrust, signatureOf } from './trust.ts';

const MINUTE = 60e6;
const must = <T>(r: Result<T>): T => {
  assert.ok(r.ok, r.ok ? '' : r.fault.message);
  return r.value;
};
const why = (r: Result<unknown>): string => (r.ok ? 'nothing is wrong' : r.fault.message);

describe('content packs', () => {
  const [alice, bob, mallory] = [pair(), pair(), pair()];
  let dir: string;
  let now: number;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-content-'));
    now = (NEW_YEAR + 60) * 1e6;
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const shelf = async (more: Partial<ShelfOptions> = {}): Promise<Shelf> =>
    must(
      await Shelf.open({
        ...{ dir, trust: trustIn([alice, bob]), version: '0.1.0', trial: 60 * MINUTE, now: () => now, check: () => [] },
        ...more,
      }),
    );
  const used = (s: Shelf): string[] => s.content().intel.map((f) => readFileSync(f, 'utf8').trim());

  describe('who has signed', () => {
    it('as many different keys as are needed, each counted once, and only those that are trusted', () => {
      const two = trustIn([alice, bob], 2);
      const signed = (...by: (typeof alice)[]): string => why(trusted(must(readPack(packBy(by), 'p')), two));
      assert.equal(signed(alice, bob), 'nothing is wrong');
      assert.match(signed(alice), /1 of the 2 signatures/);
      assert.match(signed(alice, { ...bob, secret: alice.secret }), /1 of the 2/);
      assert.match(signed(alice, mallory), /1 of the 2/);
      assert.match(signed(), /0 of the 2/);
      assert.match(why(trusted(must(readPack(packBy([alice]), 'p')), trustIn([]))), /nobody is trusted/);
    });

    it("a signature under somebody else's name is none", () => {
      const files = [entry('intel/l', 'a.example')];
      const about = { name: 'base', version: 1, made: NEW_YEAR, expires: NEW_YEAR + 9, needs: '0.1.0' };
      const manifest = manifestOf(about, files);
      const forged = { ...signatureOf(manifest, mallory.secret), id: alice.id };
      assert.match(
        why(trusted(must(readPack(packOf(manifest, [forged], files), 'p')), trustIn([alice]))),
        /0 of the 1/,
      );
    });

    it('openssl and sha256sum say the same', () => {
      writeFileSync(join(dir, 'p.tar.gz'), packBy([alice]));
      writeFileSync(join(dir, 'alice.pub'), alice.open.export({ type: 'spki', format: 'pem' }));
      execFileSync('tar', ['xzf', 'p.tar.gz'], { cwd: dir });
      const check = ['pkeyutl', '-verify', '-rawin', '-pubin', '-inkey', 'alice.pub', '-in', 'manifest.json'];
      execFileSync('openssl', [...check, '-sigfile', `signatures/${alice.id}.sig`], { cwd: dir });
      const { files } = JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8')) as { files: object };
      const [[name, { sha256 }] = ['', { sha256: '' }]] = Object.entries(files) as [string, { sha256: string }][];
      execFileSync('sha256sum', ['--check'], { cwd: dir, input: `${sha256}  ${name}\n` });
    });

    it('a private key, another kind of key and more signers than keys are faults of the configuration', () => {
      const at = (name: string, text: string | Buffer): string => {
        writeFileSync(join(dir, name), text);
        return join(dir, name);
      };
      const open = at('a.pub', alice.open.export({ type: 'spki', format: 'pem' }));
      assert.equal(why(loadTrust([open], 1)), 'nothing is wrong');
      assert.match(why(loadTrust([open, open], 2)), /2 of 1 different keys/);
      assert.match(why(loadTrust([at('a', alice.secret.export({ type: 'pkcs8', format: 'pem' }))], 1)), /no public/);
      assert.match(why(loadTrust([at('b', 'hello')], 1)), /no public/);
      assert.match(why(loadTrust([join(dir, 'none')], 1)), /no such file/);
    });
  });

  describe('what may be in one', () => {
    const files = [entry('intel/l', 'a.example')];
    const about = { name: 'base', version: 1, made: NEW_YEAR, expires: NEW_YEAR + 9, needs: '0.1.0' };
    const manifest = manifestOf(about, files);
    const readOf = (entries: readonly { name: string; bytes: Uint8Array }[]): string =>
      why(readPack(gzipSync(tarOf(entries)), 'p'));

    it('what the manifest says, byte for byte, and nothing else', () => {
      const head = { name: 'manifest.json', bytes: manifest };
      assert.equal(readOf([head, ...files]), 'nothing is wrong');
      assert.match(readOf([head]), /intel\/l is missing/);
      assert.match(readOf([head, entry('intel/l', 'b.example')]), /not what its manifest says/);
      assert.match(readOf([head, ...files, entry('chains/x/chain.yaml', '')]), /does not belong/);
      assert.match(readOf([...files]), /no manifest/);
      const odd = [entry('bin/run.sh', 'rm')];
      assert.match(readOf([{ name: 'manifest.json', bytes: manifestOf(about, odd) }, ...odd]), /does not belong/);
    });

    it('a bomb, a cut archive and nonsense are refused', () => {
      assert.match(why(readPack(gzipSync(Buffer.alloc(CONTENT_BYTES_MAX + 1)), 'p')), /cannot be unpacked/);
      const whole = packBy([alice]);
      assert.match(why(readPack(whole.subarray(0, whole.length - 20), 'p')), /cannot be unpacked/);
      assert.match(why(readPack(Buffer.from('PK'), 'p')), /cannot be unpacked/);
      for (const text of ['{', '{}', '{"format":2}', '[]'])
        assert.match(readOf([entry('manifest.json', text)]), /manifest\.json: /);
    });

    it('versions of programs compare as numbers', () => {
      assert.ok(isOlder('0.9.0', '0.10.0'));
      assert.ok(!isOlder('0.10.0', '0.9.9'));
      assert.ok(!isOlder('1.0.0', '1.0.0'));
    });
  });

  describe('the shelf', () => {
    it('a pack is used from then on, also by the next who opens it; taking it again is nothing', async () => {
      const s = await shelf();
      assert.equal(must(await s.take(packBy([alice]), 'p'))?.action, 'content_taken');
      assert.deepEqual(used(s), ['c2.example']);
      assert.deepEqual(used(await shelf()), ['c2.example']);
      assert.equal(must(await s.take(packBy([alice]), 'p')), undefined);
    });

    it('never back: an older one, another one of the same number, one that was sent back', async () => {
      const s = await shelf();
      must(await s.take(packBy([alice], { version: 5 }), 'p'));
      assert.match(why(await s.take(packBy([alice], { version: 4 }), 'p')), /not newer than base-5/);
      const other = packBy([alice], { version: 5 }, [entry('intel/x', 'd.example')]);
      assert.match(why(await s.take(other, 'p')), /not newer than base-5/);
      must(await s.giveBack('base', 'of no use'));
      assert.deepEqual(used(s), []);
      assert.match(why(await s.take(packBy([alice], { version: 5 }), 'p')), /tried and sent back/);
      must(await s.take(packBy([alice], { version: 6 }), 'p'));
      assert.deepEqual(
        [...s.packs.values()].map((p) => [p.current, p.previous, p.floor]),
        [[6, null, 6]],
      );
    });

    it('expired, for a newer program, unsigned, or with a fault in it: refused, and what was goes on', async () => {
      const fault: Fault = { code: 'content_invalid', message: 'chains/x: no', hint: '' };
      const s = await shelf({ check: (at) => (existsSync(join(at, 'intel/bad')) ? [fault, fault] : []) });
      must(await s.take(packBy([alice]), 'p'));
      const v2 = (more: object): Buffer => packBy([alice], { version: 2, ...more });
      assert.match(why(await s.take(v2({ expires: NEW_YEAR + 59 }), 'p')), /expired/);
      assert.match(why(await s.take(v2({ needs: '0.2.0' }), 'p')), /needs catenary 0\.2\.0/);
      assert.match(why(await s.take(packBy([mallory], { version: 2 }), 'p')), /0 of the 1/);
      const bad = packBy([alice], { version: 2 }, [entry('intel/bad', '')]);
      assert.match(why(await s.take(bad, 'p')), /base-2: chains\/x: no, and 1 more/);
      assert.deepEqual(used(s), ['c2.example']);
      assert.deepEqual(readdirSync(join(dir, 'base')), ['1']);
      assert.equal(s.packs.get('base')?.floor, 1, 'what was refused counts for nothing');
    });

    it('the one before comes back, whole; what came before that is gone', async () => {
      const s = await shelf();
      for (const version of [1, 2, 3])
        must(await s.take(packBy([alice], { version }, [entry('intel/l', `v${version}.example`)]), 'p'));
      assert.deepEqual(readdirSync(join(dir, 'base')).sort(), ['2', '3']);
      must(await s.giveBack('base', 'worse'));
      assert.deepEqual(used(s), ['v2.example']);
      assert.deepEqual(
        s.packs.get('base')?.returned.map((r) => [r.version, r.why]),
        [[3, 'worse']],
      );
      assert.match(why(await s.giveBack('other', '')), /no such pack/);
    });

    it('a file that was changed on the disk is found: the pack counts as gone, the one before is used', async () => {
      const s = await shelf();
      must(await s.take(packBy([alice], { version: 1 }, [entry('intel/l', 'old.example')]), 'p'));
      must(await s.take(packBy([alice], { version: 2 }, [entry('intel/l', 'new.example')]), 'p'));
      writeFileSync(join(dir, 'base/2/intel/l'), 'mine.example');
      assert.deepEqual(used(s), ['old.example']);
      assert.match(s.content().faults[0]?.message ?? '', /base-2: intel\/l is not what its manifest says/);
      writeFileSync(join(dir, 'base/2/intel/more'), '');
      assert.match(s.content().faults[0]?.message ?? '', /intel/);
      // Keys that the configuration no longer names count for nothing.
      assert.deepEqual(used(await shelf({ trust: trustIn([mallory]) })), []);
    });

    it('a sensor that starts again and again while a pack is on trial gets the one before', async () => {
      must(await (await shelf()).take(packBy([alice], {}, [entry('intel/l', 'old.example')]), 'p'));
      now += 61 * MINUTE;
      assert.equal(must(await (await shelf()).settle()).length, 1);
      must(await (await shelf()).take(packBy([alice], { version: 2 }), 'p'));
      for (let n = 0; n < STARTS_MAX; n++) assert.deepEqual(must(await (await shelf()).begin()), []);
      const [act] = must(await (await shelf()).begin());
      assert.equal(act?.action, 'content_returned');
      assert.deepEqual(used(await shelf()), ['old.example']);
      for (let n = 0; n < 9; n++) assert.deepEqual(must(await (await shelf()).begin()), [], 'no trial, no counting');
    });

    it('the inbox: packs and requests, each once; what cannot be used is said and gone', async () => {
      const s = await shelf();
      must(await putInInbox(dir, 'base-1.tar.gz', packBy([alice])));
      must(await putInInbox(dir, 'nonsense', Buffer.from('x')));
      const first = await s.takeInbox();
      assert.deepEqual(
        first.acts.map((a) => a.action),
        ['content_taken', 'content_refused'],
      );
      assert.deepEqual(readdirSync(join(dir, 'inbox')), []);
      must(await putInInbox(dir, 'back-base', Buffer.alloc(0)));
      assert.deepEqual(
        (await s.takeInbox()).acts.map((a) => a.action),
        ['content_returned'],
      );
      assert.deepEqual(await s.takeInbox(), { acts: [], faults: [] });
    });

    it('an index that is damaged is a fault that says what to do', async () => {
      mkdirSync(dir, { recursive: true });
      for (const text of ['{', '{"base":1}', '{"../x":{}}']) {
        writeFileSync(join(dir, 'index.json'), text);
        const opened = await Shelf.open({
          ...{ dir, trust: trustIn([alice]), version: '0.1.0', trial: 1, now: () => now, check: () => [] },
        });
        assert.match(why(opened), /index\.json: is damaged/);
      }
    });
  });

  describe('health', () => {
    const well = { waiting: 10, alerts: 3, faults: 0 };
    it('as before is well; a fault, too many alerts, and falling behind for a while are not', () => {
      const h = new Health(well, 5);
      assert.equal(h.look({ ...well, alerts: 8 }), undefined);
      assert.match(h.look({ ...well, alerts: 9 }) ?? '', /6 alerts/);
      assert.match(h.look({ ...well, faults: 1 }) ?? '', /cannot be used/);
      const behind = new Health(well, 5);
      const looks = [600, 700, 800, 900, 1000, 1100].map((waiting) => behind.look({ ...well, waiting }));
      assert.deepEqual(looks.slice(0, 5), Array(5).fill(undefined));
      assert.match(looks[5] ?? '', /1100 batches behind/);
      const catching = new Health(well, 5);
      for (const waiting of [900, 800, 900, 800, 700, 800, 700, 600, 700, 600])
        assert.equal(catching.look({ ...well, waiting }), undefined);
    });
  });
});
