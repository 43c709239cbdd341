// The program as a process: what it writes where, and what it exits with. Captures are made here, so that what is in
// them is known.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packets, tcpCapture, udpCapture } from '../test/pcap.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** More than any pipe holds as events, and several drains. */
const FLOWS = 12_000;
const say = (fromOrig: boolean, text: string) => ({ fromOrig, data: Buffer.from(text) });

const CLI = ['--import', import.meta.resolve('tsx'), join(ROOT, 'src/cli.ts')];

function start(args: readonly string[], cwd = ROOT): ChildProcess {
  return spawn(process.execPath, [...CLI, ...args], { cwd, stdio: 'pipe' });
}

/** So many flows of one packet each, a minute apart: each is over when the next but one begins. */
function manyFlows(n: number): Buffer {
  const records: Buffer[] = [];
  for (let i = 0; i < n; i++) {
    const one = udpCapture(1 + (i % 65535), [say(true, 'x')]);
    one.writeUInt32LE(1_700_000_000 + i * 60, 24);
    records.push(i === 0 ? one : one.subarray(24));
  }
  return Buffer.concat(records);
}

async function finish(child: ChildProcess, stdin: Buffer | string = '') {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (b: Buffer) => out.push(b));
  child.stderr?.on('data', (b: Buffer) => err.push(b));
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(stdin);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
}

const run = (args: readonly string[], stdin?: Buffer | string, cwd?: string) => finish(start(args, cwd), stdin);

describe('cli', () => {
  let dir = '';
  let tcpPackets = 0;
  let udpPackets = 0;
  const hasPackets = (text: string, n: number): void => assert.equal(/^packets ([0-9]+)$/m.exec(text)?.[1], String(n));
  const file = (name: string): string => join(dir, name);
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'catenary-cli-'));
    const tcp = tcpCapture(9999, [say(true, 'ping'), say(false, 'pong')]);
    const udp = udpCapture(9998, [say(true, 'q'), say(false, 'a')]);
    await writeFile(file('tcp.pcap'), tcp);
    await writeFile(file('udp.pcap'), udp);
    tcpPackets = packets(tcp).list.length;
    udpPackets = packets(udp).list.length;
    await writeFile(file('empty.pcap'), '');
    await writeFile(file('headers.pcap'), tcp.subarray(0, 24));
    await writeFile(file('cut.pcap'), tcp.subarray(0, tcp.length - 20));
    await writeFile(file('text.pcap'), 'not a capture, but longer than the header of one');
    await writeFile(file('\u001b[2J.pcap'), '');
  });
  after(() => rm(dir, { recursive: true, force: true }));

  it('writes an event a line on standard output, and the summary on standard error', async () => {
    const { code, stdout, stderr } = await run(['read', file('tcp.pcap'), file('udp.pcap')]);
    assert.equal(code, 0);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(events.filter((e) => e.kind === 'conn').length, 2);
    const seen = events.map((e) => e.seen as number);
    assert.deepEqual(
      seen,
      [...seen].sort((a, b) => a - b),
    );
    const lines = ['packets [0-9]+', 'bytes [0-9]+', 'flows 2', 'events [0-9]+'];
    lines.push('( {2}[a-z_0-9]+ [0-9]+\\n)+rate [0-9]+ packets/s \\([0-9.]+ us a packet\\)', 'peak memory [0-9]+ MB');
    assert.match(stderr, new RegExp(`^${lines.join('\\n')}\\n$`));
  });

  it('reads the captures of every protocol, as one history', async () => {
    const units = join(ROOT, 'native/protocols');
    const captures: string[] = [];
    for (const unit of await readdir(units))
      for (const name of await readdir(join(units, unit, 'captures')).catch(() => [] as string[]))
        if (/\.pcap(ng)?$/.test(name)) captures.push(join(units, unit, 'captures', name));
    assert.ok(captures.length > 0);
    const { code, stdout, stderr } = await run(['read', ...captures]);
    assert.equal(code, 0, stderr);
    const kinds = stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { kind: string }).kind);
    for (const kind of new Set(kinds))
      assert.match(stderr, new RegExp(`^ {2}${kind} ${kinds.filter((k) => k === kind).length}$`, 'm'));
  });

  it('gives the same bytes each time', async () => {
    const [a, b] = await Promise.all([run(['read', file('tcp.pcap')]), run(['read', file('tcp.pcap')])]);
    assert.equal(a.stdout, b.stdout);
    assert.notEqual(a.stdout, '');
  });

  it('--quiet leaves standard error empty', async () => {
    const { code, stderr } = await run(['read', file('tcp.pcap'), '--quiet']);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  });

  it('--kinds and --filter choose', async () => {
    const none = await run(['read', file('tcp.pcap'), '--kinds', 'dns']);
    assert.equal(none.stdout, '');
    hasPackets(none.stderr, tcpPackets);
    assert.match(none.stderr, /^ {2}conn 1$/m);
    const filtered = await run(['read', file('tcp.pcap'), file('udp.pcap'), '--filter', 'udp', '--kinds', 'conn']);
    assert.equal(filtered.stdout.split('\n').length, 2);
    hasPackets(filtered.stderr, udpPackets);
  });

  it('--out writes a file a kind', async () => {
    const out = file('json/made');
    const { code, stdout } = await run(['read', file('tcp.pcap'), '--kinds', 'conn,dns', '--out', out]);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '' });
    assert.deepEqual(await readdir(out), ['conn.ndjson']);
    assert.equal(JSON.parse(await readFile(join(out, 'conn.ndjson'), 'utf8')).kind, 'conn');
  });

  it('--as zeek writes logs, here when no folder is named', async () => {
    const here = await mkdtemp(join(dir, 'here-'));
    const { code, stdout } = await run(['read', file('tcp.pcap'), '--as', 'zeek', '--kinds', 'conn'], '', here);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '' });
    const log = await readFile(join(here, 'conn.log'), 'utf8');
    assert.match(log, /^#separator \\x09\n/);
    assert.match(log, /\n#close\t[0-9-]+\n$/);
    assert.equal(log.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length, 1);
  });

  it('--as zeek --json writes them as JSON', async () => {
    const out = file('zeekjson');
    assert.equal((await run(['read', file('tcp.pcap'), '--as', 'zeek', '--json', '--out', out])).code, 0);
    const [line = ''] = (await readFile(join(out, 'conn.log'), 'utf8')).split('\n');
    assert.equal(JSON.parse(line)['id.resp_p'], 9999);
  });

  it('--as eve writes lines, or eve.json into a folder', async () => {
    const { code, stdout } = await run(['read', file('tcp.pcap'), '--as', 'eve']);
    assert.equal(code, 0);
    const flow = JSON.parse(stdout);
    assert.deepEqual([flow.event_type, flow.proto, flow.dest_port], ['flow', 'TCP', 9999]);
    const out = file('eve');
    assert.equal((await run(['read', file('tcp.pcap'), '--as', 'eve', '--out', out])).stdout, '');
    assert.equal(await readFile(join(out, 'eve.json'), 'utf8'), stdout);
  });

  it('--as none writes the summary on standard output, and nothing else', async () => {
    const { code, stdout, stderr } = await run(['read', file('tcp.pcap'), '--as', 'none']);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    hasPackets(stdout, tcpPackets);
  });

  it('- is standard input, alone and between files', async () => {
    const capture = await readFile(file('udp.pcap'));
    const { code, stderr } = await run(['read', '-', file('tcp.pcap')], capture);
    assert.equal(code, 0);
    hasPackets(stderr, tcpPackets + udpPackets);
  });

  it('what cannot be read is named; the rest is read; exit 1', async () => {
    const files = ['none.pcap', 'empty.pcap', 'text.pcap', '\u001b[2J.pcap', 'tcp.pcap'].map(file);
    const { code, stdout, stderr } = await run(['read', ...files, dir]);
    assert.equal(code, 1);
    assert.equal(JSON.parse(stdout.split('\n')[0] as string).kind, 'conn');
    const told = stderr.split('\n').filter((line) => line.startsWith('catenary: '));
    assert.equal(told.length, 5);
    for (const name of ['none.pcap', 'empty.pcap', 'text.pcap', '\\x1b[2J.pcap'])
      assert.ok(
        told.some((line) => line.startsWith(`catenary: ${dir}/${name}: `)),
        name,
      );
    assert.ok(!stderr.includes('\u001b'));
    hasPackets(stderr, tcpPackets);
  });

  it('only files that cannot be read: still a summary, exit 1', async () => {
    const { code, stderr } = await run(['read', file('none.pcap')]);
    assert.equal(code, 1);
    assert.match(stderr, /^catenary: .*none\.pcap: no such file \(check the path\)\npackets 0\n/);
  });

  it('a capture of no packets is no fault', async () => {
    const { code, stdout, stderr } = await run(['read', file('headers.pcap')]);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '' });
    assert.match(stderr, /^packets 0\n/);
  });

  it('a capture that breaks off: what stands before is read, exit 1', async () => {
    const { code, stdout, stderr } = await run(['read', file('cut.pcap')]);
    assert.equal(code, 1);
    assert.match(stderr, /^catenary: .*cut\.pcap: .* \(.*\)\npackets /);
    hasPackets(stderr, tcpPackets - 1);
    assert.notEqual(stdout, '');
  });

  it('a filter that is wrong: one line, exit 2', async () => {
    const { code, stdout, stderr } = await run([
      'read',
      file('tcp.pcap'),
      file('udp.pcap'),
      '--filter',
      'prot 7',
      '-q',
    ]);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
    assert.match(stderr, /^catenary: filter 'prot 7': .*\(see pcap-filter\(7\)\)\n$/);
  });

  it('an interface that is none: one line, exit 1', async () => {
    const { code, stderr } = await run(['read', '--interface', 'none0', '--duration', '1', '-q']);
    assert.equal(code, 1);
    assert.match(stderr, /^catenary: none0: .*\n$/);
  });

  it('a folder that cannot be made: nothing is read, exit 1', async () => {
    const { code, stderr } = await run(['read', file('tcp.pcap'), '--as', 'zeek', '--out', file('tcp.pcap/x')]);
    assert.equal(code, 1);
    assert.match(stderr, /^catenary: .*tcp\.pcap\/x: part of the path is not a directory .*\n$/);
  });

  it('a full disk: one line, exit 1', async () => {
    const child = spawn('sh', [
      '-c',
      'exec "$0" "$@" >/dev/full',
      process.execPath,
      ...CLI,
      'read',
      file('tcp.pcap'),
      '-q',
    ]);
    const { code, stderr } = await finish(child);
    assert.deepEqual(
      { code, stderr },
      { code: 1, stderr: 'catenary: standard output: no space left on the device (make room, or write elsewhere)\n' },
    );
  });

  it('a reader that goes away ends it quietly, exit 0', async () => {
    await writeFile(file('many.pcap'), manyFlows(FLOWS));
    const child = start(['read', file('many.pcap')]);
    const err: Buffer[] = [];
    child.stderr?.on('data', (b: Buffer) => err.push(b));
    child.stdout?.once('data', () => child.stdout?.destroy());
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    assert.deepEqual({ code, signal, stderr: Buffer.concat(err).toString() }, { code: 0, signal: null, stderr: '' });
  });

  for (const [signal, exit] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    it(`${signal} ends it in order: open flows and the summary are written, exit ${exit}`, async () => {
      const child = start(['read', '-', '--kinds', 'conn']);
      child.stdin?.on('error', () => undefined);
      child.stdin?.write(manyFlows(FLOWS));
      let text = '';
      let err = '';
      child.stderr?.on('data', (b: Buffer) => {
        err += b;
      });
      child.stdout?.on('data', (b: Buffer) => {
        // Its first events: it is at work, and the pipe is still open.
        if (text === '') {
          child.kill(signal);
          child.stdin?.end();
        }
        text += b;
      });
      const [code] = (await once(child, 'close')) as [number | null];
      assert.equal(code, exit);
      assert.ok(text.endsWith('}\n'));
      const flows = /^flows ([0-9]+)$/m.exec(err)?.[1];
      assert.equal(text.split('\n').length - 1, Number(flows));
    });
});
