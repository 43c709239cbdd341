// The founding case from Zeek's logs in place of packets: written as Zeek's and read back, with our columns and
// without.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type AlertLine, alertsIn, analyzed, linesOf, start } from '../../founding/run.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const CLI = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));
const CAPTURES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.pcap'))
  .sort()
  .map((name) => join(FOLDER, name));

/** The last of Zeek's own columns: what follows it is ours. */
const LAST_OF_ZEEK: Readonly<Record<string, string>> = {
  conn: 'community_id',
  dns: 'opcode_name',
  http: 'resp_mime_types',
  ssl: 'sni_matches_cert',
  files: 'extracted_size',
  dhcp: 'duration',
};

/** A log with no column but Zeek's own. */
function withoutOurs(text: string, last: string): string {
  const lines = text.split('\n');
  const names = lines.find((line) => line.startsWith('#fields'))?.split('\t') as string[];
  const n = names.indexOf(last);
  assert.ok(n > 0, last);
  const cut = (line: string): string =>
    line
      .split('\t')
      .slice(0, /^#(?:fields|types)/.test(line) ? n + 1 : n)
      .join('\t');
  return lines.map((line) => (/^#(?!fields|types)/.test(line) ? line : cut(line))).join('\n');
}

const told = ({ chain, host, host_name, sha256, domains, bound, steps }: AlertLine) => ({
  ...{ chain, host, host_name, sha256, domains, bound },
  steps: steps.map(({ step, kind, record }) => [step, kind, record.score, record.count]),
});

describe('the founding case, from logs', function () {
  this.timeout(60_000);
  let folder = '';
  let golden: AlertLine[] = [];
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'catenary-golden-zeek-'));
    golden = alertsIn(FOLDER);
    for (const [name, options] of [
      ['tsv', []],
      ['json', ['--json']],
    ] as const)
      execFileSync(process.execPath, [
        ...[CLI, 'read', ...CAPTURES, '--as', 'zeek', '--out', join(folder, name), '-q', ...options],
      ]);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const form of ['tsv', 'json'])
    it(`is the same alert: host, file, name, steps with their scores (${form})`, async () => {
      const out = join(folder, `from-${form}`);
      const alerts = await analyzed(out, '--from', 'zeek', join(folder, form));
      assert.deepEqual(alerts.map(told), golden.map(told));
      assert.deepEqual(alerts[0]?.steps[0]?.record.url, golden[0]?.steps[0]?.record.url);
      assert.match(alerts[0]?.explanation ?? '', /laptop-7 .*received .* 31 days later .* contacts with sync\.tele/);
    });

  it("is the same alert from Zeek's own columns alone, compressed, but for what they do not say", async () => {
    const dir = join(folder, 'bare');
    mkdirSync(dir);
    for (const [log, last] of Object.entries(LAST_OF_ZEEK)) {
      const text = readFileSync(join(folder, 'tsv', `${log}.log`), 'utf8');
      writeFileSync(join(dir, `${log}.log.gz`), gzipSync(withoutOurs(text, last)));
    }
    const alerts = await analyzed(join(folder, 'from-bare'), '--from', 'zeek', dir);
    assert.deepEqual(alerts.map(told), golden.map(told));
    assert.equal(alerts[0]?.steps[0]?.record.url ?? null, null, 'files.log has no url');
  });

  it('is no alert while the last day is not there, and goes on with its logs when there is a state', async () => {
    const config = join(folder, 'state.yaml');
    writeFileSync(config, 'state: { dir: state }\n');
    const found: number[] = [];
    for (const [name, captures] of [
      ['month', CAPTURES.slice(0, -1)],
      ['last-day', CAPTURES.slice(-1)],
    ] as const) {
      const dir = join(folder, name);
      execFileSync(process.execPath, [CLI, 'read', ...captures, '--as', 'zeek', '--out', dir, '-q']);
      found.push((await analyzed(join(folder, `from-${name}`), '--from', 'zeek', dir, '--config', config)).length);
    }
    assert.deepEqual(found, [0, 1]);
    assert.ok(linesOf(join(folder, 'from-month'), 'signals.ndjson').length > 0, 'life went on');
    const { code, stderr } = await start([
      ...['--from', 'zeek', join(folder, 'last-day'), '--config', config, '--out', join(folder, 'from-last-day')],
    ]).ended;
    assert.equal(code, 0);
    assert.match(stderr, /analysed before, to the end: nothing to do/);
  });
});
