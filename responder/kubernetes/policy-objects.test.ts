import { expect } from '@jest/globals'
import { type ControlPlane, startControlPlane } from '../../e2e/cluster/control-plane.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import { share } from '../../e2e/support/shared.ts'
import { needs } from '../../scripts/needs.ts'
import { customResourceDefinitions } from '../policy/crds.ts'
import { sampleAlert } from '../policy/alert.sample.ts'
import { type Sample, startSample } from '../start.sample.ts'

const test = needs('cluster', 'redis')

let cluster: ControlPlane
let sample: Sample

share(['cluster', 'redis'], async (stack) => {
  cluster = stack.use(await startControlPlane())
  for (const definition of customResourceDefinitions())
    await cluster.apply(JSON.stringify(definition))
  await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all'])
  await cluster.kubectl(['create', 'namespace', 'riposte'])
  const kubernetes = { kubeconfig: cluster.kubeconfig.path, namespace: 'riposte' }
  sample = stack.use(await startSample({}, { kubernetes, policyResources: true }))
})

const policy = (name: string, mode: string, rung: object) =>
  JSON.stringify({
    apiVersion: 'riposte.dev/v1alpha1',
    kind: 'ClusterResponsePolicy',
    metadata: { name },
    spec: { mode, match: { rules: { names: [name] } }, ladder: [rung] },
  })

const shown = (what: string) =>
  cluster.kubectl(['get', ...what.split(' '), '--no-headers']).then((text) => text.trim())

const eventuallyShown = (what: string, wanted: RegExp) =>
  eventually(
    () => shown(what),
    (text) => wanted.test(text),
  )

test('kubectl shows whether a policy acts, and why it does not', async () => {
  await cluster.apply(policy('calm', 'audit', { name: 'tell', do: ['notify_security_team'] }))
  await cluster.apply(policy('sharp', 'enforce', { name: 'tell', do: ['notify_security_team'] }))
  await eventuallyShown('crpol calm', /^calm\s+audit\s+Audit\s/)
  await eventuallyShown('crpol sharp', /^sharp\s+enforce\s+Enforced\s/)
  const { body } = await sample.call('GET', '/v1/policies')
  expect(body.policies.map(({ name }: { name: string }) => name)).toEqual(
    expect.arrayContaining(['calm', 'sharp']),
  )

  await cluster.apply(policy('calm', 'audit', { name: 'tell', do: ['notify_securty_team'] }))
  await eventuallyShown(
    'crpol calm -o wide',
    /Invalid\s.*did you mean notify_security_team\?; the version before it stays in force/,
  )
})

test('a question to people is an object while it is open', async () => {
  await cluster.apply(
    policy('gated', 'enforce', {
      name: 'tell',
      do: ['notify_security_team'],
      approve: { quorum: 2 },
    }),
  )
  await eventuallyShown('crpol gated', /Enforced/)
  await sample.responder.core.takeAlerts([sampleAlert({ rule: 'gated' })])
  await eventuallyShown('approvals -n riposte', /notify_security_team\s.*pending\s+0\/2/)

  const { body } = await sample.call('GET', '/v1/approvals?status=pending')
  const [{ id }] = body.approvals
  await sample.call('POST', `/v1/approvals/${id}/votes`, { choice: 'deny', reason: 'a test' })
  await eventuallyShown('approvals -n riposte', /^$/)
})
