/** What kubectl shows of a policy: whether it acts, and if not, why. Written when it changes. */
import { messageOf } from '../errors.ts'
import type { Mode } from '../policy/schema.ts'
import type { Kubernetes } from './kubernetes.ts'
import type { PolicyObject, ReadObject } from './policy-resources.ts'

export type PolicyState = 'Enforced' | 'Audit' | 'Off' | 'Degraded' | 'Invalid'

export interface Verdict {
  readonly state: PolicyState
  readonly mode: Mode | ''
  readonly message: string
}

export interface PolicyFacts {
  /** As it holds now, set modes and the guards' kill switch included; undefined: another policy has its name. */
  readonly modeOf: (policy: string) => Mode | undefined
  /** Why it cannot do all that it says: an open fuse, rights that are missing, actions that no node can do. */
  readonly whyDegraded: (policy: string) => string | null
}

export function verdictOf({ object, set, problems }: ReadObject, facts: PolicyFacts): Verdict {
  const [problem] = problems
  if (problem !== undefined) {
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
    const kept = set.policies.length > 0 ? '; the version before it stays in force' : ''
    return { state: 'Invalid', mode: '', message: `${problem.message}${more}${kept}` }
  }
  if (object.kind === 'ResponseGuard')
    return { state: 'Enforced', mode: '', message: 'holds for every policy' }
  const name = set.policies[0]?.name ?? object.metadata.name
  const mode = facts.modeOf(name)
  if (mode === undefined)
    return { state: 'Invalid', mode: '', message: `another policy is called ${name}` }
  const why = facts.whyDegraded(name)
  if (why !== null) return { state: 'Degraded', mode, message: why }
  return { state: states[mode], mode, message: messages[mode] }
}

const states: Readonly<Record<Mode, PolicyState>> = {
  off: 'Off',
  audit: 'Audit',
  enforce: 'Enforced',
}
const messages: Readonly<Record<Mode, string>> = {
  off: 'takes no part',
  audit: 'decides and records, does nothing',
  enforce: 'acts',
}

export interface StatusParts {
  /** For one round of calls. */
  readonly kubernetes: () => Kubernetes
  readonly facts: PolicyFacts
  readonly nowMs: () => number
  readonly log: (message: string) => void
}

/** One writer for all objects; what was written last is remembered, so that nothing is written twice. */
export class PolicyStatuses {
  readonly #parts: StatusParts
  readonly #written = new Map<string, string>()
  #isWriting = false

  constructor(parts: StatusParts) {
    this.#parts = parts
  }

  async write(objects: readonly ReadObject[]): Promise<void> {
    if (this.#isWriting) return
    this.#isWriting = true
    try {
      for (const read of objects) await this.#writeOne(read)
      const live = new Set(objects.map(({ object }) => object.metadata.uid))
      for (const uid of this.#written.keys()) if (!live.has(uid)) this.#written.delete(uid)
    } catch (error) {
      this.#parts.log(`a policy's status cannot be written: ${messageOf(error)}`)
    } finally {
      this.#isWriting = false
    }
  }

  async #writeOne(read: ReadObject): Promise<void> {
    const { object } = read
    const { uid, generation } = object.metadata
    const verdict = verdictOf(read, this.#parts.facts)
    const key = JSON.stringify([generation, verdict])
    if (this.#written.get(uid) === key) return
    await this.#parts.kubernetes().patch(
      referenceOf(object),
      [
        {
          op: 'add',
          path: '/status',
          value: statusOf(verdict, generation, new Date(this.#parts.nowMs()).toISOString()),
        },
      ],
      { subresource: 'status' },
    )
    this.#written.set(uid, key)
  }
}

const referenceOf = ({ apiVersion, kind, metadata }: PolicyObject) => ({
  apiVersion,
  kind,
  namespace: metadata.namespace ?? null,
  name: metadata.name,
  uid: metadata.uid,
})

const statusOf = ({ state, mode, message }: Verdict, observedGeneration: number, now: string) => ({
  state,
  mode,
  message,
  observedGeneration,
  conditions: [
    {
      type: 'Ready',
      status: state === 'Invalid' || state === 'Degraded' ? 'False' : 'True',
      reason: state,
      message,
      lastTransitionTime: now,
      observedGeneration,
    },
  ],
})
