/** `riposte rules list|show|validate`: rule files without detecting anything. */
import { Option } from 'commander'
import { stringify } from 'yaml'
import { type AddCommand, collect, examples } from '../command.ts'
import type { RuleRecord } from '../detect/print-rules.ts'
import { type Column, type RowFormat, printRows, rowFormat } from '../table.ts'

const columns: readonly Column<RuleRecord>[] = [
  { title: 'name', value: ({ name }) => name },
  { title: 'priority', value: ({ priority }) => priority },
  { title: 'source', value: ({ source }) => source, isWide: true },
  { title: 'state', value: ({ enabled }) => (enabled ? 'on' : 'off') },
  { title: 'actions', value: ({ actions }) => actions.map(({ name }) => name).join(',') || null },
  { title: 'tags', value: ({ tags }) => tags.join(','), isWide: true },
]

interface ListOptions {
  readonly rules: readonly string[]
  readonly output: RowFormat
  readonly source?: string
}

const rulesOption = () =>
  new Option('-r, --rules <path>', 'rule file or directory, repeatable (default: ours)')
    .argParser<readonly string[]>(collect)
    .default([])

export const rules: AddCommand = (program, terminal) => {
  const group = program.command('rules').description('list, show and check rules')
  group
    .command('list')
    .description('list the rules of the given files')
    .addOption(rulesOption())
    .addOption(
      new Option('-o, --output <format>', 'table, wide, json, yaml or name')
        .default('table')
        .argParser(rowFormat),
    )
    .option('--source <source>', 'only of this event source: syscall or k8s_audit')
    .action(async (options: ListOptions) => {
      const { listRules } = await import('../detect/print-rules.ts')
      const rows = listRules(options.rules, options.source, terminal)
      terminal.print(printRows(rows, columns, options.output, 'no rules'))
    })
  group
    .command('show')
    .description('show one rule with everything it uses')
    .argument('<name>', 'its name')
    .addOption(rulesOption())
    .action(async (name: string, options: { rules: readonly string[] }) => {
      const { showRule } = await import('../detect/print-rules.ts')
      terminal.print(stringify(showRule(options.rules, name, terminal)).trimEnd())
    })
  group
    .command('validate')
    .description('check rule files: every problem with its place')
    .argument('<files...>', 'rule files or directories')
    .option('-o, --output <format>', "text, or json (the shape of Falco's -V)", 'text')
    .addHelpText(
      'after',
      examples(
        ['riposte rules validate rules/local.yaml', 'exit 0, or 1 and what is wrong'],
        ['riposte rules validate -o json rules/', 'for a script'],
      ),
    )
    .action(async (files: readonly string[], options: { output: string }) => {
      const { validateRules } = await import('../detect/print-rules.ts')
      validateRules(files, options.output === 'json', terminal)
    })
}
