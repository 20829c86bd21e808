/** The pod's labels and the note about them, in one write. */
import type { KubernetesObject, PatchOperation } from '../kubernetes/kubernetes.ts'
import { entriesOf, entriesPatch } from '../kubernetes/map-patch.ts'
import { noNote, priorNote } from '../kubernetes/prior-state.ts'
import type { Relabelling } from './effect.ts'

const name = 'isolate_pod'

export const labelsOf = (pod: KubernetesObject, { wanted }: Relabelling) =>
  entriesOf(pod, 'labels', Object.keys(wanted))

export const relabelPatch = (
  pod: KubernetesObject,
  step: string,
  relabelling: Relabelling,
): readonly PatchOperation[] => [
  ...entriesPatch(pod, 'labels', relabelling.wanted),
  ...entriesPatch(pod, 'annotations', priorNote(pod, name, step, relabelling)),
]

export const relabelBackPatch = (
  pod: KubernetesObject,
  step: string,
  { prior }: Relabelling,
): readonly PatchOperation[] => [
  ...entriesPatch(pod, 'labels', prior),
  ...entriesPatch(pod, 'annotations', noNote(name, step)),
]
