// `catenary setup`: from an installed package to a service that listens. It looks, asks or decides, writes the
// configuration, makes keys, enrols and starts; run again, it changes what it is asked to and keeps the rest.
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type Config, loadConfig } from '../config/config.ts';
import { folders, openSigner } from '../evidence/index.ts';
import { nameList, seconds } from '../lib/args.ts';
import { EXIT, type ExitCode, failure, type Result, success, systemFault } from '../lib/fault.ts';
import { countText } from '../lib/numbers.ts';
import { asOwnerOf } from '../lib/owner.ts';
import { safeText } from '../lib/terminal.ts';
import { makeKeys } from '../server.ts';
import { type Setting, textOf, withSettings, writeConfig } from '../setup/document.ts';
import { type Interface, interfaces, JOINING, nicOf, printed } from '../setup/interfaces.ts';
import { type Heard, hasCopies, isOneWay, isSpan } from '../setup/traffic.ts';
import { enrollHere } from './collector.ts';
import { listen } from './listen.ts';
import type { Done, Surroundings } from './surroundings.ts';

const MANUAL = `
WHAT IT DOES
  Listens on every interface for some seconds and says what it hears: packets and bits a second, how much of
  it is between others (which only a span port or a tap sends), VLANs, flows of which only one side comes,
  packets that come twice. It checks offloads and rings, asks what it cannot know, writes the configuration,
  makes the keys, enrols at a collector when it is given its address and a token, and starts the services
  where systemd runs.

  Run again, it keeps every setting and comment of the configuration that it was not asked to change. With
  --auto it asks nothing: it takes the interfaces that hear a span port, and fails when there is none.

EXIT CODES
  0    done
  1    something could not be written, enrolled or started
  2    wrong usage, a fault in the configuration, or no interface to listen on

EXAMPLES
  sudo catenary setup
  sudo catenary setup --auto --url wss://collector.example:8443 --token catenary1.XXXX.YYYY
  sudo catenary setup --auto --interfaces eth1,eth2 --no-start
  sudo catenary setup --collector --listen 0.0.0.0:8443
`;

interface Options {
  readonly config: string;
  readonly auto?: boolean;
  readonly interfaces?: string;
  readonly for: string;
  readonly name?: string;
  readonly state?: string;
  readonly url?: string;
  readonly token?: string;
  readonly collector?: boolean;
  readonly listen?: string;
  readonly start: boolean;
}

const SENSOR_DIR = '/var/lib/catenary';
const COLLECTOR_DIR = '/var/lib/catenary-collector';
/** A little more than units are given: TimeoutStartSec of the collector's, whose store may have much to load. */
const START_MS = 610_000;
/** Interfaces that are listened on at once. */
const LISTENED_MAX = 32;

const percent = (part: number, whole: number): string => (whole === 0 ? '' : `${Math.round((100 * part) / whole)} %`);

/** One line an interface, for people. */
function heardText(at: Interface, heard: Result<Heard>, ms: number): string {
  const name = at.name.padEnd(15);
  if (!heard.ok) return `${name} ${heard.fault.message}`;
  const h = heard.value;
  if (h.frames === 0) return `${name} silent${at.isRoute ? ', the way out of this box' : ''}`;
  const per = (n: number): string => countText((n * 1000) / ms);
  const parts = [`${per(h.frames)} packets/s`, `${per(h.bytes * 8)} bit/s`];
  parts.push(`${percent(h.foreign, h.frames)} between others`);
  if (h.vlans.size > 0)
    parts.push(
      `VLANs ${[...h.vlans.keys()]
        .sort((a, b) => a - b)
        .slice(0, 8)
        .join(' ')}`,
    );
  if (at.isRoute) parts.push('the way out of this box');
  if (isSpan(h)) parts.push('A SPAN PORT');
  if (isOneWay(h)) parts.push(`only one side of ${percent(h.oneWay, h.flows)} of flows: mirror both directions`);
  if (hasCopies(h)) parts.push(`${percent(h.copies, h.packets)} come twice: mirror one side of each link`);
  return `${name} ${parts.join(', ')}`;
}

/** After all that was said before it. */
async function askOf(world: Surroundings, question: string): Promise<string> {
  await world.stdout.close();
  return world.ask(question);
}

/** The interfaces to listen on, said and, unless --auto, asked. */
async function choose(o: Options, world: Surroundings, say: (text: string) => void): Promise<Result<string[]>> {
  const ms = seconds('--for', o.for);
  if (!ms.ok) return ms;
  const all = interfaces();
  const named = o.interfaces === undefined ? [] : nameList(o.interfaces);
  const missing = named.find((name) => !all.some((i) => i.name === name));
  if (missing !== undefined) return failure('usage', `--interfaces: there is no ${missing}`, "see 'ip link'");
  for (const i of all) if (!i.isUp) say(`${i.name.padEnd(15)} is down: not listened on (ip link set ${i.name} up)`);
  const tried = all.filter((i) => i.isUp && (named.length === 0 || named.includes(i.name))).slice(0, LISTENED_MAX);
  say(`listening for ${ms.value} s`);
  // Whoever waits wants to know for what.
  await world.stdout.close();
  const heard = await Promise.all(tried.map((i) => listen(i, ms.value * 1000, world.clock)));
  const spans: string[] = [];
  for (const [n, i] of tried.entries()) {
    const h = heard[n] as Result<Heard>;
    say(heardText(i, h, ms.value * 1000));
    if (h.ok && isSpan(h.value)) spans.push(i.name);
  }
  if (named.length > 0) return success(named);
  const answer = o.auto === true ? '' : await askOf(world, `Listen on which interfaces? [${spans.join(',')}] `);
  const chosen = answer.trim() === '' ? spans : nameList(answer);
  const unknown = chosen.find((name) => !all.some((i) => i.name === name));
  if (unknown !== undefined) return failure('usage', `there is no interface ${unknown}`, "see 'ip link'");
  return chosen.length > 0
    ? success(chosen)
    : failure('config_invalid', 'no interface hears a span port', 'name some with --interfaces, or see the switch');
}

/** What the interface's settings would spoil, and that the tuning mends it. */
async function sayNic(name: string, say: (text: string) => void): Promise<void> {
  const nic = await nicOf(name);
  if (nic === undefined) {
    say(`${name}: offloads and ring unknown (apt-get install ethtool)`);
    return;
  }
  const joining = JOINING.filter((offload) => nic.offloads.get(offload) === true);
  if (joining.length > 0) say(`${name}: ${joining.join(', ')} on: packets are joined before they are heard`);
  if (nic.ring !== undefined && nic.ring.now < nic.ring.max)
    say(`${name}: the ring holds ${nic.ring.now} packets of ${nic.ring.max} that it could`);
}

const isBooted = (): boolean => existsSync('/run/systemd/system');

/**
 * Enables and starts units; where no systemd runs, says what would be run.
 * @param tuning  units that make it better: one that does not start is told, and is no reason not to listen
 */
async function start(
  service: string,
  tuning: readonly string[],
  o: Options,
  say: (text: string) => void,
): Promise<Result<undefined>> {
  if (!o.start || !isBooted()) {
    say(`to start: systemctl enable --now ${[...tuning, service].join(' ')}`);
    return success(undefined);
  }
  for (const unit of [...tuning, service]) {
    const isDone = async (verb: string): Promise<boolean> =>
      (await printed(['systemctl', verb, unit], START_MS)) !== undefined;
    if ((await isDone('enable')) && (await isDone('restart'))) say(`${unit} runs`);
    else if (unit === service)
      return failure('output_unwritable', `${unit}: does not start`, `see 'journalctl -u ${unit}'`);
    else say(`${unit} does not start: the interface stays as it is (see 'journalctl -u ${unit}')`);
  }
  return success(undefined);
}

/** The configuration with these, written and read again as a service would. */
function configure(o: Options, settings: readonly Setting[], say: (text: string) => void): Result<Config> {
  const text = textOf(o.config);
  if (!text.ok) return text;
  const next = withSettings(text.value, o.config, settings);
  if (!next.ok) return next;
  if (next.value !== text.value) {
    const written = writeConfig(o.config, next.value);
    if (!written.ok) return written;
    say(`${o.config}: written`);
  }
  return loadConfig(o.config);
}

function makeFolder(dir: string): Result<undefined> {
  try {
    if (!existsSync(dir)) {
      mkdirSync(dir, { recursive: true });
      chmodSync(dir, 0o700);
    }
    return success(undefined);
  } catch (error) {
    return { ok: false, fault: systemFault('state_unusable', dir, error) };
  }
}

async function setupSensor(o: Options, world: Surroundings, say: (text: string) => void): Promise<Result<ExitCode>> {
  const chosen = await choose(o, world, say);
  if (!chosen.ok) return chosen;
  for (const name of chosen.value) await sayNic(name, say);
  const ask = async (question: string, given: string | undefined): Promise<string | undefined> =>
    given ?? (o.auto === true ? undefined : (await askOf(world, question)).trim() || undefined);
  const url = await ask('Collector, wss://host:port? [none: alerts stay here] ', o.url);
  const token = url === undefined ? undefined : await ask("Token of 'catenary collector token'? ", o.token);
  const before = existsSync(o.config) ? loadConfig(o.config) : undefined;
  if (before?.ok === false) return before;
  const kept = before?.value.state.dir ?? undefined;
  const dir = o.state === undefined ? (kept ?? SENSOR_DIR) : resolve(o.state);
  const config = configure(
    o,
    [
      [['sensor', 'interfaces'], chosen.value],
      ...(o.name === undefined ? [] : ([[['sensor', 'name'], o.name]] as const)),
      ...(dir === kept ? [] : ([[['state', 'dir'], dir]] as const)),
      ...(url === undefined ? [] : ([[['ship', 'url'], url]] as const)),
    ],
    say,
  );
  if (!config.ok) return config;
  const made = makeFolder(dir);
  if (!made.ok) return made;
  const { keys } = folders(dir);
  const signer = await asOwnerOf(dir, async () => openSigner(keys));
  if (!signer.ok) return signer;
  say(`${keys}: the key that seals evidence`);
  if (url !== undefined && token !== undefined) {
    const name = await enrollHere(url, token, config.value);
    if (!name.ok) return name;
    say(`enrolled as ${name.value}`);
  } else if (url !== undefined) say(`not enrolled: catenary enroll ${url} TOKEN --config ${o.config}`);
  const tuning = chosen.value.map((name) => `catenary-tune@${name}.service`);
  const started = await start('catenary-sensor.service', tuning, o, say);
  if (!started.ok) return started;
  say(`see 'catenary doctor --config ${o.config}' and 'catenary status'`);
  return success(EXIT.ok);
}

async function setupCollector(o: Options, say: (text: string) => void): Promise<Result<ExitCode>> {
  const before = existsSync(o.config) ? loadConfig(o.config) : undefined;
  if (before?.ok === false) return before;
  const kept = before?.value.collector.dir ?? undefined;
  const dir = o.state === undefined ? (kept ?? COLLECTOR_DIR) : resolve(o.state);
  const config = configure(
    o,
    [
      ...(dir === kept ? [] : ([[['collector', 'dir'], dir]] as const)),
      ...(o.listen === undefined ? [] : ([[['collector', 'listen'], o.listen]] as const)),
    ],
    say,
  );
  if (!config.ok) return config;
  const made = makeFolder(dir);
  if (!made.ok) return made;
  const keys = await asOwnerOf(dir, () => makeKeys(config.value));
  if (!keys.ok) return keys;
  say(`${dir}: the authority that signs sensors' certificates`);
  const started = await start('catenary-collector.service', [], o, say);
  if (!started.ok) return started;
  const { listen: at, console: web } = config.value.collector;
  say(`sensors connect to ${at}; people look at http://${web}, through an SSH tunnel from elsewhere`);
  say(`a sensor's token: catenary collector token NAME --config ${o.config}`);
  return success(EXIT.ok);
}

export function addSetup(program: Command, world: Surroundings, done: Done): void {
  program
    .command('setup')
    .summary('make a sensor or a collector of this box')
    .description('Finds what to listen on, writes the configuration, makes keys, enrols and starts.')
    .option('--auto', 'ask nothing')
    .option('--config <file>', 'the configuration to write', '/etc/catenary/catenary.yaml')
    .option('--interfaces <list>', 'listen on these, separated by commas, whatever they hear')
    .option('--for <time>', 'how long to listen', '5s')
    .option('--name <name>', "what the sensor is called; else the machine's name")
    .option('--state <dir>', `its folder; else ${SENSOR_DIR}, or ${COLLECTOR_DIR}`)
    .option('--url <url>', 'the collector: wss://host:port')
    .option('--token <token>', "as 'catenary collector token' printed it")
    .option('--collector', 'a collector, not a sensor')
    .option('--listen <place>', 'where the collector listens: host:port')
    .option('--no-start', 'say how to start it, and leave it')
    .addHelpText('after', MANUAL)
    .action(async (o: Options) => {
      const say = (text: string): void => {
        world.stdout.write(`${safeText(text)}\n`);
      };
      if (o.auto !== true && o.collector !== true && !world.stdinIsTerminal) {
        done(failure('usage', 'setup asks questions, and nobody is here to answer', 'use --auto'));
        return;
      }
      done(o.collector === true ? await setupCollector(o, say) : await setupSensor(o, world, say));
    });
}
