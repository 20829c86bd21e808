/** For tests of the engine alone: a table of the stock rules' fields whose values come from a plain record. */
import {
  type Arity,
  fieldText,
  type FieldType,
  type FieldValue,
} from '../../contract/condition/values.ts'
import { createEvent, type Event } from '../events/event.ts'
import type { EventView } from '../events/view.ts'
import type { Field, FieldTable } from '../fields/index.ts'
import { createState } from '../state/state.ts'
import type { RuleSource } from './rule-source.ts'

/** Field text → value; what is not there is missing. */
export type Values = Readonly<Record<string, FieldValue>>

/** `type` or `type:values`, then the fields; a trailing `[]` says that an argument may follow. */
const rows: readonly (readonly [string, string])[] = [
  ['string', `evt.type evt.dir evt.res evt.args evt.arg.cmd evt.arg.domain evt.arg.fd evt.arg.filename evt.arg.flags evt.arg.linkpath
    evt.arg.mode evt.arg.name evt.arg.newpath evt.arg.oldpath evt.arg.path evt.arg.request evt.arg.target evt.arg.uid
    fd.directory fd.filename fd.l4proto fd.name fd.nameraw fd.sockfamily fd.type fd.typechar fd.cip.name fd.lip.name
    fd.rip.name fd.sip.name proc.args proc.cmdline proc.cwd proc.env proc.exe proc.exepath proc.name proc.pcmdline
    proc.pexe proc.pexepath proc.pname proc.sname thread.cap_effective thread.cap_permitted user.loginname user.name
    group.name container.id container.name container.image container.image.repository container.image.tag
    container.mount.dest[] container.mounts container.info k8s.ns.name k8s.pod.name syscall.type
    jevt.obj jevt.value[] ka.auth.decision ka.auth.reason ka.req.configmap.name ka.req.configmap.obj ka.resp.name
    ka.response.code ka.response.reason ka.target.name ka.target.namespace ka.target.resource ka.target.subresource
    ka.uri ka.uri.param[] ka.user.name ka.verb ka.req.binding.role ka.req.service.type`],
  ['string:any', 'proc.aname[] proc.aexe[] proc.aexepath[] proc.acmdline[]'],
  ['string:list', `proc.cmdargs ka.req.binding.subjects ka.req.pod.containers.image[] ka.req.pod.containers.image.repository[]
    ka.req.pod.containers.privileged[] ka.req.pod.ephemeralContainers.image[] ka.req.pod.ephemeralContainers.privileged[]
    ka.req.pod.initContainers.image[] ka.req.pod.initContainers.privileged[] ka.req.pod.volumes.hostpath[]
    ka.req.role.rules ka.req.role.rules.resources[] ka.req.role.rules.verbs[] ka.req.service.ports`],
  ['string', 'ka.req.pod.host_ipc ka.req.pod.host_network ka.req.pod.host_pid'],
  ['uint', 'evt.num user.uid group.gid proc.tty'],
  ['int', 'evt.rawres user.loginuid proc.vpid proc.pid proc.ppid'],
  ['fd', 'fd.num'],
  ['bool', `evt.is_open_exec evt.is_open_read evt.is_open_write fd.connected fd.name_changed proc.is_exe_from_memfd
    proc.is_exe_upper_layer proc.is_vpgid_leader container.privileged`],
  ['bytes', 'evt.buffer'],
  ['ip:endpoints', 'fd.ip'],
  ['net:endpoints', 'fd.net'],
  ['port:endpoints', 'fd.port'],
  ['ip', 'fd.cip fd.sip fd.rip fd.lip'],
  ['net', 'fd.cnet fd.snet fd.rnet fd.lnet'],
  ['port', 'fd.cport fd.sport fd.rport fd.lport'],
  ['reltime', 'proc.duration proc.exe_ino.ctime_duration_proc_start'],
  ['abstime', 'evt.time evt.rawtime jevt.rawtime container.start_ts proc.exe_ino.ctime proc.exe_ino.mtime'],
] // prettier-ignore

const families: readonly FieldType[] = [
  'string', 'uint', 'int', 'fd', 'bool', 'bytes', 'ip', 'net', 'port', 'reltime', 'abstime',
] // prettier-ignore
const arities: readonly Arity[] = ['one', 'list', 'any', 'endpoints']

export const fixtureFields: readonly Field[] = rows.flatMap(([kind, names]) => {
  const [typeName, arity] = kind.split(':')
  const type = families.find((known) => known === typeName) ?? 'string'
  const values = arities.find((known) => known === arity) ?? 'one'
  return names.split(/\s+/).map((word) => newField(word, type, values))
})

function newField(word: string, type: FieldType, values: Arity): Field {
  const name = word.replace('[]', '')
  return {
    name, type, values, help: '', argument: word.endsWith('[]') ? 'optional' : 'none',
    isFilterOnly: ['fd.ip', 'fd.net', 'fd.port'].includes(name),
    isPlain: values === 'any' || values === 'endpoints',
    isDeprecated: false,
    source: name.startsWith('ka.') ? 'k8s_audit' : 'any',
    bind: () => () => undefined,
  } // prettier-ignore
}

export interface Fixture {
  readonly table: FieldTable
  /** Both sources on that table, each with its own fields of it. */
  readonly sources: readonly RuleSource<Event>[]
  /** Values in the order in which their fields were bound; after loading. */
  readonly arrange: (values: Values) => readonly FieldValue[]
  /** What the fields read from now on, whatever the event. */
  readonly show: (arranged: readonly FieldValue[]) => void
}

export function newFixture(): Fixture {
  const known = new Map(fixtureFields.map((field) => [field.name, field]))
  const slots = new Map<string, number>()
  let shown: readonly FieldValue[] = []
  const slotOf = (text: string): number => {
    const slot = slots.get(text) ?? slots.size
    slots.set(text, slot)
    return slot
  }
  const table: FieldTable = {
    fields: fixtureFields,
    find(name, argument) {
      const field = known.get(name)
      if (field === undefined) return { problem: 'no such field' }
      if (argument !== undefined && field.argument === 'none')
        return { problem: `${name} takes no argument` }
      const text = fieldText(name, argument)
      const isOne = field.values === 'any' && argument !== undefined
      const slot = slotOf(text)
      const values = isOne ? 'one' : field.values
      return { field: { ...field, values }, text, argument, read: () => shown[slot] }
    },
  }
  return {
    table,
    sources: [part(table, 'syscall'), part(table, 'k8s_audit')],
    arrange: (values) => Array.from(slots.keys(), (text) => values[text]),
    show: (arranged) => {
      shown = arranged
    },
  }
}

function part(table: FieldTable, name: string): RuleSource<Event> {
  const isOwn = ({ source }: Field) => source === 'any' || source === name
  const find: FieldTable['find'] = (field, argument) => {
    const use = table.find(field, argument)
    return 'problem' in use || isOwn(use.field) ? use : { problem: 'no such field' }
  }
  return { name, fields: { fields: table.fields.filter(isOwn), find }, eventNames: [] }
}

/** No field of the fixture asks for the state. */
const view: EventView = {
  eventId: 0, flags: 0, pid: 1, tid: 1, parentPid: 0, userId: 0, cpu: 0, timeNs: 0n, cgroupId: 0n, startTimeNs: 0n,
  strikes: 0n, int: () => undefined, bigint: () => undefined, text: () => undefined, list: () => undefined,
  bytes: () => undefined, socket: () => undefined, isTruncated: () => false, byteLength: 0, keep: () => view,
} // prettier-ignore

/** An event of an id; its fields read what the fixture shows. */
export const newEvent = (id: number): Event => ({ ...createEvent(view, state), id })

const state = createState({ lookUpsPerSecond: 0 })
