/** Completion scripts from commander's tree: one table of `path → words`, printed in each shell's language. */
import type { Command } from 'commander'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

interface Level {
  /** `riposte rules list` */
  readonly path: string
  readonly subcommands: readonly { readonly name: string; readonly summary: string }[]
  readonly flags: readonly { readonly flag: string; readonly summary: string }[]
}

export function completionScript(shell: Shell, root: Command): string {
  const levels = levelsOf(root, root.name())
  if (shell === 'bash') return bash(root.name(), levels)
  return shell === 'zsh' ? zsh(root.name(), levels) : fish(root.name(), levels)
}

function levelsOf(command: Command, path: string): Level[] {
  const visible = command.createHelp().visibleCommands(command)
  const options = command.createHelp().visibleOptions(command)
  const level = {
    path,
    subcommands: visible.map((one) => ({ name: one.name(), summary: summaryOf(one) })),
    flags: options.flatMap((option) =>
      [option.long, option.short]
        .filter((flag) => flag !== undefined && flag !== null)
        .map((flag) => ({ flag, summary: option.description })),
    ),
  }
  const inner = command.commands.flatMap((one) => levelsOf(one, `${path} ${one.name()}`))
  return [level, ...inner]
}

const summaryOf = (command: Command) => command.summary() || command.description()

const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`

const words = ({ subcommands, flags }: Level) =>
  [...subcommands.map(({ name }) => name), ...flags.map(({ flag }) => flag)].join(' ')

/** Words that are no flags name the level; where nothing fits, file names. */
function bash(name: string, levels: readonly Level[]): string {
  const cases = levels.map((level) => `    ${quoted(level.path)}) words=${quoted(words(level))} ;;`)
  return `_${name}() {
  local word path=${quoted(name)} words= known=${quoted(levels.map(({ path }) => `|${path}|`).join(''))}
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$known" in *"|$path $word|"*) path="$path $word" ;; esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _${name} ${name}`
}

function zsh(name: string, levels: readonly Level[]): string {
  return `autoload -U +X bashcompinit && bashcompinit
${bash(name, levels)}`
}

function fish(name: string, levels: readonly Level[]): string {
  const lines = levels.flatMap(({ path, subcommands, flags }) => {
    const steps = path.split(' ').slice(1)
    const seen = steps.map((step) => `__fish_seen_subcommand_from ${step}`)
    const names = subcommands.map((one) => one.name)
    const before = names.length > 0 ? [`not __fish_seen_subcommand_from ${names.join(' ')}`] : []
    const condition = quoted([...seen, ...before].join('; and ') || 'true')
    return [
      ...subcommands.map(
        (one) => `complete -c ${name} -n ${condition} -f -a ${one.name} -d ${quoted(one.summary)}`,
      ),
      ...flags.map(({ flag, summary }) => {
        const kind = flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`
        return `complete -c ${name} -n ${condition} ${kind} -d ${quoted(summary)}`
      }),
    ]
  })
  return lines.join('\n')
}
