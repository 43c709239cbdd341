// A chain whose text has changed while partials of it are open: they migrate, are drained by their old text, or are
// dropped, as the chain says; and what was chosen is told.
import type { Section } from '../schema/observation.ts';
import { readChain } from './language.ts';
import type { Partial } from './partial.ts';
import type { Rule } from './rule.ts';

export interface UpgradeReport {
  readonly chain: string;
  readonly from: string;
  /** Undefined: there is no such chain any more. */
  readonly to: string | undefined;
  readonly choice: 'migrated' | 'drained' | 'dropped';
  partials: number;
}

const PREFIX = 'r/';

export class Upgrades {
  readonly reports: UpgradeReport[] = [];
  private readonly section: Section;
  private readonly rules: ReadonlyMap<string, Rule>;
  /** By hash: rules that run on, and texts that could not be read. */
  private readonly old = new Map<string, Rule | undefined>();

  private readonly kept: string[] = [];

  constructor(section: Section, rules: ReadonlyMap<string, Rule>) {
    this.section = section;
    this.rules = rules;
  }

  /** By which text it goes on; undefined: by none. */
  decide(p: Partial): { readonly rule: Rule | undefined; readonly choice: UpgradeReport['choice'] } {
    const now = this.rules.get(p.rule);
    if (now?.upgrade === 'migrate' && now.shape === p.shape) return this.say(p, now, 'migrated');
    const old = now?.upgrade === 'drain' ? this.read(p.ruleHash) : undefined;
    return this.say(p, old, old === undefined ? 'dropped' : 'drained');
  }

  /** The texts by which partials run: what drains after the next change is read from here. */
  save(): void {
    const running = new Map([...this.rules.values()].map((r) => [r.hash, r.text]));
    for (const [hash, rule] of this.old) if (rule !== undefined) running.set(hash, rule.text);
    for (const [hash, text] of running)
      if (this.section.get(PREFIX + hash) === undefined) this.section.put(PREFIX + hash, Buffer.from(text));
  }

  /** One entry that an earlier life left; false: it is another table's. */
  loadEntry(key: string): boolean {
    if (!key.startsWith(PREFIX)) return false;
    this.kept.push(key);
    return true;
  }

  /** All were given: texts that nothing runs by go. */
  loaded(running: ReadonlyMap<string, Rule>): void {
    for (const key of this.kept) if (!running.has(key.slice(PREFIX.length))) this.section.remove(key);
  }

  private read(hash: string): Rule | undefined {
    if (this.old.has(hash)) return this.old.get(hash);
    const bytes = this.section.get(PREFIX + hash);
    const text = bytes === undefined ? '' : Buffer.from(bytes).toString();
    const { rule } = readChain('', text, { chains: this.rules });
    this.old.set(hash, rule);
    return rule;
  }

  private say(
    p: Partial,
    rule: Rule | undefined,
    choice: UpgradeReport['choice'],
  ): { readonly rule: Rule | undefined; readonly choice: UpgradeReport['choice'] } {
    const known = this.reports.find((r) => r.chain === p.rule && r.from === p.ruleHash);
    if (known !== undefined) known.partials++;
    else
      this.reports.push({
        ...{ chain: p.rule, from: p.ruleHash, to: this.rules.get(p.rule)?.hash, choice, partials: 1 },
      });
    return { rule, choice };
  }
}
