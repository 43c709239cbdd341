// `catenary doctor`: will it work here, and if not, why and what to do. Each check is one line; what only judges is in
// src/setup/checks.ts, here is what asks this box.
import { execFile } from 'node:child_process';
import { existsSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { openReader, versions } from '../capture/index.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { EXIT, type ExitCode, success } from '../lib/fault.ts';
import { safeText } from '../lib/terminal.ts';
import {
  certificateFinding,
  daysFinding,
  diskRate,
  diskRateFinding,
  irqFinding,
  kernelFindings,
  memoryFinding,
  offloadFinding,
  permissionFinding,
  promiscFinding,
  quietFinding,
  ringFinding,
  snaplenFinding,
  trafficFindings,
} from '../setup/checks.ts';
import { type Finding, fail, ok, warn } from '../setup/finding.ts';
import { type Interface, interfaces, kernelLine, nicOf, printed } from '../setup/interfaces.ts';
import { FILES } from '../ship/enroll.ts';
import { contentFaults, signalFaults } from '../stages.ts';
import { askStatus, socketPath } from '../status/socket.ts';
import type { Status } from '../status/status.ts';
import { shipFolder } from './collector.ts';
import { listen } from './listen.ts';
import type { Done, Surroundings } from './surroundings.ts';

const MIB = 2 ** 20;
const CONNECT_MS = 5000;
const CLOCK_MS = 3000;
/** Long enough for a span port to show itself, short enough to wait for. */
const LISTEN_MS = 3000;
/** Of packets lost before anybody could read them: one in ten thousand is what a healthy ring loses in a burst. */
const LOSS_MAX = 1e-4;
const SEEN_MIN = 0.99;
/** Streams, pools and V8, beside long memory. */
const BASE_MEMORY_MB = 1024;

/** Where this box tells of itself; a test tells of another. */
export interface Box {
  readonly sys: string;
  readonly proc: string;
  readonly clock: Clock;
}

const THIS_BOX: Box = { sys: '/sys/class/net', proc: '/proc', clock: systemClock };

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

/** @param sys  where the kernel tells of interfaces */
export async function interfaceFinding(name: string, sys = '/sys/class/net'): Promise<Finding> {
  const subject = `interface ${name}`;
  if (!existsSync(`${sys}/${name}`)) return fail(subject, 'is not there', "see 'ip link' for its name");
  // IFF_UP: operstate is "unknown" for interfaces that cannot tell.
  const flags = Number(kernelLine(`${sys}/${name}/flags`) ?? 0);
  if ((flags & 1) === 0) return fail(subject, 'is down', `ip link set ${name} up`);
  if (kernelLine(`${sys}/${name}/operstate`) === 'down')
    return fail(subject, 'has no carrier', 'check the cable and that the other end sends');
  const opened = openReader({ interface: name, kinds: [], packetsMax: 1 });
  if (!opened.ok) return fail(subject, opened.fault.message, opened.fault.hint);
  opened.value.stop();
  for await (const drain of opened.value.drains()) if (!drain.ok) break;
  const error = opened.value.summary().files[0]?.error;
  if (error !== undefined) return fail(subject, error, 'run as root, or give the process CAP_NET_RAW');
  const mtu = kernelLine(`${sys}/${name}/mtu`);
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

/** Of the one that runs; undefined: none answers. */
async function running({ state }: Config): Promise<Status | undefined> {
  if (state.dir === null) return undefined;
  const status = await askStatus(socketPath(state.dir));
  return status.ok ? status.value : undefined;
}

/** What a running sensor has lost and missed. */
export function lossFindings(status: Status): Finding[] {
  return status.interfaces.flatMap((i) => {
    const out: Finding[] = [];
    const all = i.packets + i.kernel_dropped + i.interface_dropped;
    const told = (what: string, n: number, fix: string): void => {
      const text = `${n} of ${all} packets since its start`;
      out.push(n > all * LOSS_MAX ? warn(`${what} of ${i.name}`, text, fix) : ok(`${what} of ${i.name}`, text));
    };
    told('drops', i.kernel_dropped, 'a filter for what needs no watching, or a faster processor: the sensor was late');
    told('drops before the kernel', i.interface_dropped, `a larger ring: ethtool -g ${i.name} tells how large`);
    if (i.coverage !== null && i.coverage < SEEN_MIN)
      out.push(
        warn(
          `coverage of ${i.name}`,
          `${(i.coverage * 100).toFixed(1)} % of the last hour was seen`,
          "see 'catenary status'",
        ),
      );
    if (i.ended)
      out.push(
        fail(`interface ${i.name}`, 'the sensor does not hear it any more', 'systemctl restart catenary-sensor'),
      );
    return out;
  });
}

async function promiscuityOf(name: string): Promise<number | undefined> {
  const found = /promiscuity (\d+)/.exec((await printed(['ip', '-d', 'link', 'show', 'dev', name])) ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Everything about one interface that a sensor listens on. */
async function listenedFindings(i: Interface, config: Config, isRunning: boolean, box: Box): Promise<Finding[]> {
  const nic = await nicOf(i.name);
  const out = [offloadFinding(i.name, nic)];
  if (nic !== undefined) out.push(ringFinding(i.name, nic.ring));
  out.push(quietFinding(i), snaplenFinding(i, config.sensor.snaplen), irqFinding(i.name, box.proc));
  if (isRunning) out.push(promiscFinding(i.name, await promiscuityOf(i.name)));
  const heard = await listen(i, LISTEN_MS, box.clock);
  if (heard.ok) out.push(...trafficFindings(i.name, heard.value));
  return out;
}

async function sensorFindings(config: Config, box: Box): Promise<Finding[]> {
  const { sensor, state, ship, evidence, memory } = config;
  const status = await running(config);
  const found = interfaces(box.sys, box.proc).filter((i) => sensor.interfaces.includes(i.name) && i.isUp);
  const each = await Promise.all(found.map((i) => listenedFindings(i, config, status !== undefined, box)));
  const out = [...each.flat(), ...kernelFindings(box.proc, sensor.filter !== '')];
  out.push(memoryFinding(box.proc, memory.budget_mb + BASE_MEMORY_MB));
  if (state.dir === null) return out;
  const bytesPerS = (status?.interfaces ?? []).reduce((sum, i) => sum + i.bits_per_s / 8, 0);
  out.push(permissionFinding(state.dir));
  if (existsSync(state.dir)) out.push(diskRateFinding(diskRate(state.dir, box.clock), bytesPerS));
  out.push(daysFinding(evidence.packets_mb, bytesPerS));
  if (ship.url !== null)
    out.push(certificateFinding(kernelLine(join(shipFolder(config) ?? '', FILES.certificate)), box.clock.wall()));
  if (status === undefined)
    out.push(warn('sensor', 'none answers: drops and coverage are unknown', 'systemctl start catenary-sensor'));
  else out.push(ok('sensor', `${status.sensor}, ${status.state}`), ...lossFindings(status));
  return out;
}

export async function examine(config: Config, box = THIS_BOX): Promise<Finding[]> {
  const { sensor, ship, collector } = config;
  const out = [decoderFinding(), await opensslFinding(), ...configFindings(config)];
  for (const name of sensor.interfaces) out.push(await interfaceFinding(name, box.sys));
  if (sensor.interfaces.length > 0) out.push(...(await sensorFindings(config, box)));
  else if (collector.dir === null)
    out.push(warn('interfaces', 'sensor.interfaces names none', 'name those that a span port or a tap feeds'));
  out.push(...diskFindings(config), await clockFinding());
  if (collector.dir !== null) out.push(permissionFinding(collector.dir));
  if (ship.url !== null) out.push(await collectorFinding(ship.url));
  if (collector.store_url !== null) out.push(await storeFinding(collector.store_url));
  return out;
}

const MANUAL = `
WHAT IT DOES
  Looks at everything that a sensor or a collector with this configuration needs, one line each: ok, warn or
  FAIL, the reason, and what to do.

  Always: the decoder, the configuration and what it names, disk space against the budgets, the clock, the
  collector and the store that it names.

  For a sensor: interfaces and the right to capture, offloads, ring, interrupts, promiscuous mode, silence,
  snaplen. What passes, listened to for some seconds: is it a span port, do both sides come, does anything
  come twice. The kernel, memory, who may look into its folder, how fast the disk is, for how many days of
  packets the budget is, how long the certificate holds; and of a running one what it has lost.

  Nothing is changed; 32 MiB are written to state.dir and removed again, to measure the disk.

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
