/** container.* and k8s.* of an alert, from its place: also where the rule's output left them out. */
import type { Place } from '../../contract/alert.ts'
import { splitImage } from '../../contract/image-name.ts'

type Read = (place: Place, argument: string) => string | null | undefined

const fields: Readonly<Record<string, Read>> = {
  'container.id': ({ containerId }) => containerId,
  'container.full_id': ({ container }) => container?.id,
  'container.name': ({ container, containerId }) =>
    containerId === 'host' ? 'host' : container?.name,
  'container.image': ({ container }) => container?.image,
  'container.image.repository': ({ container }) =>
    container && splitImage(container.image).repository,
  'container.image.tag': ({ container }) => container && splitImage(container.image).tag,
  'container.image.digest': ({ container }) => container?.imageDigest,
  'container.type': ({ container, containerId }) =>
    containerId === 'host' ? 'host' : container?.runtime,
  'k8s.ns.name': ({ pod }) => pod?.namespace,
  'k8s.pod.name': ({ pod }) => pod?.name,
  'k8s.pod.uid': ({ pod }) => pod?.uid,
  'k8s.pod.id': ({ pod }) => pod?.uid,
  'k8s.pod.label': ({ pod }, name) =>
    pod !== null && Object.hasOwn(pod.labels, name) ? pod.labels[name] : undefined,
}

export const placeFieldNames = Object.keys(fields)

/** `text` as a condition writes it: `container.name`, `k8s.pod.label[app]`. */
export function readPlaceField(place: Place, text: string): string | undefined {
  const [, name = '', argument = ''] = /^([^[]+)(?:\[(.*)\])?$/s.exec(text) ?? []
  const read = Object.hasOwn(fields, name) ? fields[name] : undefined
  return read?.(place, argument) ?? undefined
}
