/** A rule file's text → its items; every mistake in its structure is reported and reading goes on. */
import type { Item, PluginVersion } from './items.ts'
import { readAppendFlag, readOverrides } from './overrides.ts'
import { type Context, inside, type Report, type Spot } from './places.ts'
import { readRule } from './read-rule.ts'
import { ItemReader } from './values.ts'
import { get, parseYaml, type Yaml, type YamlMap } from './yaml.ts'
import { asSemver } from './versions.ts'

export interface SourceFile {
  readonly name: string
  readonly text: string
}

export function readFile(file: SourceFile, report: Report): readonly Item[] {
  const spot: Spot = { file: file.name, offset: 0, length: 1, line: 0, column: 0 }
  const context: Context = [{ type: 'rules content', name: '', label: file.name, spot }]
  const { documents, failures } = parseYaml(file.name, file.text)
  for (const failure of failures)
    report('LOAD_ERR_YAML_PARSE', failure.message, inside(context, 'value for', '', failure.spot))
  if (failures.length > 0) return []
  return documents.flatMap((document) => readDocument(document, context, report))
}

function readDocument(document: Yaml, context: Context, report: Report): readonly Item[] {
  if (document.kind === 'null') return []
  if (document.kind === 'sequence')
    return document.items.flatMap((item) => readItem(item, context, report))
  const message =
    document.kind === 'map'
      ? 'Rules content is not yaml array of objects'
      : 'Rules content is not yaml'
  report('LOAD_ERR_YAML_VALIDATE', message, context)
  return []
}

function readItem(item: Yaml, parent: Context, report: Report): readonly Item[] {
  if (item.kind === 'null') return []
  const context = inside(parent, 'rules content item', '', item.spot)
  if (item.kind !== 'map') {
    const message = 'Unexpected element type. Each element should be a yaml associative array.'
    report('LOAD_ERR_YAML_VALIDATE', message, context)
    return []
  }
  if (get(item, 'required_engine_version')) return readEngineVersion(item, parent, report)
  if (get(item, 'required_plugin_versions')) return readPluginVersions(item, parent, report)
  for (const kind of ['list', 'macro', 'rule'] as const) {
    if (get(item, kind) === undefined) continue
    const name = new ItemReader(item, inside(parent, kind, '', item.spot), report).text(kind)
    if (name === undefined) return []
    const reader = new ItemReader(item, inside(parent, kind, name, item.spot), report)
    const items = readers[kind](reader, name)
    return reader.isBroken ? [{ kind: 'broken', what: kind, name }] : items
  }
  report('LOAD_UNKNOWN_ITEM', 'Unknown top level item', context)
  return []
}

const readers = { list: readList, macro: readMacro, rule: readRule }

function readList(reader: ItemReader, name: string): readonly Item[] {
  if (!/^[^()"'\s=,]+$/.test(name))
    reader.warn(
      'LOAD_INVALID_LIST_NAME',
      `List has an invalid name. List names should match a regular expression: ([^()"'[:space:]=,]+)`,
      reader.context,
    )
  const items = reader.texts('items')
  const overrides = readOverrides(reader, ['items'], ['items'])
  const isAppended = readAppendFlag(reader, overrides) || overrides.append.has('items')
  reader.warnOfUnknownKeys(['list', 'items', 'append', 'override'])
  return items === undefined
    ? []
    : [{ kind: 'list', name, items, isAppended, context: reader.context }]
}

function readMacro(reader: ItemReader, name: string): readonly Item[] {
  if (!/^[a-zA-Z]+[a-zA-Z0-9_]*$/.test(name))
    reader.warn(
      'LOAD_INVALID_MACRO_NAME',
      'Macro has an invalid name. Macro names should match a regular expression: ([a-zA-Z]+[a-zA-Z0-9_]*)',
      reader.context,
    )
  const condition = reader.written('condition', 'macro condition')
  const overrides = readOverrides(reader, ['condition'], ['condition'])
  const isAppended = readAppendFlag(reader, overrides) || overrides.append.has('condition')
  reader.warnOfUnknownKeys(['macro', 'condition', 'append', 'override'])
  return condition === undefined
    ? []
    : [{ kind: 'macro', name, condition, isAppended, context: reader.context }]
}

/** A whole number N is the minor: `15` is 0.15.0. */
function readEngineVersion(item: YamlMap, parent: Context, report: Report): readonly Item[] {
  const context = inside(parent, 'required_engine_version', '', item.spot)
  const reader = new ItemReader(item, context, report)
  const text = reader.text('required_engine_version')
  reader.warnOfUnknownKeys(['required_engine_version'])
  if (text === undefined) return []
  const version = /^\d+$/.test(text) ? `0.${text}.0` : text
  if (asSemver(version) !== undefined) return [{ kind: 'engine', version, context }]
  reader.fail(
    `Unable to parse engine version '${text}' as a semver string. Expected "x.y.z" semver format.`,
  )
  return []
}

function readPluginVersions(item: YamlMap, parent: Context, report: Report): readonly Item[] {
  const value = get(item, 'required_plugin_versions') ?? item
  const context = inside(parent, 'required plugin versions', '', value.spot)
  new ItemReader(item, context, report).warnOfUnknownKeys(['required_plugin_versions'])
  if (value.kind !== 'sequence') {
    const message = 'Value of required_plugin_versions must be a sequence'
    report('LOAD_ERR_YAML_VALIDATE', message, context)
    return []
  }
  return value.items.flatMap((entry) => {
    const entryContext = inside(context, 'required plugin versions entry', '', entry.spot)
    const first = readPlugin(entry, entryContext, report)
    if (first === undefined || entry.kind !== 'map') return []
    const others = get(entry, 'alternatives')
    if (others === undefined)
      return [{ kind: 'plugin', alternatives: [first], context: entryContext }]
    if (others.kind !== 'sequence') {
      const message = 'Value of plugin version alternatives must be a sequence'
      report('LOAD_ERR_YAML_VALIDATE', message, entryContext)
      return []
    }
    const alternatives = others.items.flatMap(
      (other) =>
        readPlugin(
          other,
          inside(entryContext, 'required plugin versions alternative', '', other.spot),
          report,
        ) ?? [],
    )
    return [{ kind: 'plugin', alternatives: [first, ...alternatives], context: entryContext }]
  })
}

function readPlugin(entry: Yaml, context: Context, report: Report): PluginVersion | undefined {
  if (entry.kind !== 'map') {
    report('LOAD_ERR_YAML_VALIDATE', 'Plugin version must be a mapping', context)
    return undefined
  }
  const reader = new ItemReader(entry, context, report)
  const name = reader.text('name')
  const version = reader.text('version')
  return name === undefined || version === undefined ? undefined : { name, version }
}
