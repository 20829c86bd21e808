/** `riposte audit`: the chained record of everything that was decided and done. */
import { z } from 'zod'
import { asks, asksForRows, readAnswer, wait, withApi, type RowOptions } from '../ask.ts'
import type { Api, ApiOptions } from '../api.ts'
import { type AddCommand, examples } from '../command.ts'
import { printRows, type Column } from '../table.ts'
import { CommandFailure, type Terminal } from '../terminal.ts'

const recordSchema = z.looseObject({
  seq: z.number(),
  atMs: z.number(),
  kind: z.string(),
  subject: z.string(),
  body: z.record(z.string(), z.unknown()),
})
const listSchema = z.object({ records: z.array(recordSchema) })
type AuditRecord = z.infer<typeof recordSchema>

const columns: readonly Column<AuditRecord>[] = [
  { title: 'seq', value: ({ seq }) => seq },
  { title: 'time', value: ({ atMs }) => new Date(atMs).toISOString() },
  { title: 'kind', value: ({ kind }) => kind },
  { title: 'subject', value: ({ subject }) => subject },
  { title: 'body', value: ({ body }) => JSON.stringify(body) },
]

const verdictSchema = z.discriminatedUnion('isIntact', [
  z.looseObject({
    isIntact: z.literal(true),
    records: z.number(),
    beginsAt: z.number(),
    head: z.string(),
    checkpoints: z.number(),
  }),
  z.looseObject({
    isIntact: z.literal(false),
    seq: z.number(),
    fault: z.string(),
    detail: z.string(),
  }),
])

export const audit: AddCommand = (program, terminal) => {
  const group = program
    .command('audit')
    .description('read, verify and export the audit')
    .addHelpText(
      'after',
      examples(
        ['riposte audit verify', 'prove that no record was changed, cut off or left out'],
        ['riposte audit tail --follow', 'see records as they are written'],
        ['riposte audit export > audit.ndjson', 'take all of it away'],
      ),
    )
  asks(group.command('verify'))
    .description('prove that the chain holds; exit code 1 when it does not')
    .action((options: ApiOptions) =>
      withApi(options, terminal, async (api) => {
        const result = readAnswer(verdictSchema, await api.get('/v1/audit/verify'))
        if (!result.isIntact)
          throw new CommandFailure(`the chain is broken at record ${result.seq}: ${result.detail}`)
        const from =
          result.beginsAt === 1
            ? ''
            : ` from ${result.beginsAt} (older ones were dropped by retention)`
        terminal.print(
          `the chain holds: ${result.records} records${from}, ${result.checkpoints} checkpoints, head ${result.head.slice(0, 16)}`,
        )
      }),
    )
  asksForRows(group.command('tail'))
    .description('show the latest records')
    .option('-n, --lines <count>', 'how many', Number, 20)
    .option('--subject <id>', 'only of this step, approval, containment, alert or policy')
    .option('-f, --follow', 'go on as records are written')
    .action((options: RowOptions & TailOptions) =>
      withApi(options, terminal, (api) => tail(api, options, terminal)),
    )
  asks(group.command('export'))
    .description('print every record as one JSON object a line, oldest first')
    .action((options: ApiOptions) =>
      withApi(options, terminal, async (api) => {
        let rest = ''
        for await (const chunk of api.stream('/v1/audit/export')) {
          const lines = (rest + chunk).split('\n')
          rest = lines.pop() ?? ''
          for (const line of lines) terminal.print(line)
        }
      }),
    )
}

interface TailOptions {
  readonly lines: number
  readonly subject?: string
  readonly follow?: boolean
}

async function tail(
  api: Api,
  options: RowOptions & TailOptions,
  terminal: Terminal,
): Promise<void> {
  const subject =
    options.subject === undefined ? '' : `&subject=${encodeURIComponent(options.subject)}`
  const latest = async (limit: number) =>
    readAnswer(listSchema, await api.get(`/v1/audit?limit=${limit}${subject}`)).records.toReversed()
  let records = await latest(options.lines)
  terminal.print(printRows(records, columns, options.output, 'no records'))
  let last = records.at(-1)?.seq ?? 0
  while (options.follow === true) {
    await wait(1000)
    const seen = last
    records = (await latest(1000)).filter(({ seq }) => seq > seen)
    last = records.at(-1)?.seq ?? last
    for (const record of records)
      terminal.print(columns.map(({ value }) => value(record)).join('   '))
  }
}
