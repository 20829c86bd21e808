/** The chart as helm renders it: objects to look at, by kind and name. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'

export const chart = fileURLToPath(new URL('..', import.meta.url))

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
})
export type KubernetesObject = z.infer<typeof objectSchema>

/** The version that golden files are rendered for; what is there depends on it. */
const kubeVersion = '1.36.3'

export interface Rendered {
  readonly text: string
  readonly objects: readonly KubernetesObject[]
}

export function render(helm: string, values: object | string, ...flags: string[]): Rendered {
  const text = withValues(values, (file) =>
    execFileSync(helm, templateArguments(file, flags), { encoding: 'utf8', stdio: 'pipe' }),
  )
  const objects = parseAllDocuments(text).flatMap((document) => {
    const found: unknown = document.toJS()
    return found === null ? [] : [objectSchema.parse(found)]
  })
  return { text, objects }
}

/** What helm says against these values. */
export const refusal = (helm: string, values: object): string =>
  withValues(
    values,
    (file) => spawnSync(helm, templateArguments(file, []), { encoding: 'utf8' }).stderr,
  )

const templateArguments = (file: string, flags: readonly string[]): string[] => [
  'template',
  'riposte',
  chart,
  '--namespace=riposte',
  `--kube-version=${kubeVersion}`,
  `--values=${file}`,
  ...flags,
]

function withValues<Result>(values: object | string, use: (file: string) => Result): Result {
  if (typeof values === 'string') return use(values)
  const directory = mkdtempSync(join(tmpdir(), 'riposte-values-'))
  const file = join(directory, 'values.json')
  writeFileSync(file, JSON.stringify(values))
  try {
    return use(file)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

export function find({ objects }: Rendered, kind: string, name: string): KubernetesObject {
  const found = objects.find((each) => each.kind === kind && each.metadata.name === name)
  if (found !== undefined) return found
  throw new Error(`no ${kind} ${name}; there are ${objects.map(idOf).join(', ')}`)
}

export const idOf = ({ kind, metadata: { name, namespace } }: KubernetesObject): string =>
  namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`
