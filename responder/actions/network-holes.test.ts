import { expect, test } from '@jest/globals'
import { noKubernetes } from '../kubernetes/absent.ts'
import type { Kubernetes, KubernetesObject } from '../kubernetes/kubernetes.ts'
import { allowSchema, resolveHoles } from './network-holes.ts'

const pod = (...ips: string[]): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', uid: 'u', resourceVersion: '1', creationTimestamp: null },
  status: { podIPs: ips.map((ip) => ({ ip })) },
})
const clusterOf = (...pods: KubernetesObject[]): Kubernetes => ({
  ...noKubernetes,
  own: { namespace: 'riposte', labels: { app: 'riposte' } },
  list: ({ namespace }, selectors) =>
    Promise.resolve(namespace === 'riposte' && selectors?.labels === 'app=riposte' ? pods : []),
})

test('dns is port 53 anywhere, an address is itself, and neither needs a cluster', async () => {
  expect(await resolveHoles(['dns', '10.0.0.0/8'], [], noKubernetes)).toEqual({
    allow: ['10.0.0.0/8'],
    allowPorts: [{ port: 53, protocol: 'any', to: [] }],
  })
})

test('responders are the addresses that the pods of Riposte have now', async () => {
  const cluster = clusterOf(pod('10.1.0.4', 'fd00::4'), pod('10.1.1.9'), pod())
  const { allow } = await resolveHoles(['responders'], [], cluster)
  expect(allow).toEqual(['10.1.0.4', 'fd00::4', '10.1.1.9'])
})

test('a name that stands for nothing here is refused, and no hole is left out in silence', async () => {
  await expect(resolveHoles(['responders'], [], noKubernetes)).rejects.toMatchObject({
    code: 'refused',
  })
  await expect(resolveHoles(['responders'], [], clusterOf())).rejects.toMatchObject({
    code: 'refused',
    message: 'no pod of riposte with app=riposte has an address',
  })
  expect(allowSchema.safeParse(['dsn']).success).toBe(false)
})
