/** The policy directory: read as a whole, watched, and taken over only when all of it is right. */
import { createHash } from 'node:crypto'
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  watch,
  writeFileSync,
  type FSWatcher,
} from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Problem } from '../../contract/problem.ts'
import type { Action } from '../actions/action.ts'
import type { PolicyFile } from './documents.ts'
import { loadPolicies } from './load.ts'
import { noGuard, type PolicySet } from './policy.ts'

/** A ConfigMap is exchanged by renaming a link, which tells a watcher little: what counts is the content. */
const settleMs = 200
const pollMs = 10_000
const maxFileBytes = 1 << 20

export interface ReadDirectory {
  readonly files: readonly PolicyFile[]
  readonly problems: readonly Problem[]
}

/** Every .yaml and .yml of the directory itself, by name; hidden ones are the cluster's own links. */
export function readPolicyDirectory(directory: string): ReadDirectory {
  try {
    const names = readdirSync(directory)
      .filter((name) => /^[^.].*\.ya?ml$/.test(name))
      .toSorted()
    const files = names.map((name) => {
      const path = join(directory, name)
      return { name: path, text: readFileSync(path, 'utf8') }
    })
    return { files, problems: files.flatMap(tooLarge) }
  } catch (error) {
    const message = `cannot be read: ${error instanceof Error ? error.message : String(error)}`
    return { files: [], problems: [fileProblem(directory, 'unreadable', message)] }
  }
}

const tooLarge = ({ name, text }: PolicyFile): readonly Problem[] =>
  text.length <= maxFileBytes
    ? []
    : [
        fileProblem(
          name,
          'too_large',
          `is larger than ${maxFileBytes} bytes, which no policy needs`,
        ),
      ]

const fileProblem = (file: string, code: string, message: string): Problem => ({
  code,
  severity: 'error',
  message,
  file,
  line: 1,
  column: 1,
})

export interface PolicyWatch {
  readonly set: () => PolicySet
  /** Of the files as they are now; when there are any, `set` is still the one before. */
  readonly problems: () => readonly Problem[]
  readonly texts: () => readonly PolicyFile[]
  readonly stop: () => void
}

export interface WatchParts {
  readonly directory: string
  readonly actions: readonly Action[]
  /** Holds the files that were last in force, so that a restart beside a mistake takes no policy away. */
  readonly lastGoodFile: string
  /** A new set is in force, or the problems are others. */
  readonly onChange: () => void
}

export function watchPolicies({
  directory,
  actions,
  lastGoodFile,
  onChange,
}: WatchParts): PolicyWatch {
  let set: PolicySet = { policies: [], guard: noGuard, generation: 'empty' }
  let problems: readonly Problem[] = []
  let files: readonly PolicyFile[] = []
  let content = ''
  let isFirst = true
  const look = () => {
    const found = readPolicyDirectory(directory)
    const hash = createHash('sha256').update(JSON.stringify(found)).digest('hex')
    if (hash === content) return
    content = hash
    ;({ files } = found)
    const loaded = loadPolicies(found.files, actions)
    problems = [...found.problems, ...loaded.problems]
    if (loaded.set !== null && problems.length === 0) {
      ;({ set } = loaded)
      keepLastGood(lastGoodFile, found.files)
    } else if (isFirst) set = loadPolicies(readLastGood(lastGoodFile), actions).set ?? set
    isFirst = false
    onChange()
  }
  look()
  let settling: NodeJS.Timeout | undefined
  const watcher = watchDirectory(directory, () => {
    clearTimeout(settling)
    settling = setTimeout(look, settleMs)
  })
  const poll = setInterval(look, pollMs)
  return {
    set: () => set,
    problems: () => problems,
    texts: () => files,
    stop: () => {
      clearTimeout(settling)
      clearInterval(poll)
      watcher?.close()
    },
  }
}

const lastGoodSchema = z.array(z.strictObject({ name: z.string(), text: z.string() }))

function keepLastGood(file: string, files: readonly PolicyFile[]): void {
  writeFileSync(`${file}.new`, JSON.stringify(files), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

const readLastGood = (file: string): readonly PolicyFile[] =>
  existsSync(file) ? lastGoodSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : []

/** Without inotify (or without the directory) the poll alone finds changes, later. */
function watchDirectory(directory: string, onEvent: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, onEvent)
    watcher.on('error', onEvent)
    return watcher
  } catch {
    // ENOENT, ENOSPC (no more inotify watches), ENOSYS: whatever it is, `look` says what is wrong with the directory.
    return undefined
  }
}
