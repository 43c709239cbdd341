// The collector countersigns over the real link: what a sensor sealed before it was there, what it seals then, and no
// past that it has seen otherwise.
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { truncateSync } from 'node:fs';
import path from 'node:path';
import { CHAINS_MAX, Witness } from '../../src/collector/witness.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { leafHash, Tree } from '../../src/lib/merkle.ts';
import type { SealSource } from '../../src/ship/shipper.ts';
import { Spool } from '../../src/spool/spool.ts';
import { headText, type Receipt, SEALS_MAX, type Seals } from '../../src/wire/control.ts';
import { collector, enrolled, shipper, until } from './link.ts';
import { folder, must, removeFolders, spoolOptions } from './world.ts';

const SENSOR = 'berlin-1';

/** A sensor with one chain of seals, of whatever content. */
class Chain implements SealSource {
  readonly key: string;
  readonly answers: Receipt[] = [];
  leaves: Buffer[] = [];
  private readonly pem: string;

  constructor(leaves: number) {
    const pair = generateKeyPairSync('ed25519');
    this.key = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    this.pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    this.grow(leaves);
  }
  grow(n: number): void {
    for (let i = 0; i < n; i++) this.leaves.push(leafHash(`manifest ${this.leaves.length}`));
  }
  heads = () => [{ chain: 'eth0', leaves: this.leaves.length, countersigned: this.answers.at(-1)?.leaves ?? 0 }];
  hashes = (_chain: string, from: number, count: number): string[] =>
    this.leaves.slice(from, from + count).map((leaf) => leaf.toString('hex'));
  sign = (text: string): string => sign(null, Buffer.from(text), createPrivateKey(this.pem)).toString('base64');
  take = (receipt: Receipt): void => void this.answers.push(receipt);

  get root(): string {
    return Tree.over(Buffer.concat(this.leaves)).root();
  }
  seals(from: number, count = SEALS_MAX, chain = 'eth0'): Seals {
    const hashes = this.hashes(chain, from, count);
    const head = { sensor: SENSOR, chain, leaves: from + hashes.length, last: hashes.at(-1) ?? '' };
    return { t: 'seals', chain, from, hashes, key: this.key, sig: this.sign(headText(head)) };
  }
}

describe('delivery: countersigning', function () {
  this.timeout(60_000);
  afterEach(removeFolders);

  it('over the link: what was sealed before, what is sealed then, and no other past', async () => {
    const c = await collector(await folder());
    const dir = await folder();
    const keys = await enrolled(c, SENSOR, path.join(dir, 'keys'));
    const spool = must(await Spool.open(spoolOptions(path.join(dir, 'spool'))));
    const chain = new Chain(3 * SEALS_MAX + 1);
    const s = shipper(c.url, SENSOR, keys, spool, { seals: chain });
    await until('all is countersigned', () => chain.answers.at(-1)?.leaves === chain.leaves.length);
    chain.grow(1);
    s.countersign();
    await until('one more is', () => chain.answers.at(-1)?.leaves === 3 * SEALS_MAX + 2);
    const { text, sig, key } = chain.answers.at(-1) as Receipt;
    assert.ok(text.includes(`tree=rfc6962-sha256-manifest leaves=${chain.leaves.length} root=${chain.root}\n`), text);
    assert.ok(
      text.includes(`sensor=${SENSOR}\nchain=eth0\nkey=${createHash('sha256').update(chain.key).digest('hex')}\n`),
    );
    assert.ok(verify(null, Buffer.from(text), key, Buffer.from(sig, 'base64')));
    await s.close();

    chain.leaves[5] = leafHash('another one');
    chain.answers.length = 0;
    const again = shipper(c.url, SENSOR, keys, spool, { seals: chain });
    await until('it is refused', () => chain.answers.at(-1)?.fault === 'fork');
    assert.deepEqual(
      c.audits.filter((a) => a.action === 'countersign').map((a) => [a.outcome, a.reason, a.detail]),
      [['refused', 'fork', 'manifest 5 of eth0 is another one now']],
    );
    // Events are taken all the same.
    assert.equal(c.listener.sensors.length, 1);
    await again.close();
    await spool.close();
    await c.stop();
  });

  it('the first key counts; a head that its key did not sign, or that another did, is refused', async () => {
    const witness = must(await Witness.open(await folder(), systemClock));
    const [mine, other] = [new Chain(3), new Chain(3)];
    const unsigned = await witness.countersign(SENSOR, { ...mine.seals(0), sig: other.seals(0).sig });
    assert.deepEqual([unsigned.fault, unsigned.leaves], ['key', 0]);
    assert.equal((await witness.countersign(SENSOR, mine.seals(0))).leaves, 3);
    assert.equal((await witness.countersign(SENSOR, other.seals(3))).fault, 'key');
    assert.equal((await witness.countersign('another', other.seals(0))).fault, 'key');
  });

  it('asked again, or from too far on, it says where it stands and signs nothing new', async () => {
    const witness = must(await Witness.open(await folder(), systemClock));
    const chain = new Chain(5);
    assert.deepEqual(await witness.countersign(SENSOR, chain.seals(2)), { leaves: 0, receipt: undefined });
    const first = await witness.countersign(SENSOR, chain.seals(0, 3));
    assert.equal(first.leaves, 3);
    assert.deepEqual(await witness.countersign(SENSOR, chain.seals(0, 3)), first);
    assert.deepEqual(await witness.countersign(SENSOR, chain.seals(3, 0)), first);
    assert.equal((await witness.countersign(SENSOR, chain.seals(1))).leaves, 5);
  });

  it('a restart goes on; what a crash cut off is asked for again; receipts are a chain of their own', async () => {
    const dir = await folder();
    const chain = new Chain(5);
    const open = async (): Promise<Witness> => must(await Witness.open(dir, systemClock));
    const first = await (await open()).countersign(SENSOR, chain.seals(0, 2));
    const second = await (await open()).countersign(SENSOR, chain.seals(2, 2));
    const hash = createHash('sha256')
      .update(first.receipt?.text ?? '')
      .digest('hex');
    assert.ok(second.receipt?.text.includes(`prev=${hash}\n`));
    // Torn in the fourth: three are left, and no receipt is for them.
    truncateSync(path.join(dir, SENSOR, 'eth0.leaves'), 3 * 32 + 7);
    const torn = await open();
    assert.equal((await torn.countersign(SENSOR, chain.seals(5, 0))).leaves, 3);
    const last = await torn.countersign(SENSOR, chain.seals(3));
    assert.ok(last.receipt?.text.includes(` leaves=5 root=${chain.root}\n`));
  });

  it('so many chains a sensor; one more is refused', async () => {
    const witness = must(await Witness.open(await folder(), systemClock));
    const chain = new Chain(1);
    for (let i = 1; i <= CHAINS_MAX + 1; i++) {
      const { fault } = await witness.countersign(SENSOR, chain.seals(0, 1, `eth${i}`));
      assert.equal(fault, i > CHAINS_MAX ? 'chains' : undefined);
    }
  });
});
