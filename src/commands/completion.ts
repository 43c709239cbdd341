// `catenary completion bash`: a script for the shell, made from the commands as they are.
import type { Command } from 'commander';
import { choice } from '../lib/args.ts';
import { EXIT, success } from '../lib/fault.ts';
import type { Done, Surroundings } from './surroundings.ts';

const SHELLS = ['bash'] as const;

/** Names of commands and options only: they are ours, and need no quoting. */
export function bashScript(program: Command): string {
  const commands = program.commands.map((c) => c.name());
  const cases = program.commands.map((c) => {
    const options = c.options.flatMap((o) => [o.short, o.long]).filter((o) => o !== undefined && o !== null);
    return `    ${c.name()}) words="${[...options, '--help'].join(' ')}" ;;`;
  });
  return `# bash completion for catenary: source <(catenary completion bash)
_catenary() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words="${[...commands, 'help', '--help', '--version'].join(' ')}"
  if [ "$COMP_CWORD" -gt 1 ]; then
    case "\${COMP_WORDS[1]}" in
${cases.map((c) => `  ${c}`).join('\n')}
      *) words="" ;;
    esac
  fi
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
    *) if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "$words" -- "$word")); fi ;;
  esac
}
complete -o default -F _catenary catenary
`;
}

export function addCompletion(program: Command, world: Surroundings, done: Done): void {
  program
    .command('completion')
    .summary('print a completion script for a shell')
    .description('Prints a script that completes the names of commands and options.')
    .argument('<SHELL>', `which shell: ${SHELLS.join(', ')}`)
    .addHelpText('after', '\nEXAMPLES\n  source <(catenary completion bash)\n')
    .action((shell: string) => {
      const known = choice('completion:', shell, SHELLS);
      if (known.ok) world.stdout.write(bashScript(program));
      done(known.ok ? success(EXIT.ok) : known);
    });
}
