import { expect, test } from '@jest/globals'
import { TargetGone } from '../actions/errors.ts'
import { podAlert, sampleAlert } from '../policy/alert.sample.ts'
import { targetFor } from '../policy/target.ts'
import type { KubernetesObject, ObjectReference } from './kubernetes.ts'
import { controllersOf, referenceOf, workloadOf } from './references.ts'

const referenceFor = (kind: 'pod' | 'workload' | 'node' | 'object', alert = podAlert()) => {
  const target = targetFor(kind, alert)
  if (target === undefined) throw new Error(`no ${kind}`)
  return referenceOf(target, alert)
}

test('pod, workload and node of an alert are named as the API names them', () => {
  const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web-0', uid: 'pod-uid' }
  expect(referenceFor('pod')).toEqual(pod)
  const workload = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' }
  expect(referenceFor('workload')).toEqual({ ...workload, uid: null })
  const node = { apiVersion: 'v1', kind: 'Node', namespace: null, name: 'node-a', uid: null }
  expect(referenceFor('node')).toEqual(node)
})

test('the object of an audit alert is named by its kind, one that no table holds is refused', () => {
  const object = {
    apiGroup: 'rbac.authorization.k8s.io',
    apiVersion: 'v1',
    resource: 'clusterrolebindings',
    subresource: null,
    namespace: null,
    name: 'everybody',
    uid: 'u',
  }
  expect(referenceFor('object', sampleAlert({ process: null, object }))).toEqual({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    namespace: null,
    name: 'everybody',
    uid: 'u',
  })
  const strange = sampleAlert({ process: null, object: { ...object, resource: 'strangers' } })
  expect(() => referenceFor('object', strange)).toThrow('no object of Kubernetes')
})

const objectOf = (
  apiVersion: string,
  kind: string,
  name: string,
  owner?: KubernetesObject,
): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: {
    name,
    namespace: 'shop',
    uid: `${name}-uid`,
    resourceVersion: '1',
    creationTimestamp: null,
    ...(owner === undefined
      ? {}
      : {
          ownerReferences: [
            {
              apiVersion: owner.apiVersion,
              kind: owner.kind,
              name: owner.metadata.name,
              uid: owner.metadata.uid,
              controller: true,
            },
          ],
        }),
  },
})

const holding = (...objects: readonly KubernetesObject[]) => ({
  get: ({ kind, name, uid }: ObjectReference) => {
    const found = objects.find((object) => object.kind === kind && object.metadata.name === name)
    return found === undefined || found.metadata.uid !== uid
      ? Promise.reject(new TargetGone(`${kind} ${name} is another`))
      : Promise.resolve(found)
  },
})

test('controllers are walked by UID up to the Deployment', async () => {
  const deployment = objectOf('apps/v1', 'Deployment', 'web')
  const replicas = objectOf('apps/v1', 'ReplicaSet', 'web-5d', deployment)
  const pod = objectOf('v1', 'Pod', 'web-0', replicas)

  const chain = await controllersOf(holding(deployment, replicas), pod)
  expect(chain.map(({ reference }) => reference.kind)).toEqual(['ReplicaSet', 'Deployment'])
  expect((await workloadOf(holding(deployment, replicas), pod))?.object).toBe(deployment)
  const another = { ...deployment, metadata: { ...deployment.metadata, uid: 'new' } }
  await expect(workloadOf(holding(another, replicas), pod)).rejects.toMatchObject({
    code: 'target_gone',
  })
})

test('the chain ends at a controller of another kind, and is empty for a pod of its own', async () => {
  const rollout = objectOf('argoproj.io/v1alpha1', 'Rollout', 'web')
  const replicas = objectOf('apps/v1', 'ReplicaSet', 'web-5d', rollout)
  const pod = objectOf('v1', 'Pod', 'web-0', replicas)

  const last = await workloadOf(holding(replicas), pod)
  expect(last).toMatchObject({ reference: { kind: 'Rollout', uid: 'web-uid' }, object: null })
  expect(await workloadOf(holding(), objectOf('v1', 'Pod', 'alone'))).toBeUndefined()
})
