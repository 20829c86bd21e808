/** The npm packages that run in production, by the lock file's own flags: no second install, no network. */
import { cpSync, existsSync, readFileSync, realpathSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { z } from 'zod'

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      dev: z.boolean().default(false),
      devOptional: z.boolean().default(false),
      link: z.boolean().default(false),
      optional: z.boolean().default(false),
    }),
  ),
})

/** Paths below the repository; packages for another platform are not there. Node itself is copied on its own. */
export function productionModules(repository: string): string[] {
  const lock = lockSchema.parse(
    JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')),
  )
  return Object.entries(lock.packages).flatMap(([path, { dev, devOptional, link, optional }]) => {
    if (!path.startsWith('node_modules/') || dev || devOptional || link) return []
    if (/\/(?:node-linux-\w+|@types\/[^/]+)$/.test(path)) return []
    if (existsSync(join(repository, path))) return [path]
    if (optional) return []
    throw new Error(`${path} is not installed: run npm ci first`)
  })
}

/** Types, maps and documentation are for people who develop; Node reads none of them. */
const isRead = (path: string): boolean => {
  const name = basename(path)
  if (/\.(?:[cm]?ts|map|markdown)$/.test(name)) return false
  return !/\.md$/i.test(name) || /licen|notice|copying/i.test(name)
}

const developmentFolders = new Set(['test', 'tests', '__tests__', 'benchmarks', '.github'])

export function copyModules(repository: string, to: string): void {
  for (const path of productionModules(repository)) {
    const from = realpathSync(join(repository, path))
    cpSync(from, join(to, path), {
      recursive: true,
      filter(each) {
        const [folder = ''] = relative(from, each).split('/')
        if (folder === 'node_modules' || developmentFolders.has(folder)) return false
        // Binaries for a runtime that is not Node.
        if (folder === 'prebuilds' && basename(path).startsWith('bare-')) return false
        return isRead(each)
      },
    })
  }
}
