// `catenary analyze`: its options and its manual. What it does is src/analyze.ts.
import type { Command } from 'commander';
import { analyze } from '../analyze.ts';
import { loadConfig } from '../config/config.ts';
import { failure, type Result, success } from '../lib/fault.ts';
import { STDIN } from './input_faults.ts';
import type { Done, Surroundings } from './surroundings.ts';

const MANUAL = `
WHAT IT DOES
  Reads captures as one history, in the order of their first packets, and runs everything a sensor runs:
  packets become events, events become signals, signals and events become chains, and a chain that is
  finished is an alert. Time is the packets' own, so 60 days take seconds, and the same captures give the
  same bytes.

WHAT GOES WHERE
  DIR/alerts.ndjson   One alert a line, in its latest revision: chain, host, what was bound (file, domain,
                      ...), every step with its record and why it matched, and the story in words.
  DIR/signals.ndjson  One signal a line: what was noticed on the way. A signal alone alarms nobody.
  Both are written always; a file without a line means: nothing.

  Standard error gets one line for everything that went wrong, and the summary. A chain or a list of
  indicators with a fault is named with file and line and left out; the others run.

FROM ANOTHER SENSOR
  --from zeek DIR reads a folder of Zeek's logs in place of captures: tab-separated or JSON lines, .gz too,
  with folders of days in it. Lines that cannot be used are told with file and number and left out. What
  Zeek has no word for stays unset, and a chain that asks for it does not match.

ACROSS RUNS
  With state.dir in the configuration, memory and half-finished chains outlive the run: the next captures go
  on where the last ones ended. A run that was killed goes on where it stood when it is given again, and one
  that had ended says the same again.

EXIT CODES
  0    all was read and analysed, whether or not there are alerts
  1    something could not be read, decoded or written, or a chain was left out; the rest was done
  2    wrong usage, or a fault in the configuration: nothing was done
  130  interrupted by Ctrl-C; 143 by SIGTERM

EXAMPLES
  catenary analyze day-*.pcap --out findings
  catenary analyze month.pcapng --config catenary.yaml --out findings
  catenary analyze --from zeek /opt/zeek/logs --out findings
  jq -r .explanation findings/alerts.ndjson
`;

interface Options {
  readonly out: string;
  readonly from?: string;
  readonly config?: string;
  readonly filter?: string;
  readonly quiet?: boolean;
}

function contradiction(files: readonly string[], o: Options, stdinIsTerminal: boolean): Result<never> | undefined {
  if (o.from !== undefined) {
    if (o.from !== 'zeek') return failure('usage', `--from '${o.from}' is unknown`, 'one of zeek');
    if (files.includes(STDIN)) return failure('usage', "--from zeek reads folders, not '-'", 'name a folder of logs');
    if (o.filter !== undefined) return failure('usage', '--filter is for packets', 'leave it out');
  }
  if (files.filter((f) => f === STDIN).length > 1)
    return failure('usage', "'-' is named twice", 'standard input can be read once');
  if (files.includes(STDIN) && stdinIsTerminal)
    return failure('usage', 'standard input is a terminal', 'pipe a capture into it');
  if (files.includes('')) return failure('usage', 'a FILE has no name', 'check the quoting');
  return undefined;
}

export function addAnalyze(program: Command, world: Surroundings, done: Done): void {
  program
    .command('analyze')
    .summary('run detection over captures: signals and alerts')
    .description('Runs detection over captures, in packet time.')
    .argument('<FILE...>', "captures, one history; '-' is standard input")
    .option('--from <format>', "FILE is a folder of another sensor's logs: zeek")
    .option('--out <dir>', 'where signals.ndjson and alerts.ndjson go; made where it is missing', '.')
    .option('--config <file>', 'the configuration; without it: the defaults')
    .option('--filter <bpf>', 'only packets that match, in the language of pcap-filter(7)')
    .option('-q, --quiet', 'no summary on standard error')
    .addHelpText('after', MANUAL)
    .action(async (files: string[], o: Options) => {
      const wrong = contradiction(files, o, world.stdinIsTerminal);
      const config = wrong ?? loadConfig(o.config);
      if (!config.ok) {
        done(config);
        return;
      }
      const from = o.from === undefined ? undefined : ('zeek' as const);
      const request = { files, from, out: o.out, config: config.value, filter: o.filter, quiet: o.quiet === true };
      done(success(await analyze(request, world)));
    });
}
