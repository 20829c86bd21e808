/** A field's value as alerts show it: as text in a message, as JSON in `output_fields` (falco-compat 5.1). */
import type { Field, FieldType, FieldValue, Scalar } from '../fields/index.ts'

/** What printing needs of a field; the result of a transformer has a type and no symbols. */
export type Printable = Pick<Field, 'type' | 'print'>

/** A scalar or a flat list; bigint where a number would lose digits (times in nanoseconds). */
export type ShownScalar = string | number | bigint | boolean
export type ShownValue = ShownScalar | null | readonly ShownScalar[]

export type BufferFormat = 'dots' | 'base64'

/** What Falco prints for a value that is missing. */
export const NOT_AVAILABLE = '<NA>'

/** Printed as `13:20:01` or `443(https)` perhaps, but numbers in JSON. */
const numeric = new Set<FieldType>([
  'int',
  'uint',
  'double',
  'pid',
  'fd',
  'errno',
  'port',
  'abstime',
  'reltime',
])

export function printText(field: Printable, value: FieldValue, buffers: BufferFormat): string {
  if (value === undefined) return NOT_AVAILABLE
  if (isList(value)) return `(${value.map((item) => printScalar(field, item, buffers)).join(',')})`
  return printScalar(field, value, buffers)
}

/** Numbers and booleans as they are, missing as null, what has symbols (flags, modes) as text. */
export function printShown(field: Printable, value: FieldValue, buffers: BufferFormat): ShownValue {
  if (value === undefined) return null
  if (isList(value)) return value.map((item) => shownScalar(field, item, buffers))
  return shownScalar(field, value, buffers)
}

function shownScalar(field: Printable, value: Scalar, buffers: BufferFormat): ShownScalar {
  const hasSymbols = field.print !== undefined && !numeric.has(field.type)
  if (hasSymbols || value instanceof Uint8Array) return printScalar(field, value, buffers)
  return value
}

function printScalar(field: Printable, value: Scalar, buffers: BufferFormat): string {
  if (field.print !== undefined) return field.print(value)
  if (value instanceof Uint8Array) return printBytes(value, buffers)
  return String(value)
}

function printBytes(bytes: Uint8Array, buffers: BufferFormat): string {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffers === 'base64') return view.toString('base64')
  return view.toString('latin1').replace(/[^ -~]/g, '.')
}

const isList = (value: Scalar | readonly Scalar[]): value is readonly Scalar[] =>
  Array.isArray(value)
