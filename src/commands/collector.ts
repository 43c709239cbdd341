// `catenary collector`, `catenary enroll` and `catenary up`: their options and manuals. What they do is in
// src/server.ts and src/sensor.ts.
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Config, loadConfig, sensorName } from '../config/config.ts';
import { EXIT, type ExitCode, failure, type Result, success } from '../lib/fault.ts';
import { asOwnerOf } from '../lib/owner.ts';
import { safeText } from '../lib/terminal.ts';
import { sensor } from '../sensor.ts';
import { collector, makeToken, startCollector } from '../server.ts';
import { enroll } from '../ship/enroll.ts';
import type { Done, Surroundings } from './surroundings.ts';

const EXITS = `
EXIT CODES
  0    stopped by SIGTERM, or done
  1    something it needs could not be opened, or was refused
  2    wrong usage, or a fault in the configuration
  130  stopped by Ctrl-C
`;

const COLLECTOR_MANUAL = `
WHAT IT DOES
  Takes events of sensors, acknowledges what is durable here, loads it into the store and shows it in the
  console. Without collector.store_url it runs a ClickHouse server of its own, on loopback, as a child.

  The first login at the console takes a code that is printed at start; it sets the password.
${EXITS}
EXAMPLES
  catenary collector --config /etc/catenary/catenary.yaml
  catenary collector token berlin-1 --config /etc/catenary/catenary.yaml
`;

const TOKEN_MANUAL = `
WHAT IT DOES
  Prints a token with which one sensor gets its certificate, once, within 15 minutes. It names the
  collector's authority too, so that the sensor knows whom it speaks to before it says the token.
${EXITS}
EXAMPLES
  catenary collector token berlin-1 --config /etc/catenary/catenary.yaml
`;

const ENROLL_MANUAL = `
WHAT IT DOES
  Run on the sensor: makes a key, which never leaves this machine, and gets the certificate for it. They
  are kept in STATE/ship; STATE is state.dir.
${EXITS}
EXAMPLES
  catenary enroll wss://collector.example:8443 catenary1.XXXX.YYYY --config /etc/catenary/catenary.yaml
`;

const UP_MANUAL = `
WHAT IT DOES
  Runs a collector and a sensor in one: for one box, and to try it. The sensor is enrolled by itself.
${EXITS}
EXAMPLES
  catenary up --config /etc/catenary/catenary.yaml
`;

interface Options {
  readonly config?: string;
}

/** Where a sensor's certificate is. */
export const shipFolder = (config: Config): string | undefined =>
  config.state.dir === null ? undefined : join(config.state.dir, 'ship');

/** Keys and certificate for this sensor, in its folder, its owner's. */
export async function enrollHere(url: string, token: string, config: Config): Promise<Result<string>> {
  const dir = shipFolder(config);
  if (dir === undefined) return failure('config_invalid', 'state.dir is null', 'a sensor needs a folder of its own');
  if (!/^wss:\/\/[^\s/]+\/?$/.test(url))
    return failure('usage', `'${url}' is no address of a collector`, 'wss://collector.example:8443');
  return asOwnerOf(dir, () => enroll(url, token, dir));
}

async function up(config: Config, configFile: string, world: Surroundings): Promise<Result<ExitCode>> {
  const started = await startCollector(config, world);
  if (!started.ok) return started;
  const { url, console: web } = started.value;
  const stop = async <T>(result: T): Promise<T> => {
    await started.value.stop();
    return result;
  };
  const name = sensorName(config);
  const token = await makeToken(config, name, world);
  if (!token.ok) return stop(token);
  const enrolled = await enrollHere(url, token.value, config);
  if (!enrolled.ok) return stop(enrolled);
  world.stdout.write(`CONSOLE ${safeText(web)}\n`);
  // Whoever started this waits for the line.
  await world.stdout.close();
  const code = await sensor({ config: { ...config, ship: { ...config.ship, url } }, configFile }, world);
  return stop(success(code));
}

export function addCollector(program: Command, world: Surroundings, done: Done): void {
  const withConfig = async (file: string | undefined, run: (c: Config) => Promise<Result<ExitCode>>): Promise<void> => {
    if (file === undefined) {
      done(failure('usage', '--config is missing', 'name the configuration'));
      return;
    }
    const config = loadConfig(file);
    done(config.ok ? await run(config.value) : config);
  };
  const command = program
    .command('collector')
    .summary('take what sensors send, store and show it')
    .description('Runs a collector, until told to stop.')
    .helpCommand(false)
    // Not a required one: commander would ask subcommands for it twice.
    .option('--config <file>', 'the configuration')
    .addHelpText('after', COLLECTOR_MANUAL)
    .action((o: Options) => withConfig(o.config, async (config) => success(await collector(config, world))));
  command
    .command('token')
    .summary('make a token for one sensor')
    .description('Prints a token for `catenary enroll`.')
    .argument('<SENSOR>', 'its name: lower-case letters, digits and -')
    .option('--config <file>', 'the configuration')
    .addHelpText('after', TOKEN_MANUAL)
    .action((name: string, _options: unknown, self: Command) =>
      withConfig(self.optsWithGlobals<Options>().config, async (config) => {
        const token = await asOwnerOf(config.collector.dir ?? '.', () => makeToken(config, name, world));
        if (!token.ok) return token;
        world.stdout.write(`${token.value}\n`);
        return success(EXIT.ok);
      }),
    );
  program
    .command('enroll')
    .summary('get a certificate for this sensor')
    .description('Gets the certificate with which this sensor connects.')
    .argument('<URL>', 'the collector: wss://host:port')
    .argument('<TOKEN>', "as 'catenary collector token' printed it")
    .requiredOption('--config <file>', 'the configuration')
    .addHelpText('after', ENROLL_MANUAL)
    .action((url: string, token: string, o: Options) =>
      withConfig(o.config, async (config) => {
        const name = await enrollHere(url, token, config);
        if (!name.ok) return name;
        world.stdout.write(`enrolled as ${safeText(name.value)}\n`);
        return success(EXIT.ok);
      }),
    );
  program
    .command('up')
    .summary('run a collector and a sensor on this box')
    .description('Runs a collector and a sensor, until told to stop.')
    .requiredOption('--config <file>', 'the configuration')
    .addHelpText('after', UP_MANUAL)
    .action((o: Options) => withConfig(o.config, (config) => up(config, o.config as string, world)));
}
