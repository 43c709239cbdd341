// The command line as a whole: commands are beside this file, each with its options and its manual; here is what they
// share. src/cli.ts hands it the process.
import { Command, CommanderError } from 'commander';
import { versions } from '../capture/index.ts';
import {
  EXIT,
  type ExitCode,
  FAULTS,
  type Fault,
  failure,
  faultLine,
  type Result,
  success,
  worse,
} from '../lib/fault.ts';
import { programVersion } from '../lib/version.ts';
import type { Done, Surroundings } from './surroundings.ts';

const MANUAL = `
Commands say more when asked: catenary read --help

EXIT CODES
  0    done
  1    some input could not be read or decoded, or some output not written; the rest was
  2    wrong usage: nothing was done
  130  interrupted by Ctrl-C; 143 by SIGTERM

EXAMPLES
  catenary read day.pcap
  catenary read day.pcap --as zeek --out logs
  catenary analyze day.pcap --out findings
`;

const HELP_COLUMNS = 110;

/** Names of commands, and what adds them. */
type Group = readonly [names: readonly string[], add: () => Promise<Add>];
type Add = (program: Command, world: Surroundings, done: Done) => void;

// Loaded when it is asked for: a reader of captures needs no collector, and of a short run starting is the most.
const GROUPS: readonly Group[] = [
  [['read'], async () => (await import('./read.ts')).addRead],
  [['alerts', 'allow'], async () => (await import('./alerts.ts')).addAlerts],
  [['analyze'], async () => (await import('./analyze.ts')).addAnalyze],
  [['chain'], async () => (await import('./chain.ts')).addChain],
  [['content'], async () => (await import('./content.ts')).addContent],
  [['config'], async () => (await import('./config.ts')).addConfig],
  [['doctor'], async () => (await import('./doctor.ts')).addDoctor],
  [['evidence'], async () => (await import('./evidence.ts')).addEvidence],
  [['memory'], async () => (await import('./memory.ts')).addMemory],
  [['packets'], async () => (await import('./packets.ts')).addPackets],
  [['sensor'], async () => (await import('./sensor.ts')).addSensor],
  [['setup'], async () => (await import('./setup.ts')).addSetup],
  [['status', 'tail'], async () => (await import('./status.ts')).addStatus],
  [['collector', 'enroll', 'up'], async () => (await import('./collector.ts')).addCollector],
  [['completion'], async () => (await import('./completion.ts')).addCompletion],
];

/** Those that a command line may be about. Help, completion and what is no command are about all of them. */
function groupsOf([name = '']: readonly string[]): readonly Group[] {
  const asked = name === 'completion' ? [] : GROUPS.filter(([names]) => names.includes(name));
  return asked.length > 0 ? asked : GROUPS;
}

/** What --version prints: ours first, alone on its line, then what it stands on. */
function versionText(): string {
  const native = versions();
  const lines = [`catenary ${programVersion()}`];
  if (native.ok) {
    if (native.value.schema !== undefined) lines.push(`schema ${native.value.schema}`);
    lines.push(native.value.libpcap);
  }
  return `${lines.join('\n')}\n`;
}

/** commander's words for a mistake, as one of our faults: one line, and what to do. */
function usageFault(error: CommanderError, command: string): Fault {
  const [first = '', ...rest] = error.message.split('\n');
  const guess = /Did you mean (?:one of )?(.*)\?/.exec(rest.join(' '))?.[1];
  const help = command === '' ? 'catenary --help' : `catenary ${command} --help`;
  const hint = guess === undefined ? `see '${help}'` : `did you mean ${guess}? see '${help}'`;
  return { code: 'usage', message: first.replace(/^error: /, ''), hint };
}

/** The commands, with their options and manuals. */
/** @param groups  of commands; all of them when left out */
export async function programFor(world: Surroundings, done: Done, groups = GROUPS): Promise<Command> {
  const program = new Command('catenary')
    .description('Network detection: packets to events to chains.')
    .usage('COMMAND [OPTIONS]')
    .option('-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', "print a command's help")
    .configureHelp({ helpWidth: HELP_COLUMNS })
    .configureOutput({
      writeOut: (text) => world.stdout.write(text),
      // The error is thrown as well, and told once.
      outputError: () => undefined,
    })
    .addHelpText('after', MANUAL)
    .exitOverride()
    .on('option:version', () => {
      world.stdout.write(versionText());
      throw new CommanderError(EXIT.ok, 'catenary.version', '');
    });
  for (const [, add] of groups) (await add())(program, world, done);
  return program;
}

async function run(args: readonly string[], world: Surroundings): Promise<Result<ExitCode>> {
  if (args.length === 0) return failure('usage', 'no command', "see 'catenary --help'");
  let outcome: Result<ExitCode> = success(EXIT.ok);
  const program = await programFor(
    world,
    (o) => {
      outcome = o;
    },
    groupsOf(args),
  );
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === EXIT.ok) return success(EXIT.ok);
    const command = args.find((arg) => program.commands.some((c) => c.name() === arg)) ?? '';
    return { ok: false, fault: usageFault(error, command) };
  }
  return outcome;
}

/** Runs one command line, without node and the script. */
export async function main(args: readonly string[], world: Surroundings): Promise<ExitCode> {
  const tell = (fault: Fault): ExitCode => {
    world.stderr.write(`${faultLine(fault)}\n`);
    return FAULTS[fault.code];
  };
  const outcome = await run(args, world);
  const code = outcome.ok ? outcome.value : tell(outcome.fault);
  await world.stdout.close();
  return world.stdout.fault === undefined ? code : worse(code, tell(world.stdout.fault));
}
