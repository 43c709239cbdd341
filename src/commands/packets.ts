// `catenary packets`: packets of a time that pass a filter, out of what a sensor has kept: here, or, asked at the
// collector, over there.
import { closeSync, createWriteStream, existsSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { packetMatcher } from '../capture/index.ts';
import { askForPackets, collectorSocket, getPackets } from '../collector/asking.ts';
import { loadConfig } from '../config/config.ts';
import {
  flowNumber,
  folders,
  openSigner,
  person,
  queryPackets,
  readChains,
  record,
  segmentsOf,
} from '../evidence/index.ts';
import { timeOf, wholeNumber } from '../lib/args.ts';
import { EXIT, type ExitCode, failure, type Result, success, systemFault } from '../lib/fault.ts';
import type { Done, Surroundings } from './surroundings.ts';

const MANUAL = `
WHAT IT DOES
  Searches sealed segments for packets that pass FILTER (pcap-filter(7), as tcpdump has it) and writes them as
  pcapng, each as it was captured. Addresses, networks and ports in FILTER are looked up in indexes; for what
  no index knows, every packet of the time is looked at. Segments that are still being written are not
  searched. 'catenary evidence hunt' looks for what packets carry.

  With --sensor they are fetched from a sensor that is connected to the collector on this box, as far as its
  configuration lets it (ship.pull, ship.pull_mb, ship.pull_hour_mb). Only what passes crosses the network.

  Who asked, for what and why goes into the custody log before anything is handed out: the sensor's, and of
  what was fetched the collector's audit events too, with the SHA-256 of what came.

EXIT CODES
  0    the packets there were are written
  1    something could not be read or written
  2    wrong usage, or a filter that means nothing: nothing was done

EXAMPLES
  catenary packets 'host 10.0.0.5 and port 445' --dir /var/lib/catenary --out smb.pcapng
  catenary packets 'tcp port 445' --sensor berlin-1 --config catenary.yaml --out smb.pcapng --reason 'case 7'
  catenary packets '' --flow CA1b2C3d4E5f --sensor berlin-1 --out flow.pcapng
  catenary packets 'net 10.1.0.0/16' --since 1772366400 --until 1772370000 --dir evidence --out found.pcapng
`;

interface Options {
  readonly dir?: string;
  readonly sensor?: string;
  readonly config: string;
  readonly flow?: string;
  readonly maxMb: string;
  readonly out: string;
  readonly since?: string;
  readonly until?: string;
  readonly reason: string;
}

const FOREVER = (1n << 63n) - 1n;
/** For a sensor, as far as numbers go [us]. */
const FOREVER_US = 9e15;
const DEFAULT_CONFIG = '/etc/catenary/catenary.yaml';
const MIB = 2 ** 20;

/** At the collector: asks the sensor, and stops it when this stops. */
async function fromSensor(filter: string, o: Options, world: Surroundings): Promise<Result<ExitCode>> {
  const { sensor = '', flow = '' } = o;
  const since = o.since === undefined ? success(0) : timeOf('--since', o.since);
  if (!since.ok) return since;
  const until = o.until === undefined ? success(FOREVER_US) : timeOf('--until', o.until);
  if (!until.ok) return until;
  const maxMb = wholeNumber('--max-mb', o.maxMb, 1, 1024);
  if (!maxMb.ok) return maxMb;
  if (existsSync(o.out) && o.out !== '/dev/stdout')
    return failure('usage', `${o.out}: is there already`, 'name another');
  const config = loadConfig(o.config);
  if (!config.ok) return config;
  const { dir } = config.value.collector;
  if (dir === null) return failure('config_invalid', 'collector.dir is null', 'run this where the collector runs');
  const socket = collectorSocket(dir);
  const stop = new AbortController();
  let code: ExitCode = EXIT.ok;
  const release = world.onInterrupt((signal) => {
    code = signal;
    stop.abort();
  });
  try {
    const wanted = { sensor, uid: flow, filter, from: since.value, to: until.value, bytes: maxMb.value * MIB };
    const asked = await askForPackets(socket, { ...wanted, actor: person(), reason: o.reason }, stop.signal);
    if (stop.signal.aborted) return success(code);
    if (!asked.ok) return asked;
    const { id, fault, detail, ...c } = asked.value;
    if (id === '' && fault !== '')
      return failure(fault === 'filter' ? 'filter_invalid' : 'sensor_away', `${sensor}: ${fault}, ${detail}`);
    if (id !== '') {
      const bytes = await getPackets(socket, id, stop.signal);
      if (!bytes.ok) return bytes;
      await pipeline(
        bytes.value,
        createWriteStream(o.out, { mode: 0o600, flags: o.out === '/dev/stdout' ? 'w' : 'wx' }),
      );
    }
    const lost = [
      ...(fault === 'cap' ? [`cut: ${detail}`] : []),
      ...(c.deleted > 0 ? [`deleted since: ${c.deleted} segments of the time`] : []),
      ...(c.cutoff > 0 ? [`cut off by policy: ${c.cutoff} packets of the time`] : []),
      ...(c.notKept > 0 ? [`not kept: ${c.notKept} packets of the time`] : []),
      ...(c.gaps > 0 ? [`nothing was kept in ${c.gaps} stretches of the time`] : []),
    ];
    const said = [`${c.packets} packets, ${c.bytes} bytes, of ${c.segments} segments`, `sha256 ${c.sha256}`, ...lost];
    world.stderr.write(`${said.join('; ')}\n`);
    return success(fault === 'cap' ? EXIT.input : EXIT.ok);
  } catch (error) {
    return { ok: false, fault: systemFault('output_unwritable', o.out, error) };
  } finally {
    release();
  }
}

function flowOf(uid: string): Result<bigint> {
  const flow = flowNumber(uid);
  return flow === undefined
    ? failure('usage', `--flow '${uid}': is no uid`, 'C and eleven letters and digits')
    : success(flow);
}

async function packets(filter: string, o: Options, world: Surroundings): Promise<Result<ExitCode>> {
  if (o.sensor !== undefined) return fromSensor(filter, o, world);
  const { dir } = o;
  if (dir === undefined) return failure('usage', '--dir is missing', 'name the evidence folder, or a --sensor');
  const flow = o.flow === undefined ? success(undefined) : flowOf(o.flow);
  if (!flow.ok) return flow;
  const since = o.since === undefined ? success(0) : timeOf('--since', o.since);
  if (!since.ok) return since;
  const until = o.until === undefined ? success(undefined) : timeOf('--until', o.until);
  if (!until.ok) return until;
  const span = {
    ...{ from: BigInt(since.value) * 1000n, to: until.value === undefined ? FOREVER : BigInt(until.value) * 1000n },
  };
  const at = folders(dir);
  if (!existsSync(at.packets))
    return failure('usage', `${dir}: is no evidence folder`, 'name the folder that holds packets/');
  if (existsSync(o.out) && o.out !== '/dev/stdout')
    return failure('usage', `${o.out}: is there already`, 'name another');
  const match = packetMatcher();
  if (!match.ok) return match;
  const signer = openSigner(at.keys);
  if (!signer.ok) return signer;
  const { there, gone } = segmentsOf(readChains(at.packets), span);
  const what = `packets ${o.flow === undefined ? '' : `of flow ${o.flow} `}'${filter}' since=${o.since ?? ''} until=${o.until ?? ''}`;
  const act = { act: 'view', actor: person(), what, reason: o.reason, sha256: '' } as const;
  let fd: number | undefined;
  const write = (blocks: readonly Buffer[]): Result<unknown> => {
    try {
      if (fd === undefined) {
        const said = record(dir, signer.value, act, world.clock.wall());
        if (!said.ok) return said;
        fd = openSync(o.out, o.out === '/dev/stdout' ? 'w' : 'wx', 0o600);
      }
      const bytes = Buffer.concat(blocks);
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
      return success(undefined);
    } catch (error) {
      return { ok: false, fault: systemFault('output_unwritable', o.out, error) };
    }
  };
  const found = await queryPackets(there, { filter, span, flow: flow.value }, match.value, write);
  if (fd !== undefined) closeSync(fd);
  if (!found.ok) {
    if (fd !== undefined && o.out !== '/dev/stdout') unlinkSync(o.out);
    return found;
  }
  const c = found.value;
  world.stderr.write(
    `${c.packets} packets, ${c.bytes} bytes, of ${c.candidates} looked at in ${c.searched} of ${c.segments} segments; ` +
      `${c.indexBytes} bytes of indexes read${gone > 0 ? `; ${gone} segments of the time have been deleted` : ''}\n`,
  );
  return success(EXIT.ok);
}

export function addPackets(program: Command, world: Surroundings, done: Done): void {
  program
    .command('packets')
    .summary('search the packets that were kept')
    .description('Writes packets of a time that pass a filter.')
    .argument('<FILTER>', "BPF: 'host 10.0.0.5 and port 445'; '' for all")
    .option('--dir <dir>', 'the evidence folder')
    .option('--sensor <name>', 'at the collector: fetch them from this sensor')
    .option('--config <file>', 'of the collector, with --sensor', DEFAULT_CONFIG)
    .option('--max-mb <n>', 'MiB at most, with --sensor', '256')
    .option('--flow <uid>', "only of this flow: a record's uid")
    .requiredOption('--out <file>', 'a file that is not there yet, pcapng')
    .option('--since <time>', 'not before: 2026-03-01T12:00:00Z, or seconds since the epoch')
    .option('--until <time>', 'not after')
    .option('--reason <text>', 'why, or for which case: goes into the custody log', '')
    .addHelpText('after', MANUAL)
    .action(async (filter: string, o: Options) => done(await packets(filter, o, world)));
}
