/**
 * One row an operator: which values it takes and what it means (falco-compat 2.2, 2.3). A row turns the constants of
 * a check into a test of one value; missing values, arrays and modifiers are dealt with around it (interpret.ts).
 */
import type { Comparison } from './ast.ts'
import { foldedGlobMatcher, globMatcher, lowerAscii } from './glob.ts'
import { isInNet, parseNet, type Net } from './ip.ts'
import { prefixMatcher } from './prefixes.ts'
import { regexMatcher } from './regex.ts'
import type { FieldType, Scalar } from './values.ts'

/** Field types that take the same operators. */
export type Family = 'number' | 'bool' | 'text' | 'bytes' | 'ip' | 'net'

const familyByType: Readonly<Record<FieldType, Family>> = {
  string: 'text', path: 'text', bytes: 'bytes', bool: 'bool', int: 'number', uint: 'number', double: 'number',
  pid: 'number', fd: 'number', errno: 'number', port: 'number', flags: 'number', mode: 'number',
  abstime: 'number', reltime: 'number', ip: 'ip', net: 'net',
} // prettier-ignore

export const familyOf = (type: FieldType): Family => familyByType[type]

export type ScalarTest = (value: Scalar) => boolean

export interface Operator {
  readonly families: readonly Family[]
  /** The right side is a list: all constants at once. Otherwise there is one. */
  readonly takesList: boolean
  /** May be used on list fields: does it hold for the whole list if it does for every element, or for some? */
  readonly onLists?: 'every' | 'some'
  /** May compare with another field (`val()`, a transformer) instead of constants. */
  readonly takesField: boolean
  readonly prepare: (constants: readonly Scalar[], family: Family) => ScalarTest | Refused
}

export interface Refused {
  readonly problem: string
}

const all: readonly Family[] = ['number', 'bool', 'text', 'bytes', 'ip', 'net']

const ordering = (holds: (left: Scalar, right: Scalar) => boolean): Operator => ({
  families: ['number', 'text'],
  takesList: false,
  takesField: true,
  prepare:
    ([right = '']) =>
    (value) =>
      holds(value, right),
})

const textual = (
  families: readonly Family[],
  prepare: (constant: string) => ((text: string) => boolean) | Refused,
  ofBytes?: (value: Uint8Array, part: Uint8Array) => boolean,
): Operator => ({
  families,
  takesList: false,
  takesField: true,
  prepare([constant = '']) {
    if (constant instanceof Uint8Array)
      return (value) => value instanceof Uint8Array && ofBytes?.(value, constant) === true
    const test = prepare(String(constant))
    if (typeof test !== 'function') return test
    return (value) => typeof value === 'string' && test(value)
  },
})

const constantsOnly = (operator: Operator): Operator => ({ ...operator, takesField: false })

const membership = (onLists: 'every' | 'some'): Operator => ({
  families: all,
  takesList: true,
  takesField: true,
  onLists,
  prepare: isAnyOf,
})

export const operators: Readonly<Record<Comparison, Operator>> = {
  '=': { families: all, takesList: false, takesField: true, prepare: isAnyOf },
  '!=': {
    families: all,
    takesList: false,
    takesField: true,
    prepare(constants, family) {
      const isEqual = isAnyOf(constants, family)
      return (value) => !isEqual(value)
    },
  },
  '<': ordering((left, right) => left < right),
  '<=': ordering((left, right) => left <= right),
  '>': ordering((left, right) => left > right),
  '>=': ordering((left, right) => left >= right),
  contains: textual(['text', 'bytes'], (part) => (text) => text.includes(part), containsBytes),
  icontains: textual(['text'], (part) => {
    const lowered = lowerAscii(part)
    return (text) => lowerAscii(text).includes(lowered)
  }),
  bcontains: constantsOnly(textual(['bytes'], () => () => false, containsBytes)),
  startswith: textual(
    ['text', 'bytes'],
    (part) => (text) => text.startsWith(part),
    startsWithBytes,
  ),
  bstartswith: constantsOnly(textual(['bytes'], () => () => false, startsWithBytes)),
  endswith: textual(['text', 'bytes'], (part) => (text) => text.endsWith(part), endsWithBytes),
  glob: textual(['text'], globMatcher),
  iglob: textual(['text'], foldedGlobMatcher),
  regex: constantsOnly(textual(['text'], regexMatcher)),
  in: membership('every'),
  intersects: membership('some'),
  pmatch: {
    families: ['text'],
    takesList: true,
    takesField: false,
    prepare(constants) {
      const matches = prefixMatcher(constants.map(String))
      return (value) => typeof value === 'string' && matches(value)
    },
  },
}

function isAnyOf(constants: readonly Scalar[], family: Family): ScalarTest {
  if (family === 'net') return inNets(constants)
  if (family === 'bytes')
    return (value) =>
      value instanceof Uint8Array &&
      constants.some((wanted) => wanted instanceof Uint8Array && isSameBytes(value, wanted))
  const [only] = constants
  if (constants.length === 1) return (value) => value === only
  const set = new Set(constants)
  return (value) => set.has(value)
}

/** Falco compares fd.net with the first listed network only; here `in` tests them all, as for fd.snet. */
function inNets(constants: readonly Scalar[]): ScalarTest {
  const nets = constants
    .map((text) => parseNet(String(text)))
    .filter((net): net is Net => net !== undefined)
  return (value) => typeof value === 'string' && nets.some((net) => isInNet(value, net))
}

function containsBytes(value: Uint8Array, part: Uint8Array): boolean {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).includes(Buffer.from(part))
}

function startsWithBytes(value: Uint8Array, part: Uint8Array): boolean {
  return part.length <= value.length && part.every((byte, index) => value[index] === byte)
}

function endsWithBytes(value: Uint8Array, part: Uint8Array): boolean {
  const start = value.length - part.length
  return start >= 0 && part.every((byte, index) => value[start + index] === byte)
}

const isSameBytes = (left: Uint8Array, right: Uint8Array) =>
  left.length === right.length && startsWithBytes(left, right)
