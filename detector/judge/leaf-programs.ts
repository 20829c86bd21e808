/** Checks of what a process runs, its own and its ancestors': the name and the path that exec set. */
import { textToBytes } from '../../contract/condition/bytes.ts'
import { isGlob } from '../../contract/condition/glob.ts'
import {
  TEXT_BYTES,
  uniqueEntries,
  type Entry,
  type EntryKind,
  type Level,
  type Trait,
} from './atoms.ts'
import { bothOf, exact, opposite, unknown, type Bounds } from './bounds.ts'
import { and, literal } from './formula.ts'
import { atMost, boundsOf, precisely, type Leaf, type Range, type Tests } from './leaf.ts'

const NAME_BYTES = 15

const programs = (level: Level, entries: readonly Entry[]) =>
  literal({ kind: 'programs', level, entries: uniqueEntries(entries) })
const trait = (level: Level, name: Trait) => literal({ kind: 'trait', level, trait: name })

function testsOf(level: Level, whole: EntryKind, start: EntryKind, limit: number): Tests {
  const entry = (kind: EntryKind, text: string): Range => {
    const { length } = textToBytes(text)
    // A command name is cut by the kernel: a longer one is nobody's.
    if (length > NAME_BYTES && limit === NAME_BYTES) return precisely(false)
    return length > limit ? atMost(true) : precisely(programs(level, [{ kind, text }]))
  }
  const startsWith = (text: string) =>
    text === '' ? precisely(trait(level, 'exists')) : entry(start, text)
  return {
    '=': (text) => entry(whole, text),
    startswith: startsWith,
    glob(pattern) {
      if (!isGlob(pattern)) return entry(whole, pattern)
      const before = /^[^*?[\\]*/.exec(pattern)?.[0] ?? ''
      return pattern === `${before}*` ? startsWith(before) : atMost(startsWith(before).upper)
    },
  }
}

/** The field without its `p` or `a` → what it is called at which level. */
const fields: Readonly<Record<string, readonly ['name' | 'exe', 0 | 1 | 'a']>> = {
  'proc.name': ['name', 0],
  'proc.pname': ['name', 1],
  'proc.aname': ['name', 'a'],
  'proc.exepath': ['exe', 0],
  'proc.pexepath': ['exe', 1],
  'proc.aexepath': ['exe', 'a'],
}

const traitFields: Readonly<Record<string, Trait>> = {
  'proc.is_exe_from_memfd': 'isFromMemfd',
  'proc.is_exe_upper_layer': 'isUpperLayer',
}

function levelOf(field: string, argument: string | undefined): Level | undefined {
  const level = fields[field]?.[1]
  if (level !== 'a') return argument === undefined ? level : undefined
  if (argument === undefined) return 'any'
  return ([0, 1, 2, 3] as const).find((known) => String(known) === argument)
}

/** Undefined when the field is not about what a process runs. */
export function programBounds(leaf: Leaf): Bounds | undefined {
  const flag = traitFields[leaf.field]
  if (flag !== undefined) return traitBounds(leaf, flag)
  const row = fields[leaf.field]
  if (row === undefined) return undefined
  const level = levelOf(leaf.field, leaf.argument)
  if (level === undefined) return unknown(`${leaf.field}[${leaf.argument ?? ''}]`)
  const [what] = row
  const tests =
    what === 'name'
      ? testsOf(level, 'name', 'name_start', NAME_BYTES)
      : testsOf(level, 'exe', 'exe_start', TEXT_BYTES)
  if (leaf.comparison !== '!=') return boundsOf(leaf, tests)
  // "Some ancestor differs" is no negation of "some ancestor is".
  if (level === 'any') return unknown(leaf.text)
  return bothOf([exact(trait(level, 'exists')), boundsOf(leaf, tests)])
}

/** `exists`: the process has one of that kind. The path of a program can be missing, its name cannot. */
export function programExists(field: string, argument: string | undefined): Bounds | undefined {
  const row = fields[field]
  const level = levelOf(field, argument)
  if (row === undefined || level === undefined) return undefined
  if (level === 'any') return exact(trait(1, 'exists'))
  const exists = trait(level, 'exists')
  return row[0] === 'name' ? exact(exists) : { ...unknown(field), upper: exists }
}

function traitBounds(leaf: Leaf, flag: Trait): Bounds {
  const [constant] = leaf.constants
  const isBoolean = constant === 'true' || constant === 'false'
  if (!isBoolean || leaf.constants.length > 1 || !['=', '!=', 'in'].includes(leaf.comparison))
    return unknown(leaf.text)
  const known = exact(and(trait(0, 'exists'), trait(0, flag)))
  return (constant === 'true') === (leaf.comparison !== '!=') ? known : opposite(known)
}
