// `catenary evidence`: what proves an alert, as a bundle that anybody can check without us.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { segmentDigester, segmentTrees } from '../capture/index.ts';
import {
  alertsIn,
  bundleOf,
  findAlert,
  folders,
  openSigner,
  person,
  readHolds,
  record,
  releaseHold,
  type StepEvidence,
  segmentFiles,
  segmentFolders,
  setHold,
  sha256,
  VERIFY_SH,
  verifySegments,
} from '../evidence/index.ts';
import { timeOf } from '../lib/args.ts';
import { EXIT, type ExitCode, failure, type Result, success, systemFault } from '../lib/fault.ts';
import { tarOf } from '../lib/tar.ts';
import { safeText } from '../lib/terminal.ts';
import { programVersion } from '../lib/version.ts';
import { addPayloadHunt } from './payload_hunt.ts';
import type { Done, Surroundings } from './surroundings.ts';

const MANUAL = `
Subcommands say more when asked: catenary evidence export --help

EXAMPLES
  catenary evidence list --dir evidence --alerts findings/alerts.ndjson
  catenary evidence export 3f9a2c1b --dir evidence --alerts findings/alerts.ndjson --out case-17.tar
  catenary evidence verify case-17 FINGERPRINT
  catenary evidence hunt --dir evidence --re2 'X-Beacon: [0-9a-f]+'
`;

const LIST_MANUAL = `
WHAT IT DOES
  Prints an alert a line: its id, its severity, when it began (us since the epoch), its title; then how many
  segments of packets are kept, and their bytes.

EXAMPLES
  catenary evidence list --dir evidence --alerts findings/alerts.ndjson
`;

const EXPORT_MANUAL = `
WHAT IT DOES
  Collects what proves one alert: its record, the story as a page, the events, the packets of every step as
  they were captured, files (encrypted with the word 'infected', so that nobody opens one by accident), the
  seals of the segments, and verify.sh, which checks all of it with openssl and sha256sum alone. Where
  something is missing, it says what and why.

WHAT GOES WHERE
  --out NAME      a folder, made new
  --out NAME.tar  an archive

EXIT CODES
  0    the bundle is written, whatever was missing
  1    something could not be read or written
  2    wrong usage, or no such alert: nothing was done

EXAMPLES
  catenary evidence export 3f9a2c1b --dir evidence --alerts findings/alerts.ndjson --out case-17.tar
`;

const VERIFY_MANUAL = `
WHAT IT DOES
  DIR is a bundle: runs the checks of verify.sh on it (our own copy, not the one that came with it).
  DIR is an evidence folder: checks every seal, that they follow each other, that no number is missing,
  every segment against its seal, and that it is the chain which the collector countersigned.

  FINGERPRINT is of the keys: cat sensor.pub collector.pub | sha256sum, the second where a collector
  countersigns. The sensor prints it when it is countersigned first.

EXIT CODES
  0    all is as it was signed
  1    something was altered or is missing; it is named
  2    wrong usage, or it cannot be checked here
  3    consistent, and the signer is not proved: give the FINGERPRINT, got through another channel

EXAMPLES
  catenary evidence verify case-17 FINGERPRINT
  catenary evidence verify evidence
`;

const RELEASE_MANUAL = `
EXAMPLES
  catenary evidence release case-17 --dir evidence --reason 'the case is closed'
`;

const HOLDS_MANUAL = `
EXAMPLES
  catenary evidence holds --dir evidence
`;

const HOLD_MANUAL = `
WHAT IT DOES
  Whatever the budgets say, the sensor deletes no segment that has packets of this time, and no file that was
  carved in it, until 'catenary evidence release'. A running sensor looks within seconds. What is held takes
  room: when the disk is full, new packets are shed, counted, and said.

EXAMPLES
  catenary evidence hold case-17 --dir evidence --since 1772323200 --until 1772928000 --reason 'court order'
`;

const plural = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

function stepLine(s: StepEvidence): string {
  const file = s.file === undefined ? '' : s.file === '' ? ', its file' : `, no file: it ${s.file}`;
  const why = s.reasons.length === 0 ? '' : ` (${s.reasons.join(', ')})`;
  return safeText(`step ${s.step}: ${plural(s.packets, 'packet')}, ${s.state}${why}${file}`);
}

interface ExportOptions {
  readonly dir: string;
  readonly reason: string;
  readonly alerts: string;
  readonly out: string;
}

async function exportBundle(id: string, o: ExportOptions, world: Surroundings): Promise<Result<ExitCode>> {
  if (!existsSync(folders(o.dir).packets))
    return failure('usage', `${o.dir}: is no evidence folder`, 'name the folder that holds packets/');
  if (existsSync(o.out)) return failure('usage', `${o.out}: is there already`, 'name another');
  let what = o.alerts;
  try {
    const alert = findAlert(o.alerts, id);
    if (!alert.ok) return alert;
    const signer = openSigner(folders(o.dir).keys);
    if (!signer.ok) return signer;
    const trees = segmentTrees();
    if (!trees.ok) return trees;
    const bundle = await bundleOf(
      o.dir,
      alert.value,
      trees.value,
      signer.value,
      `catenary ${programVersion()}`,
      world.clock.wall(),
    );
    if (!bundle.ok) return bundle;
    const { entries } = bundle.value;
    const list = entries.find((e) => e.name === 'bundle.manifest')?.bytes ?? '';
    const act = { act: 'export', actor: person(), what: `alert ${alert.value.id}`, reason: o.reason } as const;
    const said = record(o.dir, signer.value, { ...act, sha256: sha256(list) }, world.clock.wall());
    if (!said.ok) return said;
    what = o.out;
    if (o.out.endsWith('.tar')) writeFileSync(o.out, tarOf(entries), { mode: 0o600, flag: 'wx' });
    else
      for (const { name, bytes } of entries) {
        const path = join(o.out, name);
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        writeFileSync(path, bytes, { mode: 0o600, flag: 'wx' });
        if (name.endsWith('.sh')) chmodSync(path, 0o700);
      }
    for (const s of bundle.value.steps) world.stdout.write(`${stepLine(s)}\n`);
    world.stdout.write(`signed by ${bundle.value.fingerprint}\n`);
    return success(EXIT.ok);
  } catch (error) {
    return { ok: false, fault: systemFault(what === o.out ? 'output_unwritable' : 'input_unreadable', what, error) };
  }
}

function list(o: Omit<ExportOptions, 'out'>, world: Surroundings): Result<ExitCode> {
  try {
    const latest = new Map<string, string>();
    for (const alert of alertsIn(o.alerts)) {
      if (!alert.ok) return alert;
      const { id, severity, first, title } = alert.value;
      latest.set(String(id), safeText([id, severity, first, title].map(String).join('  ')));
    }
    for (const line of latest.values()) world.stdout.write(`${line}\n`);
    const { packets } = folders(o.dir);
    const files = segmentFolders(packets).flatMap(segmentFiles);
    const bytes = files.reduce((n, f) => n + f.bytes, 0);
    world.stdout.write(`${plural(files.length, 'segment')} of packets, ${plural(bytes, 'byte')}\n`);
    return success(EXIT.ok);
  } catch (error) {
    return { ok: false, fault: systemFault('input_unreadable', o.alerts, error) };
  }
}

async function verify(dir: string, fingerprint: string | undefined, world: Surroundings): Promise<Result<ExitCode>> {
  if (fingerprint !== undefined && !/^[0-9a-f]{64}$/.test(fingerprint))
    return failure('usage', `'${fingerprint}' is no fingerprint`, '64 hex digits, as export prints them');
  if (existsSync(join(dir, 'bundle.manifest'))) {
    // Ours, told to stand where theirs does: a script out of a bundle is not run.
    const args = ['-c', VERIFY_SH, join(dir, 'verify.sh'), ...(fingerprint === undefined ? [] : [fingerprint])];
    const { status, stdout, stderr } = spawnSync('sh', args, { encoding: 'utf8' });
    world.stdout.write(stdout.split('\n').map(safeText).join('\n'));
    if (status === EXIT.ok || status === EXIT.input || status === EXIT.unproven) return success(status);
    return failure('usage', `${dir}: cannot be checked here: ${stderr.trim()}`, 'install openssl and coreutils');
  }
  const { packets, keys } = folders(dir);
  if (!existsSync(packets))
    return failure('usage', `${dir}: is neither a bundle nor an evidence folder`, 'check the path');
  const digest = segmentDigester();
  if (!digest.ok) return digest;
  const v = { manifests: 0, whole: 0, tombstones: 0, faults: 0, fingerprint: '' };
  for (const folder of segmentFolders(packets)) {
    const verdict = await verifySegments(folder, keys, digest.value);
    if (!verdict.ok) return verdict;
    const { faults, ...found } = verdict.value;
    const where = folder === packets ? '' : `${basename(folder)}/`;
    for (const fault of faults) world.stdout.write(`${safeText(`FAILED ${where}${fault}`)}\n`);
    v.manifests += found.manifests;
    v.whole += found.whole;
    v.tombstones += found.tombstones;
    v.faults += faults.length;
    v.fingerprint = found.fingerprint;
  }
  const counts = `${plural(v.manifests, 'seal')}, ${plural(v.whole, 'file')} as sealed, ${v.tombstones} deleted`;
  world.stdout.write(`${counts}, signed by ${v.fingerprint}\n`);
  if (v.faults > 0) return success(EXIT.input);
  if (fingerprint === undefined) return success(EXIT.unproven);
  if (fingerprint === v.fingerprint) return success(EXIT.ok);
  world.stdout.write(`FAILED sensor.pub: the fingerprint of the keys is ${v.fingerprint}\n`);
  return success(EXIT.input);
}

interface HoldOptions {
  readonly dir: string;
  readonly since: string;
  readonly until: string;
  readonly reason: string;
}

/** An act on a hold, written down. */
function onHold(act: 'hold' | 'release', what: string, o: HoldOptions, world: Surroundings): Result<unknown> {
  const signer = openSigner(folders(o.dir).keys);
  if (!signer.ok) return signer;
  return record(o.dir, signer.value, { act, actor: person(), what, reason: o.reason, sha256: '' }, world.clock.wall());
}

function hold(name: string, o: HoldOptions, world: Surroundings): Result<ExitCode> {
  const from = timeOf('--since', o.since);
  if (!from.ok) return from;
  const to = timeOf('--until', o.until);
  if (!to.ok) return to;
  if (!existsSync(folders(o.dir).packets))
    return failure('usage', `${o.dir}: is no evidence folder`, 'name the folder that holds packets/');
  const set = setHold(o.dir, { name, actor: person(), reason: o.reason, from: from.value, to: to.value });
  if (!set.ok) return set;
  const said = onHold('hold', `hold ${name} since=${o.since} until=${o.until}`, o, world);
  if (said.ok) return success(EXIT.ok);
  const released = releaseHold(o.dir, name);
  return released.ok ? said : released;
}

function release(name: string, o: HoldOptions, world: Surroundings): Result<ExitCode> {
  const holds = readHolds(o.dir);
  if (!holds.ok) return holds;
  if (!holds.value.some((h) => h.name === name))
    return failure('usage', `'${name}' is no hold`, "see 'catenary evidence holds'");
  const said = onHold('release', `hold ${name}`, o, world);
  if (!said.ok) return said;
  const released = releaseHold(o.dir, name);
  return released.ok ? success(EXIT.ok) : released;
}

function listHolds(dir: string, world: Surroundings): Result<ExitCode> {
  const holds = readHolds(dir);
  if (!holds.ok) return holds;
  const time = (us: number): string => new Date(us / 1000).toISOString();
  for (const h of holds.value)
    world.stdout.write(`${safeText([h.name, time(h.from), time(h.to), h.actor, h.reason].join('  '))}\n`);
  return success(EXIT.ok);
}

export function addEvidence(program: Command, world: Surroundings, done: Done): void {
  const evidence = program
    .command('evidence')
    .summary('packets and files that prove an alert')
    .description('Packets and files that prove an alert.')
    .addHelpText('after', MANUAL);
  evidence
    .command('list')
    .description('Lists alerts, and how much is kept.')
    .requiredOption('--dir <dir>', 'the evidence folder')
    .requiredOption('--alerts <file>', 'the alerts.ndjson of the analysis')
    .addHelpText('after', LIST_MANUAL)
    .action((o: ExportOptions) => done(list(o, world)));
  evidence
    .command('export')
    .description('Writes all that proves an alert to a folder or an archive.')
    .argument('<ALERT>', 'its id, or the first eight digits of it')
    .requiredOption('--dir <dir>', 'the evidence folder')
    .requiredOption('--alerts <file>', 'the alerts.ndjson of the analysis')
    .requiredOption('--out <name>', 'a folder that is not there yet, or NAME.tar')
    .option('--reason <text>', 'why, or for which case: goes into the custody log', '')
    .addHelpText('after', EXPORT_MANUAL)
    .action(async (id: string, o: ExportOptions) => done(await exportBundle(id, o, world)));
  evidence
    .command('verify')
    .description('Checks a bundle, or an evidence folder.')
    .argument('<DIR>', 'a bundle, unpacked, or an evidence folder')
    .argument('[FINGERPRINT]', 'of the signer, got through another channel')
    .addHelpText('after', VERIFY_MANUAL)
    .action(async (dir: string, fingerprint?: string) => done(await verify(dir, fingerprint, world)));
  addPayloadHunt(evidence, world, done);
  evidence
    .command('hold')
    .description('Keeps packets and files of a time from being deleted: a legal hold.')
    .argument('<NAME>', 'of the hold')
    .requiredOption('--dir <dir>', 'the evidence folder')
    .requiredOption('--since <time>', 'its begin: 2026-03-01T12:00:00Z, or seconds since the epoch')
    .requiredOption('--until <time>', 'its end')
    .requiredOption('--reason <text>', 'why: goes into the custody log')
    .addHelpText('after', HOLD_MANUAL)
    .action((name: string, o: HoldOptions) => done(hold(name, o, world)));
  evidence
    .command('release')
    .description('Ends a hold.')
    .argument('<NAME>', 'of the hold')
    .requiredOption('--dir <dir>', 'the evidence folder')
    .requiredOption('--reason <text>', 'why: goes into the custody log')
    .addHelpText('after', RELEASE_MANUAL)
    .action((name: string, o: HoldOptions) => done(release(name, o, world)));
  evidence
    .command('holds')
    .description('Lists holds: name, from, until, who, why.')
    .requiredOption('--dir <dir>', 'the evidence folder')
    .addHelpText('after', HOLDS_MANUAL)
    .action((o: HoldOptions) => done(listHolds(o.dir, world)));
}
