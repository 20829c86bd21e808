/** The calls that the engine would make of an action, for tests that make them by hand. */
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Alert } from '../../contract/alert.ts'
import type { Action, Call, Effect, NodeLink } from '../../responder/actions/action.ts'
import { NodeUnavailable } from '../../responder/actions/errors.ts'
import { noEvidence } from '../../responder/evidence/evidence.ts'
import type { Kubernetes, KubernetesObject } from '../../responder/kubernetes/kubernetes.ts'
import { podAlert } from '../../responder/policy/alert.sample.ts'
import { targetFor, targetOf } from '../../responder/policy/target.ts'

/** An alert about this pod, as a node would send it. */
export const alertOf = (
  { metadata }: KubernetesObject,
  fields: Alert['outputFields'] = {},
): Alert => {
  const alert = podAlert({
    uid: metadata.uid,
    name: metadata.name,
    namespace: metadata.namespace ?? 'default',
    labels: { ...metadata.labels },
    owners: [],
  })
  return { ...alert, outputFields: { ...alert.outputFields, ...fields } }
}

export interface CallParts<Parameters> {
  readonly alert: Alert
  readonly kubernetes: Kubernetes
  readonly parameters?: Parameters
  readonly stepId?: string
  readonly node?: NodeLink
}

const noNode: NodeLink = {
  ask: () => Promise.reject(new NodeUnavailable('there is no node in this test')),
}

/** The call that the engine would make for a step of this action on what the alert is about. */
export function callOf<Parameters extends z.ZodType<Effect>>(
  action: Action<Parameters>,
  { alert, kubernetes, parameters, stepId, node = noNode }: CallParts<z.input<Parameters>>,
): Call<z.infer<Parameters>> {
  const target = action.target === 'case' ? targetOf(alert) : targetFor(action.target, alert)
  if (target === undefined) throw new Error(`the alert has no ${action.target}`)
  return {
    // A digest, as real ones are.
    stepId: stepId ?? `s${randomBytes(16).toString('hex')}`,
    alert,
    caseId: 'case-1',
    target,
    parameters: action.parameters.parse(parameters ?? {}),
    node,
    kubernetes,
    evidence: noEvidence,
    link: null,
    signal: AbortSignal.timeout(60_000),
    notify: () => Promise.resolve(),
  }
}

/** Through the ledger and back: what `run`, `verify` and `undo` get is JSON. */
export const stored = (effect: Effect): Effect =>
  z.record(z.string(), z.unknown()).parse(JSON.parse(JSON.stringify(effect)))

/** The effect of a plan that must be a change. */
export async function planned<Parameters extends z.ZodType<Effect>>(
  action: Action<Parameters>,
  call: Call<z.infer<Parameters>>,
): Promise<Effect> {
  const plan = await action.plan(call)
  if (plan.kind !== 'change') throw new Error(`nothing to do: ${plan.detail}`)
  return stored(plan.effect)
}

/** An undo is a step of its own. */
export const undoing = <Parameters>(call: Call<Parameters>): Call<Parameters> => ({
  ...call,
  stepId: `u${randomBytes(16).toString('hex')}`,
})
