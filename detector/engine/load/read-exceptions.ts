/** The `exceptions:` of a rule as written; what they mean is exceptions.ts. */
import type { Entry, ExceptionItem } from './items.ts'
import { type Context, inside } from './places.ts'
import { ItemReader } from './values.ts'
import { get, type Yaml } from './yaml.ts'

export function readExceptions(reader: ItemReader, isUpdate: boolean): readonly ExceptionItem[] {
  const value = get(reader.map, 'exceptions')
  if (value === undefined || value.kind === 'null') return []
  const listContext = inside(reader.context, 'exceptions', '', value.spot)
  if (value.kind !== 'sequence') {
    reader.fail('Rule exceptions must be a sequence', listContext)
    return []
  }
  const exceptions: ExceptionItem[] = []
  for (const item of value.items) {
    const exception = readException(reader, item, listContext, isUpdate)
    if (exception === undefined) continue
    if (exceptions.some(({ name }) => name === exception.name))
      reader.warn(
        'LOAD_EXCEPTION_NAME_NOT_UNIQUE',
        `Multiple definitions of exception '${exception.name}' in the same rule`,
        exception.context,
      )
    exceptions.push(exception)
  }
  return exceptions
}

function readException(
  reader: ItemReader,
  item: Yaml,
  listContext: Context,
  isUpdate: boolean,
): ExceptionItem | undefined {
  const unnamed = inside(listContext, 'exception', '', item.spot)
  if (item.kind !== 'map') return reader.fail('Rule exception must be a mapping', unnamed)
  const inner = new ItemReader(item, unnamed, reader.warn)
  const name = inner.text('name')
  const context = inside(reader.context, 'exception', name ?? '', item.spot)
  const named = new ItemReader(item, context, reader.warn)
  const fields = readEntryOf(named, 'fields', isUpdate)
  const comps = readEntryOf(named, 'comps', true)
  const values = readValues(named, isUpdate)
  reader.isBroken ||= inner.isBroken || named.isBroken
  return name === undefined ? undefined : { name, fields, comps, values, context }
}

function readValues(reader: ItemReader, isUpdate: boolean): readonly Entry[] {
  const values = get(reader.map, 'values')
  if (values === undefined) {
    if (isUpdate)
      reader.warn(
        'LOAD_APPEND_NO_VALUES',
        'Overriding/appending exception with no values',
        reader.context,
      )
    return []
  }
  const context = inside(reader.context, 'exception values', '', values.spot)
  if (values.kind !== 'sequence') {
    reader.fail('Rule exception values must be a sequence', context)
    return []
  }
  return values.items.flatMap((item) => {
    const entry = readEntry(reader, item, inside(context, 'exception value', '', item.spot))
    return entry === undefined ? [] : [entry]
  })
}

function readEntryOf(reader: ItemReader, key: string, isOptional: boolean): Entry | undefined {
  const value = get(reader.map, key)
  if (value !== undefined)
    return readEntry(reader, value, inside(reader.context, 'value for', key, value.spot))
  return isOptional ? undefined : reader.fail(`Item has no mapping for key '${key}'`)
}

function readEntry(reader: ItemReader, value: Yaml, context: Context): Entry | undefined {
  if (value.kind === 'scalar')
    return value.text === '' ? reader.fail('Value must be non-empty', context) : value.text
  if (value.kind !== 'sequence') return reader.fail('Value must be a text or a list', context)
  const entries = value.items.map((item) => readEntry(reader, item, context))
  return entries.every((entry) => entry !== undefined) ? entries : undefined
}
