import assert from 'node:assert/strict';
import type { Fault } from '../../src/lib/fault.ts';
import { TABLES } from '../../src/schema/gen/tables.gen.ts';
import { connect, type StoreAccess } from '../../src/store/access.ts';
import { type MigrateOptions, type Migration, migrate, STORE_VERSION } from '../../src/store/migrate.ts';
import { openWorld, type World } from './world.ts';

describe('store: migrations', function () {
  this.timeout(60_000);
  let world: World;
  before(async function () {
    world = await openWorld(this);
  });
  after(() => world?.stop());

  async function change(...queries: string[]): Promise<void> {
    const client = connect(world.access, world.access.writer);
    for (const query of queries) await client.command({ query });
    await client.close();
  }
  async function migrated(options: MigrateOptions = {}): Promise<Migration> {
    const result = await migrate(world.access, options);
    assert.ok(result.ok, result.ok ? '' : result.fault.message);
    return result.value;
  }
  async function refused(options: MigrateOptions = {}, access: StoreAccess = world.access): Promise<Fault> {
    const result = await migrate(access, options);
    assert.ok(!result.ok);
    return result.fault;
  }

  it('find nothing to do the second time', async () => {
    assert.deepEqual(await migrated(), { from: STORE_VERSION, to: STORE_VERSION, done: [] });
  });

  it('partition by day, drop whole parts, and remember inserts', async () => {
    const made = await world.one('SHOW CREATE TABLE catenary.conn');
    for (const piece of [
      'PARTITION BY toRelativeDayNum(seen) % 512',
      'ORDER BY (sensor, toStartOfHour(seen), orig_h, resp_h, seen)',
      `TTL stored + toIntervalDay(${TABLES.conn.keepDays})`,
      'ttl_only_drop_parts = 1',
      'non_replicated_deduplication_window = 10000',
      'fsync_after_insert = 1',
      'fsync_part_directory = 1',
      'INDEX ix_frame (frame_epoch, frame_seq) TYPE minmax',
    ])
      assert.ok(made.includes(piece), piece);
  });

  it('append what a table lacks, in its place', async () => {
    const columns = `SELECT groupArray(name) FROM (SELECT name FROM system.columns
      WHERE database = 'catenary' AND table = 'tls' ORDER BY position)`;
    const before = await world.one(columns);
    await change(
      'ALTER TABLE catenary.tls DROP INDEX ix_ja4',
      'ALTER TABLE catenary.tls DROP COLUMN ja4, DROP COLUMN resumed',
    );
    assert.deepEqual(
      (await migrated()).done.map((line) => line.replace(/ (?:Nullable|Bool|TYPE).*/, '')),
      [
        'ALTER TABLE `catenary`.`tls` ADD COLUMN IF NOT EXISTS `resumed`',
        'ALTER TABLE `catenary`.`tls` ADD COLUMN IF NOT EXISTS `ja4`',
        'ALTER TABLE `catenary`.`tls` ADD INDEX IF NOT EXISTS ix_ja4 `ja4`',
      ],
    );
    assert.equal(await world.one(columns), before);
    assert.deepEqual((await migrated()).done, []);
  });

  it('go on where a crash stopped them', async () => {
    await change(
      'DROP TABLE catenary.address_day_view',
      'DROP TABLE catenary.weird',
      'TRUNCATE TABLE catenary.store_version',
    );
    const { from, done } = await migrated();
    assert.equal(from, 0);
    assert.deepEqual(done, ['CREATE TABLE IF NOT EXISTS `catenary`.`weird`', 'step 1']);
    assert.equal(await world.one('EXISTS TABLE catenary.address_day_view'), '1');
  });

  it('change how long a kind is kept, within limits', async () => {
    for (const days of [1, 3660]) {
      assert.equal((await migrated({ keepDays: { dns: days } })).done.length, 1);
      assert.match(await world.one('SHOW CREATE TABLE catenary.dns'), new RegExp(`toIntervalDay\\(${days}\\)`));
    }
    assert.equal((await migrated()).done.length, 1);
    for (const days of [0, 3661, 1.5, Number.NaN])
      assert.equal((await refused({ keepDays: { dns: days } })).code, 'config_invalid');
    assert.equal(
      (await refused({ keepDays: { nothing: 5 } as MigrateOptions['keepDays'] & object })).code,
      'config_invalid',
    );
  });

  it('refuse a store that a later version made, and say so', async () => {
    await change(`INSERT INTO catenary.store_version (version) VALUES (${STORE_VERSION + 1})`);
    const byVersion = await refused();
    assert.equal(
      byVersion.message,
      `store: its version is ${STORE_VERSION + 1}, and this version knows ${STORE_VERSION}`,
    );
    assert.match(byVersion.hint, /later Catenary/);
    await change(`TRUNCATE TABLE catenary.store_version`, 'ALTER TABLE catenary.dns ADD COLUMN tomorrow UInt8');
    const byColumn = await refused();
    assert.match(byColumn.message, /table dns has a column tomorrow/);
    assert.match(byColumn.hint, /later Catenary/);
    // Judged before anything is done.
    assert.equal(await world.one('SELECT count() FROM catenary.store_version'), '0');
    await change('ALTER TABLE catenary.dns DROP COLUMN tomorrow');
    assert.equal((await migrated()).to, STORE_VERSION);
  });

  it('refuse tables that are not ours', async () => {
    await change('ALTER TABLE catenary.dns MODIFY COLUMN trans_id UInt32');
    const fault = await refused();
    assert.equal(fault.message, 'store table dns: column trans_id is UInt32, not UInt16');
    await change('ALTER TABLE catenary.dns MODIFY COLUMN trans_id UInt16');
    await migrated();
  });

  it('say when there is no server, or another password', async () => {
    assert.match((await refused({}, { ...world.access, url: 'http://127.0.0.1:1' })).message, /ECONNREFUSED/);
    const writer = { ...world.access.writer, password: 'guess' };
    assert.match((await refused({}, { ...world.access, writer })).message, /AUTHENTICATION_FAILED/);
  });
});
