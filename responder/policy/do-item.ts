/** One item of a rung's `do`: the action it names, with its parameters checked by the action's own schema. */
import { z } from 'zod'
import { nearest, unknownName } from '../../contract/problem.ts'
import type { Action } from '../actions/action.ts'
import type { Path } from './places.ts'
import type { Fuse } from './policy.ts'
import { fuseSchema } from './schema.ts'

/** A mistake at `path` below the item; `isKey`: its key is meant, not its value. */
interface Finding {
  readonly path: Path
  readonly code: string
  readonly message: string
  readonly isKey?: boolean
}

interface DoItem {
  readonly action: Action
  readonly parameters: Readonly<Record<string, unknown>>
  readonly where: 'kernel' | 'node' | undefined
  readonly fuse: Fuse | undefined
}

export interface ReadItem {
  /** Undefined when there are findings. */
  readonly item: DoItem | undefined
  readonly findings: readonly Finding[]
}

/** What the policy language itself takes beside an action's own parameters, on kill_process only. */
const placement = z.object({
  where: z.enum(['kernel', 'node']).optional(),
  fuse: fuseSchema.optional(),
})

export function readDoItem(given: unknown, actions: readonly Action[]): ReadItem {
  const entries = entriesOf(given)
  const [entry] = entries
  if (entry === undefined || entries.length > 1)
    return wrong(
      [],
      'action',
      'an item of do is one action: a name, or one name with its parameters',
    )
  const [name, value] = entry
  const path = typeof given === 'string' ? [] : [name]
  const action = actions.find((known) => known.name === name)
  if (action === undefined) {
    const known = actions.map((other) => other.name)
    return wrong(path, 'unknown_action', unknownName('action', name, known), true)
  }
  const parameters = value ?? {}
  if (typeof parameters !== 'object' || Array.isArray(parameters))
    return wrong(path, 'parameters', `parameters of ${name} must be a map`)
  return readParameters(action, { ...parameters }, path)
}

function entriesOf(given: unknown): readonly (readonly [string, unknown])[] {
  if (typeof given === 'string') return [[given, {}]]
  return typeof given === 'object' && given !== null ? Object.entries(given) : []
}

const wrong = (path: Path, code: string, message: string, isKey = false): ReadItem => ({
  item: undefined,
  findings: [{ path, code, message, isKey }],
})

function readParameters(
  action: Action,
  given: Readonly<Record<string, unknown>>,
  path: Path,
): ReadItem {
  const { where, fuse, ...rest } = given
  const isKill = action.name === 'kill_process'
  const own = isKill ? rest : given
  const placed = placement.safeParse(isKill ? { where, fuse } : {})
  const read = action.parameters.safeParse(own)
  const issues = [...(placed.error?.issues ?? []), ...(read.error?.issues ?? [])]
  const findings = issues.flatMap((issue) => findingsOf(action, issue, path))
  if (!placed.success || !read.success) return { item: undefined, findings }
  const { data } = placed
  return {
    item: {
      action,
      parameters: read.data,
      where: data.where,
      fuse: data.fuse && { max: data.fuse.max, perMs: data.fuse.per },
    },
    findings,
  }
}

function findingsOf(action: Action, issue: z.core.$ZodIssue, path: Path): readonly Finding[] {
  const at = [...path, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    const known = parameterNames(action)
    return issue.keys.map((key) => ({
      path: [...at, key],
      code: 'unknown_parameter',
      message: `${action.name} has no parameter "${key}"; ${remedy(key, known)}`,
      isKey: true,
    }))
  }
  const name = issue.path.length > 0 ? `${issue.path.map(String).join('.')} ` : ''
  const remark =
    issue.code === 'invalid_value'
      ? `must be one of ${issue.values.map(String).join(', ')}`
      : issue.message
  return [{ path: at, code: 'parameters', message: `${action.name}: ${name}${remark}` }]
}

/** The names that an action's parameters may have; the policy's own `where` and `fuse` with kill_process. */
function parameterNames(action: Action): readonly string[] {
  const own = action.parameters instanceof z.ZodObject ? Object.keys(action.parameters.shape) : []
  return action.name === 'kill_process' ? [...own, 'where', 'fuse'] : own
}

function remedy(key: string, known: readonly string[]): string {
  const near = nearest(key, known)
  return near === undefined ? `known: ${known.join(', ') || 'none'}` : `did you mean ${near}?`
}
