/** What the API server says of pods that nodes speak of: where they run, and what they belong to. */
import { z } from 'zod'
import { ownerSchema, type Owner, type Pod } from '../../contract/kubernetes.ts'
import { TargetGone } from '../actions/errors.ts'
import type { Kubernetes } from '../kubernetes/kubernetes.ts'
import { Patience } from './patience.ts'

/** A pod as the API server has it. */
export interface KnownPod extends Omit<Pod, 'owners'> {
  readonly node: string
  /** What controls it; null: nothing. */
  readonly controller: Owner | null
  readonly createdMs: number
  readonly readMs: number
}

/** gone: no such pod, or another one by that name · unknown: the API server cannot be asked now. */
export type Found = KnownPod | 'gone' | 'unknown'

/** The API server, for one question. */
type Ask = (signal: AbortSignal) => Pick<Kubernetes, 'get'>

type Asked = Pick<Pod, 'uid' | 'namespace' | 'name'>

/** Labels change; where a pod runs does not. */
const freshMs = 60_000
const goneMs = 5000
const mostKept = 20_000
const askMs = 2000
const staticPodUid = 'kubernetes.io/config.hash'
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

export class Pods {
  readonly #kubernetes: Ask
  readonly #nowMs: () => number
  readonly #found = new Map<
    string,
    { readonly found: KnownPod | 'gone'; readonly readMs: number }
  >()
  readonly #running = new Map<string, Promise<Found>>()
  readonly #patience: Patience

  constructor(kubernetes: Ask, nowMs: () => number) {
    this.#kubernetes = kubernetes
    this.#nowMs = nowMs
    this.#patience = new Patience(nowMs)
  }

  async find(asked: Asked): Promise<Found> {
    const key = `${asked.uid} ${asked.namespace}/${asked.name}`
    const kept = this.#found.get(key)
    const age = kept === undefined ? Infinity : this.#nowMs() - kept.readMs
    if (kept !== undefined && age < (kept.found === 'gone' ? goneMs : freshMs)) return kept.found
    const found = await this.#findOnce(key, asked)
    // What was seen alive stays known when it is gone or nobody answers: a workload is answered for after its pod.
    return typeof found === 'string' && kept !== undefined && kept.found !== 'gone'
      ? kept.found
      : found
  }

  degraded(): readonly string[] {
    const why = this.#patience.why()
    return why === null
      ? []
      : [`the API server says nothing of pods (${why}): alerts are taken, without their workloads`]
  }

  #findOnce(key: string, asked: Asked): Promise<Found> {
    const running = this.#running.get(key)
    if (running !== undefined) return running
    const started = this.#ask(key, asked).finally(() => this.#running.delete(key))
    this.#running.set(key, started)
    return started
  }

  async #ask(key: string, asked: Asked): Promise<Found> {
    const asking = await this.#patience.ask(() => this.#read(asked))
    if (asking === undefined) return 'unknown'
    const { answer: found } = asking
    if (found !== 'gone' || !this.#found.has(key)) this.#keep(key, found)
    return found
  }

  async #read({ uid, namespace, name }: Asked): Promise<KnownPod | 'gone'> {
    const reference = { apiVersion: 'v1', kind: 'Pod', namespace, name, uid: null }
    try {
      const object = await this.#kubernetes(AbortSignal.timeout(askMs)).get(reference)
      const pod = podSchema.parse(object)
      // The kubelet's own name for a static pod, whose object in the API is a copy with another UID.
      const uids = [pod.metadata.uid, pod.metadata.annotations[staticPodUid]]
      return uids.includes(uid) ? knownPod({ uid, namespace, name }, pod, this.#nowMs()) : 'gone'
    } catch (error) {
      if (error instanceof TargetGone) return 'gone'
      throw error
    }
  }

  #keep(key: string, found: KnownPod | 'gone'): void {
    this.#found.delete(key)
    this.#found.set(key, { found, readMs: this.#nowMs() })
    const [oldest] = this.#found.keys()
    if (this.#found.size > mostKept && oldest !== undefined) this.#found.delete(oldest)
  }
}

const names = z.record(z.string(), z.string()).default({})
const podSchema = z.object({
  metadata: z.object({
    uid: z.string(),
    labels: names,
    annotations: names,
    creationTimestamp: z.string().default(''),
    ownerReferences: z
      .array(ownerSchema.extend({ controller: z.boolean().default(false) }).loose())
      .default([]),
  }),
  spec: z.object({
    nodeName: z.string().default(''),
    serviceAccountName: z.string().default('default'),
    priorityClassName: z.string().nullable().default(null),
    hostNetwork: z.boolean().default(false),
  }),
})

function knownPod(
  asked: Asked,
  { metadata, spec }: z.infer<typeof podSchema>,
  readMs: number,
): KnownPod {
  const { [lastApplied]: _, ...annotations } = metadata.annotations
  const controller = metadata.ownerReferences.find((owner) => owner.controller)
  return {
    ...asked,
    node: spec.nodeName,
    serviceAccount: spec.serviceAccountName,
    priorityClass: spec.priorityClassName,
    isHostNetwork: spec.hostNetwork,
    labels: metadata.labels,
    annotations,
    controller: controller === undefined ? null : plainOwner(controller),
    createdMs: Date.parse(metadata.creationTimestamp),
    readMs,
  }
}

const plainOwner = ({ apiVersion, kind, name, uid }: Owner): Owner => ({
  apiVersion,
  kind,
  name,
  uid,
})
