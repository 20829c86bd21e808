/** `riposte evidence`: what was kept of cases, taking it away, and proving that it is what was kept. */
import { createHash } from 'node:crypto'
import { createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { asks, asksForRows, pathOf, readAnswer, withApi, type RowOptions } from '../ask.ts'
import type { Api, ApiOptions } from '../api.ts'
import { type AddCommand, examples } from '../command.ts'
import { printRows, type Column } from '../table.ts'
import { CommandFailure } from '../terminal.ts'

const keptSchema = z.looseObject({
  stepId: z.string(),
  caseId: z.string(),
  where: z.string(),
  manifestSha256: z.string(),
  files: z.array(z.looseObject({ name: z.string(), bytes: z.number(), sha256: z.string() })),
})
type Kept = z.infer<typeof keptSchema>

const listSchema = z.object({ evidence: z.array(keptSchema.extend({ atMs: z.number() })) })

const columns: readonly Column<z.infer<typeof listSchema>['evidence'][number]>[] = [
  { title: 'step', value: ({ stepId }) => stepId },
  { title: 'kept', value: ({ atMs }) => new Date(atMs).toISOString() },
  { title: 'files', value: ({ files }) => files.length },
  { title: 'bytes', value: ({ files }) => files.reduce((sum, { bytes }) => sum + bytes, 0) },
  { title: 'case', value: ({ caseId }) => caseId },
  { title: 'where', value: ({ where }) => where, isWide: true },
]

export const evidence: AddCommand = (program, terminal) => {
  const group = program
    .command('evidence')
    .description('list, take away and verify what was kept of cases')
    .addHelpText(
      'after',
      examples(
        ['riposte evidence list', 'what is kept, newest first'],
        ['riposte evidence get s9c… --to ./case-7', 'its files and manifest, verified on the way'],
        ['riposte evidence verify s9c…', 'prove that every file is what was kept'],
      ),
    )
  asksForRows(group.command('list'))
    .description('list steps that kept something, newest first')
    .option('--case <id>', 'only of this case')
    .option('-n, --limit <count>', 'how many', Number, 50)
    .action((options: RowOptions & { case?: string; limit: number }) =>
      withApi(options, terminal, async (api) => {
        const only = options.case === undefined ? '' : `&case=${encodeURIComponent(options.case)}`
        const answer = await api.get(`/v1/evidence?limit=${options.limit}${only}`)
        const { evidence: kept } = readAnswer(listSchema, answer)
        terminal.print(printRows(kept, columns, options.output, 'nothing is kept'))
      }),
    )
  asks(group.command('get'))
    .description('save the files of a step and its manifest; refuses what was changed')
    .argument('<step>')
    .option('--to <directory>', 'made if it is not there', '.')
    .action((step: string, options: ApiOptions & { to: string }) =>
      withApi(options, terminal, async (api) => {
        const kept = await find(api, step)
        mkdirSync(options.to, { recursive: true, mode: 0o700 })
        await checkAudit(api, kept)
        for (const { name, sha256 } of filesOf(kept)) {
          const path = join(options.to, name)
          expectSame(name, sha256, await fetchFile(api, kept, name, path))
          terminal.print(path)
        }
      }),
    )
  asks(group.command('verify'))
    .description('read every file again and compare; exit code 1 when one was changed')
    .argument('<step>')
    .action((step: string, options: ApiOptions) =>
      withApi(options, terminal, async (api) => {
        const kept = await find(api, step)
        const seq = await checkAudit(api, kept)
        for (const { name, sha256 } of filesOf(kept))
          expectSame(name, sha256, await fetchFile(api, kept, name, null))
        terminal.print(
          `${kept.files.length} files are as they were kept; the manifest is that of audit record ${seq} (riposte audit verify proves the audit)`,
        )
      }),
    )
}

const find = async (api: Api, step: string): Promise<Kept> =>
  readAnswer(keptSchema, await api.get(pathOf('evidence', step)))

/** The manifest last: with it in the folder, everything that it names is there. */
const filesOf = ({ files, manifestSha256 }: Kept) => [
  ...files,
  { name: 'manifest.json', sha256: manifestSha256 },
]

const recordsSchema = z.object({
  records: z.array(
    z.looseObject({ seq: z.number(), kind: z.string(), body: z.record(z.string(), z.unknown()) }),
  ),
})

/** The number of the record in the audit that has this manifest's SHA-256. */
async function checkAudit(api: Api, { stepId, manifestSha256 }: Kept): Promise<number> {
  const answer = await api.get(`/v1/audit?limit=1000&subject=${encodeURIComponent(stepId)}`)
  const latest = readAnswer(recordsSchema, answer).records.find(
    ({ kind }) => kind === 'evidence_stored',
  )
  if (latest === undefined)
    throw new CommandFailure(
      `the audit has no record of what ${stepId} kept`,
      'it may have been packed for its age: look for the step in riposte audit export',
    )
  if (latest.body['manifest'] !== manifestSha256)
    throw new CommandFailure(
      `the manifest of ${stepId} was changed: audit record ${latest.seq} has another SHA-256`,
    )
  return latest.seq
}

/** The SHA-256 of what came. */
async function fetchFile(
  api: Api,
  { stepId }: Kept,
  name: string,
  path: string | null,
): Promise<string> {
  const hash = createHash('sha256')
  const chunks = async function* () {
    for await (const chunk of api.bytes(pathOf('evidence', stepId, name))) {
      hash.update(chunk)
      yield chunk
    }
  }
  const to =
    path === null ? nowhere() : createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true })
  await pipeline(Readable.from(chunks()), to)
  return hash.digest('hex')
}

const nowhere = () =>
  new Writable({
    write(...[, , done]) {
      done()
    },
  })

function expectSame(name: string, expected: string, found: string): void {
  if (expected !== found)
    throw new CommandFailure(`${name} was changed: SHA-256 ${found} instead of ${expected}`)
}
