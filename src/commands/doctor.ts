// `catenary doctor`: will it work here, and if not, why and what to do. Each check is one line; nothing is changed.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { openReader, versions } from '../capture/index.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { EXIT, type ExitCode, success } from '../lib/fault.ts';
import { safeText } from '../lib/terminal.ts';
import { contentFaults, signalFaults } from '../stages.ts';
import type { Done, Surroundings } from './surroundings.ts';

export interface Finding {
  readonly state: 'ok' | 'warn' | 'FAIL';
  readonly subject: string;
  /** What is so. */
  readonly reason: string;
  /** What to do; empty when nothing is. */
  readonly fix: string;
}

const ok = (subject: string, reason: string): Finding => ({ state: 'ok', subject, reason, fix: '' });
const warn = (subject: string, reason: string, fix: string): Finding => ({ state: 'warn', subject, reason, fix });
const fail = (subject: string, reason: string, fix: string): Finding => ({ state: 'FAIL', subject, reason, fix });

const MIB = 2 ** 20;
const CONNECT_MS = 5000;
const CLOCK_MS = 3000;

function decoderFinding(): Finding {
  const native = versions();
  return native.ok ? ok('decoder', native.value.libpcap) : fail('decoder', native.fault.message, native.fault.hint);
}

async function opensslFinding(): Promise<Finding> {
  try {
    const { stdout } = await promisify(execFile)('openssl', ['version'], { timeout: CLOCK_MS });
    return ok('openssl', stdout.trim());
  } catch {
    return fail('openssl', 'is not there', 'install it: certificates of sensors are made with it');
  }
}

function configFindings(config: Config): Finding[] {
  const faults = [...signalFaults(config), ...contentFaults(config)];
  if (faults.length === 0) return [ok('configuration', config.file ?? 'the defaults')];
  return faults.map((f) => fail('configuration', f.message, f.hint));
}

function readLine(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // Not every interface tells: a bridge has no speed.
    return undefined;
  }
}

/** @param sys  where the kernel tells of interfaces */
export async function interfaceFinding(name: string, sys = '/sys/class/net'): Promise<Finding> {
  const subject = `interface ${name}`;
  if (!existsSync(`${sys}/${name}`)) return fail(subject, 'is not there', "see 'ip link' for its name");
  // IFF_UP: operstate is "unknown" for interfaces that cannot tell.
  const flags = Number(readLine(`${sys}/${name}/flags`) ?? 0);
  if ((flags & 1) === 0) return fail(subject, 'is down', `ip link set ${name} up`);
  if (readLine(`${sys}/${name}/operstate`) === 'down')
    return fail(subject, 'has no carrier', 'check the cable and that the other end sends');
  const opened = openReader({ interface: name, kinds: [], packetsMax: 1 });
  if (!opened.ok) return fail(subject, opened.fault.message, opened.fault.hint);
  opened.value.stop();
  for await (const drain of opened.value.drains()) if (!drain.ok) break;
  const error = opened.value.summary().files[0]?.error;
  if (error !== undefined) return fail(subject, error, 'run as root, or give node CAP_NET_RAW and CAP_NET_ADMIN');
  const mtu = readLine(`${sys}/${name}/mtu`);
  return ok(subject, `up, capture works${mtu === undefined ? '' : `, mtu ${mtu}`}`);
}

/** Of the folder, or of the nearest one above that is there. */
function freeBytes(dir: string): number {
  let at = dir;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  const { bavail, bsize } = statfsSync(at);
  return bavail * bsize;
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

export function diskFinding(subject: string, dir: string, budgetMb: number, free = freeBytes(dir)): Finding {
  const budget = budgetMb * MIB;
  const reason = `${dir}: ${gib(free)} free, up to ${gib(budget)} will be used`;
  return free >= budget ? ok(subject, reason) : warn(subject, reason, 'lower the budgets, or make room');
}

function diskFindings(config: Config): Finding[] {
  const { state, spool, evidence, memory, collector, sensor } = config;
  const out: Finding[] = [];
  if (state.dir !== null) {
    const evidenceMb = evidence.packets_mb + evidence.files_mb + evidence.leases_mb;
    // Memory keeps its table and a journal of at most the same length.
    out.push(diskFinding('disk', state.dir, spool.budget_mb + evidenceMb + 2 * memory.budget_mb));
  } else if (sensor.interfaces.length > 0) {
    out.push(fail('disk', 'state.dir is null', 'name a folder: a sensor forgets nothing only where it can write'));
  }
  if (collector.dir !== null) out.push(diskFinding('disk of the collector', collector.dir, 10_240));
  return out;
}

async function clockFinding(): Promise<Finding> {
  if (existsSync('/run/systemd/timesync/synchronized')) return ok('clock', 'synchronised');
  try {
    const { stdout } = await promisify(execFile)('timedatectl', ['show', '--property=NTPSynchronized', '--value'], {
      timeout: CLOCK_MS,
    });
    if (stdout.trim() === 'yes') return ok('clock', 'synchronised');
  } catch {
    return warn('clock', 'nobody tells whether it is synchronised', 'run chrony or systemd-timesyncd');
  }
  return warn('clock', 'is not synchronised', 'run chrony or systemd-timesyncd: evidence carries its time');
}

async function collectorFinding(url: string): Promise<Finding> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port || 443), rejectUnauthorized: false });
  return new Promise((done) => {
    const end = (finding: Finding): void => {
      socket.destroy();
      done(finding);
    };
    socket.setTimeout(CONNECT_MS, () => end(fail('collector', `${url}: no answer`, 'check routes and firewalls')));
    // Only whether somebody speaks TLS there: who it is, the certificate decides when the sensor connects.
    socket.on('secureConnect', () => end(ok('collector', `${url}: answers`)));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end(fail('collector', `${url}: ${error.code ?? error.message}`, 'check the address, and that it runs')),
    );
  });
}

async function storeFinding(url: string): Promise<Finding> {
  try {
    const answer = await fetch(new URL('/ping', url), { signal: AbortSignal.timeout(CONNECT_MS) });
    return answer.ok
      ? ok('store', `${url}: answers`)
      : fail('store', `${url}: status ${answer.status}`, 'check that it is a ClickHouse server');
  } catch (error) {
    const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException };
    return fail('store', `${url}: ${cause?.code ?? message}`, 'check the address, and that it runs');
  }
}

export async function examine(config: Config): Promise<Finding[]> {
  const { sensor, ship, collector } = config;
  const out = [decoderFinding(), await opensslFinding(), ...configFindings(config)];
  for (const name of sensor.interfaces) out.push(await interfaceFinding(name));
  if (sensor.interfaces.length === 0)
    out.push(warn('interfaces', 'sensor.interfaces names none', 'name those that a span port or a tap feeds'));
  out.push(...diskFindings(config), await clockFinding());
  if (ship.url !== null) out.push(await collectorFinding(ship.url));
  if (collector.store_url !== null) out.push(await storeFinding(collector.store_url));
  return out;
}

const MANUAL = `
WHAT IT DOES
  Looks at everything that a sensor or a collector with this configuration needs: the decoder, the
  configuration and what it names, interfaces and the right to capture, disk space against the budgets, the
  clock, the collector, the store. One line each: ok, warn or FAIL, the reason, and what to do. Nothing is
  changed.

EXIT CODES
  0    nothing has failed
  1    something has
  2    wrong usage, or a fault in the configuration

EXAMPLES
  catenary doctor --config /etc/catenary/catenary.yaml
`;

export function addDoctor(program: Command, world: Surroundings, done: Done): void {
  program
    .command('doctor')
    .summary('say what would not work here, and what to do')
    .description('Looks at everything a sensor or a collector needs.')
    .option('--config <file>', 'the configuration; without it: the defaults')
    .addHelpText('after', MANUAL)
    .action(async (o: { config?: string }) => {
      const config = loadConfig(o.config);
      if (!config.ok) {
        done(config);
        return;
      }
      const findings = await examine(config.value);
      for (const f of findings)
        world.stdout.write(
          `${safeText(`${f.state.padEnd(4)} ${f.subject}: ${f.reason}${f.fix === '' ? '' : ` (${f.fix})`}`)}\n`,
        );
      const code: ExitCode = findings.some((f) => f.state === 'FAIL') ? EXIT.input : EXIT.ok;
      done(success(code));
    });
}
