// `catenary completion bash`: a script for the shell, made from the commands as they are.
import type { Command } from 'commander';
import { choice } from '../lib/args.ts';
import { EXIT, success } from '../lib/fault.ts';
import type { Done, Surroundings } from './surroundings.ts';

const SHELLS = ['bash'] as const;

/** Names of commands and options only: they are ours, and need no quoting. */
export function bashScript(program: Command): string {
  const line = (typed: string, c: Command): string => {
    const options = c.options.flatMap((o) => [o.short, o.long]).filter((o) => o !== undefined && o !== null);
    const names = c.commands.map((below) => below.name());
    return `    ${typed}) names="${names.join(' ')}" options="${[...options, '--help'].join(' ')}" ;;`;
  };
  const cases = program.commands.flatMap((c) => [
    ...c.commands.map((below) => line(`"${c.name()} ${below.name()}"`, below)),
    line(`"${c.name()} "*`, c),
  ]);
  const commands = [...program.commands.map((c) => c.name()), 'help'];
  return `# bash completion for catenary: source <(catenary completion bash)
_catenary() {
  local word="\${COMP_WORDS[COMP_CWORD]}" below=""
  local names="${commands.join(' ')}" options="--help --version"
  if [ "$COMP_CWORD" -gt 2 ]; then below="\${COMP_WORDS[2]}"; fi
  if [ "$COMP_CWORD" -gt 1 ]; then
    case "\${COMP_WORDS[1]} $below" in
${cases.join('\n')}
    *) names="" options="" ;;
    esac
  fi
  # A subcommand comes right after its command; what else is no option is a file, which bash completes.
  if [ "$COMP_CWORD" -gt 2 ]; then names=""; fi
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *) COMPREPLY=($(compgen -W "$names" -- "$word")) ;;
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
