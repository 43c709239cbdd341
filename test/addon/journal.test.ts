// What a service says, read back from a real journal: one of our own, in a mount namespace.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isJournal } from '../../src/lib/journal.ts';
import { TOPICS } from '../../src/lib/topics.ts';
import { skip } from '../skip.ts';

const JOURNALD = '/lib/systemd/systemd-journald';
const CATALOG = fileURLToPath(new URL('../../appliance/systemd/catenary.catalog', import.meta.url));
const SPEAKER = fileURLToPath(new URL('./journal_speaker.ts', import.meta.url));

describe("the system's journal", function () {
  this.timeout(60_000);
  let dir: string;
  before(function () {
    if (process.getuid?.() !== 0) skip(this, 'a mount namespace takes root');
    if (!existsSync(JOURNALD)) skip(this, `no ${JOURNALD}`);
    dir = mkdtempSync(join(tmpdir(), 'catenary-journal-'));
  });
  after(() => dir !== undefined && rmSync(dir, { recursive: true, force: true }));

  it('has every message under its id, with its priority, its code and the words of the catalog', async () => {
    // journald takes no other socket than its own: /run of the namespace is a folder of ours.
    const script = `
      set -e
      mount -t tmpfs tmpfs /run
      mkdir -p /run/systemd/journal /run/log/journal
      ${JOURNALD} & journald=$!
      while [ ! -S /run/systemd/journal/socket ]; do sleep 0.05; done
      "$1" --import tsx "$2"
      journalctl --sync
      journalctl --directory /run/log/journal -o json
      kill $journald; wait $journald || true`;
    const shell = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', process.execPath, SPEAKER], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    let errors = '';
    shell.stdout.on('data', (chunk) => {
      text += chunk;
    });
    shell.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    await once(shell, 'close');
    const said = text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, string>)
      .filter((e) => e.SYSLOG_IDENTIFIER === 'catenary-test');
    const shown = said.map((e) => [e.MESSAGE, e.MESSAGE_ID, e.PRIORITY, e.CATENARY_CODE]);
    assert.deepEqual(
      shown,
      [
        ['hello', TOPICS.started.id, '6', undefined],
        ['a\\x0aMESSAGE_ID=b', TOPICS.alert.id, '5', undefined],
        ['catenary: full (make room)', TOPICS.fault.id, '4', 'output_unwritable'],
      ],
      errors,
    );
  });

  it('its catalog explains every id, and journalctl can read it', () => {
    const catalog = readFileSync(CATALOG, 'utf8');
    const ids = [...catalog.matchAll(/^-- ([0-9a-f]{32})$/gm)].map((m) => m[1]);
    assert.deepEqual(
      ids.sort(),
      Object.values(TOPICS)
        .map((t) => t.id)
        .sort(),
    );
    assert.equal(new Set(ids).size, ids.length);
    const root = join(dir, 'root');
    execFileSync('mkdir', ['-p', join(root, 'usr/lib/systemd/catalog'), join(root, 'var/lib/systemd/catalog')]);
    execFileSync('cp', [CATALOG, join(root, 'usr/lib/systemd/catalog')]);
    execFileSync('journalctl', ['--update-catalog', `--root=${root}`]);
    const shown = execFileSync('journalctl', ['--dump-catalog', TOPICS.alert.id, `--root=${root}`], {
      encoding: 'utf8',
    });
    assert.match(shown, /A chain is complete/);
  });

  it('standard error is the journal only where systemd says so', () => {
    assert.equal(isJournal({}), false);
    assert.equal(isJournal({ JOURNAL_STREAM: '1' }), false);
    assert.equal(isJournal({ JOURNAL_STREAM: '8:12345' }), false);
  });
});
