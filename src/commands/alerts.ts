// `catenary alerts` and `catenary allow`: what the console does with alerts, from a shell on the collector's machine.
// Acts go into the same log, whether the collector runs or not; it takes them over within a second, or when it starts.
import type { Command } from 'commander';
import { dateText } from '../alerts/times.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { lifeOf } from '../console/view.ts';
import { person } from '../evidence/index.ts';
import { choice, wholeNumber } from '../lib/args.ts';
import { EXIT, type ExitCode, failure, type Result, success } from '../lib/fault.ts';
import { asOwnerOf } from '../lib/owner.ts';
import { safeText, shortText } from '../lib/terminal.ts';
import { openTriage, readAccess } from '../server.ts';
import { Queries } from '../store/query.ts';
import { ACTOR_BYTES_MAX, type Request, TEXT_BYTES_MAX, VERDICTS } from '../triage/acts.ts';
import type { Triage } from '../triage/triage.ts';
import type { Done, Surroundings } from './surroundings.ts';

const LISTED = 200;
const STATES = ['open', 'new', 'acknowledged', 'closed', 'suppressed', 'twin', 'all'] as const;

const EXITS = `
EXIT CODES
  0    done
  1    something could not be read or written
  2    wrong usage, or an act that cannot be: nothing was done
`;

const ALERTS_MANUAL = `
WHAT IT DOES
  Lists alerts of the collector on this machine, shows what has become of one, and says what somebody made
  of it: the same as in the console, in the same history. Who acts is who is logged in here.

  A verdict is true (it happened, and it is bad), benign (it happened, and it may) or false (it did not).
${EXITS}
EXAMPLES
  catenary alerts list --config /etc/catenary/catenary.yaml
  catenary alerts close 1768d21918ee305d benign 'backup of the file server' --config c.yaml
  catenary alerts verify --config /etc/catenary/catenary.yaml
`;

const ALLOW_MANUAL = `
WHAT IT DOES
  The allow-list: alerts that fit all that an entry says are held back when they come to the collector. They
  are there with --state suppressed, and say by which entry; sensors conclude and keep evidence as ever.

  Entities and values are CLASS:VALUE, CLASS one of host, user, domain, file, address. An entry names a chain,
  or a value, and ends.
${EXITS}
EXAMPLES
  catenary allow list --config /etc/catenary/catenary.yaml
  catenary allow add 'our updates' --value domain:updates.example --days 90 --config c.yaml
  catenary allow remove 7 'that server is gone' --config /etc/catenary/catenary.yaml
`;

interface WithConfig {
  readonly config?: string;
}
interface ListOptions extends WithConfig {
  readonly state: string;
}
interface AddOptions extends WithConfig {
  readonly alert: string;
  readonly chain: string;
  readonly entity: string;
  readonly value: string;
  readonly sensor: string;
  readonly days: string;
}

function configOf({ config }: WithConfig): Result<Config> {
  if (config === undefined) return failure('usage', '--config is missing', "name the collector's configuration");
  return loadConfig(config);
}

/** As the owner of the collector's folder, so that the collector can read what is written there. */
async function withTriage<T>(
  options: WithConfig,
  world: Surroundings,
  use: (triage: Triage, config: Config) => Promise<Result<T>>,
): Promise<Result<T>> {
  const config = configOf(options);
  if (!config.ok) return config;
  return asOwnerOf(config.value.collector.dir ?? '.', async () => {
    const triage = openTriage(config.value, world.clock);
    return triage.ok ? use(triage.value, config.value) : triage;
  });
}

async function withStore<T>(config: Config, use: (queries: Queries) => Promise<Result<T>>): Promise<Result<T>> {
  const access = readAccess(config);
  if (!access.ok) return access;
  const queries = new Queries(access.value);
  try {
    return await use(queries);
  } finally {
    await queries.close();
  }
}

const day = (us: number): string => dateText(us).slice(0, 16);
const line = (world: Surroundings, text: string): void => world.stdout.write(`${safeText(text)}\n`);

function list(o: ListOptions, world: Surroundings): Promise<Result<ExitCode>> {
  return withTriage(o, world, async (triage, config) => {
    const which = choice('--state', o.state, STATES);
    if (!which.ok) return which;
    const state = which.value === 'open' ? ['new', 'acknowledged'] : which.value === 'all' ? undefined : [which.value];
    return withStore(config, async (queries) => {
      const asked = { recent: triage.recent, limit: LISTED, ...(state === undefined ? {} : { state }) };
      const found = await queries.alerts(asked);
      if (!found.ok) return found;
      for (const { event: a, state: is } of found.value)
        line(world, `${a.id}  ${a.score}  ${a.severity}  ${is}  ${day(a.last)}  ${a.key}  ${a.chain}: ${a.title}`);
      if (found.value.length === 0) line(world, `no alert is ${which.value}`);
      return success(EXIT.ok);
    });
  });
}

function show(id: string, o: WithConfig, world: Surroundings): Promise<Result<ExitCode>> {
  return withTriage(o, world, async (triage, config) =>
    withStore(config, async (queries) => {
      const found = await queries.alert(id);
      if (!found.ok) return found;
      if (found.value === undefined)
        return failure('usage', `no alert has the id ${shortText(id, 40)}`, 'see alerts list');
      const marks = await queries.marksOf([id]);
      if (!marks.ok) return marks;
      const told = [id, ...marks.value.flatMap(({ event: e }) => [e.alert, e.twin_of])];
      const sensors = await queries.sensorsOf([...new Set(told)]);
      if (!sensors.ok) return sensors;
      const { event: a } = found.value.alert;
      const life = lifeOf(id, triage.of(id), marks.value, sensors.value);
      line(world, `${a.severity}, score ${a.score}, ${life.state}: ${a.title} (${a.chain} ${a.chain_version})`);
      line(world, `sensors: ${life.seenBy.map((s) => s.sensor).join(', ')}`);
      line(world, a.story);
      for (const act of life.acts) {
        const said = [act.verdict, act.other, act.text].filter((t) => t !== '').join(': ');
        line(world, `${day(act.at)}  ${act.actor} ${act.act}${act.entry === 0 ? '' : ` entry ${act.entry}`}  ${said}`);
      }
      return success(EXIT.ok);
    }),
  );
}

function act(request: Request, o: WithConfig, world: Surroundings): Promise<Result<ExitCode>> {
  return withTriage(o, world, async (triage) => {
    const actor = Buffer.from(person()).subarray(0, ACTOR_BYTES_MAX).toString();
    const done = triage.do(request, { actor, address: '' });
    if (!done.ok) return done;
    const { n, act: what } = done.value;
    line(world, what === 'allow' ? `entry ${n}` : `act ${n}: ${what}`);
    return success(EXIT.ok);
  });
}

function verify(o: WithConfig, world: Surroundings): Promise<Result<ExitCode>> {
  return withTriage(o, world, async (triage) => {
    for (const fault of triage.faults) line(world, fault);
    if (triage.faults.length > 0) return success(EXIT.input);
    line(world, `${triage.acts.length} acts, each follows the one before it`);
    return success(EXIT.ok);
  });
}

function listEntries(o: WithConfig, world: Surroundings): Promise<Result<ExitCode>> {
  return withTriage(o, world, async (triage, config) =>
    withStore(config, async (queries) => {
      const held = await queries.heldBack();
      if (!held.ok) return held;
      for (const e of triage.entries()) {
        const asks = [e.chain, e.entity, e.value, e.sensor].filter((t) => t !== '').join(' ');
        const count = held.value.get(e.n)?.count ?? 0;
        line(world, `${e.n}  held back ${count}  until ${day(e.until)}  ${asks}  by ${e.actor}: ${e.reason}`);
      }
      if (triage.entries().length === 0) line(world, 'nothing is held back');
      return success(EXIT.ok);
    }),
  );
}

async function add(reason: string, o: AddOptions, world: Surroundings): Promise<Result<ExitCode>> {
  const days = wholeNumber('--days', o.days, 1);
  if (!days.ok) return days;
  const { alert, chain, entity, value, sensor } = o;
  return act({ act: 'allow', alert, chain, entity, value, sensor, text: reason, days: days.value }, o, world);
}

async function remove(entry: string, reason: string, o: WithConfig, world: Surroundings): Promise<Result<ExitCode>> {
  const n = wholeNumber('ENTRY', entry, 1);
  return n.ok ? act({ act: 'disallow', entry: n.value, text: reason }, o, world) : n;
}

export function addAlerts(program: Command, world: Surroundings, done: Done): void {
  const alerts = program
    .command('alerts')
    .summary('list alerts of a collector, and say what became of them')
    .description('Lists alerts, shows one, and acknowledges, annotates, closes or reopens it.')
    .helpCommand(false)
    .addHelpText('after', ALERTS_MANUAL);
  const below = (of: Command, name: string, summary: string, manual: string): Command =>
    of
      .command(name)
      .summary(summary)
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
      .option('--config <file>', "the collector's configuration")
      .addHelpText('after', manual);
  const text = `at most ${TEXT_BYTES_MAX} bytes`;
  below(alerts, 'list', 'list alerts, the worst first', ALERTS_MANUAL)
    .option('--state <state>', `${STATES.join(', ')}`, 'open')
    .action(async (o: ListOptions) => done(await list(o, world)));
  below(alerts, 'show', 'show an alert and its history', ALERTS_MANUAL)
    .argument('<ALERT>', 'its id')
    .action(async (id: string, o: WithConfig) => done(await show(id, o, world)));
  for (const [name, what, summary] of [
    ['ack', 'ack', 'acknowledge an alert'],
    ['note', 'note', 'write something down about an alert'],
    ['reopen', 'reopen', 'open an alert again'],
  ] as const)
    below(alerts, name, summary, ALERTS_MANUAL)
      .argument('<ALERT>', 'its id')
      .argument(what === 'note' ? '<TEXT>' : '[TEXT]', text)
      .action(async (alert: string, said: string | undefined, o: WithConfig) =>
        done(await act({ act: what, alert, text: said ?? '' }, o, world)),
      );
  below(alerts, 'close', 'close an alert with a verdict', ALERTS_MANUAL)
    .argument('<ALERT>', 'its id')
    .argument('<VERDICT>', VERDICTS.join(', '))
    .argument('<TEXT>', `why; ${text}`)
    .action(async (alert: string, verdict: string, said: string, o: WithConfig) =>
      done(await act({ act: 'close', alert, verdict, text: said }, o, world)),
    );
  below(alerts, 'verify', 'check that nobody has changed the log of acts', ALERTS_MANUAL).action(
    async (o: WithConfig) => done(await verify(o, world)),
  );

  const allow = program
    .command('allow')
    .summary('hold back alerts that are known to be harmless')
    .description('The allow-list of a collector: lists, adds and removes entries.')
    .helpCommand(false)
    .addHelpText('after', ALLOW_MANUAL);
  below(allow, 'list', 'list entries, and what they have held back', ALLOW_MANUAL).action(async (o: WithConfig) =>
    done(await listEntries(o, world)),
  );
  below(allow, 'add', 'add an entry', ALLOW_MANUAL)
    .argument('<REASON>', `why; ${text}`)
    .option('--alert <id>', 'the alert that it comes from', '')
    .option('--chain <name>', 'alerts of this chain', '')
    .option('--entity <class:value>', 'that concern this host or user', '')
    .option('--value <class:value>', 'and have this in them', '')
    .option('--sensor <name>', 'from this sensor', '')
    .option('--days <n>', 'for so many days', '90')
    .action(async (reason: string, o: AddOptions) => done(await add(reason, o, world)));
  below(allow, 'remove', 'take an entry off the list', ALLOW_MANUAL)
    .argument('<ENTRY>', 'its number')
    .argument('<REASON>', `why; ${text}`)
    .action(async (entry: string, reason: string, o: WithConfig) => done(await remove(entry, reason, o, world)));
}
