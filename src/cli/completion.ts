/** `fairlead completion SHELL`: what a shell needs to complete our command lines, made from the command line's own definition. */
import type { Argument, Command, Option } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** How a value is completed: from words, as a file, or as whatever follows (a command line of its own). */
type Values = { readonly words: readonly string[] } | 'file' | 'nothing';

interface Completable {
  readonly name: string;
  readonly about: string;
  readonly flags: readonly { readonly names: readonly string[]; readonly about: string; readonly values: Values | undefined }[];
  /** Words of the positional arguments, all positions together. */
  readonly words: readonly string[];
  /** Whether a command line of the user's follows after `--`. */
  readonly takesCommand: boolean;
}

/** The script for the shell, to be sourced. */
export function completionScript(program: Command, shell: Shell): string {
  const commands = program.createHelp().visibleCommands(program).map(completableOf);
  switch (shell) {
    case 'bash':
      return bashScript(commands);
    case 'zsh':
      return `#compdef fairlead\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(commands)}`;
    case 'fish':
      return fishScript(commands);
  }
}

const places = ['outside', 'node/', 'pod/'];

/** Words of arguments that take names as well and so are no choice for the parser; by the argument's name. */
const words: ReadonlyMap<string, readonly string[]> = new Map([
  ['change', ['node', 'link', 'stop', 'start', 'cut', 'heal', 'outside']],
]);

function completableOf(command: Command): Completable {
  return {
    name: command.name(),
    about: command.description(),
    flags: command.options
      .filter((option) => !option.hidden)
      .map((option) => ({
        names: [option.long, option.short].filter((name) => name !== undefined),
        about: option.description,
        values: valuesOf(option),
      })),
    words: command.registeredArguments.flatMap((argument: Argument) => argument.argChoices ?? words.get(argument.name()) ?? []),
    takesCommand: command.registeredArguments.some((argument: Argument) => argument.name() === 'command' && argument.variadic),
  };
}

/** Undefined for a flag that takes none. */
function valuesOf(option: Option): Values | undefined {
  if (!option.required && !option.optional) return undefined;
  if (option.argChoices !== undefined) return { words: option.argChoices };
  const placeholder = /<([^>]*)>/.exec(option.flags)?.[1] ?? '';
  if (placeholder === 'place') return { words: places };
  return /^(path|file|dir|corefile)$/.test(placeholder) ? 'file' : 'nothing';
}

function bashScript(commands: readonly Completable[]): string {
  const cases = commands.map(
    (command) => `    ${command.name})
      case "$previous" in
${command.flags.flatMap(({ names, values }) => (values === undefined ? [] : [`        ${names.join('|')}) ${bashValues(values)} ;;`])).join('\n')}
      esac
      COMPREPLY=($(compgen -W '${[...command.words, ...command.flags.flatMap(({ names }) => names)].join(' ')}' -- "$current"))
      ;;`,
  );
  const withCommand = commands.filter(({ takesCommand }) => takesCommand).map(({ name }) => name);
  return `_fairlead() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" word
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')}' -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
    ${withCommand.join('|')})
      for word in "\${COMP_WORDS[@]:2:COMP_CWORD-2}"; do
        if [ "$word" = -- ]; then
          COMPREPLY=($(compgen -c -f -- "$current"))
          return
        fi
      done
      ;;
  esac
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
}
complete -o filenames -F _fairlead fairlead
`;
}

function bashValues(values: Values): string {
  if (values === 'file') return 'COMPREPLY=($(compgen -f -- "$current")); return';
  if (values === 'nothing') return 'return';
  return `COMPREPLY=($(compgen -W '${values.words.join(' ')}' -- "$current")); return`;
}

function fishScript(commands: readonly Completable[]): string {
  const lines = ['complete -c fairlead -f'];
  for (const { name, about, flags, words } of commands) {
    lines.push(`complete -c fairlead -n __fish_use_subcommand -a ${name} -d ${fishQuote(about)}`);
    const inside = `-n '__fish_seen_subcommand_from ${name}'`;
    if (words.length > 0) lines.push(`complete -c fairlead ${inside} -a '${words.join(' ')}'`);
    for (const { names, about: flagAbout, values } of flags) {
      const spelt = names.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(' ');
      lines.push(`complete -c fairlead ${inside} ${spelt}${fishValues(values)} -d ${fishQuote(flagAbout)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function fishValues(values: Values | undefined): string {
  if (values === undefined) return '';
  if (values === 'file') return ' -r -F';
  if (values === 'nothing') return ' -x';
  return ` -x -a '${values.words.join(' ')}'`;
}

function fishQuote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;
}
