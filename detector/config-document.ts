/** From falco.yaml and `-o` to one plain value: includes merged, `${VAR}` expanded, places kept for messages. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Document, LineCounter, isNode, parseDocument } from 'yaml'
import type { Problem } from '../contract/problem.ts'

export type Value = string | number | boolean | null | readonly Value[] | Settings
export interface Settings {
  readonly [key: string]: Value
}

export interface ConfigDocument {
  readonly settings: Settings
  readonly problems: readonly Problem[]
  /** Place of a key for a Problem; the whole file's first line where the key came from elsewhere. */
  readonly placeOf: (path: readonly PropertyKey[]) => Pick<Problem, 'file' | 'line' | 'column'>
  /** Every file that was read: what a watcher has to watch. */
  readonly files: readonly string[]
}

interface Parsed {
  readonly file: string
  readonly document: Document
  readonly lines: LineCounter
  readonly settings: Settings
}

export function readConfig(
  file: string | undefined,
  overrides: readonly string[],
  environment: NodeJS.ProcessEnv,
): ConfigDocument {
  const problems: Problem[] = []
  const parsed: Parsed[] = []
  const read = (path: string) => {
    const one = parseFile(path, environment, problems)
    if (one !== undefined) parsed.push(one)
    return one?.settings ?? {}
  }
  let settings = file === undefined ? {} : read(file)
  for (const include of includes(settings['config_files'])) {
    for (const path of filesIn(include.path))
      settings = merge(settings, read(path), include.strategy)
  }
  for (const override of overrides) {
    const applied = applyOverride(settings, override)
    if (typeof applied === 'string') problems.push(problemAt('-o', applied))
    else settings = applied
  }
  return {
    settings,
    problems,
    placeOf: (path) => placeOf(parsed, path),
    files: parsed.map((one) => one.file),
  }
}

const problemAt = (file: string, message: string): Problem => ({
  code: 'bad_configuration',
  severity: 'error',
  message,
  file,
  line: 1,
  column: 1,
})

function parseFile(
  file: string,
  environment: NodeJS.ProcessEnv,
  problems: Problem[],
): Parsed | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    problems.push(problemAt(file, `cannot be read: ${reason}`))
    return undefined
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  for (const { message, pos } of document.errors) {
    const { line, col } = lines.linePos(pos[0])
    const [sentence = message] = message.split('\n')
    problems.push({ ...problemAt(file, sentence), line, column: col })
  }
  const value = toValue(document.toJS(), environment)
  if (isSettings(value)) return { file, document, lines, settings: value }
  if (value !== null) problems.push(problemAt(file, 'the configuration must be a mapping of keys'))
  return undefined
}

function placeOf(parsed: readonly Parsed[], path: readonly PropertyKey[]) {
  for (const { file, document, lines } of parsed.toReversed()) {
    for (let length = path.length; length > 0; length--) {
      const node: unknown = document.getIn(path.slice(0, length), true)
      if (!isNode(node) || !node.range) continue
      const { line, col } = lines.linePos(node.range[0])
      return { file, line, column: col }
    }
  }
  return { file: parsed[0]?.file ?? '-o', line: 1, column: 1 }
}

/** `${VAR}` in any scalar is the variable (empty when unset), `$${VAR}` the text itself. */
function toValue(value: unknown, environment: NodeJS.ProcessEnv): Value {
  if (typeof value === 'string') return expand(value, environment)
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (Array.isArray(value)) return value.map((item) => toValue(item, environment))
  if (typeof value !== 'object' || value === null) return null
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, toValue(item, environment)]),
  )
}

const expand = (text: string, environment: NodeJS.ProcessEnv) =>
  text.replaceAll(/\$?\$\{([^}]*)\}/g, (whole, name: string) =>
    whole.startsWith('$$') ? whole.slice(1) : (environment[name.trim()] ?? ''),
  )

const isSettings = (value: Value | undefined): value is Settings =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

type Strategy = 'append' | 'override' | 'add-only'

function includes(value: Value | undefined): { path: string; strategy: Strategy }[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((entry: Value) => {
    if (typeof entry === 'string') return [{ path: entry, strategy: 'append' as const }]
    if (!isSettings(entry) || typeof entry['path'] !== 'string') return []
    const { path, strategy } = entry
    const known = strategy === 'override' || strategy === 'add-only' ? strategy : 'append'
    return [{ path, strategy: known }]
  })
}

/** Falco's directories of settings may be missing; in one, only YAML files count, in the order of their names. */
function filesIn(path: string): string[] {
  if (!existsSync(path)) return []
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path)
    .filter((name) => /\.ya?ml$/.test(name))
    .toSorted()
    .map((name) => join(path, name))
}

/** By top-level key, as Falco does: `append` joins lists and replaces everything else. */
function merge(base: Settings, more: Settings, strategy: Strategy): Settings {
  const merged: Record<string, Value> = { ...base }
  for (const [key, value] of Object.entries(more)) {
    const before = base[key]
    if (key === 'config_files') continue
    if (strategy === 'add-only' && before !== undefined) continue
    const isJoined = strategy === 'append' && Array.isArray(before) && Array.isArray(value)
    merged[key] = isJoined ? [...before, ...value] : value
  }
  return merged
}

/** `a.b[0].c=v`, `a[]=v` appends, `\` escapes; a value that is JSON is taken as such. Answers what is wrong. */
function applyOverride(settings: Settings, override: string): Settings | string {
  const equals = override.indexOf('=')
  if (equals <= 0) return `${override}: expected <key>=<value>`
  const path = parsePath(override.slice(0, equals).trim())
  if (path === undefined) return `${override}: the key cannot be read; write a.b[0].c=value`
  const set = setIn(settings, path, parseScalar(override.slice(equals + 1).trim()))
  return isSettings(set) ? set : `${override}: the key must begin with a name`
}

/** A number is an index, Infinity the place behind the last. */
function parsePath(text: string): (string | number)[] | undefined {
  const path: (string | number)[] = []
  const part = /((?:\\.|[^.[\]\\])+)|\[(\d*)\]|\./gy
  let end = 0
  for (const match of text.matchAll(part)) {
    end = match.index + match[0].length
    if (match[1] !== undefined) path.push(match[1].replaceAll(/\\(.)/g, '$1'))
    else if (match[2] !== undefined) path.push(match[2] === '' ? Infinity : Number(match[2]))
  }
  return end === text.length && path.length > 0 ? path : undefined
}

function parseScalar(text: string): Value {
  const value: unknown = parseDocument(text).toJS()
  return toValue(value, {})
}

function setIn(target: Value | undefined, path: readonly (string | number)[], value: Value): Value {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (typeof key === 'string') {
    const settings = isSettings(target ?? null) ? target : {}
    const inner = isSettings(settings) ? settings : {}
    return { ...inner, [key]: setIn(inner[key], rest, value) }
  }
  const list: Value[] = Array.isArray(target) ? [...target] : []
  const index = Math.min(key, list.length)
  list[index] = setIn(list[index], rest, value)
  return list
}

/** Something wrong with the key at `path`. */
export const configProblem = (
  document: ConfigDocument,
  path: readonly PropertyKey[],
  message: string,
  severity: Problem['severity'] = 'error',
): Problem => ({ code: 'bad_configuration', severity, message, ...document.placeOf(path) })
