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
  expect(covers(podAlert({ namespace: 'kube-system' }))).toBe('namespace kube-system')
  expect(covers(podAlert({ namespace: 'riposte' }))).toBe('namespace riposte')
  expect(covers(podAlert({ priorityClass: 'system-node-critical' }))).toBe(
    'priority class system-node-critical',
  )
})

test('a protected namespace does not protect the node that its pod runs on', () => {
  const alert = podAlert({ namespace: 'kube-system' })
  const step = { target: targetFor('node', alert) } as Step
  expect(protectNamespace('guard', 'kube-system').covers(alert, step)).toBe(false)
})
