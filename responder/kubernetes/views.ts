/**
 * Containments and approvals as objects, for `kubectl get containments,approvals`. Views of the ledger: written when it
 * changes, gone when they are over, never read back.
 */
import { messageOf } from '../errors.ts'
import type { Approval } from '../approval.ts'
import type { Containment } from '../containment.ts'
import { group, version, viewKinds } from '../policy/crds.ts'
import type { Kubernetes, KubernetesObject } from './kubernetes.ts'

export interface ViewParts {
  /** For one round of calls. */
  readonly kubernetes: () => Kubernetes
  /** Where the views live: Riposte's own namespace. */
  readonly namespace: string
  readonly containments: () => Promise<readonly Containment[]>
  readonly approvals: () => Promise<readonly Approval[]>
  readonly log: (message: string) => void
}

interface View {
  readonly kind: (typeof viewKinds)[number]
  readonly name: string
  readonly spec: Readonly<Record<string, string>>
  readonly status: Readonly<Record<string, unknown>>
}

const apiVersion = `${group}/${version}`
const atMost = 500

export class Views {
  readonly #parts: ViewParts
  readonly #known = new Map<
    string,
    { readonly object: KubernetesObject; readonly status: string }
  >()
  #isKnown = false
  #isLooking = false

  constructor(parts: ViewParts) {
    this.#parts = parts
  }

  /** Brings the objects up to date with the ledger; asked again and again, it writes only what changed. */
  async look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      if (!this.#isKnown) await this.#find()
      const views = await this.#wanted()
      for (const view of views) await this.#show(view)
      const wanted = new Set(views.map(keyOf))
      for (const [key, { object }] of this.#known)
        if (!wanted.has(key)) await this.#remove(key, object)
    } catch (error) {
      this.#isKnown = false
      this.#parts.log(`containments and approvals cannot be shown in kubectl: ${messageOf(error)}`)
    } finally {
      this.#isLooking = false
    }
  }

  async #find(): Promise<void> {
    this.#known.clear()
    const { kubernetes, namespace } = this.#parts
    for (const kind of viewKinds)
      for (const object of await kubernetes().list({ apiVersion, kind, namespace }))
        this.#known.set(`${kind}/${object.metadata.name}`, { object, status: '' })
    this.#isKnown = true
  }

  async #wanted(): Promise<readonly View[]> {
    const { containments, approvals } = this.#parts
    return [
      ...(await containments()).slice(0, atMost).map(containmentView),
      ...(await approvals()).slice(0, atMost).map(approvalView),
    ]
  }

  async #show(view: View): Promise<void> {
    const { kubernetes } = this.#parts
    const key = keyOf(view)
    const status = JSON.stringify(view.status)
    const known = this.#known.get(key)
    if (known?.status === status) return
    const object = known?.object ?? (await this.#create(view))
    if (object === null) {
      this.#isKnown = false
      return
    }
    await kubernetes().patch(
      referenceOf(object),
      [{ op: 'add', path: '/status', value: view.status }],
      { subresource: 'status' },
    )
    this.#known.set(key, { object, status })
  }

  #create({ kind, name, spec }: View): Promise<KubernetesObject | null> {
    const { kubernetes, namespace } = this.#parts
    const labels = { 'app.kubernetes.io/managed-by': 'riposte' }
    return kubernetes().create({ apiVersion, kind, metadata: { name, namespace, labels }, spec })
  }

  async #remove(key: string, object: KubernetesObject): Promise<void> {
    await this.#parts.kubernetes().delete(referenceOf(object))
    this.#known.delete(key)
  }
}

const keyOf = ({ kind, name }: View) => `${kind}/${name}`

const referenceOf = ({ kind, metadata }: KubernetesObject) => ({
  apiVersion,
  kind,
  namespace: metadata.namespace ?? null,
  name: metadata.name,
  uid: metadata.uid,
})

const time = (ms: number) => new Date(ms).toISOString()

const containmentView = (containment: Containment): View => ({
  kind: 'Containment',
  name: containment.id,
  spec: {
    action: containment.action,
    target: containment.target.name,
    policy: containment.policy,
    case: containment.caseId,
    detail: containment.detail,
  },
  status: {
    state: containment.status,
    since: time(containment.startedMs),
    ...(containment.expiresMs === null ? {} : { expires: time(containment.expiresMs) }),
    onExpiry: containment.onExpiry,
  },
})

const approvalView = (approval: Approval): View => ({
  kind: 'Approval',
  name: approval.id,
  spec: {
    action: approval.action,
    target: approval.targetName,
    policy: approval.policy,
    case: approval.caseId,
    detail: approval.detail,
  },
  status: {
    state: approval.status,
    votes: `${approval.votes.filter(({ choice }) => choice === 'approve').length}/${approval.terms.quorum}`,
    from: approval.terms.from,
    expires: time(approval.expiresMs),
  },
})
