/** container.*: which container, from the cgroup; what it is, from its runtime (falco-compat 3.2, container plugin). */
import { globMatcher } from '../../contract/condition/glob.ts'
import type { Mount } from '../state/container.ts'
import { type ContainerRow, asField, factsRow, indexedRow } from './container-row.ts'
import type { Field } from './index.ts'
import { index, processRow, row } from './row.ts'

/** Sorted, without what the kubelet and the CRI put there, as `key:value, key:value`. */
export function shownLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .filter(([name]) => !name.startsWith('annotation.') && !name.startsWith('io.kubernetes.'))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === '' ? name : `${name}:${value}`))
    .join(', ')
}

export const ownValue = (names: Readonly<Record<string, string>>, name: string) =>
  Object.hasOwn(names, name) ? names[name] : undefined

const shownMount = ({ source, destination, mode, isWritable, propagation }: Mount) =>
  [source, destination, mode, String(isWritable), propagation].join(':')

/**
 * By number, or by a glob over the source (`container.mount.source`: over the destination); the first that fits. Where
 * none does it is text, as Falco documents it and as rules ask for it (`not container.mount.dest[/proc*] in ("N/A")`).
 */
const mountRow = (
  name: string,
  help: string,
  key: 'source' | 'destination',
  show: (mount: Mount) => string,
  none = 'N/A',
): ContainerRow =>
  indexedRow(name, `${help}, by number or by ${key} (a glob)`, (argument) => {
    const at = index(argument)
    const fits = globMatcher(argument)
    return ({ mounts }) => {
      const found = at === undefined ? mounts.find((mount) => fits(mount[key])) : mounts[at]
      return found === undefined ? none : show(found)
    }
  })

export const containerRows: readonly ContainerRow[] = [
  factsRow('container.name', 'string', 'name of the container; host outside', ({ name }) => name),
  factsRow('container.image', 'string', 'image as it was asked for', ({ image }) => image),
  factsRow('container.image.id', 'string', 'id of the image, in hex', ({ imageId }) => imageId),
  factsRow(
    'container.image.repository',
    'string',
    'image without its tag',
    ({ imageRepository }) => imageRepository,
  ),
  factsRow('container.image.tag', 'string', 'tag of the image', ({ imageTag }) => imageTag),
  factsRow(
    'container.image.digest',
    'string',
    'digest of the image in its registry, sha256:…',
    ({ imageDigest }) => imageDigest,
  ),
  factsRow(
    'container.type',
    'string',
    'containerd, cri-o, docker, podman; host outside',
    ({ runtime }) => runtime,
  ),
  factsRow(
    'container.privileged',
    'bool',
    'runs with every privilege',
    ({ isPrivileged }) => isPrivileged,
  ),
  factsRow(
    'container.mounts',
    'string',
    'all mounts as source:destination:mode:writable:propagation, with commas',
    ({ mounts }) => mounts.map(shownMount).join(','),
  ),
  mountRow('container.mount', 'a mount as in container.mounts', 'source', shownMount, 'none'),
  mountRow('container.mount.source', 'source of a mount', 'destination', ({ source }) => source),
  mountRow(
    'container.mount.dest',
    'destination of a mount',
    'source',
    ({ destination }) => destination,
  ),
  mountRow('container.mount.mode', 'mode of a mount', 'source', ({ mode }) => mode),
  mountRow('container.mount.rdwr', 'whether a mount is writable', 'source', ({ isWritable }) =>
    String(isWritable),
  ),
  mountRow(
    'container.mount.propagation',
    'propagation of a mount',
    'source',
    ({ propagation }) => propagation,
  ),
  indexedRow(
    'container.label',
    'a label of the container',
    (name) =>
      ({ labels }) =>
        ownValue(labels, name),
  ),
  factsRow('container.labels', 'string', 'all labels, as key:value with commas', ({ labels }) =>
    shownLabels(labels),
  ),
  factsRow('container.ip', 'string', 'its first address', ({ ip }) => ip),
  factsRow(
    'container.cni.json',
    'string',
    'interfaces that CNI made for its pod, as JSON',
    ({ cniResult }) => cniResult,
  ),
  factsRow(
    'container.host_pid',
    'bool',
    'sees the processes of the host',
    ({ isHostPid }) => isHostPid,
  ),
  factsRow(
    'container.host_network',
    'bool',
    'has the network of the host',
    ({ isHostNetwork }) => isHostNetwork,
  ),
  factsRow(
    'container.host_ipc',
    'bool',
    'has the IPC objects of the host',
    ({ isHostIpc }) => isHostIpc,
  ),
]

export const containerFields: readonly Field[] = [
  processRow(
    'container.id',
    'string',
    'first 12 characters of its id; host outside',
    (process) => process.containerId,
  ),
  processRow('container.full_id', 'string', 'the whole id', (process) => {
    if (process.containerId === undefined) return undefined
    return process.fullContainerId === '' ? 'host' : process.fullContainerId
  }),
  ...containerRows.map(asField),
  row(
    'container.start_ts',
    'abstime',
    'when the init of its pid namespace started',
    ({ process, state }) =>
      process?.pidNamespaceStartNs === undefined
        ? undefined
        : state.host.wallTimeNs(process.pidNamespaceStartNs),
  ),
  row('container.duration', 'reltime', 'time since container.start_ts', ({ process, timeNs }) =>
    process?.pidNamespaceStartNs === undefined ? undefined : timeNs - process.pidNamespaceStartNs,
  ),
]
