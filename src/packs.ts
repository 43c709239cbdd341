// The spine of content packs on a sensor: from an inbox or the collector to what detection runs, and back when it does
// badly. What a pack is, who may sign it and how it is kept is src/content.
import { randomInt } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { casesBeside, runCase } from './chains/cases.ts';
import { faultText } from './chains/fault.ts';
import { below, findChains, loadChains } from './chains/folder.ts';
import { type Config, configFaultText, loadConfig, policyFaults } from './config/config.ts';
import { type Content, Health, loadTrust, Shelf, type ShelfAct, type Vitals } from './content/index.ts';
import { loadSignals, SHIPPED_SIGNALS } from './declared.ts';
import { Intel } from './intel/intel.ts';
import type { Clock } from './lib/clock.ts';
import { type Fault, failure, type Result, success } from './lib/fault.ts';
import { programVersion } from './lib/version.ts';
import { encodeBatch } from './schema/encode.ts';
import { fetchPack, offersOf, type PackSource } from './ship/content.ts';
import { identityIn } from './ship/enroll.ts';
import { named, SHIPPED_CHAINS } from './stages.ts';

/** The collector is asked so often, give or take a half: sensors must not come in step [ms]. */
const ASK_MS = 10 * 60_000;
const MINUTE = 60e6;

export const contentDir = (stateDir: string): string => path.join(stateDir, 'content');

const invalid = (message: string, hint = ''): Fault => ({ code: 'content_invalid', message, hint });

/**
 * Everything that is wrong with what lies unpacked in `dir`: signals, chains and their cases, lists, the policy.
 * @param policyGroups  what a policy may be about
 */
export function checkContent(dir: string, policyGroups: readonly string[]): Fault[] {
  const faults: Fault[] = [];
  const relative = (text: string): string => text.replaceAll(`${dir}${path.sep}`, '');
  const signals = path.join(dir, 'signals');
  const loadedSignals = loadSignals([SHIPPED_SIGNALS, ...(existsSync(signals) ? [signals] : [])]);
  for (const f of loadedSignals.faults)
    if (f.message.startsWith(signals)) faults.push({ ...f, message: relative(f.message) });
  const chains = path.join(dir, 'chains');
  if (existsSync(chains)) {
    const found = findChains([chains]);
    const shipped = findChains([SHIPPED_CHAINS]);
    // A chain of the pack takes the place of the shipped one of its name: it is read first.
    const loaded = loadChains(
      [...found.files, ...shipped.files],
      named(loadedSignals.definitions),
      new Set(shipped.files),
    );
    faults.push(...found.faults, ...loaded.faults);
    for (const f of loaded.chainFaults)
      if (found.files.includes(f.file)) faults.push(invalid(relative(faultText(f)), f.hint ?? ''));
    for (const rule of loaded.rules.filter((r) => found.files.includes(r.file))) {
      if (rule.runs === 'collector')
        faults.push(
          invalid(`${relative(rule.file)}: packs are for sensors`, "its place is in the collector's chains.dirs"),
        );
      const beside = casesBeside(rule.file);
      faults.push(...beside.unread);
      for (const f of beside.faults) faults.push(invalid(relative(faultText(f)), f.hint ?? ''));
      for (const c of beside.cases)
        for (const text of runCase(rule, c, below(rule, loaded.rules)))
          faults.push(
            invalid(`${relative(c.file)}:${c.line}: ${c.name}: ${text}`, 'its chain does not do what it says'),
          );
    }
  }
  const lists = path.join(dir, 'intel');
  if (existsSync(lists))
    for (const f of new Intel().load(readdirSync(lists).map((name) => path.join(lists, name))))
      faults.push(invalid(`${relative(f.file)}${f.line > 0 ? `:${f.line}` : ''}: ${f.message}`, f.hint));
  const policy = path.join(dir, 'policy.yaml');
  if (existsSync(policy))
    for (const f of policyFaults(readFileSync(policy, 'utf8'), policy, policyGroups))
      faults.push(invalid(relative(configFaultText(f)), f.hint));
  return faults;
}

/** The shelf of a box, as its configuration trusts. */
export async function openShelf(config: Config, clock: Clock): Promise<Result<Shelf>> {
  const { dir } = config.state;
  if (dir === null) return failure('config_invalid', 'state.dir is null', 'packs need a folder to be kept in');
  const trust = loadTrust(config.content.keys, config.content.threshold);
  if (!trust.ok) return trust;
  return Shelf.open({
    ...{
      dir: contentDir(dir),
      trust: trust.value,
      version: programVersion(),
      trial: config.content.trial_min * MINUTE,
    },
    now: () => clock.wall(),
    check: (at) => checkContent(at, config.content.policy),
  });
}

/** A configuration with the policies of packs below it; without them where they do not fit, and then why. */
export function withPolicies(file: string | undefined, policies: readonly string[]): Result<Config> & { told?: Fault } {
  const whole = loadConfig(file, policies);
  if (whole.ok || policies.length === 0) return whole;
  return { ...loadConfig(file), told: whole.fault };
}

export interface PacksOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: (n: number) => number;
  /** The collector; undefined: there is none, or it is not asked. */
  readonly source: PackSource | undefined;
}

/** What was done and what was wrong since somebody asked. */
export interface News {
  readonly acts: readonly ShelfAct[];
  readonly faults: readonly Fault[];
}

/** On a sensor: takes packs, watches those on trial. */
export class Packs {
  private readonly options: PacksOptions;
  private readonly shelf: Shelf;
  private health: Health | undefined;
  private asked = Number.NEGATIVE_INFINITY;
  private told = '';
  private read: ReturnType<Shelf['content']> | undefined;
  private acts: ShelfAct[] = [];
  private faults: Fault[] = [];

  private constructor(options: PacksOptions, shelf: Shelf) {
    this.options = options;
    this.shelf = shelf;
  }

  /** What lies in the inbox is taken, and a pack that does not let the sensor start is sent back. */
  static async open(options: PacksOptions): Promise<Result<Packs>> {
    const shelf = await openShelf(options.config, options.clock);
    if (!shelf.ok) return shelf;
    const packs = new Packs(options, shelf.value);
    const begun = await shelf.value.begin();
    if (!begun.ok) return begun;
    packs.acts.push(...begun.value);
    await packs.takeInbox();
    return success(packs);
  }

  /** What is used now. Every file of it is hashed when it is asked for: again only after a change, or forget(). */
  get content(): Content & { readonly faults: readonly Fault[] } {
    this.read ??= this.shelf.content();
    return this.read;
  }
  /** Somebody wants everything read anew. */
  forget(): void {
    this.read = undefined;
  }

  /** What is new since the last call. */
  news(): News {
    const { acts, faults } = this;
    this.acts = [];
    this.faults = [];
    return { acts, faults };
  }

  /** What is used. */
  get list(): { readonly name: string; readonly version: number; readonly trial: boolean }[] {
    return [...this.shelf.packs].flatMap(([name, s]) =>
      s.current === null ? [] : [{ name, version: s.current, trial: s.trial !== null }],
    );
  }

  /** Now and then. @returns  whether detection has to be opened anew, with what content() says now */
  async look(vitals: Vitals): Promise<boolean> {
    let isChanged = await this.takeInbox();
    if (this.isDue()) isChanged = (await this.fetch()) || isChanged;
    if (isChanged) {
      // What is new is measured from its first look on.
      this.health = undefined;
      return true;
    }
    return (await this.judge(vitals)) || isChanged;
  }

  private async judge(vitals: Vitals): Promise<boolean> {
    const names = this.shelf.onTrial;
    if (names.length === 0) {
      this.health = undefined;
      return false;
    }
    this.health ??= new Health(vitals, this.options.config.content.trial_alerts);
    const wrong = this.health.look(vitals);
    if (wrong === undefined) {
      this.say(await this.shelf.settle());
      return false;
    }
    // Which of several it was nobody knows: all that are on trial go.
    for (const name of names) {
      const back = await this.shelf.giveBack(name, wrong);
      this.say(back.ok ? success([back.value]) : back);
    }
    this.health = undefined;
    this.forget();
    return true;
  }

  private say(acts: Result<readonly ShelfAct[]>): void {
    if (acts.ok) this.acts.push(...acts.value);
    else this.faults.push(acts.fault);
  }

  private async takeInbox(): Promise<boolean> {
    const { acts, faults } = await this.shelf.takeInbox();
    this.acts.push(...acts);
    this.faults.push(...faults);
    if (acts.length > 0) this.forget();
    return acts.some((a) => a.action !== 'content_refused');
  }

  private isDue(): boolean {
    const { source, clock, random } = this.options;
    const now = clock.monotonic();
    if (source === undefined || now < this.asked) return false;
    this.asked = now + ASK_MS / 2 + random(ASK_MS);
    return true;
  }

  /** What the collector offers and is not here yet. That it is away is the shipper's to tell. */
  private async fetch(): Promise<boolean> {
    const { source } = this.options;
    if (source === undefined) return false;
    const offers = await offersOf(source, this.list);
    if (!offers.ok) return false;
    let isChanged = false;
    for (const offer of offers.value) {
      const floor = this.shelf.packs.get(offer.name)?.floor ?? 0;
      if (offer.version <= floor) continue;
      const bytes = await fetchPack(source, offer);
      const taken = bytes.ok ? await this.shelf.take(bytes.value, `${offer.name}-${offer.version}`) : bytes;
      if (taken.ok && taken.value !== undefined) {
        this.acts.push(taken.value);
        this.forget();
        isChanged = true;
      } else if (!taken.ok && taken.fault.message !== this.told) {
        // It is offered again every time: once is enough.
        this.told = taken.fault.message;
        this.faults.push(taken.fault);
        const pack = `${offer.name}-${offer.version}`;
        this.acts.push({ action: 'content_refused', pack, why: taken.fault.message });
      }
    }
    return isChanged;
  }
}

/** Packs of those whom the configuration trusts; undefined: it trusts nobody. */
export async function packsOf(config: Config, dir: string, clock: Clock): Promise<Result<Packs | undefined>> {
  if (config.content.keys.length === 0) return success(undefined);
  const { url } = config.ship;
  const identity = url === null || !config.content.from_collector ? undefined : identityIn(path.join(dir, 'ship'));
  const source = url === null || identity?.ok !== true ? undefined : { url, ...identity.value };
  return Packs.open({ config, clock, random: randomInt, source });
}

/** What was done, as the collector is told. @param at  wall time [us] */
export function auditOf({ action, pack, why }: ShelfAct, at: number) {
  const outcome = action === 'content_refused' ? 'refused' : 'done';
  const act = { ...{ action, outcome, reason: '', actor: '', address: '', target: pack }, detail: why.slice(0, 500) };
  const bytes = encodeBatch('audit', [{ ...act, ts: at, seen: at }]);
  return { kind: 'audit' as const, count: 1, firstSeen: at, lastSeen: at, bytes };
}

/** How many of detection's faults are about what packs brought. */
export const faultsOfPacks = (faults: readonly Fault[], stateDir: string): number =>
  faults.filter((f) => f.message.includes(`${contentDir(stateDir)}${path.sep}`)).length;
