/** `riposte policies`: what holds, what a file would do, and the mode. */
import { readFileSync, statSync } from 'node:fs'
import { text as readStream } from 'node:stream/consumers'
import { z } from 'zod'
import { alertSchema, type Alert } from '../../contract/alert.ts'
import { printProblem, unknownName } from '../../contract/problem.ts'
import { actions } from '../../responder/actions/index.ts'
import { readPolicyDirectory } from '../../responder/policy/directory.ts'
import { policyJsonSchema } from '../../responder/policy/json-schema.ts'
import { loadPolicies } from '../../responder/policy/load.ts'
import { modes } from '../../responder/policy/schema.ts'
import { tryPolicies } from '../../responder/policy/try.ts'
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
import { type AddCommand, collect, examples } from '../command.ts'
import { alignColumns, printRows, type Column } from '../table.ts'
import { CommandFailure, exitCodes, type Terminal } from '../terminal.ts'

const policySchema = z.looseObject({
  name: z.string(),
  mode: z.string(),
  fileMode: z.string(),
  override: z.looseObject({ person: z.string() }).nullable(),
  trip: z.string().nullable(),
  actions: z.array(z.string()),
  file: z.string(),
  description: z.string(),
})
const listSchema = z.looseObject({
  policies: z.array(policySchema),
  problems: z.array(z.looseObject({ file: z.string(), line: z.number(), message: z.string() })),
})
type Listed = z.infer<typeof policySchema>

const columns: readonly Column<Listed>[] = [
  { title: 'name', value: ({ name }) => name },
  { title: 'mode', value: ({ mode, trip }) => (trip === null ? mode : 'audit (fuse open)') },
  {
    title: 'set by',
    value: ({ override, fileMode }) =>
      override === null ? 'file' : `${override.person} (file: ${fileMode})`,
  },
  { title: 'actions', value: ({ actions: names }) => names.join(',') || "the rule's" },
  { title: 'description', value: ({ description }) => description },
  { title: 'file', value: ({ file }) => file, isWide: true },
]

export const policies: AddCommand = (program, terminal) => {
  const group = program
    .command('policies')
    .description('see, test and switch policies')
    .addHelpText(
      'after',
      examples(
        ['riposte policies list', 'what holds now'],
        ['riposte policies lint policies/', 'every mistake in the files, with line and column'],
        ['riposte policies test policies/ --alert alert.json', 'what they would do about an alert'],
        [
          'riposte policies set-mode reverse-shell enforce --reason "quiet for a week"',
          'act from now on',
        ],
        ['riposte policies schema > policy.schema.json', 'completion in your editor'],
      ),
    )
  asksForRows(group.command('list'))
    .description('list the policies in force')
    .action((options: RowOptions) =>
      withApi(options, terminal, async (api) => {
        const found = readAnswer(listSchema, await api.get('/v1/policies'))
        terminal.print(printRows(found.policies, columns, options.output, 'no policies'))
        for (const { file, line, message } of found.problems)
          terminal.say(`not in force: ${file}:${line}  ${message}`)
      }),
    )
  asksForRows(group.command('show'))
    .description('show one policy as it holds')
    .argument('<name>')
    .action((name: string, options: RowOptions) =>
      withApi(options, terminal, async (api) => {
        terminal.print(printWhole(await api.get(pathOf('policies', name)), options.output))
      }),
    )
  asks(group.command('set-mode'))
    .description('set the mode of a policy over its file; it holds over restarts')
    .argument('<name>')
    .argument('<mode>', 'off, audit, enforce, or file: as the file says')
    .option('--reason <text>', 'why, for the audit', '')
    .action((name: string, mode: string, options: ApiOptions & { reason: string }) =>
      withApi(options, terminal, async (api) => {
        const known = [...modes, 'file'] as const
        const wanted = known.find((one) => one === mode)
        if (wanted === undefined)
          throw new CommandFailure(unknownName('mode', mode, known), undefined, exitCodes.usage)
        const body = { mode: wanted === 'file' ? null : wanted, reason: options.reason }
        await api.post(pathOf('policies', name, 'mode'), body)
        terminal.print(`${name}: ${wanted === 'file' ? 'as its file says' : wanted}`)
      }),
    )
  asks(group.command('reset'))
    .description('close the fuse or breaker of a policy that tripped')
    .argument('<name>')
    .option('--reason <text>', 'why, for the audit', '')
    .action((name: string, options: ApiOptions & { reason: string }) =>
      withApi(options, terminal, async (api) => {
        const answer = await api.post(pathOf('policies', name, 'reset'), { reason: options.reason })
        const { wasTripped } = readAnswer(z.looseObject({ wasTripped: z.boolean() }), answer)
        terminal.print(wasTripped ? `${name}: acts again` : `${name}: nothing had tripped`)
      }),
    )
  group
    .command('lint')
    .description('check policy files; exit code 1 when they have problems')
    .argument('<paths...>', 'files or directories')
    .action((paths: string[]) => {
      const { policies: found } = loadOrFail(paths, terminal)
      terminal.print(`${found.length} ${found.length === 1 ? 'policy' : 'policies'}, no problems`)
    })
  group
    .command('test')
    .description('say what policy files would do about an alert; nothing is done')
    .argument('<paths...>', 'files or directories')
    .requiredOption('--alert <file>', 'an alert as JSON, - for stdin; may be repeated', collect, [])
    .action(async (paths: string[], options: { alert: readonly string[] }) => {
      const set = loadOrFail(paths, terminal)
      for (const file of options.alert)
        terminal.print(trial(tryPolicies(set, actions, await readAlert(file))))
    })
  group
    .command('schema')
    .description('print the JSON Schema of policy files')
    .action(() => {
      terminal.print(JSON.stringify(policyJsonSchema(actions), undefined, 2))
    })
}

/** Prints every problem with its line, then fails. */
function loadOrFail(paths: readonly string[], terminal: Terminal) {
  const read = paths.map((path) =>
    isDirectory(path)
      ? readPolicyDirectory(path)
      : { files: [{ name: path, text: readFileSync(path, 'utf8') }], problems: [] },
  )
  const files = read.flatMap((one) => one.files)
  const loaded = loadPolicies(files, actions)
  const problems = [...read.flatMap((one) => one.problems), ...loaded.problems]
  for (const problem of problems)
    terminal.say(printProblem(problem, files.find(({ name }) => name === problem.file)?.text))
  if (loaded.set !== null && problems.length === 0) return loaded.set
  throw new CommandFailure(`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`)
}

function isDirectory(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) throw new CommandFailure(`${path} is not there`)
  return found.isDirectory()
}

/** `riposte alerts explain -o json` prints more than an alert; the rest is left out. */
async function readAlert(file: string): Promise<Alert> {
  const text = file === '-' ? await readStream(process.stdin) : readFileSync(file, 'utf8')
  const result = z.object(alertSchema.shape).safeParse(parseJson(text, file))
  if (result.success) return result.data
  throw new CommandFailure(`${file} is no alert`, z.prettifyError(result.error))
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CommandFailure(`${file} is not JSON`, String(error))
  }
}

function trial({ matches, steps }: ReturnType<typeof tryPolicies>): string {
  const rows = matches.map(({ policy, mode, isMatch, why }) => [
    policy,
    mode,
    isMatch ? 'yes' : 'no',
    why,
  ])
  const planned = steps.map((step) => `  ${step.summary}`)
  return [
    alignColumns([['POLICY', 'MODE', 'TAKES PART', 'WHY'], ...rows]),
    '',
    ...(planned.length > 0 ? ['Steps', ...planned] : ['No steps']),
  ].join('\n')
}
