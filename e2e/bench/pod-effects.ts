/** When what an action did to a pod can be seen by somebody else: on watches of the bench's own. */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { fromKubeconfig } from '../../detector/containers/kubernetes/access.ts'
import { Api as WatchApi } from '../../detector/containers/kubernetes/api.ts'
import type { Api } from '../cluster/api.ts'
import { podOf } from '../support/kubernetes.ts'

export const markLabel = 'bench.riposte.dev/mark'
const isolatedLabel = 'riposte.dev/isolated'

export const effectNames = ['label', 'isolate', 'delete'] as const
export type EffectName = (typeof effectNames)[number]

export interface BenchPod {
  readonly name: string
  readonly uid: string
}

const eventSchema = z.object({
  type: z.string(),
  object: z.looseObject({
    kind: z.string(),
    metadata: z.looseObject({
      uid: z.string().default(''),
      labels: z.record(z.string(), z.string()).default({}),
      ownerReferences: z.array(z.looseObject({ uid: z.string() })).default([]),
    }),
  }),
})

export const now = () => performance.timeOrigin + performance.now()

export class Effects implements AsyncDisposable {
  readonly #seen = new Map<string, number>()
  readonly #stopping = new AbortController()
  readonly #api: WatchApi
  #running: Promise<unknown> = Promise.resolve()
  #onSeen: () => void = () => undefined

  constructor(kubeconfig: string) {
    this.#api = new WatchApi(fromKubeconfig(kubeconfig))
  }

  /** Resolves when the API server has agreed to both watches. */
  async start(): Promise<void> {
    const opened = ['/api/v1/pods', '/apis/networking.k8s.io/v1/networkpolicies'].map((path) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const running = this.#api.watch(`${path}?watch=1`, this.#stopping.signal, {
        onOpen: resolve,
        onObject: (object) => this.#take(eventSchema.parse(object)),
      })
      this.#running = Promise.allSettled([this.#running, running])
      return promise
    })
    await Promise.all(opened)
  }

  #take({ type, object: { kind, metadata } }: z.infer<typeof eventSchema>): void {
    const { uid, labels, ownerReferences } = metadata
    if (kind === 'NetworkPolicy') this.#note('policy', ownerReferences[0]?.uid ?? '')
    else if (type === 'DELETED') this.#note('delete', uid)
    else {
      if (markLabel in labels) this.#note('label', uid)
      if (isolatedLabel in labels) this.#note('relabelled', uid)
    }
  }

  #note(what: string, uid: string): void {
    const key = `${what} ${uid}`
    if (this.#seen.has(key)) return
    this.#seen.set(key, now())
    this.#onSeen()
  }

  /** In milliseconds of the epoch; undefined while it cannot be seen. An isolation is its policy and its label. */
  seenMs(effect: EffectName, { uid }: BenchPod): number | undefined {
    if (effect !== 'isolate') return this.#seen.get(`${effect} ${uid}`)
    const [policy, label] = [this.#seen.get(`policy ${uid}`), this.#seen.get(`relabelled ${uid}`)]
    return policy === undefined || label === undefined ? undefined : Math.max(policy, label)
  }

  /** Throws when not all can be seen in time: a figure of those that were would be a lie. */
  async until(effect: EffectName, pods: readonly BenchPod[], withinMs: number): Promise<void> {
    const all = Promise.withResolvers<void>()
    const left = new Set(pods)
    this.#onSeen = () => {
      for (const pod of left) {
        if (this.seenMs(effect, pod) === undefined) break
        left.delete(pod)
      }
      if (left.size === 0) all.resolve()
    }
    this.#onSeen()
    const waiting = new AbortController()
    await Promise.race([
      all.promise,
      sleep(withinMs, undefined, { signal: waiting.signal, ref: false }).catch(() => undefined),
    ])
    waiting.abort()
    this.#onSeen = () => undefined
    const missing = pods.filter((pod) => this.seenMs(effect, pod) === undefined).length
    if (missing > 0)
      throw new Error(`${effect}: ${missing} of ${pods.length} not seen in ${withinMs} ms`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    this.#api.close()
    await this.#running
  }
}

/** Pods that no scheduler takes. */
export async function makePods(api: Api, count: number): Promise<readonly BenchPod[]> {
  const pods: BenchPod[] = []
  const make = async (name: string) => {
    const path = '/api/v1/namespaces/default/pods'
    const { metadata } = await api.request<{ metadata: { uid: string } }>('POST', path, podOf(name))
    pods.push({ name, uid: metadata.uid })
  }
  const names = Array.from({ length: count }, (_, index) => `bench-${index}`)
  for (let start = 0; start < count; start += 20)
    await Promise.all(names.slice(start, start + 20).map(make))
  return pods
}
