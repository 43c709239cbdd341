// `catenary evidence hunt`: something that nobody knew to look for at the time, looked for in the packets that were
// kept.
import { existsSync, readFileSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { type NativeFound, type NativeHit, payloadHunt } from '../capture/index.ts';
import { ALWAYS, folders, openSigner, person, placesOf, readChains, record, segmentsOf } from '../evidence/index.ts';
import { timeOf, wholeNumber } from '../lib/args.ts';
import { EXIT, type ExitCode, failure, type Result, success, systemFault } from '../lib/fault.ts';
import { Progress } from '../lib/progress.ts';
import { ipText } from '../schema/ip.ts';
import type { Done, Surroundings } from './surroundings.ts';

const MANUAL = `
WHAT IT DOES
  Looks in sealed segments for texts, bytes, patterns and rules, and prints a JSON object a line for each that
  is found: when, in which flow, which way, where, and its first bytes.

  TCP is looked at as the stream that it was, so that what was split over packets and segments is found;
  everything else by the packet: datagrams of UDP, messages of ICMP, other payloads of IP. A stream is looked
  at in windows of 64 KiB that overlap by 4 KiB: longer matches may be missed where two meet. Rules of YARA
  see a window as they would a file. What is encrypted stays so; ARP and others without IP are not looked at.

  'offset' counts in the stream, from the first byte that was looked at, or in the packet's payload.
  Who looked for what and why goes into the custody log first.

EXIT CODES
  0    all was looked at, whatever was found
  1    something could not be read, or more was found than --hits: what is printed is not all
  2    wrong usage, or a pattern that means nothing: nothing was done
  130  stopped by Ctrl-C

EXAMPLES
  catenary evidence hunt --dir evidence --text 'X-Beacon: 7f3a' --since 2026-03-01
  catenary evidence hunt --dir evidence --hex '4d5a9000 03' --re2 '(?i)passwd=[^&]*' --filter 'port 80'
  catenary evidence hunt --dir evidence --yara rules.yar --reason 'case 17' | jq -r .uid | sort -u
`;

/** Of a file of rules; native/hunt refuses more. */
const RULES_BYTES_MAX = 4 << 20;
const FOREVER = (1n << 63n) - 1n;

interface Options {
  readonly dir: string;
  readonly text: readonly string[];
  readonly hex: readonly string[];
  readonly re2: readonly string[];
  readonly yara?: string;
  readonly filter: string;
  readonly since?: string;
  readonly until?: string;
  readonly hits: string;
  readonly reason: string;
}

interface Pattern {
  readonly name: string;
  readonly regex: string;
}

/** Bytes as a pattern of RE2 over bytes. */
const ofBytes = (bytes: Uint8Array): string =>
  Array.from(bytes, (b) => `\\x${b.toString(16).padStart(2, '0')}`).join('');

function patternsOf(o: Options): Result<Pattern[]> {
  const out: Pattern[] = o.text.map((t) => ({ name: t, regex: ofBytes(Buffer.from(t)) }));
  for (const text of o.hex) {
    const digits = text.replace(/[\s:]/g, '');
    if (!/^([0-9a-fA-F]{2})+$/.test(digits))
      return failure('usage', `--hex '${text}': are no bytes`, "write '4d 5a 90 00'");
    out.push({ name: text, regex: ofBytes(Buffer.from(digits, 'hex')) });
  }
  // RE2 is given bytes: what a person writes beyond ASCII is meant as it stands in UTF-8.
  for (const text of o.re2)
    out.push({ name: text, regex: text.replace(/[^\0-\x7f]+/gu, (odd) => `(?:${ofBytes(Buffer.from(odd))})`) });
  return out.some((p) => p.name === '') ? failure('usage', 'a pattern is empty', 'say what to look for') : success(out);
}

function rulesIn(path: string | undefined): Result<string | undefined> {
  if (path === undefined) return success(undefined);
  try {
    const { size } = statSync(path);
    if (size > RULES_BYTES_MAX) return failure('usage', `${path}: is longer than ${RULES_BYTES_MAX} bytes`, 'split it');
    return success(readFileSync(path, 'utf8'));
  } catch (error) {
    return { ok: false, fault: systemFault('input_unreadable', path, error) };
  }
}

const hitLine = (h: NativeHit): string =>
  JSON.stringify({
    ...{ ts: h.ts / 1e6, uid: h.uid, orig_h: ipText(h.origH), orig_p: h.origP, resp_h: ipText(h.respH) },
    ...{ resp_p: h.respP, proto: h.proto, is_orig: h.isOrig, is_stream: h.isStream },
    ...{ offset: h.offset, length: h.length, pattern: h.pattern, excerpt: excerptOf(h.excerpt) },
  });

/** Printable ASCII as it is, the rest as \xNN. */
const excerptOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (b) =>
    b >= 0x20 && b < 0x7f && b !== 0x5c ? String.fromCharCode(b) : `\\x${b.toString(16).padStart(2, '0')}`,
  ).join('');

async function hunt(o: Options, world: Surroundings): Promise<Result<ExitCode>> {
  const since = o.since === undefined ? success(0) : timeOf('--since', o.since);
  if (!since.ok) return since;
  const until = o.until === undefined ? success(undefined) : timeOf('--until', o.until);
  if (!until.ok) return until;
  const hitsMax = wholeNumber('--hits', o.hits, 1, 1_000_000);
  if (!hitsMax.ok) return hitsMax;
  const patterns = patternsOf(o);
  if (!patterns.ok) return patterns;
  if (patterns.value.length === 0 && o.yara === undefined)
    return failure('usage', 'nothing to look for', 'give --text, --hex, --re2 or --yara');
  const rules = rulesIn(o.yara);
  if (!rules.ok) return rules;
  const at = folders(o.dir);
  if (!existsSync(at.packets))
    return failure('usage', `${o.dir}: is no evidence folder`, 'name the folder that holds packets/');
  // One for all: a flow goes on from segment to segment.
  const found = payloadHunt(patterns.value, rules.value, hitsMax.value);
  if (!found.ok) return found;
  const signer = openSigner(at.keys);
  if (!signer.ok) return signer;
  const names = patterns.value.map((p) => p.name).concat(o.yara === undefined ? [] : [`yara ${o.yara}`]);
  const what = `hunt ${JSON.stringify(names)} in '${o.filter}' since=${o.since ?? ''} until=${o.until ?? ''}`;
  const act = { act: 'view', actor: person(), what, reason: o.reason, sha256: '' } as const;
  const said = record(o.dir, signer.value, act, world.clock.wall());
  if (!said.ok) return said;

  const isAlways = o.since === undefined && o.until === undefined;
  const to = until.value === undefined ? FOREVER : BigInt(until.value) * 1000n + 999n;
  const span = isAlways ? ALWAYS : { from: BigInt(since.value) * 1000n, to };
  let code: ExitCode = EXIT.ok;
  let isStopped = false;
  const release = world.onInterrupt((signal) => {
    code = signal;
    isStopped = true;
  });
  let last: NativeFound | undefined;
  const isIn = (h: NativeHit): boolean => {
    const ts = BigInt(Math.round(h.ts)) * 1000n;
    return ts >= span.from && ts <= span.to;
  };
  const take = (f: NativeFound): Result<undefined> => {
    last = f;
    for (const hit of f.hits.filter(isIn)) world.stdout.write(`${hitLine(hit)}\n`);
    return f.error === undefined
      ? success(undefined)
      : failure('input_unreadable', f.error, 'see the filter or the disk');
  };
  const chains = readChains(at.packets).map((c) => segmentsOf([c], span));
  const total = chains.reduce((n, c) => n + c.there.length, 0);
  const progress = new Progress(world.stderr, world.clock);
  const isOver = (): boolean => isStopped || world.stdout.closed || last?.isFull === true;
  let done = 0;
  try {
    for (const { there } of chains) {
      for (const path of there) {
        if (isOver()) break;
        if (progress.isDue()) progress.draw({ done, total, packets: last?.packets ?? 0, name: path });
        const places = placesOf(path, { filter: o.filter, span });
        if (!places.ok) return places;
        const looked = take(await found.value.segment(path, o.filter, places.value));
        if (!looked.ok) return looked;
        await world.stdout.settle();
        done++;
      }
      // Another interface's flows are others.
      const ended = take(await found.value.finish());
      if (!ended.ok) return ended;
    }
  } finally {
    progress.erase();
    release();
  }
  const gone = chains.reduce((n, c) => n + c.gone, 0);
  const notes = [
    `${last?.packets ?? 0} packets, ${last?.bytes ?? 0} bytes of payload in ${done} segments`,
    ...(gone > 0 ? [`${gone} segments of the time have been deleted`] : []),
    ...(last?.lost ? [`${last.lost} bytes of streams are missing`] : []),
    ...(last?.early ? [`${last.early} windows ended early for lack of memory`] : []),
    ...(last?.slow ? [`${last.slow} windows took YARA too long`] : []),
    ...(last?.isFull ? [`stopped at ${o.hits} hits: there may be more`] : []),
  ];
  world.stderr.write(`${notes.join('; ')}\n`);
  if (isStopped) return success(code);
  return success(last?.isFull === true ? EXIT.input : EXIT.ok);
}

const more = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export function addPayloadHunt(evidence: Command, world: Surroundings, done: Done): void {
  evidence
    .command('hunt')
    .summary('look for something in the packets that were kept')
    .description('Looks for texts, bytes, patterns and YARA rules in what packets carry.')
    .requiredOption('--dir <dir>', 'the evidence folder')
    .option('--text <text>', 'exactly this; may be given several times', more, [])
    .option('--hex <bytes>', "these bytes: '4d 5a'; may be given several times", more, [])
    .option('--re2 <pattern>', 'a pattern of RE2, over bytes; may be given several times', more, [])
    .option('--yara <file>', 'rules of YARA')
    .option('--filter <bpf>', "only in packets that pass: 'host 10.0.0.5'", '')
    .option('--since <time>', 'not before: 2026-03-01T12:00:00Z, or seconds since the epoch')
    .option('--until <time>', 'not after')
    .option('--hits <n>', 'most to print', '10000')
    .option('--reason <text>', 'why, or for which case: goes into the custody log', '')
    .addHelpText('after', MANUAL)
    .action(async (o: Options) => done(await hunt(o, world)));
}
