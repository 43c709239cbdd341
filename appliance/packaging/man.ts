// Manual pages, out of the commands' own help: what `catenary read --help` says is what `man catenary-read` shows.
import type { Command } from 'commander';

/** Lines of roff that only show themselves: a dot or a quote at a line's start would be a request. */
const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');

/** All of a command's help, as it would be printed. */
function helpOf(command: Command): string {
  let text = '';
  const before = command.configureOutput();
  command.configureOutput({ ...before, writeOut: (piece) => (text += piece) });
  command.outputHelp();
  command.configureOutput(before);
  return text;
}

interface Section {
  readonly title: string;
  readonly lines: string[];
}

/** Its parts: "Usage: ...", the description, "Options:", and the manual's own, headed by capitals. */
function sectionsOf(help: string): Section[] {
  const out: Section[] = [{ title: 'DESCRIPTION', lines: [] }];
  for (const line of help.split('\n')) {
    const usage = /^Usage: (.*)$/.exec(line);
    const heading = /^(?:([A-Z][a-z]+):|([A-Z][A-Z ]+))$/.exec(line);
    if (usage !== null) out.unshift({ title: 'SYNOPSIS', lines: [usage[1] as string] });
    else if (heading !== null) out.push({ title: (heading[1] ?? (heading[2] as string)).toUpperCase(), lines: [] });
    else out.at(-1)?.lines.push(line);
  }
  return out.filter((s) => s.lines.some((l) => l !== ''));
}

/**
 * One page of section 1.
 * @param name  "catenary", "catenary-chain-lint"
 */
export function manPage(name: string, command: Command, version: string): string {
  const text = [`.TH "${name.toUpperCase()}" "1" "" "catenary ${version}" "Catenary"`];
  text.push('.SH NAME', roff(`${name} - ${command.summary() || command.description().replace(/\.$/, '')}`));
  for (const { title, lines } of sectionsOf(helpOf(command))) {
    const body = lines.join('\n').replace(/^\n+|\n+$/g, '');
    // As it stands: the help is wrapped and indented for a terminal already.
    text.push(`.SH "${title}"`, '.nf', roff(body), '.fi');
  }
  return `${text.join('\n')}\n`;
}

/** Every command with its page: ["catenary-read.1", "..."] */
export function manPages(program: Command, version: string): [name: string, text: string][] {
  const below = (name: string, command: Command): [string, string][] => [
    [`${name}.1`, manPage(name, command, version)],
    ...command.commands.flatMap((c) => below(`${name}-${c.name()}`, c)),
  ];
  return below('catenary', program);
}
