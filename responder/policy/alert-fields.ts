/** What a policy's condition can ask of an alert: Falco's names, read from the alert alone. */
import type { Alert } from '../../contract/alert.ts'
import { placeFieldNames, readPlaceField } from './place-fields.ts'

/** The names that alerts can carry, by type. A rule's output decides which of them one alert has. */
const names = {
  string: `evt.type evt.res evt.args evt.source evt.hostname evt.info evt.arg.flags
    proc.name proc.exe proc.exepath proc.args proc.cmdline proc.cwd proc.tty.name proc.env proc.aname proc.aexe
    proc.aexepath proc.acmdline proc.pname proc.pexe proc.pexepath proc.pcmdline proc.sname proc.sid.exe proc.sid.exepath
    fd.name fd.nameraw fd.directory fd.filename fd.type fd.typechar fd.l4proto fd.sockfamily fd.cproto fd.sproto
    fd.sip fd.rip fd.cip fd.lip fd.sip.name fd.cip.name fd.rip.name fd.lip.name fs.path.name fs.path.nameraw
    fs.path.source fs.path.target user.name user.loginname user.shell user.homedir group.name thread.cap_effective
    thread.cap_permitted thread.cap_inheritable
    container.image.id container.mounts container.mount container.mount.source container.mount.dest container.mount.mode
    container.mount.rdwr container.mount.propagation container.label container.labels container.ip container.cni.json
    container.healthcheck container.liveness_probe container.readiness_probe k8s.pod.sandbox_id k8s.pod.full_sandbox_id
    k8s.pod.labels k8s.pod.ip k8s.pod.cni.json
    ka.verb ka.user.name ka.target.name ka.target.namespace ka.target.resource rule.name node.name`,
  int: `evt.num evt.rawres evt.cpu proc.pid proc.ppid proc.vpid proc.pvpid proc.sid proc.vpgid proc.pgid proc.apid
    proc.tty fd.num fd.port fd.sport fd.cport fd.lport fd.rport user.uid user.loginuid group.gid thread.tid thread.vtid`,
  bool: `evt.is_open_read evt.is_open_write evt.is_open_exec evt.failed proc.is_exe_writable proc.is_exe_upper_layer
    proc.is_exe_from_memfd proc.is_sid_leader proc.is_vpgid_leader fd.connected fd.is_server container.privileged
    container.host_pid container.host_network container.host_ipc proc.is_container_healthcheck
    proc.is_container_liveness_probe proc.is_container_readiness_probe`,
} as const

export type AlertFieldType = keyof typeof names

const split = (text: string) => text.trim().split(/\s+/)

export const alertFields: ReadonlyMap<string, AlertFieldType> = new Map([
  ...split(names.string).map((name) => [name, 'string'] as const),
  ...placeFieldNames.map((name) => [name, 'string'] as const),
  ...split(names.int).map((name) => [name, 'int'] as const),
  ...split(names.bool).map((name) => [name, 'bool'] as const),
])

export type AlertValue =
  string | number | boolean | readonly (string | number | boolean)[] | undefined

/** `text` as the condition writes it: `proc.aname[2]`, `fd.name`. What the output left out the alert's identity may know. */
export function readAlertField(alert: Alert, text: string): AlertValue {
  return alert.outputFields[text] ?? identity(alert, text) ?? undefined
}

function identity(
  { process, place, ...alert }: Alert,
  text: string,
): string | number | null | undefined {
  switch (text) {
    case 'rule.name':
      return alert.rule
    case 'node.name':
    case 'evt.hostname':
      return alert.node
    case 'evt.source':
      return alert.source
    case 'proc.name':
      return process?.name
    case 'proc.exepath':
      return process?.exePath
    case 'proc.cmdline':
      return process?.commandLine
    case 'proc.pid':
      return process?.pid
    case 'proc.ppid':
      return process?.parentPid
    case 'proc.sid':
      return process?.sessionId
    case 'user.uid':
      return process?.userId
    default:
      return place === null ? undefined : readPlaceField(place, text)
  }
}
