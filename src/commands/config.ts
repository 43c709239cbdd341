// `catenary config`: is the one file right, and what may stand in it.
import type { Command } from 'commander';
import { checkConfig, configFaultText } from '../config/config.ts';
import { configSchemaJson } from '../config/schema.ts';
import { EXIT, type ExitCode, failure, faultLine, type Result, success } from '../lib/fault.ts';
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
  catenary config schema > catenary.schema.json
`;

const CHECK_MANUAL = `
WHAT IT DOES
  Reads the configuration and everything it names, and says every fault with its place: FILE:LINE:COLUMN:
  what (what to do). An unknown setting is a fault, never ignored. Chains and lists of indicators are read
  as well; nothing is run and nothing written.
${EXITS}
EXAMPLES
  catenary config check catenary.yaml
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

export function addConfig(program: Command, world: Surroundings, done: Done): void {
  const config = program
    .command('config')
    .summary('check a configuration')
    .description('The one configuration file: is it right, and what may stand in it.')
    .helpCommand(false)
    .addHelpText('after', MANUAL)
    .action((_options, command: Command) => {
      const [word] = command.args;
      const known = 'one of check, schema';
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
    .command('schema')
    .summary('print the JSON Schema of the configuration')
    .description('Prints the JSON Schema of the configuration.')
    .addHelpText('after', SCHEMA_MANUAL)
    .action(() => {
      world.stdout.write(`${JSON.stringify(configSchemaJson(), null, 2)}\n`);
      done(success(EXIT.ok));
    });
}
