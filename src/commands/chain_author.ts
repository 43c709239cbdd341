// What `catenary chain` does besides judging: begin a chain, show what is half-way, say what chains cost, and run them
// over the history that a collector keeps.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { alertLine } from '../alerts/line.ts';
import { isoTime } from '../alerts/times.ts';
import { PlainMemory, PlainSection } from '../chains/cases.ts';
import { Chains } from '../chains/engine.ts';
import { storyLines } from '../chains/explain.ts';
import { findChains } from '../chains/folder.ts';
import { NAME } from '../chains/language.ts';
import type { Open } from '../chains/near_miss.ts';
import type { Rule } from '../chains/rule.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { Networks } from '../config/networks.ts';
import { signalsOf } from '../declared.ts';
import { type Hunted, hunt, StoreHistory, whyNot } from '../hunt.ts';
import { wholeNumber } from '../lib/args.ts';
import { EXIT, type ExitCode, failure, type Result, success, systemFault } from '../lib/fault.ts';
import type { Observation } from '../schema/observation.ts';
import { readAccess } from '../server.ts';
import { SHIPPED_CHAINS } from '../stages.ts';
import { openState } from '../state/state.ts';
import { Asker } from '../store/asker.ts';
import { casesOf, EXITS, plural, Session } from './chain_session.ts';
import type { Done, Surroundings } from './surroundings.ts';

/** A chain that does something, its cases, and a story to be told. */
const TEMPLATE = (name: string): readonly (readonly [file: string, text: string])[] => {
  const drop = `"kind":"file","rx_host":"laptop","tx_host":"ip:203.0.113.9","mime_type":"application/x-dosexec"`;
  const call = `"kind":"tls","orig_host":"laptop","resp_host":"ip:198.51.100.2","server_name":"c2.example"`;
  const lines = (head: string, ...records: string[]): string => `${[head, ...records].join('\n')}\n`;
  return [
    [
      'chain.yaml',
      `chain: ${name}
version: 1
title: An executable comes in, and a name never contacted before is called
attack: [T1105, T1071.001]
severity: medium
scope: fleet
by: [victim]
window: 30d
start: each(3)
steps:
  - id: drop
    event: file
    where: is_executable(file.mime_type)
    bind: { victim: file.rx_host }
    keep: { file: content, packets: flow }
  - id: call
    event: tls
    after: 1h
    where: first_seen(tls.server_name, victim) > drop.seen
    bind: { victim: tls.orig_host, c2: tls.server_name }
    keep: { packets: "first(20),last(5)" }
`,
    ],
    [
      'README.md',
      `# ${name}

What happens, in a few sentences: who does what, and why these steps in this order are worth waking somebody.

## What it takes for evidence

## What it takes for one and is not

## What to do next
`,
    ],
    [
      'cases/completing.jsonl',
      lines(
        '{"case":"an executable, and a day later a new name","expect":1,"bound":{"victim":"laptop","c2":"c2.example"}}',
        `{"at":0,${drop}}`,
        `{"at":1,${call}}`,
      ),
    ],
    ['cases/one-short.jsonl', lines('{"case":"no call","expect":0,"missing":"call"}', `{"at":0,${drop}}`)],
    [
      'cases/too-late.jsonl',
      lines('{"case":"a call after the window","expect":0,"missing":"call"}', `{"at":0,${drop}}`, `{"at":31,${call}}`),
    ],
    [
      'cases/look-alike.jsonl',
      lines(
        '{"case":"a name it knew before","expect":0,"missing":"call"}',
        `{"at":-5,${call}}`,
        `{"at":0,${drop}}`,
        `{"at":1,${call}}`,
      ),
    ],
  ];
};

/** Lines that say what was written. */
export function newChain(folder: string): Result<string[]> {
  const name = basename(folder);
  if (!NAME.test(name)) return failure('usage', `${name} is no name of a chain`, 'lower-case-words');
  if (existsSync(folder)) return failure('usage', `${folder}: is there already`, 'name another');
  try {
    mkdirSync(join(folder, 'cases'), { recursive: true });
    const files = TEMPLATE(name);
    for (const [file, text] of files) writeFileSync(join(folder, file), text, { flag: 'wx' });
    return success(files.map(([file]) => join(folder, file)));
  } catch (error) {
    return { ok: false, fault: systemFault('output_unwritable', folder, error) };
  }
}

const DAY = 86_400e6;
const day = (us: number): string => new Date(Math.floor(us / 1000)).toISOString().slice(0, 16).replace('T', ' ');

/** What is half-way in a state, the nearest to an alert first. The state may be in use: nothing is written. */
export function partialsIn(dir: string, rules: readonly Rule[]): Result<Open[]> {
  if (!existsSync(join(dir, 'state.mdb')))
    return failure('usage', `${dir}: holds no state`, 'name the folder that state.dir is, or DIR/state of a sensor');
  const state = openState(dir);
  if (!state.ok) return state;
  const chains = new Chains(rules, new PlainMemory(0), state.value.section('chains'));
  const near = chains.near();
  state.value.close();
  return success(near);
}

/** "2/3 dropper-dormant-beacon victim=...: had drop, waits for beacon; since ..., 11 days, until ...". */
export function openLine(o: Open): string {
  const age = ((o.last - o.first) / DAY).toFixed(1);
  const flags = o.flags.length === 0 ? '' : `; ${o.flags.join(', ')}`;
  return (
    `${o.matched.length}/${o.of} ${o.rule} ${o.key}: had ${o.matched.join(', ')}, waits for ${o.missing}; ` +
    `since ${day(o.first)}, last ${age} days later, until ${day(o.deadline)}${flags}`
  );
}

export interface Cost {
  readonly rule: string;
  /** CPU [us] of one record, on average over those of the chain's own cases. */
  readonly usPerRecord: number;
  readonly records: number;
}

/** Records that concern a chain are its dearest: so much at most does it cost. */
export function costOf(
  rule: Rule,
  others: readonly Rule[],
  records: readonly Observation[],
  rounds: number,
  cpuUs: () => number,
): Cost {
  let spent = 0;
  for (let round = 0; round < rounds; round++) {
    const chains = new Chains([rule, ...others], new PlainMemory(0), new PlainSection());
    const before = cpuUs();
    for (const obs of records) chains.feed(obs);
    // The first round compiles.
    if (round > 0) spent += cpuUs() - before;
  }
  return { rule: rule.id, usPerRecord: spent / ((rounds - 1) * records.length), records: records.length };
}

export interface HuntRequest {
  readonly config: Config;
  readonly rules: readonly { readonly rule: Rule; readonly others: readonly Rule[] }[];
  /** Packet times [us]. */
  readonly from: number;
  readonly to: number;
  readonly intel: readonly string[];
  readonly knownAt: number;
}

export async function huntFor({ config, rules, intel, ...when }: HuntRequest): Promise<Result<Hunted>> {
  const access = readAccess(config);
  if (!access.ok) return access;
  const lists: [string, string][] = [];
  for (const file of intel)
    try {
      lists.push([file, readFileSync(file, 'utf8')]);
    } catch (error) {
      return { ok: false, fault: systemFault('input_unreadable', file, error) };
    }
  const asker = new Asker(access.value);
  try {
    const networks = new Networks(config.networks.local);
    const history = await StoreHistory.open(asker, (ip) => networks.has(ip));
    if (!history.ok) return history;
    return await hunt(history.value, {
      ...{ rules, knownAt: when.knownAt, span: { from: when.from, to: when.to }, signals: config.signals },
      ...{ definitions: signalsOf(config).definitions },
      ...(lists.length === 0 ? {} : { lists }),
    });
  } finally {
    await asker.close();
  }
}

/** Why a chain did not fire for a host, as the store knows it. */
export async function whyNotLines(
  config: Config,
  chain: HuntRequest['rules'][number],
  host: string,
  span: { readonly from: number; readonly to: number },
): Promise<Result<string[]>> {
  const access = readAccess(config);
  if (!access.ok) return access;
  const asker = new Asker(access.value);
  try {
    const networks = new Networks(config.networks.local);
    const history = await StoreHistory.open(asker, (ip) => networks.has(ip));
    if (!history.ok) return history;
    const stories = await whyNot(history.value, chain, host, span);
    return stories.ok ? success(stories.value.flatMap((story) => storyLines(story, isoTime))) : stories;
  } finally {
    await asker.close();
  }
}

const SHOWN = 50;
const ROUNDS = 20;

const NEW_MANUAL = `
WHAT IT DOES
  Makes FOLDER with a chain of its name that works, a README.md to be written, and cases of all four kinds
  that pass: change them a step at a time, with chain test.
${EXITS}
EXAMPLES
  catenary chain new my-chains/lateral-tool-transfer
`;

const PARTIALS_MANUAL = `
WHAT IT DOES
  Lists chains that have begun and not finished, the nearest to an alert first: steps had of steps needed, the
  key, what it waits for, since when and until when. ${SHOWN} at most. Reads the state of a sensor or of an
  analysis, also while that runs, and changes nothing.
${EXITS}
EXAMPLES
  catenary chain partials --state /var/lib/catenary/state
  catenary chain partials --state months my-chains
`;

const BENCH_MANUAL = `
WHAT IT DOES
  Runs each chain over the records of its own cases, ${ROUNDS} times, and says what one of them costs it in CPU: the
  dearest first. Records that concern no step cost next to nothing; these are its worst.
${EXITS}
EXAMPLES
  catenary chain bench
  catenary chain bench my-chains
`;

const HUNT_MANUAL = `
WHAT IT DOES
  Runs chains over the history that the collector's store holds, and prints the alerts as JSON lines: a new
  chain, or with --intel the chains that shipped, and what the list adds to what was found before. What a
  list meets counts from when it happened; an alert says detected_at and could_have_detected_at.

  PATH is a chain's folder or file, or a folder of chains. Without one: the chains that ship.
${EXITS}
EXAMPLES
  catenary chain hunt my-chains/lateral-tool-transfer --config /etc/catenary/catenary.yaml
  catenary chain hunt --intel new.txt --days 90 --config /etc/catenary/catenary.yaml
`;

const WHY_NOT_MANUAL = `
WHAT IT DOES
  As explain, over the history that the collector's store holds: which steps matched and why; for the records
  that came nearest to the next step, which condition failed, with the values it compared as memory was then.
${EXITS}
EXAMPLES
  catenary chain why-not my-chains/lateral-tool-transfer mac:02:00:00:00:00:07 --days 60 --config c.yaml
`;

function showPartials(paths: readonly string[], dir: string, world: Surroundings): Result<ExitCode> {
  const session = new Session(world);
  const chains = session.chains(findChains(paths.length === 0 ? [SHIPPED_CHAINS] : paths).files);
  const near = partialsIn(
    dir,
    [...chains.values()].map((c) => c.rule),
  );
  if (!near.ok) return near;
  for (const open of near.value.slice(0, SHOWN)) session.say(openLine(open));
  if (near.value.length > SHOWN) session.say(`and ${near.value.length - SHOWN} more`);
  if (near.value.length === 0) session.say('nothing is half-way');
  return success(session.code);
}

const cpuUs = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

function bench(paths: readonly string[], world: Surroundings): ExitCode {
  const session = new Session(world);
  const { files, faults } = findChains(paths.length === 0 ? [SHIPPED_CHAINS] : paths);
  for (const fault of faults) session.wrong(fault);
  const costs = [...session.chains(files)].flatMap(([file, { rule, others }]) => {
    const records = casesOf(file, session).flatMap((c) => c.observations);
    return records.length === 0 ? [] : [costOf(rule, others, records, ROUNDS, cpuUs)];
  });
  for (const { rule, usPerRecord, records } of costs.sort((a, b) => b.usPerRecord - a.usPerRecord))
    session.say(`${usPerRecord.toFixed(1)} us  ${rule}, ${plural(records, 'record')}`);
  return session.code;
}

interface HuntCommand {
  readonly config?: string;
  readonly intel?: readonly string[];
  readonly days?: string;
}

async function runHunt(paths: readonly string[], o: HuntCommand, world: Surroundings): Promise<Result<ExitCode>> {
  const days = o.days === undefined ? success(400) : wholeNumber('--days', o.days, 1);
  if (!days.ok) return days;
  const config = loadConfig(o.config);
  if (!config.ok) return config;
  const session = new Session(world);
  const { files, faults } = findChains(paths.length === 0 ? [SHIPPED_CHAINS] : paths);
  for (const fault of faults) session.wrong(fault);
  const rules = [...session.chains(files).values()];
  const now = world.clock.wall();
  const found = await huntFor({
    ...{ config: config.value, rules, intel: o.intel ?? [], knownAt: now },
    ...{ from: now - days.value * DAY, to: now },
  });
  if (!found.ok) return found;
  for (const fault of found.value.faults) session.wrong(fault);
  for (const id of found.value.skipped) world.stderr.write(`${id}: left out, as its retro says\n`);
  for (const finding of found.value.findings) world.stdout.write(`${alertLine(finding)}\n`);
  return success(session.code);
}

async function runWhyNot(path: string, host: string, o: HuntCommand, world: Surroundings): Promise<Result<ExitCode>> {
  const days = o.days === undefined ? success(400) : wholeNumber('--days', o.days, 1);
  if (!days.ok) return days;
  const config = loadConfig(o.config);
  if (!config.ok) return config;
  const session = new Session(world);
  const { files, faults } = findChains([path]);
  for (const fault of faults) session.wrong(fault);
  if (files.length > 1) return failure('usage', `${path}: ${files.length} chains in it`, 'name one of them');
  const [chain] = session.chains(files).values();
  if (chain === undefined) return success(session.code);
  const now = world.clock.wall();
  const told = await whyNotLines(config.value, chain, host, { from: now - days.value * DAY, to: now });
  if (!told.ok) return told;
  for (const line of told.value) session.say(line);
  if (told.value.length === 0) session.say(`nothing of ${host} came near a step of this chain`);
  return success(session.code);
}

export function addAuthoring(chain: Command, world: Surroundings, done: Done): void {
  chain
    .command('new')
    .summary('begin a chain')
    .description('Makes the folder of a chain that works, with its cases.')
    .argument('<FOLDER>', 'its folder; the last name of it is the name of the chain')
    .addHelpText('after', NEW_MANUAL)
    .action((folder: string) => {
      const made = newChain(folder);
      if (!made.ok) {
        done(made);
        return;
      }
      for (const file of made.value) world.stdout.write(`${file}\n`);
      done(success(EXIT.ok));
    });
  chain
    .command('partials')
    .summary('list chains that are half-way')
    .description('Lists chains that have begun and not finished, the nearest to an alert first.')
    .argument('[PATH...]', 'chains, or folders of them; default: those that ship')
    .requiredOption('--state <dir>', 'the folder of the state')
    .addHelpText('after', PARTIALS_MANUAL)
    .action((paths: string[], o: { state: string }) => done(showPartials(paths, o.state, world)));
  chain
    .command('bench')
    .summary('say what chains cost')
    .description('Measures each chain over the records of its cases.')
    .argument('[PATH...]', 'chains, or folders of them; default: those that ship')
    .addHelpText('after', BENCH_MANUAL)
    .action((paths: string[]) => done(success(bench(paths, world))));
  chain
    .command('why-not')
    .summary('say why a chain did not fire for a host')
    .description(
      "Runs all that a host did, by the collector's history, through a chain, and says which condition failed.",
    )
    .argument('<CHAIN>', "a chain's folder or file")
    .argument('<HOST>', "a host's id: mac:02:00:00:00:00:07, or ip: and an address")
    .option('--config <file>', 'the configuration; without it: the defaults')
    .option('--days <n>', 'how far back; default: 400')
    .addHelpText('after', WHY_NOT_MANUAL)
    .action(async (path: string, host: string, o: HuntCommand) => done(await runWhyNot(path, host, o, world)));
  chain
    .command('hunt')
    .summary("run chains over the collector's history")
    .description('Runs chains over what the store holds, also with lists that came later.')
    .argument('[PATH...]', 'chains, or folders of them; default: those that ship')
    .option('--config <file>', 'the configuration; without it: the defaults')
    .option('--intel <file...>', 'lists that came later')
    .option('--days <n>', 'how far back; default: 400')
    .addHelpText('after', HUNT_MANUAL)
    .action(async (paths: string[], o: HuntCommand) => done(await runHunt(paths, o, world)));
}
