/**
 * Programs of other projects, built once from the Go module proxy by a module of ours and kept outside the repository:
 * ${XDG_CACHE_HOME:-~/.cache}/riposte/<cache>/<key>/bin. The key is of what the module pins and of Go itself.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { must } from './command.ts'
import { exclusively } from './lock.ts'

export interface GoModule<Name extends string> {
  /** The folder of go.mod and go.sum. */
  readonly folder: string
  /** Its name below the cache, and before what is said while it is built. */
  readonly cache: string
  /** Program → package. The dearest first: what they share is compiled with it. */
  readonly packages: Readonly<Record<Name, string>>
  /** For the linker. */
  readonly flags: (goMod: string) => string
}

/** The folder that holds bin/; builds what is missing, with a line on standard error for each. */
export async function goPrograms<Name extends string>(module: GoModule<Name>): Promise<string> {
  const [goMod, goSum] = await Promise.all([
    readFile(join(module.folder, 'go.mod'), 'utf8'),
    readFile(join(module.folder, 'go.sum'), 'utf8'),
  ])
  const goVersion = await must('go', ['version'])
  const key = createHash('sha256').update(goMod).update(goSum).update(goVersion).digest('hex')
  const folder = join(cacheFolder(), module.cache, key.slice(0, 16))
  const wanted = Object.entries<string>(module.packages).map(
    ([name, source]) => [join(folder, 'bin', name), source] as const,
  )
  const missing = () => wanted.filter(([path]) => !existsSync(path))
  if (missing().length === 0) return folder

  await exclusively(`${module.cache}-tools-${key}`, async () => {
    await mkdir(join(folder, 'bin'), { recursive: true })
    for (const [path, source] of missing()) await build(module, path, source, module.flags(goMod))
  })
  return folder
}

async function build(
  { folder, cache }: GoModule<string>,
  path: string,
  source: string,
  flags: string,
): Promise<void> {
  const start = performance.now()
  process.stderr.write(`${cache}: building ${path.split('/').at(-1)} ... `)
  const partial = `${path}.partial`
  await must('go', ['build', '-trimpath', '-ldflags', flags, '-o', partial, source], {
    cwd: folder,
    env: { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOWORK: 'off' },
  })
  // What stands under its name is whole.
  await rename(partial, path)
  process.stderr.write(`${((performance.now() - start) / 1000).toFixed(0)} s\n`)
}

function cacheFolder(): string {
  const { XDG_CACHE_HOME: cache } = process.env
  return join(cache === undefined || cache === '' ? join(homedir(), '.cache') : cache, 'riposte')
}
