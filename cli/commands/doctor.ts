/** `riposte doctor`: what this machine has, what it lacks, and what to do about it. */
import { Option } from 'commander'
import { type AddCommand, examples } from '../command.ts'
import { dataDirectory } from '../data-directory.ts'
import type { Finding } from '../doctor/check.ts'
import { checks } from '../doctor/checks.ts'
import { thisMachine } from '../doctor/machine.ts'
import { type RowFormat, printRows, rowFormat } from '../table.ts'
import { CommandFailure } from '../terminal.ts'

export const doctor: AddCommand = (program, terminal) => {
  program
    .command('doctor')
    .description('check this machine: kernel, privileges, cgroups, Redis, disk; with what to do')
    .option('--data <dir>', 'data directory')
    .addOption(
      new Option('-o, --output <format>', 'table, wide, json, yaml or name')
        .default('table')
        .argParser(rowFormat),
    )
    .addHelpText(
      'after',
      examples(
        ['riposte doctor', 'exits with 1 when something that is needed is missing'],
        ['riposte doctor -o json', 'for a script'],
      ),
    )
    .action((options: { data?: string; output: RowFormat }) => {
      const machine = thisMachine(dataDirectory(options.data, terminal), terminal)
      const findings = checks.map(([name, check]) => ({ name, ...check(machine) }))
      terminal.print(printRows(findings, columns, options.output, ''))
      const problems = findings.filter(({ level }) => level === 'problem')
      if (problems.length > 0)
        throw new CommandFailure(`${problems.map(({ name }) => name).join(', ')}: not as needed`)
    })
}

const columns = [
  { title: 'check', value: ({ name }: Finding) => name },
  { title: 'state', value: ({ level }: Finding) => level },
  { title: 'found', value: ({ found }: Finding) => found },
  { title: 'what to do', value: ({ remedy }: Finding) => remedy ?? '' },
]
