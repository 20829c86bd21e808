/** `riposte fields list`: everything that a condition or an output may ask of an event. */
import { type AddCommand, examples } from '../command.ts'

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
    .addHelpText(
      'after',
      examples(
        ['riposte fields list proc.', 'what is known of processes'],
        ['riposte fields list -o json', 'for a script'],
      ),
    )
    .action(async (pattern: string, options: { output: string; namesOnly?: boolean }) => {
      const { printFields } = await import('../fields.ts')
      terminal.print(printFields(options.output, options.namesOnly === true, pattern))
    })
}
