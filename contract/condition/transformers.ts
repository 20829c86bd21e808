/**
 * One row a transformer (falco-compat 2.5): what it takes, what type it gives, and how. A value that it cannot be
 * applied to is missing. Those of one input go through a list element by element, all but `len`.
 */
import type { TransformerName } from './ast.ts'
import { bytesToText, textToBytes } from './bytes.ts'
import { lowerAscii } from './glob.ts'
import { getopt } from './getopt.ts'
import type { FieldType, FieldValue, Scalar } from './values.ts'

/** Type of an input or a result. */
export interface ValueType {
  readonly type: FieldType
  readonly isList: boolean
}

type Applied = (inputs: readonly FieldValue[]) => FieldValue

export interface Transformer {
  /** The result's type, or what is wrong with the inputs. */
  readonly accept: (
    inputs: readonly ValueType[],
    argument: string | undefined,
  ) => ValueType | { readonly problem: string }
  readonly apply: (argument: string | undefined) => Applied
}

const isText = (type: FieldType) => type === 'string' || type === 'path'
const isTextOrBytes = (type: FieldType) => isText(type) || type === 'bytes'

const perElement = (
  name: TransformerName,
  takes: (type: FieldType) => boolean,
  change: (value: Scalar) => Scalar | undefined,
): Transformer => ({
  accept: ([input, ...more], argument) => {
    if (argument !== undefined) return noArgument(name)
    if (input === undefined || more.length > 0) return { problem: `${name}() takes one field` }
    return takes(input.type) ? input : wrongType(name, input.type)
  },
  apply:
    () =>
    ([value]) => {
      if (value === undefined) return undefined
      if (!isArray(value)) return change(value)
      const changed = value.map(change)
      return changed.every((element) => element !== undefined) ? changed : undefined
    },
})

export const transformers: Readonly<Record<TransformerName, Transformer>> = {
  tolower: perElement('tolower', isText, (value) => lowerAscii(String(value))),
  toupper: perElement('toupper', isText, (value) =>
    String(value).replaceAll(/[a-z]+/g, (run) => run.toUpperCase()),
  ),
  basename: perElement('basename', isText, (value) =>
    String(value).slice(String(value).lastIndexOf('/') + 1),
  ),
  b64: perElement('b64', isTextOrBytes, decodeBase64),
  len: {
    accept: ([input, ...more], argument) => {
      if (argument !== undefined) return noArgument('len')
      if (input === undefined || more.length > 0) return { problem: 'len() takes one field' }
      const isMeasurable = input.isList || isTextOrBytes(input.type)
      return isMeasurable ? { type: 'uint', isList: false } : wrongType('len', input.type)
    },
    apply:
      () =>
      ([value]) =>
        lengthOf(value),
  },
  join: {
    accept: ([separator, list, ...more], argument) => {
      if (argument !== undefined) return noArgument('join')
      if (separator === undefined || list === undefined || more.length > 0)
        return { problem: 'join() requires exactly 2 arguments: separator and list' }
      if (separator.isList)
        return { problem: 'join() first argument (separator) must be a single value, not a list' }
      if (!list.isList) return { problem: 'join() second argument must be a list' }
      return { type: 'string', isList: false }
    },
    apply:
      () =>
      ([separator, list]) =>
        isArray(list) && separator !== undefined
          ? list.map(String).join(String(separator))
          : undefined,
  },
  concat: {
    accept: (inputs, argument) => {
      if (argument !== undefined) return noArgument('concat')
      if (inputs.length < 2) return { problem: 'concat() requires at least 2 arguments' }
      if (inputs.some(({ type, isList }) => isList || !isText(type)))
        return { problem: 'concat() arguments must be strings' }
      return { type: 'string', isList: false }
    },
    apply: () => (inputs) => (inputs.includes(undefined) ? undefined : inputs.map(String).join('')),
  },
  getopt: {
    accept: ([list, options, ...more], argument) => {
      if (list === undefined || options === undefined || more.length > 0)
        return { problem: 'getopt() requires exactly 2 arguments: args list and optstring' }
      if (!list.isList) return { problem: 'getopt() first argument must be a list' }
      if (options.isList || !isText(options.type) || !isText(list.type))
        return { problem: 'getopt() arguments must be strings' }
      if (argument !== undefined && argument.length !== 1)
        return { problem: 'getopt() field argument must be a single option character' }
      return { type: 'string', isList: argument === undefined }
    },
    apply:
      (selected) =>
      ([list, options]) =>
        isArray(list) && typeof options === 'string'
          ? getopt(list.map(String), options, selected)
          : undefined,
  },
}

export const isArray = (value: FieldValue): value is readonly Scalar[] => Array.isArray(value)

const noArgument = (name: string) => ({
  problem: `filter error: transformer '${name}' does not support field arguments`,
})

const wrongType = (name: string, type: FieldType) => ({
  problem: `filter error: transformer '${name}' cannot be applied to a field of type ${type}`,
})

function lengthOf(value: FieldValue): number | undefined {
  if (isArray(value)) return value.length
  if (typeof value === 'string') return textToBytes(value).length
  return value instanceof Uint8Array ? value.length : undefined
}

/** Without padding, or with; anything else that is not base64 is missing. */
function decodeBase64(value: Scalar): Scalar | undefined {
  const isBytes = value instanceof Uint8Array
  const text = (isBytes ? bytesToText(value) : String(value)).replace(/={1,2}$/, '')
  if (!/^[A-Za-z0-9+/]*$/.test(text) || text.length % 4 === 1) return undefined
  const decoded = new Uint8Array(Buffer.from(text, 'base64'))
  return isBytes ? decoded : bytesToText(decoded)
}
