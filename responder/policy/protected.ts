/** What guard files protect, as the gates ask it. */
import { selects, type LabelSelector } from '../../contract/protected-pods.ts'
import type { ProtectedEntry } from '../gates/gate.ts'
import { protectExecutable } from '../gates/guard.ts'
import { protectNamespace, protectPriorityClass } from '../gates/guard-kubernetes.ts'
import type { Guard } from './policy.ts'

/** Where the system keeps its own programs: a bare name protects nothing elsewhere, as anybody can take a name. */
const systemPath = /^\/(usr\/)?(local\/)?(bin|sbin|lib|libexec)\//

export function protectedBy(guard: Guard): readonly ProtectedEntry[] {
  const { protectedProcesses, protectedPaths } = guard
  return [
    ...guard.protectedNamespaces.map((name) => protectNamespace('guard', name)),
    ...guard.protectedSelectors.map(protectSelector),
    ...guard.protectedPriorityClasses.map((name) => protectPriorityClass('guard', name)),
    ...guard.protectedNodes.map(protectNode),
    ...protectedProcesses.map((entry) =>
      entry.startsWith('/') ? protectExecutable('guard', entry) : protectName(entry),
    ),
    ...protectedPaths.map(protectPath),
  ]
}

const protectName = (name: string): ProtectedEntry => ({
  origin: 'guard',
  name,
  covers: (alert, step) => {
    const path = alert.process?.exePath ?? ''
    return (
      systemPath.test(path) &&
      path.endsWith(`/${name}`) &&
      protectExecutable('guard', path).covers(alert, step)
    )
  },
})

const protectPath = (path: string): ProtectedEntry => ({
  origin: 'guard',
  name: path,
  covers: ({ outputFields, process }, { action, parameters }) => {
    if (action !== 'quarantine_file') return false
    const { path: wanted } = parameters
    const given = typeof wanted === 'string' ? wanted : '%fd.name'
    const field = given.slice(1)
    const file = given.startsWith('%')
      ? (outputFields[field] ?? (field === 'proc.exepath' ? process?.exePath : null))
      : given
    return (
      typeof file === 'string' && (file === path || file.startsWith(`${path.replace(/\/$/, '')}/`))
    )
  },
})

const protectSelector = (selector: LabelSelector): ProtectedEntry => ({
  origin: 'guard',
  name: `pods with ${JSON.stringify(selector.matchLabels)}`,
  covers: ({ place }) => {
    const pod = place?.pod ?? null
    return pod !== null && selects(selector, pod.labels)
  },
})

const protectNode = (name: string): ProtectedEntry => ({
  origin: 'guard',
  name: `node ${name}`,
  covers: (_alert, { target }) => target.kind === 'node' && target.node === name,
})
