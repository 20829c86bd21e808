/** What the schema of the configuration says of its keys: which there are, and what each is called in the environment. */
import { z } from 'zod'
import { type Problem, unknownName } from '../contract/problem.ts'
import { type ConfigDocument, type Settings, configProblem } from './config-document.ts'
import { detectorSchema, riposteSchema, withoutEffect } from './config-schema.ts'

/** An unknown key is a warning that names the nearest, as Falco starts in spite of one. */
export function withoutUnknown(document: ConfigDocument, problems: Problem[]): Settings {
  const settings = Object.fromEntries(
    Object.entries(document.settings).filter(([key]) => !withoutEffect.has(key)),
  )
  const result = detectorSchema.safeParse(settings)
  let cleaned: Settings = settings
  for (const issue of result.error?.issues ?? []) {
    if (issue.code !== 'unrecognized_keys') continue
    for (const key of issue.keys) {
      const path = [...issue.path, key]
      const names =
        issue.path.length === 0 ? [...keysAt(issue.path), ...withoutEffect] : keysAt(issue.path)
      const label = issue.path.length === 0 ? 'key' : `key of ${issue.path.join('.')}`
      problems.push(configProblem(document, path, unknownName(label, key, names), 'warning'))
      cleaned = without(cleaned, path)
    }
  }
  return cleaned
}

/** The keys that the schema knows at a path. */
function keysAt(path: readonly PropertyKey[]): string[] {
  let node: unknown = z.toJSONSchema(detectorSchema, { io: 'input' })
  for (const step of path)
    node =
      typeof step === 'number' ? member(node, 'items') : member(member(node, 'properties'), step)
  const properties = member(node, 'properties')
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : []
}

function member(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.entries(value).find(([name]) => name === key)?.[1]
}

function without<Kind>(value: Kind, [step, ...rest]: readonly PropertyKey[]): Kind
function without(value: unknown, [step, ...rest]: readonly PropertyKey[]): unknown {
  if (Array.isArray(value))
    return value.map((item: unknown, index) => (index === step ? without(item, rest) : item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]: [string, unknown]) => {
      if (key !== step) return [[key, item]]
      return rest.length === 0 ? [] : [[key, without(item, rest)]]
    }),
  )
}

/** RIPOSTE_RESPONDER_URL sets riposte.responder.url, and so on for every scalar key of ours. */
export function environmentOverrides(environment: NodeJS.ProcessEnv): string[] {
  return scalarPaths(z.toJSONSchema(riposteSchema, { io: 'input' }), []).flatMap((path) => {
    const value = environment[`RIPOSTE_${path.join('_').toUpperCase()}`]
    return value === undefined ? [] : [`riposte.${path.join('.')}=${JSON.stringify(value)}`]
  })
}

function scalarPaths(node: unknown, path: readonly string[]): (readonly string[])[] {
  const properties = member(node, 'properties')
  if (typeof properties !== 'object' || properties === null)
    return member(node, 'type') === 'string' ? [path] : []
  return Object.entries(properties).flatMap(([key, inner]) => scalarPaths(inner, [...path, key]))
}
