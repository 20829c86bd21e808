/**
 * Checks of an opened file's name. The kernel walks a path once and looks up what ends at each slash; a check that
 * asks for a piece of a component is bounded by the components around the piece.
 */
import { isGlob } from '../../contract/condition/glob.ts'
import { textToBytes } from '../../contract/condition/bytes.ts'
import { TEXT_BYTES, uniqueEntries, type Entry, type EntryKind } from './atoms.ts'
import { bothOf, exact, unknown, type Bounds } from './bounds.ts'
import { and, literal, not, or, type Formula } from './formula.ts'
import { atMost, boundsOf, precisely, type Leaf, type Range, type Tests } from './leaf.ts'

const paths = (entries: readonly Entry[]): Formula =>
  literal({ kind: 'paths', entries: uniqueEntries(entries) })

const entry = (kind: EntryKind, text: string): Range =>
  textToBytes(text).length > TEXT_BYTES ? atMost(true) : precisely(paths([{ kind, text }]))

const startsWith = (text: string): Range => (text === '' ? precisely(true) : entry('under', text))

/** `/a`: the last component. Of several only each one is looked up, not that they are neighbours. */
function endsWith(text: string): Range {
  const [before, ...components] = text.split('/')
  const last = components.pop()
  if (last === undefined || last === '') return atMost(true)
  if (before === '' && components.length === 0) return entry('filename', last)
  return atMost(and(entry('filename', last).upper, inside(components)))
}

/** `/a/`: a component that is not the last. */
function contains(text: string): Range {
  const components = text.split('/').slice(1, -1)
  const isOne = components.length === 1 && text === `/${components[0]}/`
  return isOne && components[0] !== ''
    ? entry('inner', components[0] ?? '')
    : atMost(inside(components))
}

const inside = (components: readonly string[]): Formula =>
  and(...components.filter((one) => one !== '').map((one) => entry('inner', one).upper))

/** The text before the first special character and after the last one have to be there. */
function glob(pattern: string): Range {
  if (!isGlob(pattern)) return entry('path', pattern)
  const before = /^[^*?[\\]*/.exec(pattern)?.[0] ?? ''
  if (pattern === `${before}*`) return startsWith(before)
  // Behind a bracket or a backslash it is not clear where the special part ends.
  const after = /[[\]\\]/.test(pattern) ? '' : (/[^*?]*$/.exec(pattern)?.[0] ?? '')
  return atMost(and(startsWith(before).upper, endsWith(after).upper))
}

/** Component by component: the path itself or what is below it. */
function isBelow(prefix: string): Range {
  const components = prefix.split('/').filter((one) => one !== '')
  if (components.length === 0) return entry('path', '/')
  const special = components.findIndex(isGlob)
  if (special >= 0) {
    const known = components.slice(0, special)
    return atMost(known.length === 0 ? true : startsWith(`/${known.join('/')}/`).upper)
  }
  return union(entry('path', `/${components.join('/')}`), startsWith(`/${components.join('/')}/`))
}

const union = (left: Range, right: Range): Range => ({
  lower: or(left.lower, right.lower),
  upper: or(left.upper, right.upper),
})

const name: Tests = {
  '=': (text) => entry('path', text),
  startswith: startsWith,
  endswith: endsWith,
  contains,
  glob,
  pmatch: isBelow,
}

/** A directory is below what the path is below. */
const directory: Tests = {
  '=': (text) => entry('directory', text),
  startswith: (text) => atMost(startsWith(text).upper),
  pmatch: (text) => atMost(isBelow(text).upper),
}

const filename: Tests = { '=': (text) => entry('filename', text) }

const isFile = literal({ kind: 'flag', flag: 'isFile' })
const isDirectory = literal({ kind: 'flag', flag: 'isDirectory' })
const succeeded = literal({ kind: 'flag', flag: 'succeeded' })

/** Of an open that failed the kind is guessed. */
const kindOf =
  (file: string, folder: string) =>
  (constant: string): Range => {
    const known =
      constant === file
        ? isFile
        : constant === folder
          ? isDirectory
          : and(not(isFile), not(isDirectory))
    const lower = constant === file || constant === folder ? and(known, succeeded) : false
    return { lower, upper: or(known, not(succeeded)) }
  }

const fields: Readonly<Record<string, Tests>> = {
  'fd.name': name,
  'fd.type': { '=': kindOf('file', 'directory') },
  'fd.typechar': { '=': kindOf('f', 'd') },
}

/** As passed: only that it climbs is looked at. */
const passed: Tests = {
  contains: climbs,
  glob: (pattern) =>
    pattern.includes('[') || pattern.includes('\\') ? atMost(true) : climbs(pattern),
}

function climbs(text: string): Range {
  return atMost(text.includes('../') ? literal({ kind: 'flag', flag: 'hasDotDot' }) : true)
}

/** Undefined when the field is no name of the opened file. */
export function pathBounds(leaf: Leaf, eventName: string): Bounds | undefined {
  if (leaf.field === 'fd.nameraw') return boundsOf(leaf, passed)
  if (leaf.field === 'fd.filename') return ofFiles(leaf)
  if (leaf.field === 'fd.directory') return bothOf([isPlaced, named(leaf, directory)])
  if (leaf.field === 'fs.path.name')
    return withPath.includes(eventName) ? ofWorkingCalls(named(leaf, name)) : unknown(leaf.field)
  const tests = fields[leaf.field]
  if (tests === undefined) return undefined
  if (leaf.argument !== undefined) return unknown(leaf.field)
  return tests === name ? named(leaf, tests) : boundsOf(leaf, tests)
}

/** Of creat Falco has none. */
const withPath = ['open', 'openat', 'openat2']

/** fs.path.* is missing where the call failed with -1. */
const ofWorkingCalls = (bounds: Bounds): Bounds => ({
  ...bounds,
  lower: and(bounds.lower, succeeded),
})

function named(leaf: Leaf, tests: Tests): Bounds {
  const bounds = boundsOf(leaf, tests)
  return leaf.comparison === '!=' ? bothOf([hasName, bounds]) : bounds
}

const hasName = exact(literal({ kind: 'flag', flag: 'hasName' }))

/** fd.directory is missing of pipes and the like. */
const isPlaced: Bounds = { upper: true, lower: or(isFile, isDirectory), unknowns: [] }

/** fd.filename is missing of what is no file or has no name, and a check on what is missing is false. */
function ofFiles(leaf: Leaf): Bounds {
  return bothOf([exact(isFile), named(leaf, filename)])
}
