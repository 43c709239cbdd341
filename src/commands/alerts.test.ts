import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../config/config.ts';
import { systemClock } from '../lib/clock.ts';
import { openTriage } from '../server.ts';
import { runMain } from './testing.ts';

const ID = '0011223344556677';

describe('alerts and allow', () => {
  let dir = '';
  let config = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-alerts-'));
    config = join(dir, 'c.yaml');
    writeFileSync(config, 'collector: { dir: collector }\n');
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const says = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runMain(...args, '--config', config);
    return `${code} ${stdout}${stderr}`;
  };

  it('acts are written down without a collector, in their order, and refused with a reason', async () => {
    assert.match(await says('alerts', 'ack', ID), /^0 act 1: ack/);
    assert.match(await says('alerts', 'ack', ID), /^2 .*acknowledged already/);
    assert.match(await says('alerts', 'note', ID, 'a\u001b[2Jnote'), /^0 act 2: note/);
    assert.match(await says('alerts', 'close', ID, 'maybe', 'x'), /^2 .*no verdict.*true, false, benign/);
    assert.match(await says('alerts', 'close', ID, 'benign', 'the backup'), /^0 act 3: close/);
    assert.match(await says('alerts', 'reopen', ID), /^0 act 4: reopen/);
    assert.match(await says('alerts', 'ack', 'x'), /^2 .*no id of an alert/);
    assert.match(await says('allow', 'add', 'why', '--entity', 'host:a'), /^2 .*names a chain, or a value/);
    assert.match(await says('allow', 'add', 'why', '--chain', 'c', '--entity', 'host:a', '--days', '7'), /^0 entry 5/);
    assert.match(await says('allow', 'remove', '4', 'no'), /^2 .*no entry 4/);
    assert.match(await says('allow', 'remove', '5', 'gone'), /^0 act 6: disallow/);
    assert.match(await says('alerts', 'verify'), /^0 6 acts/);
    const loaded = loadConfig(config);
    assert.ok(loaded.ok);
    const triage = openTriage(loaded.value, systemClock);
    assert.ok(triage.ok);
    assert.deepEqual(
      triage.value.of(ID).map((a) => a.act),
      ['ack', 'note', 'close', 'reopen'],
    );
    assert.deepEqual(triage.value.entries(), []);
  });

  it('a log that somebody has changed is told', async () => {
    await says('alerts', 'note', ID, 'one');
    await says('alerts', 'note', ID, 'two');
    const file = join(dir, 'collector/triage/acts');
    writeFileSync(file, readFileSync(file, 'utf8').replace('one', 'eno'));
    assert.match(await says('alerts', 'verify'), /^1 line 2 does not follow/);
    appendFileSync(file, 'x');
    assert.match(await says('alerts', 'note', ID, 'three'), /^0 act 3/);
  });

  it('without a store, a configuration or a folder it says what is missing', async () => {
    assert.match(await says('alerts', 'list'), /^1 .*access\.json/);
    assert.match(await says('alerts', 'list', '--state', 'odd'), /^2 .*one of open, new/);
    const without = await runMain('alerts', 'list');
    assert.match(without.stderr, /--config is missing/);
    writeFileSync(config, '{}\n');
    assert.match(await says('allow', 'list'), /^2 .*collector\.dir is null/);
  });
});
