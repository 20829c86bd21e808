/** What every command that asks the responder shares: where it is, and how the answer is printed. */
import { Option, type Command } from 'commander'
import { stringify } from 'yaml'
import { z } from 'zod'
import { connectApi, type Api, type ApiOptions } from './api.ts'
import { rowFormat, type RowFormat } from './table.ts'
import { CommandFailure, type Terminal } from './terminal.ts'

export interface RowOptions extends ApiOptions {
  readonly output: RowFormat
}

/** `--data`, `--server`, `--token-file`: on every command that asks. */
export const asks = (command: Command): Command =>
  command
    .option('--data <directory>', 'data directory of the responder on this host')
    .option('--server <url>', 'responder elsewhere, such as https://riposte.example:2810')
    .option('--token-file <file>', 'file with the bearer token for --server')
    .option('--as <name>', 'whose word it is (default: who called sudo); on this host only')

/** The same, and `-o`. */
export const asksForRows = (command: Command): Command =>
  asks(command).addOption(
    new Option('-o, --output <format>', 'table, wide, json, yaml or name')
      .default('table')
      .argParser(rowFormat),
  )

export async function withApi<Result>(
  options: ApiOptions,
  terminal: Terminal,
  work: (api: Api) => Promise<Result>,
): Promise<Result> {
  const api = connectApi(options, terminal)
  try {
    return await work(api)
  } finally {
    await api.close()
  }
}

/** Answers are read loosely: a newer responder may say more, and `-o json` shows all of it. */
export function readAnswer<Schema extends z.ZodType>(
  schema: Schema,
  answer: unknown,
): z.infer<Schema> {
  const result = schema.safeParse(answer)
  if (result.success) return result.data
  throw new CommandFailure(
    'the responder answered in a form that this riposte does not know',
    `use the same version on both sides (${z.prettifyError(result.error)})`,
  )
}

/** One thing as a whole: YAML for people, JSON when asked. */
export const printWhole = (answer: unknown, format: RowFormat): string =>
  format === 'json' ? JSON.stringify(answer, undefined, 2) : stringify(answer).trimEnd()

/** `/v1/approvals/a1`, whatever stands in the id. */
export const pathOf = (...parts: readonly string[]): string =>
  `/v1/${parts.map(encodeURIComponent).join('/')}`

/** Resolves after the time, or when the command is interrupted. */
export const wait = (ms: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, ms)
  })
