/** `riposte approvals`: what waits for people, and their decision. */
import type { Command } from 'commander'
import { z } from 'zod'
import { printDuration } from '../../responder/policy/duration.ts'
import {
  asks,
  asksForRows,
  pathOf,
  printWhole,
  readAnswer,
  withApi,
  type RowOptions,
} from '../ask.ts'
import type { ApiOptions } from '../api.ts'
import { type AddCommand, examples } from '../command.ts'
import { age, printRows, type Column } from '../table.ts'
import type { Terminal } from '../terminal.ts'

const approvalSchema = z.looseObject({
  id: z.string(),
  action: z.string(),
  policy: z.string(),
  targetName: z.string(),
  detail: z.string(),
  status: z.string(),
  createdMs: z.number(),
  expiresMs: z.number(),
  votes: z.array(z.looseObject({ choice: z.string() })),
  terms: z.looseObject({ quorum: z.number() }),
})
const listSchema = z.object({ nowMs: z.number(), approvals: z.array(approvalSchema) })
type Approval = z.infer<typeof approvalSchema>

const columnsAt = (nowMs: number): readonly Column<Approval>[] => [
  { title: 'id', value: ({ id }) => id },
  { title: 'status', value: ({ status }) => status },
  { title: 'votes', value: ({ votes, terms }) => `${yes(votes)}/${terms.quorum}` },
  { title: 'age', value: ({ createdMs }) => age(createdMs, nowMs) },
  {
    title: 'expires',
    value: ({ expiresMs, status }) =>
      status === 'pending' ? printDuration(Math.max(0, expiresMs - nowMs)) : null,
  },
  { title: 'policy', value: ({ policy }) => policy },
  { title: 'what', value: ({ action, detail }) => `${action}: ${detail}` },
  { title: 'target', value: ({ targetName }) => targetName, isWide: true },
]

const yes = (votes: Approval['votes']) => votes.filter(({ choice }) => choice === 'approve').length

export const approvals: AddCommand = (program, terminal) => {
  const group = program
    .command('approvals')
    .description('see and decide what waits for people')
    .addHelpText(
      'after',
      examples(
        ['riposte approvals list', 'what waits now'],
        ['riposte approvals approve a1f… --reason "seen it, it is the miner"', 'let it happen'],
        ['riposte approvals deny a1f… --reason "backup job"', 'it will not happen'],
      ),
    )
  asksForRows(group.command('list'))
    .description('list approvals, the pending ones unless told otherwise')
    .option('--all', 'decided and expired ones too')
    .action((options: RowOptions & { all?: boolean }) =>
      withApi(options, terminal, async (api) => {
        const status = options.all === true ? 'all' : 'pending'
        const { nowMs, approvals: found } = readAnswer(
          listSchema,
          await api.get(`/v1/approvals?status=${status}`),
        )
        terminal.print(
          printRows(found, columnsAt(nowMs), options.output, 'nothing waits for people'),
        )
      }),
    )
  asksForRows(group.command('show'))
    .description('show one approval with its step and votes')
    .argument('<id>')
    .action((id: string, options: RowOptions) =>
      withApi(options, terminal, async (api) => {
        terminal.print(printWhole(await api.get(pathOf('approvals', id)), options.output))
      }),
    )
  decision(group, 'approve', 'let it happen', terminal)
  decision(group, 'deny', 'it will not happen', terminal)
}

const resultSchema = z.looseObject({ kind: z.string(), message: z.string() })

function decision(
  group: Command,
  choice: 'approve' | 'deny',
  what: string,
  terminal: Terminal,
): void {
  asks(group.command(choice))
    .description(what)
    .argument('<id>')
    .option('--reason <text>', 'why; some policies ask for it', '')
    .action((id: string, options: ApiOptions & { reason: string }) =>
      withApi(options, terminal, async (api) => {
        const body = { choice, reason: options.reason }
        const answer = await api.post(pathOf('approvals', id, 'votes'), body)
        terminal.print(readAnswer(resultSchema, answer).message)
      }),
    )
}
