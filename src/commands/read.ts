// `catenary read`: its options, their checks and its manual. What it does is src/read.ts.
import type { Command } from 'commander';
import { choice, nameList, seconds, wholeNumber } from '../lib/args.ts';
import { failure, type Result, success } from '../lib/fault.ts';
import { FORMATS, type ReadRequest, read } from '../read.ts';
import type { KindName } from '../schema/gen/events.gen.ts';
import { KIND_NAMES } from '../schema/gen/structures.gen.ts';
import { STDIN } from './input_faults.ts';
import type { Done, Surroundings } from './surroundings.ts';

// What packets alone give. The other kinds are conclusions, made further down the path.
const KINDS_READ = [
  ...['conn', 'conn_update', 'dns', 'http', 'tls', 'x509', 'file', 'dhcp', 'arp', 'icmp', 'weird'],
  // A live minute's.
  ...['capture_stats', 'coverage'],
];

const MANUAL = `
WHAT IT DOES
  Reads packets from capture files, one after another as one history, or live from an interface. Decodes
  them to flows and protocols, and writes what happened as events. pcap and pcapng are read, of either byte
  order and any time resolution. FILE - is standard input; from a pipe events come while packets do.

  --follow DIR reads all captures in a directory in the order of their names (trace9 before trace10), each
  as far as it is whole, and goes on as the newest grows and others come: what tcpdump -G and -C write. It
  ends by --duration, --count or Ctrl-C.

  --from zeek DIR reads a folder of Zeek's logs in place of packets: tab-separated or JSON lines, .gz too,
  archives of days with their folders. Rows come in the order in which they were complete; a line that
  cannot be used is told with file and number. src/formats/zeek/README.md says what Zeek has no word for.

  An interface that goes down or away is waited for.

  Everything runs on packet time: the same capture gives the same output, whenever it is read.

WHAT GOES WHERE
  --as json   One JSON object a line on standard output, in the order in which the events were complete
              ("seen"). "kind" comes first, then the fields of the schema; times are seconds since the epoch.
              A field without a value is left out. With --out DIR: one file a kind, DIR/KIND.ndjson.
  --as zeek   Zeek's logs in DIR (default: the current directory), those that have a row: conn.log, dns.log,
              http.log, ssl.log, x509.log, files.log, dhcp.log, weird.log. Zeek's names, columns, types and
              escaping; columns of ours come last. An older log of the same name is replaced.
              Zeek has no http and ssl rows for connections whose beginning it has not seen, and knows DNS
              on its own ports only; --all-rows writes these rows too.
  --as eve    Suricata's EVE, one JSON object a line, on standard output; with --out DIR in DIR/eve.json,
              and an older one is replaced. Names and types are Suricata 7's (dns is version 2); weirds are
              anomaly events. The README of src/formats/eve says of each field whether it is the same.
  --as none   Decodes everything and writes nothing but the summary: a check of a capture, a measurement.

  Standard error gets one line for everything that went wrong, and the summary, which --as none prints on
  standard output: packets, bytes, flows, events, how many of each kind, rate, memory; one a line. A
  progress line is shown while a long run is watched at a terminal.

  A file that cannot be read, or breaks off, is named with the reason; what stood before the break and
  the other files are read all the same. Ctrl-C ends in order: open flows are written, then the summary; a
  second one ends at once.

KINDS
  ${KINDS_READ.join(', ')}
  Zeek's names for them (ssl, files) are understood too.

EXIT CODES
  0    all was read and written; also when the reader of our output went away, as head does
  1    something could not be read, decoded or written; the rest was
  2    wrong usage: nothing was done
  130  interrupted by Ctrl-C; 143 by SIGTERM

EXAMPLES
  catenary read day.pcap | jq -c 'select(.kind == "dns") | [.ts, .orig_h, .query]'
  catenary read *.pcapng --as zeek --out logs
  catenary read day.pcap --kinds dns,tls --filter 'host 192.0.2.7'
  tcpdump -i eth0 -U -w - | catenary read -
  catenary read day.pcap --as eve | jq -c 'select(.event_type == "tls") | .tls.sni'
  catenary read --follow /var/captures --as zeek --out logs
  catenary read --interface eth0 --duration 5m --as zeek --out logs
  catenary read day.pcap --as none
  catenary read --from zeek /opt/zeek/logs/2026-03-01 | jq -c 'select(.kind == "dns") | [.ts, .query]'
`;

interface Options {
  readonly as: string;
  readonly from?: string;
  readonly out?: string;
  readonly kinds?: string;
  readonly filter?: string;
  readonly json?: boolean;
  readonly allRows?: boolean;
  readonly interface?: string;
  readonly follow?: string;
  readonly duration?: string;
  readonly count?: string;
  readonly snaplen?: string;
  readonly flowsMax?: string;
  readonly quiet?: boolean;
}

async function kinds(text: string, as: string): Promise<Result<KindName[]>> {
  const { kindOfLog, ZEEK_KINDS } = await import('../formats/zeek/zeek.ts');
  const { EVE_KINDS } = await import('../formats/eve/eve.ts');
  const found: KindName[] = [];
  for (const name of nameList(text)) {
    const kind = kindOfLog(name) ?? KIND_NAMES.find((k) => k === name);
    if (kind === undefined) return failure('usage', `--kinds: '${name}' is no kind`, `one of ${KINDS_READ.join(', ')}`);
    if (as === 'zeek' && !ZEEK_KINDS.includes(kind))
      return failure('usage', `--kinds: Zeek has no log for '${name}'`, `one of ${ZEEK_KINDS.join(', ')}`);
    if (as === 'eve' && !EVE_KINDS.includes(kind))
      return failure('usage', `--kinds: EVE has no event for '${name}'`, `one of ${EVE_KINDS.join(', ')}`);
    found.push(kind);
  }
  return found.length > 0 ? success(found) : failure('usage', '--kinds names none', `one of ${KINDS_READ.join(', ')}`);
}

/** Options that mean nothing together: better refused than half obeyed. */
function contradiction(files: readonly string[], o: Options, stdinIsTerminal: boolean): Result<never> | undefined {
  const usage = (message: string, hint: string): Result<never> => failure('usage', message, hint);
  const live = o.interface !== undefined;
  const endless = live || o.follow !== undefined;
  if (o.from !== undefined) {
    if (endless) return usage('--from reads logs', 'leave out --interface and --follow');
    if (files.length === 0) return usage('nothing to read', "name a folder of Zeek's logs");
    if (files.includes(STDIN)) return usage("--from zeek reads folders, not '-'", "name a folder of Zeek's logs");
    if (o.filter !== undefined || o.flowsMax !== undefined)
      return usage('--filter and --flows-max are for packets', 'leave them out: logs are read whole');
  }
  if (live && files.length > 0) return usage('--interface and FILE exclude each other', 'give one of them');
  if (o.follow !== undefined && (live || files.length > 0))
    return usage('--follow excludes --interface and FILE', 'give one of them');
  if (!endless && files.length === 0)
    return usage('nothing to read', "name a capture, '-' for standard input, or --interface IF");
  for (const [option, value, isMeant] of [
    ['--duration', o.duration, endless],
    ['--count', o.count, endless],
    ['--snaplen', o.snaplen, live],
  ] as const)
    if (!isMeant && value !== undefined)
      return usage(`${option} is for live capture`, 'add --interface IF, or leave it out');
  if (o.as === 'none' && o.out !== undefined) return usage('--as none writes no files', 'leave out --out');
  if (o.as === 'none' && o.kinds !== undefined) return usage('--as none writes no events', 'leave out --kinds');
  if (o.as !== 'zeek' && o.json === true) return usage('--json is for --as zeek', 'add --as zeek, or leave it out');
  if (o.as !== 'zeek' && o.allRows === true)
    return usage('--all-rows is for --as zeek', 'add --as zeek, or leave it out: other formats have all rows');
  if (files.filter((f) => f === STDIN).length > 1)
    return usage("'-' is named twice", 'standard input can be read once');
  if (files.includes(STDIN) && stdinIsTerminal) return usage('standard input is a terminal', 'pipe a capture into it');
  if (files.includes('')) return usage('a FILE has no name', 'check the quoting');
  return undefined;
}

const given = <T>(text: string | undefined, parse: (text: string) => Result<T>): Result<T | undefined> =>
  text === undefined ? success(undefined) : parse(text);

const FLOWS_MIN = 16;
/** The tables for more would not fit into any memory. */
const FLOWS_MAX = 1 << 28;
/** libpcap's own limits. */
const SNAPLEN_MIN = 64;
const SNAPLEN_MAX = 262144;

async function requestOf(files: readonly string[], o: Options, stdinIsTerminal: boolean): Promise<Result<ReadRequest>> {
  const as = choice('--as', o.as, FORMATS);
  if (!as.ok) return as;
  const from = given(o.from, (text) => choice('--from', text, ['zeek'] as const));
  if (!from.ok) return from;
  const wrong = contradiction(files, o, stdinIsTerminal);
  if (wrong !== undefined) return wrong;
  const wanted = o.kinds === undefined ? success(undefined) : await kinds(o.kinds, o.as);
  if (!wanted.ok) return wanted;
  const duration = given(o.duration, (text) => seconds('--duration', text));
  if (!duration.ok) return duration;
  const count = given(o.count, (text) => wholeNumber('--count', text, 1));
  if (!count.ok) return count;
  const snaplen = given(o.snaplen, (text) => wholeNumber('--snaplen', text, SNAPLEN_MIN, SNAPLEN_MAX));
  if (!snaplen.ok) return snaplen;
  const flowsMax = given(o.flowsMax, (text) => wholeNumber('--flows-max', text, FLOWS_MIN, FLOWS_MAX));
  if (!flowsMax.ok) return flowsMax;
  return success({
    files,
    from: from.value,
    interface: o.interface,
    follow: o.follow,
    as: as.value,
    out: o.out,
    kinds: wanted.value,
    filter: o.filter,
    json: o.json === true,
    allRows: o.allRows === true,
    quiet: o.quiet === true,
    duration: duration.value,
    count: count.value,
    snaplen: snaplen.value,
    flowsMax: flowsMax.value,
  });
}

export function addRead(program: Command, world: Surroundings, done: Done): void {
  program
    .command('read')
    .summary('decode captures, or an interface, to events')
    .description("Decodes packets to events: JSON lines, the logs of Zeek, or Suricata's EVE.")
    .argument('[FILE...]', "captures to read, in this order; '-' is standard input")
    .option('--from <format>', "FILE is a folder of another sensor's logs: zeek")
    .option('--as <format>', `what to write: ${FORMATS.join(', ')}`, 'json')
    .option('--out <dir>', 'write files into this directory; it is made where it is missing')
    .option('--kinds <list>', 'only these kinds of events, separated by commas')
    .option('--filter <bpf>', 'only packets that match, in the language of pcap-filter(7)')
    .option('--json', "Zeek's logs as JSON lines instead of tab-separated values")
    .option('--all-rows', "Zeek's logs with the rows that Zeek would not write")
    .option('-i, --interface <if>', 'capture live from here; takes the rights of tcpdump')
    .option('--follow <dir>', 'all captures in this directory, and on as they grow and others come')
    .option('--duration <time>', 'end live capture after so long: seconds, or 90s, 15m, 2h')
    .option('--count <n>', 'end live capture after n packets')
    .option('--snaplen <bytes>', 'keep so much of each live packet')
    .option('--flows-max <n>', 'hold at most n flows at once; then the oldest ends early')
    .option('-q, --quiet', 'no summary on standard error')
    .addHelpText('after', MANUAL)
    .action(async (files: string[], options: Options) => {
      const request = await requestOf(files, options, world.stdinIsTerminal);
      done(request.ok ? success(await read(request.value, world)) : request);
    });
}
