// What a hunt finds in segments that the real decoder has made of the founding captures.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { forEachInOrder, openReader, segmentDigester } from '../capture/index.ts';
import { folders, openSigner, Segments } from '../evidence/index.ts';
import { systemClock } from '../lib/clock.ts';
import type { Result } from '../lib/fault.ts';
import type { HttpEvent } from '../schema/gen/events.gen.ts';
import { runMain } from './testing.ts';

const CAPTURES = ['day-00', 'day-03', 'day-31'].map((day) =>
  fileURLToPath(new URL(`../../test/golden/founding/${day}.pcap`, import.meta.url)),
);

function value<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? '' : result.fault.message);
  return result.value;
}

describe('evidence hunt', function () {
  this.timeout(60_000);
  let dir: string;
  let last = '';
  const http: HttpEvent[] = [];

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-hunt-'));
    const at = folders(dir);
    const packets = join(at.packets, 'eth0');
    const segments = value(
      await Segments.open({
        ...{ dir: packets, evidence: dir, signer: value(openSigner(at.keys)), clock: systemClock },
        digest: value(segmentDigester()),
        circumstances: { sensor: 's', interface: 'eth0', filter: '', snaplen: 0, software: 'x', config: '' },
      }),
    );
    const keep = { dir: packets, epoch: segments.epoch, segmentSeconds: 3600 };
    const reader = value(openReader({ files: CAPTURES, kinds: ['http'], packets: keep }));
    for await (const drain of reader.drains()) {
      forEachInOrder(value(drain), (kind, event) => kind === 'http' && http.push(event as HttpEvent));
      for (const closed of value(drain).segments) value(await segments.seal(closed));
    }
    last = segments.list().at(-1)?.path ?? '';
    assert.ok(http.length > 0 && segments.list().length > 3);
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  const hunt = async (...args: string[]) => {
    const run = await runMain('evidence', 'hunt', '--dir', dir, ...args);
    const hits = run.stdout.split('\n').flatMap((l) => (l === '' ? [] : [JSON.parse(l) as Record<string, unknown>]));
    return { ...run, hits };
  };

  it('a text, its bytes and a pattern of it: in the flows that had it, as the decoder names them', async () => {
    const { host } = http[0] as HttpEvent;
    const want = http.filter((e) => e.host === host).map((e) => e.uid);
    const text = `Host: ${host}`;
    for (const how of [
      ['--text', text],
      ['--hex', Buffer.from(text).toString('hex')],
      ['--re2', `Host: ${host?.replaceAll('.', '\\.')}`],
    ]) {
      const { code, hits, stderr } = await hunt(...how);
      assert.equal(code, 0, stderr);
      assert.deepEqual(new Set(hits.map((h) => h.uid)), new Set(want));
      assert.equal(hits.length, want.length);
      for (const h of hits) assert.deepEqual([h.is_orig, h.is_stream, h.excerpt], [true, true, text.slice(0, 48)]);
    }
  });

  it('of a time, and of what passes a filter', async () => {
    const all = (await hunt('--text', 'HTTP/1.1 200')).hits;
    const first = all[0] as { ts: number; resp_h: string; orig_p: number };
    const early = await hunt('--text', 'HTTP/1.1 200', '--until', String(Math.ceil(first.ts) + 1));
    assert.ok(early.hits.length >= 1 && early.hits.length < all.length);
    const one = await hunt('--text', 'HTTP/1.1 200', '--filter', `host ${first.resp_h} and port ${first.orig_p}`);
    assert.ok(one.hits.length >= 1 && one.hits.every((h) => h.resp_h === first.resp_h));
    assert.equal((await hunt('--text', 'HTTP/1.1 200', '--filter', 'udp')).hits.length, 0);
  });

  it('says when there is more, what for it was, and what means nothing', async () => {
    const cut = await hunt('--text', 'HTTP/1.1', '--hits', '2', '--reason', 'case 7');
    assert.deepEqual([cut.code, cut.hits.length], [1, 2]);
    assert.match(cut.stderr, /stopped at 2 hits: there may be more/);
    const line = readFileSync(join(dir, 'custody'), 'utf8').trimEnd().split('\n').at(-1) ?? '';
    assert.match(line, /"act":"view".*"what":"hunt \[\\"HTTP\/1\.1\\"\] in ''.*"reason":"case 7"/);
    const rules = join(dir, 'wrong.yar');
    writeFileSync(rules, 'rule x { condition: nothing }');
    for (const [args, message] of [
      [[], /nothing to look for/],
      [['--hex', '4d5'], /--hex '4d5': are no bytes/],
      [['--text', ''], /a pattern is empty/],
      [['--re2', '('], /missing \)/],
      [['--text', 'x', '--filter', 'port of call'], /port of call/],
      [['--yara', '/nonexistent'], /nonexistent/],
      [['--yara', rules], /YARA|line 1/],
      [['--text', 'x', '--since', 'soon'], /--since 'soon': is no time/],
    ] as const) {
      const { code, stderr, stdout } = await hunt(...args);
      assert.ok(code !== 0 && stdout === '', `${args}`);
      assert.match(stderr, message);
    }
  });

  it('a segment that rots on the disk is named', async () => {
    truncateSync(last, 2000);
    const { code, stderr } = await hunt('--text', 'nothing of this');
    assert.equal(code, 1);
    assert.ok(stderr.includes(last), stderr);
  });
});
