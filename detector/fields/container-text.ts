/** A field of an output that was missing, read from its container once that is known. */
import type { Container } from '../state/container.ts'
import { containerRows } from './container.ts'
import { podRows } from './pod.ts'
import { probeRows } from './probe.ts'

const byName = new Map([...containerRows, ...podRows, ...probeRows].map((row) => [row.name, row]))

/** `text` as it stands in `output_fields`: `container.name`, `k8s.pod.label[app]`. Undefined for every other field. */
export function readContainerField(
  text: string,
  container: Container,
): string | boolean | undefined {
  const [, name = '', argument = ''] = /^([^[]+)(?:\[(.*)\])?$/s.exec(text) ?? []
  const value = byName.get(name)?.bind(argument)({ containerId: container.id, container })
  if (typeof value === 'string') return value.toWellFormed()
  return typeof value === 'boolean' ? value : undefined
}
