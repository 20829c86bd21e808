import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from '@jest/globals'
import { KubeConfig } from '@kubernetes/client-node'
import { parse } from 'yaml'
import { type ControlPlane, startControlPlane } from '../../e2e/cluster/control-plane.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import { share } from '../../e2e/support/shared.ts'
import { needs } from '../../scripts/needs.ts'
import { actions } from '../actions/index.ts'
import { customResourceDefinitions } from '../policy/crds.ts'
import { type PolicyResources, watchPolicyResources } from './policy-resources.ts'

const test = needs('cluster')

let cluster: ControlPlane
let config: KubeConfig
const directory = mkdtempSync(join(tmpdir(), 'policy-resources-'))

share(['cluster'], async (stack) => {
  cluster = stack.use(await startControlPlane())
  for (const definition of customResourceDefinitions())
    await cluster.apply(JSON.stringify(definition))
  await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all'])
  config = new KubeConfig()
  config.loadFromFile(cluster.kubeconfig.path)
})
afterAll(() => {
  rmSync(directory, { recursive: true, force: true })
})

const watched = (name: string) =>
  watchPolicyResources({
    config,
    actions,
    lastGoodFile: join(directory, name),
    onChange: () => undefined,
  })

const policy = (name: string, step: string, kind = 'ClusterResponsePolicy', namespace?: string) =>
  JSON.stringify({
    apiVersion: 'riposte.dev/v1alpha1',
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    spec: {
      mode: 'enforce',
      match: { rules: { tags: ['mitre_impact'] } },
      ladder: [{ name: 'tell', do: [step] }],
    },
  })

const names = (resources: PolicyResources) => resources.set().policies.map(({ name }) => name)

test('the definitions that the chart ships are the ones of the schemas', () => {
  for (const definition of customResourceDefinitions()) {
    const file = new URL(
      `../../charts/riposte/files/crds/${definition.metadata.name}.yaml`,
      import.meta.url,
    )
    expect(parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(definition)))
  }
})

test('a misspelt key is refused by the API server before anybody reads it', async () => {
  const misspelt = JSON.parse(policy('wrong', 'notify'))
  misspelt.spec.correlate = { windw: '5m' }
  await expect(
    cluster.kubectl(['create', '-f', '-'], { input: JSON.stringify(misspelt) }),
  ).rejects.toThrow(/unknown field "spec.correlate.windw"/)
})

const inForce = (resources: PolicyResources, wanted: readonly string[]) =>
  eventually(
    () => Promise.resolve(names(resources)),
    (found) => JSON.stringify(found.toSorted()) === JSON.stringify(wanted),
  )

test('policies come into force when they are applied and go when they are deleted', async () => {
  await using resources = await watched('coming')
  await cluster.apply(policy('miners', 'notify_security_team'))
  await cluster.apply(policy('miners', 'notify_security_team', 'ResponsePolicy', 'default'))
  await inForce(resources, ['default/miners', 'miners'])
  await cluster.kubectl(['delete', 'responsepolicy', 'miners', '-n', 'default'])
  await inForce(resources, ['miners'])
  await cluster.kubectl(['delete', 'clusterresponsepolicy', 'miners'])
  await inForce(resources, [])
})

test("one tenant's mistake leaves the others and its own last version in force", async () => {
  await using resources = await watched('mistakes')
  await cluster.apply(policy('steady', 'notify_security_team'))
  await cluster.apply(policy('shaky', 'notify_security_team'))
  await inForce(resources, ['shaky', 'steady'])
  const actionOfShaky = () =>
    resources.set().policies.find(({ name }) => name === 'shaky')?.ladder[0]?.actions[0]?.name
  await cluster.apply(policy('shaky', 'capture_snapshot'))
  await eventually(
    () => Promise.resolve(actionOfShaky()),
    (name) => name === 'capture_snapshot',
  )
  await cluster.apply(policy('shaky', 'capture_snapshat'))
  const shaky = await eventually(
    () =>
      Promise.resolve(
        resources.objects().find(({ object }) => object.metadata.name === 'shaky')?.problems,
      ),
    (problems) => problems !== undefined && problems.length > 0,
  )
  expect(shaky?.[0]?.message).toContain('did you mean capture_snapshot?')
  expect(names(resources).toSorted()).toEqual(['shaky', 'steady'])
  expect(actionOfShaky()).toBe('capture_snapshot')
  expect(resources.degraded()).toEqual([
    'ClusterResponsePolicy shaky is wrong; kubectl shows why in its status',
  ])

  await using restarted = await watched('mistakes')
  expect(names(restarted).toSorted()).toEqual(['shaky', 'steady'])

  // What is made anew under the name of a deleted one has no version before it.
  await cluster.kubectl(['delete', 'clusterresponsepolicy', 'shaky'])
  await inForce(restarted, ['steady'])
  expect(readFileSync(join(directory, 'mistakes'), 'utf8')).not.toContain('shaky')
})
