// From a capture to a bundle that strangers' tools check: the real decoder, the real verify.sh in dash, the real
// openssl, sha256sum, tar and tcpdump.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { forEachInOrder, openReader, segmentDigester, segmentTrees } from '../capture/index.ts';
import { configSchema } from '../config/schema.ts';
import { flowNumber } from '../evidence/blocks.ts';
import { extract } from '../evidence/extract.ts';
import { type Closed, folders, keepHouse, openSigner, releaseHold, Segments, setHold } from '../evidence/index.ts';
import { Leases } from '../evidence/leases.ts';
import type { FileEvent } from '../schema/gen/events.gen.ts';
import type { Section } from '../schema/observation.ts';
import { runMain } from './testing.ts';

const CAPTURES = fileURLToPath(new URL('../../native/protocols/http/captures/', import.meta.url));
const ID = 'ab12cd34ab12cd34';

const clock = { wall: () => 1_800_000_000e6, monotonic: () => 0, after: () => ({ cancel: () => undefined }) };

function run(command: string, ...args: string[]): { status: number | null; out: string } {
  const r = spawnSync(command, args, { encoding: 'utf8' });
  return { status: r.status, out: r.stdout + r.stderr };
}

function sectionOf(entries = new Map<string, Uint8Array>()): Section {
  return {
    get: (key) => entries.get(key),
    put: (key, value) => void entries.set(key, value),
    remove: (key) => void entries.delete(key),
    entries: () => entries,
  };
}

function value<T>(result: { ok: true; value: T } | { ok: false; fault: unknown }): T {
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.fault));
  return result.value;
}

const openSegments = async (dir: string): Promise<Segments> =>
  value(
    await Segments.open({
      ...{ dir: folders(dir).packets, evidence: dir, signer: value(openSigner(folders(dir).keys)), clock },
      digest: value(segmentDigester()),
      circumstances: {
        ...{ sensor: 's1', interface: 'mirror0', filter: 'not port 22', snaplen: 262144 },
        ...{ software: 'catenary', config: '0'.repeat(64) },
      },
    }),
  );

/** Reads captures into an evidence folder. Every minute is a segment. */
async function record(
  dir: string,
  segments: Segments,
  ...captures: string[]
): Promise<{ files: FileEvent[]; closed: Closed[] }> {
  const at = folders(dir);
  mkdirSync(at.files, { recursive: true });
  const reader = value(
    openReader({
      files: captures.map((name) => CAPTURES + name),
      ...{ packets: { dir: at.packets, epoch: segments.epoch, segmentSeconds: 60 }, carve: { dir: at.files } },
    }),
  );
  const files: FileEvent[] = [];
  const closed: Closed[] = [];
  for await (const drain of reader.drains()) {
    forEachInOrder(value(drain), (kind, event) => void (kind === 'file' && files.push(event as FileEvent)));
    for (const s of value(drain).segments) {
      closed.push(s);
      value(await segments.seal(s));
    }
  }
  return { files, closed };
}

/** A line of alerts.ndjson about files, as src/alerts writes it. */
function alertOf(files: readonly FileEvent[], title = 'Download'): string {
  const steps = files.map((f, i) => ({
    ...{ step: `s${i}`, kind: 'file', ts: 'then', seen: 'then', hash: '00', hosts: {}, why: ['<b>&why</b>'] },
    record: { ...f, ts: f.ts / 1e6, seen: f.seen / 1e6, filename: '<script>alert(1)</script>\u202e' },
  }));
  return `${JSON.stringify({ id: ID, severity: 'high', title, first: 'then', explanation: 'told', steps })}\n`;
}

describe('evidence: from a capture to a bundle', function () {
  this.timeout(60_000);
  let dir: string;
  let evidence: string;
  let alerts: string;
  let files: FileEvent[];
  let closed: Closed[];
  let fingerprint: string;
  let bundle: string;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-evidence-'));
    evidence = join(dir, 'evidence');
    alerts = join(dir, 'alerts.ndjson');
    bundle = join(dir, 'bundle');
    const segments = await openSegments(evidence);
    ({ files, closed } = await record(evidence, segments, 'executable.pcap', 'plain.pcap'));
    files = files.filter((f) => f.sha256 !== null && f.sha256 !== undefined).slice(0, 2);
    writeFileSync(alerts, alertOf(files));
    const exported = await runMain(
      'evidence',
      'export',
      ID.slice(0, 8),
      '--dir',
      evidence,
      '--alerts',
      alerts,
      '--out',
      bundle,
    );
    assert.equal(exported.code, 0, exported.stderr);
    fingerprint = /signed by ([0-9a-f]{64})/.exec(exported.stdout)?.[1] ?? '';
    assert.match(exported.stdout, /step s0: \d+ packets, whole, its file/);
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it('every packet is accounted for, once', () => {
    assert.ok(closed.length >= 1);
    for (const s of closed) assert.equal(s.taken, s.written + s.cutoff + s.notKept);
    assert.deepEqual(
      closed.map((s) => s.n),
      closed.map((_, i) => i + 1),
    );
    const packets = closed.reduce((n, s) => n + s.written, 0);
    const read = ['executable.pcap', 'plain.pcap'].map((name) => run('tcpdump', '-nn', '-r', CAPTURES + name).out);
    assert.equal(
      packets,
      read
        .join('')
        .split('\n')
        .filter((l) => / IP6? /.test(l)).length,
    );
  });

  it('tcpdump reads the packets of a step: the flow, and nothing else', () => {
    const text = run('tcpdump', '-nn', '-r', join(bundle, 'packets/step-1.pcapng'));
    assert.equal(text.status, 0, text.out);
    const f = files[0] as FileEvent;
    const filter = `tcp port ${f.orig_p} and tcp port ${f.resp_p}`;
    const whole = run('tcpdump', '-nn', '-r', `${CAPTURES}executable.pcap`, filter).out;
    const lines = (s: string): string[] => s.split('\n').filter((l) => / IP6? /.test(l));
    assert.ok(lines(text.out).length > 3);
    assert.deepEqual(lines(text.out), lines(whole));
  });

  it('openssl opens the file with the published word', () => {
    const f = files[0] as FileEvent;
    const out = join(dir, 'plain');
    const args = ['enc', '-d', '-aes-256-cbc', '-pbkdf2', '-pass', 'pass:infected'];
    const opened = run('openssl', ...args, '-in', join(bundle, `files/${f.sha256}.enc`), '-out', out);
    assert.equal(opened.status, 0, opened.out);
    assert.match(run('sha256sum', out).out, new RegExp(`^${f.sha256} `));
  });

  it('the page has no tag that traffic wrote', () => {
    const page = readFileSync(join(bundle, 'story.html'), 'utf8');
    assert.doesNotMatch(page, /<script|<b>|\u202e/);
    assert.match(page, /&lt;script&gt;alert\(1\)&lt;\/script&gt;\\u\{202e\}/);
  });

  it('verify.sh proves it to whoever knows the fingerprint, and says when nobody asked', () => {
    const at = join(bundle, 'verify.sh');
    assert.deepEqual(run('dash', at, fingerprint), { status: 0, out: `proved: signed by ${fingerprint}\n` });
    assert.deepEqual(run('dash', at), { status: 3, out: `consistent, signer unproven: ${fingerprint}\n` });
    const other = run('dash', at, '0'.repeat(64));
    assert.equal(other.status, 1);
    assert.match(other.out, /FAILED sensor\.pub/);
  });

  it('the published recipe with openssl and sha256sum alone agrees', () => {
    const at = join(evidence, 'packets');
    const key = join(evidence, 'keys/sensor.pub');
    const stem = '00000001-00000001';
    const args = ['-verify', '-rawin', '-pubin', '-inkey', key, '-in', join(at, `${stem}.manifest`)];
    assert.equal(run('openssl', 'pkeyutl', ...args, '-sigfile', join(at, `${stem}.sig`)).status, 0);
    const recipe = `cd "$0" && grep -E '^[0-9a-f]{64}  ' ${stem}.manifest | sha256sum -c`;
    assert.equal(run('sh', '-c', recipe, at).status, 0);
  });

  it('one byte anywhere, and the file is named', () => {
    const names = readdirSync(bundle, { recursive: true })
      .map(String)
      .filter((name) => statSync(join(bundle, name)).isFile())
      .sort();
    assert.ok(names.length > 9);
    for (const name of names) {
      const path = join(bundle, name);
      const bytes = readFileSync(path);
      for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
        const altered = Buffer.from(bytes);
        altered.writeUInt8(altered.readUInt8(at) ^ 1, at);
        writeFileSync(path, altered);
        // With a copy of the script that is whole: an altered one cannot be asked about itself.
        const script = name === 'verify.sh' ? join(dir, 'whole.sh') : join(bundle, 'verify.sh');
        if (name === 'verify.sh')
          writeFileSync(script, bytes.toString().replace('cd "$(dirname "$0")"', `cd "${bundle}"`));
        const { status, out } = run('dash', script, fingerprint);
        writeFileSync(path, bytes);
        assert.notEqual(status, 0, `${name} at ${at}: ${out}`);
        assert.notEqual(status, 3, `${name} at ${at}: ${out}`);
        assert.ok(out.includes(name), `${name} at ${at}: ${out}`);
      }
    }
    assert.equal(run('dash', join(bundle, 'verify.sh'), fingerprint).status, 0);
  });

  it('a file more or less is found too', () => {
    const copy = join(dir, 'copy');
    cpSync(bundle, copy, { recursive: true });
    writeFileSync(join(copy, 'more'), '');
    assert.equal(run('dash', join(copy, 'verify.sh'), fingerprint).status, 1);
    rmSync(join(copy, 'more'));
    assert.equal(run('dash', join(copy, 'verify.sh'), fingerprint).status, 0);
    rmSync(join(copy, 'story.html'));
    const missing = run('dash', join(copy, 'verify.sh'), fingerprint);
    assert.equal(missing.status, 1);
    assert.match(missing.out, /story\.html/);
  });

  it('the archive unpacks to the same, and the command checks it as the script does', async () => {
    const tar = join(dir, 'case.tar');
    const made = await runMain('evidence', 'export', ID, '--dir', evidence, '--alerts', alerts, '--out', tar);
    assert.equal(made.code, 0, made.stderr);
    const at = join(dir, 'unpacked');
    mkdirSync(at);
    assert.deepEqual(run('tar', '-xf', tar, '-C', at), { status: 0, out: '' });
    assert.equal(run('dash', join(at, 'verify.sh'), fingerprint).status, 0);
    assert.equal((await runMain('evidence', 'verify', at, fingerprint)).code, 0);
    assert.equal((await runMain('evidence', 'verify', at)).code, 3);
    writeFileSync(join(at, 'story.html'), 'other');
    const altered = await runMain('evidence', 'verify', at, fingerprint);
    assert.equal(altered.code, 1);
    assert.match(altered.stdout, /FAILED story\.html/);
  });

  it('the folder of segments is checked: whole, altered, robbed', async () => {
    const copy = join(dir, 'robbed');
    cpSync(evidence, copy, { recursive: true });
    const check = () => runMain('evidence', 'verify', copy, fingerprint);
    assert.equal((await check()).code, 0);
    const segment = join(copy, 'packets/00000001-00000001.pcapng');
    const bytes = readFileSync(segment);
    bytes.writeUInt8(bytes.readUInt8(200) ^ 1, 200);
    writeFileSync(segment, bytes);
    const altered = await check();
    assert.equal(altered.code, 1);
    assert.match(altered.stdout, /FAILED 00000001-00000001\.pcapng: is not what was sealed/);
    rmSync(segment);
    assert.match((await check()).stdout, /pcapng: is missing, and nothing says that it was deleted/);
  });

  const mistakes: readonly (readonly [args: string[], message: RegExp])[] = [
    [['export', 'zz', '--dir', '@', '--alerts', '@a', '--out', '@o'], /'zz' is no id/],
    [['export', 'ffffffff', '--dir', '@', '--alerts', '@a', '--out', '@o'], /has no alert ffffffff/],
    [['export', ID, '--dir', '/nonexistent', '--alerts', '@a', '--out', '@o'], /is no evidence folder/],
    [['export', ID, '--dir', '@', '--alerts', '@a', '--out', '@'], /is there already/],
    [['verify', '/nonexistent'], /is neither a bundle nor/],
    [['verify', '@', 'abc'], /'abc' is no fingerprint/],
  ];
  for (const [args, message] of mistakes)
    it(`evidence ${args.join(' ')} is refused`, async () => {
      const places = new Map([
        ['@', evidence],
        ['@a', alerts],
        ['@o', join(dir, 'never')],
      ]);
      const { code, stderr } = await runMain('evidence', ...args.map((a) => places.get(a) ?? a));
      assert.equal(code, 2);
      assert.match(stderr, message);
    });

  it('lists alerts and segments', async () => {
    const { code, stdout } = await runMain('evidence', 'list', '--dir', evidence, '--alerts', alerts);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^${ID}  high  then  Download\n\\d+ segments? of packets, \\d+ bytes\n$`));
  });
});

describe('evidence: segments over time', function () {
  this.timeout(60_000);
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'catenary-segments-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const holder = { hold: () => true, release: () => true };
  const trees = value(segmentTrees());

  it('what a lease holds outlives its segment; the rest goes and says so', async () => {
    const segments = await openSegments(dir);
    const { files } = await record(dir, segments, 'executable.pcap');
    const f = files[0] as FileEvent;
    const leases = new Leases({ dir: folders(dir).leases, section: sectionOf(), budgetBytes: 1 << 20, holder, trees });
    const lease = { partial: 'p', step: 's', uid: f.uid as string, firstTs: f.ts, lastTs: f.seen, sha256: null };
    assert.ok(leases.take({ ...lease, packets: 'flow', until: 2e15 }));
    leases.confirm('p', ID);
    const alerts = join(dir, 'alerts.ndjson');
    writeFileSync(alerts, alertOf([f]));
    const out = (name: string): string[] => ['export', ID, '--dir', dir, '--alerts', alerts, '--out', join(dir, name)];
    const before = await runMain('evidence', ...out('before'));
    const gone = value(await segments.retain(0, (s) => leases.copyOut(s)));
    assert.ok(gone.length > 0);
    assert.deepEqual(segments.list(), []);
    const afterwards = await runMain('evidence', ...out('after'));
    const packets = (text: string): string | undefined => /(\d+) packets/.exec(text)?.[1];
    assert.ok(packets(before.stdout) !== undefined);
    assert.equal(packets(afterwards.stdout), packets(before.stdout));
    const read = (name: string) => run('tcpdump', '-nn', '-r', join(dir, name, 'packets/step-1.pcapng'));
    assert.equal(read('after').out.replaceAll('after', ''), read('before').out.replaceAll('before', ''));
    const fingerprint = /signed by (\w+)/.exec(afterwards.stdout)?.[1] ?? '';
    const check = await runMain('evidence', 'verify', dir, fingerprint);
    assert.equal(check.code, 0, check.stdout);
    assert.match(check.stdout, new RegExp(`${gone.length} deleted`));
    const copies = readdirSync(folders(dir).leases).map((name) => statSync(join(folders(dir).leases, name)).size);
    assert.equal(
      leases.bytes,
      copies.reduce((n, bytes) => n + bytes, 0),
    );
  });

  it('interfaces have folders of their own: both are searched, checked and proved', async () => {
    const segments = await openSegments(dir);
    const { files } = await record(dir, segments, 'executable.pcap');
    const at = folders(dir).packets;
    // The same seals as another interface's, whose numbers do not go on from the first one's.
    const names = readdirSync(at);
    for (const name of ['eth0', 'eth1']) {
      mkdirSync(join(at, name));
      for (const file of names) cpSync(join(at, file), join(at, name, file));
    }
    for (const file of names) rmSync(join(at, file));
    const alerts = join(dir, 'alerts.ndjson');
    writeFileSync(alerts, alertOf([files[0] as FileEvent]));
    const out = join(dir, 'out');
    const made = await runMain('evidence', 'export', ID, '--dir', dir, '--alerts', alerts, '--out', out);
    assert.match(made.stdout, /step s0: [1-9]\d* packets, whole/);
    const fingerprint = /signed by (\w+)/.exec(made.stdout)?.[1] ?? '';
    assert.deepEqual(run('dash', join(out, 'verify.sh'), fingerprint).status, 0);
    assert.equal((await runMain('evidence', 'verify', dir, fingerprint)).code, 0);
    rmSync(join(at, 'eth1', '00000001-00000001.pcapng'));
    assert.match(
      (await runMain('evidence', 'verify', dir)).stdout,
      /FAILED eth1\/00000001-00000001\.pcapng: is missing/,
    );
  });

  it('without a lease they are gone, and the bundle says why', async () => {
    const segments = await openSegments(dir);
    const { files } = await record(dir, segments, 'executable.pcap');
    value(await segments.retain(0, async () => ({ ok: true, value: undefined })));
    const alerts = join(dir, 'alerts.ndjson');
    writeFileSync(alerts, alertOf([files[0] as FileEvent]));
    const args = ['export', ID, '--dir', dir, '--alerts', alerts, '--out', join(dir, 'out')];
    assert.match((await runMain('evidence', ...args)).stdout, /0 packets, none \(older packets have been deleted\)/);
  });

  it('retention keeps as much as fits: one byte less, and one more segment goes', async () => {
    const segments = await openSegments(dir);
    await record(dir, segments, 'executable.pcap');
    const total = segments.list().reduce((n, s) => n + s.bytes, 0);
    const nothing = async () => ({ ok: true, value: undefined }) as const;
    assert.deepEqual(value(await segments.retain(total + 1, nothing)), []);
    assert.deepEqual(value(await segments.retain(total, nothing)), []);
    assert.deepEqual(value(await segments.retain(total - 1, nothing, () => true)), []);
    assert.equal(value(await segments.retain(total - 1, nothing)).length, 1);
  });

  it('a crash in a segment: what was whole is sealed, the chain goes on in the next epoch', async () => {
    const first = await openSegments(dir);
    await record(dir, first, 'executable.pcap');
    const at = folders(dir).packets;
    const whole = readFileSync(join(at, '00000001-00000001.pcapng'));
    // As a writer that was killed leaves it: number 3, in the middle of a block; of 2 there is nothing.
    const n = first.list().length;
    writeFileSync(join(at, `.00000001-0000000${n + 2}.part`), whole.subarray(0, whole.length - 30));
    const second = await openSegments(dir);
    assert.equal(second.epoch, 2);
    assert.equal(second.list().length, n + 1);
    const manifest = (stem: string): string => readFileSync(join(at, `${stem}.manifest`), 'utf8');
    assert.match(manifest(`00000001-0000000${n + 1}`), /gap=lost/);
    assert.match(manifest(`00000001-0000000${n + 2}`), /recovered=yes/);
    await record(dir, second, 'plain.pcap');
    assert.match(manifest('00000002-00000001'), /gap=restart/);
    const check = await runMain('evidence', 'verify', dir);
    assert.equal(check.code, 3, check.stdout);
    rmSync(join(at, `00000001-0000000${n + 1}.manifest`));
    const robbed = await runMain('evidence', 'verify', dir);
    assert.equal(robbed.code, 1);
    assert.match(robbed.stdout, /numbers before it are missing/);
  });

  it('a held flow is kept whole, whatever the cutoff; segments come though no event is asked for', async () => {
    const taken = async (held: string | undefined): Promise<Closed[]> => {
      const at = mkdtempSync(join(dir, 'held-'));
      const packets = { dir: at, cutoffBytes: 1 };
      const reader = value(openReader({ files: [`${CAPTURES}executable.pcap`], kinds: [], packets }));
      assert.equal(reader.hold('no uid'), false);
      if (held === undefined) {
        // As many wait as can be held; one more is refused.
        const uid = (i: number): string => `C${String(i).padStart(11, '0')}`;
        for (let i = 0; i < 65_535; i++) reader.release(uid(i));
        assert.deepEqual([reader.release(uid(1)), reader.release(uid(2))], [true, false]);
      }
      if (held !== undefined) assert.equal(reader.hold(held), true);
      const out: Closed[] = [];
      for await (const drain of reader.drains()) out.push(...value(drain).segments);
      return out;
    };
    const segments = await openSegments(dir);
    const { files } = await record(dir, segments, 'executable.pcap');
    const { uid } = files[0] as FileEvent;
    const sum = (closed: Closed[], what: 'written' | 'cutoff'): number => closed.reduce((n, s) => n + s[what], 0);
    const cut = await taken(undefined);
    const held = await taken(uid as string);
    assert.ok(sum(cut, 'cutoff') > 0);
    assert.equal(sum(held, 'written') + sum(held, 'cutoff'), sum(cut, 'written') + sum(cut, 'cutoff'));
    const packets = segments.list().map((s) => s.path);
    const found = value(extract(flowNumber(uid as string) as bigint, [], packets)).packets;
    // All of the flow but its first packet, which was kept anyway.
    assert.equal(sum(held, 'written') - sum(cut, 'written'), found - 1);
  });

  it('a segment whose index is gone is read from end to end', async () => {
    const segments = await openSegments(dir);
    const { files } = await record(dir, segments, 'executable.pcap');
    const alerts = join(dir, 'alerts.ndjson');
    writeFileSync(alerts, alertOf([files[0] as FileEvent]));
    const out = async (name: string): Promise<string> => {
      const args = ['export', ID, '--dir', dir, '--alerts', alerts, '--out', join(dir, name)];
      return /(\d+) packets/.exec((await runMain('evidence', ...args)).stdout)?.[1] ?? '';
    };
    const found = await out('indexed');
    for (const s of segments.list()) rmSync(s.path.replace('.pcapng', '.idx'));
    assert.equal(await out('scanned'), found);
  });

  it('housekeeping: within budgets, but for what is held, and every deletion is written down', async () => {
    const segments = await openSegments(dir);
    await record(dir, segments, 'executable.pcap');
    const at = folders(dir);
    const [first] = segments.list();
    const settings = configSchema.parse({ evidence: { packets_mb: 0, files_mb: 1 } }).evidence;
    const house = { dir, settings, signer: value(openSigner(at.keys)), clock, leases: undefined, now: 10 };
    const isThere = () => segments.list().some((s) => s.stem === first?.stem);
    const hold = { name: 'case-7', actor: 'me', reason: 'asked for', from: 0, to: 4e15 };
    assert.ok(setHold(dir, hold).ok);
    assert.deepEqual(await keepHouse({ ...house, segments: [segments] }), []);
    assert.ok(isThere());
    // One that cannot be read may be the one that counts.
    writeFileSync(join(dir, 'holds', 'broken'), '{');
    assert.match((await keepHouse({ ...house, segments: [segments] }))[0]?.message ?? '', /broken: is no hold/);
    assert.ok(isThere());
    rmSync(join(dir, 'holds', 'broken'));
    assert.ok(releaseHold(dir, 'case-7').ok);
    assert.deepEqual(await keepHouse({ ...house, segments: [segments] }), []);
    assert.ok(!isThere());
    assert.match(readFileSync(join(dir, 'custody'), 'utf8'), /^\{"n":1,"at_us":\d+,"act":"delete","actor":"sensor"/);
    assert.equal((await runMain('evidence', 'verify', dir)).code, 3);
  });

  it("the key is its owner's alone, and made once", async () => {
    const keys = folders(dir).keys;
    const signer = value(openSigner(keys));
    assert.equal(statSync(join(keys, 'sensor.key')).mode & 0o777, 0o600);
    assert.equal(value(openSigner(keys)).fingerprint, signer.fingerprint);
    writeFileSync(join(keys, 'sensor.key'), 'no key');
    const broken = openSigner(keys);
    assert.ok(!broken.ok && broken.fault.message.includes('is no Ed25519 key'));
  });
});
