import { expect } from '@jest/globals'
import { callOf, planned, undoing } from '../../e2e/support/calls.ts'
import { testSettings } from '../../e2e/support/kubernetes.ts'
import { testCluster } from '../../e2e/support/test-cluster.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import { needs } from '../../scripts/needs.ts'
import type { KubernetesObject } from '../kubernetes/kubernetes.ts'
import { referenceTo } from '../kubernetes/objects.ts'
import { podAlert } from '../policy/alert.sample.ts'
import { revokeServiceAccountTokens as revoke } from './revoke-service-account-tokens.ts'

const test = needs('cluster')
const cluster = testCluster()

const apiVersion = 'rbac.authorization.k8s.io/v1'
const subjectOf = (name: string) => ({ kind: 'ServiceAccount', name, namespace: 'default' })
const right = { verb: 'get', apiGroup: '', resource: 'configmaps', namespace: 'default' } as const

async function bind(name: string, subjects: readonly object[]): Promise<KubernetesObject> {
  const made = await cluster.kubernetes.create({
    apiVersion,
    kind: 'RoleBinding',
    metadata: { name, namespace: 'default' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'thief' },
    subjects,
  })
  if (made === null) throw new Error('there is one')
  return made
}
const subjects = async (binding: KubernetesObject) =>
  (await cluster.kubernetes.get(referenceTo(binding)))['subjects']
const alertAs = (serviceAccount: string) =>
  podAlert({ namespace: 'default', serviceAccount, owners: [] })

test('a stolen token may do nothing more, others may what they could, and undo gives it back', async () => {
  const { kubernetes } = cluster
  const thief = await cluster.withRights('thief', [
    { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] },
  ])
  const bystander = await cluster.withRights('bystander', [])
  const shared = await bind('shared', [subjectOf('bystander'), subjectOf('thief')])
  const user = await bind('user', [
    {
      kind: 'User',
      name: 'system:serviceaccount:default:thief',
      apiGroup: 'rbac.authorization.k8s.io',
    },
  ])
  await eventually(() => thief.can(right), Boolean)
  const call = callOf(revoke, { alert: alertAs('thief'), kubernetes })
  const plan = await revoke.plan(call)
  expect(plan.detail).toContain(
    'remove service account default/thief from rolebinding default/shared, rolebinding default/user, clusterrolebinding thief',
  )
  expect(plan.detail).toContain('clusterrolebinding system:discovery')
  expect(await thief.can(right)).toBe(true)

  const effect = await planned(revoke, call)
  await revoke.run(call, effect)
  await revoke.run(call, effect)
  expect(await revoke.verify?.(call, effect)).toBe(true)
  await eventually(
    () => thief.can(right),
    (may) => !may,
  )
  await eventually(() => bystander.can(right), Boolean)
  expect(await subjects(shared)).toEqual([subjectOf('bystander')])
  expect(await revoke.plan(call)).toMatchObject({ kind: 'already_done' })

  // A binding that is gone is no reason not to restore the others.
  await kubernetes.delete(referenceTo(user))
  const undone = await revoke.undo?.(undoing(call), effect)
  expect(undone?.detail).toBe(
    'put service account default/thief back into rolebinding default/shared, clusterrolebinding thief',
  )
  expect(await subjects(shared)).toEqual([subjectOf('bystander'), subjectOf('thief')])
  await eventually(() => thief.can(right), Boolean)
})

test('a binding whose subjects somebody changed since keeps all of them back', async () => {
  const { kubernetes } = cluster
  const one = await bind('one', [subjectOf('worker')])
  const other = await bind('other', [subjectOf('worker')])
  const call = callOf(revoke, { alert: alertAs('worker'), kubernetes })
  const effect = await planned(revoke, call)
  await revoke.run(call, effect)
  const added = [subjectOf('newcomer')]
  await kubernetes.patch(referenceTo(other), [{ op: 'add', path: '/subjects', value: added }])
  await expect(revoke.undo?.(undoing(call), effect)).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('was changed since'),
  })
  expect([await subjects(one), await subjects(other)]).toEqual([undefined, added])
  expect(await revoke.verify?.(call, effect)).toBe(false)
})

test("an account of Riposte's own namespace is refused", async () => {
  const { kubernetes } = cluster
  const alert = podAlert({ namespace: testSettings.namespace, serviceAccount: 'x', owners: [] })
  await expect(revoke.plan(callOf(revoke, { alert, kubernetes }))).rejects.toMatchObject({
    code: 'refused',
  })
})
