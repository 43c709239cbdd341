// The founding case as real programs played it (SOURCES.md): what analysis makes of it is one alert, and it is compared
// with the committed one byte for byte. CATENARY_UPDATE=1 writes it anew; read the difference before committing it.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AlertLine, analyzed, linesOf, textOf } from '../../founding/run.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const GOLDEN = join(FOLDER, 'alerts.ndjson');
const CAPTURES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.pcap'))
  .sort()
  .map((name) => join(FOLDER, name));
const STORY = JSON.parse(readFileSync(join(FOLDER, 'story.json'), 'utf8')) as Record<string, string | number>;

describe('the founding case, played by real programs', function () {
  this.timeout(60_000);
  let out = '';
  let alerts: AlertLine[] = [];
  before(async () => {
    out = mkdtempSync(join(tmpdir(), 'catenary-golden-'));
    alerts = await analyzed(join(out, 'whole'), ...CAPTURES);
    if (process.env.CATENARY_UPDATE === '1') writeFileSync(GOLDEN, textOf(join(out, 'whole')));
  });
  after(() => rmSync(out, { recursive: true, force: true }));

  it('is exactly one alert, that names the host, the file and the name it calls', () => {
    assert.equal(CAPTURES.length, STORY.days);
    assert.deepEqual(
      alerts.map((a) => [a.chain, a.host_name, a.sha256, a.domains]),
      [['dropper-dormant-beacon', STORY.host, [STORY.sha256], [STORY.domain]]],
    );
    assert.match(
      alerts[0]?.explanation ?? '',
      /laptop-7 .*received .* 31 days later .* contacts with sync\.telemetry-hub/,
    );
  });

  it('is the committed alert, byte for byte', () => {
    assert.equal(textOf(join(out, 'whole')), readFileSync(GOLDEN, 'utf8'));
  });

  it('is no alert while the last day is not there, nor without the first', async () => {
    assert.deepEqual(await analyzed(join(out, 'month'), ...CAPTURES.slice(0, -1)), []);
    assert.deepEqual(await analyzed(join(out, 'late'), ...CAPTURES.slice(1)), []);
    assert.ok(
      linesOf(join(out, 'late'), 'signals.ndjson').some((l) => l.includes('"beacon"')),
      'the beacon was seen',
    );
  });

  it('has the captures that SOURCES.md tells of', () => {
    const digest = createHash('sha256');
    for (const file of CAPTURES) digest.update(readFileSync(file));
    const stated = /all captures[^`]*`([0-9a-f]{64})`/.exec(readFileSync(join(FOLDER, 'SOURCES.md'), 'utf8'))?.[1];
    assert.equal(digest.digest('hex'), stated);
  });
});
