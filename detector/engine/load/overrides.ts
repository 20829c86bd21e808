/** `override: {condition: append, tags: replace}`: which keys of an item change what was defined before. */
import { inside } from './places.ts'
import type { ItemReader } from './values.ts'
import { get } from './yaml.ts'

export interface Overrides {
  readonly append: ReadonlySet<string>
  readonly replace: ReadonlySet<string>
}

export function readOverrides(
  reader: ItemReader,
  appendable: readonly string[],
  replaceable: readonly string[],
): Overrides {
  const append = new Set<string>()
  const replace = new Set<string>()
  const value = get(reader.map, 'override')
  if (value === undefined) return { append, replace }
  const context = inside(reader.context, 'overrides', '', value.spot)
  if (value.kind !== 'map') {
    if (value.kind !== 'null') reader.fail('Overrides must be a mapping', context)
    return { append, replace }
  }
  for (const { key, value: operation } of value.entries) {
    const name = key.text
    const keyContext = inside(context, 'overrides', name, key.spot)
    const word = operation.kind === 'scalar' ? operation.text : ''
    if (word === 'append') {
      if (appendable.includes(name)) append.add(name)
      else reader.fail(`Key '${name}' cannot be appended to, use 'replace' instead`, keyContext)
    } else if (word === 'replace') {
      if (replaceable.includes(name)) replace.add(name)
      else reader.fail(`Key '${name}' cannot be replaced`, keyContext)
    } else {
      const allowed = [
        ...(appendable.includes(name) ? ['append '] : []),
        ...(replaceable.includes(name) ? ['replace '] : []),
      ].join('')
      const message = `Invalid override operation for key '${name}': '${word}'. Allowed values are: ${allowed}`
      reader.fail(message, inside(context, 'value for', name, operation.spot))
    }
  }
  return { append, replace }
}

/** `append: true`, the old form of `override`: they do not go together. */
export function readAppendFlag(reader: ItemReader, overrides: Overrides): boolean {
  const isAppended = reader.boolean('append', false)
  if (isAppended)
    reader.warn(
      'LOAD_DEPRECATED_ITEM',
      "'append' key is deprecated. Add an 'append' entry (e.g. 'condition: append') under 'override' instead.",
      reader.context,
    )
  if (isAppended && overrides.append.size + overrides.replace.size > 0)
    reader.fail(
      "Keys 'override' and 'append: true' cannot be used together. Add an 'append' entry (e.g. 'condition: append') under 'override' instead.",
    )
  return isAppended
}
