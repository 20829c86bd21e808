/** Policy documents that read well → policies; what they name must exist and make sense together. */
import { createHash } from 'node:crypto'
import { unknownName, type Problem } from '../../contract/problem.ts'
import type { Action } from '../actions/action.ts'
import { parseAlertCondition } from './alert-condition.ts'
import { parseCaseCondition } from './case-condition.ts'
import { isKill, isOpen } from './strikable.ts'
import { readDoItem } from './do-item.ts'
import type { Placed } from './documents.ts'
import { problemAt, type Path } from './places.ts'
import type { Fuse, Policy, PolicyAction, Rung } from './policy.ts'
import { ruleActionsName } from './rule-actions.ts'
import type { PolicyDocument, RungSpec } from './schema.ts'

type Report = (path: Path, code: string, message: string, isKey?: boolean) => void

/** The policy, and the problems that forbid its use. */
export function checkPolicy(
  { file, document, places }: Placed<PolicyDocument>,
  actions: readonly Action[],
): { readonly policy: Policy; readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const report: Report = (path, code, message, isKey = false) => {
    const place = isKey ? places.key(path) : places.value(path)
    problems.push(problemAt(file, place, code, message))
  }
  const { metadata, spec } = document
  const { rules, condition } = spec.match
  if (metadata.name === ruleActionsName)
    report(
      ['metadata', 'name'],
      'reserved_name',
      `${ruleActionsName} is the name of the built-in policy`,
    )
  if (isEmpty(rules) && condition === null && spec.match.workloads === undefined)
    report(
      ['spec', 'match'],
      'empty_match',
      'match selects every rule; say minPriority: Debug if that is meant',
      true,
    )
  const fuse = { max: spec.fuse.max, perMs: spec.fuse.per }
  const policy: Policy = {
    name: nameOf(document),
    kind: document.kind,
    namespace: document.kind === 'ResponsePolicy' ? (metadata.namespace ?? null) : null,
    description: spec.description,
    file,
    mode: spec.mode,
    generation: contentHash(document),
    selection: rules,
    condition: condition === null ? null : alertCondition(condition, report),
    workloads: spec.match.workloads ?? null,
    correlate: {
      by: spec.correlate.by,
      windowMs: spec.correlate.window,
      cooldownMs: spec.correlate.cooldown,
    },
    ladder: spec.ladder.map((rung, index) =>
      checkRung(rung, index, spec.ladder, actions, fuse, report),
    ),
    limits: spec.limits,
    fuse,
  }
  return { policy, problems }
}

const isEmpty = (rules: Policy['selection']) =>
  rules.names.length === 0 &&
  rules.tags.length === 0 &&
  rules.minPriority === null &&
  rules.source === null

/** Two tenants may each have a `miners`: what lives in a namespace is named with it. */
export const nameOf = ({ kind, metadata: { name, namespace } }: PolicyDocument): string =>
  kind === 'ResponsePolicy' && namespace !== undefined ? `${namespace}/${name}` : name

export const contentHash = (content: unknown) =>
  createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16)

function alertCondition(text: string, report: Report) {
  const parsed = parseAlertCondition(text)
  if (!('problem' in parsed)) return parsed
  report(['spec', 'match', 'condition'], 'condition', parsed.problem)
  return null
}

function checkRung(
  spec: RungSpec,
  index: number,
  ladder: readonly RungSpec[],
  actions: readonly Action[],
  fuse: Fuse,
  report: Report,
): Rung {
  const path = ['spec', 'ladder', index]
  const earlier = ladder.slice(0, index).map(({ name }) => name)
  if (earlier.includes(spec.name))
    report([...path, 'name'], 'duplicate_rung', `rung ${spec.name} is already there`)
  if (spec.do.length === 0 && spec.from === undefined)
    report([...path, 'name'], 'empty_rung', 'the rung does nothing; give it do: or from: rule')
  const isWaiting = !spec.always && ladder.slice(0, index).some(({ required }) => required)
  const hold = spec.approve?.hold
  if (hold !== undefined && !earlier.includes(hold))
    report([...path, 'approve', 'hold'], 'unknown_rung', unknownName('earlier rung', hold, earlier))
  return {
    name: spec.name,
    isFromRule: spec.from === 'rule',
    when: caseCondition(spec.when, earlier, (message) => {
      report([...path, 'when'], 'condition', message)
    }),
    isAlways: spec.always,
    actions: spec.do.flatMap((item, position) =>
      checkAction(item, [...path, 'do', position], { ...spec, isWaiting }, actions, fuse, report),
    ),
    approve: spec.approve,
    undo: spec.undo,
    isRequired: spec.required,
    isWaiting,
    deadlineMs: spec.deadline ?? null,
  }
}

function caseCondition(
  text: string | undefined,
  rungs: readonly string[],
  report: (message: string) => void,
) {
  if (text === undefined) return null
  const parsed = parseCaseCondition(text, rungs)
  if (!('problem' in parsed)) return parsed
  report(parsed.problem)
  return null
}

function checkAction(
  given: RungSpec['do'][number],
  path: Path,
  rung: RungSpec & { readonly isWaiting: boolean },
  actions: readonly Action[],
  policyFuse: Fuse,
  report: Report,
): readonly PolicyAction[] {
  const { item, findings } = readDoItem(given, actions)
  for (const finding of findings)
    report([...path, ...finding.path], finding.code, finding.message, finding.isKey)
  if (item === undefined) return []
  const { action, parameters, where, fuse } = item
  const { when = null, approve, isWaiting } = rung
  const isStrike = isOpen({ when, approve, isWaiting }) && isKill(action.name, parameters)
  if (where === 'kernel' && !isStrike)
    report(
      [...path, action.name, 'where'],
      'not_in_kernel',
      'a strike happens inside the call, before anything can be asked: no when, no approve, no required rung before it, signal KILL only; or where: node',
    )
  return [
    {
      name: action.name,
      parameters,
      risk: action.risk,
      where: isStrike && where !== 'node' ? 'kernel' : 'node',
      fuse: fuse ?? policyFuse,
    },
  ]
}

/** Of a document that is wrong in form: what else is wrong in it, as far as it can be seen. */
export function checkRoughly(
  { file, document, places }: Placed<unknown>,
  actions: readonly Action[],
): readonly Problem[] {
  const ladder = at(document, 'spec', 'ladder')
  if (!Array.isArray(ladder)) return []
  return ladder.flatMap((rung, index) => {
    const items = at(rung, 'do')
    if (!Array.isArray(items)) return []
    return items
      .filter(
        (item) => typeof item === 'string' || (typeof item === 'object' && !Array.isArray(item)),
      )
      .flatMap((item, position) =>
        readDoItem(item, actions).findings.map(({ path, code, message, isKey }) => {
          const whole = ['spec', 'ladder', index, 'do', position, ...path]
          const place = isKey === true ? places.key(whole) : places.value(whole)
          return problemAt(file, place, code, message)
        }),
      )
  })
}

function at(content: unknown, ...path: readonly string[]): unknown {
  let found = content
  for (const key of path)
    found = typeof found === 'object' && found !== null ? Reflect.get(found, key) : undefined
  return found
}
