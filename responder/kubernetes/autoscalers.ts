/** What would set a workload's replicas anew: HorizontalPodAutoscalers, KEDA, GitOps controllers. */
import { z } from 'zod'
import { changeTo, type Change } from './changes.ts'
import type { Kubernetes, KubernetesObject } from './kubernetes.ts'
import type { Entries } from './map-patch.ts'
import { nameOf, referenceTo } from './objects.ts'
import { groupOf } from './resources.ts'

const keda = { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject' } as const
const hpa = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' } as const

/** A change for each autoscaler that would go above `to`, and what is said of it. */
export interface Paused {
  readonly changes: readonly Change[]
  readonly details: readonly string[]
  /** Something else than people may choose fewer replicas than `to`. */
  readonly isAutoscaled: boolean
}

export async function pausesFor(
  kubernetes: Kubernetes,
  workload: KubernetesObject,
  to: number,
): Promise<Paused> {
  const namespace = workload.metadata.namespace ?? null
  const scalers = (await kubernetes.list({ ...hpa, namespace })).filter(
    (scaler) => aims(scaler, workload) && !isKedas(scaler),
  )
  // At no replicas at all an HPA stops by itself (ScalingDisabled), until somebody sets some.
  const capped = to === 0 ? [] : scalers.filter((scaler) => boundsOf(scaler).maxReplicas > to)
  const isKeda = await kubernetes.serves(keda.apiVersion, keda.kind)
  const scaled = isKeda ? await kubernetes.list({ ...keda, namespace }) : []
  const held = scaled.filter((object) => aims(object, workload))
  return {
    changes: [
      ...capped.map((scaler) => capOf(scaler, to)),
      ...held.map((object) => changeTo(object, referenceTo(object), {}, { [pausedKey]: `${to}` })),
    ],
    details: [
      ...capped.map((scaler) => `${shown(scaler)} is capped at ${to}`),
      ...(to === 0 ? scalers.map((scaler) => `${shown(scaler)} pauses by itself at 0`) : []),
      ...held.map((object) => `KEDA's ${shown(object)} is paused at ${to}`),
    ],
    isAutoscaled: scalers.length > 0 || held.length > 0,
  }
}

const pausedKey = 'autoscaling.keda.sh/paused-replicas'

const shown = ({ kind, metadata }: KubernetesObject) => nameOf({ kind, name: metadata.name })

/** KEDA makes an HPA of its own and writes over what others change in it. */
const isKedas = ({ metadata }: KubernetesObject): boolean =>
  (metadata.ownerReferences ?? []).some(({ kind }) => kind === keda.kind)

const aimSchema = z.looseObject({
  spec: z.looseObject({
    scaleTargetRef: z.looseObject({
      apiVersion: z.string().default('apps/v1'),
      kind: z.string().default('Deployment'),
      name: z.string(),
    }),
  }),
})

function aims(scaler: KubernetesObject, { apiVersion, kind, metadata }: KubernetesObject): boolean {
  const parsed = aimSchema.safeParse(scaler)
  if (!parsed.success) return false
  const { scaleTargetRef: aim } = parsed.data.spec
  const isSameGroup = groupOf(aim.apiVersion) === groupOf(apiVersion)
  return isSameGroup && aim.kind === kind && aim.name === metadata.name
}

const boundsSchema = z.looseObject({
  spec: z.looseObject({ minReplicas: z.int().default(1), maxReplicas: z.int() }),
})
const boundsOf = (scaler: KubernetesObject) => boundsSchema.parse(scaler).spec

function capOf(scaler: KubernetesObject, to: number): Change {
  const { minReplicas } = boundsOf(scaler)
  const least = minReplicas > to ? { '/spec/minReplicas': to } : {}
  return changeTo(scaler, referenceTo(scaler), { ...least, '/spec/maxReplicas': to })
}

/** `pause`: annotations that make the owner leave this object alone. */
export interface GitOpsOwner {
  readonly name: string
  readonly pause: Entries | null
}

/** Who keeps this object as a repository says, by what such owners write on it. */
export function gitOpsOwnerOf({ metadata }: KubernetesObject): GitOpsOwner | null {
  const { labels = {}, annotations = {} } = metadata
  const kustomization = labels['kustomize.toolkit.fluxcd.io/name']
  if (kustomization !== undefined)
    return {
      name: `Flux's kustomization ${kustomization}`,
      pause: { 'kustomize.toolkit.fluxcd.io/reconcile': 'disabled' },
    }
  const release = labels['helm.toolkit.fluxcd.io/name']
  if (release !== undefined)
    return {
      name: `Flux's release ${release}`,
      pause: { 'helm.toolkit.fluxcd.io/driftDetection': 'disabled' },
    }
  // Argo CD cannot be paused from the object, only from its Application, which is not ours to change.
  const tracking = annotations['argocd.argoproj.io/tracking-id']?.split(':')[0]
  const application = tracking ?? labels['argocd.argoproj.io/instance']
  return application === undefined ? null : { name: `Argo CD's ${application}`, pause: null }
}
