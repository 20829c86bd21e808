/** Builds the program from the list of commands and turns every end into an exit code. */
import { Command, CommanderError } from 'commander'
import type { AddCommand } from './command.ts'
import { commandsFor } from './commands/index.ts'
import { CommandFailure, type Terminal, exitCodes, processTerminal } from './terminal.ts'
import { version } from './version.ts'

const EXIT_CODES = `
Exit codes: 0 done · 1 failed, or what was asked about is not well · 2 the command line is wrong ·
3 no responder answers. Results go to stdout, talk to stderr; NO_COLOR is honoured.`

export function buildProgram(commands: readonly AddCommand[], terminal: Terminal): Command {
  const program = new Command('riposte')
    .description(
      'Active response for Linux: eBPF detection by Falco-compatible rules, answers by policy',
    )
    .version(version, '--version')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .configureHelp({ sortSubcommands: false, showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => {
        terminal.print(text.replace(/\n$/, ''))
      },
      writeErr: (text) => {
        terminal.say(text.replace(/\n$/, ''))
      },
    })
    .addHelpText('after', EXIT_CODES)
    .exitOverride()
  for (const add of commands) add(program, terminal)
  return program
}

/** The exit code; never rejects, so that a mistake of ours is a line on stderr too. */
export async function main(
  argv: readonly string[] = process.argv.slice(2),
  terminal: Terminal = processTerminal(),
): Promise<number> {
  try {
    const program = buildProgram(await commandsFor(argv), terminal)
    if (argv.length === 0) {
      program.outputHelp()
      return exitCodes.ok
    }
    await program.parseAsync([...argv], { from: 'user' })
    return Number(process.exitCode ?? exitCodes.ok)
  } catch (error) {
    return explain(error, terminal)
  }
}

function explain(error: unknown, terminal: Terminal): number {
  // commander has printed its own sentence, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  if (error instanceof CommandFailure) {
    terminal.say(`${terminal.paint('red', 'riposte:')} ${error.message}`)
    if (error.remedy !== undefined) terminal.say(`  ${error.remedy}`)
    return error.exitCode
  }
  // Failures of the world have a code: their sentence is for people, their stack is not.
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    terminal.say(`${terminal.paint('red', 'riposte:')} ${error.message}`)
    return exitCodes.failed
  }
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error)
  terminal.say(`riposte: this should not have happened; please report it\n${trace}`)
  return exitCodes.failed
}
