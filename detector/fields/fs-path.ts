/** fs.path.*: the paths of calls that act on the file system, alike for all of them; only of calls that worked. */
import type { Event } from '../events/event.ts'
import { eventSet, textOf } from '../events/parameter.ts'
import { events } from '../events/schema.ts'
import type { Field } from './index.ts'
import { joinPath } from './paths.ts'
import { row } from './row.ts'
import { fileName, rawName, returnOf, startOf } from './subject.ts'

/** By event: the parameter of the path, and where a relative one starts if not at `dirpath`. */
type Table = Readonly<Record<string, readonly [path: string, start?: string]>>

const names: Table = {
  mkdir: ['path'],
  mkdirat: ['path'],
  rmdir: ['path'],
  unlink: ['path'],
  unlinkat: ['name'],
  chmod: ['filename'],
  fchmodat: ['filename'],
  fchmod: ['path'],
  umount2: ['name'],
}

/** Falco's words: of a link the new name is the source. */
const sources: Table = {
  rename: ['oldpath'],
  renameat: ['oldpath', 'olddirpath'],
  renameat2: ['oldpath', 'olddirpath'],
  link: ['newpath'],
  linkat: ['newpath', 'newdirpath'],
  symlink: ['linkpath'],
  symlinkat: ['linkpath'],
  mount: ['dev'],
}

const targets: Table = {
  rename: ['newpath'],
  renameat: ['newpath', 'newdirpath'],
  renameat2: ['newpath', 'newdirpath'],
  link: ['oldpath'],
  linkat: ['oldpath', 'olddirpath'],
  symlink: ['target'],
  symlinkat: ['target'],
  mount: ['dir'],
}

type Read = (event: Event) => string | undefined

/** A reader an event, the raw text and the joined one. */
function readers(table: Table): readonly ({ raw: Read; joined: Read } | undefined)[] {
  return events.map(({ name }) => {
    const [parameter, start] = table[name] ?? []
    if (parameter === undefined) return undefined
    const path = textOf(parameter)
    const from = start === undefined ? undefined : textOf(start)
    const raw = ({ view }: Event) => path(view)
    const joined = (event: Event) => {
      const text = path(event.view)
      if (text === undefined) return undefined
      return joinPath(from?.(event.view) ?? startOf(event), text)
    }
    return { raw, joined }
  })
}

const isOpen = eventSet('open', 'openat', 'openat2')
const hasWorked = (event: Event) => returnOf(event) === 0
/** Falco asks of an open only that it did not return -1, so a file that is not there is told too. */
const isTold = (event: Event) => returnOf(event) !== -1

const pick = (table: Table, form: 'raw' | 'joined') => {
  const all = readers(table)
  return (event: Event) => (hasWorked(event) ? all[event.id]?.[form](event) : undefined)
}

const nameJoined = pick(names, 'joined')
const nameRaw = pick(names, 'raw')

export const fsPathFields: readonly Field[] = [
  row('fs.path.name', 'string', 'path that a call acts on', (event) => {
    if (!isOpen[event.id]) return nameJoined(event)
    return isTold(event) ? fileName(event) : undefined
  }),
  row('fs.path.nameraw', 'string', 'that path as it was passed', (event) => {
    if (!isOpen[event.id]) return nameRaw(event)
    return isTold(event) ? rawName(event) : undefined
  }),
  row(
    'fs.path.source',
    'string',
    'path that a rename, link or mount takes',
    pick(sources, 'joined'),
  ),
  row('fs.path.sourceraw', 'string', 'that path as it was passed', pick(sources, 'raw')),
  row(
    'fs.path.target',
    'string',
    'path that a rename, link or mount gives',
    pick(targets, 'joined'),
  ),
  row('fs.path.targetraw', 'string', 'that path as it was passed', pick(targets, 'raw')),
]
