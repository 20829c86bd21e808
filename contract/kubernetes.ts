/** Where a process runs and what an audit event is about, as Kubernetes names things. All of it is data from outside. */
import { z } from 'zod'

const names = z.record(z.string(), z.string())

/** One link of the chain of controllers. `uid` is null where only the name is known (a Deployment, from its ReplicaSet). */
export const ownerSchema = z.strictObject({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string().nullable(),
})
export type Owner = z.infer<typeof ownerSchema>

const dayMs = 24 * 3_600_000

/**
 * The CronJob that made a pod's Job, by how its controller names Jobs: after the minute, since 1970, that they were due.
 * A pod of another day than that minute, and every other number in a name, tells nothing.
 */
export function cronJobOf(job: string, podCreatedMs: number): string | undefined {
  const { name, minutes } = /^(?<name>.+)-(?<minutes>\d{8})$/.exec(job)?.groups ?? {}
  return Math.abs(Number(minutes) * 60_000 - podCreatedMs) < dayMs ? name : undefined
}

/** What the node's own watch and its runtime say of the pod. `owners`: nearest first, the workload last. */
export const podSchema = z.strictObject({
  uid: z.string(),
  namespace: z.string(),
  name: z.string(),
  serviceAccount: z.string(),
  priorityClass: z.string().nullable(),
  isHostNetwork: z.boolean(),
  labels: names,
  annotations: names,
  owners: z.array(ownerSchema),
})
export type Pod = z.infer<typeof podSchema>

/** `id` is the whole id; `image` as it was asked for, `imageDigest` the `sha256:…` that runs. */
export const containerSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  image: z.string(),
  imageDigest: z.string().nullable(),
  /** containerd, cri-o, docker, podman, … */
  runtime: z.string(),
})

/** Who asked the API server for what (audit.k8s.io/v1 Event). */
export const requestSchema = z.strictObject({
  auditId: z.string(),
  verb: z.string(),
  user: z.string(),
  groups: z.array(z.string()),
  /** Whom `user` acted as; null when not. */
  impersonated: z.string().nullable(),
  sourceIps: z.array(z.string()),
  userAgent: z.string(),
})
export type Request = z.infer<typeof requestSchema>

/** The object of an API request. `uid` is null where the event did not carry it. */
export const objectSchema = z.strictObject({
  /** Empty for the core group. */
  apiGroup: z.string(),
  apiVersion: z.string(),
  /** Plural, as in URLs: `pods`, `clusterrolebindings`. */
  resource: z.string(),
  subresource: z.string().nullable(),
  namespace: z.string().nullable(),
  name: z.string().nullable(),
  uid: z.string().nullable(),
})
export type ApiObject = z.infer<typeof objectSchema>
