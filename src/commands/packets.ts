// `catenary packets`: packets of a time that pass a filter, out of what a sensor has kept.
import { closeSync, existsSync, openSync, unlinkSync, writeSync } from 'node:fs';
import type { Command } from 'commander';
import { packetMatcher } from '../capture/index.ts';
import { folders, openSigner, person, queryPackets, readChains, record, segmentsOf } from '../evidence/index.ts';
import { timeOf } from '../lib/args.ts';
import { EXIT, type ExitCode, failure, type Result, success, systemFault } from '../lib/fault.ts';
import type { Done, Surroundings } from './surroundings.ts';

const MANUAL = `
WHAT IT DOES
  Searches sealed segments for packets that pass FILTER (pcap-filter(7), as tcpdump has it) and writes them as
  pcapng, each as it was captured. Addresses, networks and ports in FILTER are looked up in indexes; for what
  no index knows, every packet of the time is looked at. Segments that are still being written are not
  searched.

  Who asked, for what and why goes into the custody log before anything is handed out.

EXIT CODES
  0    the packets there were are written
  1    something could not be read or written
  2    wrong usage, or a filter that means nothing: nothing was done

EXAMPLES
  catenary packets 'host 10.0.0.5 and port 445' --dir /var/lib/catenary --out smb.pcapng
  catenary packets 'net 10.1.0.0/16' --since 1772366400 --until 1772370000 --dir evidence --out found.pcapng
`;

interface Options {
  readonly dir: string;
  readonly out: string;
  readonly since?: string;
  readonly until?: string;
  readonly reason: string;
}

const FOREVER = (1n << 63n) - 1n;

async function packets(filter: string, o: Options, world: Surroundings): Promise<Result<ExitCode>> {
  const since = o.since === undefined ? success(0) : timeOf('--since', o.since);
  if (!since.ok) return since;
  const until = o.until === undefined ? success(undefined) : timeOf('--until', o.until);
  if (!until.ok) return until;
  const span = {
    ...{ from: BigInt(since.value) * 1000n, to: until.value === undefined ? FOREVER : BigInt(until.value) * 1000n },
  };
  const at = folders(o.dir);
  if (!existsSync(at.packets))
    return failure('usage', `${o.dir}: is no evidence folder`, 'name the folder that holds packets/');
  if (existsSync(o.out) && o.out !== '/dev/stdout')
    return failure('usage', `${o.out}: is there already`, 'name another');
  const match = packetMatcher();
  if (!match.ok) return match;
  const signer = openSigner(at.keys);
  if (!signer.ok) return signer;
  const { there, gone } = segmentsOf(readChains(at.packets), span);
  const what = `packets '${filter}' since=${o.since ?? ''} until=${o.until ?? ''}`;
  const act = { act: 'view', actor: person(), what, reason: o.reason, sha256: '' } as const;
  let fd: number | undefined;
  const write = (blocks: readonly Buffer[]): Result<unknown> => {
    try {
      if (fd === undefined) {
        const said = record(o.dir, signer.value, act, world.clock.wall());
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
  const found = await queryPackets(there, filter, span, match.value, write);
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
    .requiredOption('--dir <dir>', 'the evidence folder')
    .requiredOption('--out <file>', 'a file that is not there yet, pcapng')
    .option('--since <time>', 'not before: 2026-03-01T12:00:00Z, or seconds since the epoch')
    .option('--until <time>', 'not after')
    .option('--reason <text>', 'why, or for which case: goes into the custody log', '')
    .addHelpText('after', MANUAL)
    .action(async (filter: string, o: Options) => done(await packets(filter, o, world)));
}
