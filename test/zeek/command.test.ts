// `catenary read --from zeek` and `catenary analyze --from zeek`, as a user runs them.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runMain } from '../../src/commands/testing.ts';

const LOG = [
  '#separator \\x09',
  '#path\tconn',
  '#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto',
  '#types\ttime\tstring\taddr\tport\taddr\tport\tenum',
  '1700000000.000001\tCJmawI18M1PHifXSK9\t192.0.2.1\t4000\t192.0.2.2\t443\ttcp',
  '',
].join('\n');

describe('logs as input, by command', () => {
  let root = '';
  let count = 0;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'catenary-zeek-command-'));
  });
  after(() => rmSync(root, { recursive: true }));

  function folder(files: Readonly<Record<string, string>>): string {
    const dir = join(root, `logs-${++count}`);
    mkdirSync(dir);
    for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
    return dir;
  }

  it('what they print, and how they end', async () => {
    const good = folder({ 'conn.log': LOG, 'stats.log': '' });
    const read = await runMain('read', '--from', 'zeek', good);
    assert.equal(read.code, 0, read.stderr);
    assert.match(read.stdout, /^\{"kind":"conn","ts":1700000000.000001,/);
    assert.match(read.stderr, /catenary: stats\.log: not read.*\nrows 1\nbytes \d+\nfiles 1\nevents 1\n {2}conn 1\n/);
    const bad = folder({ 'conn.log': `${LOG}x\n` });
    const out = join(root, 'out');
    const analyzed = await runMain('analyze', '--from', 'zeek', bad, '--out', out);
    assert.equal(analyzed.code, 1);
    assert.match(
      analyzed.stderr,
      /conn\.log:6: 1 columns instead of 7 \(left out\)\nrows 1\nlines left out 1\nrows out of order 0\n/,
    );
    assert.equal(readFileSync(join(out, 'alerts.ndjson'), 'utf8'), '');
    const empty = await runMain('analyze', '--from', 'zeek', folder({}), '--out', out);
    assert.equal(empty.code, 1);
    assert.match(empty.stderr, /no log of Zeek's that we know/);
    for (const args of [
      ['read', '--from', 'eve', good],
      ['read', '--from', 'zeek', '-'],
      ['read', '--from', 'zeek'],
      ['read', '--from', 'zeek', good, '--filter', 'tcp'],
      ['analyze', '--from', 'eve', good],
      ['analyze', '--from', 'zeek', good, '--filter', 'tcp'],
    ])
      assert.equal((await runMain(...args)).code, 2, args.join(' '));
  });
});
