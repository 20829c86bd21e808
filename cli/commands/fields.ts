/** `riposte fields list`: everything that a condition or an output may ask of an event. */
import { type AddCommand, examples } from '../command.ts'

interface Options {
  readonly output: string
  readonly namesOnly?: boolean
  readonly source?: string
}

export const fields: AddCommand = (program, terminal) => {
  const group = program
    .command('fields')
    .description('the fields that conditions and outputs may use')
  group
    .command('list')
    .description('list all fields with their types')
    .argument('[text]', 'only fields whose name contains this', '')
    .option('-o, --output <format>', 'text, markdown or json', 'text')
    .option('-N, --names-only', 'only the names')
    .option('--source <source>', 'only of this event source: syscall or k8s_audit')
    .addHelpText(
      'after',
      examples(
        ['riposte fields list proc.', 'what is known of processes'],
        ['riposte fields list --source k8s_audit', 'what is known of requests to the API server'],
        ['riposte fields list -o json', 'for a script'],
      ),
    )
    .action(async (pattern: string, options: Options) => {
      const { printFields } = await import('../fields.ts')
      const { output: format, namesOnly: isNamesOnly = false, source } = options
      terminal.print(printFields({ format, isNamesOnly, pattern, source }))
    })
}
