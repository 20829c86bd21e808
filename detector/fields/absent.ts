/**
 * Fields that Falco has and that no record of ours answers yet: rules that name them load, and they are missing.
 * One line a reason; when a source comes, its fields move to their own group.
 */
import type { Field, FieldType } from './index.ts'
import { indexed, missingRow } from './row.ts'

interface Absent {
  readonly why: string
  readonly type: FieldType
  readonly names: string
  readonly takes?: 'index' | 'list'
  readonly isDeprecated?: boolean
}

const absent: readonly Absent[] = [
  {
    why: "Falco's plugin answers nothing for it either",
    type: 'string',
    isDeprecated: true,
    names: `k8s.rc.name k8s.rc.id k8s.rc.labels k8s.svc.name k8s.svc.id k8s.svc.labels k8s.ns.id k8s.ns.labels
      k8s.rs.name k8s.rs.id k8s.rs.labels k8s.deployment.name k8s.deployment.id k8s.deployment.labels`,
  },
  {
    why: "Falco's plugin answers nothing for it either",
    type: 'string',
    takes: 'index',
    isDeprecated: true,
    names: 'k8s.rc.label k8s.svc.label k8s.ns.label k8s.rs.label k8s.deployment.label',
  },
  {
    why: 'needs the table of descriptors, which the kernel alone has',
    type: 'uint',
    names: 'proc.fdopencount',
  },
  {
    why: 'needs the table of descriptors, which the kernel alone has',
    type: 'double',
    names: 'proc.fdusage',
  },
  {
    why: 'needs the table of descriptors, which the kernel alone has',
    type: 'string',
    names: `proc.stdin.type proc.stdout.type proc.stderr.type proc.stdin.name proc.stdout.name proc.stderr.name`,
  },
  {
    why: 'needs the table of descriptors, which the kernel alone has',
    type: 'string',
    takes: 'list',
    names: 'fd.types fdlist.nums fdlist.names fdlist.cips fdlist.sips fdlist.cports fdlist.sports',
  },
  {
    why: 'threads that come and go are not followed',
    type: 'uint',
    names: 'proc.nthreads proc.nchilds',
  },
  {
    why: 'needs scheduler events, which cost every switch',
    type: 'reltime',
    names: 'thread.exectime thread.totexectime',
  },
  {
    why: 'needs scheduler events, which cost every switch',
    type: 'double',
    names: 'thread.cpu thread.cpu.user thread.cpu.system',
  },
  {
    why: 'for the tables of sysdig only',
    type: 'string',
    names: `evt.outputtime thread.nametid evt.infra.docker.name evt.infra.docker.container.id
      evt.infra.docker.container.name evt.infra.docker.container.image`,
  },
  {
    why: 'for the tables of sysdig only',
    type: 'uint',
    names: `evt.count.procinfo evt.count.threadinfo evt.buflen.in evt.buflen.out evt.buflen.file
      evt.buflen.file.in evt.buflen.file.out evt.buflen.net evt.buflen.net.in evt.buflen.net.out
      thread.vmsize.b thread.vmrss.b util.cnt`,
  },
]

const fieldOf = (name: string, { why, type, takes, isDeprecated = false }: Absent): Field => {
  const help = `missing: ${why}`
  if (takes === 'index') return indexed(name, type, help, () => () => undefined, { isDeprecated })
  if (takes === 'list')
    return indexed(name, type, help, () => () => undefined, { isDeprecated, values: 'list' })
  return missingRow(name, type, help, { isDeprecated })
}

export const absentFields: readonly Field[] = absent.flatMap((group) =>
  group.names.split(/\s+/).map((name) => fieldOf(name, group)),
)
