/** Checks of the call itself: its name, its result, the flags of an open, who called. */
import { constants } from 'node:os'
import { operators } from '../../contract/condition/operators.ts'
import type { Flag } from './atoms.ts'
import { between, exact, opposite, unknown, type Bounds } from './bounds.ts'
import { and, literal, not, or, type Formula } from './formula.ts'
import { boundsOf, precisely, type Leaf } from './leaf.ts'

export const openEvents: readonly string[] = [
  'open',
  'openat',
  'openat2',
  'creat',
  'open_by_handle_at',
]

const withFlags = ['open', 'openat', 'openat2', 'open_by_handle_at']
const withMode = ['open', 'openat', 'openat2', 'creat']

const flag = (name: Flag): Formula => literal({ kind: 'flag', flag: name })
const succeeded = flag('succeeded')

type Reader = (leaf: Leaf, eventName: string) => Bounds

const fields: Readonly<Record<string, Reader>> = {
  'evt.type': (leaf, eventName) => decided(leaf, eventName),
  'syscall.type': (leaf, eventName) => decided(leaf, eventName),
  // Only exits are records.
  'evt.dir': (leaf) => decided(leaf, '<'),
  'evt.num': eventNumber,
  'evt.res': resultName,
  'evt.rawres': (leaf) => numberBounds(leaf, succeeded),
  'fd.num': descriptor,
  'evt.is_open_read': openFlag(flag('isRead'), withFlags),
  'evt.is_open_write': openFlag(flag('isWrite'), withFlags),
  'evt.is_open_exec': openFlag(flag('isExec'), withMode),
  'evt.arg.flags': openArgument,
  'user.uid': userId,
}

/** Undefined when the field is not about the call. */
export const callBounds = (leaf: Leaf, eventName: string): Bounds | undefined =>
  leaf.argument === undefined ? fields[leaf.field]?.(leaf, eventName) : undefined

/** The value is known when the clauses are made. */
function decided(leaf: Leaf, value: string): Bounds {
  const test = operators[leaf.comparison].prepare([...leaf.constants], 'text')
  return typeof test === 'function' ? exact(test(value)) : unknown(leaf.field)
}

/** Counts from 1: what holds for 1 and for ever after is true. */
function eventNumber(leaf: Leaf): Bounds {
  const numbers = leaf.constants.map(Number)
  const test = operators[leaf.comparison].prepare(numbers, 'number')
  if (typeof test !== 'function') return unknown(leaf.field)
  const samples = [1, Number.MAX_SAFE_INTEGER, ...around(numbers)].filter((value) => value >= 1)
  return between(samples.every(test), samples.some(test), leaf.text)
}

const around = (numbers: readonly number[]) => numbers.flatMap((one) => [one - 1, one, one + 1])

/** A result is negative, 0, 1 or 2, or greater; each region is a formula. */
function numberBounds(leaf: Leaf, isKnown: Formula): Bounds {
  const numbers = leaf.constants.map(Number)
  const test = operators[leaf.comparison].prepare(numbers, 'number')
  if (typeof test !== 'function' || numbers.some(Number.isNaN)) return unknown(leaf.field)
  const samples = [...around(numbers), -(2 ** 31), -1, 0, 1, 2, 3, 2 ** 31]
  const judge = (holds: 'every' | 'some') =>
    regions(isKnown).map((region) => samples.filter(region.has)[holds](test))
  return between(united(judge('every')), united(judge('some')), leaf.text)
}

const regions = (isKnown: Formula) => [
  { has: (value: number) => value < 0, formula: not(isKnown) },
  { has: (value: number) => value === 0, formula: flag('isZero') },
  {
    has: (value: number) => value === 1 || value === 2,
    formula: and(flag('isStandardStream'), not(flag('isZero'))),
  },
  { has: (value: number) => value > 2, formula: and(isKnown, not(flag('isStandardStream'))) },
]

/** The usual unions have a shorter name. */
function united(holds: readonly boolean[]): Formula {
  const text = holds.map(Number).join('')
  const short: Readonly<Record<string, Formula>> = {
    '1111': true,
    '0111': succeeded,
    '1000': not(succeeded),
    '0110': flag('isStandardStream'),
    '0011': and(succeeded, not(flag('isZero'))),
    '1011': not(flag('isZero')),
    '1001': not(flag('isStandardStream')),
  }
  return (
    short[text] ??
    or(...regions(succeeded).map((region, index) => holds[index] === true && region.formula))
  )
}

/** `SUCCESS`, or the name of an errno, all of which begin with E. */
function resultName(leaf: Leaf): Bounds {
  const test = operators[leaf.comparison].prepare([...leaf.constants], 'text')
  if (typeof test !== 'function') return unknown(leaf.field)
  const names = Object.keys(constants.errno)
  const isPositive = leaf.comparison === '=' || leaf.comparison === 'in'
  const canFail = !isPositive || leaf.constants.some((constant) => constant.startsWith('E'))
  const isEveryFailure = leaf.comparison === 'startswith' && leaf.constants[0] === 'E'
  const isNoFailure = !canFail && !names.some(test)
  const onSuccess = test('SUCCESS') && succeeded
  return between(
    or(onSuccess, isEveryFailure && not(succeeded)),
    or(onSuccess, !isNoFailure && not(succeeded)),
    leaf.text,
  )
}

/** Of an open: the new descriptor; some negative number where it failed. */
function descriptor(leaf: Leaf, eventName: string): Bounds {
  if (!openEvents.includes(eventName)) return unknown(leaf.field)
  const known = numberBounds(leaf, succeeded)
  return between(and(known.lower, succeeded), known.upper, leaf.text)
}

/** Of other events, and of creat but for its mode, these are false, not missing. */
function openFlag(formula: Formula, ofEvents: readonly string[]): Reader {
  return (leaf, eventName) => {
    const [constant] = leaf.constants
    const isPlain = leaf.constants.length === 1 && (constant === 'true' || constant === 'false')
    if (!isPlain || !['=', '!=', 'in'].includes(leaf.comparison)) return unknown(leaf.text)
    const value = exact(ofEvents.includes(eventName) && formula)
    return (constant === 'true') === (leaf.comparison !== '!=') ? value : opposite(value)
  }
}

/** creat has no flags of its own; of the others two are looked at. */
function openArgument(leaf: Leaf, eventName: string): Bounds {
  if (!openEvents.includes(eventName) || eventName === 'creat') return unknown(leaf.field)
  return boundsOf(leaf, {
    contains(constant) {
      if (constant === 'O_TRUNC') return precisely(flag('hasTruncate'))
      if (constant === 'O_CREAT') return precisely(flag('hasCreate'))
      return { lower: false, upper: true }
    },
  })
}

function userId(leaf: Leaf): Bounds {
  return boundsOf(leaf, {
    '=': (constant) =>
      Number(constant) === 0
        ? precisely(flag('isRoot'))
        : { lower: false, upper: not(flag('isRoot')) },
  })
}
