/** One `- rule:` item: a definition, a change of an earlier one, or the old switch. */
import { type Priority, priorities } from '../../../contract/alert.ts'
import type { Item, RuleParts, Written } from './items.ts'
import { readAppendFlag, readOverrides } from './overrides.ts'
import { type Context, inside } from './places.ts'
import { readActions } from './read-actions.ts'
import { readExceptions } from './read-exceptions.ts'
import type { ItemReader } from './values.ts'

const appendable = ['condition', 'output', 'desc', 'tags', 'exceptions', 'actions']
const replaceable = [
  ...appendable,
  'priority', 'capture', 'capture_duration', 'enabled', 'warn_evttypes', 'skip-if-unknown-filter',
] // prettier-ignore
const ruleKeys = ['rule', 'source', ...replaceable, 'override', 'append']

export function readRule(reader: ItemReader, name: string): readonly Item[] {
  const overrides = readOverrides(reader, appendable, replaceable)
  const isAppended = readAppendFlag(reader, overrides)
  reader.warnOfUnknownKeys(ruleKeys)
  const { context } = reader
  if (overrides.append.size + overrides.replace.size > 0) {
    const append = readChanges(reader, overrides.append, 'append')
    const replace = readChanges(reader, overrides.replace, 'replace')
    for (const { key } of reader.map.entries)
      if (
        replaceable.includes(key.text) &&
        !overrides.append.has(key.text) &&
        !overrides.replace.has(key.text)
      )
        reader.fail(
          `Unexpected key '${key.text}': no corresponding entry under 'override' is defined.`,
          inside(context, 'overrides', key.text, key.spot),
        )
    return [
      ...(overrides.append.size > 0 ? [{ kind: 'append', name, changes: append, context } as const] : []),
      ...(overrides.replace.size > 0 ? [{ kind: 'replace', name, changes: replace, context } as const] : []),
    ] // prettier-ignore
  }
  if (isAppended) {
    const keys = new Set(['condition', 'exceptions'].filter((key) => reader.has(key)))
    return [{ kind: 'append', name, changes: readChanges(reader, keys, 'append'), context }]
  }
  if (!['condition', 'output', 'desc', 'priority'].some((key) => reader.has(key)))
    return readSwitch(reader, name)
  return readDefinition(reader, name)
}

function readSwitch(reader: ItemReader, name: string): readonly Item[] {
  if (reader.scalar('enabled') === undefined) return []
  const enabled = reader.boolean('enabled', true)
  reader.warn(
    'LOAD_DEPRECATED_ITEM',
    "The standalone 'enabled' key usage is deprecated. The correct approach requires also a 'replace' entry under the 'override' key (i.e. 'enabled: replace').",
    reader.context,
  )
  return [{ kind: 'switch', name, enabled, context: reader.context }]
}

function readDefinition(reader: ItemReader, name: string): readonly Item[] {
  const condition = reader.written('condition', 'rule condition')
  const output = reader.written('output', 'rule output')
  const desc = reader.text('desc')
  const priority = readPriority(reader)
  const rest = {
    source: reader.scalar('source', true)?.text ?? 'syscall',
    tags: readTags(reader),
    exceptions: readExceptions(reader, false),
    actions: readActions(reader),
    enabled: reader.boolean('enabled', true),
    capture: reader.boolean('capture', false),
    captureDurationMs: reader.count('capture_duration', 0),
    warnEventTypes: reader.boolean('warn_evttypes', true),
    skipIfUnknownFilter: reader.boolean('skip-if-unknown-filter', false),
  }
  if (
    condition === undefined ||
    output === undefined ||
    desc === undefined ||
    priority === undefined
  )
    return []
  const { context } = reader
  return [
    { kind: 'rule', name, condition, output: trimmed(output), desc, priority, ...rest, context },
  ]
}

/** Falco trims a definition's output; the places of what is left stay right. */
function trimmed(output: Written): Written {
  const [part] = output.parts
  const blanks = output.text.length - output.text.trimStart().length
  if (part === undefined) return output
  return { ...output, text: output.text.trim(), parts: [{ start: -blanks, node: part.node }] }
}

function readChanges(
  reader: ItemReader,
  keys: ReadonlySet<string>,
  operation: 'append' | 'replace',
): Partial<RuleParts> {
  const wants = (key: string): boolean => {
    if (!keys.has(key)) return false
    if (reader.has(key)) return true
    reader.fail(`An ${operation} override for '${key}' was specified but '${key}' is not defined`)
    return false
  }
  const condition = wants('condition') ? reader.written('condition', 'rule condition') : undefined
  const output = wants('output') ? reader.written('output', 'rule output') : undefined
  const desc = wants('desc') ? reader.text('desc') : undefined
  const priority = wants('priority') ? readPriority(reader) : undefined
  return {
    ...(condition && { condition }),
    ...(output && { output }),
    ...(desc !== undefined && { desc }),
    ...(priority && { priority }),
    ...(wants('tags') && { tags: readTags(reader) }),
    ...(wants('exceptions') && { exceptions: readExceptions(reader, true) }),
    ...(wants('actions') && { actions: readActions(reader) }),
    ...(wants('enabled') && { enabled: reader.boolean('enabled', true) }),
    ...(wants('capture') && { capture: reader.boolean('capture', false) }),
    ...(wants('capture_duration') && { captureDurationMs: reader.count('capture_duration', 0) }),
    ...(wants('warn_evttypes') && { warnEventTypes: reader.boolean('warn_evttypes', true) }),
    ...(wants('skip-if-unknown-filter') && {
      skipIfUnknownFilter: reader.boolean('skip-if-unknown-filter', false),
    }),
  }
}

const readTags = (reader: ItemReader) => [...new Set(reader.texts('tags', true))]

function readPriority(reader: ItemReader): Priority | undefined {
  const node = reader.scalar('priority')
  if (node === undefined) return undefined
  const wanted = node.text.toLowerCase()
  const found =
    wanted === 'info'
      ? 'Informational'
      : priorities.find((priority) => priority.toLowerCase() === wanted)
  const context: Context = inside(reader.context, 'rule priority', '', node.spot)
  return found ?? reader.fail('Invalid priority', context)
}
