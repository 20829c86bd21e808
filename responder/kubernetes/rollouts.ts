/** What a rollout is read by: whether a change of the template has any effect, and whether the controller has seen it. */
import { z } from 'zod'
import { ActionRefused } from '../actions/errors.ts'
import type { KubernetesObject } from './kubernetes.ts'
import { nameOf } from './objects.ts'

export const rolledOut = ['Deployment', 'StatefulSet', 'DaemonSet']
export const templatePath = '/spec/template'

const rolloutSchema = z.looseObject({
  spec: z.looseObject({
    paused: z.boolean().default(false),
    updateStrategy: z.looseObject({ type: z.string().default('') }).prefault({}),
    template: z.looseObject({
      metadata: z
        .looseObject({ annotations: z.record(z.string(), z.string()).default({}) })
        .prefault({}),
    }),
  }),
  status: z.looseObject({ observedGeneration: z.int().default(0) }).prefault({}),
})

/** Throws ActionRefused where pods would stay as they are. */
export function refuseStanding(object: KubernetesObject): void {
  const { paused, updateStrategy } = rolloutSchema.parse(object).spec
  const name = nameOf({ ...object.metadata, kind: object.kind })
  if (paused) throw new ActionRefused(`${name} is paused: its pods would stay as they are`)
  if (updateStrategy.type === 'OnDelete')
    throw new ActionRefused(`${name} has updateStrategy OnDelete: its pods would stay as they are`)
}

export const templateAnnotations = (object: KubernetesObject): Readonly<Record<string, string>> =>
  rolloutSchema.parse(object).spec.template.metadata.annotations

export const isObserved = (object: KubernetesObject): boolean =>
  rolloutSchema.parse(object).status.observedGeneration >= (object.metadata.generation ?? 0)
