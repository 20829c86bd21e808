/** `riposte containments`: effects that are live, taking them back, letting them stay longer. */
import { z } from 'zod'
import { printDuration } from '../../responder/policy/duration.ts'
import { asks, asksForRows, pathOf, readAnswer, withApi, type RowOptions } from '../ask.ts'
import type { ApiOptions } from '../api.ts'
import { type AddCommand, examples } from '../command.ts'
import { age, printRows, type Column } from '../table.ts'

const containmentSchema = z.looseObject({
  id: z.string(),
  policy: z.string(),
  action: z.string(),
  target: z.looseObject({ name: z.string() }),
  detail: z.string(),
  status: z.string(),
  startedMs: z.number(),
  expiresMs: z.number().nullable(),
})
const listSchema = z.object({ nowMs: z.number(), containments: z.array(containmentSchema) })
type Containment = z.infer<typeof containmentSchema>

const columnsAt = (nowMs: number): readonly Column<Containment>[] => [
  { title: 'id', value: ({ id }) => id },
  { title: 'status', value: ({ status }) => status },
  { title: 'age', value: ({ startedMs }) => age(startedMs, nowMs) },
  {
    title: 'undone in',
    value: ({ expiresMs }) =>
      expiresMs === null ? null : printDuration(Math.max(0, expiresMs - nowMs)),
  },
  { title: 'policy', value: ({ policy }) => policy },
  { title: 'what', value: ({ action, detail }) => `${action}: ${detail}` },
  { title: 'target', value: ({ target }) => target.name, isWide: true },
]

export const containments: AddCommand = (program, terminal) => {
  const group = program
    .command('containments')
    .description('see and undo effects that are live')
    .addHelpText(
      'after',
      examples(
        ['riposte containments list', 'what is contained now, and until when'],
        ['riposte containments undo s9c… --reason "false alarm"', 'take it back'],
        ['riposte containments extend s9c… --by 4h', 'let it stay longer'],
      ),
    )
  asksForRows(group.command('list'))
    .description('list containments, the live ones unless told otherwise')
    .option('--all', 'ended ones too')
    .action((options: RowOptions & { all?: boolean }) =>
      withApi(options, terminal, async (api) => {
        const answer = await api.get(`/v1/containments?all=${options.all === true}`)
        const { nowMs, containments: found } = readAnswer(listSchema, answer)
        terminal.print(printRows(found, columnsAt(nowMs), options.output, 'nothing is contained'))
      }),
    )
  asks(group.command('undo'))
    .description('take a containment back now')
    .argument('<id>')
    .option('--reason <text>', 'why', '')
    .action((id: string, options: ApiOptions & { reason: string }) =>
      withApi(options, terminal, async (api) => {
        const answer = await api.post(pathOf('containments', id, 'undo'), {
          reason: options.reason,
        })
        const { stepId } = readAnswer(z.looseObject({ stepId: z.string() }), answer)
        terminal.print(
          `undo ${stepId} is under way; riposte containments list --all shows how it ends`,
        )
      }),
    )
  asks(group.command('extend'))
    .description('let a containment stay longer')
    .argument('<id>')
    .requiredOption('--by <duration>', 'how much longer, such as 2h')
    .option('--reason <text>', 'why', '')
    .action((id: string, options: ApiOptions & { by: string; reason: string }) =>
      withApi(options, terminal, async (api) => {
        const { by, reason } = options
        const answer = await api.post(pathOf('containments', id, 'extend'), { by, reason })
        const { expiresMs } = readAnswer(z.looseObject({ expiresMs: z.number() }), answer)
        terminal.print(`stays until ${new Date(expiresMs).toISOString()}`)
      }),
    )
}
