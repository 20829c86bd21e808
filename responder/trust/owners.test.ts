import { expect, test } from '@jest/globals'
import type { Owner } from '../../contract/kubernetes.ts'
import { provenOwners } from './owners.ts'

const owner = (apiVersion: string, kind: string, name: string): Owner => ({
  apiVersion,
  kind,
  name,
  uid: null,
})
const replicaSet = owner('apps/v1', 'ReplicaSet', 'web-5d')
const deployment = owner('apps/v1', 'Deployment', 'web')

test('a Deployment is proven by the hash that ends the name of its ReplicaSet', () => {
  const named = [replicaSet, deployment]
  const labels = { 'pod-template-hash': '5d' }
  expect(provenOwners(named, { controller: replicaSet, labels, createdMs: 0 })).toEqual(named)
  for (const other of [{ 'pod-template-hash': '6e' }, {}])
    expect(provenOwners(named, { controller: replicaSet, labels: other, createdMs: 0 })).toEqual([
      replicaSet,
    ])
})

test('a pod that nothing controls has no owner, whatever its node names', () => {
  expect(
    provenOwners([replicaSet, deployment], { controller: null, labels: {}, createdMs: 0 }),
  ).toEqual([])
})
