/** docs/reference/cli.md, printed from the tree of commands: `node scripts/print-cli.ts`. */
import type { Command } from 'commander'
import { commandsFor } from './commands/index.ts'
import { buildProgram } from './main.ts'
import { processTerminal } from './terminal.ts'

export async function cliReference(): Promise<string> {
  const program = buildProgram(await commandsFor([]), processTerminal())
  return `${[intro, ...program.commands.flatMap((one) => sections(one, program.name()))].join('\n\n')}\n`
}

const intro = `# Commands

Printed from \`cli/commands/\` by \`node scripts/print-cli.ts\`; do not edit. \`riposte COMMAND --help\` says the same with examples, and
\`riposte completion bash\` (zsh, fish) completes all of it.

Results go to stdout, talk to stderr. Exit codes: 0 done · 1 failed, or what was asked about is not well · 2 the command line is
wrong · 3 no responder answers.

Commands that ask the responder, marked ◆ below, find it on this host by the socket in its data directory, so its owner needs no login:
\`--data DIRECTORY\` says where that is, or \`RIPOSTE_DATA\`. One elsewhere is named by \`--server URL\`, with a bearer token in \`--token-file FILE\`.
\`--as NAME\` says whose word it is, for votes and the audit: who owns the socket may speak for others, and \`sudo\` names its caller.`

/** Said once, at the top. */
const reaching = new Set(['--data', '--server', '--token-file', '--as'])

/** A command that only groups others is told by them. */
function sections(command: Command, above: string): string[] {
  const path = `${above} ${command.name()}`
  const isGroup = command.commands.length > 0
  return [
    ...(isGroup ? [] : [section(command, path)]),
    ...command.commands.flatMap((one) => sections(one, path)),
  ]
}

function section(command: Command, path: string): string {
  const usage = [path, ...command.registeredArguments.map(argumentOf)].join(' ')
  const all = command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help')
  const asks = all.some(({ long }) => long === '--server')
  const rows = all
    .filter(({ long }) => !asks || !reaching.has(long ?? ''))
    .map(({ flags, description }) => `| \`${flags}\` | ${description} |`)
  const table = ['| option | what |', '| --- | --- |', ...rows].join('\n')
  const says = `${capital(command.description())}${asks ? ' ◆' : ''}`
  return [`## ${usage}`, says, ...(rows.length === 0 ? [] : [table])].join('\n\n')
}

function argumentOf(argument: Command['registeredArguments'][number]): string {
  const name = `${argument.name().toUpperCase()}${argument.variadic ? ' …' : ''}`
  return argument.required ? name : `[${name}]`
}

const capital = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
