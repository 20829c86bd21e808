/** `riposte completion bash|zsh|fish`: generated from the tree of commands, so that it cannot fall behind. */
import type { Command } from 'commander'
import { type AddCommand, examples } from '../command.ts'
import { completionScript, shells } from '../completion.ts'
import { CommandFailure, exitCodes } from '../terminal.ts'

export const completion: AddCommand = (program, terminal) => {
  program
    .command('completion')
    .description('print a completion script for your shell')
    .argument('<shell>', shells.join(', '))
    .addHelpText(
      'after',
      examples(
        ['source <(riposte completion bash)', 'complete in this shell'],
        [
          'riposte completion fish > ~/.config/fish/completions/riposte.fish',
          'complete in every fish',
        ],
      ),
    )
    .action((name: string) => {
      const shell = shells.find((known) => known === name)
      if (shell === undefined)
        throw new CommandFailure(
          `no completion for ${name}`,
          `use one of ${shells.join(', ')}`,
          exitCodes.usage,
        )
      terminal.print(completionScript(shell, rootOf(program)))
    })
}

const rootOf = (command: Command): Command => (command.parent ? rootOf(command.parent) : command)
