/** ka.req.pod.containers.*, .initContainers.* and .ephemeralContainers.*: the same rows over three lists. */
import type { AuditEvent, Json } from '../../events/audit-event.ts'
import { type AuditField, indexedList, text } from './row.ts'
import { at, gather, isList, present, requestSpec, shown } from './walk.ts'

type ContainerList = 'containers' | 'initContainers' | 'ephemeralContainers'

/** All containers of a list, or the one of an index; undefined where there is none. */
function containers(
  event: AuditEvent,
  name: ContainerList,
  index?: number,
): readonly Json[] | undefined {
  // The request for an ephemeral container may be the pod, or the list alone.
  const found = at(requestSpec(event), name) ?? at(event.document, 'requestObject', name)
  if (!isList(found)) return undefined
  return index === undefined ? found : found.slice(index, index + 1)
}

/** `a/b:tag@digest` → `a/b`; a registry's port is not a tag. */
export const repositoryOf = (image: string): string =>
  (image.split('@', 1)[0] ?? '').replace(/:[^/:]*$/, '')

const words = (value: Json | undefined): readonly string[] =>
  isList(value) ? [present(value).join(' ')] : []

/** When the pod uses the node's network, the container's port is one of the node's. */
const hostPorts = (container: Json) =>
  gather(container, ['ports'], undefined)
    .flatMap((ports) => (isList(ports) ? ports : []))
    .flatMap((port) => shown(at(port, 'hostPort')) ?? shown(at(port, 'containerPort')) ?? [])

/** Of a container, else of its pod, else 0. */
const effective = (key: string) => (container: Json, event: AuditEvent) => [
  shown(at(container, 'securityContext', key)) ??
    shown(at(requestSpec(event), 'securityContext', key)) ??
    '0',
]

type Part = readonly [
  name: string,
  help: string,
  read: (container: Json, event: AuditEvent) => readonly string[],
]

const at1 =
  (...path: readonly string[]) =>
  (container: Json) =>
    present([at(container, ...path)])

const parts: readonly Part[] = [
  ['name', 'names', at1('name')],
  ['image', 'images', at1('image')],
  ['image.repository', 'images without tag and digest', (container) => at1('image')(container).map(repositoryOf)],
  ['command', 'commands, the words of each joined by a blank', (container) => words(at(container, 'command'))],
  ['args', 'arguments, those of each joined by a blank', (container) => words(at(container, 'args'))],
  ['host_port', 'ports on the node (hostPort, else containerPort)', hostPorts],
  ['privileged', 'privileged of each', at1('securityContext', 'privileged')],
  ['allow_privilege_escalation', 'allowPrivilegeEscalation of each', at1('securityContext', 'allowPrivilegeEscalation')],
  ['read_only_fs', 'readOnlyRootFilesystem of each', at1('securityContext', 'readOnlyRootFilesystem')],
  ['run_as_user', 'runAsUser of each', at1('securityContext', 'runAsUser')],
  ['eff_run_as_user', "user id of each: its own, else the pod's, else 0", effective('runAsUser')],
  ['run_as_group', 'runAsGroup of each', at1('securityContext', 'runAsGroup')],
  ['eff_run_as_group', "group id of each: its own, else the pod's, else 0", effective('runAsGroup')],
  ['proc_mount', 'procMount of each', at1('securityContext', 'procMount')],
  ['add_capabilities', 'capabilities that any adds', (container) => {
    const added = at(container, 'securityContext', 'capabilities', 'add')
    return isList(added) ? present(added) : []
  }],
] // prettier-ignore

const rowsOf = (list: ContainerList, label: string): AuditField[] =>
  parts
    // Ephemeral containers have no ports.
    .filter(([name]) => list !== 'ephemeralContainers' || name !== 'host_port')
    .map(([name, help, read]) =>
      indexedList(`ka.req.pod.${list}.${name}`, `${label}: ${help}`, (event, index) =>
        containers(event, list, index)?.flatMap((container) => read(container, event)),
      ),
    )

const first = (event: AuditEvent) => shown(at(containers(event, 'containers', 0)?.[0], 'image'))

const isPrivileged = (container: Json) => at(container, 'securityContext', 'privileged') === true

/** Of rules that were written when only one container counted. */
const oldFields: readonly AuditField[] = [
  text('ka.req.container.image', 'image of the first container', first),
  text('ka.req.container.image.repository', 'the same without tag and digest', (event) => {
    const image = first(event)
    return image === undefined ? undefined : repositoryOf(image)
  }),
  text(
    'ka.req.container.privileged',
    'true if any container is privileged, else false',
    (event) => {
      const all = containers(event, 'containers')
      return all === undefined ? undefined : String(all.some(isPrivileged))
    },
  ),
]

export const containerListFields: readonly AuditField[] = [
  ...rowsOf('containers', 'containers'),
  ...rowsOf('initContainers', 'init containers'),
  ...rowsOf('ephemeralContainers', 'ephemeral containers'),
  ...oldFields,
]
