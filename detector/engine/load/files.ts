/** Rule files by path, in the order in which they load (falco-compat 1.3). */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { SourceFile } from './read.ts'

export interface RuleFiles {
  readonly files: readonly SourceFile[]
  /** Files that are there and cannot be read (LOAD_ERR_FILE_READ), and paths that are not there. */
  readonly unreadable: readonly {
    readonly path: string
    readonly reason: string
    readonly isMissing: boolean
  }[]
}

/** A directory stands for its regular files in alphabetical order; names other than *.yaml and *.yml are passed over. */
export function readRuleFiles(paths: readonly string[]): RuleFiles {
  const files: SourceFile[] = []
  const unreadable: RuleFiles['unreadable'][number][] = []
  const read = (path: string): void => {
    try {
      if (/\.ya?ml$/.test(path)) files.push({ name: path, text: readFileSync(path, 'utf8') })
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unreadable'
      unreadable.push({ path, reason, isMissing: false })
    }
  }
  for (const path of paths) {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found === undefined) unreadable.push({ path, reason: 'no such file', isMissing: true })
    else if (!found.isDirectory()) read(path)
    else
      for (const entry of readdirSync(path, { withFileTypes: true }).toSorted(byName))
        if (isRegular(path, entry.name)) read(join(path, entry.name))
  }
  return { files, unreadable }
}

const isRegular = (folder: string, name: string) =>
  statSync(join(folder, name), { throwIfNoEntry: false })?.isFile() === true

const byName = (a: { readonly name: string }, b: { readonly name: string }) =>
  a.name < b.name ? -1 : Number(a.name > b.name)
