// `catenary chain`: what the author of a chain needs. Lint says what is wrong in it, test runs its cases, explain
// says why it did or did not fire on given records.
import { basename } from 'node:path';
import type { Command } from 'commander';
import { casesFolder, MEMORY_DAYS, readCases, runCase } from '../chains/cases.ts';
import { explain, storyLines } from '../chains/explain.ts';
import { findChains, loadChains } from '../chains/folder.ts';
import { wholeNumber } from '../lib/args.ts';
import { EXIT, type ExitCode, failure, type Result, success } from '../lib/fault.ts';
import type { Observation } from '../schema/observation.ts';
import { SHIPPED_CHAINS, vocabulary } from '../stages.ts';
import { addAuthoring } from './chain_author.ts';
import { casesOf, EXITS, plural, Session, textOf } from './chain_session.ts';
import type { Done, Surroundings } from './surroundings.ts';

const STORIES_SHOWN = 20;

const MANUAL = `
Subcommands say more when asked: catenary chain lint --help
${EXITS}
EXAMPLES
  catenary chain lint appliance/chains
  catenary chain test
  catenary chain explain appliance/chains/dropper-dormant-beacon --events day.ndjson --host laptop-7
  catenary chain hunt appliance/chains --intel new.txt --config /etc/catenary/catenary.yaml
`;

const LINT_MANUAL = `
WHAT IT DOES
  Reads chains as the engine would and says everything that is wrong: FILE:LINE:COLUMN: what (what to do).
  An unknown field, signal or key, a wrong type, a missing window and a variable that is joined by and not
  bound are faults, not chains that never match. A chain with a fault is left out; the others load.

  PATH is a chain's file, or a folder: then every chain.yaml and, where there is none, every *.yaml below
  it.
${EXITS}
EXAMPLES
  catenary chain lint appliance/chains
  catenary chain lint my-chain.yaml
`;

const TEST_MANUAL = `
WHAT IT DOES
  Runs the cases of each chain: the lines of cases/*.jsonl beside its chain.yaml. A case is a few records in
  virtual time and the number of alerts that must come of them; 60 days take a moment. One line a case, ok
  or FAIL with what came out instead, and the total. A chain without cases fails: nobody knows that it
  fires.

  PATH is a chain's folder or file, or a folder of chains. Without one: the chains that ship.
${EXITS}
EXAMPLES
  catenary chain test
  catenary chain test appliance/chains/dropper-dormant-beacon
`;

const EXPLAIN_MANUAL = `
WHAT IT DOES
  Runs records through one chain and says, for every key it joins by: which steps matched and why; for the
  records that came nearest to the next step, which condition failed, with the values it compared; alerts,
  and near misses with their reason. What came furthest is told first, ${STORIES_SHOWN} keys at most.

  CHAIN is a chain's folder or file. The records are in the format of cases (appliance/chains/README.md):
  JSON lines with
  "at" in days, "kind" and fields. Cases in the file are told one by one.
${EXITS}
EXAMPLES
  catenary chain explain appliance/chains/dropper-dormant-beacon --events day.ndjson
  catenary chain explain my-chain.yaml --events day.ndjson --host laptop-7 --memory-days 3
`;

function lint(paths: readonly string[], world: Surroundings): ExitCode {
  const session = new Session(world);
  const { files, faults } = findChains(paths);
  for (const fault of faults) session.wrong(fault);
  const loaded = loadChains(files, vocabulary());
  for (const fault of loaded.faults) session.wrong(fault);
  session.faults(loaded.chainFaults);
  const good = loaded.rules.length;
  session.say(`${plural(good, 'chain')} good, ${files.length - good} with faults`);
  return session.code;
}

function test(paths: readonly string[], world: Surroundings): ExitCode {
  const session = new Session(world);
  const { files, faults } = findChains(paths.length === 0 ? [SHIPPED_CHAINS] : paths);
  for (const fault of faults) session.wrong(fault);
  let passed = 0;
  let failed = 0;
  const fail = (line: string, why: readonly string[]): void => {
    failed++;
    session.code = EXIT.input;
    session.say(`FAIL ${line}`);
    for (const w of why) session.say(`     ${w}`);
  };
  const chains = session.chains(files);
  for (const file of files) {
    const chain = chains.get(file);
    if (chain === undefined) {
      fail(file, ['the chain has faults']);
      continue;
    }
    const { rule, others } = chain;
    const cases = casesOf(file, session);
    if (cases.length === 0) fail(rule.id, [`no cases in ${casesFolder(file)}`]);
    for (const c of cases) {
      const name = `${rule.id} ${basename(c.file, '.jsonl')}: ${c.name}`;
      const wrong = runCase(rule, c, others);
      if (wrong.length > 0) {
        fail(name, [...wrong, `${c.file}:${c.line}`]);
        continue;
      }
      passed++;
      session.say(`ok   ${name}`);
    }
  }
  session.say(`${plural(files.length, 'chain')}, ${passed} ok, ${failed} failed`);
  return session.code;
}

interface ExplainOptions {
  readonly events: string;
  readonly host?: string;
  readonly memoryDays?: string;
}

function explainChain(path: string, options: ExplainOptions, world: Surroundings): Result<ExitCode> {
  const days =
    options.memoryDays === undefined ? success(MEMORY_DAYS) : wholeNumber('--memory-days', options.memoryDays, 0);
  if (!days.ok) return days;
  const { files, faults } = findChains([path]);
  if (faults[0] !== undefined) return { ok: false, fault: faults[0] };
  if (files.length > 1) return failure('usage', `${path}: ${files.length} chains in it`, 'name one of them');
  const session = new Session(world);
  const chain = session.chains(files).get(files[0] as string);
  const text = textOf(options.events);
  if (!text.ok) return text;
  const read = readCases(options.events, text.value);
  session.faults(read.faults);
  if (chain === undefined) return success(session.code);
  const { rule, others } = chain;
  const tell = (observations: readonly Observation[], memoryDays: number): void => {
    const stories = explain(rule, observations, {
      ...{ host: options.host, memoryDays: options.memoryDays === undefined ? memoryDays : days.value, others },
    });
    for (const story of stories.slice(0, STORIES_SHOWN)) for (const line of storyLines(story)) session.say(line);
    if (stories.length === 0) session.say('no record came near a step of this chain');
    if (stories.length > STORIES_SHOWN) session.say(`and ${plural(stories.length - STORIES_SHOWN, 'key')} more`);
  };
  if (read.loose.length > 0 || read.cases.length === 0) tell(read.loose, days.value);
  for (const c of read.cases) {
    session.say(`case: ${c.name}`);
    tell(c.observations, c.memoryDays);
  }
  return success(session.code);
}

export function addChain(program: Command, world: Surroundings, done: Done): void {
  const chain = program
    .command('chain')
    .summary('check, test and explain chains')
    .description('For authors of chains: what is wrong, what they catch, why they did not.')
    .helpCommand(false)
    .addHelpText('after', MANUAL)
    .action((_options, command: Command) => {
      const [word] = command.args;
      const known = 'one of new, lint, test, explain, partials, bench, hunt, why-not';
      done(
        word === undefined
          ? failure('usage', 'chain: no subcommand', known)
          : failure('usage', `chain: there is no '${word}'`, known),
      );
    })
    .allowExcessArguments(true);
  chain
    .command('lint')
    .summary('say what is wrong in chains')
    .description('Reads chains and says every fault with its place.')
    .argument('<PATH...>', 'chains, or folders of them')
    .addHelpText('after', LINT_MANUAL)
    .action((paths: string[]) => done(success(lint(paths, world))));
  chain
    .command('test')
    .summary('run the cases of chains')
    .description('Runs the cases beside chains, in virtual time.')
    .argument('[PATH...]', 'chains, or folders of them; default: those that ship')
    .addHelpText('after', TEST_MANUAL)
    .action((paths: string[]) => done(success(test(paths, world))));
  chain
    .command('explain')
    .summary('say why a chain fired or did not')
    .description('Runs records through a chain and says which condition failed, with its values.')
    .argument('<CHAIN>', "a chain's folder or file")
    .requiredOption('--events <file>', 'the records, in the format of cases')
    .option('--host <id>', 'only keys with this host')
    .option('--memory-days <n>', `how long before day 0 memory begins; default: as the case says, or ${MEMORY_DAYS}`)
    .addHelpText('after', EXPLAIN_MANUAL)
    .action((path: string, options: ExplainOptions) => done(explainChain(path, options, world)));
  addAuthoring(chain, world, done);
}
