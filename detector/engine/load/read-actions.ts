/** The `actions:` of a rule: names, or maps of one name to its parameters. Ours; Falco calls the key unknown. */
import { unknownName } from '../../../contract/problem.ts'
import type { ActionItem } from './items.ts'
import { type Context, inside, type Report } from './places.ts'
import type { ItemReader } from './values.ts'
import { get, toJson, type Yaml, type YamlMap } from './yaml.ts'

export function readActions(reader: ItemReader): readonly ActionItem[] {
  const value = get(reader.map, 'actions')
  if (value === undefined || value.kind === 'null') return []
  const context = inside(reader.context, 'value for', 'actions', value.spot)
  if (value.kind !== 'sequence') {
    reader.fail(
      'actions must be a list of names, or of maps of one name to its parameters',
      context,
    )
    return []
  }
  return value.items.flatMap((item) => readAction(reader, item, context) ?? [])
}

function readAction(reader: ItemReader, item: Yaml, outer: Context): ActionItem | undefined {
  const context = inside(outer, 'list item', '', item.spot)
  if (item.kind === 'scalar')
    return {
      name: item.text,
      parameters: {},
      context: inside(outer, 'list item', item.text, item.spot),
    }
  const [entry, ...more] = item.kind === 'map' ? item.entries : []
  if (entry === undefined || more.length > 0)
    return reader.fail('an action is a name, or a map of one name to its parameters', context)
  const { key, value } = entry
  const named = inside(outer, 'list item', key.text, key.spot)
  if (value.kind === 'null') return { name: key.text, parameters: {}, context: named }
  if (value.kind !== 'map')
    return reader.fail(`the parameters of ${key.text} must be a mapping`, named)
  return { name: key.text, parameters: parametersOf(value), context: named }
}

const parametersOf = (map: YamlMap): Readonly<Record<string, unknown>> =>
  Object.fromEntries(map.entries.map(({ key, value }) => [key.text, toJson(value)]))

export function checkActions(
  actions: readonly ActionItem[],
  known: readonly string[],
  report: Report,
): void {
  for (const { name, context } of actions)
    if (!known.includes(name))
      report('LOAD_ERR_VALIDATE', unknownName('action', name, known), context)
}
