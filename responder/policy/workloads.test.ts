import { expect, test } from '@jest/globals'
import type { Alert } from '../../contract/alert.ts'
import { protectNamespace, kubernetesGuard } from '../gates/guard-kubernetes.ts'
import type { Step } from '../step.ts'
import { podAlert, sampleAlert } from './alert.sample.ts'
import { loadPolicies } from './load.ts'
import { matchPolicy } from './match.ts'
import { actions } from '../actions/index.ts'
import { targetFor } from './target.ts'

function policy(match: string, kind = 'ClusterResponsePolicy', metadata = 'name: p') {
  const text = `apiVersion: riposte.dev/v1alpha1
kind: ${kind}
metadata: { ${metadata} }
spec:
  match:
    rules: { minPriority: Debug }
    ${match}
  ladder: [{ name: tell, do: [notify_security_team] }]
`
  const loaded = loadPolicies([{ name: 'p.yaml', text }], actions)
  const [found] = loaded.set?.policies ?? []
  if (found === undefined) throw new Error(JSON.stringify(loaded.problems))
  return found
}

const isSelected = (match: string, alert: Alert) => matchPolicy(policy(match), alert).isMatch

test('a policy for some namespaces is about no others, and about nothing on the host', () => {
  const match = 'workloads: { namespaces: [shop] }'
  expect(isSelected(match, podAlert())).toBe(true)
  expect(isSelected(match, podAlert({ namespace: 'bank' }))).toBe(false)
  expect(isSelected(match, sampleAlert())).toBe(false)
})

const by = (selector: string) => isSelected(`workloads: { selector: ${selector} }`, podAlert())

test('an audit alert is about the namespace of its object, and has no labels to select by', () => {
  const object = {
    apiGroup: '',
    apiVersion: 'v1',
    resource: 'configmaps',
    subresource: null,
    namespace: 'shop',
    name: 'web',
    uid: null,
  }
  const alert = sampleAlert({ place: null, object })
  expect(isSelected('workloads: { namespaces: [shop] }', alert)).toBe(true)
  expect(isSelected('workloads: { namespaces: [bank] }', alert)).toBe(false)
  expect(isSelected('workloads: { selector: {} }', alert)).toBe(false)
})

test('labels select as Kubernetes selects', () => {
  expect(by('{ matchLabels: { app: web } }')).toBe(true)
  expect(by('{ matchLabels: { app: web, tier: back } }')).toBe(false)
  expect(by('{ matchExpressions: [{ key: tier, operator: In, values: [front] }] }')).toBe(true)
  expect(by('{ matchExpressions: [{ key: tier, operator: NotIn, values: [front] }] }')).toBe(false)
  expect(by('{ matchExpressions: [{ key: env, operator: NotIn, values: [prod] }] }')).toBe(true)
  expect(by('{ matchExpressions: [{ key: env, operator: Exists }] }')).toBe(false)
  expect(by('{ matchExpressions: [{ key: constructor, operator: DoesNotExist }] }')).toBe(true)
})

test('excluded pods and namespaces are left out whatever else selects them', () => {
  expect(
    isSelected('workloads: { excludeSelector: { matchLabels: { app: web } } }', podAlert()),
  ).toBe(false)
  expect(isSelected('workloads: { excludeNamespaces: [shop] }', podAlert())).toBe(false)
})

test("a tenant's policy is about its own namespace alone, and named with it", () => {
  const own = policy('condition: null', 'ResponsePolicy', 'name: p, namespace: shop')
  expect(own.name).toBe('shop/p')
  expect(matchPolicy(own, podAlert()).isMatch).toBe(true)
  expect(matchPolicy(own, podAlert({ namespace: 'bank' })).why).toBe('it is not in namespace shop')
})

test('the workload is the last owner, by name where only that is known', () => {
  expect(targetFor('workload', podAlert())).toMatchObject({
    uid: 'Deployment/shop/web',
    name: 'deployment shop/web',
    namespace: 'shop',
  })
  expect(targetFor('workload', podAlert({ owners: [] }))).toBeUndefined()
  expect(targetFor('pod', podAlert())).toMatchObject({ uid: 'pod-uid', name: 'pod shop/web-0' })
})

test('nothing in kube-system, of a system class or of Riposte itself is acted on', () => {
  const guard = kubernetesGuard('riposte')
  const covers = (alert: Alert) => {
    const target = targetFor('pod', alert)
    const step = { target } as Step
    return guard.find((entry) => entry.covers(alert, step))?.name ?? null
  }
  expect(covers(podAlert())).toBeNull()
  for (const namespace of ['kube-system', 'kube-public', 'kube-node-lease'])
    expect(covers(podAlert({ namespace }))).toBe(`namespace ${namespace}`)
  expect(covers(podAlert({ namespace: 'riposte' }))).toBe('namespace riposte')
  for (const priorityClass of ['system-node-critical', 'system-cluster-critical'])
    expect(covers(podAlert({ priorityClass }))).toBe(`priority class ${priorityClass}`)
})

test('a namespace is protected as the place of the alert and as that of the target', () => {
  const entry = protectNamespace('guard', 'bank')
  const covers = (of: string, target: string) =>
    entry.covers(podAlert({ namespace: of }), {
      target: { ...targetFor('pod', podAlert()), namespace: target },
    } as Step)
  expect([covers('bank', 'shop'), covers('shop', 'bank'), covers('shop', 'shop')]).toEqual([
    true,
    true,
    false,
  ])
})

test('what protects a pod does not protect the node that it runs on', () => {
  const alert = podAlert({ namespace: 'kube-system', priorityClass: 'system-node-critical' })
  const step = { target: targetFor('node', alert) } as Step
  expect(kubernetesGuard('riposte').some((entry) => entry.covers(alert, step))).toBe(false)
})
