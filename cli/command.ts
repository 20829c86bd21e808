/** Shape of a command: one file in commands/, one line in its index. It parses and prints; the work is elsewhere. */
import type { Command } from 'commander'
import type { Terminal } from './terminal.ts'

/** Adds its command (or group of commands) to the program. */
export type AddCommand = (program: Command, terminal: Terminal) => void

/** Examples at the end of `--help`: a command line and what it is for. */
export const examples = (...lines: readonly (readonly [line: string, why: string])[]): string =>
  ['', 'Examples:', ...lines.map(([line, why]) => `  $ ${line}\n      ${why}`)].join('\n')

/** `-r a -r b` → ['a', 'b'] */
export const collect = (value: string, previous: readonly string[]): readonly string[] => [
  ...previous,
  value,
]
