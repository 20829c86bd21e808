/** `riposte kill-switch`: stops everything above notify, on every node, within a second. */
import type { Command } from 'commander'
import { z } from 'zod'
import { asks, readAnswer, withApi } from '../ask.ts'
import type { ApiOptions } from '../api.ts'
import { type AddCommand, examples } from '../command.ts'
import type { Terminal } from '../terminal.ts'

const stateSchema = z.looseObject({ reason: z.string().nullable() })

export const killSwitch: AddCommand = (program, terminal) => {
  const group = program
    .command('kill-switch')
    .description('stop everything above notify, at once')
    .addHelpText(
      'after',
      examples(
        [
          'riposte kill-switch on --reason "it kills the wrong thing"',
          'nothing is carried out any more',
        ],
        ['riposte kill-switch off', 'policies act again as their modes say'],
        ['touch DATA/kill-switch', 'the same without the responder; removing the file ends it'],
      ),
    )
  turn(group, 'on', 'stop everything above notify', terminal)
  turn(group, 'off', 'let policies act again', terminal)
  asks(group.command('status'))
    .description('say whether the kill switch is on')
    .action((options: ApiOptions) =>
      withApi(options, terminal, async (api) => {
        terminal.print(stateOf(await api.get('/v1/kill-switch')))
      }),
    )
}

function turn(group: Command, name: 'on' | 'off', what: string, terminal: Terminal): void {
  asks(group.command(name))
    .description(what)
    .option('--reason <text>', 'why, for the audit', '')
    .action((options: ApiOptions & { reason: string }) =>
      withApi(options, terminal, async (api) => {
        const body = { isOn: name === 'on', reason: options.reason }
        terminal.print(stateOf(await api.post('/v1/kill-switch', body)))
      }),
    )
}

function stateOf(answer: unknown): string {
  const { reason } = readAnswer(stateSchema, answer)
  return reason === null ? 'off' : `on: ${reason}`
}
