import { expect, test } from '@jest/globals'
import { callOf } from '../../e2e/support/calls.ts'
import { noKubernetes } from '../kubernetes/absent.ts'
import type { KubernetesObject } from '../kubernetes/kubernetes.ts'
import { podAlert } from '../policy/alert.sample.ts'
import { scaleDownDeployment } from './scale-down-deployment.ts'

const reference = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  namespace: 'shop',
  name: 'web',
  uid: 'u',
}
const workload = { reference, values: [], annotations: { was: {}, wanted: {} } }
const effect = { step: 's', from: 3, to: 0, workload, scalers: [], isAutoscaled: false }

const seen = (wanted: number, observedGeneration: number, replicas: number): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web',
    namespace: 'shop',
    uid: 'u',
    generation: 2,
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: { replicas: wanted },
  status: { observedGeneration, replicas },
})

/** What verify says of a workload that is seen so, one after the other, and what it did not look at. */
async function verified(...states: KubernetesObject[]) {
  const last = states.at(-1)
  const get = () => Promise.resolve(states.shift() ?? last)
  const kubernetes = Object.assign(Object.create(noKubernetes), { get })
  const call = callOf(scaleDownDeployment, { alert: podAlert(), kubernetes })
  return [await scaleDownDeployment.verify?.(call, effect), states.length]
}

test('a workload is down once its controller has seen the change and its pods are gone', async () => {
  expect(await verified(seen(0, 1, 0), seen(0, 2, 3), seen(0, 2, 0))).toEqual([true, 0])
})

test('a workload that somebody scales up meanwhile is not down', async () => {
  expect(await verified(seen(0, 2, 3), seen(2, 2, 0))).toEqual([false, 0])
})
