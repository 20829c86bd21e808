/** A container's own health checks: Falco still has the fields and no longer answers them; here they do. */
import type { Container, Probe } from '../state/container.ts'
import type { Process } from '../state/process.ts'
import { type ContainerRow, asField, factsRow } from './container-row.ts'
import type { Field } from './index.ts'
import { processRow } from './row.ts'

const probesOf = ({ facts, probes }: Container): readonly Probe[] =>
  facts === undefined || facts.probes.length === 0 ? probes : facts.probes

const commandRow = (name: string, kind: Probe['kind']): ContainerRow =>
  factsRow(name, 'string', `command of its ${kind} check`, (_facts, container) => {
    const found = container && probesOf(container).find((probe) => probe.kind === kind)
    return found?.command.join(' ')
  })

/** The runtime starts it, so its parent is not in the container: one that runs the same command inside is none. */
const isProbe = (process: Process, kind: Probe['kind']): boolean =>
  process.container !== undefined &&
  process.parent?.container !== process.container &&
  probesOf(process.container).some(
    ({ kind: of, command: [exe, ...args] }) =>
      of === kind && process.exe === exe && sameList(process.args, args),
  )

const sameList = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((item, at) => item === b[at])

const flagRow = (name: string, kind: Probe['kind']): Field =>
  processRow(name, 'bool', `is its container's ${kind} check`, (process) => isProbe(process, kind))

export const probeRows: readonly ContainerRow[] = [
  commandRow('container.healthcheck', 'health'),
  commandRow('container.liveness_probe', 'liveness'),
  commandRow('container.readiness_probe', 'readiness'),
]

export const probeFields: readonly Field[] = [
  ...probeRows.map(asField),
  flagRow('proc.is_container_healthcheck', 'health'),
  flagRow('proc.is_container_liveness_probe', 'liveness'),
  flagRow('proc.is_container_readiness_probe', 'readiness'),
]
