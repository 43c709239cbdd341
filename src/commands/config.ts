// `catenary config`: is the configuration right, what holds, and what may stand in it.
import { copyFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type Config, checkConfig, configFaultText, dropIns, loadConfig } from '../config/config.ts';
import { migrateFile } from '../config/migrate.ts';
import { configSchema, configSchemaJson, FORMAT } from '../config/schema.ts';
import { EXIT, type ExitCode, failure, faultLine, type Result, success, systemFault } from '../lib/fault.ts';
import { safeText } from '../lib/terminal.ts';
import { contentFaults, signalFaults } from '../stages.ts';
import type { Done, Surroundings } from './surroundings.ts';

const EXITS = `
EXIT CODES
  0    nothing is wrong
  1    a fault was found
  2    wrong usage, or the file cannot be read: nothing was checked
`;

const MANUAL = `
Subcommands say more when asked: catenary config check --help
${EXITS}
EXAMPLES
  catenary config check /etc/catenary/catenary.yaml
  catenary config diff /etc/catenary/catenary.yaml
  catenary config schema > catenary.schema.json

DROP-INS
  FILE.d/*.yaml are read after FILE, by name. A setting of a later file takes the place of the same setting of
  an earlier one; so does a list. Each has to be right by itself, and is named where it is not.
`;

const CHECK_MANUAL = `
WHAT IT DOES
  Reads the configuration, its drop-ins and everything they name, and says every fault with its place:
  FILE:LINE:COLUMN: what (what to do). An unknown setting is a fault, never ignored. Chains and lists of
  indicators are read as well; nothing is run and nothing written.
${EXITS}
EXAMPLES
  catenary config check catenary.yaml
`;

const SHOW_MANUAL = `
WHAT IT DOES
  Prints every setting as it holds, drop-ins and defaults included, as a configuration that can be read again.
  What a file said has its place behind it. A password in an address is left out.

EXAMPLES
  catenary config show /etc/catenary/catenary.yaml
`;

const DIFF_MANUAL = `
WHAT IT DOES
  Prints the settings that are not the defaults, a line each: the setting, its value, and where it stands.
  A setting that is written and says what the default says is no difference.

EXIT CODES
  0    all is the default
  1    something is not
  2    wrong usage, or a fault in the configuration

EXAMPLES
  catenary config diff /etc/catenary/catenary.yaml
`;

const MIGRATE_MANUAL = `
WHAT IT DOES
  Brings a configuration that was written for an earlier program to the form of this one, and says what moved.
  Comments and order stay. The file as it was is kept beside it as FILE.before, and drop-ins are migrated too.
  A file that is of today's form is not touched.
${EXITS}
EXAMPLES
  catenary config migrate /etc/catenary/catenary.yaml
`;

const SCHEMA_MANUAL = `
WHAT IT DOES
  Prints the JSON Schema (2020-12) of the configuration, for editors that complete and check as one types.
  It is published as appliance/config/catenary.schema.json too.

EXAMPLES
  catenary config schema > catenary.schema.json
`;

function check(file: string, world: Surroundings): Result<ExitCode> {
  const checked = checkConfig(file);
  if (!checked.ok) return checked;
  const { config, faults } = checked.value;
  const say = (text: string): void => {
    world.stdout.write(`${safeText(text)}\n`);
  };
  for (const f of faults) say(`${configFaultText(f)}${f.hint === '' ? '' : ` (${f.hint})`}`);
  const more = config === undefined ? [] : [...signalFaults(config), ...contentFaults(config)];
  for (const f of more) say(faultLine(f).replace(/^catenary: /, ''));
  const n = faults.length + more.length;
  say(n === 0 ? `${file}: nothing is wrong` : `${file}: ${n} fault${n === 1 ? '' : 's'}`);
  return success(n === 0 ? EXIT.ok : EXIT.input);
}

interface Setting {
  readonly path: readonly string[];
  /** JSON, which is YAML too. */
  readonly value: string;
  readonly isDefault: boolean;
}

const isGroup = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);

/** An address with a login keeps its name and loses its password. */
const withoutPassword = (json: string): string => json.replace(/(:\/\/[^/:@"]*):[^/@"]*@/, '$1:...@');

/** Every setting, in the order of the schema. */
function settingsOf(config: Config): Setting[] {
  const visit = (value: unknown, standard: unknown, path: readonly string[]): Setting[] => {
    if (isGroup(value) && Object.keys(value).length > 0)
      return Object.entries(value).flatMap(([key, v]) =>
        visit(v, isGroup(standard) ? standard[key] : undefined, [...path, key]),
      );
    const json = JSON.stringify(value);
    return [{ path, value: withoutPassword(json), isDefault: json === JSON.stringify(standard) }];
  };
  const { file: _, where: __, ...values } = config;
  return visit(values, configSchema.parse({}), []);
}

function show(file: string, world: Surroundings): Result<ExitCode> {
  const config = loadConfig(file);
  if (!config.ok) return config;
  let above: readonly string[] = [];
  for (const { path, value, isDefault } of settingsOf(config.value)) {
    const groups = path.slice(0, -1);
    const shared = groups.findIndex((g, i) => g !== above[i]);
    for (const [i, group] of groups.entries())
      if (shared >= 0 && i >= shared) world.stdout.write(`${'  '.repeat(i)}${group}:\n`);
    above = groups;
    const said = isDefault ? '' : ` # ${config.value.where([...path])}`;
    world.stdout.write(`${safeText(`${'  '.repeat(groups.length)}${path.at(-1)}: ${value}${said}`)}\n`);
  }
  return success(EXIT.ok);
}

function diff(file: string, world: Surroundings): Result<ExitCode> {
  const config = loadConfig(file);
  if (!config.ok) return config;
  const settings = settingsOf(config.value).filter((s) => !s.isDefault);
  for (const { path, value } of settings)
    world.stdout.write(`${safeText(`${path.join('.')}: ${value} # ${config.value.where([...path])}`)}\n`);
  return success(settings.length === 0 ? EXIT.ok : EXIT.input);
}

function migrateAll(file: string, world: Surroundings): Result<ExitCode> {
  for (const at of [file, ...dropIns(file)]) {
    const migrated = migrateFile(at);
    if (!migrated.ok) return migrated;
    const { from, text, said } = migrated.value;
    if (from === FORMAT) {
      world.stdout.write(`${safeText(at)}: is of form ${FORMAT} already\n`);
      continue;
    }
    try {
      copyFileSync(at, `${at}.before`);
      writeFileSync(at, text);
    } catch (error) {
      return { ok: false, fault: systemFault('output_unwritable', at, error) };
    }
    world.stdout.write(`${safeText(at)}: from form ${from} to ${FORMAT}\n`);
    for (const line of said) world.stdout.write(`  ${safeText(line)}\n`);
  }
  return success(EXIT.ok);
}

export function addConfig(program: Command, world: Surroundings, done: Done): void {
  const config = program
    .command('config')
    .summary('check and show a configuration')
    .description('The one configuration: is it right, what holds, and what may stand in it.')
    .helpCommand(false)
    .addHelpText('after', MANUAL)
    .action((_options, command: Command) => {
      const [word] = command.args;
      const known = 'one of check, show, diff, migrate, schema';
      done(
        word === undefined
          ? failure('usage', 'config: no subcommand', known)
          : failure('usage', `config: there is no '${word}'`, known),
      );
    })
    .allowExcessArguments(true);
  config
    .command('check')
    .summary('say what is wrong in a configuration')
    .description('Reads a configuration and all it names, and says every fault with its place.')
    .argument('<FILE>', 'the configuration')
    .addHelpText('after', CHECK_MANUAL)
    .action((file: string) => done(check(file, world)));
  config
    .command('show')
    .summary('print every setting as it holds')
    .description('Prints the configuration with its drop-ins and the defaults.')
    .argument('<FILE>', 'the configuration')
    .addHelpText('after', SHOW_MANUAL)
    .action((file: string) => done(show(file, world)));
  config
    .command('diff')
    .summary('print the settings that are not the defaults')
    .description('Prints what differs from the defaults.')
    .argument('<FILE>', 'the configuration')
    .addHelpText('after', DIFF_MANUAL)
    .action((file: string) => done(diff(file, world)));
  config
    .command('migrate')
    .summary('bring a configuration of an earlier program to the form of this one')
    .description('Rewrites a configuration where settings have moved.')
    .argument('<FILE>', 'the configuration')
    .addHelpText('after', MIGRATE_MANUAL)
    .action((file: string) => done(migrateAll(file, world)));
  config
    .command('schema')
    .summary('print the JSON Schema of the configuration')
    .description('Prints the JSON Schema of the configuration.')
    .addHelpText('after', SCHEMA_MANUAL)
    .action(() => {
      world.stdout.write(`${JSON.stringify(configSchemaJson(), null, 2)}\n`);
      done(success(EXIT.ok));
    });
}
