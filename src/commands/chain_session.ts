// What the subcommands of `catenary chain` share: what is wrong goes where it belongs, and decides the exit code.
import { readFileSync } from 'node:fs';
import { type ChainCase, casesBeside } from '../chains/cases.ts';
import { type ChainFault, faultText } from '../chains/fault.ts';
import { below, findChains, loadChains } from '../chains/folder.ts';
import type { Rule } from '../chains/rule.ts';
import { EXIT, type ExitCode, type Fault, faultLine, type Result, success, systemFault } from '../lib/fault.ts';
import { safeText } from '../lib/terminal.ts';
import { SHIPPED_CHAINS, vocabulary } from '../stages.ts';
import type { Surroundings } from './surroundings.ts';

export const EXITS = `
EXIT CODES
  0    done, nothing is wrong
  1    a fault was found, a case failed, or something could not be read; the rest was done
  2    wrong usage: nothing was done
`;

export function textOf(path: string): Result<string> {
  try {
    return success(readFileSync(path, 'utf8'));
  } catch (error) {
    return { ok: false, fault: systemFault('input_unreadable', path, error) };
  }
}

export class Session {
  code: ExitCode = EXIT.ok;
  private readonly world: Surroundings;
  constructor(world: Surroundings) {
    this.world = world;
  }
  say(line: string): void {
    this.world.stdout.write(`${safeText(line)}\n`);
  }
  wrong(fault: Fault): void {
    this.code = EXIT.input;
    this.world.stderr.write(`${faultLine(fault)}\n`);
  }
  /** What is wrong in a chain or a case is the result of the command: it goes to standard output. */
  faults(faults: readonly ChainFault[]): void {
    for (const f of faults) {
      this.code = EXIT.input;
      this.say(faultText(f));
    }
  }
  /** The chains of these files, each with those it takes as steps: among the files, or shipped. */
  chains(files: readonly string[]): Map<string, { rule: Rule; others: readonly Rule[] }> {
    const shipped = findChains([SHIPPED_CHAINS]).files.filter((f) => !files.includes(f));
    const loaded = loadChains([...files, ...shipped], vocabulary());
    for (const fault of loaded.faults) this.wrong(fault);
    this.faults(loaded.chainFaults.filter((f) => files.includes(f.file)));
    const asked = loaded.rules.filter((rule) => files.includes(rule.file));
    return new Map(asked.map((rule) => [rule.file, { rule, others: below(rule, loaded.rules) }]));
  }
}

export const plural = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;

/** The cases beside a chain; what is wrong with them is said. */
export function casesOf(file: string, session: Session): ChainCase[] {
  const { cases, faults, unread } = casesBeside(file);
  for (const fault of unread) session.wrong(fault);
  session.faults(faults);
  return [...cases];
}
