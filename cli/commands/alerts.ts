/** `riposte alerts`: what happened, what was decided, and why (or why not). */
import { z } from 'zod'
import {
  asksForRows,
  pathOf,
  printWhole,
  readAnswer,
  wait,
  withApi,
  type RowOptions,
} from '../ask.ts'
import type { Api } from '../api.ts'
import { type AddCommand, examples } from '../command.ts'
import { age, alignColumns, printRows, type Column } from '../table.ts'
import type { Terminal } from '../terminal.ts'

const decisionSchema = z.looseObject({
  policy: z.string(),
  rung: z.string(),
  action: z.string(),
  summary: z.string(),
  outcome: z
    .looseObject({
      gates: z
        .array(
          z.looseObject({ gate: z.string(), answer: z.string(), reason: z.string().nullable() }),
        )
        .optional(),
    })
    .nullable(),
})
const alertSchema = z.looseObject({
  id: z.string(),
  rule: z.string(),
  priority: z.string(),
  node: z.string(),
  time: z.string(),
  output: z.string(),
  receivedMs: z.number(),
  decisions: z.array(decisionSchema),
})
const explainedSchema = alertSchema.extend({
  policies: z.array(
    z.looseObject({ policy: z.string(), mode: z.string(), isMatch: z.boolean(), why: z.string() }),
  ),
})
const listSchema = z.object({ alerts: z.array(alertSchema) })
type StoredAlert = z.infer<typeof alertSchema>

const columnsAt = (nowMs: number): readonly Column<StoredAlert>[] => [
  { title: 'id', value: ({ id }) => id },
  { title: 'age', value: ({ receivedMs }) => age(receivedMs, nowMs) },
  { title: 'priority', value: ({ priority }) => priority },
  { title: 'rule', value: ({ rule }) => rule },
  { title: 'node', value: ({ node }) => node, isWide: true },
  {
    title: 'decided',
    value: ({ decisions }) => decisions.map(({ summary }) => summary).join('; ') || null,
  },
  { title: 'output', value: ({ output }) => output, isWide: true },
]

export const alerts: AddCommand = (program, terminal) => {
  const group = program
    .command('alerts')
    .description('see alerts and what was decided about them')
    .addHelpText(
      'after',
      examples(
        ['riposte alerts list', 'the latest, with their decisions'],
        ['riposte alerts tail', 'as they come'],
        ['riposte alerts explain 4f2…', 'which policies took part, which gate said what'],
      ),
    )
  asksForRows(group.command('list'))
    .description('list the latest alerts')
    .option('-n, --lines <count>', 'how many', Number, 20)
    .option('--rule <name>', 'only of this rule')
    .action((options: RowOptions & { lines: number; rule?: string }) =>
      withApi(options, terminal, async (api) => {
        const rule = options.rule === undefined ? '' : `&rule=${encodeURIComponent(options.rule)}`
        const found = await latest(api, `${options.lines}${rule}`)
        terminal.print(printRows(found, columnsAt(Date.now()), options.output, 'no alerts yet'))
      }),
    )
  asksForRows(group.command('tail'))
    .description('print alerts as they come, until interrupted')
    .action((options: RowOptions) => withApi(options, terminal, (api) => tail(api, terminal)))
  asksForRows(group.command('explain'))
    .description('say why something was done about an alert, or why not')
    .argument('<id>')
    .action((id: string, options: RowOptions) =>
      withApi(options, terminal, async (api) => {
        const answer = await api.get(pathOf('alerts', id))
        if (options.output !== 'table') terminal.print(printWhole(answer, options.output))
        else terminal.print(explanation(readAnswer(explainedSchema, answer)))
      }),
    )
}

const latest = async (api: Api, query: string) =>
  readAnswer(listSchema, await api.get(`/v1/alerts?limit=${query}`)).alerts

/** An alert is printed when it comes, and again when what was decided about it has changed. */
async function tail(api: Api, terminal: Terminal): Promise<void> {
  const printed = new Map((await latest(api, '1')).map(({ id }) => [id, '']))
  for (;;) {
    const found = (await latest(api, '200')).toReversed()
    const known = found.findLastIndex(({ id }) => printed.has(id))
    for (const [index, alert] of found.entries()) {
      const decided = alert.decisions.map(({ summary }) => summary).join('; ')
      if (index <= known && printed.get(alert.id) === decided) continue
      if (index < known && !printed.has(alert.id)) continue
      printed.set(alert.id, decided)
      const line = [alert.time, alert.priority, alert.rule, decided || alert.output]
      terminal.print(clean(line.join('   ')))
    }
    for (const id of [...printed.keys()].slice(0, -1000)) printed.delete(id)
    await wait(1000)
  }
}

function explanation(alert: z.infer<typeof explainedSchema>): string {
  const policies = alert.policies.map(({ policy, mode, isMatch, why }) => [
    `  ${policy}`,
    mode,
    isMatch ? 'yes' : 'no',
    why,
  ])
  const decisions = alert.decisions.flatMap(({ policy, rung, action, summary, outcome }) => [
    `  ${policy}/${rung} ${action}`,
    `    ${summary}`,
    ...(outcome?.gates ?? [])
      .filter(({ answer, reason }) => answer !== 'pass' || reason !== null)
      .map(
        ({ gate, answer, reason }) =>
          `    gate ${gate}: ${answer}${reason === null ? '' : `, ${reason}`}`,
      ),
  ])
  return clean(
    [
      `${alert.rule} (${alert.priority}) on ${alert.node} at ${alert.time}`,
      `  ${alert.output}`,
      '',
      'Policies',
      alignColumns([['  NAME', 'MODE', 'TAKES PART', 'WHY'], ...policies]),
      '',
      'Decisions',
      ...(decisions.length > 0 ? decisions : ['  none: no policy asks for anything']),
    ].join('\n'),
  )
}

/** What an alert carries may hold anything: no control character but the line end reaches the terminal. */
const clean = (text: string) => text.replaceAll(/[^\P{Cc}\n]/gu, '\uFFFD')
