// A sensor's evidence of one long flow, made by the real decoder and countersigned by a real collector's witness; a
// root with the tools of POSIX, openssl and nothing of ours; and, for forgers, bundles that are signed again.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { forEachInOrder, openReader, segmentDigester, segmentTrees } from '../../src/capture/index.ts';
import { Witness } from '../../src/collector/witness.ts';
import { bundleOf, folders, Heads, openSigner, Segments, type Signer } from '../../src/evidence/index.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Fault, Result } from '../../src/lib/fault.ts';
import type { ConnEvent } from '../../src/schema/gen/events.gen.ts';
import { headText, SEALS_MAX } from '../../src/wire/control.ts';
import { type End, Pcap, udp } from '../founding/packets.ts';

export function must<T>(r: Result<T>): T {
  assert.ok(r.ok, r.ok ? '' : `${r.fault.message} (${r.fault.hint})`);
  return r.value;
}

/** Wall time of the first seal [us]; packet time is the same. */
export const START = 1_800_000_000e6;
const SEGMENT_SECONDS = 60;
const SENSOR = 's1';
const CHAIN = 'mirror0';

const CLIENT: End = { mac: '02:00:00:00:00:01', ip: '10.0.0.1', port: 4001 };
const SERVER: End = { mac: '02:00:00:00:00:02', ip: '10.0.0.2', port: 4002 };

/** A clock that a test turns. */
export class TestClock implements Clock {
  now = START;
  wall = (): number => this.now;
  monotonic = (): number => 0;
  after = (): { cancel: () => void } => ({ cancel: () => undefined });
}

export interface World {
  readonly dir: string;
  readonly at: ReturnType<typeof folders>;
  readonly packets: string;
  readonly signer: Signer;
  readonly witness: Witness;
  readonly collectorDir: string;
  readonly alert: Readonly<Record<string, unknown>>;
  readonly faults: Fault[];
  stems(): string[];
  /** The keys' fingerprint, as sensor and collector tell it. */
  readonly fingerprint: string;
  /** A bundle, written to a folder. */
  export(name: string): Promise<string>;
}

export interface Story {
  readonly segments: number;
  readonly packetsPerSegment: number;
  /** The segments that have the flow that the alert is about. */
  readonly from?: number;
  readonly to?: number;
  /** After which segment the collector is asked. */
  readonly receiptsAfter?: readonly number[];
  /** What happens to the sensor's clock before a segment is sealed [us]. */
  readonly turn?: (segment: number) => number;
}

/** Asks a witness as the link does, until all is countersigned. */
export async function countersign(witness: Witness, heads: Heads): Promise<void> {
  for (const { chain, countersigned } of heads.heads())
    for (let from = countersigned, last = -1; from !== last; ) {
      const hashes = heads.hashes(chain, from, SEALS_MAX);
      const text = headText({ sensor: SENSOR, chain, leaves: from + hashes.length, last: hashes.at(-1) ?? '' });
      const seals = { t: 'seals' as const, chain, from, hashes, key: heads.key, sig: heads.sign(text) };
      const { leaves, receipt, fault } = await witness.countersign(SENSOR, seals);
      const sig = receipt?.sig.toString('base64') ?? '';
      heads.take({ chain, leaves, text: receipt?.text ?? '', sig, key: witness.publicKey, fault: fault ?? '' });
      last = from;
      from = leaves;
    }
}

export async function makeWorld(root: string, story: Story): Promise<World> {
  const dir = path.join(root, 'sensor');
  const at = folders(dir);
  const packets = path.join(at.packets, CHAIN);
  const collectorDir = path.join(root, 'collector');
  const pcap = new Pcap();
  const { segments: count, packetsPerSegment } = story;
  const [from, to] = [story.from ?? 1, story.to ?? count];
  for (let i = 0; i < count * packetsPerSegment; i++) {
    const segment = 1 + Math.floor(i / packetsPerSegment);
    const port = segment >= from && segment <= to ? CLIENT.port : 9;
    const frame = udp({ ...CLIENT, port }, SERVER, Buffer.from(`packet ${i}`));
    pcap.add(START + (i * SEGMENT_SECONDS * 1e6) / packetsPerSegment, frame);
  }
  mkdirSync(dir, { recursive: true });
  const capture = path.join(root, 'capture.pcap');
  writeFileSync(capture, pcap.bytes());

  const clock = new TestClock();
  const collectorClock = new TestClock();
  const signer = must(openSigner(at.keys));
  const witness = must(await Witness.open(collectorDir, collectorClock));
  const faults: Fault[] = [];
  const segments = must(
    await Segments.open({
      ...{ dir: packets, evidence: dir, signer, clock, digest: must(segmentDigester()) },
      circumstances: {
        ...{
          sensor: SENSOR,
          interface: CHAIN,
          filter: '',
          snaplen: 262144,
          software: 'catenary',
          config: '0'.repeat(64),
        },
      },
    }),
  );
  let fingerprint = signer.fingerprint;
  const heads = new Heads({
    ...{ keys: at.keys, signer, chains: () => [segments] },
    onWitness: (told) => {
      fingerprint = told;
    },
    onFault: (fault) => faults.push(fault),
  });
  const reader = must(
    openReader({ files: [capture], packets: { dir: packets, epoch: 1, segmentSeconds: SEGMENT_SECONDS } }),
  );
  let conn: ConnEvent | undefined;
  for await (const drain of reader.drains()) {
    forEachInOrder(must(drain), (kind, event) => {
      if (kind === 'conn' && (event as ConnEvent).orig_p === CLIENT.port) conn = event as ConnEvent;
    });
    for (const closed of must(drain).segments) {
      const minute = closed.n * SEGMENT_SECONDS * 1e6;
      clock.now = START + minute + (story.turn?.(closed.n) ?? 0);
      must(await segments.seal(closed));
      collectorClock.now = START + minute + 2e6;
      if (story.receiptsAfter?.includes(closed.n) === true) await countersign(witness, heads);
    }
  }
  assert.ok(conn);
  const when = (segment: number): number => START / 1e6 + (segment - 0.5) * SEGMENT_SECONDS;
  const record = { uid: conn.uid, ts: when(from), seen: when(to) };
  const alert = { id: 'ab12cd34ab12cd34', severity: 'high', title: 'Made', first: 'then', explanation: 'told' };
  return {
    ...{ dir, at, packets, signer, witness, collectorDir, faults, fingerprint },
    alert: { ...alert, steps: [{ step: 's', kind: 'conn', record, why: [] }] },
    stems: () =>
      readdirSync(packets)
        .filter((name) => name.endsWith('.manifest'))
        .map((name) => name.slice(0, -'.manifest'.length))
        .sort(),
    async export(this: World, name) {
      const out = path.join(root, name);
      const bundle = must(await bundleOf(dir, this.alert, must(segmentTrees()), signer, 'catenary', clock.now));
      for (const entry of bundle.entries) {
        const file = path.join(out, entry.name);
        mkdirSync(path.dirname(file), { recursive: true });
        writeFileSync(file, entry.bytes);
      }
      return out;
    },
  };
}

// ---- forging -------------------------------------------------------------------------------------------------------

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

export const sensorKey = (w: World): string => readFileSync(path.join(w.at.keys, 'sensor.key'), 'utf8');
export const witnessKey = (w: World): string => readFileSync(path.join(w.collectorDir, 'witness.key'), 'utf8');
export const signWith = (pem: string, bytes: Uint8Array | string): Buffer =>
  sign(null, Buffer.from(bytes), createPrivateKey(pem));

/** The list of a bundle made again for the files that are there, and signed with this key. */
export function resign(bundle: string, key: string): void {
  const list = path.join(bundle, 'bundle.manifest');
  const files = readdirSync(bundle, { recursive: true })
    .map(String)
    .filter((name) => statSync(path.join(bundle, name)).isFile() && !/^bundle\.(?:manifest|sig)$/.test(name));
  const head = readFileSync(list, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !/^[0-9a-f]{64} {2}/.test(line));
  const lines = files.map((name) => `${sha256(readFileSync(path.join(bundle, name)))}  ${name}`);
  const text = `${[...head, ...lines].join('\n')}\n`;
  writeFileSync(list, text);
  writeFileSync(path.join(bundle, 'bundle.sig'), signWith(key, text));
}

// ---- the root ------------------------------------------------------------------------------------------------------

const TOOLS = [
  ...[
    'dash',
    'openssl',
    'sha256sum',
    'awk',
    'cat',
    'dd',
    'find',
    'grep',
    'mkdir',
    'rm',
    'sed',
    'sort',
    'split',
    'xargs',
  ],
  ...['dirname'],
];

/** A root that has these tools, the libraries they need, and no Node; undefined where this user may not make one. */
export function bareRoot(dir: string): string | undefined {
  const probe = spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'true']);
  if (probe.status !== 0) return undefined;
  for (const tool of TOOLS) {
    const found = spawnSync('sh', ['-c', `readlink -f "$(command -v ${tool})"`], { encoding: 'utf8' }).stdout.trim();
    assert.notEqual(found, '', `${tool} is missing here`);
    const libraries = spawnSync('ldd', [found], { encoding: 'utf8' }).stdout.match(/\/\S+/g) ?? [];
    for (const library of libraries) {
      const to = path.join(dir, library);
      mkdirSync(path.dirname(to), { recursive: true });
      if (!existsSync(to)) copyFileSync(library, to);
    }
    mkdirSync(path.join(dir, 'bin'), { recursive: true });
    copyFileSync(found, path.join(dir, 'bin', tool === 'dash' ? 'sh' : tool));
  }
  for (const name of ['tmp', 'dev', 'bundle']) mkdirSync(path.join(dir, name));
  writeFileSync(path.join(dir, 'dev/null'), '');
  return dir;
}

export interface Verified {
  readonly status: number | null;
  readonly out: string;
  /** Of all processes: what it takes does not depend on what else runs here. */
  readonly cpuSeconds: number;
}

/** verify.sh as a stranger runs it, in a root without our software. */
export function verifyIn(root: string, bundle: string, fingerprint: string): Verified {
  const script =
    'mount --bind /dev/null "$1/dev/null" && mount --bind "$2" "$1/bundle" && ' +
    'chroot "$1" /bin/sh /bundle/verify.sh "$3"; status=$?; times >&2; exit $status';
  const args = ['--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh', root, bundle, fingerprint];
  const env = { PATH: '/bin:/usr/bin:/sbin:/usr/sbin' };
  const r = spawnSync('unshare', args, { encoding: 'utf8', env });
  const lines = r.stderr.split('\n');
  const isTimes = (line: string): boolean => /^\d+m[\d.]+s \d+m[\d.]+s$/.test(line);
  const times = lines
    .filter(isTimes)
    .join(' ')
    .matchAll(/(\d+)m([\d.]+)s/g);
  const cpuSeconds = [...times].reduce((sum, [, m, s]) => sum + 60 * Number(m) + Number(s), 0);
  return { status: r.status, out: r.stdout + lines.filter((line) => !isTimes(line)).join('\n'), cpuSeconds };
}
