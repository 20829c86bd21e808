import { expect, test } from '@jest/globals'
import type { Alert } from '../../contract/alert.ts'
import { parseAlertCondition } from './alert-condition.ts'
import { podAlert, sampleAlert } from './alert.sample.ts'

function holds(text: string, alert: Alert = inPod()) {
  const condition = parseAlertCondition(text)
  if ('problem' in condition) throw new Error(condition.problem)
  return condition.holds(alert)
}

const inPod = () => {
  const alert = podAlert()
  const { place } = alert
  if (place === null) throw new Error('no place')
  const id = 'a'.repeat(64)
  const container = {
    id,
    name: 'nginx',
    image: 'registry:5000/web/nginx:1.27',
    imageDigest: 'sha256:b',
    runtime: 'containerd',
  }
  return { ...alert, place: { ...place, container } }
}

test.each([
  'container.name = nginx',
  'container.image = registry:5000/web/nginx:1.27',
  'container.image.repository endswith web/nginx',
  'container.image.tag = 1.27',
  'container.image.digest = sha256:b',
  'container.type = containerd',
  'k8s.ns.name = shop and k8s.pod.name startswith web-',
  'k8s.pod.uid = pod-uid and k8s.pod.id = pod-uid',
  'k8s.pod.label[app] = web and not k8s.pod.label[none] exists',
])('%s holds of an alert in a pod whose output left it out', (text) => {
  expect(holds(text)).toBe(true)
})

test('an alert of the host has a container that is the host, and no pod', () => {
  expect(holds('container.name = host and container.type = host', sampleAlert())).toBe(true)
  expect(holds('k8s.pod.name exists', sampleAlert())).toBe(false)
})
