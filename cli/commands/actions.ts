/** `riposte actions`: what policies can ask for, with parameters, risk and privileges. Needs no responder. */
import { unknownName } from '../../contract/problem.ts'
import type { Action } from '../../responder/actions/action.ts'
import { actions as known } from '../../responder/actions/index.ts'
import { viewAction } from '../../responder/http/action-view.ts'
import { printWhole } from '../ask.ts'
import { type AddCommand, examples } from '../command.ts'
import { printRows, rowFormat, type Column, type RowFormat } from '../table.ts'
import { CommandFailure } from '../terminal.ts'

const columns: readonly Column<Action>[] = [
  { title: 'name', value: ({ name }) => name },
  { title: 'risk', value: ({ risk }) => risk },
  { title: 'target', value: ({ target }) => target },
  { title: 'undo', value: ({ undoes }) => (undoes === null ? 'no' : 'yes') },
  { title: 'summary', value: ({ summary }) => summary },
  { title: 'capabilities', value: ({ capabilities }) => capabilities.join(','), isWide: true },
]

export const actions: AddCommand = (program, terminal) => {
  const group = program
    .command('actions')
    .description('list what policies can ask for')
    .addHelpText(
      'after',
      examples(
        ['riposte actions list', 'all actions with their risk class'],
        ['riposte actions show kill_process', 'its parameters and what it needs'],
      ),
    )
  group
    .command('list')
    .description('list all actions')
    .option('-o, --output <format>', 'table, wide, json, yaml or name', rowFormat, 'table')
    .action(({ output }: { output: RowFormat }) => {
      if (output === 'json' || output === 'yaml')
        terminal.print(printWhole(known.map(viewAction), output))
      else terminal.print(printRows(known, columns, output, 'no actions'))
    })
  group
    .command('show')
    .description('show one action with its parameters')
    .argument('<name>', 'name of the action')
    .option('-o, --output <format>', 'yaml or json', rowFormat, 'yaml')
    .action((name: string, { output }: { output: RowFormat }) => {
      const action = known.find((one) => one.name === name)
      const names = known.map((one) => one.name)
      if (action === undefined) throw new CommandFailure(unknownName('action', name, names))
      terminal.print(printWhole(viewAction(action), output))
    })
}
