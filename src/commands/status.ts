// `catenary status` and `catenary tail`: how the sensor on this box is, and what it hears, asked of it over its socket.
import type { Command } from 'commander';
import { loadConfig } from '../config/config.ts';
import { nameList } from '../lib/args.ts';
import { pause } from '../lib/clock.ts';
import { EXIT, type ExitCode, failure, type Result, success } from '../lib/fault.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import { KIND_NAMES } from '../schema/gen/structures.gen.ts';
import { screenLines } from '../status/screen.ts';
import { ask, askStatus, socketPath } from '../status/socket.ts';
import type { Done, Surroundings } from './surroundings.ts';

const DEFAULT_CONFIG = '/etc/catenary/catenary.yaml';
const REDRAW_MS = 1000;

const EXITS = `
EXIT CODES
  0    done, or nobody reads any more
  1    no sensor answers
  2    wrong usage, or a fault in the configuration
  130  stopped by Ctrl-C
`;

const STATUS_MANUAL = `
WHAT IT DOES
  Asks the sensor on this box how it is and shows one screen: what each interface hears, what was lost and
  how much of the last hour was seen; what detection and evidence hold; how far back packets go, and how far
  they could at this rate; what waits for the collector; what the sensor said last. At a terminal the screen
  is drawn anew each second, until Ctrl-C; elsewhere it is printed once.

  It asks over STATE/status.sock, where STATE is state.dir, so it takes the rights to that folder.
${EXITS}
EXAMPLES
  catenary status
  catenary status --config box.yaml --once
  catenary status --json | jq .interfaces
`;

const TAIL_MANUAL = `
WHAT IT DOES
  Prints what the sensor on this box writes from now on, a JSON object a line, as 'catenary read' does:
  events, and what detection concludes from them. An event is written when it is complete: a flow when it
  has ended. Whoever reads too slowly misses some; the sensor does not wait.
${EXITS}
EXAMPLES
  catenary tail --kinds alert,signal
  catenary tail | jq -c 'select(.kind == "dns") | [.ts, .orig_h, .query]'
`;

interface Options {
  readonly config: string;
  readonly once?: boolean;
  readonly json?: boolean;
  readonly kinds?: string;
}

function socketOf(file: string): Result<string> {
  const config = loadConfig(file);
  if (!config.ok) return config;
  const { dir } = config.value.state;
  return dir === null
    ? failure('config_invalid', 'state.dir is null', 'name the configuration that the sensor runs with')
    : success(socketPath(dir));
}

/** Until Ctrl-C, or until nobody reads: the promise of `run`, which gets a signal for that. */
async function interruptible(
  world: Surroundings,
  run: (signal: AbortSignal) => Promise<Result<ExitCode>>,
): Promise<Result<ExitCode>> {
  const stop = new AbortController();
  let code: ExitCode = EXIT.ok;
  const release = world.onInterrupt((signal) => {
    code = signal;
    stop.abort();
  });
  const result = await run(stop.signal);
  release();
  return stop.signal.aborted ? success(code) : result;
}

async function show(path: string, o: Options, world: Surroundings, signal: AbortSignal): Promise<Result<ExitCode>> {
  const isLive = world.stdoutIsTerminal && o.once !== true && o.json !== true;
  // A screen of its own, so that what was there comes back.
  if (isLive) world.stdout.write('\x1b[?1049h\x1b[?25l');
  let result: Result<ExitCode> = success(EXIT.ok);
  let last = '';
  do {
    const status = await askStatus(path);
    if (!status.ok) {
      result = status;
      break;
    }
    last = o.json === true ? `${JSON.stringify(status.value)}\n` : `${screenLines(status.value).join('\n')}\n`;
    if (!isLive) break;
    world.stdout.write(`\x1b[H${last.replaceAll('\n', '\x1b[K\n')}\x1b[J`);
    await world.stdout.close();
    await pause(world.clock, REDRAW_MS, signal);
  } while (!signal.aborted && !world.stdout.closed);
  if (isLive) world.stdout.write('\x1b[?25h\x1b[?1049l');
  world.stdout.write(last);
  return result;
}

function kindsOf(text: string | undefined): Result<KindName[]> {
  const names = text === undefined ? [] : nameList(text);
  const unknown = names.find((n) => !KIND_NAMES.includes(n as KindName));
  return unknown === undefined
    ? success(names as KindName[])
    : failure(
        'usage',
        `--kinds: '${unknown}' is no kind`,
        `one of ${KIND_NAMES.filter((k) => k !== undefined).join(', ')}`,
      );
}

async function tail(path: string, kinds: readonly KindName[], world: Surroundings, signal: AbortSignal) {
  const answer = await ask(path, kinds.length > 0 ? `/events?kinds=${kinds.join(',')}` : '/events', signal);
  if (!answer.ok) return answer;
  answer.value.setEncoding('utf8');
  try {
    for await (const piece of answer.value) {
      if (world.stdout.closed) break;
      world.stdout.write(piece as string);
      // Whoever watches wants each line when it comes.
      await world.stdout.close();
    }
  } catch {
    // Ctrl-C, or the sensor has ended in the middle of a line.
  }
  return success(EXIT.ok);
}

export function addStatus(program: Command, world: Surroundings, done: Done): void {
  const config = ['--config <file>', 'the configuration of the sensor', DEFAULT_CONFIG] as const;
  program
    .command('status')
    .summary('how the sensor on this box is')
    .description('Shows how a running sensor is.')
    .option(...config)
    .option('--once', 'print it once, also at a terminal')
    .option('--json', 'print it once, as JSON')
    .addHelpText('after', STATUS_MANUAL)
    .action(async (o: Options) => {
      const path = socketOf(o.config);
      done(path.ok ? await interruptible(world, (signal) => show(path.value, o, world, signal)) : path);
    });
  program
    .command('tail')
    .summary('what the sensor on this box hears, as it comes')
    .description('Prints events of a running sensor.')
    .option(...config)
    .option('--kinds <list>', 'only these kinds of events, separated by commas')
    .addHelpText('after', TAIL_MANUAL)
    .action(async (o: Options) => {
      const kinds = kindsOf(o.kinds);
      const path = socketOf(o.config);
      if (!kinds.ok) done(kinds);
      else done(path.ok ? await interruptible(world, (s) => tail(path.value, kinds.value, world, s)) : path);
    });
}
