/** ka.req.pod.* and ka.req.volume.*: the pod that a request would write, but for its containers. */
import type { AuditEvent } from '../../events/audit-event.ts'
import { type AuditField, indexedList, keyed, listAt, textAt } from './row.ts'
import { at, gather, isList, present, requestSpec } from './walk.ts'

const flag = (name: string, help: string, key: string) =>
  textAt(name, help, 'requestObject', 'spec', key)

const securityContext = (name: string, help: string, key: string) =>
  textAt(name, help, 'requestObject', 'spec', 'securityContext', key)

const volumes = (event: AuditEvent, path: readonly string[], index?: number) =>
  present(gather(at(requestSpec(event), 'volumes'), path, index))

const ofVolumes = (name: string, help: string, ...path: readonly string[]) =>
  indexedList(name, help, (event, index) => volumes(event, path, index))

export const podFields: readonly AuditField[] = [
  flag('ka.req.pod.host_ipc', "hostIPC of a pod: the node's own IPC namespace", 'hostIPC'),
  flag('ka.req.pod.host_network', "hostNetwork of a pod: the node's own network", 'hostNetwork'),
  flag('ka.req.container.host_network', 'old name of ka.req.pod.host_network', 'hostNetwork'),
  flag('ka.req.pod.host_pid', "hostPID of a pod: the node's own processes", 'hostPID'),
  securityContext('ka.req.pod.run_as_user', "user id of the pod's security context", 'runAsUser'),
  securityContext(
    'ka.req.pod.run_as_group',
    "group id of the pod's security context",
    'runAsGroup',
  ),
  securityContext('ka.req.pod.fs_group', "group id of the pod's volumes", 'fsGroup'),
  listAt(
    'ka.req.pod.supplemental_groups',
    "further group ids of the pod's security context",
    'requestObject',
    'spec',
    'securityContext',
    'supplementalGroups',
  ),
  ofVolumes('ka.req.pod.volumes.hostpath', "the node's paths that it mounts", 'hostPath', 'path'),
  ofVolumes(
    'ka.req.pod.volumes.flexvolume_driver',
    'drivers of its flexVolumes',
    'flexVolume',
    'driver',
  ),
  indexedList('ka.req.pod.volumes.volume_type', 'types of its volumes', (event, index) => {
    const found = gather(requestSpec(event), ['volumes'], undefined).flatMap((all) =>
      isList(all) ? all : [],
    )
    const chosen = index === undefined ? found : found.slice(index, index + 1)
    return chosen.flatMap((volume) =>
      typeof volume === 'object' && volume !== null
        ? Object.keys(volume).filter((key) => key !== 'name')
        : [],
    )
  }),
  keyed(
    'ka.req.volume.hostpath',
    "true if it mounts the node's path in brackets (or one that begins so, with * at its end)",
    (event, path) => {
      if (at(requestSpec(event), 'volumes') === undefined) return undefined
      const isIt = path.endsWith('*')
        ? (mounted: string) => mounted.startsWith(path.slice(0, -1))
        : (mounted: string) => mounted === path
      return String(volumes(event, ['hostPath', 'path']).some(isIt))
    },
  ),
]
