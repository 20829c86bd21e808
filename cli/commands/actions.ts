/** `riposte actions`: what policies can ask for, with parameters, risk and privileges. Needs no responder. */
import { z } from 'zod'
import { unknownName } from '../../contract/problem.ts'
import type { Action } from '../../responder/actions/action.ts'
import { actions as known } from '../../responder/actions/index.ts'
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
      const rows = output === 'json' || output === 'yaml' ? known.map(viewOf) : known
      if (output === 'json' || output === 'yaml') terminal.print(printWhole(rows, output))
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
      terminal.print(printWhole(viewOf(action), output))
    })
}

const viewOf = ({
  name,
  summary,
  risk,
  target,
  undoes,
  capabilities,
  rbac,
  parameters,
}: Action) => ({
  name,
  summary,
  risk,
  target,
  undoes,
  capabilities,
  rbac,
  parameters: z.toJSONSchema(parameters, { io: 'input', unrepresentable: 'any' }),
})
