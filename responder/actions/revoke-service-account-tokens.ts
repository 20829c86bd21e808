import { z } from 'zod'
import { bindingsOf } from '../kubernetes/bindings.ts'
import { changeSchema, isMade, makeChange, reversed } from '../kubernetes/changes.ts'
import type { Kubernetes, KubernetesObject } from '../kubernetes/kubernetes.ts'
import { nameOf } from '../kubernetes/objects.ts'
import { noNote, priorNote } from '../kubernetes/prior-state.ts'
import { action } from './action.ts'
import { ActionRefused, TargetGone } from './errors.ts'

const name = 'revoke_service_account_tokens'
const effectSchema = z.object({
  /** Whose note is on the bindings: an undo is a step of its own. */
  step: z.string(),
  account: z.string(),
  changes: z.array(changeSchema),
})
type RevokeEffect = z.infer<typeof effectSchema>
const maxShown = 12

export const revokeServiceAccountTokens = action({
  name,
  summary:
    "Takes away what tokens of the pod's service account may do: the account is removed as a subject from every RoleBinding and ClusterRoleBinding. The tokens themselves live on, without rights: one bound to a pod ends with the pod, and no Secret is read or deleted. All pods of that account lose the rights; those that it has as a member of a group stay.",
  risk: 'disrupt',
  target: 'pod',
  parameters: z.strictObject({
    bindings: z
      .literal(true)
      .default(true)
      .describe('remove the account from bindings: the one way there is'),
  }),
  capabilities: [],
  rbac: [
    {
      apiGroups: ['rbac.authorization.k8s.io'],
      resources: ['rolebindings', 'clusterrolebindings'],
      verbs: ['get', 'list', 'patch'],
    },
    // Whoever changes a binding must be able to give what it gives, even to take it away. It is worth all rights there are.
    {
      apiGroups: ['rbac.authorization.k8s.io'],
      resources: ['roles', 'clusterroles'],
      verbs: ['bind'],
    },
  ],
  undoes: 'puts the account back into the bindings, unless somebody changed their subjects since',

  async plan({ kubernetes, alert, stepId, target }) {
    const pod = alert.place?.pod
    if (!pod) throw new ActionRefused(`the alert does not say as whom ${target.name} runs`)
    const account = { namespace: pod.namespace, name: pod.serviceAccount }
    const shown = `service account ${account.namespace}/${account.name}`
    if (account.namespace === kubernetes.own.namespace)
      throw new ActionRefused(`${shown} is in Riposte's own namespace`)
    const { changes, byGroup } = await bindingsOf(kubernetes, account)
    const groups = byGroup.length === 0 ? '' : `; what ${few(byGroup)} give by group stays`
    if (changes.length === 0)
      return { kind: 'already_done', detail: `no binding names ${shown}${groups}` }
    const effect = { step: stepId, account: shown, changes: [...changes] }
    await make(kubernetes, effect, true)
    const bindings = changes.map(({ reference }) => nameOf(reference))
    return { kind: 'change', detail: `remove ${shown} from ${few(bindings)}${groups}`, effect }
  },

  async run({ kubernetes }, given) {
    const effect = effectSchema.parse(given)
    await make(kubernetes, effect, false)
    const bindings = effect.changes.map(({ reference }) => nameOf(reference))
    return { detail: `removed ${effect.account} from ${few(bindings)}`, effect }
  },

  async verify({ kubernetes }, given) {
    const { changes } = effectSchema.parse(given)
    for (const change of changes)
      if (
        !(await unlessGone(
          async () => isMade(await kubernetes.get(change.reference), change),
          true,
        ))
      )
        return false
    return true
  },

  async undo({ kubernetes }, given) {
    const effect = effectSchema.parse(given)
    const { step, account, changes } = effect
    const note = () => noNote(name, step)
    const back: string[] = []
    // All are asked before one is changed.
    for (const isDryRun of [true, false])
      for (const change of changes) {
        const restore = async () => {
          await makeChange(kubernetes, reversed(change), { isDryRun, note })
          return true
        }
        if ((await unlessGone(restore, false)) && !isDryRun) back.push(nameOf(change.reference))
      }
    const into = back.length === 0 ? 'no binding: all are gone' : few(back)
    return { detail: `put ${account} back into ${into}`, effect }
  },
})

/** A binding that somebody deleted since gives nobody anything. */
async function make(
  kubernetes: Kubernetes,
  { step, changes }: RevokeEffect,
  isDryRun: boolean,
): Promise<void> {
  for (const change of changes) {
    const note = (object: KubernetesObject) => priorNote(object, name, step, change.values)
    await unlessGone(() => makeChange(kubernetes, change, { isDryRun, note }), undefined)
  }
}

async function unlessGone<T>(ask: () => Promise<T>, whenGone: T): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof TargetGone) return whenGone
    throw error
  }
}

const few = (names: readonly string[]): string => {
  const more = names.length > maxShown ? ` and ${names.length - maxShown} more` : ''
  return `${names.slice(0, maxShown).join(', ')}${more}`
}
