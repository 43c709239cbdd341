// `catenary content`: packs of chains, indicators and policies: made and signed, installed on a box, rolled out by a
// collector.
import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  isIn,
  publish,
  publishedBytes,
  readReports,
  readRollout,
  rolloutDir,
  type Stage,
} from '../collector/rollout.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { POLICY_GROUPS, SENSOR_NAME } from '../config/schema.ts';
import {
  entriesBelow,
  inboxName,
  keyId,
  loadSigningKey,
  loadTrust,
  makeSigningKey,
  manifestOf,
  PACKED,
  type Pack,
  packId,
  packOf,
  putInInbox,
  readPack,
  signatureOf,
  trusted,
  usable,
} from '../content/index.ts';
import { wholeNumber } from '../lib/args.ts';
import {
  EXIT,
  type ExitCode,
  type Fault,
  failure,
  faultLine,
  type Result,
  success,
  systemFault,
} from '../lib/fault.ts';
import { asOwnerOf } from '../lib/owner.ts';
import { safeText } from '../lib/terminal.ts';
import { programVersion } from '../lib/version.ts';
import { checkContent, contentDir, openShelf } from '../packs.ts';
import { PACK_NAME } from '../wire/agreed.ts';
import type { Done, Surroundings } from './surroundings.ts';

const DAY_S = 86_400;

const EXITS = `
EXIT CODES
  0    done
  1    something is wrong with a pack, or could not be read or written: nothing was done
  2    wrong usage, or a fault in the configuration
`;

const MANUAL = `
Subcommands say more when asked: catenary content pack --help

WHAT A PACK IS
  NAME-VERSION.tar.gz: chains, signals in YAML, lists of indicators and a policy, with a manifest that has the
  SHA-256 of every file and is signed (Ed25519). It holds no code. tar, openssl and sha256sum can check it.

  Whoever makes one:      content key, content pack, content sign
  On a sensor's box:      content show, content install, content list, content back
  Where the collector is: content publish, content rollout
${EXITS}
EXAMPLES
  catenary content key alice.key
  catenary content pack base base-7 --key alice.key
  catenary content install base-7.tar.gz --config /etc/catenary/catenary.yaml
`;

const KEY_MANUAL = `
WHAT IT DOES
  Makes a key to sign packs with: FILE, which nobody else may read, and FILE.pub, which content.keys of
  every box that shall trust it names. A key that is there is never written over. Keep FILE off the boxes.

EXAMPLES
  catenary content key alice.key
`;

const PACK_MANUAL = `
WHAT IT DOES
  Packs chains/, signals/, intel/ and policy.yaml of FOLDER, and signs it. First everything is checked as a
  sensor will: chains are linted and their cases run, signals and lists are read. One fault, and nothing is
  written.

  VERSION is a whole number that only ever rises; the date does: 20261124. After --days nobody takes the
  pack any more, so that an old one cannot be passed off as the newest.

EXAMPLES
  catenary content pack base base-7 --key alice.key --key bob.key --days 90
`;

const SIGN_MANUAL = `
WHAT IT DOES
  Adds a signature, where content.threshold asks for several people: look at what is in it first.

EXAMPLES
  catenary content show base-7.tar.gz
  catenary content sign base-7.tar.gz --key bob.key
`;

const SHOW_MANUAL = `
WHAT IT DOES
  Prints what a pack is, who has signed it, and its files. With --config it says whether that box would take
  it: whether enough of those it trusts have signed, and whether all that is in it can be used. ${EXITS}
  EXAMPLES catenary content show base-7.tar.gz --config /etc/catenary/catenary.yaml
`;

const INSTALL_MANUAL = `
WHAT IT DOES
  Checks a pack and hands it to the sensor, which takes it within seconds, or at its next start. For
  content.trial_min minutes it is watched: when the sensor does badly with it, the pack before comes back by
  itself. 'catenary tail --kind audit' shows both. ${EXITS} EXAMPLES catenary content install base-7.tar.gz
  --config /etc/catenary/catenary.yaml
`;

const BACK_MANUAL = `
WHAT IT DOES
  Has the sensor use the pack before this one again, or none. The one that was sent back is not taken again;
  the next version is.

EXAMPLES
  catenary content back base --config /etc/catenary/catenary.yaml
`;

const LIST_MANUAL = `
WHAT IT DOES
  Prints a pack a line: its name and version, whether it is on trial, what came before it, what was sent
  back and why. What is not as it was signed any more is told.

EXAMPLES
  catenary content list --config /etc/catenary/catenary.yaml
`;

const PUBLISH_MANUAL = `
WHAT IT DOES
  Run where the collector is. Offers a pack to some of its sensors, which ask every ten minutes: --to 10% is
  a tenth of them, always the same ones and more of them when it is raised; --to all; --to
  berlin-1,berlin-2. PACK may be the name of one that is published already: then only its stage changes.
  --to 0% stops it; who has it keeps it.

  Sensors ask who has signed it themselves; the collector is not believed.

EXAMPLES
  catenary content publish base-7.tar.gz --to 10% --config /etc/catenary/catenary.yaml
  catenary content publish base --to all --config /etc/catenary/catenary.yaml
`;

const ROLLOUT_MANUAL = `
WHAT IT DOES
  Run where the collector is. Prints what is published and how far it goes; then, a sensor a line, what it
  runs, what it is on trial with, and when it last said so.

EXAMPLES
  catenary content rollout --config /etc/catenary/catenary.yaml
`;

const read = (file: string): Result<Buffer> => {
  try {
    return success(readFileSync(file));
  } catch (error) {
    return { ok: false, fault: systemFault('input_unreadable', file, error) };
  }
};

const packAt = (file: string): Result<Omit<Pack, 'signers'> & { readonly bytes: Buffer }> => {
  const bytes = read(file);
  if (!bytes.ok) return bytes;
  const pack = readPack(bytes.value, file);
  return pack.ok ? success({ ...pack.value, bytes: bytes.value }) : pack;
};

function makeKey(file: string, world: Surroundings): Result<ExitCode> {
  const made = makeSigningKey(file);
  if (!made.ok) return made;
  world.stdout.write(`${keyId(made.value)} ${safeText(file)}.pub\n`);
  return success(EXIT.ok);
}

interface PackOptions {
  readonly key: readonly string[];
  readonly days: string;
  readonly needs?: string;
  readonly out?: string;
}

/** One fault of several as the one that is told; the others go before it. */
function firstOf(faults: readonly Fault[], world: Surroundings): Result<never> | undefined {
  for (const f of faults.slice(1)) world.stderr.write(`${faultLine(f)}\n`);
  const [fault] = faults;
  return fault === undefined ? undefined : { ok: false, fault };
}

function makePack(folder: string, id: string, o: PackOptions, world: Surroundings): Result<ExitCode> {
  const [, name = '', number = ''] = /^(.*)-([0-9]{1,15})$/.exec(id) ?? [];
  if (!PACK_NAME.test(name))
    return failure('usage', `'${id}' is no name and version of a pack`, 'base-7: lower-case letters, digits and -');
  const version = wholeNumber('VERSION', number, 1);
  const days = wholeNumber('--days', o.days, 1, 3650);
  if (!version.ok) return version;
  if (!days.ok) return days;
  const entries = entriesBelow(folder);
  if (!entries.ok) return entries;
  const stray = entries.value.find((e) => !PACKED.test(e.name));
  if (stray !== undefined)
    return failure(
      'content_invalid',
      `${folder}/${stray.name}: does not belong in a pack`,
      'chains/, signals/, intel/, policy.yaml',
    );
  // What a box lets a policy set is the box's to say.
  const wrong = firstOf(checkContent(folder, POLICY_GROUPS), world);
  if (wrong !== undefined) return wrong;
  const made = Math.floor(world.clock.wall() / 1e6);
  const needs = o.needs ?? programVersion();
  const about = { name, version: version.value, made, expires: made + days.value * DAY_S, needs };
  const manifest = manifestOf(about, entries.value);
  const signatures = [];
  for (const file of o.key) {
    const key = loadSigningKey(file);
    if (!key.ok) return key;
    signatures.push(signatureOf(manifest, key.value));
  }
  const out = o.out ?? `${packId(about)}.tar.gz`;
  return writePack(out, packOf(manifest, signatures, entries.value), world);
}

function writePack(out: string, bytes: Buffer, world: Surroundings): Result<ExitCode> {
  const whole = readPack(bytes, out);
  if (!whole.ok) return whole;
  try {
    writeFileSync(out, bytes);
  } catch (error) {
    return { ok: false, fault: systemFault('output_unwritable', out, error) };
  }
  const { manifest, signatures } = whole.value;
  const files = Object.keys(manifest.files).length;
  const by = signatures.map((s) => s.id).join(', ');
  world.stdout.write(`${safeText(out)}: ${packId(manifest)}, ${files} files, signed by ${by}\n`);
  return success(EXIT.ok);
}

function sign(file: string, keys: readonly string[], world: Surroundings): Result<ExitCode> {
  const pack = packAt(file);
  if (!pack.ok) return pack;
  const signatures = new Map(pack.value.signatures.map((s) => [s.id, s]));
  for (const at of keys) {
    const key = loadSigningKey(at);
    if (!key.ok) return key;
    const made = signatureOf(pack.value.manifestBytes, key.value);
    signatures.set(made.id, made);
  }
  return writePack(file, packOf(pack.value.manifestBytes, [...signatures.values()], pack.value.files), world);
}

/** Enough of those whom `config` trusts have signed it, and it may be taken now. */
function accepted(pack: Omit<Pack, 'signers'>, config: Config, world: Surroundings): Result<Pack> {
  const trust = loadTrust(config.content.keys, config.content.threshold);
  if (!trust.ok) return trust;
  const ours = trusted(pack, trust.value);
  if (!ours.ok) return ours;
  const fit = usable(ours.value, world.clock.wall(), programVersion());
  return fit.ok ? ours : fit;
}

function show(file: string, config: Config | undefined, world: Surroundings): Result<ExitCode> {
  const pack = packAt(file);
  if (!pack.ok) return pack;
  const { manifest, signatures, files } = pack.value;
  const say = (text: string): void => void world.stdout.write(`${safeText(text)}\n`);
  const day = (s: number): string => new Date(s * 1000).toISOString().slice(0, 10);
  say(
    `${packId(manifest)}, made ${day(manifest.made)}, taken until ${day(manifest.expires)}, needs catenary ${manifest.needs}`,
  );
  say(`signed by ${signatures.length === 0 ? 'nobody' : signatures.map((s) => s.id).join(', ')}`);
  for (const f of files) say(`${String(f.bytes.length).padStart(9)}  ${f.name}`);
  if (config === undefined) return success(EXIT.ok);
  const ours = accepted(pack.value, config, world);
  if (!ours.ok) return ours;
  say(`trusted: ${ours.value.signers.join(', ')}`);
  return success(EXIT.ok);
}

async function install(file: string, config: Config, world: Surroundings): Promise<Result<ExitCode>> {
  const { dir } = config.state;
  if (dir === null) return failure('config_invalid', 'state.dir is null', 'packs need a folder to be kept in');
  const pack = packAt(file);
  if (!pack.ok) return pack;
  const ours = accepted(pack.value, config, world);
  if (!ours.ok) return ours;
  const { manifest } = ours.value;
  const shelf = await openShelf(config, world.clock);
  if (!shelf.ok) return shelf;
  const floor = shelf.value.packs.get(manifest.name)?.floor ?? 0;
  if (manifest.version <= floor)
    return failure('content_invalid', `${packId(manifest)}: is not newer than ${manifest.name}-${floor}`);
  const at = contentDir(dir);
  const put = await asOwnerOf(at, () => putInInbox(at, inboxName(manifest), pack.value.bytes));
  if (!put.ok) return put;
  world.stdout.write(`${packId(manifest)}: the sensor takes it within seconds, or when it starts\n`);
  return success(EXIT.ok);
}

async function back(name: string, config: Config, world: Surroundings): Promise<Result<ExitCode>> {
  const { dir } = config.state;
  if (dir === null) return failure('config_invalid', 'state.dir is null', 'packs need a folder to be kept in');
  const shelf = await openShelf(config, world.clock);
  if (!shelf.ok) return shelf;
  const used = shelf.value.packs.get(name);
  if (used === undefined || used.current === null) return failure('usage', `${name}: no such pack is used`);
  const at = contentDir(dir);
  const put = await asOwnerOf(at, () => putInInbox(at, `back-${name}`, Buffer.alloc(0)));
  if (!put.ok) return put;
  const before = used.previous === null ? 'no pack of that name' : `${name}-${used.previous}`;
  world.stdout.write(`${name}-${used.current} goes: the sensor uses ${before} within seconds\n`);
  return success(EXIT.ok);
}

async function list(config: Config, world: Surroundings): Promise<Result<ExitCode>> {
  const shelf = await openShelf(config, world.clock);
  if (!shelf.ok) return shelf;
  const say = (text: string): void => void world.stdout.write(`${safeText(text)}\n`);
  for (const [name, s] of shelf.value.packs) {
    const parts = [s.current === null ? `${name}: none` : `${name}-${s.current}`];
    if (s.trial !== null) parts.push(`on trial until ${new Date(s.trial.until / 1000).toISOString().slice(0, 16)}`);
    if (s.previous !== null) parts.push(`before it ${name}-${s.previous}`);
    say(parts.join(', '));
    for (const r of s.returned) say(`  ${name}-${r.version} was sent back: ${r.why}`);
  }
  if (shelf.value.packs.size === 0) say('no pack was installed');
  const { faults } = shelf.value.content();
  return firstOf(faults, world) ?? success(EXIT.ok);
}

/** "10%", "all", "berlin-1,berlin-2" */
export function stageOf(text: string): Stage | undefined {
  if (text === 'all') return { percent: 100 };
  const [, percent] = /^(\d{1,3})%$/.exec(text) ?? [];
  if (percent !== undefined) return Number(percent) <= 100 ? { percent: Number(percent) } : undefined;
  const sensors = text.split(',');
  return sensors.every((s) => SENSOR_NAME.test(s)) ? { sensors } : undefined;
}
const stageText = (to: Stage): string => ('percent' in to ? `${to.percent}%` : to.sensors.join(','));

async function publishPack(what: string, to: string, config: Config, world: Surroundings): Promise<Result<ExitCode>> {
  const stage = stageOf(to);
  if (stage === undefined)
    return failure('usage', `--to ${to}: is no stage`, '10%, all, or names of sensors with commas');
  const collector = config.collector.dir;
  if (collector === null) return failure('config_invalid', 'collector.dir is null', 'run it where the collector is');
  const dir = rolloutDir(collector);
  const rollout = await readRollout(dir);
  if (!rollout.ok) return rollout;
  const there = new Map(Object.entries(rollout.value)).get(what);
  let bytes: Buffer;
  if (there === undefined) {
    const file = packAt(what);
    if (!file.ok) return file;
    const { manifest } = file.value;
    const newest = new Map(Object.entries(rollout.value)).get(manifest.name)?.version ?? 0;
    if (manifest.version < newest)
      return failure('content_invalid', `${packId(manifest)}: ${manifest.name}-${newest} is published already`);
    if (config.content.keys.length > 0) {
      const ours = accepted(file.value, config, world);
      if (!ours.ok) return ours;
    }
    ({ bytes } = file.value);
  } else {
    const kept = publishedBytes(dir, what, there.version);
    if (!kept.ok) return kept;
    bytes = kept.value;
  }
  const pack = readPack(bytes, what);
  if (!pack.ok) return pack;
  const { name, version } = pack.value.manifest;
  const done = await asOwnerOf(collector, () => publish(dir, { name, version, bytes }, stage, world.clock.wall()));
  if (!done.ok) return done;
  world.stdout.write(`${name}-${version} goes to ${stageText(stage)}\n`);
  return success(EXIT.ok);
}

async function rollout(config: Config, world: Surroundings): Promise<Result<ExitCode>> {
  if (config.collector.dir === null)
    return failure('config_invalid', 'collector.dir is null', 'run it where the collector is');
  const dir = rolloutDir(config.collector.dir);
  const [published, reports] = [await readRollout(dir), await readReports(dir)];
  if (!published.ok) return published;
  if (!reports.ok) return reports;
  const say = (text: string): void => void world.stdout.write(`${safeText(text)}\n`);
  const sensors = Object.entries(reports.value).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, p] of Object.entries(published.value)) {
    const meant = sensors.filter(([s]) => isIn(p.to, name, s));
    const has = meant.filter(([, r]) =>
      r.have.split(',').some((h) => h.replace(':trial', '') === `${name}:${p.version}`),
    );
    say(`${name}-${p.version} to ${stageText(p.to)}: ${has.length} of ${meant.length} sensors have it`);
  }
  if (Object.keys(published.value).length === 0) say('nothing is published');
  for (const [sensor, { at, have }] of sensors)
    say(`  ${sensor.padEnd(32)} ${have === '' ? 'none' : have} (${new Date(at / 1000).toISOString().slice(0, 16)})`);
  return success(EXIT.ok);
}

interface WithConfig {
  readonly config: string;
}

export function addContent(program: Command, world: Surroundings, done: Done): void {
  const content = program
    .command('content')
    .summary('packs of chains, signals, indicators and policies')
    .description('Signed packs of chains, signals, indicators and policies: make, install, roll out.')
    .helpCommand(false)
    .addHelpText('after', MANUAL)
    .action((_options, command: Command) => {
      const known = `one of ${content.commands.map((c) => c.name()).join(', ')}`;
      const [word] = command.args;
      done(
        word === undefined
          ? failure('usage', 'content: no subcommand', known)
          : failure('usage', `content: no '${word}'`, known),
      );
    });
  content.allowExcessArguments();
  const verb = (name: string, summary: string, manual: string): Command =>
    content
      .command(name)
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
      .addHelpText('after', manual);
  const configured = (command: Command): Command => command.requiredOption('--config <file>', 'the configuration');
  const withConfig = async (o: WithConfig, run: (c: Config) => Promise<Result<ExitCode>>): Promise<void> => {
    const config = loadConfig(o.config);
    done(config.ok ? await run(config.value) : config);
  };
  const collect = (value: string, all: readonly string[] = []): string[] => [...all, value];

  verb('key', 'make a key to sign packs with', KEY_MANUAL)
    .argument('<FILE>', 'its private half; the public one is FILE.pub')
    .action((file: string) => done(makeKey(file, world)));
  verb('pack', 'make a pack of a folder, and sign it', PACK_MANUAL)
    .argument('<FOLDER>', 'with chains/, signals/, intel/ and policy.yaml, or some of them')
    .argument('<NAME-VERSION>', 'what it is called, and a number higher than any before')
    .requiredOption('--key <file>', 'to sign with; may be given several times', collect)
    .option('--days <n>', 'for so long it is taken', '90')
    .option('--needs <version>', 'the oldest catenary that can use it; this one when left out')
    .option('--out <file>', 'NAME-VERSION.tar.gz when left out')
    .action((folder: string, id: string, o: PackOptions) => done(makePack(folder, id, o, world)));
  verb('sign', 'add a signature to a pack', SIGN_MANUAL)
    .argument('<PACK>', 'the file')
    .requiredOption('--key <file>', 'to sign with; may be given several times', collect)
    .action((file: string, o: { key: string[] }) => done(sign(file, o.key, world)));
  verb('show', 'print what a pack holds, and who has signed it', SHOW_MANUAL)
    .argument('<PACK>', 'the file')
    .option('--config <file>', 'of the box that might take it')
    .action((file: string, o: Partial<WithConfig>) => {
      if (o.config === undefined) return done(show(file, undefined, world));
      const config = loadConfig(o.config);
      done(config.ok ? show(file, config.value, world) : config);
    });
  configured(
    verb('install', 'hand a pack to the sensor on this box', INSTALL_MANUAL).argument('<PACK>', 'the file'),
  ).action((file: string, o: WithConfig) => withConfig(o, (config) => install(file, config, world)));
  configured(verb('back', 'use the pack before this one again', BACK_MANUAL).argument('<NAME>', 'of the pack')).action(
    (name: string, o: WithConfig) => withConfig(o, (config) => back(name, config, world)),
  );
  configured(verb('list', 'print the packs that this box uses', LIST_MANUAL)).action((o: WithConfig) =>
    withConfig(o, (config) => list(config, world)),
  );
  configured(
    verb('publish', 'offer a pack to sensors of this collector', PUBLISH_MANUAL).argument(
      '<PACK>',
      'a file, or the name of one that is published',
    ),
  )
    .requiredOption('--to <stage>', '10%, all, or names of sensors with commas')
    .action((what: string, o: WithConfig & { to: string }) =>
      withConfig(o, (config) => publishPack(what, o.to, config, world)),
    );
  configured(verb('rollout', 'print how far packs have come', ROLLOUT_MANUAL)).action((o: WithConfig) =>
    withConfig(o, (config) => rollout(config, world)),
  );
}
