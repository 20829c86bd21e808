/** k8s.pod.* and k8s.ns.name: the pod that the event's container belongs to, from its runtime or the node's watch. */
import type { Container, ContainerFacts } from '../state/container.ts'
import { type ContainerRow, asField, containerRow, factsRow, indexedRow } from './container-row.ts'
import { ownValue, shownLabels } from './container.ts'
import type { Field } from './index.ts'

/** The watch knows changes that the runtime, which was told once, does not. */
const labelsOf = (container: Container) => container.pod?.labels ?? container.facts?.pod?.labels

/** The kubelet's cgroup path has it before anybody is asked. */
const uidOf = ({ pod, facts, podUid }: Container) => pod?.uid ?? facts?.pod?.uid ?? podUid

const inPod = (read: (facts: ContainerFacts) => string) => (facts: ContainerFacts) =>
  facts.runtime === 'host' || facts.sandboxId !== '' ? read(facts) : undefined

export const podRows: readonly ContainerRow[] = [
  containerRow(
    'k8s.pod.name',
    'name of the pod',
    ({ pod, facts }) => pod?.name ?? facts?.pod?.name,
  ),
  containerRow(
    'k8s.ns.name',
    'namespace of the pod',
    ({ pod, facts }) => pod?.namespace ?? facts?.pod?.namespace,
  ),
  containerRow('k8s.pod.id', 'as k8s.pod.uid', uidOf),
  containerRow('k8s.pod.uid', 'UID of the pod', uidOf),
  factsRow(
    'k8s.pod.sandbox_id',
    'string',
    "first 12 characters of its sandbox's id",
    inPod(({ sandboxId }) => sandboxId.slice(0, 12)),
  ),
  factsRow(
    'k8s.pod.full_sandbox_id',
    'string',
    "its sandbox's whole id",
    inPod(({ sandboxId }) => sandboxId),
  ),
  indexedRow('k8s.pod.label', 'a label of the pod', (name) => (_facts, container) => {
    const labels = container && labelsOf(container)
    return labels === undefined ? undefined : ownValue(labels, name)
  }),
  factsRow(
    'k8s.pod.labels',
    'string',
    'all labels of the pod, as key:value with commas',
    ({ runtime }, container) => {
      const labels = container && labelsOf(container)
      if (labels === undefined) return runtime === 'host' ? '' : undefined
      return shownLabels(labels)
    },
  ),
  factsRow(
    'k8s.pod.ip',
    'string',
    'first address of the pod',
    inPod(({ ip }) => ip),
  ),
  factsRow(
    'k8s.pod.cni.json',
    'string',
    'interfaces that CNI made for the pod, as JSON',
    inPod(({ cniResult }) => cniResult),
  ),
]

export const podFields: readonly Field[] = podRows.map(asField)
