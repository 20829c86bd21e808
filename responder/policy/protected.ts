/** What guard files protect, as the gates ask it. */
import { protectExecutable, type ProtectedEntry } from '../gates/guard.ts'
import type { Guard } from './policy.ts'

/** Where the system keeps its own programs: a bare name protects nothing elsewhere, as anybody can take a name. */
const systemPath = /^\/(usr\/)?(local\/)?(bin|sbin|lib|libexec)\//

export function protectedBy({
  protectedProcesses,
  protectedPaths,
}: Guard): readonly ProtectedEntry[] {
  return [
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
